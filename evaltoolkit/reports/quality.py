"""Data quality, limits, plan and origin: what stands at the end of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.evaluations.verdict import better_direction
from evaltoolkit.framework.values import ANSWERED
from evaltoolkit.reports.answers import name_of
from evaltoolkit.reports.grids import Grid, coverage_grid, findings_grid
from evaltoolkit.reports.prose import Prose

_VERSION = "versions · "
GLOSSARY = (
    "did",
    "comparison",
    "trends",
    "interval",
    "points",
    "relevant",
    "guardrail",
    "certainty",
    "maryland",
    "reconstructed",
)


@dataclass(frozen=True)
class Quality:
    """How good the data are."""

    source: str
    coverage: tuple[Grid, ...]
    reconstructed: tuple[str, ...]
    findings: Grid | None


def quality_of(evaluation: Evaluation, prose: Prose) -> Quality:
    """Return what is known about the quality of the data; answers to estimated outcomes stand in their own parts."""
    source = evaluation.plan.data.source
    return Quality(
        source=prose.say("report.quality.source", source=source) if source else "",
        coverage=tuple(_coverage(evaluation, result, prose) for result in _covered(evaluation)),
        reconstructed=_reconstructed(evaluation, prose),
        findings=findings_grid(prose, evaluation.findings),
    )


def _covered(evaluation: Evaluation) -> list[OutcomeResult]:
    if evaluation.coverage.empty:
        return []
    named = set(evaluation.coverage["outcome"].astype(str))
    return [result for result in evaluation.outcomes if result.outcome.indicator in named and result.design is None]


def _coverage(evaluation: Evaluation, result: OutcomeResult, prose: Prose) -> Grid:
    table = evaluation.coverage
    caption = prose.say("report.quality.coverage.caption", name=name_of(result, prose))
    return coverage_grid(prose, table[table["outcome"].astype(str) == result.outcome.indicator], caption)


def _reconstructed(evaluation: Evaluation, prose: Prose) -> tuple[str, ...]:
    """One line for each outcome that has statuses, and one for all that have none."""
    data = evaluation.panel.data
    present = [result for result in evaluation.outcomes if result.outcome.indicator in data.columns]
    shares = [(name_of(result, prose), reconstructed_share(data, result.outcome.indicator)) for result in present]
    lines = [
        prose.say("report.quality.reconstructed.share", name=name, share=prose.number(100 * share, 0))
        for name, share in shares
        if share is not None
    ]
    unknown = ";".join(name for name, share in shares if share is None)
    if unknown:
        lines.append(prose.say("report.quality.reconstructed.unknown", names=f"@list:{unknown}"))
    return tuple(lines)


def reconstructed_share(data: pd.DataFrame, measure: str) -> float | None:
    """Return the share of a measure's answered values that were reconstructed; None where no status is kept."""
    column = f"{measure}.status"
    if column not in data.columns:
        return None
    answered = data[column][data[column].isin(ANSWERED) & data[measure].notna()]
    return float((answered == "reconstructed").mean()) if len(answered) else None


def limits_of(evaluation: Evaluation, prose: Prose) -> tuple[str, ...]:
    """Say what cannot be concluded from this evaluation."""
    lines = [prose.say("report.limit.simulated")] if evaluation.plan.data.simulated else []
    estimated = [result for result in evaluation.outcomes if result.overall is not None]
    if estimated:
        assigned = evaluation.plan.treatment.assignment
        lines += [prose.say("report.limit.assumption")] if assigned != "randomised" else []
        lines += [prose.say("report.limit.elsewhere"), prose.say("report.limit.persons")]
    for result in evaluation.outcomes:
        lines += [prose.say(f"report.limit.{limit}", name=name_of(result, prose)) for limit in outcome_limits(result)]
    if not evaluation.harm_examined:
        lines.append(prose.say("report.limit.harm"))
    return tuple(lines)


def outcome_limits(result: OutcomeResult) -> list[str]:
    """Return which limits hold for one outcome."""
    if result.verdict.kind == "refused":
        return ["refused"]
    found = []
    if result.verdict.kind in ("unclear", "too_weak"):
        found.append("unclear")
    if result.verdict.kind == "not_estimable":
        found.append("no_interval")
    indicator = result.indicator
    if indicator is not None and result.overall is not None:
        if better_direction(result.outcome, indicator) == "ambiguous":
            found.append("ambiguous")
        if indicator.self_recorded:
            found.append("self_recorded")
    return found


def deviations_of(evaluation: Evaluation, prose: Prose) -> tuple[str, ...]:
    """Say whether the plan was locked and what differs from it."""
    if not evaluation.locked_on:
        return (prose.say("report.deviations.unlocked"),)
    locked = prose.say("report.deviations.locked", date=f"@date:{evaluation.locked_on[:10]}")
    told = tuple(prose.say(code, facts) for code, facts in evaluation.deviations)
    return (locked, *(told or (prose.say("report.deviations.none"),)))


def origin_of(evaluation: Evaluation, prose: Prose) -> tuple[tuple[str, str], ...]:
    """Return versions, seed and digests as pairs of name and value."""
    seed = (prose.say("report.cite.seed"), str(evaluation.plan.estimation.seed))
    pairs = [(name, value) for name, value in flatten_info(evaluation.info) if name != "seed"]
    return (seed, *_margin_seeds(evaluation, prose), *((_origin_name(name, prose), value) for name, value in pairs))


def _margin_seeds(evaluation: Evaluation, prose: Prose) -> list[tuple[str, str]]:
    """Seeds of margins of error that were found by drawing."""
    drawn = [
        (name_of(result, prose), result.headline.inference.seed)
        for result in evaluation.outcomes
        if result.headline is not None and result.headline.inference is not None and result.headline.inference.draws
    ]
    return [(prose.say("report.cite.margin_seed", name=name), str(seed)) for name, seed in drawn if seed is not None]


def methods_of(evaluation: Evaluation, prose: Prose) -> tuple[str, ...]:
    """Name the methods by which effects were estimated, each once, with their sources."""
    known = [result.effects.info for result in evaluation.outcomes if result.effects is not None]
    pairs = dict.fromkeys((str(info["method"]), str(info["citation"])) for info in known)
    return tuple(
        prose.say("report.cite.methods", method=prose.say(f"report.method.{method}"), source=source)
        for method, source in pairs
    )


def _origin_name(name: str, prose: Prose) -> str:
    if name.startswith(_VERSION):
        return prose.say("report.origin.version", name=name.removeprefix(_VERSION))
    code = f"report.origin.{name}"
    return prose.say(code) if prose.has(code) else name


def flatten_info(info: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested information as flat pairs, ordered by name."""
    pairs: list[tuple[str, str]] = []
    for name, value in sorted(info.items(), key=lambda item: str(item[0])):
        if isinstance(value, Mapping):
            pairs += flatten_info(value, f"{prefix}{name} · ")
        elif isinstance(value, str | int | float):
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs
