"""From an interval to words: a decision by rules, sentences from the catalogues.

Direction is a property of the indicator. A plan may say which way is better for a neutral indicator; an ambiguous
one stays ambiguous, and so does every recorded outcome while the change of detection is undeclared: its rise can be
good news and its fall bad news.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from evaltoolkit.evaluations.evaluation import Interval, Verdict
from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.framework.scales import decimals_for, scale_of
from evaltoolkit.plans.plan import Outcome

Better = Literal["up", "down", "ambiguous"]
Incidence = Literal["higher", "lower", "undetermined", ""]


def better_direction(outcome: Outcome, indicator: Indicator | None) -> Better:
    """Say which way is better, or that a change can mean either."""
    if indicator is None:
        return outcome.better or "ambiguous"
    if indicator.reporting != "none" and outcome.detection_range is None:
        return "ambiguous"
    if indicator.direction in ("up", "down"):
        return indicator.direction
    if indicator.direction == "neutral" and outcome.better:
        return outcome.better
    return "ambiguous"


def judge_outcome(
    outcome: Outcome,
    indicator: Indicator | None,
    interval: Interval,
    *,
    mde: float = math.nan,
    incidence: Incidence = "",
) -> Verdict:
    """Turn an interval into a verdict.

    Parameters
    ----------
    outcome, indicator
        What was planned, and what is known about the measure.
    interval : Interval
    mde : float
        Minimum detectable effect, in units of the measure; said beside every unclear result.
    incidence : {"higher", "lower", "undetermined", ""}
        For recorded outcomes with a declared change of detection: what the figures say about what happened, over the
        whole declared range. The verdict then rests on this, not on what was recorded.
    """
    facts = _facts(outcome, indicator, interval, mde)
    if not interval.defined:
        return Verdict("not_estimable", (("verdict.no_interval", facts),))
    if outcome.role == "guardrail":
        return _judge_guardrail(outcome, indicator, interval, facts, incidence=incidence)
    if incidence:
        return _judge_incidence(better_direction(outcome, indicator), incidence, interval, facts)
    relevant = outcome.smallest_relevant or math.inf
    if interval.sign() == 0:
        kind = "no_relevant_effect" if interval.inside(relevant) else "unclear"
        sentences = [(f"verdict.{kind}", facts)]
        if kind == "unclear":
            sentences.append(("verdict.null_is_not_no_effect", facts))
            if math.isfinite(mde):
                sentences.append(("verdict.mde", facts))
        elif _recorded(indicator):
            # the same number of records can hide a fall in what happened behind a rise in what is noticed
            sentences.append(("verdict.ambiguous", facts))
        return Verdict(kind, tuple(sentences))
    in_words = _of_hundred(indicator, interval)
    if not _recorded(indicator) and (indicator is None or indicator.direction == "neutral"):
        # nobody said which way is better: nothing has to do with noticing more
        why_not = "verdict.no_direction"
    else:
        why_not = "verdict.ambiguous"
    return _judge_change(better_direction(outcome, indicator), interval, relevant, facts, in_words, why_not)


def _judge_change(
    better: Better,
    interval: Interval,
    relevant: float,
    facts: Mapping[str, Fact],
    in_words: Sequence[tuple[str, Mapping[str, Fact]]],
    why_not: str,
) -> Verdict:
    way = "higher" if interval.sign() > 0 else "lower"
    if better == "ambiguous":
        return Verdict(way, ((f"verdict.{way}", facts), *in_words, (why_not, facts)))
    kind = "improved" if (better == "up") == (way == "higher") else "worsened"
    sentences = [(f"verdict.{kind}_{way}", facts), *in_words]
    nearest_bound = min(abs(interval.low), abs(interval.high))
    if interval.inside(relevant):
        sentences.append(("verdict.smaller_than_relevant", facts))
    elif nearest_bound < relevant < math.inf:
        sentences.append(("verdict.maybe_smaller_than_relevant", facts))
    return Verdict(kind, tuple(sentences))


def _of_hundred(indicator: Indicator | None, interval: Interval) -> list[tuple[str, Mapping[str, Fact]]]:
    """Say a difference of shares as people: "about 4 more in every 100 invitations"; nothing below one in a hundred."""
    if indicator is None or not scale_of(indicator).percent:
        return []
    count = round(abs(100 * interval.estimate))
    texts = [text for _, text in indicator.text]
    if count < 1 or not all(text.numerator and text.denominator for text in texts):
        return []
    facts: dict[str, Fact] = {
        "count": count,
        "more": "@verdict.more" if interval.estimate > 0 else "@verdict.fewer",
        "of": f"@denominator:{indicator.id}",
        "which": f"@numerator:{indicator.id}",
    }
    return [("verdict.of_hundred", facts)]


def _judge_incidence(better: Better, incidence: Incidence, interval: Interval, facts: Mapping[str, Fact]) -> Verdict:
    recorded = {1: "verdict.higher", -1: "verdict.lower", 0: "verdict.recorded_unclear"}[interval.sign()]
    sentences = ((recorded, facts), (f"verdict.incidence_{incidence}", facts))
    if incidence == "undetermined":
        return Verdict("unclear", sentences)
    if better == "ambiguous":
        return Verdict(incidence, sentences)
    return Verdict("improved" if (better == "up") == (incidence == "higher") else "worsened", sentences)


def _judge_guardrail(
    outcome: Outcome,
    indicator: Indicator | None,
    interval: Interval,
    facts: Mapping[str, Fact],
    *,
    incidence: Incidence,
) -> Verdict:
    margin = outcome.margin or math.inf
    better = better_direction(outcome, indicator)
    worse_low, worse_high = {
        "down": (interval.low, interval.high),
        "up": (-interval.high, -interval.low),
        # either way can be harm: the margin holds on both sides
        "ambiguous": (min(abs(interval.low), abs(interval.high)), max(abs(interval.low), abs(interval.high))),
    }[better]
    if better == "ambiguous" and interval.sign() == 0:
        worse_low = 0.0
    kind = "within_margin" if worse_high < margin else "harm_possible" if worse_low > margin else "too_weak"
    if not _recorded(indicator):
        return Verdict(kind, ((f"verdict.{kind}", facts),))
    # records within the margin rule out harm only where what happened is known to be no worse
    no_worse = (better, incidence) in (("down", "lower"), ("up", "higher"))
    if kind == "within_margin" and not no_worse:
        kind = "too_weak"
    beside = f"verdict.incidence_{incidence}" if incidence else "verdict.ambiguous"
    return Verdict(kind, ((f"verdict.{kind}", facts), (beside, facts)))


def _recorded(indicator: Indicator | None) -> bool:
    """Whether an outcome counts what was noticed, not what happened."""
    return indicator is not None and indicator.reporting != "none"


def name_facts(outcome: Outcome, indicator: Indicator | None) -> dict[str, Fact]:
    """Return the outcome's name and unit, as references that the reports resolve."""
    if indicator is None:
        return {"name": outcome.name or outcome.indicator, "unit": scale_of(None, outcome.unit).difference}
    return {"name": f"@indicator:{indicator.id}", "unit": scale_of(indicator).difference}


