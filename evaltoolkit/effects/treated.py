"""How many treated clusters, worth the same, stand behind each estimate, and in how many cohorts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.estimates import Array, Estimates
from evaltoolkit.effects.influence import Influence, PartedInfluence

Codes = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

# months are twelfths: the same distance must be the same number
_CLOCK_DIGITS = 6


class Behind(NamedTuple):
    """What stands behind each row.

    Attributes
    ----------
    effective : (k,) number of equal treated clusters; NaN where none enters
    cohorts : (k,) number of treated cohorts that enter
    """

    effective: Array
    cohorts: npt.NDArray[np.int64]


def treated_behind(effects: Estimates, codes: Codes) -> Behind:
    """Return the effective number of treated clusters and the number of treated cohorts behind each row.

    Estimand: (sum w_g)^2 / sum w_g^2 over treated clusters g; w_g is the weight of the cluster's treated units times
    the number of periods in which their effect is averaged. Known before any outcome is seen.

    Parameters
    ----------
    effects : Estimates
    codes : (n,) cluster of every unit

    References
    ----------
    Carter, Schnepel and Steigerwald (2017), https://doi.org/10.1162/REST_a_00639, for the measure
    """
    influence = effects.influence
    if isinstance(influence, PartedInfluence):
        cohorts, place = influence.cohorts, influence.group
    else:
        cohorts, place = np.unique(effects.cohort, return_inverse=True)
    acting = np.isfinite(cohorts) & ~np.isin(cohorts, effects.info.get("comparison_only_cohorts", ()))
    periods = np.where(acting[:, None], periods_behind(effects, cohorts), 0.0)
    pairs, of_unit = _cells(codes, place, len(cohorts))
    weights = np.bincount(of_unit, weights=effects.weights, minlength=len(pairs))
    if isinstance(influence, PartedInfluence) and len(pairs) == int(codes.max(initial=-1)) + 1:
        # every cluster lies in one cohort, whose units enter alike: sums by cohort are enough
        parts = np.where(_moving(influence), periods, 0.0)
        home = pairs % len(cohorts)
        first, second = (np.bincount(home, one, len(cohorts)).astype(float) for one in (weights, weights**2))
        return Behind(_equal(first @ parts, second @ parts**2), (parts > 0).sum(axis=0))
    if len(pairs) == int(codes.max(initial=-1)) + 1:
        return _by_cohort(effects, influence, (codes, np.asarray(place, dtype=np.intp)), periods)
    entering = np.where(entering_units(influence), effects.weights[:, None] * periods[place], 0.0)
    total = _sums(entering, codes)
    held = _sums(entering, np.asarray(place, dtype=np.intp)) > 0
    return Behind(_equal(total.sum(axis=0), (total**2).sum(axis=0)), held.sum(axis=0))


def _by_cohort(effects: Estimates, influence: Influence, at: tuple[Codes, Codes], periods: Array) -> Behind:
    """Where every cluster lies in one cohort: cohort by cohort, and only those that are treated."""
    codes, place = at
    single = len(codes) == int(codes.max(initial=-1)) + 1
    first, second, cohorts = np.zeros((3, periods.shape[1]))
    for number in np.flatnonzero(periods.any(axis=1)):
        rows = np.flatnonzero(place == number)
        entering = entering_units(np.asarray(influence[rows])).astype(float)
        weights = effects.weights[rows]
        if single:
            total, squares = weights @ entering, weights**2 @ entering
        else:
            order = np.argsort(codes[rows], kind="stable")
            starts = np.flatnonzero(np.diff(codes[rows][order], prepend=-1))
            sums = np.add.reduceat((weights[:, None] * entering)[order], starts, axis=0)
            total, squares = sums.sum(axis=0), (sums**2).sum(axis=0)
        first += periods[number] * total
        second += periods[number] ** 2 * squares
        cohorts += (periods[number] > 0) & (total > 0)
    return Behind(_equal(first, second), cohorts.astype(np.int64))


def equal_number(parts: Array) -> Array:
    """Return how many equal parts (G, k) parts are worth: (sum)^2 / sum of squares; NaN where all are zero."""
    return _equal(parts.sum(axis=0), (parts**2).sum(axis=0))


def entering_units(influence: Influence) -> Mask:
    """Return (n, k) units that an estimate depends on."""
    if isinstance(influence, PartedInfluence):
        return np.asarray(_moving(influence)[influence.group])
    return np.asarray(np.isfinite(influence) & (influence != 0))


def periods_behind(effects: Estimates, cohort: Array) -> Array:
    """Return (m, k) number of periods in which the effect on these cohorts (m,) is averaged into each row."""
    labels = effects.labels
    told = effects.info.get("times")
    times = np.asarray(np.unique(effects.cohort[np.isfinite(effects.cohort)]) if told is None else told, dtype=float)
    if "cohort" in labels and "time" in labels:
        return np.asarray(cohort[:, None] == labels["cohort"].to_numpy(float), dtype=float)
    after = (times[None, :] >= cohort[:, None]).sum(axis=1).astype(float)[:, None]
    if "cohort" in labels:
        return np.asarray(after * (cohort[:, None] == labels["cohort"].to_numpy(float)))
    if "event_time" in labels:
        since = _since(effects, times, cohort)
        columns = [(since == time).any(axis=1) for time in labels["event_time"].to_numpy(float)]
        return np.stack(columns, axis=1).astype(float)
    if "time" in labels:
        return np.asarray(cohort[:, None] <= labels["time"].to_numpy(float), dtype=float)
    return np.asarray(after * np.ones(len(labels)))


def _since(effects: Estimates, times: Array, cohort: Array) -> Array:
    """Time since treatment (m, T), in the unit of ``times`` or in periods."""
    start = np.where(np.isfinite(cohort), cohort, np.nan)[:, None]
    if effects.info.get("event_clock", "time") == "periods":
        first = np.where(np.isnan(start), np.nan, np.searchsorted(times, np.nan_to_num(start)))
        return np.asarray(np.arange(len(times)) - first)
    return np.asarray(np.round(times - start, _CLOCK_DIGITS) + 0.0)


def _moving(influence: PartedInfluence) -> Mask:
    """(C, k) whether the units of a group move an estimate."""
    slopes = influence.slopes
    return np.asarray(np.isfinite(slopes).all(axis=(0, 1)) & (slopes != 0).any(axis=1))


def _cells(codes: Codes, place: Codes, count: int) -> tuple[Codes, Codes]:
    """Cells of cluster and cohort with units, as cluster times ``count`` plus cohort, and the cell of each unit."""
    cells = codes * count + place
    if len(codes) == int(codes.max(initial=-1)) + 1:
        # every unit is its own cluster: nothing to sort
        return cells, np.arange(len(codes), dtype=np.intp)
    pairs, of_unit = np.unique(cells, return_inverse=True)
    return pairs.astype(np.intp), of_unit.astype(np.intp)


def _equal(total: Array, squares: Array) -> Array:
    return np.asarray(np.divide(total**2, squares, out=np.full(len(total), np.nan), where=squares > 0))


def _sums(values: Array, codes: Codes) -> Array:
    out = np.zeros((int(codes.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(out, codes, values)
    return out
