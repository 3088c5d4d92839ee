"""What must stand beside an effect: the other outcomes, harm, what was delivered, what it cost.

An effect by itself says too much. One of ten outcomes differs by chance; a benefit may come with harm; an action that
was not carried out was not tested; and a council asks for the price first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaltoolkit.evaluations.evaluation import OutcomeResult, Verdict
from evaltoolkit.findings import Fact
from evaltoolkit.framework.scales import decimals_for, scale_of
from evaltoolkit.graphs.independence import holm
from evaltoolkit.plans.plan import Treatment

Sentence = tuple[str, Mapping[str, Fact]]
# verdicts that say that something differs
CHANGES = frozenset({"improved", "worsened", "higher", "lower"})
# verdicts of an interval that was looked at; of the others nothing can be said beside it
_JUDGED = CHANGES | {"unclear", "no_relevant_effect"}


def chance_hits(results: Sequence[OutcomeResult], level: float) -> dict[str, int]:
    """Return the outcomes that differ by themselves but not as one of their family, with the size of the family.

    A family are the outcomes of one role (primary, secondary); guardrails are tested against a margin, each for
    itself. Holm's step-down holds whatever the dependence (https://www.jstor.org/stable/4615733).

    Parameters
    ----------
    results : outcomes of one evaluation
    level : of the intervals, such as 0.95
    """
    found = {}
    for role in ("primary", "secondary"):
        family = [one for one in results if one.outcome.role == role and math.isfinite(_p_value(one))]
        adjusted = holm(np.array([_p_value(one) for one in family]))
        for one, p_value in zip(family, adjusted, strict=True):
            # rounding is no reason to doubt
            if one.verdict.kind in CHANGES and p_value > 1 - level + 1e-12:
                found[one.outcome.indicator] = len(family)
    return found


def _p_value(result: OutcomeResult) -> float:
    """Return the p-value that belongs to the interval of the verdict; NaN where there is none."""
    headline = result.headline
    if headline is None or not headline.interval.defined or result.overall is None:
        return math.nan
    if headline.inference is not None:
        return headline.inference.p_value
    return float(result.overall.to_frame(level=headline.interval.level)["p_value"].iloc[0])


def say_beside(
    results: Sequence[OutcomeResult], treatment: Treatment, *, hits: Mapping[str, int], harm_examined: bool
) -> tuple[OutcomeResult, ...]:
    """Add to each verdict what must be read beside it.

    Parameters
    ----------
    results : outcomes of one evaluation
    treatment : what the plan says of the action and its price
    hits : what :func:`chance_hits` found
    harm_examined : whether a guardrail was tested
    """
    harmed = any(one.verdict.kind == "harm_possible" for one in results)
    done = []
    for result in results:
        more = [
            *_among_others(result, hits),
            *_harm(result, harmed=harmed, harm_examined=harm_examined),
            *_delivery(result),
            *_price(result, treatment),
        ]
        verdict = Verdict(result.verdict.kind, (*result.verdict.sentences, *more))
        done.append(replace(result, verdict=verdict))
    return tuple(done)


def _among_others(result: OutcomeResult, hits: Mapping[str, int]) -> list[Sentence]:
    size = hits.get(result.outcome.indicator)
    return [] if size is None else [("verdict.one_of_many", {"count": size})]


def _harm(result: OutcomeResult, *, harmed: bool, harm_examined: bool) -> list[Sentence]:
    """A benefit is never told without what is known of harm."""
    if result.outcome.role != "primary" or result.verdict.kind != "improved":
        return []
    if harmed:
        return [("verdict.harm_beside", {})]
    return [] if harm_examined else [("verdict.harm_not_examined", {})]


def _delivery(result: OutcomeResult) -> list[Sentence]:
    fidelity = next((check for check in result.checks if check.name == "fidelity"), None)
    told = result.verdict.kind in _JUDGED and result.outcome.role != "guardrail"
    if fidelity is None or fidelity.verdict is not False or not told:
        return []
    return [("verdict.little_delivered", {"percent": fidelity.facts["percent"]})]


def _price(result: OutcomeResult, treatment: Treatment) -> list[Sentence]:
    """What one unit of effect cost, where spending is known and the effect is a benefit.

    The spending over the treated unit-periods, divided by the effect in one of them: for a count the price of one
    more, for a share that of a percentage point in one unit during one period. The interval is the effect's, inverted.
    What was recorded has no price: the benefit would lie in what happened.
    """
    told = result.outcome.role == "primary" and result.verdict.kind in _JUDGED and not result.outcome.detection_range
    if treatment.spending is None or result.per or not told:
        return []
    spent: dict[str, Fact] = {"spending": _rounded(treatment.spending), "currency": treatment.currency}
    if result.verdict.kind != "improved":
        return [("verdict.cost_unclear", spent)]
    assert result.headline is not None
    assert result.design is not None
    scale, interval = scale_of(result.indicator, result.outcome.unit), result.headline.interval
    treated = np.isfinite(result.design.outcome) & (result.design.times >= result.design.cohort[:, None])
    price = treatment.spending / int(treated.sum()) / scale.factor
    # an interval without an end lets the price go down to nothing
    low, high = (price / end for end in sorted((abs(interval.low), abs(interval.high)), reverse=True))
    facts: dict[str, Fact] = {
        **spent,
        "unit": scale.difference,
        "cost": _rounded(price / abs(interval.estimate)),
        "low": _rounded(low),
        "high": _rounded(high),
    }
    return [("verdict.cost_per_point" if scale.percent else "verdict.cost_per_unit", facts)]


def _rounded(money: float) -> Fact:
    """Money with three figures: more would pretend to a precision that no effect has."""
    shown = float(f"{money:.3g}")
    return round(shown, 2) if decimals_for(money, figures=3, most=2) else round(shown)
