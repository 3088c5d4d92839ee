"""The effect that a verdict rests on, as it may be shown, and how its margin of error was found."""

from __future__ import annotations

import math

import pandas as pd

from evaltoolkit.evaluations.evaluation import Headline, OutcomeResult
from evaltoolkit.findings import Fact
from evaltoolkit.framework.scales import decimals_for
from evaltoolkit.inference.choose import FEW_COMPARISON
from evaltoolkit.inference.donors import OUTSIDE
from evaltoolkit.inference.floor import NO_ESTIMATE, TOO_FEW_EVENTS, UNATTAINABLE
from evaltoolkit.inference.question import NO_NOISE, ONE_DECIDES
from evaltoolkit.reports.gate import HIDDEN, open_to_public
from evaltoolkit.reports.prose import Prose

_OPEN = {"low": "interval.open_low", "high": "interval.open_high"}
_REASONS = {
    FEW_COMPARISON: "few_comparison",
    OUTSIDE: "outside",
    TOO_FEW_EVENTS: "too_few_events",
    NO_ESTIMATE: "nothing_before",
    UNATTAINABLE: "unbounded",
    NO_NOISE: "still",
    ONE_DECIDES: "one_decides",
}


def headline_row(result: OutcomeResult) -> pd.Series | None:
    """Return the effect with its interval as it may be shown; None where nothing was estimated.

    ``estimate, conf_low, conf_high, p_value, reason, n_treated, n_comparison``; an end may be infinite.
    """
    if result.headline is None or result.overall is None:
        return None
    interval, found = result.headline.interval, result.headline.inference
    table = result.overall.to_frame(level=interval.level)
    row = table.iloc[[0]].assign(
        estimate=interval.estimate,
        conf_low=interval.low,
        conf_high=interval.high,
        p_value=table["p_value"].iloc[0] if found is None else found.p_value,
        reason=interval.reason,
    )
    return open_to_public(row.reset_index(drop=True), result.indicator).iloc[0]


def estimate_sentence(result: OutcomeResult, prose: Prose) -> str:
    """Say the average effect with its interval, or why there is none."""
    row = headline_row(result)
    if row is None or result.headline is None or not math.isfinite(row["estimate"]):
        return prose.say("report.estimate.none")
    interval = result.headline.interval
    scale = result.scale
    digits = decimals_for(scale.factor * interval.spread, most=scale.decimals)
    facts: dict[str, Fact] = {
        "estimate": prose.number(scale.factor * row["estimate"], digits, signed=True),
        "unit": prose.text(scale.difference),
    }
    if not interval.defined or str(row["reason"]) == HIDDEN:
        return prose.say("report.estimate.no_interval", facts, reason=_no_interval(result.headline, row, prose))
    ends = {
        name: prose.say(_OPEN[name]) if math.isinf(value) else prose.number(scale.factor * value, digits, signed=True)
        for name, value in (("low", row["conf_low"]), ("high", row["conf_high"]))
    }
    facts |= {"level": round(100 * interval.level, 1), "interval": prose.say("report.interval", dict(ends))}
    return prose.say("report.estimate", facts)


def _no_interval(headline: Headline, row: pd.Series, prose: Prose) -> str:
    counts: dict[str, Fact] = {"treated": int(row["n_treated"]), "comparison": int(row["n_comparison"])}
    interval, found = headline.interval, headline.inference
    if math.isinf(interval.low) and math.isinf(interval.high):
        return prose.say("report.inference.none.unbounded")
    if found is not None and found.reason in _REASONS:
        return prose.say(f"report.inference.none.{_REASONS[found.reason]}", counts)
    if min(int(row["n_treated"]), int(row["n_comparison"])) < 10 and found is None:
        return prose.say("report.reason.few_clusters", counts)
    return prose.say("report.inference.none.other")


def margin_sentences(result: OutcomeResult, prose: Prose) -> tuple[str, ...]:
    """Say how the margin of error was found, and what it cannot say; empty where there is none."""
    row = headline_row(result)
    if row is None or result.headline is None or not result.headline.method:
        return ()
    headline, found = result.headline, result.headline.inference
    facts: dict[str, Fact] = {"treated": int(row["n_treated"]), "comparison": int(row["n_comparison"])}
    sentences = []
    # said only where some count for less than others
    if math.isfinite(headline.effective) and headline.effective < int(row["n_treated"]) - 0.5:
        effective = prose.number(headline.effective, 0 if headline.effective >= 10 else 1)
        sentences.append(prose.say("report.inference.effective", effective=effective))
    if found is not None:
        facts |= {"treated": found.n_treated, "comparison": found.n_comparison, "draws": found.draws}
        if math.isfinite(found.rank):
            sentences.append(prose.say("report.inference.rank", share=round(100 * found.rank)))
        if found.smallest_p > 1 - found.level:
            percent = prose.number(100 * found.smallest_p, 0)
            sentences.append(prose.say("report.inference.coarse", percent=percent))
    if not headline.same_estimate:
        sentences.append(prose.say("report.inference.other_estimate"))
    if headline.chosen == "override":
        sentences.append(prose.say("report.inference.override"))
    return (prose.say(f"report.inference.{headline.method}", facts), *sentences)
