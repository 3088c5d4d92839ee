"""What our numbers become under another package's convention: each is computed, none is a matter of opinion."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from evaltoolkit.audit.question import Question, aggregate
from evaltoolkit.audit.rows import Rows, event_rows, overall_rows
from evaltoolkit.designs.design import Array
from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.cells import Cell, list_cells, select_units
from evaltoolkit.estimators.imputation_fit import scale_columns
from evaltoolkit.estimators.logit import fit_logit

Indices = npt.NDArray[np.intp]
To = Literal["overall", "event"]
Count = Literal["rows", "pairs"]
Drawn = Literal["", "rows", "cohorts"]
_AGGREGATES: tuple[To, ...] = ("event", "overall")

# how far diff-diff is asked to keep propensity scores from 0 and 1; its own choice, 0.01, would move estimates
CLIP = 1e-6


def small_sample_factor(question: Question, coefficients: int) -> float:
    """Return sqrt(G / (G - 1) (N - 1) / (N - K)): what Stata, fixest and their like multiply standard errors by.

    Parameters
    ----------
    coefficients : int
        K, the rank of the regressors; unit effects nested in clusters are not counted.
    """
    rows, clusters = len(question.table), question.n_clusters
    return float(np.sqrt(clusters / (clusters - 1) * (rows - 1) / (rows - coefficients)))


def reweighted(question: Question, effects: Effects, count: Count, drawn: Drawn = "") -> tuple[Rows, Rows]:
    """Aggregate by the number of observations behind each effect, not by the size of its cohort.

    Parameters
    ----------
    effects : group-time effects
    count : {"rows", "pairs"}
        Observations of the cohort in the period; or units seen in both periods of the comparison.
    drawn : {"", "rows", "cohorts"}
        Whether these numbers count as given, as drawn with the units, or enter the standard error as if they were the
        sizes of the cohorts.

    Returns
    -------
    (event rows, overall row), with the keys of :func:`evaltoolkit.audit.rows.aggregates`
    """
    member = _observations(question, effects, count)
    size = member.sum(axis=0)
    influence = np.nan_to_num(np.asarray(effects.influence, dtype=float))
    since = _since(question, effects)
    found = []
    for to in _AGGREGATES:
        total = aggregate(effects, to)
        keys = total.labels["event_time"].to_numpy(float) if to == "event" else np.array([np.nan])
        used = np.isfinite(effects.estimate) & (size > 0)
        groups = [used & ((since >= 0) if np.isnan(key) else (since == key)) for key in keys]
        share = np.array([np.where(group, size, 0.0) / max(size[group].sum(), 1e-300) for group in groups]).T
        points = share.T @ np.where(used, effects.estimate, 0.0)
        psi = influence @ share
        if drawn == "cohorts":
            fixed, sampled = (_influence(effects, to, shares) for shares in ("fixed", "estimated"))
            psi = psi + sampled - fixed
        if drawn == "rows":
            deviation = np.where(used, effects.estimate, 0.0)[:, None] - points
            per_row = np.divide(share, size[:, None], out=np.zeros_like(share), where=size[:, None] > 0)
            psi = psi + len(member) * member @ (per_row * deviation)
        found.append(replace(total, estimate=points, influence=psi))
    return event_rows(found[0]), overall_rows(found[1])


def _observations(question: Question, effects: Effects, count: Count) -> Array:
    """(n, k) weight of each unit's observations behind each effect."""
    design, labels = question.design, effects.labels
    cohort = labels["cohort"].to_numpy(float)
    at = np.searchsorted(design.times, labels["time"].to_numpy(float))
    seen = question.observed[:, at]
    if count == "pairs":
        cells = list_cells(select_units(design), question.option("base"))
        seen = seen & question.observed[:, [cell.base for cell in cells]]
    return np.asarray(seen * (effects.cohort[:, None] == cohort) * design.weights[:, None])


