"""Imputed effects: which rows are untreated, which are imputed, and the mean effect of every cohort and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.estimators.cells import NO_TREATED, Mask, Sample, select_units
from evaltoolkit.estimators.imputation_fit import Fit, Regressors, fit_untreated, scale_columns

NOTHING_BEFORE = "no observation before treatment: nothing to impute from"
NO_TREND = "fewer than two observations before treatment: no trend of its own"
NO_UNTREATED = "no untreated observation in this period"
UNDETERMINED = "the untreated observations do not determine what would have been (unconnected or collinear)"


@dataclass(frozen=True)
class Panel:
    """The units that enter and what each of their rows is for.

    Attributes
    ----------
    design : the design with these units, weights of mean 1
    first : (n,) index of the first treated period; T or more when not treated in the panel
    untreated : (n, T) rows that the regression is fitted on
    treated : (n, T) rows whose untreated outcome is imputed (those of the anticipation too)
    outcome : (n, T) less its mean, 0 where not observed
    dropped : reason -> codes of the units left out
    no_controls : number of rows that count as not observed because a control is missing
    """

    design: Design
    first: npt.NDArray[np.int64]
    untreated: Mask
    treated: Mask
    outcome: Array
    dropped: Mapping[str, tuple[str, ...]]
    no_controls: int

    @cached_property
    def cohorts(self) -> list[tuple[npt.NDArray[np.intp], float, int]]:
        """Units, date and first period (index) of every cohort treated in the panel, in order of the dates."""
        found = [np.flatnonzero(self.design.cohort == cohort) for cohort in self.design.cohorts]
        return [(rows, float(self.design.cohort[rows[0]]), int(self.first[rows[0]])) for rows in found]


class Block(NamedTuple):
    """Rows of a result: cohort (k,), index of the period (k,), estimate (k,), influence (n, k), reasons (k)."""

    cohort: Array
    period: npt.NDArray[np.int64]
    estimate: Array
    influence: Array
    reasons: list[str]


def arrange_panel(design: Design, *, unit_trends: bool) -> Panel:
    """Say of every row whether it is fitted or imputed; leave out, with the reason, units that cannot be imputed."""
    sample = select_units(design)
    usable = sample.observed
    if sample.design.controls is not None:
        usable = usable & np.isfinite(sample.design.controls).all(axis=2)
    untreated, treated = _split(sample, usable)
    enough = untreated.sum(axis=1) >= (2 if unit_trends else 1)
    lost = treated.any(axis=1) & ~enough
    dropped = dict(sample.dropped)
    for reason, hit in ((NOTHING_BEFORE, lost & ~untreated.any(axis=1)), (NO_TREND, lost & untreated.any(axis=1))):
        if hit.any():
            dropped[reason] = tuple(str(code) for code in sample.design.units[hit])
    kept = keep_units(sample.design, ~lost)
    seen = (untreated | treated)[~lost]
    centre = kept.outcome[seen].mean() if seen.any() else 0.0
    return Panel(
        design=kept,
        first=sample.position[~lost],
        untreated=untreated[~lost],
        treated=treated[~lost],
        outcome=np.where(seen, kept.outcome - centre, 0.0),
        dropped=dropped,
        no_controls=int((sample.observed & ~usable).sum()),
    )


def fit_panel(panel: Panel, *, unit_trends: bool) -> Fit:
    """Regress the untreated rows of a panel on what its design has."""
    design, seen = panel.design, panel.untreated | panel.treated
    n, n_periods = seen.shape
    baseline = scale_columns(design.covariates, np.ones(n, bool))
    controls = np.zeros((n, n_periods, 0)) if design.controls is None else scale_columns(design.controls, seen)
    return fit_untreated(
        Regressors(
            weight=panel.untreated * design.weights[:, None],
            baseline=np.column_stack([np.ones(n), baseline]),
            controls=controls,
            clock=design.times - design.times.mean() if unit_trends else None,
        )
    )


def impute_cells(panel: Panel, fit: Fit, residuals: Array, *, squared: bool) -> Block:
    """Mean of outcome less imputed outcome, by cohort and period from treatment (and anticipation) on.

    ``squared``: for the influence, residuals of treated rows are centred at the mean with squared weights, which
    makes the conservative variance smallest (Borusyak, Jaravel and Spiess 2024); otherwise at the
    estimate.
    """
    begin = [max(first - panel.design.anticipation, 0) for _, _, first in panel.cohorts]
    spans = [range(start, residuals.shape[1]) for start in begin]
    block = average_rows(panel, fit, residuals, panel.treated, spans, squared=squared)
    open_rows = fit.undetermined() & panel.treated
    if not open_rows.any():
        return block
    member = block.cohort[None, :] == panel.design.cohort[:, None]
    missing: Mask = np.asarray((open_rows[:, block.period] & member).any(axis=0))
    compared: Mask = np.asarray(panel.untreated.any(axis=0))
    block.estimate[missing] = np.nan
    block.influence[:, missing] = np.nan
    for j in np.flatnonzero(missing):
        block.reasons[j] = UNDETERMINED if compared[block.period[j]] else NO_UNTREATED
    return block


def average_rows(
    panel: Panel, fit: Fit, residuals: Array, rows: Mask, spans: Sequence[range], *, squared: bool
) -> Block:
    """Weighted means of residuals over ``rows`` (n, T), one for each cohort and each period of its span."""
    n, weights = len(residuals), rows * panel.design.weights[:, None]
    own: list[tuple[npt.NDArray[np.intp], Array]] = []
    cohort, period, estimate, moments = [], [], [], []
    for (members, date, _), span in zip(panel.cohorts, spans, strict=True):
        where, chosen = np.array(span, dtype=np.int64), weights[members]
        total = chosen.sum(axis=0)
        share = chosen / np.where(total > 0, total, 1.0)
        mean = (share * residuals[members]).sum(axis=0)
        square = share**2 if squared else share
        centre = (square * residuals[members]).sum(axis=0) / np.where(total > 0, square.sum(axis=0), 1.0)
        own.append((members, (share * (residuals[members] - centre))[:, where]))
        moments.append(fit.moments(members, share)[:, where])
        cohort.append(np.full(len(where), date))
        period.append(where)
        estimate.append(np.where(total > 0, mean, np.nan)[where])
    influence = -n * fit.scores(fit.regressors.weight * residuals, fit.inverse @ np.concatenate(moments, axis=1))
    column = 0
    for members, part in own:
        influence[members, column : column + part.shape[1]] += n * part
        column += part.shape[1]
    values = np.concatenate(estimate)
    influence[:, np.isnan(values)] = np.nan
    reasons = [NO_TREATED if np.isnan(value) else "" for value in values]
    return Block(np.concatenate(cohort), np.concatenate(period), values, influence, reasons)


def count_rows(panel: Panel, block: Block) -> npt.NDArray[np.int64]:
    """(k, 2) clusters of the cohort with a row in the period, and of other units with an untreated row in it."""
    codes = cluster_codes(panel.design.clusters, panel.design.units)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    alone = len(starts) == len(codes)
    counts = np.zeros((len(block.cohort), 2), dtype=np.int64)
    for cohort in np.unique(block.cohort):
        member = (panel.design.cohort == cohort)[:, None]
        for side, rows in enumerate(((panel.treated | panel.untreated) & member, panel.untreated & ~member)):
            clusters = (rows if alone else np.logical_or.reduceat(rows[order], starts, axis=0)).sum(axis=0)
            counts[block.cohort == cohort, side] = clusters[block.period[block.cohort == cohort]]
    return counts


def _split(sample: Sample, usable: Mask) -> tuple[Mask, Mask]:
    """Untreated rows end before the anticipation; treated rows are those of units treated within the panel."""
    n_periods = len(sample.design.times)
    clean = np.arange(n_periods)[None, :] < (sample.position - sample.design.anticipation)[:, None]
    inside = (sample.position < n_periods)[:, None]
    return np.asarray(usable & clean), np.asarray(usable & ~clean & inside)
