"""Group-time effects of Callaway and Sant'Anna, with analytic influence functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.block_influence import Block, BlockInfluence
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.effects.influence import Influence
from evaltoolkit.estimators.adjustment import Adjust, Contrast, Side, compare_adjusted, compare_means
from evaltoolkit.estimators.cells import (
    NO_COMPARISON,
    NO_TREATED,
    REFERENCE,
    Cell,
    Mask,
    Missing,
    Sample,
    comparison_only,
    list_cells,
    select_units,
)
from evaltoolkit.estimators.cohort_contrasts import compare_cohorts, is_plain, list_cohort_cells
from evaltoolkit.estimators.cross_sections import Rows, compare_rows
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.findings import EvaltoolkitError

Base = Literal["varying", "universal"]
Indices = npt.NDArray[np.intp]

CITATION = "Callaway and Sant'Anna (2021), https://doi.org/10.1016/j.jeconom.2020.12.001"
SE_CONVENTION = (
    "sqrt(mean(psi^2) / n) over n units; with clusters psi is summed by cluster first; no small-sample factor"
)
_ESTIMAND = {
    "pairs": "ATT(g,t) among units observed in both periods of each comparison",
    "complete_units": "ATT(g,t) among units observed in every period",
    "repeated_cross_sections": "ATT(g,t) among units observed in either period of each comparison",
}


class _Batch(NamedTuple):
    """Cells that compare the same treated with the same comparison units."""

    columns: list[int]
    treated: Indices
    comparison: Indices


def estimate_group_time(
    design: Design, *, adjust: Adjust = "dr", base: Base = "varying", missing: Missing = "pairs"
) -> Effects:
    """Estimate the average effect on each cohort in each period.

    Estimand: ATT(g,t), the mean effect in period t on the units first treated in g.

    Assumptions: parallel trends of cohort g and its comparison units (given the covariates, where there are any), no
    effect before ``design.anticipation`` periods ahead of treatment, treatment never reverts, overlap.

    Not when: treatment stops and restarts; everybody starts at once; nobody stays untreated long enough to compare
    with; the outcome is a count so rare that most cells are zero; treatment reaches the comparison units too.

    Parameters
    ----------
    design : Design
        Outcome (n, T) in the user's units. Comparison, covariates, weights, clusters and anticipation are taken from
        here. ``info["event_clock"] == "periods"`` counts event time in periods, not in the unit of ``times``.
    adjust : {"dr", "ipw", "reg"}
        How covariates enter; without covariates the three are the same number.
    base : {"varying", "universal"}
        Before treatment (and anticipation): each period against the one before it, or every period against the last
        of them. From anticipation on both compare with that last period.
    missing : {"pairs", "complete_units", "repeated_cross_sections"}
        Units seen in both periods of a comparison; only units seen always; or all rows of the two periods as separate
        cross-sections, influence summed by unit (R's ``allow_unbalanced_panel=TRUE``).

    Returns
    -------
    Effects
        Kind ``group_time``. Rows that cannot be estimated are NaN with a reason. ``info["dropped_units"]`` maps a
        reason to the units left out; ``influence`` has rows for the remaining units only.

    Raises
    ------
    EvaltoolkitError
        No unit is treated within the panel, or none has a period before treatment; every unit is observed only once
        (with ``missing="pairs"``).

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2020.12.001, https://doi.org/10.1016/j.jeconom.2020.06.003

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "group_time", adjust="reg").aggregate("event").to_frame()  # doctest: +SKIP
    """
    sample = select_units(design, missing=missing)
    _refuse_single_rows(sample, missing)
    info = _describe(sample, adjust=adjust, base=base, missing=missing)
    if missing != "repeated_cross_sections" and is_plain(sample):
        cells = _require(list_cohort_cells(sample, base), sample)
        plain = compare_cohorts(sample, cells)
        return _effects(sample, cells, plain.counts, plain.estimate, plain.influence, plain.reasons, info)
    cells = _require(list_cells(sample, base), sample)
    n, k = len(sample.design.units), len(cells)
    pooled = missing == "repeated_cross_sections"
    estimate, influence, reasons = np.full(k, np.nan), np.zeros((n if pooled else 0, k)), [""] * k
    blocks, constant = [], np.zeros(k)
    counts = np.zeros((k, 2), dtype=np.int64)
    clusters = cluster_codes(sample.design.clusters, sample.design.units)
    for column in (j for j, cell in enumerate(cells) if cell.is_reference):
        estimate[column], reasons[column] = 0.0, REFERENCE
    for batch in _batches(sample, cells, either=pooled):
        columns = batch.columns
        counts[columns] = [count_clusters(clusters[rows]) for rows in (batch.treated, batch.comparison)]
        open_columns = [j for j in columns if not cells[j].is_reference]
        if pooled:
            for j in open_columns:
                estimate[j], influence[:, j], reasons[j] = _pooled(sample, cells[j], batch, adjust)
        elif open_columns:
            result = _contrast(sample, [cells[j] for j in open_columns], batch, adjust)
            estimate[open_columns] = result.estimate
            if result.reason:
                constant[open_columns] = np.nan
                for j in open_columns:
                    reasons[j] = result.reason
            else:
                blocks += _blocks(batch._replace(columns=open_columns), result, n, k)
    held = influence if pooled else BlockInfluence(tuple(blocks), constant, n)
    return _effects(sample, cells, counts, estimate, held, tuple(reasons), info)


def group_time_points(design: Design, *, adjust: Adjust = "reg", base: Base = "varying") -> Array:
    """Return point estimates (k, R) of ATT(g,t) for a stack of R outcomes over one design.

    For permutation and power: no influence, the set-up and the regression of a comparison serve all outcomes. Rows are
    those of :func:`estimate_group_time` with ``missing="pairs"``; a unit and period counts as observed when it is in
    every outcome. Multiply by ``aggregation_matrix(effects, to)`` from the left for aggregates.

    Parameters
    ----------
    design : Design
        Outcome (n, T, R) or (n, T).
    adjust, base
        As in :func:`estimate_group_time`.
    """
    sample = select_units(design)
    cells = _require(list_cells(sample, base), sample)
    stack = sample.design.outcome.reshape(len(sample.design.units), len(design.times), -1)
    points = np.full((len(cells), stack.shape[2]), np.nan)
    for batch in _batches(sample, cells, either=False):
        if not (len(batch.treated) and len(batch.comparison)):
            continue
        current = [cells[j].current for j in batch.columns]
        against = [cells[j].base for j in batch.columns]
        sides = [
            _side(sample.design, rows, _changes(stack[rows], current, against).reshape(len(rows), -1))
            for rows in (batch.treated, batch.comparison)
        ]
        result = _compare(sides[0], sides[1], adjust)
        points[batch.columns] = result.estimate.reshape(len(batch.columns), -1)
    points[[j for j, cell in enumerate(cells) if cell.is_reference]] = 0.0
    return points


def _refuse_single_rows(sample: Sample, missing: Missing) -> None:
    if missing == "pairs" and not sample.whole and len(sample.observed) and int(sample.observed.sum(axis=1).max()) < 2:
        raise EvaltoolkitError(
            "Every unit is observed in one period only, so that no change is seen: these are repeated cross-sections. "
            'Use missing="repeated_cross_sections".'
        )


def _require(cells: list[Cell], sample: Sample) -> list[Cell]:
    if cells:
        return cells
    why = "; ".join(f"{len(units)} units {reason}" for reason, units in sample.dropped.items())
    alone = len(comparison_only(sample))
    more = " The only treated cohort would have no comparison." if alone else ""
    raise EvaltoolkitError(
        f"No cohort can be estimated: no unit is treated after the first period of the panel.{more}"
        f"{' Left out: ' + why + '.' if why else ''} Add earlier periods, or check the dates in the roster."
    )


def _batches(sample: Sample, cells: Sequence[Cell], *, either: bool) -> Iterator[_Batch]:
    """Group cells by who is compared with whom, so that each regression and each logit is fitted once."""
    whole = sample.whole
    groups: dict[tuple[float, bytes], list[int]] = defaultdict(list)
    masks: dict[tuple[float, bytes], tuple[Mask, Mask]] = {}
    for j, cell in enumerate(cells):
        treated, comparison = sample.design.cohort == cell.cohort, cell.comparison
        if not whole:
            now, then = sample.observed[:, cell.current], sample.observed[:, cell.base]
            seen = now | then if either else now & then
            treated, comparison = treated & seen, comparison & seen
        key = (cell.cohort, np.packbits(treated).tobytes() + np.packbits(comparison).tobytes())
        groups[key].append(j)
        masks[key] = (treated, comparison)
    for key, columns in groups.items():
        yield _Batch(columns, np.flatnonzero(masks[key][0]), np.flatnonzero(masks[key][1]))


def _contrast(sample: Sample, cells: Sequence[Cell], batch: _Batch, adjust: Adjust) -> Contrast:
    current, against = [cell.current for cell in cells], [cell.base for cell in cells]
    changes = _product_changes if sample.whole else _changes
    sides = [
        _side(sample.design, rows, changes(sample.design.outcome[rows], current, against))
        for rows in (batch.treated, batch.comparison)
    ]
    for side, reason in zip(sides, (NO_TREATED, NO_COMPARISON), strict=True):
        if not side.weights.sum() > 0:
            return _nothing(sides[0], sides[1], reason)
    return _compare(sides[0], sides[1], adjust)


def _compare(treated: Side, comparison: Side, adjust: Adjust) -> Contrast:
    if treated.regressors.shape[1] == 1:
        return compare_means(treated, comparison)
    return compare_adjusted(treated, comparison, adjust)


def _nothing(treated: Side, comparison: Side, reason: str) -> Contrast:
    shapes = treated.change.shape, comparison.change.shape
    return Contrast(np.full(shapes[0][1], np.nan), np.full(shapes[0], np.nan), np.full(shapes[1], np.nan), reason)


def _product_changes(chosen: Array, current: Sequence[int], against: Sequence[int]) -> Array:
    """As :func:`_changes`, of complete outcomes: a product reads and writes side by side, and is as exact."""
    take = np.zeros((chosen.shape[1], len(current)))
    take[current, np.arange(len(current))] = 1.0
    take[against, np.arange(len(current))] -= 1.0
    return np.asarray(chosen @ take)


def _changes(chosen: Array, current: Sequence[int], against: Sequence[int]) -> Array:
    change = chosen[:, current]
    change -= chosen[:, against]
    return np.asarray(change)


def _side(design: Design, rows: Indices, change: Array) -> Side:
    regressors = np.column_stack([np.ones(len(rows)), design.covariates[rows]])
    return Side(change, regressors, design.weights[rows])


def _blocks(batch: _Batch, result: Contrast, n: int, k: int) -> list[Block]:
    """Scaled so that the variance is mean(psi^2) / n with n = all units, observed in this comparison or not."""
    place = np.zeros((len(batch.columns), k))
    place[np.arange(len(batch.columns)), batch.columns] = n
    return [Block(batch.treated, result.treated, place), Block(batch.comparison, result.comparison, place)]


def _pooled(sample: Sample, cell: Cell, batch: _Batch, adjust: Adjust) -> tuple[float, Array, str]:
    """One cell from the rows of its two periods as cross-sections, influence summed by unit."""
    design, n = sample.design, len(sample.design.units)
    units = np.r_[batch.treated, batch.comparison]
    arm = np.r_[np.ones(len(batch.treated), bool), np.zeros(len(batch.comparison), bool)]
    parts = [(period, sample.observed[units, period]) for period in (cell.current, cell.base)]
    rows = np.concatenate([units[seen] for _, seen in parts])
    treated = np.concatenate([arm[seen] for _, seen in parts])
    post = np.concatenate([np.full(seen.sum(), period == cell.current) for period, seen in parts])
    for group, reason in ((treated, NO_TREATED), (~treated, NO_COMPARISON)):
        if not all(design.weights[rows[group & (post == when)]].sum() > 0 for when in (False, True)):
            return np.nan, np.full(n, np.nan), reason
    outcome = np.concatenate([design.outcome[units[seen], period] for period, seen in parts])
    regressors = np.column_stack([np.ones(len(rows)), design.covariates[rows]])
    result = compare_rows(Rows(outcome, treated, post, regressors, design.weights[rows]), adjust)
    if result.reason:
        return np.nan, np.full(n, np.nan), result.reason
    by_unit = np.bincount(rows, weights=result.influence, minlength=n).astype(np.float64)
    return result.estimate, n * by_unit, ""


def _effects(
    sample: Sample,
    cells: Sequence[Cell],
    counts: npt.NDArray[np.int64],
    estimate: Array,
    influence: Influence,
    reasons: tuple[str, ...],
    info: dict[str, Any],
) -> Effects:
    return Effects(
        kind="group_time",
        labels=_labels(sample, cells, counts),
        estimate=estimate,
        influence=influence,
        units=sample.design.units,
        cohort=sample.design.cohort,
        weights=sample.design.weights,
        clusters=sample.design.clusters,
        reasons=reasons,
        info=info,
    )


def _labels(sample: Sample, cells: Sequence[Cell], counts: npt.NDArray[np.int64]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cohort": np.array([cell.cohort for cell in cells], dtype=float),
            "time": np.array([sample.design.times[cell.current] for cell in cells], dtype=float),
            "n_treated": counts[:, 0],
            "n_comparison": counts[:, 1],
        }
    )


def _describe(sample: Sample, *, adjust: Adjust, base: Base, missing: Missing) -> dict[str, Any]:
    design = sample.design
    return {
        "method": "group_time",
        "estimand": _ESTIMAND[missing],
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "adjust": adjust,
        "base": base,
        "missing": missing,
        "outcome": design.outcome_name,
        "comparison": design.comparison,
        "anticipation": design.anticipation,
        "covariates": design.covariate_names,
        "times": tuple(float(time) for time in design.times),
        "event_clock": str(design.info.get("event_clock", "time")),
        "dropped_units": dict(sample.dropped),
        "comparison_only_cohorts": tuple(float(cohort) for cohort in comparison_only(sample)),
    }


ESTIMATOR = Estimator(
    name="group_time",
    run=estimate_group_time,
    options={
        "adjust": ("dr", "ipw", "reg"),
        "base": ("varying", "universal"),
        "missing": ("pairs", "complete_units", "repeated_cross_sections"),
    },
    title="Group-time average treatment effects",
    citation=CITATION,
    accepts=frozenset({"covariates", "weights", "gaps", "no_never_treated", "anticipation"}),
)
