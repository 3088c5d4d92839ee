"""Every kind of answer that a page for the council may have to tell, made from the sample evaluation."""

import dataclasses
import itertools
import math

from evaltoolkit.evaluations.evaluation import Grade, Headline, Interval, Reason, Verdict
from evaltoolkit.evaluations.grade import CERTAINTIES, grade_rules
from evaltoolkit.evaluations.verdict import judge_outcome
from evaltoolkit.i18n import words

# what a council may have promised itself, longer than most
RULES = (
    "trust rises, with at least moderate certainty: offer the action to everybody who asks for it",
    "only the meetings change: keep the action where it is and measure trust again in three years",
    "unclear, or possible harm: change nothing until the next survey and ask the participants why",
)
QUESTION = "Does coaching bring social-prevention partners to the table, and does the trust of residents grow?"


def interval(low, high):
    ends = [end for end in (low, high) if math.isfinite(end)]
    return Interval(sum(ends) / len(ends) if ends else 0.02, low, high, 0.95)


# name: place of the sample's outcome, its role, the interval, what reporting says
CASES = {
    "improved": (0, "primary", (0.012, 0.07), ""),
    "improved, small": (0, "primary", (0.004, 0.02), ""),
    "worsened": (0, "primary", (-0.07, -0.012), ""),
    "open end": (0, "primary", (0.012, math.inf), ""),
    "open start": (0, "primary", (-math.inf, -0.012), ""),
    "null with power": (0, "primary", (-0.01, 0.012), ""),
    "null without power": (0, "primary", (-0.05, 0.06), ""),
    "not estimable": (0, "primary", (math.nan, math.nan), ""),
    "recorded, higher": (2, "primary", (1.2, 4.9), ""),
    "recorded, lower": (2, "primary", (-4.9, -1.2), ""),
    "recorded, less in reality": (2, "primary", (1.2, 4.9), "lower"),
    "recorded, more in reality": (2, "primary", (1.2, 4.9), "higher"),
    "recorded, open": (2, "primary", (-1.2, 4.9), "undetermined"),
    "number, improved": (3, "primary", (0.6, 2.4), ""),
    "within margin": (4, "guardrail", (-0.02, 0.02), ""),
    "harm possible": (4, "guardrail", (0.05, 0.09), ""),
    "too weak": (4, "guardrail", (-0.05, 0.09), ""),
}
KINDS = {
    "improved",
    "worsened",
    "higher",
    "lower",
    "unclear",
    "no_relevant_effect",
    "not_estimable",
    "within_margin",
    "harm_possible",
    "too_weak",
    "not_measurable",
    "refused",
}
# what stands beside a verdict, with facts
BESIDE = (
    ("verdict.one_of_many", {"count": 10}),
    ("verdict.harm_beside", {}),
    ("verdict.harm_not_examined", {}),
    ("verdict.little_delivered", {"percent": 40.0}),
    (
        "verdict.cost_per_point",
        {"spending": 250000, "currency": "EUR", "cost": 1230, "low": 700, "high": 3900},
    ),
)
# what may stand beside a verdict that says nothing of an effect
BESIDE_UNCLEAR = (BESIDE[3], ("verdict.cost_unclear", {"spending": 250000, "currency": "EUR"}))


def longest_reasons(certainty, language, count):
    """The rules with the longest sentences: the page must hold them too."""
    say = words(language).say
    rules = sorted(
        (rule["id"] for rule in grade_rules()),
        key=lambda rule: -len((say(f"grade.{rule}") + say(f"grade.{rule}.lift")).split()),
    )
    return tuple(Reason(rule, certainty) for rule in rules[:count])


def changed(evaluation, name, certainty, *, language="en", beside=(), rules=RULES, reasons=3, **plan):
    """The sample with another first answer, the longest reasons for its grade and a decision rule."""
    place, role, ends, incidence = CASES[name]
    result = evaluation.outcomes[place]
    outcome = result.outcome.model_copy(
        update={
            "role": role,
            "smallest_relevant": result.outcome.smallest_relevant or 0.03,
            "detection_range": (0.8, 1.3) if incidence else None,
            "better": "down" if incidence else result.outcome.better,
        }
    )
    found = interval(*ends)
    verdict = judge_outcome(outcome, result.indicator, found, mde=0.02, incidence=incidence)
    first = dataclasses.replace(
        result,
        outcome=outcome,
        verdict=Verdict(verdict.kind, (*verdict.sentences, *beside)),
        headline=Headline(found, None, "usual", "auto", same_estimate=True),
        grade=Grade(certainty, 3, longest_reasons(certainty, language, reasons)),
    )
    others = [one for number, one in enumerate(evaluation.outcomes) if number != place]
    if role == "guardrail":
        # nothing but a check for harm: it must be the answer then
        others = [one for one in others if one.outcome.role == "guardrail"]
    said = {"decision_rule": rules, "question": QUESTION, **plan}
    return dataclasses.replace(evaluation, outcomes=(first, *others), plan=evaluation.plan.model_copy(update=said))


def refused(evaluation):
    """The sample with the refused outcome first."""
    first = evaluation.outcomes[1]
    others = [one for one in evaluation.outcomes if one is not first]
    return dataclasses.replace(
        evaluation,
        outcomes=(first, *others),
        plan=evaluation.plan.model_copy(update={"decision_rule": RULES, "question": QUESTION}),
    )


def all_cases(evaluation, language):
    """Every case with two grades, one with every grade: (name, evaluation)."""
    yield "refused", refused(evaluation)
    pairs = {*itertools.product(CASES, ("low", "moderate")), *itertools.product(("worsened",), CERTAINTIES)}
    for name, certainty in sorted(pairs):
        yield f"{name}, {certainty}", changed(evaluation, name, certainty, language=language)
    for name, beside in (("improved", BESIDE), ("null without power", BESIDE_UNCLEAR), ("recorded, open", BESIDE[3:4])):
        yield f"{name}, all beside", changed(evaluation, name, "low", language=language, beside=beside)
