"""Permutation of counts: a ratio effect under other assignments, all of them at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.inference.count_table import CountScores, CountTable
from evaltoolkit.inference.invert import invert_test
from evaltoolkit.inference.randomisation import draw_assignments

# a ratio beyond exp(40), or below exp(-40), is none
_FAR = 40.0


class CountTest(NamedTuple):
    """What redrawing the assignment says about a ratio.

    Attributes
    ----------
    statistic : studentised score of the assignment that took place; positive where more was counted than expected
    p_value : share of assignments with a score at least as far from zero, the real one among them
    smallest_p : smallest p-value that could have come out
    draws : number of assignments looked at
    exact : whether they are all there are
    """

    statistic: float
    p_value: float
    smallest_p: float
    draws: int
    exact: bool


def count_test(
    table: CountTable,
    *,
    ratio: float = 1.0,
    strata: npt.NDArray[np.intp] | None = None,
    assignments: Ints | None = None,
    draws: int = 999,
    seed: int = 1,
) -> CountTest:
    """Test that treatment multiplies counts by a given ratio, by drawing anew who starts when.

    Estimand: the ratio of the events counted in treated unit-periods to those expected there without treatment, the
    same for all. The statistic is the score of that ratio given every unit's own total, so that no unit's level enters,
    over the standard error that the drawn clusters let expect: their Poisson variance v, stretched to a v + b v^2 with
    a, b >= 0 fitted to all clusters.

    Assumption: under a ratio of one the assignment could as well have been any other (the test is then exact, whatever
    the counts are like), or, where it was not drawn by lot: untreated rates of all units move by the same factor from
    period to period, and scores over their standard errors are alike. For other ratios the latter is needed.

    Not when: trends of rates are parallel in levels instead; covariates or weights enter the estimate.

    Parameters
    ----------
    table : CountTable
    ratio : float
        Above zero.
    strata : (G,) int, optional
        Clusters change places within strata only.
    assignments : (B, G) int, optional
        Further draws of the real mechanism, as places in ``table.cohorts``; the real assignment is added.
    draws : int
        Where there are no more different assignments than this, all are enumerated.
    seed : int

    References
    ----------
    Wooldridge (1999), https://doi.org/10.1016/S0304-4076(98)00033-5, for the score given totals; Wu and Ding (2021),
    https://doi.org/10.1080/01621459.2020.1750415, for studentised permutation.
    """
    return _test(table, _draw(table, strata, assignments, (draws, seed)), ratio)


def count_interval(
    table: CountTable,
    *,
    level: float = 0.95,
    strata: npt.NDArray[np.intp] | None = None,
    assignments: Ints | None = None,
    draws: int = 999,
    seed: int = 1,
) -> tuple[float, float]:
    """Return the ratios that the test does not reject: an interval, from zero or to infinity where it is open.

    Parameters
    ----------
    table, strata, assignments, draws, seed : as in :func:`count_test`
    level : float
    """
    drawn = _draw(table, strata, assignments, (draws, seed))

    def p_value(logarithm: float) -> float:
        return _test(table, drawn, math.exp(min(max(logarithm, -_FAR), _FAR))).p_value

    return invert_ratio(p_value, table, level)


def count_ratio(table: CountTable) -> float:
    """Return the ratio at which the treated have as many events as expected, given the totals of all units.

    With one cohort this is (after / before) of the treated over that of the comparison, as the Poisson regression with
    unit and period effects has it. Zero where nothing was counted after the start, infinite where nothing before it,
    NaN where nothing at all.
    """
    if not _own(table, table.scores().total).any():
        return math.nan

    def excess(logarithm: float) -> float:
        return float(np.sum(_own(table, table.scores(math.exp(logarithm)).score)))

    if excess(-_FAR) <= 1e-9:
        return 0.0
    if excess(_FAR) >= -1e-9:
        return math.inf
    low, high = -_FAR, _FAR
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return math.exp((low + high) / 2)


def count_rank(table: CountTable) -> float:
    """Return the share of comparison clusters with a studentised score at least as far out as the treated one's.

    Not when: several clusters are treated.
    """
    treated = np.flatnonzero(table.treated[table.group])
    others = np.flatnonzero(~table.treated[table.group])
    cohort = int(table.group[treated[0]])
    scores = table.scores()
    score, variance = scores.score[:, cohort], _variance(scores, cohort)
    value = np.abs(score) / np.sqrt(np.where(variance > 0, variance, np.inf))
    return float(np.mean(value[others] >= value[treated[0]] * (1 - 1e-10)))


def invert_ratio(p_value: Callable[[float], float], table: CountTable, level: float) -> tuple[float, float]:
    """Return the interval of ratios, from the p-values of their logarithms."""
    ratio, scores = count_ratio(table), table.scores()
    expected, information = (float(_own(table, one).sum()) for one in (scores.expected, scores.information))
    step = 1 / math.sqrt(max(information, 0.1))
    # without events on one side the search begins where a tenth of an event is expected there
    begin = {0.0: math.log(0.1 / max(expected, 0.1)), math.inf: math.log(10 * max(expected, 0.1))}
    low, high = invert_test(p_value, begin.get(ratio, math.log(ratio) if 0 < ratio < math.inf else 0.0), step, level)
    low = -math.inf if ratio == 0 or low < -_FAR else low
    high = math.inf if high > _FAR else high
    return math.exp(low), math.exp(high)


class _Drawn(NamedTuple):
    """Assignments as (B, G) indicators of every treated cohort, the real one first, and whether they are all."""

    inside: list[Array]
    exact: bool


def _draw(
    table: CountTable,
    strata: npt.NDArray[np.intp] | None,
    assignments: Ints | None,
    drawing: tuple[int, int],
) -> _Drawn:
    others, exact = draw_assignments(table, strata, assignments, *drawing)
    inside = []
    for cohort in np.flatnonzero(table.treated):
        chosen = np.empty((len(others) + 1, len(table.group)))
        chosen[0], chosen[1:] = table.group == cohort, others == cohort
        inside.append(chosen)
    return _Drawn(inside, exact)


def _test(table: CountTable, drawn: _Drawn, ratio: float) -> CountTest:
    statistics = count_statistics(table.scores(ratio), np.flatnonzero(table.treated), drawn.inside)
    own, others = statistics[0], np.abs(statistics[1:])
    # rounding must not make the real assignment differ from itself
    extreme = int(np.sum(others >= abs(own) * (1 - 1e-10)))
    if not drawn.exact:
        total = len(others) + 1
        return CountTest(float(own), (1 + extreme) / total, 1 / total, total, exact=False)
    ties = int(np.sum(others >= others.max() * (1 - 1e-10)))
    return CountTest(float(own), extreme / len(others), ties / len(others), len(others), exact=True)


def count_statistics(scores: CountScores, cohorts: Ints, inside: list[Array]) -> Array:
    """Return the studentised score (B,) of every assignment.

    Parameters
    ----------
    scores : CountScores
    cohorts : places of the treated cohorts
    inside : for each of them (B, G), one where an assignment puts a cluster into it
    """
    total, variance = np.zeros(len(inside[0])), np.zeros(len(inside[0]))
    for cohort, chosen in zip(cohorts, inside, strict=True):
        spread, information = _variance(scores, int(cohort)), scores.information[:, cohort]
        sums = chosen @ np.column_stack([scores.score[:, cohort], spread, information])
        # scores are taken from a path to which the drawn clusters themselves contribute
        share = sums[:, 2] / (information.sum() or 1.0)
        total += sums[:, 0]
        variance += sums[:, 1] * (1 - 2 * share) + share**2 * spread.sum()
    floor = 1e-12 * variance.max(initial=0.0)
    return np.asarray(total / np.sqrt(np.where(variance > floor, variance, np.inf)))


def _variance(scores: CountScores, cohort: int) -> Array:
    """(G,) variance of the scores that the information lets expect: a v + b v^2, fitted to all clusters."""
    score, information = scores.score[:, cohort], scores.information[:, cohort]
    known = information > 0
    v = information[known]
    if not len(v):
        return np.zeros(len(information))
    # squares of small counts are noisy: relative to v their variance is about 2 + 1 / v
    weight = v / (2 * v + 1)
    columns = np.column_stack([np.ones(len(v)), v])
    moments = (columns * weight[:, None]).T @ columns
    targets = (columns * weight[:, None]).T @ (score[known] ** 2 / v)
    first, second = np.linalg.lstsq(moments, targets, rcond=None)[0]
    # at a bound the other coefficient is fitted alone
    if second < 0:
        first, second = targets[0] / moments[0, 0], 0.0
    elif first < 0:
        first, second = 0.0, targets[1] / moments[1, 1]
    return np.asarray(first * information + second * information**2)


def _own(table: CountTable, values: Array) -> Array:
    """(G,) entries of the cohorts that clusters are really in."""
    return np.asarray(values[np.arange(len(table.group)), table.group])
