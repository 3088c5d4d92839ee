"""The XLSForm: pyxform takes it without a warning, and its conditions say what the rules say."""

import re

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kobo_sample import survey_of
from pyxform.xls2xform import convert

from evaltoolkit.findings import Where
from evaltoolkit.framework.indicator import Rule
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.submissions.switch import NAMES
from evaltoolkit.submissions.validate import check_rules
from evaltoolkit.submissions.xlsform import write_xlsform
from evaltoolkit.submissions.xlsform_fields import NONE_CODE, UNIT
from evaltoolkit.submissions.xpath import bearer, broken_when, limits_of, names_in, not_nothing, status_fits

LIVC = load_framework("livc-r")
RESPONDENTS = pd.DataFrame(
    {
        "unit_kind": ["livc_r", "municipality"],
        "unit": ["Z01", "11002"],
        "name": ["LIVC-R Noord", ""],
        "members": ["11001;11002", "11002"],
    }
)


def write(folder, form="starter", framework=LIVC, **options):
    options = {"period": 2025, "earlier": (2024, 2023), "respondents": RESPONDENTS, "agreement": True, **options}
    return write_xlsform(framework, folder / f"{form}.xlsx", form=form, **options)


def rows(path, sheet):
    head, *lines = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [{name: cell for name, cell in zip(head, line, strict=True) if cell is not None} for line in lines]


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return write(tmp_path_factory.mktemp("x"), "core")


@pytest.mark.parametrize("form", LIVC.form_names)
def test_pyxform_takes_every_form_without_a_warning(tmp_path, form):
    told = convert(xlsform=str(write(tmp_path, form)))
    assert told.warnings == []
    for language in LANGUAGES:
        assert f'lang="{NAMES[language]} ({language})"' in told.xform
    # every question and every status is in what the phone gets
    for question in survey_of(LIVC, earlier=("2024", "2023"), form=form, agreement=True).questions:
        assert f"<{question.name}/>" in told.xform
        assert f"<{question.status}/>" in told.xform


def test_one_form_has_every_language_and_every_respondent(core):
    survey, choices = rows(core, "survey"), rows(core, "choices")
    for row in survey:
        if row["type"] not in ("calculate", "end_group"):
            texts = [row[f"label::{NAMES[language]} ({language})"] for language in LANGUAGES]
            assert len(texts) == 4
    units = {row["name"]: row[f"label::{NAMES['fr']} (fr)"] for row in choices if row["list_name"] == UNIT}
    assert units == {"livc_r.Z01": "LIVC-R Noord (Z01)", "municipality.11002": "Anvers (11002)"}
    kinds = {row["name"] for row in choices if row["list_name"] == "CAP_05__kinds"}
    assert kinds == {option.code for option in LIVC.by_id["CAP-05"].part("kinds").options} | {NONE_CODE}


def test_the_same_input_gives_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    assert write(tmp_path).read_bytes() == write(tmp_path / "again").read_bytes()


def test_a_share_of_nothing_is_not_asked_and_gets_its_status(core):
    survey = {row["name"]: row for row in rows(core, "survey") if row["type"] != "end_group"}
    share = survey["CASE_04__numerator__2025"]
    assert share["relevant"] == "${CASE_04__denominator__2025} = '' or ${CASE_04__denominator__2025} != 0"
    assert survey["CASE_04__numerator__2025__s"]["relevant"] == share["relevant"]
    nap = survey["CASE_04__numerator__2025__nap"]
    assert (nap["type"], nap["calculation"]) == ("calculate", "if(${CASE_04__denominator__2025} = 0, 'NAP', '')")


def test_earlier_years_are_asked_only_where_wanted(core):
    groups = [row for row in rows(core, "survey") if row["type"] == "begin_group" and row["name"].endswith("__earlier")]
    assert len(groups) > 20
    assert {row["relevant"] for row in groups} == {"${etk_earlier_too} = 'yes'"}


def test_what_is_asked_under_an_agreement_only(tmp_path, core):
    asked = {row.get("name") for row in rows(core, "survey")}
    without = {row.get("name") for row in rows(write(tmp_path, "core", agreement=False), "survey")}
    assert "CASE_04__numerator__2025" in asked - without


def test_a_new_indicator_is_asked(tmp_path):
    new = LIVC.by_id["DET-02"].model_copy(update={"id": "DET-77"})
    forms = {"starter": LIVC.forms["starter"].model_copy(update={"indicators": ("GOV-08", "DET-77")})}
    grown = LIVC.model_copy(update={"indicators": (*LIVC.indicators, new), "forms": forms})
    grown.__dict__.pop("by_id", None)
    names = {row.get("name") for row in rows(write(tmp_path, framework=grown), "survey")}
    assert {"DET_77__value__2025", "DET_77__value__2025__s", "DET_77__value__2024"} <= names


