"""What is written comes back: workbook, Kobo and ODK exports, long CSV."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from framework_sample import sample_framework
from hypothesis import given, settings
from hypothesis import strategies as st
from kobo_sample import grouped, record, survey_of, write_csv, write_xlsx
from values_strategy import tables

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.form import open_form
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.kobo import read_kobo
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.long import read_long
from evaltoolkit.submissions.read import AnswerReader
from evaltoolkit.submissions.values_csv import write_values
from evaltoolkit.submissions.write import write_template

FRAMEWORKS = {"sample": sample_framework(), "livc-r": load_framework("livc-r")}
COLUMNS = ["period", "indicator", "part", "value", "text", "status", "wording"]
PERIODS = ("2025", "2024", "2023")


def questions_of(framework):
    return [
        (indicator, part, period, wording_code(indicator))
        for indicator in framework.form("starter")
        for part in indicator.parts
        for period in PERIODS
        if period == PERIODS[0] or part.earlier_years
    ]


QUESTIONS = {name: questions_of(framework) for name, framework in FRAMEWORKS.items()}


def with_shares_of_nothing(values, framework):
    """What comes back: also the status that a share of nothing gets where it was left blank."""
    known = set(zip(values["indicator"], values["part"], values["period"], strict=True))
    bases = values[(values["part"] == "denominator") & (values["value"] == 0)]
    ratios = {indicator.id for indicator in framework.indicators if indicator.value == "ratio"}
    blank = [row for row in bases.itertuples() if row.indicator in ratios]
    blank = [row for row in blank if (row.indicator, "numerator", row.period) not in known]
    more = [
        {"period": r.period, "indicator": r.indicator, "part": "numerator", "value": float("nan"), "text": "",
         "status": "NAP", "wording": r.wording}
        for r in blank
    ]  # fmt: skip
    return in_order(pd.concat([values[COLUMNS], pd.DataFrame(more, columns=COLUMNS).astype(values[COLUMNS].dtypes)]))


def in_order(values):
    return values[COLUMNS].sort_values(["period", "indicator", "part"], ignore_index=True)


@pytest.mark.parametrize("name", FRAMEWORKS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_workbook_gives_back_what_was_written(name, data):
    framework = FRAMEWORKS[name]
    values = data.draw(tables(QUESTIONS[name], "11001", "municipality"))
    language = data.draw(st.sampled_from(LANGUAGES))
    others = data.draw(st.sampled_from([(), LANGUAGES]))
    unit = ("municipality", "11001", ("11001",), "2025")
    meta = FormMeta(framework.name, framework.version, "starter", *unit, "2025", PERIODS[1:], language)
    with tempfile.TemporaryDirectory() as folder:
        path = write_template(framework, meta, Path(folder) / "form.xlsx", values=values, languages=others)
        reader = AnswerReader(open_form(guard_workbook(path), framework), framework)
    reader.read()
    assert {finding.code for finding in reader.findings} <= {"value.blank"}
    read = pd.DataFrame([{name: getattr(a, name) for name in COLUMNS} for a in reader.answers], columns=COLUMNS)
    pd.testing.assert_frame_equal(in_order(read), with_shares_of_nothing(values, framework), check_dtype=False)


@pytest.mark.parametrize("name", FRAMEWORKS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_an_export_of_kobo_or_odk_gives_back_what_was_sent(name, data):
    framework = FRAMEWORKS[name]
    survey = survey_of(framework, earlier=PERIODS[1:])
    # the rules between answers have tests of their own; here nothing may be kept out
    framework = framework.model_copy(update={"rules": ()})
    values = data.draw(tables(QUESTIONS[name]))
    mark = data.draw(st.sampled_from(["", "/", "-"]))
    sent = [record(survey, values, "livc_r", "Z01")]
    with tempfile.TemporaryDirectory() as folder:
        if data.draw(st.booleans()):
            path = write_xlsx(Path(folder) / "e.xlsx", sent)
        else:
            path = write_csv(
                Path(folder) / "e.csv", sent, rename=lambda column: grouped(survey, column, mark) if mark else column
            )
        read, findings = read_kobo(path, framework=framework)
    assert {finding.code for finding in findings} <= {"value.blank", "value.unlike_earlier"}
    pd.testing.assert_frame_equal(in_order(read), with_shares_of_nothing(values, framework))
    assert set(read["unit"]) == {"Z01"}


@pytest.mark.parametrize("name", FRAMEWORKS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_long_csv_gives_back_what_was_written(name, data):
    # a multiple choice of which nothing was chosen is empty, and a long table cannot tell that from a gap
    values = data.draw(tables(QUESTIONS[name]))
    values = values[~(values["value"].isna() & (values["text"] == "") & values["status"].str.startswith("re"))]
    with tempfile.TemporaryDirectory() as folder:
        path = write_values(values, Path(folder) / "values.csv")
        read, findings = read_long(path, source="test", framework=FRAMEWORKS[name])
    assert findings == ()
    kept = values.drop(columns="source").reset_index(drop=True)
    pd.testing.assert_frame_equal(read.drop(columns="source"), kept)
