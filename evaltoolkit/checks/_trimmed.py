"""How far those without a value could move the answer: trimming bounds, and the worst case where values have limits.

Both work on changes since the last period before the start (and before anticipation), cohort by cohort and period by
period, and say by how much the overall estimate would shift: exact without covariates, approximate with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.checks._again import overall_effects
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.effects import Effects

Mask = npt.NDArray[np.bool_]
# (position of the period, position of the base) -> which units are counted, whether they have a value or not
AtRisk = Callable[[int, int], Mask]
_NOBODY = np.empty(0)


class Bounds(NamedTuple):
    """Lowest and highest overall effect."""

    low: float
    high: float

    def keep_sign(self, estimate: float) -> bool:
        """Whether both ends have the sign of the estimate."""
        return self.low > 0 if estimate > 0 else self.high < 0


class _Cell(NamedTuple):
    """One cohort in one period from the start on, and its weight in the overall effect."""

    weight: float
    cohort: float
    now: int
    base: int


class _Arms(NamedTuple):
    """Who is compared in a cell, among the units of the design and among those that never answered."""

    treated: Mask
    comparison: Mask
    n_silent: tuple[int, int]


def trimming_bounds(design: Design, effects: Effects, at_risk: AtRisk, silent: Array = _NOBODY) -> Bounds:
    """Bound the overall effect on those who have a value either way, where having one differs between the arms.

    In a period in which a larger share of the treated has a value than of the comparison, the surplus is cut off the
    top of the treated changes for the lower bound and off the bottom for the upper one; where the share is smaller, off
    the changes of the comparison. Shares are pooled over the cohorts of a period.

    Assumption: treatment makes having a value more likely for all, or less likely for all. Where shares are equal
    nothing is cut off, whoever it is that has none.

    Parameters
    ----------
    design, effects : the estimate and what it rests on
    at_risk : who is counted in the shares
    silent : first treated times of further units, counted, that never had a value

    References
    ----------
    Lee (2009), https://doi.org/10.1111/j.1467-937X.2009.00536.x
    """
    seen = np.isfinite(design.outcome)
    cells = list(_cells(design, effects))
    surplus = _surplus(design, cells, seen, at_risk, silent)
    shift = np.zeros(2)
    for cell in cells:
        arms = _arms(design, cell, silent)
        change = design.outcome[:, cell.now] - design.outcome[:, cell.base]
        arm = arms.treated if surplus[cell.now] > 0 else arms.comparison
        inside = arm & np.isfinite(change)
        share = abs(surplus[cell.now])
        if share == 0 or not inside.any():
            continue
        low, high = _cut(change[inside], design.weights[inside], share)
        # what lowers the mean of the comparison raises the effect
        shift += cell.weight * (np.array([low, high]) if surplus[cell.now] > 0 else -np.array([high, low]))
    return _around(effects, shift)


def worst_case(
    design: Design, effects: Effects, limits: tuple[float, float], at_risk: AtRisk, silent: Array = _NOBODY
) -> Bounds:
    """Bound the overall effect on all who are counted, missing values being anything within the limits of the measure.

    Parameters
    ----------
    limits : lowest and highest value that there can be

    References
    ----------
    Horowitz and Manski (2000), https://doi.org/10.2307/2669526
    """
    shift = np.zeros(2)
    for cell in _cells(design, effects):
        arms, counted = _arms(design, cell, silent), at_risk(cell.now, cell.base)
        after, before = design.outcome[:, cell.now], design.outcome[:, cell.base]
        pair = np.isfinite(after) & np.isfinite(before)
        for arm, n_silent, sign in ((arms.treated, arms.n_silent[0], 1), (arms.comparison, arms.n_silent[1], -1)):
            inside = arm & (counted | pair)
            weight = design.weights[inside]
            if not (pair & inside).any():
                continue
            known = np.average((after - before)[pair & inside], weights=design.weights[pair & inside])
            ends = []
            for low, high in (limits, limits[::-1]):
                filled = np.where(np.isfinite(after), after, low) - np.where(np.isfinite(before), before, high)
                total = weight @ filled[inside] + n_silent * (low - high)
                ends.append(total / (weight.sum() + n_silent) - known)
            shift += cell.weight * (np.array(ends) if sign > 0 else -np.array(ends[::-1]))
    return _around(effects, shift)


def _around(effects: Effects, shift: Array) -> Bounds:
    estimate = float(overall_effects(effects).estimate[0])
    return Bounds(estimate + float(shift[0]), estimate + float(shift[1]))


def _cells(design: Design, effects: Effects) -> list[_Cell]:
    """The group-time effects that the overall one averages, with a period before treatment to measure from."""
    weights = aggregation_matrix(effects, "overall")[0]
    cohort = effects.labels["cohort"].to_numpy(dtype=float)
    now = np.searchsorted(design.times, effects.labels["time"].to_numpy(dtype=float))
    base = np.searchsorted(design.times, cohort) - design.anticipation - 1
    used = np.flatnonzero((weights > 0) & (base >= 0))
    return [_Cell(float(weights[j]), float(cohort[j]), int(now[j]), int(base[j])) for j in used]


def _arms(design: Design, cell: _Cell, silent: Array) -> _Arms:
    time = design.times[min(cell.now + design.anticipation, len(design.times) - 1)]

    def compared(cohort: Array) -> Mask:
        later = cohort > (design.times[-1] if design.comparison == "never_treated" else time)
        return np.asarray(later & (cohort != cell.cohort))

    counts = int((silent == cell.cohort).sum()), int(compared(silent).sum())
    return _Arms(design.cohort == cell.cohort, compared(design.cohort), counts)


def _surplus(design: Design, cells: list[_Cell], seen: Mask, at_risk: AtRisk, silent: Array) -> Array:
    """(T,) share to be cut off: above zero off the treated, below zero off the comparison."""
    counts = np.zeros((len(design.times), 2, 2))
    for cell in cells:
        arms = _arms(design, cell, silent)
        pair, counted = seen[:, cell.now] & seen[:, cell.base], at_risk(cell.now, cell.base)
        size = float(design.weights[arms.treated].sum()) + arms.n_silent[0]
        for arm, (inside, n_silent) in enumerate(zip(arms[:2], arms.n_silent, strict=True)):
            with_value = float(design.weights[inside & pair].sum())
            whole = float(design.weights[inside & (counted | pair)].sum()) + n_silent
            # the comparison of a cohort counts as much as the cohort
            scale = size / whole if arm == 1 and whole > 0 else 1.0
            counts[cell.now, arm] += scale * np.array([with_value, whole])
    share = np.divide(counts[:, :, 0], counts[:, :, 1], out=np.zeros(counts.shape[:2]), where=counts[:, :, 1] > 0)
    most = share.max(axis=1)
    gap = np.divide(share[:, 0] - share[:, 1], most, out=np.zeros(len(most)), where=most > 0)
    # shares that differ by rounding are equal
    return np.asarray(np.where(np.abs(gap) < 1e-9, 0.0, gap))


def _cut(values: Array, weights: Array, share: float) -> tuple[float, float]:
    """How much the mean falls without its top share, and rises without its bottom one (whole and broken units)."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    mean = float(np.average(values, weights=weights))
    ends = []
    for one, heavy in ((values, weights), (values[::-1], weights[::-1])):
        left = (1 - share) * heavy.sum()
        # the unit at the edge is kept in part
        kept = np.clip(left - (np.cumsum(heavy) - heavy), 0.0, heavy)
        ends.append(float(kept @ one / kept.sum()) - mean if kept.sum() > 0 else 0.0)
    return ends[0], ends[1]
