import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.findings import Where
from evaltoolkit.framework.indicator import Rule
from evaltoolkit.submissions.parts import check_number, check_text
from evaltoolkit.submissions.personal import find_personal
from evaltoolkit.submissions.references import parse_area, parse_cell, parse_target, write_cell
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.submissions.validate import check_plausibility, check_rules

HERE = Where("form.xlsx", unit="11001", period="2025")
NAN = float("nan")


def answer(field, value, period="2025", text=""):
    indicator, part = field.split(".")
    return StoredValue(period, indicator, part, value, text, "registered", "Form", f"C{len(field)}", 1)


def codes(answers, framework):
    findings, faulty = check_rules(answers, framework, HERE)
    return [(f.code, f.where.period, dict(f.facts)) for f in findings], faulty


def test_a_broken_sum_is_found_in_its_own_period(framework):
    answers = [
        answer(f"GOV-08.{part}", value, period)
        for period, values in {"2025": (9, 5, 4), "2024": (9, 8, 4)}.items()
        for part, value in zip(("total", "case", "strategic"), values, strict=True)
    ]
    found, faulty = codes(answers, framework)
    said = "GOV-08.case + GOV-08.strategic <= GOV-08.total"
    assert found == [("rule.meetings_add_up", "2024", {"left": 12, "right": 9, "rule": said})]
    assert faulty == {("2024", "GOV-08", part) for part in ("total", "case", "strategic")}


def test_a_rule_with_a_missing_side_is_not_judged(framework):
    answers = [answer("GOV-08.total", 1.0), answer("GOV-08.case", 5.0), answer("GOV-08.strategic", NAN)]
    assert codes(answers, framework) == ([], set())
    assert codes(answers[:2], framework) == ([], set())


@pytest.mark.parametrize(("active", "total", "asked"), [(1.0, 0.0, True), (1.0, 1.0, False), (0.0, 0.0, False)])
def test_a_condition_decides_and_a_question_keeps_the_value(framework, active, total, asked):
    found, faulty = codes([answer("GOV-02.active", active), answer("GOV-08.total", total)], framework)
    assert [code for code, *_ in found] == (["rule.active_meets"] if asked else [])
    assert faulty == set()


def test_a_condition_on_a_choice_compares_codes(framework):
    rule = Rule(code="rule.x", severity="error", left="GOV-08.total", op="==", right="0", when="COMP-01.chair == mayor")
    own = framework.model_copy(update={"rules": (rule,)})
    chair = answer("COMP-01.chair", NAN, text="mayor")
    said = {"left": 2, "right": 0, "rule": "GOV-08.total == 0 (COMP-01.chair == mayor)"}
    assert codes([answer("GOV-08.total", 2.0), chair], own)[0] == [("rule.x", "2025", said)]
    police = answer("COMP-01.chair", NAN, text="police")
    assert codes([answer("GOV-08.total", 2.0), police], own) == ([], set())


def test_sums_of_decimals_are_not_broken_by_rounding(framework):
    rule = Rule(code="rule.x", severity="error", left="CAP-01.hours + 0.2", op="<=", right="0.3")
    own = framework.model_copy(update={"rules": (rule,)})
    assert codes([answer("CAP-01.hours", 0.1)], own) == ([], set())
    assert codes([answer("CAP-01.hours", 0.11)], own)[0]


@pytest.mark.parametrize(
    ("now", "before", "asked"),
    [
        (100.0, (10.0, 11.0, 12.0), True),
        (54.0, (10.0, 11.0, 12.0), False),
        (0.0, (30.0, 40.0), True),
        (9.0, (0.0, 0.0), False),
        (11.0, (0.0, 0.0), True),
        (100.0, (), False),
        (100.0, (NAN,), False),
    ],
)
def test_numbers_unlike_earlier_years_are_asked_about(now, before, asked):
    field = "GOV-08.total"
    answers = [answer(field, now), *(answer(field, value, str(2024 - i)) for i, value in enumerate(before))]
    findings = check_plausibility(answers, "2025", HERE)
    assert [(f.code, f.severity) for f in findings] == ([("value.unlike_earlier", "question")] if asked else [])


def test_limits_of_parts(framework):
    count, hours = framework.by_id["GOV-08"].part("case"), framework.by_id["CAP-01"].part("hours")
    assert [code for code, _ in check_number(count, -1.5)] == ["value.not_whole", "value.below_minimum"]
    assert check_number(count, 0.0) == []
    assert check_number(hours, 2000.0) == []
    assert check_number(hours, 2000.5) == [("value.above_maximum", {"value": 2000.5, "limit": 2000.0})]
    assert [code for code, _ in check_number(hours, float("inf"))] == ["value.not_finite"]
    chair, members = (framework.by_id["COMP-01"].part(name) for name in ("chair", "members"))
    assert check_text(members, "mayor;police") == []
    assert [check_text(part, text) != [] for part, text in ((chair, "mayor;police"), (members, "mayor;mayor"))] == [
        True
    ] * 2
    assert check_text(framework.by_id["CAP-05"].part("end"), "2025-3") != []


@given(st.integers(0, 999_999_999), st.sampled_from(["", "2"]))
def test_every_valid_national_number_is_seen_in_all_spellings(body, century):
    digits = f"{body:09d}"
    check = 97 - int(century + digits) % 97
    full = f"{digits}{check:02d}"
    dotted = f"{full[:2]}.{full[2:4]}.{full[4:6]}-{full[6:9]}.{full[9:]}"
    for text in (full, dotted, f"geval {dotted}, zie nota"):
        assert find_personal(text) in ("national_number", "phone" if text[0] == "0" else "national_number")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("bel 0475/12.34.56", "phone"),
        ("+32 2 123 45 67", "phone"),
        ("00 32 475 12 34 56", "phone"),
        ("01/02/2025 10:30", None),
        ("jan.peeters@example.org", "email"),
        ("Drie vergaderingen in 2024 en 12 in 2025", None),
        ("1 234 567", None),
        ("2025-03-01/2025-06-30", None),
        ("85.07.30-033.29", None),
        ("@ 10 uur", None),
        ("", None),
    ],
)
def test_personal_patterns(text, kind):
    assert find_personal(text) == kind


@given(st.integers(1, 1_048_576), st.integers(1, 16_384))
def test_references_go_both_ways(row, column):
    assert parse_cell(write_cell(row, column)) == (row, column)


def test_targets_and_areas():
    assert parse_target("'L''année 1'!$C$7") == ("L'année 1", (7, 3))
    assert parse_target("Form!C7") == ("Form", (7, 3))
    assert [parse_target(text) for text in ("#REF!", "Form!#REF!", "", "Form!$A$1:$B$2")] == [None] * 4
    assert parse_area("B2:D3") == ((2, 2), (3, 4))
    assert parse_area("B2:") == ((2, 2), (2, 2))
    assert parse_area("nothing") is None
