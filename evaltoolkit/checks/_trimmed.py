"""How far those without a value could move the answer: trimming bounds, and the worst case where values have limits.

Both work on changes since the last period before the start (and before anticipation), cohort by cohort and period by
period, and say by how much the overall estimate would shift: exact without covariates, approximate with them and for
estimators that measure from other periods than that one. Beside each shift goes by how much every unit moves it, to
first order: the standard errors of the bounds rest on that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.checks._bounds import Bounds, bound_effects
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.effects import Effects

Mask = npt.NDArray[np.bool_]
# (position of the period, position of the base) -> which units are counted, whether they have a value or not
AtRisk = Callable[[int, int], Mask]
_NOBODY = np.empty(0)


class _World(NamedTuple):
    """Everybody: the units of the design, then those that never answered."""

    design: Design
    cohort: Array
    weights: Array
    outcome: Array
    at_risk: AtRisk


class _Cell(NamedTuple):
    """One cohort in one period from the start on, its weight in the overall effect, and who is compared in it."""

    weight: float
    cohort: float
    now: int
    base: int
    world: _World

    @property
    def treated(self) -> Mask:
        """The cohort."""
        return np.asarray(self.world.cohort == self.cohort)

    @property
    def comparison(self) -> Mask:
        """Whom it is compared with."""
        design, everybody = self.world.design, self.world.cohort
        time = design.times[min(self.now + design.anticipation, len(design.times) - 1)]
        later = everybody > (design.times[-1] if design.comparison == "never_treated" else time)
        return np.asarray(later & (everybody != self.cohort))

    @property
    def change(self) -> Array:
        """From the base to the period; NaN without either value."""
        return np.asarray(self.world.outcome[:, self.now] - self.world.outcome[:, self.base])

    @property
    def counted(self) -> Mask:
        """Who is counted, among them all that have both values."""
        asked = np.ones(len(self.world.cohort), dtype=bool)
        asked[: len(self.world.design.units)] = self.world.at_risk(self.now, self.base)
        return np.asarray(asked | np.isfinite(self.change))


class _Kept(NamedTuple):
    """A mean without its top or bottom: the shift, how each value moves it, and how the share that is kept does."""

    shift: float
    moves: Array
    by_share: float


def trimming_bounds(design: Design, effects: Effects, at_risk: AtRisk, silent: Array = _NOBODY) -> Bounds:
    """Bound the overall effect on those who have a value either way, where having one differs between the arms.

    In a period in which a larger share of the treated has a value than of the comparison, the surplus is cut off the
    top of the treated changes for the lower bound and off the bottom for the upper one; where the share is smaller, off
    the changes of the comparison. Shares are pooled over the cohorts of a period.

    Assumption: treatment makes having a value more likely for all, or less likely for all. Where shares are equal
    nothing is cut off, whoever it is that has none. The standard errors hold the noise of the shares, of the edge at
    which is cut, and of what is left; at shares that are equal but for chance the bounds have a corner, and lie too
    far out rather than too near.

    Parameters
    ----------
    design, effects : the estimate and what it rests on
    at_risk : who is counted in the shares
    silent : first treated times of further units, counted, that never had a value

    References
    ----------
    Lee (2009), https://doi.org/10.1111/j.1467-937X.2009.00536.x
    """
    world = _world(design, at_risk, silent)
    cells = _cells(world, effects)
    shifts, moves = np.zeros((len(cells), 2)), np.zeros((len(world.cohort), 2))
    surpluses = {now: _surplus([cell for cell in cells if cell.now == now]) for now in {cell.now for cell in cells}}
    for place, cell in enumerate(cells):
        surplus, by_unit = surpluses[cell.now]
        change = cell.change
        inside = (cell.treated if surplus > 0 else cell.comparison) & np.isfinite(change)
        if surplus == 0 or not inside.any():
            continue
        # what lowers the mean of the comparison raises the effect
        sign = 1.0 if surplus > 0 else -1.0
        for end, top in enumerate((False, True) if surplus > 0 else (True, False)):
            kept = _cut(change[inside], world.weights[inside], abs(surplus), top=top)
            shifts[place, end] = sign * kept.shift
            moves[inside, end] += cell.weight * sign * kept.moves
            moves[:, end] += cell.weight * sign * kept.by_share * by_unit
    return _add_up(design, effects, cells, shifts, moves)


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
    world = _world(design, at_risk, silent)
    cells = _cells(world, effects)
    shifts, moves = np.zeros((len(cells), 2)), np.zeros((len(world.cohort), 2))
    for place, cell in enumerate(cells):
        change, counted = cell.change, cell.counted
        for arm, sign in ((cell.treated, 1.0), (cell.comparison, -1.0)):
            inside, known = arm & counted, arm & np.isfinite(change)
            if not known.any():
                continue
            mean, by_known = _mean(change[known], world.weights[known])
            for end, (low, high) in enumerate((limits, limits[::-1]) if sign > 0 else (limits[::-1], limits)):
                filled = _filled(cell, low, high)
                whole, by_filled = _mean(filled[inside], world.weights[inside])
                shifts[place, end] += sign * (whole - mean)
                moves[inside, end] += cell.weight * sign * by_filled
                moves[known, end] -= cell.weight * sign * by_known
    return _add_up(design, effects, cells, shifts, moves)


def _add_up(design: Design, effects: Effects, cells: list[_Cell], shifts: Array, moves: Array) -> Bounds:
    """Sum the shifts of the cells, with what the sizes of the cohorts add to their noise."""
    weights = np.array([cell.weight for cell in cells])
    total = np.asarray(weights @ shifts)
    for cell, shift in zip(cells, shifts, strict=True):
        own = cell.treated[: len(design.units)]
        share = np.where(own, design.weights, 0.0) / design.weights[own].sum()
        # a cohort with one more unit weighs more, all others less
        moves[: len(share)] += cell.weight * share[:, None] * (shift - total)
    return bound_effects(design, effects, total, moves)


def _world(design: Design, at_risk: AtRisk, silent: Array) -> _World:
    return _World(
        design,
        np.append(design.cohort, silent),
        np.append(design.weights, np.ones(len(silent))),
        np.vstack([design.outcome, np.full((len(silent), len(design.times)), np.nan)]),
        at_risk,
    )


def _cells(world: _World, effects: Effects) -> list[_Cell]:
    """The group-time effects that the overall one averages, with a period before treatment to measure from."""
    design = world.design
    weights = aggregation_matrix(effects, "overall")[0]
    cohort = effects.labels["cohort"].to_numpy(dtype=float)
    now = np.searchsorted(design.times, effects.labels["time"].to_numpy(dtype=float))
    base = np.searchsorted(design.times, cohort) - design.anticipation - 1
    used = np.flatnonzero((weights > 0) & (base >= 0))
    return [_Cell(float(weights[j]), float(cohort[j]), int(now[j]), int(base[j]), world) for j in used]


def _filled(cell: _Cell, low: float, high: float) -> Array:
    """Changes with what is missing later at one limit, and what is missing before at the other."""
    after, before = cell.world.outcome[:, cell.now], cell.world.outcome[:, cell.base]
    return np.where(np.isfinite(after), after, low) - np.where(np.isfinite(before), before, high)


def _surplus(cells: list[_Cell]) -> tuple[float, Array]:
    """The share to be cut off in one period: above zero off the treated, below zero off the comparison.

    And (n + m,) by how much every unit moves the share that is kept.
    """
    shares = _shares(cells)
    if shares is None:
        return 0.0, np.zeros(len(cells[0].world.cohort))
    share, moves = shares
    most, least = int(np.argmax(share)), int(np.argmin(share))
    kept = share[least] / share[most] if share[most] > 0 else 1.0
    # shares that differ by rounding are equal
    surplus = (1 - kept) * (1 if most == 0 else -1) if 1 - kept > 1e-9 else 0.0
    if surplus == 0 or share[least] == 0:
        return surplus, np.zeros(moves.shape[1])
    return surplus, kept * (moves[least] / share[least] - moves[most] / share[most])


def _shares(cells: list[_Cell]) -> tuple[Array, Array] | None:
    """Shares (2,) that have a value in one period, and how every unit moves them; None where an arm is empty."""
    weights = cells[0].world.weights
    with_value, whole, moves, entering = np.zeros(2), np.zeros(2), *np.zeros((2, 2, len(weights)))
    for cell in cells:
        pair, counted, treated = np.isfinite(cell.change), cell.counted, cell.treated
        size = float(weights[treated].sum())
        for arm, member in enumerate((treated, cell.comparison)):
            inside = np.where(member & counted, weights, 0.0)
            if not inside.any():
                continue
            own = float(inside @ pair) / inside.sum()
            # the comparison of a cohort counts as much as the cohort
            total = size if arm == 1 else inside.sum()
            with_value[arm] += own * total
            whole[arm] += total
            moves[arm] += total / inside.sum() * inside * (pair - own)
            # one unit more gives the cohort more weight
            more = np.where(treated, weights, 0.0) if arm == 1 else inside
            moves[arm] += more * own
            entering[arm] += more
    if not (whole > 0).all():
        return None
    share = with_value / whole
    return share, (moves - entering * share[:, None]) / whole[:, None]


def _mean(values: Array, weights: Array) -> tuple[float, Array]:
    """A weighted mean, and by how much each value moves it."""
    mean = float(np.average(values, weights=weights))
    return mean, weights * (values - mean) / weights.sum()


def _cut(values: Array, weights: Array, share: float, *, top: bool) -> _Kept:
    """How much the mean falls without its top share, or rises without its bottom one (whole and broken units)."""
    mean, moves = _mean(values, weights)
    order = np.argsort(-values if top else values, kind="stable")
    heavy = weights[order]
    left = (1 - share) * weights.sum()
    # the unit at the edge is kept in part
    part = np.clip(left - (np.cumsum(heavy) - heavy), 0.0, heavy)
    if not part.sum() > 0:
        return _Kept(0.0, np.zeros(len(values)), 0.0)
    kept = float(part @ values[order] / part.sum())
    edge = float(values[order][np.flatnonzero(part > 0)[-1]])
    beyond = values - edge
    inner = np.maximum(beyond, 0.0) if top else np.minimum(beyond, 0.0)
    by_value = weights / weights.sum() * (inner / (1 - share) + edge - kept)
    return _Kept(kept - mean, by_value - moves, (edge - kept) / (1 - share))
