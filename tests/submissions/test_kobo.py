"""Exports of Kobo and ODK, read back: the values that went in, and every fault at its cell."""

import json

import pytest
from framework_sample import sample_framework
from kobo_sample import grouped, record, survey_of, write_csv, write_xlsx

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.kobo import read_kobo
from evaltoolkit.submissions.xlsform_fields import NONE_CODE, UNIT

SAMPLE = sample_framework()
SURVEY = survey_of(SAMPLE)
ANSWERED = ["unit_kind", "unit", "period", "indicator", "part", "value", "text", "status", "wording"]


def values():
    base = {"unit_kind": "livc_r", "unit": "Z01", "source": "t", "wording": 1, "text": "", "value": float("nan")}
    base |= {"status": "registered", "period": "2025"}
    return value_table(
        [
            {**base, "indicator": "GOV-08", "part": "total", "value": 9.0},
            {**base, "indicator": "GOV-08", "part": "case", "value": 5.0},
            {**base, "indicator": "GOV-08", "part": "strategic", "status": "DK"},
            {**base, "indicator": "GOV-02", "part": "active", "value": 1.0},
            {**base, "indicator": "CAP-01", "part": "hours", "value": 12.5},
            {**base, "indicator": "CAP-05", "part": "end", "text": "2025-03"},
            {**base, "indicator": "COMP-01", "part": "members", "text": "mayor;police"},
            {**base, "indicator": "COMP-01", "part": "chair", "text": "mayor"},
            {**base, "indicator": "GOV-08", "part": "total", "value": 7.0, "period": "2024", "status": "reconstructed"},
            {**base, "indicator": "COMP-01", "part": "members", "period": "2024"},
        ]
    )


def one(**more):
    return record(SURVEY, values(), "livc_r", "Z01", **more)


def answers(table):
    return table[ANSWERED].sort_values(["period", "indicator", "part"], ignore_index=True)


def codes(findings):
    return [(finding.code, finding.where.cell, finding.where.indicator) for finding in findings]


@pytest.mark.parametrize("mark", ["", "/", "-"])
@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_csv_comes_back_with_or_without_groups(tmp_path, mark, delimiter):
    path = write_csv(
        tmp_path / "e.csv",
        [one(_id="7", _submitted_by="jan")],
        delimiter=delimiter,
        rename=(lambda name: grouped(SURVEY, name, mark)) if mark else (lambda name: name),
    )
    table, findings = read_kobo(path, framework=SAMPLE)
    assert answers(table).equals(answers(values()))
    assert findings == ()
    assert set(table["source"].str.startswith("csv:")) == {True}
    assert set(table["source"].str.endswith("/row 2")) == {True}


def test_a_workbook_and_records_come_back(tmp_path):
    table, findings = read_kobo(write_xlsx(tmp_path / "e.xlsx", [one()]), framework=SAMPLE)
    assert (answers(table).equals(answers(values())), findings) == (True, ())
    path = tmp_path / "e.json"
    path.write_text(json.dumps([{k: v for k, v in one().items() if v != ""}]), encoding="utf-8")
    table, findings = read_kobo(path, framework=SAMPLE)
    assert (answers(table).equals(answers(values())), findings) == (True, ())


