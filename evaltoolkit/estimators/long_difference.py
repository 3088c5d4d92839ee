"""The 2x2 comparison on one row per unit: the change from before to after, with influence.

Also the number behind the estimator that DoWhy finds as :data:`DOWHY_METHOD`; DoWhy is loaded only when that class is
asked for.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import NEVER, Array
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.adjustment import Contrast, Side, compare_adjusted, compare_means, undefined_contrast
from evaltoolkit.estimators.logit import are_regular
from evaltoolkit.findings import EvaltoolkitError, nearest

Adjust = Literal["dr", "ipw", "reg"]
ADJUST = ("dr", "ipw", "reg")
DOWHY_METHOD = "backdoor.evaltoolkit.estimators.long_difference.LongDifference"
CITATION = "Heckman, Ichimura and Todd (1997), https://doi.org/10.2307/2971733"
NO_ARM = "no treated or no comparison unit"
# numbers held at once while many drawn samples are estimated
_CHUNK = 4_000_000


class Sample(NamedTuple):
    """Changes (n,), treated (n,) bool, regressors with the constant first (n, p), weights (n,)."""

    change: Array
    treated: npt.NDArray[np.bool_]
    regressors: Array
    weights: Array


class Draws(NamedTuple):
    """Estimates (B,) and standard errors (B,) of B drawn samples; NaN where undefined."""

    estimate: Array
    std_error: Array


def estimate_long_difference(
    change: npt.ArrayLike,
    treated: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    units: npt.ArrayLike | None = None,
    adjust: Adjust = "dr",
) -> Effects:
    """Estimate the mean effect on the treated of a change.

    Estimand: the mean effect on the treated of the change from before to after; with one cohort and two periods the
    ATT(g,t) of group-time effects, digit by digit.

    Assumptions: without treatment the treated would have changed as comparison units with equal covariates did; units
    are independent of each other (where treatment was decided for clusters, give one row per cluster).

    Not when: the table has several rows per unit, or cohorts of different years without a common window.

    Parameters
    ----------
    change : (n,) change of each unit, in the user's units
    treated : (n,) 0 and 1, or False and True
    covariates : (n, k), from before treatment; optional
    weights : (n,) optional
    units : (n,) codes that tie the influence to units; optional
    adjust : how covariates enter; without covariates the three are the same number

    Returns
    -------
    Effects
        Kind ``overall``, one row; NaN with a reason where an arm is empty or the covariates cannot be used.

    Raises
    ------
    EvaltoolkitError
        Unknown ``adjust``, missing values, or a treatment with other values than 0 and 1.

    References
    ----------
    https://doi.org/10.2307/2971733, https://doi.org/10.1016/j.jeconom.2020.06.003
    """
    if adjust not in ADJUST:
        words = ", ".join(ADJUST)
        raise EvaltoolkitError(f'There is no adjustment "{adjust}". Known: {words}.{nearest(str(adjust), ADJUST)}')
    sample = make_sample(change, treated, covariates, weights)
    n, some = len(sample.change), sample.treated
    influence, result = np.full((n, 1), np.nan), _contrast(sample, adjust)
    if not result.reason:
        influence[some], influence[~some] = n * result.treated, n * result.comparison
    codes = np.arange(n).astype(str) if units is None else np.asarray(units).astype(str)
    return Effects(
        kind="overall",
        labels=pd.DataFrame({"n_treated": [int(some.sum())], "n_comparison": [int((~some).sum())]}),
        estimate=result.estimate,
        influence=influence,
        units=codes,
        cohort=np.where(some, 1.0, NEVER),
        weights=sample.weights / sample.weights.mean(),
        clusters=codes,
        reasons=(result.reason,),
        info={
            "method": "long_difference",
            "estimand": "mean effect on the treated of the change from before to after",
            "adjust": adjust,
            "citation": CITATION,
        },
    )


def make_sample(
    change: npt.ArrayLike,
    treated: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Sample:
    """Check and arrange a table of changes; covariates are centred and scaled, which changes no estimate.

    Raises
    ------
    EvaltoolkitError
        Missing values, shapes that do not fit, negative weights, or a treatment with other values than 0 and 1.
    """
    y, labels = np.asarray(change, dtype=float), np.asarray(treated, dtype=float)
    x = np.empty((len(y), 0)) if covariates is None else np.asarray(covariates, dtype=float).reshape(len(y), -1)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if labels.shape != y.shape or w.shape != y.shape:
        raise EvaltoolkitError(f"One number per unit: got {y.shape} changes, {labels.shape} labels, {w.shape} weights.")
    if not np.isin(labels, (0.0, 1.0)).all():
        raise EvaltoolkitError("Treatment must be 0 or 1 for every unit; leave out units whose treatment is unknown.")
    if not (np.isfinite(y).all() and np.isfinite(x).all() and np.isfinite(w).all() and (w >= 0).all()):
        raise EvaltoolkitError("A change, covariate or weight is missing (or negative): leave out those units first.")
    spread = x.std(axis=0) if len(y) else np.ones(x.shape[1])
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0) if len(y) else x
    return Sample(y, labels == 1, np.column_stack([np.ones(len(y)), scaled]), w)


def long_difference_of(sample: Sample, outcomes: Array, adjust: Adjust = "reg") -> Draws:
    """Estimate for many outcomes (n, B) of the same units at once: one regression serves all.

    Parameters
    ----------
    sample : Sample
        Its own change is not used.
    outcomes : (n, B)
    adjust : as in :func:`estimate_long_difference`

    Returns
    -------
    Draws
    """
    result = _contrast(sample, adjust, outcomes)
    square = (result.treated**2).sum(axis=0) + (result.comparison**2).sum(axis=0)
    return Draws(result.estimate, np.sqrt(square))


def long_difference_draws(sample: Sample, treated: Array, comparison: Array) -> Draws:
    """Estimate by regression for many drawn samples at once: relabelled, left out or repeated units.

    Parameters
    ----------
    sample : Sample
        Its own labels and weights are not used.
    treated, comparison : (B, n)
        Weight of each unit on either side in each draw; 0 where it is not there.

    Returns
    -------
    Draws
        NaN where a side is empty or the covariates are collinear in the comparison group. The standard error takes
        every unit as one observation, whatever its weight.
    """
    step = max(1, _CHUNK // max(1, sample.regressors.size))
    parts = [
        _drawn(sample, treated[first : first + step], comparison[first : first + step])
        for first in range(0, len(treated), step)
    ]
    return Draws(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _drawn(sample: Sample, treated: Array, comparison: Array) -> Draws:
    y, x = sample.change, sample.regressors
    n, p = x.shape
    total = treated.sum(axis=1)
    share = treated / np.where(total > 0, total, np.nan)[:, None]
    grams = (comparison @ (x[:, :, None] * x[:, None, :]).reshape(n, p * p)).reshape(-1, p, p)
    regular = are_regular(grams) & (total > 0)
    inverse = np.linalg.inv(np.where(regular[:, None, None], grams, np.eye(p)))
    slopes = np.einsum("bij,bj->bi", inverse, comparison @ (x * y[:, None]))
    rest = y - slopes @ x.T
    effect = np.einsum("bn,bn->b", share, rest)
    lever = np.einsum("bij,bj->bi", inverse, share @ x) @ x.T
    square = (share**2 * (rest - effect[:, None]) ** 2 + (comparison * lever * rest) ** 2).sum(axis=1)
    return Draws(np.where(regular, effect, np.nan), np.where(regular, np.sqrt(square), np.nan))


def _contrast(sample: Sample, adjust: Adjust, outcomes: Array | None = None) -> Contrast:
    values = sample.change[:, None] if outcomes is None else outcomes
    one, other = (
        Side(values[rows], sample.regressors[rows], sample.weights[rows]) for rows in (sample.treated, ~sample.treated)
    )
    if not (one.weights.sum() > 0 and other.weights.sum() > 0):
        return undefined_contrast(one, other, NO_ARM)
    return compare_means(one, other) if sample.regressors.shape[1] == 1 else compare_adjusted(one, other, adjust)


@cache
def _dowhy_class() -> type:
    from evaltoolkit.graphs.bridge import ChangeEstimator

    about = "DoWhy's name for :func:`estimate_long_difference`; see :class:`evaltoolkit.graphs.bridge.ChangeEstimator`."
    body = {"estimate_change": staticmethod(estimate_long_difference), "__module__": __name__, "__doc__": about}
    return type("LongDifference", (ChangeEstimator,), body)


def __getattr__(name: str) -> Any:
    # DoWhy takes seconds to load, and the list of estimators imports every file of this room
    if name == "LongDifference":
        return _dowhy_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
