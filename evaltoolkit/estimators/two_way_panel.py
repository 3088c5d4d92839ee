"""The rows of a two-way regression: which enter, with which weight, and what treatment was in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import NEVER, Array, Design
from evaltoolkit.estimators.cells import Mask, Sample, first_positions, select_units
from evaltoolkit.estimators.imputation_fit import scale_columns
from evaltoolkit.findings import EvaltoolkitError

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Panel:
    """Rows of a regression with unit effects.

    Attributes
    ----------
    design : the design with the remaining units, weights of mean 1
    position : (n,) index of the first treated period; T when treated after the panel, beyond when never
    observed : (n, T) whether outcome, controls and treatment are observed
    outcome : (n, T) 0 where not observed
    weight : (n, T) weight of a row, 0 where not observed
    baseline : (n, 1 + k) a constant and the baseline covariates, scaled
    controls : (n, T, p) covariates that change over time, scaled, 0 where not observed
    dropped : reason -> codes of the units left out
    uneven : whether rows of one unit may weigh differently, as in the steps of a likelihood
    """

    design: Design
    position: npt.NDArray[np.int64]
    observed: Mask
    outcome: Array
    weight: Array
    baseline: Array
    controls: Array
    dropped: Mapping[str, tuple[str, ...]]
    uneven: bool = False

    @property
    def balanced(self) -> bool:
        """Whether every row is observed."""
        return bool(self.observed.all())

    @property
    def even(self) -> bool:
        """Whether every row is observed and the rows of a unit weigh the same: closed forms hold."""
        return self.balanced and not self.uneven

    @property
    def adjusted(self) -> bool:
        """Whether there are covariates or controls."""
        return bool(self.baseline.shape[1] > 1 or self.controls.shape[2] > 0)

    @property
    def untreated(self) -> Mask:
        """(n,) units that no period of the panel finds treated."""
        return np.asarray(self.position >= len(self.design.times))


def arrange_rows(design: Design) -> Panel:
    """Select units and rows.

    Units treated from the first period on are left out where treatment lasts; where it stops and restarts
    (``design.treatment``) they stay, for then they may be seen untreated later.

    Raises
    ------
    EvaltoolkitError
        No unit is treated after the first period; treatment is the same in every row.
    """
    design = _without_rows(design)
    sample = select_units(design) if design.treatment is None else _select_all(design)
    kept = sample.design
    if kept.treatment is None and not (sample.position < len(kept.times)).any():
        raise EvaltoolkitError("No unit is treated after the first period of the panel: check the dates in the roster.")
    observed, whole = sample.observed, sample.whole
    controls = kept.controls if kept.controls is not None else np.empty((*observed.shape, 0))
    if kept.treatment is not None and not np.ptp(kept.treatment[observed]) > 0:
        raise EvaltoolkitError("The treatment is the same in every observed row: check the treatment column.")
    return Panel(
        design=kept,
        position=sample.position,
        observed=observed,
        outcome=kept.outcome if whole else np.where(observed, kept.outcome, 0.0),
        weight=np.broadcast_to(kept.weights[:, None], observed.shape) if whole else observed * kept.weights[:, None],
        baseline=np.column_stack(
            [np.ones(len(kept.units)), scale_columns(kept.covariates, np.ones(len(kept.units), bool))]
        ),
        controls=scale_columns(controls, observed) if controls.shape[2] else controls,
        dropped=sample.dropped,
    )


def treatment_rows(panel: Panel) -> Array:
    """(n, T) treatment as it was: the design's own, or 1 from the first treated period on."""
    if panel.design.treatment is not None:
        return np.where(panel.observed, panel.design.treatment, 0.0)
    periods = np.arange(len(panel.design.times))
    return np.asarray(periods >= panel.position[:, None], dtype=float)


def movers_and_stayers(panel: Panel) -> tuple[Mask, Mask]:
    """(n,) units whose treatment changes between two observed periods, and units that keep it once at least."""
    treatment = treatment_rows(panel)
    both = panel.observed[:, 1:] & panel.observed[:, :-1]
    changed = np.diff(treatment, axis=1) != 0
    values = np.where(panel.observed, treatment, np.nan)
    first = values[np.arange(len(values)), panel.observed.argmax(axis=1)]
    moves = (panel.observed & (values != first[:, None])).any(axis=1)
    return np.asarray(moves), np.asarray((both & ~changed).any(axis=1))


def _without_rows(design: Design) -> Design:
    """Take the outcome out of rows whose controls or treatment are not known."""
    known = np.isfinite(design.outcome)
    if design.controls is not None:
        known = known & np.isfinite(design.controls).all(axis=2)
    if design.treatment is not None:
        known = known & np.isfinite(design.treatment)
    return design if known.all() else replace(design, outcome=np.where(known, design.outcome, np.nan))


def _select_all(design: Design) -> Sample:
    sample = select_units(replace(design, cohort=np.full(len(design.units), NEVER), anticipation=0))
    kept = np.isin(design.units, sample.design.units)
    cohort = design.cohort[kept]
    return replace(
        sample,
        design=replace(sample.design, cohort=cohort, anticipation=design.anticipation),
        position=first_positions(cohort, design.times),
    )
