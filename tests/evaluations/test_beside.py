"""What stands beside an effect: other outcomes, harm, delivery, price."""

import math
from dataclasses import replace

import numpy as np
import pytest
from situation_worlds import evaluate_situation

from evaltoolkit.evaluations.beside import CHANGES, chance_hits, say_beside
from evaltoolkit.evaluations.evaluation import Interval
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.canonical import plan_digest
from evaltoolkit.reports.prose import prose_of

SPENT = 260_000.0


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    return evaluate_situation(tmp_path_factory.mktemp("priced"), seed=4, effect=0.05, spending=SPENT)


def facts_of(result, code):
    return next(facts for name, facts in result.verdict.sentences if name == f"verdict.{code}")


def codes(result):
    return {name.removeprefix("verdict.") for name, _ in result.verdict.sentences}


def test_the_price_is_the_spending_over_what_it_brought(evaluation):
    result = evaluation.outcomes[0]
    # five years of coaching for those that began in 2021, four for those of 2022
    began = result.design.cohort
    unit_periods, interval = 5 * (began == 2021).sum() + 4 * (began == 2022).sum(), result.headline.interval
    facts = facts_of(result, "cost_per_point")
    for name, effect in (("cost", interval.estimate), ("low", interval.high), ("high", interval.low)):
        assert facts[name] == pytest.approx(SPENT / unit_periods / (100 * effect), rel=0.005)
    assert facts["low"] < facts["cost"] < facts["high"]


def test_without_an_effect_there_is_no_price(evaluation):
    result = evaluation.outcomes[0]
    for kind in ("unclear", "no_relevant_effect", "worsened"):
        judged = replace(result, verdict=replace(result.verdict, kind=kind, sentences=()))
        (told,) = say_beside([judged], evaluation.plan.treatment, hits={}, harm_examined=True)
        assert codes(told) == {"cost_unclear"}


def test_an_interval_without_end_lets_the_price_go_down_to_nothing(evaluation):
    result = evaluation.outcomes[0]
    open_end = replace(result.headline, interval=Interval(0.05, 0.01, math.inf, 0.95))
    bare = replace(result, headline=open_end, verdict=replace(result.verdict, sentences=()))
    (told,) = say_beside([bare], evaluation.plan.treatment, hits={}, harm_examined=True)
    assert facts_of(told, "cost_per_point")["low"] == 0


def test_what_was_spent_is_no_promise(evaluation):
    treatment = evaluation.plan.treatment
    other = evaluation.plan.model_copy(update={"treatment": treatment.model_copy(update={"spending": 1.0})})
    assert plan_digest(other) == plan_digest(evaluation.plan)
    assert evaluation.deviations == ()


@pytest.mark.parametrize(
    ("harmed", "examined", "said"), [(True, True, "harm_beside"), (False, False, "harm_not_examined")]
)
def test_a_benefit_is_never_told_without_harm(evaluation, harmed, examined, said):
    first, guardrail = evaluation.outcomes
    if harmed:
        guardrail = replace(guardrail, verdict=replace(guardrail.verdict, kind="harm_possible"))
    told = say_beside([first, guardrail], evaluation.plan.treatment, hits={}, harm_examined=examined)
    assert said in codes(told[0])
    assert not {"harm_beside", "harm_not_examined"} & codes(told[1])


def with_p(result, name, p_value, role="secondary"):
    inference = replace(result.headline.inference, p_value=p_value)
    return replace(
        result,
        outcome=result.outcome.model_copy(update={"indicator": name, "role": role}),
        headline=replace(result.headline, inference=inference),
    )


def test_one_of_many_is_told_by_holm_within_its_role(evaluation):
    result = evaluation.outcomes[0]
    assert result.verdict.kind in CHANGES
    many = [with_p(result, f"m{place}", p) for place, p in enumerate((0.03, 0.004, 0.6, 0.7, 0.8))]
    assert chance_hits(many, 0.95) == {"m0": 5, "m2": 5, "m3": 5, "m4": 5}
    alone = with_p(result, "alone", 0.03, role="primary")
    assert "alone" not in chance_hits([alone, *many], 0.95)


def test_no_p_value_is_no_member_of_a_family(evaluation):
    result = evaluation.outcomes[0]
    assert chance_hits([with_p(result, "a", np.nan), with_p(result, "b", 0.03)], 0.95) == {}


def test_it_is_said_in_four_languages(evaluation):
    result = evaluation.outcomes[0]
    for language in LANGUAGES:
        prose = prose_of(evaluation, language)
        told = [prose.say(code, facts) for code, facts in result.verdict.sentences]
        assert all("{" not in line and "@" not in line for line in told)
        assert any("EUR" in line for line in told)
