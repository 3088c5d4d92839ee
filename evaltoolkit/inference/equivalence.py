"""No relevant effect, and not worse than allowed: two questions that a missing significance does not answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.estimates import Estimates
from evaltoolkit.effects.inference import inference_table
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.single import require_single

Array = npt.NDArray[np.float64]
Better = Literal["up", "down"]
IntervalFunction = Callable[[float], tuple[float, float]]
EquivalenceWord = Literal["equivalent", "not equivalent", "too wide", "not decided"]
GuardrailWord = Literal["not worse", "worse", "not decided"]

UNDEFINED_INTERVAL = "the interval handed in is undefined"
UNBOUNDED = "the interval is unbounded on the side that matters"
CROSSES = "the interval holds both acceptable and unacceptable effects"
_NORMAL = "normal interval"
_HANDED = "interval handed in"


@dataclass(frozen=True)
class Equivalence:
    """Whether an effect is too small to matter.

    Attributes
    ----------
    word : ``equivalent``: the interval lies within the margin; ``not equivalent``: it lies beyond; ``too wide``: it
        holds effects of both kinds; ``not decided``: there is no interval
    low, high : of the interval, in units of the outcome; may be infinite
    coverage : of the interval, 0.9 for a test at 5 %
    margin : smallest relevant effect
    p_value : of equivalence, the larger of two one-sided ones; NaN where the interval was handed in
    reason : why it is not ``equivalent`` or ``not equivalent``; empty where it is
    method : where the interval comes from
    """

    word: EquivalenceWord
    low: float
    high: float
    coverage: float
    margin: float
    p_value: float
    reason: str
    method: str


@dataclass(frozen=True)
class NonInferiority:
    """Whether an action made something worse than is acceptable.

    Attributes
    ----------
    word : ``not worse``: the effect is not worse than the margin; ``worse``: it is; ``not decided``: both are possible,
        or there is no interval
    low, high, coverage, method : see :class:`Equivalence`
    margin : how much worse is still acceptable
    better : which way is better
    p_value : of being worse than the margin, one-sided: small speaks for ``not worse``; NaN where the interval was
        handed in
    reason : why it is not decided; empty where it is
    """

    word: GuardrailWord
    low: float
    high: float
    coverage: float
    margin: float
    better: Better
    p_value: float
    reason: str
    method: str


def equivalence_p(estimate: npt.ArrayLike, std_error: npt.ArrayLike, margin: float) -> Array:
    """Return normal p-values of "the effect is as large as the margin, up or down": two one-sided tests.

    Parameters
    ----------
    estimate, std_error : (k,)
    margin : float

    Returns
    -------
    (k,) array
        The larger of the two; NaN where the standard error is not above zero. Several such claims are adjusted
        together by Holm.
    """
    found, error = np.asarray(estimate, dtype=np.float64), np.asarray(std_error, dtype=np.float64)
    error = np.where(error > 0, error, np.nan)
    return np.maximum(_tail((found + margin) / error), _tail((margin - found) / error))


def judge_equivalence(
    effects: Estimates, margin: float, *, level: float = 0.95, interval: IntervalFunction | None = None
) -> Equivalence:
    """Say whether an effect is shown to be smaller than the smallest relevant effect.

    Estimand: that of ``effects``; the claim is ``-margin < effect < margin``. "No significant effect" never shows it.

    Assumptions: the interval covers with the probability that it claims: the normal one with many clusters in both
    arms, one that is handed in by its own. The margin was fixed before the outcome was seen.

    Not when: fewer than ``effects.inference.MIN_CLUSTERS`` treated or comparison clusters, unless ``interval`` comes
    from a method that is valid for few: the word is ``not decided``, with the reason.

    Each of ``equivalent`` and ``not equivalent`` is wrong with probability at most ``1 - level``: two one-sided tests
    at 5 % are an interval of 90 % inside the margin (strictly).

    Parameters
    ----------
    effects : Effects
        One row.
    margin : float
        Smallest relevant effect, above zero, in units of the outcome.
    level : float
        0.95 tests at 5 %.
    interval : function of a coverage, optional
        Returns (low, high) at a coverage, here ``2 * level - 1``; infinite where unbounded, NaN where undefined. From
        test inversion, for example.

    Returns
    -------
    Equivalence

    Raises
    ------
    EvaltoolkitError
        Several rows, margin not above zero, level out of range, interval upside down.

    References
    ----------
    Schuirmann (1987), https://doi.org/10.1007/BF01068419.
    """
    _check(margin, level)
    found = _bounds(effects, 2 * level - 1, interval)
    word, reason = _place(found, margin)
    p_value = float(equivalence_p(effects.estimate, found.std_error, margin)[0])
    return Equivalence(word, found.low, found.high, 2 * level - 1, margin, p_value, reason, found.method)


def judge_non_inferiority(
    effects: Estimates, margin: float, better: Better, *, level: float = 0.95, interval: IntervalFunction | None = None
) -> NonInferiority:
    """Say whether a guardrail held: the effect is not worse than a margin.

    Estimand: that of ``effects``; the claim is ``effect > -margin`` where up is better, ``effect < margin`` where down
    is. An effect in the good direction, however large, is not worse.

    Assumptions: as for :func:`judge_equivalence`.

    Not when: too few clusters (as there); or an outcome of which a rise and a fall can both be harm: ask for
    equivalence then.

    Each of ``not worse`` and ``worse`` is wrong with probability at most ``1 - level``: a one-sided test at 5 % is one
    end of an interval of 90 %. To say of several guardrails that none got worse, each must be ``not worse``; that
    needs no adjustment. An end that is infinite decides nothing on its side.

    Parameters
    ----------
    effects : Effects
        One row.
    margin : float
        How much worse is still acceptable, above zero, in units of the outcome.
    better : {"up", "down"}
    level : float
        0.95 tests at 5 %.
    interval : function of a coverage, optional
        See :func:`judge_equivalence`.

    Returns
    -------
    NonInferiority

    Raises
    ------
    EvaltoolkitError
        Several rows, margin not above zero, level out of range, unknown direction, interval upside down.

    References
    ----------
    Piaggio et al. (2012), https://doi.org/10.1001/jama.2012.87802.
    """
    _check(margin, level)
    if better not in get_args(Better):
        raise EvaltoolkitError(
            f'The better direction is "up" or "down"; got "{better}".{nearest(better, get_args(Better))} '
            "Where both can be harm, use judge_equivalence."
        )
    found = _bounds(effects, 2 * level - 1, interval)
    sign = 1 if better == "up" else -1
    worst, best = (found.low, found.high) if better == "up" else (-found.high, -found.low)
    word: GuardrailWord = "not decided"
    reason = found.reason
    if worst > -margin:
        word = "not worse"
    elif best < -margin:
        word = "worse"
    else:
        reason = reason or (CROSSES if math.isfinite(worst) else UNBOUNDED)
    p_value = float(_tail((sign * effects.estimate + margin) / found.std_error)[0])
    return NonInferiority(word, found.low, found.high, 2 * level - 1, margin, better, p_value, reason, found.method)


class _Bounds(NamedTuple):
    """An interval; ``std_error`` is NaN where it is not the normal one, bounds are NaN with a reason."""

    low: float
    high: float
    std_error: float
    reason: str
    method: str


def _bounds(effects: Estimates, coverage: float, interval: IntervalFunction | None) -> _Bounds:
    require_single(effects)
    if interval is None:
        row = inference_table(effects, level=coverage).iloc[0]
        error = math.nan if row["reason"] else float(row["std_error"])
        return _Bounds(float(row["conf_low"]), float(row["conf_high"]), error, str(row["reason"]), _NORMAL)
    low, high = (float(end) for end in interval(coverage))
    if low > high:
        raise EvaltoolkitError(f"The interval handed in is upside down: from {low} to {high}. Return (low, high).")
    if math.isnan(low) or math.isnan(high):
        return _Bounds(math.nan, math.nan, math.nan, UNDEFINED_INTERVAL, _HANDED)
    return _Bounds(low, high, math.nan, "", _HANDED)


def _place(found: _Bounds, margin: float) -> tuple[EquivalenceWord, str]:
    """Where an interval lies, and why that does not decide."""
    if found.reason:
        return "not decided", found.reason
    if -margin < found.low and found.high < margin:
        return "equivalent", ""
    if found.low > margin or found.high < -margin:
        return "not equivalent", ""
    return "too wide", CROSSES if math.isfinite(found.high - found.low) else UNBOUNDED


def _check(margin: float, level: float) -> None:
    if not (margin > 0 and math.isfinite(margin)):
        raise EvaltoolkitError(f"The margin must be a number above zero, in units of the outcome; got {margin}.")
    if not 0.5 < level < 1:
        raise EvaltoolkitError(f"The level must lie between 0.5 and 1, for example 0.95; got {level}.")


def _tail(z: Array) -> Array:
    """Upper tail of the standard normal; NaN stays NaN."""
    return np.array([math.erfc(one / math.sqrt(2)) / 2 for one in np.atleast_1d(z)], dtype=np.float64)
