"""Randomisation inference: what the estimate would have been under other outcomes of the same lot."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.contrasts import ContrastTable, Ints, effects_of
from evaltoolkit.inference.invert import invert_test
from evaltoolkit.inference.spread import fit_spread, inverse_of

# allocations handled at once
_CHUNK = 2000


class Assigned(Protocol):
    """Clusters (G,) with the place of the cohort that each of them is in."""

    @property
    def group(self) -> Ints:
        """Place of each cluster's cohort."""


class RandomisationTest(NamedTuple):
    """What redrawing the assignment says.

    Attributes
    ----------
    estimate, statistic : of the assignment that took place; the statistic is studentised where it can be
    p_value : share of assignments with a statistic at least as large, the real one among them
    smallest_p : smallest p-value that this lot can give
    draws : number of assignments looked at
    exact : whether they are all there are
    studentised : whether the statistic is the estimate over its standard error
    """

    estimate: float
    statistic: float
    p_value: float
    smallest_p: float
    draws: int
    exact: bool
    studentised: bool


def randomisation_test(
    table: ContrastTable,
    *,
    strata: npt.NDArray[np.intp] | None = None,
    assignments: Ints | None = None,
    effect: float = 0.0,
    draws: int = 999,
    seed: int = 1,
    studentise: bool = True,
    sizes: Array | None = None,
) -> RandomisationTest:
    """Test that the effect is a given constant, by drawing anew who starts when.

    Estimand: under the sharp null hypothesis every unit's outcome without treatment is its outcome less the constant
    from its start on; studentised, the test also holds for an average effect of that size where units are many.

    Assumption: the assignment could as well have been any other with the same numbers of clusters per cohort (within
    strata), all equally likely; or, with ``assignments``, what the declared mechanism draws.

    Not when: who starts was chosen, for example the largest; then the p-value is no p-value.

    Parameters
    ----------
    table : ContrastTable
    strata : (G,) int, optional
        Clusters change places within strata only.
    assignments : (B, G) int, optional
        Further draws of the real mechanism, as places in ``table.cohorts``; the real assignment is added.
    effect : float
        The constant effect that is tested.
    draws : int
        Where there are no more different assignments than this, all are enumerated.
    seed : int
    studentise : bool
        Divide by the standard error of the assignment. With one treated cluster it is left out: nothing varies within.
    sizes : (G,) positive, optional
        Divide by the standard error that the sizes of the treated let expect instead
        (:func:`evaltoolkit.inference.spread.fit_spread`, fitted to all clusters): more power with few treated of
        unlike size, and the test is no less exact.

    Returns
    -------
    RandomisationTest

    References
    ----------
    Young (2019), https://doi.org/10.1093/qje/qjy029; Wu and Ding (2021), https://doi.org/10.1080/01621459.2020.1750415;
    MacKinnon and Webb (2020), https://doi.org/10.1016/j.jeconom.2020.04.024.
    """
    others, exact = draw_assignments(table, strata, assignments, draws, seed)
    return _test(table, others, exact, effect, studentise, sizes)


def randomisation_interval(
    table: ContrastTable,
    *,
    level: float = 0.95,
    strata: npt.NDArray[np.intp] | None = None,
    assignments: Ints | None = None,
    draws: int = 999,
    seed: int = 1,
    studentise: bool = True,
    sizes: Array | None = None,
) -> tuple[float, float]:
    """Return the constant effects that the test does not reject: an interval, its ends possibly infinite.

    Parameters
    ----------
    table, strata, assignments, draws, seed, studentise, sizes : as in :func:`randomisation_test`
    level : float
    """
    others, exact = draw_assignments(table, strata, assignments, draws, seed)

    def p_value(effect: float) -> float:
        return _test(table, others, exact, effect, studentise, sizes).p_value

    estimate, error = effects_of(table.sums, table.sizes, table.group, len(table.cohorts))
    return invert_test(p_value, float(estimate[0]), float(error[0]), level)


def _test(
    table: ContrastTable, others: Ints, exact: bool, effect: float, studentise: bool, sizes: Array | None
) -> RandomisationTest:
    sums = table.without(effect)
    held = sizes is not None or (_can_studentise(table) and studentise)
    own, drawn = permuted_statistics(sums[:, :, None], table.sizes, table.group, others, studentise=held, sizes=sizes)
    total = len(others) if exact else len(others) + 1
    estimate = float(effects_of(sums, table.sizes, table.group, len(table.cohorts))[0][0])
    smallest_p = _smallest(drawn[:, 0], exact, total)
    p_value = float(share_as_large(own, drawn, exact=exact)[0])
    return RandomisationTest(estimate + effect, float(own[0]), p_value, smallest_p, total, exact, held)


def permuted_statistics(
    sums: Array, weights: Array, group: Ints, others: Ints, *, studentise: bool, sizes: Array | None = None
) -> tuple[Array, Array]:
    """Return the statistics of a stack of R outcomes: of the real assignment (R,) and of others (B, R), absolute.

    Parameters
    ----------
    sums : (G, C, R) weighted sums of the contrasts of every cluster, with the tested effect taken out
    weights : (G,) sum of the weights of the cluster's units
    group, others : (G,), (B, G) cohorts of the clusters
    studentise : divide by a standard error: the assignment's own, or with ``sizes`` (G,) the one that these let expect
    """
    spread = None if sizes is None else _expected_spread(sums, weights, sizes)
    own = _statistics(sums, weights, group[None], spread, studentise)
    parts = (others[first : first + _CHUNK] for first in range(0, len(others), _CHUNK))
    drawn = np.concatenate([np.abs(_statistics(sums, weights, part, spread, studentise)) for part in parts])
    return own[0], drawn


