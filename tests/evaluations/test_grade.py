"""The grade is the lowest cap that fires; nothing raises it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    "pretrend_seen": 0,
    "pretrend_informative": 1,
    "sign_changes_without_one": 0,
    "refuter_failed": 0,
    "trends_could_overturn": 0,
    "reconstructed_changes_answer": 0,
    "rests_on_reconstructed": 0,
    "interval_holds_null_and_relevant": 0,
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
        ({"trends_could_overturn": 1}, "moderate"),
        ({"harm_examined": 0}, "low"),
        ({"detection_undeclared": 1}, "very_low"),
        ({"overridden": 1}, "very_low"),
    ],
)
def test_caps_of_practice(change, cap):
    assert grade(**change).certainty == cap


def test_a_quiet_pretest_never_raises_and_an_unknown_fact_never_caps():
    assert grade(randomised=0, pretrend_seen=0).certainty == grade(randomised=0, pretrend_seen=math.nan).certainty
    assert grade(**dict.fromkeys(("pretrend_seen", "refuter_failed"), math.nan)).certainty == "high"


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
