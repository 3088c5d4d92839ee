"""Step-down p-values for a family of hypotheses from draws of all their statistics under the null: arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError

Array = npt.NDArray[np.float64]

# two ways of computing the same statistic differ by rounding, and a tie counts
_TIE = 1e-9


class StepDown(NamedTuple):
    """What a step-down procedure gives.

    Attributes
    ----------
    p_single : (m,) p-value of each hypothesis by itself, from the same draws
    p_adjusted : (m,) p-value that holds for the whole family
    attainable_level : largest level of the whole family's test, not above the wanted one, that these draws can give;
        zero where no result could reject
    smallest_p : smallest p-value that these draws could give; NaN where nothing is tested
    draws : how many stand behind a p-value, the observed result counted
    """

    p_single: Array
    p_adjusted: Array
    attainable_level: float
    smallest_p: float
    draws: int


def step_down(
    observed: npt.ArrayLike, draws: npt.ArrayLike, *, level: float = 0.95, complete: bool = False
) -> StepDown:
    """Return p-values of a family by the step-down of Romano and Wolf with the largest statistic.

    Estimand: none of its own; the probability of one or more false rejections, whichever hypotheses are true, is at
    most ``1 - level`` where hypotheses with ``p_adjusted <= 1 - level`` are rejected.

    Assumption: each row of ``draws`` is drawn jointly, as the statistics would be if every hypothesis were true, and
    the joint law of those that are true does not depend on the others being true. Statistics are comparable in size
    (studentised); where they are not, the family is still protected, with unequal power.

    Not when: hypotheses were drawn apart from each other without need: their dependence is then lost, and the gain
    over Holm with it.

    Convention: a draw counts against a hypothesis where ``draw >= observed`` (a tie counts). Drawn at random, the
    observed result is one of the draws: p = (1 + count) / (1 + B). A statistic that is undefined in a draw counts
    against. The most significant hypothesis is held against the largest of all statistics, the next against the
    largest of the rest, and no p-value is below an earlier one.

    Parameters
    ----------
    observed : (m,)
        Statistics of which large values speak against the null: ``|t|`` for two-sided tests. NaN: not tested, and
        left out of the family.
    draws : (B, m)
        The same statistics in B draws under the null: resampling, or permutations of the assignment.
    level : float
        One less the wanted probability of a false rejection; only ``attainable_level`` depends on it.
    complete : bool
        The draws are all equally likely assignments, the real one among them: p = count / B, exact.

    Returns
    -------
    StepDown

    Raises
    ------
    EvaltoolkitError
        Shapes that do not fit, no draws, level out of range, or complete draws without the observed result.

    References
    ----------
    Romano and Wolf (2005), https://doi.org/10.1198/016214504000000539 and
    https://doi.org/10.1111/j.1468-0262.2005.00615.x; p-values: Romano and Wolf (2016),
    https://doi.org/10.1016/j.spl.2016.02.012.

    Examples
    --------
    >>> step_down([3.0, 1.0], [[0.5, 2.0], [3.5, 0.1], [1.0, 0.2]]).p_adjusted
    array([0.5, 0.5])
    """
    seen, drawn = np.asarray(observed, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    _check(seen, drawn, level)
    tested = np.flatnonzero(~np.isnan(seen))
    size = len(drawn) + (0 if complete else 1)
    p_single, p_adjusted = np.full(len(seen), np.nan), np.full(len(seen), np.nan)
    if not len(tested):
        return StepDown(p_single, p_adjusted, 0.0, np.nan, size)
    pool = drawn[:, tested] if complete else np.vstack([seen[tested], drawn[:, tested]])
    pool = np.where(np.isnan(pool), np.inf, pool)
    order = np.argsort(-seen[tested], kind="stable")
    ranked, pool = seen[tested][order], pool[:, order]
    # column j: the largest statistic of the hypotheses that are not more significant than j
    rest = np.maximum.accumulate(pool[:, ::-1], axis=1)[:, ::-1]
    if complete and _share(rest, ranked)[0] == 0:
        raise EvaltoolkitError(
            "None of the complete draws reaches the observed statistic. Add the real assignment to the draws, or call "
            "them random draws (complete=False)."
        )
    p_single[tested[order]] = _share(pool, ranked)
    p_adjusted[tested[order]] = np.maximum.accumulate(_share(rest, ranked))
    largest = rest[:, 0]
    smallest = float(_share(largest[:, None], largest.max(keepdims=True))[0])
    return StepDown(p_single, p_adjusted, _attainable(largest, 1 - level), smallest, size)


def at_most(p_values: Array, alpha: float) -> npt.NDArray[np.bool_]:
    """Whether p-values are not above alpha, rounding aside; False where undefined."""
    return np.asarray(p_values <= alpha + 1e-12)


def _check(observed: Array, draws: Array, level: float) -> None:
    if not 0 < level < 1:
        raise EvaltoolkitError(f"The level must lie between 0 and 1, for example 0.95; got {level}.")
    if observed.ndim != 1 or draws.ndim != 2 or draws.shape[1] != len(observed) or not len(draws):
        raise EvaltoolkitError(
            f"The draws must have one row per draw and one column for each of the {observed.size} observed "
            f"statistics; got shape {draws.shape}."
        )


def _share(pool: Array, bounds: Array) -> Array:
    """Share of the rows that reach each column's bound."""
    with np.errstate(invalid="ignore"):
        reached = pool >= bounds - _TIE * (1 + np.abs(bounds))
    return np.asarray((reached | np.isinf(pool)).mean(axis=0), dtype=np.float64)


def _attainable(largest: Array, alpha: float) -> float:
    """The largest p-value, not above alpha, that one of the rows would have in the place of the observed one."""
    values = np.sort(largest)
    with np.errstate(invalid="ignore"):
        bounds = values - np.where(np.isfinite(values), _TIE * (1 + np.abs(values)), 0.0)
    shares = (len(values) - np.searchsorted(values, bounds)) / len(values)
    reachable = shares[at_most(shares, alpha)]
    return float(reachable.max()) if len(reachable) else 0.0
