"""Which units enter, and which comparison each group-time effect makes: positions, masks and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.groups import Groups, number_cohorts

Missing = Literal["pairs", "complete_units", "repeated_cross_sections"]
Mask = npt.NDArray[np.bool_]

FIRST_PERIOD = "treated from the first period on: no period before treatment"
NEVER_OBSERVED = "outcome never observed"
NO_WEIGHT = "no weight"
INCOMPLETE = "outcome not observed in every period"
NO_TREATED = "no treated unit observed"
NO_COMPARISON = "no comparison unit observed"
REFERENCE = "reference period"

# The position of never-treated units: beyond any period and any anticipation.
_NEVER = np.iinfo(np.int64).max // 2


@dataclass(frozen=True)
class Sample:
    """The units that enter the estimation, and why others do not.

    Attributes
    ----------
    design : the design with the remaining units, weights rescaled to mean 1
    groups : cohorts of these units
    position : (n,) index of the first treated period; T when treated after the panel, beyond when never
    observed : (n, T) whether the outcome is observed (in every outcome of a stack)
    dropped : reason -> codes of the units left out
    whole : whether every outcome is observed
    """

    design: Design
    groups: Groups
    position: npt.NDArray[np.int64]
    observed: Mask
    dropped: Mapping[str, tuple[str, ...]]
    whole: bool


class Cell(NamedTuple):
    """One group-time effect: ``cohort`` at ``times[current]`` against ``times[base]``."""

    cohort: float
    current: int
    base: int
    comparison: Mask

    @property
    def is_reference(self) -> bool:
        """Whether the period is its own base."""
        return self.current == self.base


def first_positions(cohort: Array, times: Array) -> npt.NDArray[np.int64]:
    """Return the index of the first period at or after the cohort date.

    A date between two waves takes effect at the next wave. ``len(times)`` is treated after the panel; never-treated
    units get a number beyond every period.
    """
    position = np.searchsorted(times, cohort, side="left").astype(np.int64)
    return np.where(np.isinf(cohort), _NEVER, position)


def select_units(design: Design, *, missing: Missing = "pairs") -> Sample:
    """Drop the units that cannot enter, each with its reason."""
    observed = _observed(design)
    groups = number_cohorts(design.cohort)
    position = first_positions(groups.cohorts, design.times)[groups.group]
    nobody = np.zeros(len(position), bool)
    whole = observed.strides == (0, 0) or bool(observed.all())
    rules = {
        FIRST_PERIOD: position - design.anticipation < 1,
        NO_WEIGHT: ~(design.weights > 0),
        NEVER_OBSERVED: nobody if whole else ~observed.any(axis=1),
        INCOMPLETE: nobody if whole or missing != "complete_units" else ~observed.all(axis=1),
    }
    keep = np.ones(len(position), bool)
    dropped = {}
    for reason, hit in rules.items():
        if (hit & keep).any():
            dropped[reason] = tuple(str(code) for code in design.units[hit & keep])
        keep &= ~hit
    kept = keep_units(design, keep)
    if keep.all():
        return Sample(kept, groups, position, observed, dropped, whole)
    seen = observed[keep]
    return Sample(kept, number_cohorts(kept.cohort), position[keep], seen, dropped, whole or bool(seen.all()))


def _observed(design: Design) -> Mask:
    """(n, T) which outcomes are observed; written out only where some are not."""
    if design.complete:
        return np.broadcast_to(np.True_, design.outcome.shape[:2])
    finite = np.isfinite(design.outcome)
    return np.asarray(finite if finite.ndim == 2 else finite.all(axis=2))


def comparison_only(sample: Sample) -> Array:
    """Return the cohorts that serve as comparison and are not estimated themselves.

    With a not-yet-treated comparison and nobody untreated at the end, the last cohort is the only comparison of the
    others and has none itself.
    """
    last = len(sample.design.times)
    treated = sample.position < last
    if sample.design.comparison == "never_treated" or not treated.all() or not treated.any():
        return np.empty(0)
    return np.unique(sample.design.cohort[sample.position == sample.position.max()])


def list_cells(sample: Sample, base: Literal["varying", "universal"]) -> list[Cell]:
    """List the group-time effects, by cohort and period.

    ``varying``: before treatment (and anticipation) each period against the one before it; from then on against the
    last of these periods. ``universal``: every period against that last period. Periods are counted by position, so
    that "the period before" of a survey wave is the wave before it.
    """
    design = sample.design
    cohorts = np.setdiff1d(design.cohorts, comparison_only(sample))
    firsts = first_positions(cohorts, design.times)
    begin = 1 if base == "varying" else 0
    compared = _comparisons(sample)
    cells = []
    for cohort, first in zip(cohorts, firsts, strict=True):
        before = int(first) - design.anticipation - 1
        for current in range(begin, len(design.times)):
            # a period that treatment may already touch is no base: effects in it are changes since the last clean one
            clean = current < first - design.anticipation
            against = current - 1 if base == "varying" and clean else before
            untouched = compared[max(current, against)]
            if design.comparison != "never_treated":
                untouched = np.asarray(untouched & (design.cohort != cohort))
            cells.append(Cell(float(cohort), current, against, untouched))
    return cells


def _comparisons(sample: Sample) -> Mask:
    """(T, n) units that compare, by the later period of a comparison: untreated, and not anticipating, up to it."""
    design = sample.design
    untouched = sample.position > np.arange(len(design.times))[:, None] + design.anticipation
    if design.comparison == "never_treated":
        untouched &= sample.position >= len(design.times)
    return np.asarray(untouched)
