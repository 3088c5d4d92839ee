"""The lot behind a randomised roll-out, on arrays: strata, sizes and balance in, allocations out.

Every allocation is a function of uniform numbers alone, so that a seed gives the same one anywhere. Items are what is
drawn: units, or the clusters they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Cell = tuple[int, int]

# candidates drawn at a time; a number of speed alone, the stream of allocations does not depend on it
_BATCH = 256
# distances that differ by less than a computer's rounding are the same distance
_DIGITS = 9


@dataclass(frozen=True)
class Mechanism:
    """What allocations are drawn from, all admissible ones being equally likely as the lot makes them.

    Attributes
    ----------
    strata : (m,) stratum of each item, 0 to S - 1
    sizes : (K,) number of items that each arm gets; they add up to m
    scores : (m, r) balance columns, centred and uncorrelated with variance 1; r = 0 where nothing is balanced
    threshold : largest distance between arms that is admitted
    """

    strata: Ints
    sizes: Ints
    scores: Array
    threshold: float = math.inf

    @property
    def width(self) -> int:
        """Number of uniform numbers that one candidate takes."""
        n_strata, n_arms = int(self.strata.max()) + 1, len(self.sizes)
        return len(self.strata) + n_strata + n_arms + n_strata * n_arms


def whiten(values: Array) -> Array:
    """Return columns (m, p) as scores (m, r): centred, uncorrelated, variance 1 (divisor m - 1).

    Columns that others determine add nothing. Squared distances between scores are Mahalanobis distances.
    """
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0, ddof=1)
    left, strength, _ = np.linalg.svd(centred / np.where(spread > 0, spread, 1.0), full_matrices=False)
    kept = strength > 1e-9 * max(float(strength.max(initial=0.0)), 1.0)
    scores: Array = left[:, kept] * math.sqrt(len(values) - 1)
    return scores


def draw_candidates(mechanism: Mechanism, uniforms: Array) -> Ints:
    """Turn uniform numbers (draws, width) into allocations (draws, m) of arms 0 to K - 1, before any balancing.

    Each stratum gives each arm its proportional share, rounded down or up; who is rounded up is drawn so that the
    expected number is the exact share (Cox 1987, doi:10.1080/01621459.1987.10478456), hence every item has the same
    chance, ``sizes[k] / m``, of every arm. Arms of equal size are interchangeable in the lot, and so are strata.
    """
    m, n_arms = len(mechanism.strata), len(mechanism.sizes)
    in_stratum = np.bincount(mechanism.strata)
    whole, rest = np.divmod(np.outer(in_stratum, mechanism.sizes), m)
    extra = np.array([_round_rest(rest, m, lots) for lots in uniforms[:, m:]]) if rest.any() else 0
    counts = np.broadcast_to(whole + extra, (len(uniforms), *whole.shape))
    order = np.argsort(mechanism.strata + uniforms[:, :m], axis=1, kind="stable")
    arms_in_order = np.repeat(np.tile(np.arange(n_arms), len(uniforms) * len(in_stratum)), counts.ravel())
    arms = np.empty((len(uniforms), m), dtype=np.int64)
    np.put_along_axis(arms, order, arms_in_order.reshape(len(uniforms), m), axis=1)
    return arms


def _round_rest(rest: Ints, total: int, lots: Array) -> Ints:
    """Round a table of remainders (in units of 1/total) to 0 or 1, margins and expectations kept exactly."""
    n_strata, n_arms = rest.shape
    rows = np.argsort(lots[:n_strata], kind="stable")
    columns = np.argsort(lots[n_strata : n_strata + n_arms], kind="stable")
    left: list[list[int]] = rest[np.ix_(rows, columns)].tolist()
    for lot in lots[n_strata + n_arms :].tolist():
        cycle = _find_cycle(left, total)
        if not cycle:
            break
        _shift_along(left, cycle, total, lot)
    rounded = np.zeros_like(rest)
    rounded[np.ix_(rows, columns)] = np.array(left, dtype=np.int64) // total
    return rounded


def _find_cycle(left: Sequence[Sequence[int]], total: int) -> list[Cell]:
    """Return unrounded cells that alternate along rows and columns back to their beginning; none when all is done.

    Margins are whole, so that a row or column with one unrounded cell has another and the walk cannot end.
    """
    open_rows = (i for i, row in enumerate(left) if any(0 < v < total for v in row))
    row = next(open_rows, -1)
    if row < 0:
        return []
    path: list[Cell] = []
    rows_met, columns_met = {row: 0}, dict[int, int]()
    came = -1
    while True:
        column = next(j for j, v in enumerate(left[row]) if 0 < v < total and j != came)
        path.append((row, column))
        if column in columns_met:
            return path[columns_met[column] :]
        columns_met[column] = len(path)
        row = next(i for i, cells in enumerate(left) if 0 < cells[column] < total and i != row)
        path.append((row, column))
        if row in rows_met:
            return path[rows_met[row] :]
        rows_met[row] = len(path)
        came = column


def _shift_along(left: list[list[int]], cycle: Sequence[Cell], total: int, lot: float) -> None:
    """Raise and lower cells in turn until one is whole; up or down by lot, so that each cell expects no change."""
    first, second = cycle[::2], cycle[1::2]
    rise = min([total - left[i][j] for i, j in first] + [left[i][j] for i, j in second])
    fall = min([left[i][j] for i, j in first] + [total - left[i][j] for i, j in second])
    step = rise if lot * (rise + fall) < fall else -fall
    for i, j in first:
        left[i][j] += step
    for i, j in second:
        left[i][j] -= step


def measure_distance(mechanism: Mechanism, arms: Ints) -> Array:
    """Return the distance between the arms of allocations (draws, m): (draws,).

    The sum over arms of size times squared Mahalanobis distance of its mean from the overall mean; with two arms
    Morgan and Rubin's (2012, doi:10.1214/12-AOS1008) distance between the two means.
    """
    distance = np.zeros(len(arms))
    for arm, size in enumerate(mechanism.sizes):
        total = (arms == arm).astype(float) @ mechanism.scores
        distance += (total**2).sum(axis=1) / size
    return np.round(distance, _DIGITS)


def find_threshold(distances: Array, accept: float) -> float:
    """Return the distance of the worst among the best share ``accept`` of candidates."""
    wanted = math.ceil(round(accept * len(distances), _DIGITS))
    return float(np.sort(distances)[wanted - 1])


def draw_first(mechanism: Mechanism, seed: Sequence[int], draws: int) -> tuple[Ints, Array]:
    """Return candidates (draws, m), admissible or not, and their distances (draws,)."""
    arms = draw_candidates(mechanism, np.random.default_rng(list(seed)).random((draws, mechanism.width)))
    return arms, measure_distance(mechanism, arms)


def draw_admissible(mechanism: Mechanism, seed: Sequence[int], draws: int) -> Ints:
    """Return admissible allocations (draws, m), each an independent draw from the mechanism.

    Candidates are drawn until one is admissible; the first allocations of a longer series are those of a shorter one.
    """
    found: list[Ints] = []
    stream = _admissible(mechanism, np.random.default_rng(list(seed)))
    while sum(map(len, found)) < draws:
        found.append(next(stream))
    return np.concatenate(found)[:draws]


def _admissible(mechanism: Mechanism, rng: np.random.Generator) -> Iterator[Ints]:
    while True:
        arms = draw_candidates(mechanism, rng.random((_BATCH, mechanism.width)))
        yield arms[measure_distance(mechanism, arms) <= mechanism.threshold]


def arm_differences(values: Array, arms: Ints, n_arms: int) -> Array:
    """Return mean in each arm minus mean of all others, in standard deviations: (draws, K, p).

    Parameters
    ----------
    values : (m, p); arms : (draws, m)

    A column without spread has no standardised difference: NaN.
    """
    spread = values.std(axis=0, ddof=1)
    centred = (values - values.mean(axis=0)) / np.where(spread > 0, spread, np.nan)
    members = (arms[:, None, :] == np.arange(n_arms)[:, None]).astype(float)
    size = members.sum(axis=2)[:, :, None]
    # around the overall mean the others' sum is minus the arm's
    total: Array = members @ centred
    return np.asarray(total * (1 / size + 1 / (len(values) - size)))
