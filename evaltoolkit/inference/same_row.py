"""The same estimate once more: of another outcome, or of another assignment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregate_effects, aggregation_matrix
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.group_time import group_time_points
from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.findings import EvaltoolkitError

# numbers in the stack of outcomes that are estimated at once
_STACK = 4_000_000
_SUMMARIES: tuple[Literal["event", "cohort", "calendar"], ...] = ("event", "cohort", "calendar")


def settings_of(effects: Effects) -> dict[str, Any]:
    """Return the options with which effects were estimated."""
    known = list_estimators()[str(effects.info["method"])].options
    return {name: effects.info[name] for name in known if name in effects.info}


def estimate_row(design: Design, like: Effects) -> Effects:
    """Return the one row that ``like`` is, estimated on a design with the same method and settings.

    Parameters
    ----------
    design : Design
    like : Effects
        One row: aggregated, or taken out of several.

    Raises
    ------
    EvaltoolkitError
        The design has no such row.
    """
    method = str(like.info.get("method", ""))
    if method not in list_estimators():
        raise EvaltoolkitError(
            "These effects do not say how they were estimated, so that they cannot be estimated anew."
        )
    effects = estimate(design, method, **settings_of(like))
    if like.kind == "overall":
        return _overall(effects, like)
    held = effects if effects.kind == like.kind else effects.aggregate(like.kind)  # type: ignore[arg-type]
    return _take(held, like)


def estimate_stack(design: Design, like: Effects, outcomes: Array) -> Array:
    """Return the estimates (R,) of a stack of outcomes (n, T, R) over one design.

    All at once for the overall group-time effect, which takes a stack; one after the other for every other.
    """
    info = like.info
    if like.kind == "overall" and info.get("method") == "group_time" and info.get("missing", "pairs") == "pairs":
        template = estimate(design, "group_time", **settings_of(like))
        if _is_aggregate(template, like):
            matrix = aggregation_matrix(template, "overall")
            return _group_time(design, like, outcomes, matrix)
    columns = np.moveaxis(outcomes, 2, 0)
    return np.array([estimate_row(replace(design, outcome=one), like).estimate[0] for one in columns])


def _group_time(design: Design, like: Effects, outcomes: Array, matrix: Array) -> Array:
    settings = {name: like.info[name] for name in ("adjust", "base") if name in like.info}
    width = max(1, _STACK // outcomes[:, :, 0].size)
    found = []
    for first in range(0, outcomes.shape[2], width):
        part = replace(design, outcome=outcomes[:, :, first : first + width])
        points = group_time_points(part, **settings)
        found.append(matrix @ np.where(np.isfinite(points), points, 0.0))
    return np.asarray(np.concatenate(found, axis=1)[0])


def _is_aggregate(effects: Effects, like: Effects) -> bool:
    one = effects.aggregate("overall")
    return bool(np.isclose(one.estimate[0], like.estimate[0], rtol=1e-9, atol=0))


def _overall(effects: Effects, like: Effects) -> Effects:
    """The overall effect: of all group-time effects, or the summary of an aggregation, told by its estimand."""
    if effects.kind != "group_time":
        return effects if effects.kind == "overall" else effects.aggregate("overall")
    chosen = {name: like.info[name] for name in ("weights", "shares") if name in like.info}
    whole = aggregate_effects(effects, "overall", **chosen)
    if whole.info["estimand"] == like.info.get("estimand"):
        return whole
    for to in _SUMMARIES:
        summary = effects.aggregate(to).overall
        if summary is not None and summary.info["estimand"] == like.info.get("estimand"):
            return summary
    return whole


def _take(effects: Effects, like: Effects) -> Effects:
    """The row with the labels of ``like``."""
    names = [name for name in like.labels.columns if name not in ("n_treated", "n_comparison")]
    mine = np.ones(len(effects.estimate), dtype=bool)
    for name in names:
        mine &= (effects.labels[name] == like.labels[name].iloc[0]).to_numpy()
    rows = np.flatnonzero(mine)
    if len(rows) != 1:
        raise EvaltoolkitError(
            "Estimated anew, these effects have no such row: take one row of the effects as they are."
        )
    reasons = (effects.reasons[int(rows[0])],) if effects.reasons else ()
    return replace(
        effects,
        labels=effects.labels.iloc[rows].reset_index(drop=True),
        estimate=effects.estimate[rows],
        influence=effects.influence[:, rows],
        reasons=reasons,
        overall=None,
    )