def test_a_split_multiple_choice_is_put_together(tmp_path):
    name = "COMP_01__members__2025"
    split = {k: v for k, v in one().items() if k != name}
    split |= {f"{name}/police": "1", f"{name}/mayor": "1", f"{name}/{NONE_CODE}": "0"}
    table, findings = read_kobo(write_csv(tmp_path / "e.csv", [split]), framework=SAMPLE)
    assert (answers(table).equals(answers(values())), findings) == (True, ())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"GOV_08__total__2025": "9.5"}, "value.not_whole"),
        ({"GOV_08__total__2025": "many"}, "value.not_a_number"),
        ({"CAP_01__hours__2025": "2001"}, "value.above_maximum"),
        ({"GOV_02__active__2025": "maybe"}, "value.not_yes_no"),
        ({"CAP_05__end__2025": "March"}, "value.not_month"),
        ({"COMP_01__members__2025": "mayor king"}, "value.unknown_option"),
        ({"COMP_01__members__2025": f"mayor {NONE_CODE}"}, "value.unknown_option"),
        ({"COMP_01__chair__2025": "king"}, "value.unknown_option"),
        ({"GOV_08__case__2025": "5", "GOV_08__case__2025__s": "DK"}, "value.with_missing_status"),
        ({"CAP_01__hours__2025": "", "CAP_01__hours__2025__s": "reconstructed"}, "status.reconstructed_without_value"),
        ({"CAP_01__hours__2025__s": "soon", "CAP_01__hours__2025": ""}, "status.unknown"),
        ({"CAP_01__hours__2025": ""}, "value.blank"),
    ],
)
def test_faults_are_told_at_their_cell_and_keep_the_value_out(tmp_path, changes, code):
    table, findings = read_kobo(write_csv(tmp_path / "e.csv", [{**one(), **changes}]), framework=SAMPLE)
    name = next(iter(changes))
    question = SURVEY.by_name[name.removesuffix("__s")]
    assert [(f.code, f.where.indicator) for f in findings] == [(code, question.indicator.id)]
    assert findings[0].where.cell[-1] == "2"
    found = table[(table["indicator"] == question.indicator.id) & (table["part"] == question.part.id)]
    assert "2025" not in set(found["period"])
    assert len(table) == len(values()) - 1


def test_broken_rules_keep_the_answers_out(tmp_path):
    broken = {**one(), "GOV_08__case__2025": "8", "GOV_08__strategic__2025": "4", "GOV_08__strategic__2025__s": ""}
    table, findings = read_kobo(write_csv(tmp_path / "e.csv", [broken]), framework=SAMPLE)
    assert [finding.code for finding in findings] == ["rule.meetings_add_up"]
    assert "GOV-08" not in set(table.loc[table["period"] == "2025", "indicator"])


def test_a_later_form_takes_the_place_of_an_earlier_one(tmp_path):
    first = {**one(_submission_time="2026-01-05T10:00:00"), "CAP_01__hours__2025": "1"}
    later = one(_submission_time="2026-01-09T10:00:00")
    path = write_csv(tmp_path / "e.csv", [later, first])
    table, findings = read_kobo(path, framework=SAMPLE)
    assert answers(table).equals(answers(values()))
    assert codes(findings) == [("kobo.sent_again", "3:3", "")]
    # without a moment, the order of the file
    path = write_csv(tmp_path / "f.csv", [{k: v for k, v in f.items() if k[0] != "_"} for f in (later, first)])
    table, findings = read_kobo(path, framework=SAMPLE)
    assert table.loc[table["indicator"] == "CAP-01", "value"].tolist() == [1.0]
    assert codes(findings) == [("kobo.sent_again", "2:2", "")]


def test_a_share_of_nothing_is_not_applicable(tmp_path):
    livc = load_framework("livc-r")
    survey = survey_of(livc, form="core", agreement=True)
    fields = record(survey, value_table(), "livc_r", "Z01") | {"CASE_04__denominator__2025": "0"}
    table, findings = read_kobo(write_csv(tmp_path / "e.csv", [fields]), framework=livc)
    kept = table.set_index(["indicator", "part"])["status"].to_dict()
    assert kept == {("CASE-04", "denominator"): "registered", ("CASE-04", "numerator"): "NAP"}
    assert {finding.code for finding in findings} == {"value.blank"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({UNIT: ""}, "kobo.no_unit"),
        ({UNIT: "Z01"}, "kobo.no_unit"),
        ({"etk_framework_version": "v9"}, "kobo.other_form"),
        ({"etk_digest": "0"}, "kobo.other_form"),
        ({"etk_form": "core"}, "kobo.other_form"),
        (dict.fromkeys(SURVEY.by_name, "") | {f"{name}__s": "" for name in SURVEY.by_name}, "form.empty"),
    ],
)
def test_rows_that_are_no_answers(tmp_path, changes, code):
    table, findings = read_kobo(write_csv(tmp_path / "e.csv", [{**one(), **changes}]), framework=SAMPLE)
    assert table.empty
    assert [finding.code for finding in findings] == [code]


def test_a_table_with_labels_for_heads_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("Number of meetings;Unit\n3;Z01\n", encoding="utf-8")
    table, findings = read_kobo(path, framework=SAMPLE)
    assert table.empty
    assert [finding.code for finding in findings] == ["kobo.not_an_export"]
    for language in LANGUAGES:
        assert "XML" in words(language).say("kobo.not_an_export.remedy")