def _facts(outcome: Outcome, indicator: Indicator | None, interval: Interval, mde: float) -> dict[str, Fact]:
    """Numbers in display units: shares in percentage points."""
    scale = scale_of(indicator, outcome.unit)
    factor = scale.factor
    numbers = {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "relevant": outcome.smallest_relevant,
        "margin": outcome.margin,
        "mde": mde,
    }
    facts: dict[str, Fact] = {**name_facts(outcome, indicator), "level": round(100 * interval.level)}
    # both ends of an interval with the same decimals
    facts["digits"] = digits = decimals_for(factor * interval.spread, most=scale.decimals)
    for name, value in numbers.items():
        if value is not None and math.isfinite(value):
            # what was declared beforehand is said as it was declared
            declared = name in ("relevant", "margin", "mde")
            own = max(digits, decimals_for(factor * value)) if declared else digits
            facts[name] = number = round(factor * value, own)
            if declared:
                facts[f"{name}_digits"] = next(few for few in range(own + 1) if round(number, few) == number)
    for name, value in (("low", interval.low), ("high", interval.high)):
        if math.isinf(value):
            facts[name] = f"@interval.open_{name}"
    for name in ("estimate", "low", "high", "mde"):
        if name in facts:
            facts[f"{name}_size"] = abs(float(facts[name])) if isinstance(facts[name], float) else facts[name]
    return facts
