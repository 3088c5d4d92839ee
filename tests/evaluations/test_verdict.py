"""Verdicts follow from the interval, the direction and what was declared; never from hope."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.evaluations.evaluation import Interval
from evaltoolkit.evaluations.verdict import better_direction, judge_outcome
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.plan import Outcome

FRAMEWORK = load_framework("livc-r")
BOUND = st.floats(-1, 1, allow_nan=False)


def outcome(indicator, **more):
    return Outcome(**{"indicator": indicator, "role": "primary", "smallest_relevant": 0.02, **more})


def interval(low, high):
    return Interval((low + high) / 2, low, high, 0.95)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0.03, 0.05, "improved"),
        (-0.05, -0.03, "worsened"),
        (-0.01, 0.015, "no_relevant_effect"),
        (-0.01, 0.05, "unclear"),
        (math.nan, math.nan, "not_estimable"),
    ],
)
def test_an_outcome_with_a_direction(low, high, kind):
    assert judge_outcome(outcome("TRU-01"), FRAMEWORK.by_id["TRU-01"], interval(low, high)).kind == kind


@given(
    a=BOUND,
    b=BOUND,
    direction=st.sampled_from(["up", "down", "neutral", "ambiguous"]),
    better=st.sampled_from(["up", "down", ""]),
)
def test_recorded_signals_are_never_called_better_while_detection_is_undeclared(a, b, direction, better):
    signals = FRAMEWORK.by_id["DET-02"].model_copy(update={"direction": direction})
    verdict = judge_outcome(outcome("DET-02", better=better), signals, interval(min(a, b), max(a, b)))
    assert verdict.kind not in ("improved", "worsened")


def test_an_own_measure_without_a_direction_says_so_and_nothing_of_records():
    own = Outcome(indicator="jobs", name="Jobs", role="primary", smallest_relevant=1.0)
    verdict = judge_outcome(own, None, Interval(3.0, 1.5, 4.5, 0.95))
    assert verdict.kind == "higher"
    assert said(verdict) == ["higher", "no_direction"]


def test_a_plan_cannot_give_an_ambiguous_indicator_a_direction():
    incidents = FRAMEWORK.by_id["HAR-08"].model_copy(update={"reporting": "none", "direction": "ambiguous"})
    assert better_direction(outcome("HAR-08", better="down"), incidents) == "ambiguous"


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (-0.02, 0.01, "within_margin"),
        (0.05, 0.08, "harm_possible"),
        (-0.01, 0.05, "too_weak"),
        (-0.2, -0.1, "within_margin"),
    ],
)
def test_a_guardrail_is_tested_against_its_margin(low, high, kind):
    plan = Outcome(indicator="RGT-07", role="guardrail", margin=0.03)
    assert judge_outcome(plan, FRAMEWORK.by_id["RGT-07"], interval(low, high)).kind == kind


def test_null_comes_with_what_could_have_been_seen():
    verdict = judge_outcome(outcome("TRU-01"), FRAMEWORK.by_id["TRU-01"], interval(-0.01, 0.05), mde=0.04)
    assert [code for code, _ in verdict.sentences] == [
        "verdict.unclear",
        "verdict.null_is_not_no_effect",
        "verdict.mde",
    ]
    assert verdict.sentences[0][1]["high"] == 5.0  # percentage points


@given(
    a=BOUND,
    b=BOUND,
    role=st.sampled_from(["primary", "guardrail"]),
    name=st.sampled_from(["TRU-01", "COMP-09", "RGT-07"]),
)
def test_every_verdict_can_be_said_in_every_language(a, b, role, name):
    plan = Outcome(indicator=name, role=role, smallest_relevant=0.1, margin=0.1)
    verdict = judge_outcome(plan, FRAMEWORK.by_id[name], interval(min(a, b), max(a, b)), mde=0.2)
    for language in LANGUAGES:
        for code, facts in verdict.sentences:
            sentence = words(language).say(code, **facts)
            assert "{" not in sentence
            assert not any(word in sentence.lower() for word in ("bewijs", "prouv", "beweis", "prove"))


@pytest.mark.parametrize(
    ("direction", "incidence", "kind"),
    [
        ("ambiguous", "lower", "lower"),
        ("down", "lower", "improved"),
        ("down", "higher", "worsened"),
        ("down", "undetermined", "unclear"),
    ],
)
def test_with_declared_detection_the_verdict_rests_on_incidence(direction, incidence, kind):
    signals = FRAMEWORK.by_id["DET-02"].model_copy(update={"direction": direction})
    plan = outcome("DET-02", detection_range=(1.0, 1.5))
    verdict = judge_outcome(plan, signals, interval(0.1, 0.4), incidence=incidence)
    assert verdict.kind == kind
    for language in LANGUAGES:
        assert all("{" not in words(language).say(code, **facts) for code, facts in verdict.sentences)


def said(verdict):
    return [code.removeprefix("verdict.") for code, _ in verdict.sentences]


def test_equal_records_are_not_equal_events():
    verdict = judge_outcome(outcome("DET-02"), FRAMEWORK.by_id["DET-02"], interval(-0.01, 0.015))
    assert said(verdict) == ["no_relevant_effect", "ambiguous"]


@pytest.mark.parametrize(
    ("direction", "incidence", "kind"),
    [
        ("ambiguous", "", "too_weak"),
        ("down", "", "too_weak"),
        ("down", "undetermined", "too_weak"),
        ("down", "higher", "too_weak"),
        ("down", "lower", "within_margin"),
        ("up", "higher", "within_margin"),
        ("ambiguous", "lower", "too_weak"),
    ],
)
def test_records_within_the_margin_do_not_rule_out_harm(direction, incidence, kind):
    incidents = FRAMEWORK.by_id["HAR-08"].model_copy(update={"direction": direction})
    declared = {"detection_range": (0.8, 1.5)} if incidence else {}
    guard = Outcome(indicator="HAR-08", role="guardrail", margin=0.5, **declared)
    verdict = judge_outcome(guard, incidents, interval(-0.1, 0.2), incidence=incidence)
    assert verdict.kind == kind
    assert said(verdict) == [kind, f"incidence_{incidence}" if incidence else "ambiguous"]
    survey = judge_outcome(guard, incidents.model_copy(update={"reporting": "none"}), interval(-0.1, 0.2))
    assert said(survey) == ["within_margin"]