def share_as_large(own: Array, drawn: Array, *, exact: bool) -> Array:
    """Return p-values (R,): the share of drawn statistics (B, R) at least as large, the real one among them."""
    # rounding must not make the real assignment differ from itself
    extreme = (drawn >= np.abs(own) * (1 - 1e-10)).sum(axis=0)
    return np.asarray(extreme / len(drawn) if exact else (1 + extreme) / (1 + len(drawn)))


def _statistics(sums: Array, weights: Array, groups: Ints, spread: Array | None, studentise: bool) -> Array:
    estimate, error = effects_of(sums, weights, groups, sums.shape[1])
    if not studentise:
        return estimate
    if spread is not None:
        error = _spread_of(spread, weights, groups)
    # an effect without any spread is beyond all others
    still = np.where(estimate != 0, np.copysign(np.inf, estimate), 0.0)
    return np.asarray(np.where(error > 0, estimate / np.where(error > 0, error, 1.0), still))


def _expected_spread(sums: Array, weights: Array, sizes: Array) -> Array:
    """(G, C, R) variance of the weighted contrast of every cluster that its size lets expect, whoever is treated."""
    inverse = inverse_of(sizes, len(sizes))
    value = sums / weights[:, None, None]
    residual = value - np.einsum("g,gcr->cr", weights, value) / weights.sum()
    fitted = [fit_spread(residual[:, cohort], inverse) for cohort in range(sums.shape[1])]
    return np.square(np.stack(fitted, axis=1) * weights[:, None, None])


def _spread_of(spread: Array, weights: Array, groups: Ints) -> Array:
    variance = np.zeros((len(groups), spread.shape[2]))
    for cohort in range(spread.shape[1]):
        inside = (groups == cohort).astype(float)
        weight = inside @ weights
        variance += inside @ spread[:, cohort] / np.where(weight > 0, weight, 1.0)[:, None] ** 2
    return np.sqrt(variance)


def _smallest(drawn: Array, exact: bool, total: int) -> float:
    """Smallest p-value: the share of assignments that tie with the largest statistic."""
    if not exact:
        return 1 / total
    return float(np.sum(drawn >= drawn.max() * (1 - 1e-10)) / total)


def _can_studentise(table: ContrastTable) -> bool:
    counts = np.bincount(table.group, minlength=len(table.cohorts))
    return bool((counts[table.treated] > 1).all() and (counts[~table.treated] > 1).all())


def draw_assignments(
    table: Assigned, strata: npt.NDArray[np.intp] | None, assignments: Ints | None, draws: int, seed: int
) -> tuple[Ints, bool]:
    """Return other assignments (B, G), and whether they are all there are.

    Parameters as in :func:`randomisation_test`; without ``assignments`` clusters change places, within strata.
    """
    if assignments is not None:
        return assignments, False
    if draws < 1:
        raise EvaltoolkitError("draws counts assignments, from 1 on.")
    within = np.zeros(len(table.group), dtype=np.intp) if strata is None else strata
    members = [np.flatnonzero(within == stratum) for stratum in np.unique(within)]
    if _number_of(table, members) <= draws:
        return np.array(list(_every(table.group, members))), True
    rng = np.random.default_rng([seed, 41])
    out = np.empty((draws, len(table.group)), dtype=np.intp)
    for rows in members:
        order = np.argsort(rng.random((draws, len(rows))), axis=1)
        out[:, rows] = table.group[rows][order]
    return out, False


def _number_of(table: Assigned, members: list[Ints]) -> float:
    """Number of different assignments."""
    logs = 0.0
    for rows in members:
        _, counts = np.unique(table.group[rows], return_counts=True)
        logs += math.lgamma(len(rows) + 1) - sum(math.lgamma(count + 1) for count in counts)
    return round(math.exp(logs)) if logs < 40 else math.inf


def _every(group: Ints, members: list[Ints]) -> Iterator[Ints]:
    """All assignments with the same numbers per cohort in every stratum."""
    if not members:
        yield group.copy()
        return
    rows, rest = members[0], members[1:]
    labels, counts = np.unique(group[rows], return_counts=True)
    for filled in _fill(rows, labels.tolist(), counts.tolist()):
        for other in _every(group, rest):
            other[list(filled)] = list(filled.values())
            yield other


def _fill(rows: Ints, labels: list[int], counts: list[int]) -> Iterator[dict[int, int]]:
    if len(labels) == 1:
        yield dict.fromkeys(rows.tolist(), labels[0])
        return
    for chosen in combinations(rows.tolist(), counts[0]):
        left = np.setdiff1d(rows, chosen)
        for rest in _fill(left, labels[1:], counts[1:]):
            yield dict.fromkeys(chosen, labels[0]) | rest
