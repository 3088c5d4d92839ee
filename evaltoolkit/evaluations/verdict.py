"""From an interval to words: a decision by rules, sentences from the catalogues.

Direction is a property of the indicator. A plan may say which way is better for a neutral indicator; an ambiguous
one stays ambiguous, and so does every recorded outcome while the change of detection is undeclared: its rise can be
good news and its fall bad news.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evaltoolkit.evaluations.evaluation import Verdict
from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.plans.plan import Outcome

Better = Literal["up", "down", "ambiguous"]


@dataclass(frozen=True)
class Interval:
    """An overall effect with its interval, in units of the measure; NaN bounds where no inference is possible."""

    estimate: float
    low: float
    high: float
    level: float
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether the interval exists."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def inside(self, bound: float) -> bool:
        """Whether the whole interval lies strictly between -bound and bound."""
        return self.defined and -bound < self.low and self.high < bound

    def sign(self) -> int:
        """Return 1 or -1 where the interval excludes zero, else 0."""
        return 0 if not self.defined else (1 if self.low > 0 else -1 if self.high < 0 else 0)


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
    outcome: Outcome, indicator: Indicator | None, interval: Interval, *, mde: float = math.nan, digits: int = 2
) -> Verdict:
    """Turn an interval into a verdict.

    Parameters
    ----------
    outcome, indicator
        What was planned, and what is known about the measure.
    interval : Interval
    mde : float
        Minimum detectable effect, in units of the measure; said beside every unclear result.
    digits : int
        Decimals in the sentences.
    """
    facts = _facts(outcome, indicator, interval, mde, digits)
    if not interval.defined:
        return Verdict("not_estimable", (("verdict.no_interval", facts),))
    if outcome.role == "guardrail":
        return _judge_guardrail(outcome, indicator, interval, facts)
    relevant = outcome.smallest_relevant or math.inf
    if interval.sign() == 0:
        kind = "no_relevant_effect" if interval.inside(relevant) else "unclear"
        sentences = [(f"verdict.{kind}", facts)]
        if kind == "unclear":
            sentences.append(("verdict.null_is_not_no_effect", facts))
            if math.isfinite(mde):
                sentences.append(("verdict.mde", facts))
        return Verdict(kind, tuple(sentences))
    return _judge_change(better_direction(outcome, indicator), interval, relevant, facts)


def _judge_change(better: Better, interval: Interval, relevant: float, facts: Mapping[str, Fact]) -> Verdict:
    way = "higher" if interval.sign() > 0 else "lower"
    if better == "ambiguous":
        return Verdict(way, ((f"verdict.{way}", facts), ("verdict.ambiguous", facts)))
    kind = "improved" if (better == "up") == (way == "higher") else "worsened"
    sentences = [(f"verdict.{kind}_{way}", facts)]
    nearest_bound = min(abs(interval.low), abs(interval.high))
    if interval.inside(relevant):
        sentences.append(("verdict.smaller_than_relevant", facts))
    elif nearest_bound < relevant < math.inf:
        sentences.append(("verdict.maybe_smaller_than_relevant", facts))
    return Verdict(kind, tuple(sentences))


def _judge_guardrail(
    outcome: Outcome, indicator: Indicator | None, interval: Interval, facts: Mapping[str, Fact]
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
    return Verdict(kind, ((f"verdict.{kind}", facts),))


def name_facts(outcome: Outcome, indicator: Indicator | None) -> dict[str, Fact]:
    """Return the outcome's name and unit, as references that the reports resolve."""
    if indicator is None:
        return {"name": outcome.indicator, "unit": "@unit.number"}
    percent = indicator.scale == "percent"
    return {
        "name": f"@indicator:{indicator.id}",
        "unit": "@unit.percentage_points" if percent else f"@unit_of:{indicator.id}",
    }


def _facts(
    outcome: Outcome, indicator: Indicator | None, interval: Interval, mde: float, digits: int
) -> dict[str, Fact]:
    """Numbers in display units: shares in percentage points."""
    percent = indicator is not None and indicator.scale == "percent"
    factor = 100.0 if percent else 1.0
    numbers = {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "relevant": outcome.smallest_relevant,
        "margin": outcome.margin,
        "mde": mde,
    }
    facts: dict[str, Fact] = {**name_facts(outcome, indicator), "level": round(100 * interval.level)}
    for name, value in numbers.items():
        if value is not None and math.isfinite(value):
            facts[name] = round(factor * value, digits if not percent else max(digits - 1, 0))
    for name in ("estimate", "low", "high", "mde"):
        if name in facts:
            facts[f"{name}_size"] = abs(float(facts[name]))
    return facts
