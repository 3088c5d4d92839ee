"""Counts before and after: what was counted after a start, less what the unit's own total lets expect there.

If untreated rates of all units move by the same factor from period to period, and a unit's total over a window of
periods is held fixed, the share of it that falls after a start depends on the common path alone, not on the unit's
level. The difference between what fell there and that share is the conditional score of a ratio effect. It can be
computed for every cohort that a cluster could have been in, so that assignments change without fitting again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.contrasts import Ints

Mask = npt.NDArray[np.bool_]

# the path is found when no unit's level moves by more than this
_STILL = 1e-10
_STEPS = 500


class CountScores(NamedTuple):
    """Conditional scores of a ratio effect, per cluster and cohort; zero for cohorts that only compare.

    Attributes
    ----------
    score : (G, C) events after the start less those expected there, given the totals of the window
    information : (G, C) their variance if events are Poisson
    expected : (G, C) events expected after the start, given the totals of the window
    total : (G, C) events in the window
    """

    score: Array
    information: Array
    expected: Array
    total: Array


@dataclass(frozen=True)
class CountTable:
    """Events and exposure of every unit, and the windows of every cohort.

    Attributes
    ----------
    events : (n, T) counts, 0 where not observed
    exposure : (n, T) what they are counted in, 0 where not observed
    codes : (n,) cluster of every unit
    group : (G,) cohort of each cluster, as a place in ``cohorts``
    cohorts : (C,) first treated times, ``inf`` = never (or later than the panel)
    after, before : (C, T) periods in which a cohort is treated, and those that they are compared with; none for a
        cohort that only compares
    labels : (G,) labels of the clusters
    """

    events: Array
    exposure: Array
    codes: Ints
    group: Ints
    cohorts: Array
    after: Mask
    before: Mask
    labels: npt.NDArray[np.str_]

    @property
    def treated(self) -> Mask:
        """(C,) whether a cohort is treated within the panel; the others only compare."""
        return np.asarray(self.after.any(axis=1))

    def scores(self, ratio: float = 1.0) -> CountScores:
        """Return the scores if treatment multiplies the rates of those that were treated by ``ratio``."""
        treated = self.after[self.group[self.codes]]
        exposure = np.where(treated, ratio * self.exposure, self.exposure)
        mean = exposure * fit_path(self.events, exposure)
        after, before = self.after.astype(float).T, self.before.astype(float).T
        later, earlier = mean @ after, mean @ before
        # a unit without exposure on one side of the start compares nothing
        both = (later > 0) & (earlier > 0)
        share = np.where(both, later / np.where(both, later + earlier, 1.0), 0.0)
        counted = np.where(both, self.events @ after, 0.0)
        total = counted + np.where(both, self.events @ before, 0.0)
        expected = total * share
        parts = [self._by_cluster(one) for one in (counted - expected, expected * (1 - share), expected, total)]
        return CountScores(*parts)

    def _by_cluster(self, values: Array) -> Array:
        if np.array_equal(self.codes, np.arange(len(self.group))):
            # every unit is its own cluster
            return values
        out = np.zeros((len(self.group), values.shape[1]))
        np.add.at(out, self.codes, values)
        return out


def fit_path(events: Array, exposure: Array) -> Array:
    """Return the common path (T,) of rates, up to a factor, with a free level for every unit.

    The maximum of the Poisson likelihood with unit and period effects, found by fitting the margins in turn; it is the
    same for any order of units, and so for any assignment.

    Parameters
    ----------
    events : (n, T) counts
    exposure : (n, T) their exposures; 0 where nothing was observed
    """
    totals, path = events.sum(axis=1), np.ones(events.shape[1])
    counted = events.sum(axis=0)
    level = np.zeros(len(events))
    for _ in range(_STEPS):
        base = exposure @ path
        again = np.divide(totals, base, out=np.zeros_like(base), where=base > 0)
        moved = np.abs(again - level).max(initial=0.0)
        level = again
        if moved <= _STILL * np.abs(level).max(initial=0.0):
            break
        weight = level @ exposure
        path = np.divide(counted, weight, out=np.zeros_like(path), where=weight > 0)
        path /= path.max() or 1.0
    return path


def count_table(design: Design, overall: Effects) -> CountTable:
    """Return the table behind the overall effect of a Poisson regression.

    Periods before treatment are those of the estimate: with never-treated comparison the last one in which the cohort
    was observed, with not-yet-treated comparison all.

    Parameters
    ----------
    design : Design
        No covariates, weights all alike; gaps are allowed; clusters lie in one cohort each.
    overall : Effects
        ``estimate(design, "extended_two_way", family="poisson").aggregate("overall")``.

    Raises
    ------
    EvaltoolkitError
        Covariates, weights, or a cluster in several cohorts.
    """
    if design.covariates.shape[1] or np.ptp(design.weights) > 1e-12:
        raise EvaltoolkitError(
            "The test of counts knows neither covariates nor weights: estimate without them, for example on units that "
            "are alike."
        )
    place = {str(unit): row for row, unit in enumerate(design.units)}
    rows = np.array([place[str(unit)] for unit in overall.units])
    seen = np.isfinite(design.outcome[rows])
    exposure = np.ones(seen.shape) if design.exposure is None else design.exposure[rows]
    cohorts, of_unit = np.unique(design.cohort[rows], return_inverse=True)
    codes = cluster_codes(overall.clusters, overall.units)
    group = np.zeros(int(codes.max()) + 1, dtype=np.intp)
    group[codes] = of_unit
    if (group[codes] != of_unit).any():
        raise EvaltoolkitError(
            "A cluster holds units of several cohorts: assignment by cluster cannot be drawn anew. Cluster by the "
            "level at which it was decided who starts when."
        )
    after, before = _windows(design, cohorts, of_unit, seen)
    return CountTable(
        events=np.where(seen, design.outcome[rows], 0.0),
        exposure=np.where(seen, exposure, 0.0),
        codes=codes,
        group=group,
        cohorts=cohorts,
        after=after,
        before=before,
        labels=np.asarray(overall.clusters)[np.unique(codes, return_index=True)[1]],
    )


def _windows(design: Design, cohorts: Array, of_unit: Ints, seen: Mask) -> tuple[Mask, Mask]:
    """(C, T) periods after and before the start of every cohort, as the estimate compares them."""
    periods = np.arange(len(design.times))
    first = np.searchsorted(design.times, cohorts)
    untreated = seen & (periods < (first - design.anticipation)[of_unit][:, None])
    if design.comparison == "never_treated":
        untreated &= (first == len(periods))[of_unit][:, None]
    # a period in which nobody is left to compare with has no effect
    after = np.array(periods >= first[:, None]) & np.array(untreated.any(axis=0))
    before = np.array(periods < (first - design.anticipation)[:, None]) & np.array(after.any(axis=1))[:, None]
    if design.comparison == "never_treated":
        for number in range(len(cohorts)):
            last = np.flatnonzero(before[number] & np.array(seen[of_unit == number].any(axis=0)))[-1:]
            before[number] = np.isin(periods, last)
    return after, before