def holds(condition, answers, own=None):
    """Work out an XPath condition of ours; ``answers`` by name, an empty text for none."""
    python = re.sub(r"\$\{(\w+)\}", r"V['\1']", condition)
    python = python.replace("count-selected", "count_selected")
    python = re.sub(r"(?<![\w'])\.(?= |,|\)|$)", "OWN", python)
    python = re.sub(r"(?<![<>!=])=(?!=)", "==", python)

    def selected(text, code):
        return code in str(text).split()

    return eval(
        python,
        {"__builtins__": {}},
        {
            "V": answers,
            "OWN": own,
            "selected": selected,
            "count_selected": lambda text: len(str(text).split()),
        },
    )


def asked_rules():
    names = survey_of(LIVC, earlier=(), form="full", agreement=True).by_name
    return [rule for rule in LIVC.rules if all(name in names for name in names_in(rule, "2025"))]


def test_every_rule_of_the_framework_can_be_asked():
    assert asked_rules() == list(LIVC.rules)


@pytest.mark.parametrize("rule", LIVC.rules, ids=lambda rule: rule.code)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_condition_is_broken_exactly_when_the_reader_says_so(rule, data):
    names = survey_of(LIVC, earlier=(), form="full", agreement=True).by_name
    shown, stored = {}, []
    for name in names_in(rule, "2025"):
        question = names[name]
        kind = question.part.type
        if kind in ("choice", "multi"):
            shown[name] = data.draw(st.sampled_from([option.code for option in question.part.options]))
            value, text = float("nan"), shown[name]
        elif kind == "yes_no":
            shown[name] = data.draw(st.sampled_from(["yes", "no"]))
            value, text = float(shown[name] == "yes"), ""
        else:
            shown[name] = data.draw(st.one_of(st.just(""), st.integers(0, 4)))
            value, text = (float("nan") if shown[name] == "" else float(shown[name])), ""
        stored.append(
            StoredValue("2025", question.indicator.id, question.part.id, value, text, "registered", "", "", 1)
        )
    only = LIVC.model_copy(update={"rules": (rule,)})
    told = bool(check_rules(stored, only, Where("f", unit="u", period="2025"))[0])
    assert holds(broken_when(rule, "2025", LIVC), shown) == told
    last = bearer(rule, "2025", list(names))
    assert holds(broken_when(rule, "2025", LIVC, last), shown, own=shown[last]) == told


def test_rules_of_both_severities_are_shown_and_errors_stop(core):
    survey = {row["name"]: row for row in rows(core, "survey") if row["type"] != "end_group"}
    shown = [name for name in survey if name.startswith("rule_")]
    assert len(shown) > 10
    strict = survey["GOV_08__strategic__2025"]
    assert "= 'dormant'" in strict["constraint"]
    # a question does not stop anybody
    assert "= 'active'" not in strict["constraint"]
    assert "= 'active'" in survey["rule_active_without_meetings__2025"]["relevant"]
    bound = survey["COMP_09__value__2025"]
    assert "${GOV_08__case__2025}" in bound["constraint"]
    assert words("fr").say("rule.social_above_all_meetings.remedy") in bound["constraint_message::Français (fr)"]
    note = survey["rule_social_above_all_meetings__2025"]
    assert "${GOV_08__case__2025} + ${GOV_08__strategic__2025}" in note["label::English (en)"]


@pytest.mark.parametrize(
    ("answer", "status", "fits"),
    [("", "DK", True), (3, "DK", False), (3, "reconstructed", True), ("", "reconstructed", False)],
)
def test_a_status_fits_its_answer(answer, status, fits):
    question = survey_of(LIVC).by_name["GOV_08__case__2025"]
    assert holds(status_fits(question), {question.name: answer}, own=status) == fits


@pytest.mark.parametrize(("answer", "fits"), [(0, True), (366, True), (367, False), (-1, False)])
def test_limits_are_those_of_the_part(answer, fits):
    condition = limits_of(survey_of(LIVC).by_name["GOV_08__case__2025"])
    assert holds(condition, {}, own=answer) == fits


def test_a_denominator_that_is_not_filled_in_hides_nothing():
    condition = not_nothing("d")
    assert [holds(condition, {"d": value}) for value in ("", 0, 4)] == [True, False, True]


def test_a_condition_on_a_multiple_choice_asks_what_was_selected():
    rule = Rule(
        code="rule.x", severity="error", left="CAP-05.hours", op=">=", right="1", when="CAP-05.kinds == coaching"
    )
    name, hours = "CAP_05__kinds__2025", "CAP_05__hours__2025"
    condition = broken_when(rule, "2025", LIVC)
    assert holds(condition, {name: "coaching other", hours: 0})
    assert not holds(condition, {name: "other", hours: 0})
