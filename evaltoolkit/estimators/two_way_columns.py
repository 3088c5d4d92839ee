"""The regressors of a two-way regression: treatment, or time since treatment, and what each is measured from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.groups import number_cohorts
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.two_way_fit import FixedEffects, cluster_members
from evaltoolkit.estimators.two_way_panel import Panel, movers_and_stayers, treatment_rows
from evaltoolkit.findings import EvaltoolkitError

Form = Literal["static", "event"]


class Columns(NamedTuple):
    """Regressors by group of units: names, event times, group (n,) and columns (G, T, k); then the references."""

    names: list[str]
    event_time: Array
    group: npt.NDArray[np.intp]
    grid: Array
    n_references: int


def lay_out_columns(panel: Panel, form: Form, effects: FixedEffects) -> Columns:
    """Lay the regressors out: by cohort where treatment lasts, references last; else treatment as it was."""
    if panel.design.treatment is not None:
        _require_static(form)
        return Columns(["treated"], np.array([np.nan]), np.empty(0, np.intp), np.empty((0, 0, 1)), 0)
    times, clock = panel.design.times, panel.design.info.get("event_clock", "time")
    cohort = np.where(panel.untreated, np.inf, panel.design.cohort)
    cohorts, group, first = number_cohorts(cohort)
    if form == "static":
        lasting = np.arange(len(times)) >= panel.position[first][:, None]
        return Columns(["treated"], np.array([np.nan]), group, lasting[:, :, None].astype(float), 0)
    since = _event_times(times, cohorts, panel.position[first], periods=clock == "periods")
    seen = np.array([panel.observed[group == g].any(axis=0) for g in range(len(cohorts))])
    found = np.unique(since[seen & np.isfinite(since)])
    references = _references(panel, since, found, effects, panel.position[first])
    free = found[~np.isin(found, references)]
    if not len(free):
        raise EvaltoolkitError("Treated units are observed in the reference period only: add periods after it.")
    ordered = np.r_[free, references]
    grid = (since[:, :, None] == ordered).astype(float)
    return Columns([f"event_{time:g}" for time in ordered], ordered, group, grid, len(references))


def _require_static(form: Form) -> None:
    if form != "static":
        raise EvaltoolkitError(
            'Treatment that stops and restarts has no time since treatment: use form="static", or the method '
            '"switchers" for effects by time since the first change.'
        )


def _event_times(times: Array, cohorts: Array, position: npt.NDArray[np.int64], *, periods: bool) -> Array:
    """(G, T) time since treatment in the unit of ``times``, or in periods; NaN for who is not treated in the panel."""
    never = np.isinf(cohorts)
    if periods:
        since = np.arange(len(times))[None, :] - position[:, None].astype(float)
    else:
        # months are twelfths: rounded, or the same distance becomes several event times
        since = np.round(times[None, :] - np.where(never, 0.0, cohorts)[:, None], 6) + 0.0
    return np.where(never[:, None], np.nan, since)


def _references(
    panel: Panel, since: Array, found: Array, effects: FixedEffects, position: npt.NDArray[np.int64]
) -> Array:
    """Event times that the others are measured from, increasing."""
    treated = np.flatnonzero(np.isfinite(since[:, 0]))
    before = since[treated, position[treated] - panel.design.anticipation - 1]
    references = {float(before.max())}
    if effects == "cluster_period":
        anchored = any(0 < panel.untreated[rows].mean() < 1 for rows in cluster_members(panel))
    else:
        anchored = bool(panel.untreated.any())
    if not anchored or effects == "unit_trends":
        references.add(float(found.min()))
    return np.array(sorted(references))


def column_rows(panel: Panel, columns: Columns) -> Iterator[Array]:
    """Yield the (n, T) values of every column that is not a reference."""
    if panel.design.treatment is not None:
        yield treatment_rows(panel)
        return
    for j in range(len(columns.names) - columns.n_references):
        yield columns.grid[columns.group, :, j]


def count_behind(panel: Panel, columns: Columns) -> tuple[list[int], int]:
    """Count clusters with a row behind each coefficient, and clusters of units untreated when the first cohort starts.

    Where treatment may stop: clusters of units whose treatment changes, and of units that keep theirs once at least.
    """
    codes = cluster_codes(panel.design.clusters, panel.design.units)
    if panel.design.treatment is not None:
        moving, staying = movers_and_stayers(panel)
        return [count_clusters(codes[moving])], count_clusters(codes[staying])
    outside = panel.untreated
    if not outside.any():
        outside = panel.position > panel.position.min()
    return [count_clusters(codes[_behind(panel, columns, j)]) for j in range(len(columns.names))], count_clusters(
        codes[outside]
    )


def _behind(panel: Panel, columns: Columns, column: int) -> Mask:
    marked = columns.grid[:, :, column] > 0
    if panel.balanced:
        return np.asarray(marked.any(axis=1))[columns.group]
    return np.asarray((marked[columns.group] & panel.observed).any(axis=1))