def _since(question: Question, effects: Effects) -> npt.NDArray[np.intp]:
    """(k,) periods since treatment."""
    times = question.design.times
    time, cohort = (np.searchsorted(times, effects.labels[name].to_numpy(float)) for name in ("time", "cohort"))
    return time - cohort


def _influence(effects: Effects, to: To, shares: Literal["fixed", "estimated"]) -> Array:
    clock = replace(effects, info={**effects.info, "event_clock": "periods"})
    return np.asarray(aggregate_effects(clock, to, shares=shares).influence, dtype=float)


def counted_from_anticipation(question: Question, effects: Effects) -> Effects:
    """Group-time effects as if treatment began with anticipation: their overall effect counts those periods too."""
    times, ahead = question.design.times, question.design.anticipation

    def earlier(dates: Array) -> Array:
        place = np.searchsorted(times, np.where(np.isfinite(dates), dates, times[0])) - ahead
        return np.where(np.isfinite(dates), times[np.maximum(place, 0)], dates)

    labels = effects.labels.assign(cohort=earlier(effects.labels["cohort"].to_numpy(float)))
    # an influence in parts knows the cohorts by their own dates
    influence = np.asarray(effects.influence, dtype=float)
    return replace(effects, labels=labels, cohort=earlier(effects.cohort), influence=influence)


def divided_by_treated(question: Question) -> Effects:
    """Doubly robust effects with odds weights that are divided by the treated, not by their own sum.

    Sant'Anna and Zhao (2020), https://doi.org/10.1016/j.jeconom.2020.06.003, show both; As
    diff-diff computes it.
    """
    sample = select_units(question.design)
    design, n = sample.design, len(sample.design.units)
    scaled = scale_columns(design.covariates, np.ones(n, bool))
    regressors = np.column_stack([np.ones(n), scaled])
    estimate, influence = question.effects.estimate.copy(), np.array(question.effects.influence, dtype=float)
    for j, cell in enumerate(list_cells(sample, question.option("base"))):
        if cell.is_reference or not np.isfinite(estimate[j]):
            continue
        seen = sample.observed[:, cell.current] & sample.observed[:, cell.base]
        treated = np.flatnonzero((design.cohort == cell.cohort) & seen)
        compared = np.flatnonzero(cell.comparison & seen)
        estimate[j], influence[:, j] = _cell(design.outcome, regressors, design.weights, cell, treated, compared)
    return replace(question.effects, estimate=estimate, influence=influence)


def _cell(
    outcome: Array, regressors: Array, weights: Array, cell: Cell, treated: Indices, compared: Indices
) -> tuple[float, Array]:
    change = outcome[:, cell.current] - outcome[:, cell.base]
    x0, w0 = regressors[compared], weights[compared]
    bread = np.linalg.inv((x0 * w0[:, None]).T @ x0)
    residual = change - regressors @ (bread @ (x0.T @ (w0 * change[compared])))
    both = np.r_[treated, compared]
    arm = np.r_[np.ones(len(treated)), np.zeros(len(compared))]
    score = np.clip(fit_logit(arm, regressors[both], weights[both]).probability, CLIP, 1 - CLIP)
    share = weights[treated] / weights[treated].sum()
    p0 = score[len(treated) :]
    odds = w0 * p0 / (1 - p0) / weights[treated].sum()
    effect = float(share @ residual[treated] - odds @ residual[compared])
    psi = np.zeros(len(outcome))
    psi[treated] = share * (residual[treated] - effect)
    psi[compared] = -odds * residual[compared]
    information = (regressors[both] * (weights[both] * score * (1 - score))[:, None]).T @ regressors[both]
    by_score = np.linalg.solve(information, x0.T @ (-odds * residual[compared]))
    psi[both] += weights[both] * (arm - score) * (regressors[both] @ by_score)
    by_slope = bread @ (x0.T @ odds - regressors[treated].T @ share)
    psi[compared] += w0 * residual[compared] * (x0 @ by_slope)
    return effect, len(outcome) * psi
