"""The grade is the lowest cap that fires; nothing raises it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.checks.registry import Check
from evaltoolkit.evaluations.facts import check_facts
from evaltoolkit.evaluations.grade import CERTAINTIES, grade_facts, grade_rules
from evaltoolkit.i18n import LANGUAGES, words

CLEAN = {
    "randomised": 1,
    "pre_periods": 3,
    "treated_clusters": 60,
    "interval_defined": 1,
    "self_recorded": 0,
    "detection_undeclared": 0,
    "response_gap_points": 2,
    "failed.pretrends": 0,
    "pretrend_informative": 1,
    "failed.leave_one_out": 0,
    "failed.refuters": 0,
    "failed.sensitivity": 0,
    "failed.reconstructed": 0,
    "failed.spillover": 0,
    "failed.anticipation": 0,
    "failed.concurrent": 0,
    "failed.agreement": 0,
    "failed.shared_cells": 0,
    "failed.merged": 0,
    "failed.missing_answers": 0,
    "failed.attrition": 0,
    "failed.dormant": 0,
    "failed.composition": 0,
    "one_of_many": 0,
    "per_dose": 0,
    "rests_on_reconstructed": 0,
    "interval_holds_null_and_relevant": 0,
    "incidence_open": 0,
    "harm_examined": 1,
    "spillover_likely": 0,
    "exploratory": 0,
    "deviation": 0,
    "overridden": 0,
    "checks_left_out": 0,
}


def grade(**changes):
    facts = CLEAN | changes
    return grade_facts(facts, randomised=facts["randomised"] == 1, compared=True)


def test_only_a_clean_randomised_roll_out_is_high():
    assert grade().certainty == "high"
    assert grade().maryland == 5
    assert grade(randomised=0).certainty == "moderate"
    assert grade(randomised=0).maryland == 3


@pytest.mark.parametrize(
    ("change", "cap"),
    [
        ({"pre_periods": 1}, "low"),
        ({"treated_clusters": 4}, "low"),
        ({"treated_clusters": 1}, "very_low"),
        ({"self_recorded": 1}, "low"),
        ({"response_gap_points": 10.5}, "low"),
        ({"failed.sensitivity": 1}, "moderate"),
        ({"harm_examined": 0}, "low"),
        ({"failed.spillover": 1}, "low"),
        ({"one_of_many": 1}, "low"),
        ({"detection_undeclared": 1}, "very_low"),
        ({"overridden": 1}, "very_low"),
    ],
)
def test_caps_of_practice(change, cap):
    assert grade(**change).certainty == cap


def test_a_quiet_pretest_never_raises_and_an_unknown_fact_never_caps():
    assert (
        grade(randomised=0, **{"failed.pretrends": 0}).certainty
        == grade(randomised=0, **{"failed.pretrends": math.nan}).certainty
    )
    assert grade(**dict.fromkeys(("failed.pretrends", "failed.refuters"), math.nan)).certainty == "high"


@given(st.dictionaries(st.sampled_from(sorted(CLEAN)), st.sampled_from([0.0, 1.0, 4.0, 12.0])))
def test_certainty_is_the_lowest_cap(changes):
    result = grade(**changes)
    caps = [CERTAINTIES.index(reason.cap) for reason in result.reasons]
    assert CERTAINTIES.index(result.certainty) == min(caps, default=CERTAINTIES.index("high"))


def test_every_rule_is_fed_and_said_in_every_language():
    for rule in grade_rules():
        assert rule["fact"] in CLEAN
        for language in LANGUAGES:
            assert words(language).has(f"grade.{rule['id']}")
            assert words(language).has(f"grade.{rule['id']}.lift")


def seen(name, verdict, p_value=math.nan):
    return Check(name, "assumption.x", verdict, f"check.{name}.x", p_value=p_value)


def test_what_one_of_many_checks_sees_by_chance_lowers_nothing():
    quiet = [seen("agreement", True, 0.4), seen("concurrent", True, 0.7), seen("merged", True, 0.2)]
    by_chance = check_facts([*quiet, seen("spillover", False, 0.03)], randomised=False)
    clear = check_facts([*quiet, seen("spillover", False, 0.003)], randomised=False)
    assert (by_chance["failed.spillover"], clear["failed.spillover"]) == (0, 1)
    assert check_facts([seen("spillover", False, 0.03)], randomised=False)["failed.spillover"] == 1


def test_a_check_without_a_p_value_is_taken_at_its_word():
    facts = check_facts([seen("leave_one_out", False), seen("spillover", True, 0.9)], randomised=False)
    assert (facts["failed.leave_one_out"], facts["failed.spillover"]) == (1, 0)
    assert "failed.merged" not in check_facts([seen("merged", None)], randomised=False)


def test_after_a_lot_trends_are_parallel_but_for_chance():
    checks = [seen("sensitivity", False), seen("pretrends", None)]
    chosen, drawn = (check_facts(checks, randomised=lot) for lot in (False, True))
    assert (chosen["failed.sensitivity"], chosen["pretrend_informative"]) == (1, 0)
    assert "failed.sensitivity" not in drawn
    assert math.isnan(drawn["pretrend_informative"])
