"""Standard errors of switchers' effects as diff-diff has them: centred cohort by cohort, comparison units included.

DIDmultiplegtDYN and the toolkit centre comparison units at the mean of all that compare in the period, and scale by
sqrt(c / (c - 1)). Both are conservative estimates of the same variance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaltoolkit.audit.question import Question
from evaltoolkit.designs.design import Array

Integers = npt.NDArray[np.intp]


def cohort_centred_errors(question: Question, lags: int) -> dict[float, float]:
    """Return standard errors by event time, effects from 0 on and placebos from -2 down.

    Parameters
    ----------
    question : Question
        Complete panel, no weights, every unit its own cluster, binary treatment, not-yet-treated comparison.
    lags : int
        Number of effects.
    """
    path = _path(question)
    periods = path.shape[1]
    moved = path != path[:, :1]
    first = np.where(moved.any(axis=1), moved.argmax(axis=1), periods)
    sign = np.where(
        first < periods, np.sign(path[np.arange(len(path)), np.minimum(first, periods - 1)] - path[:, 0]), 0
    )
    cohort = np.unique(np.column_stack([path[:, 0], first, sign]), axis=0, return_inverse=True)[1].ravel()
    found = {}
    for lag in range(1, lags + 1):
        for placebo in (False, True):
            raw = _raw(question.design.outcome, path[:, 0], first, sign, lag, placebo=placebo)
            if raw is None:
                continue
            mean = np.bincount(cohort, weights=raw) / np.bincount(cohort)
            found[-1.0 - lag if placebo else lag - 1.0] = float(np.sqrt(((raw - mean[cohort]) ** 2).sum()))
    return found


def _path(question: Question) -> Array:
    design = question.design
    if design.treatment is not None:
        return design.treatment
    return np.asarray((design.cohort[:, None] <= design.times).astype(float))


def _raw(outcome: Array, start: Array, first: Integers, sign: Array, lag: int, *, placebo: bool) -> Array | None:
    """What each unit adds to the effect, before centring; None where there is no switcher."""
    adds, switchers = np.zeros(len(outcome)), 0
    for level in np.unique(start):
        for period in range(2 * lag if placebo else lag, outcome.shape[1]):
            ours = (start == level) & (first == period - lag + 1)
            compared = (start == level) & (first > period)
            if not ours.any() or not compared.any():
                continue
            late, early = (period - lag, period - 2 * lag) if placebo else (period, period - lag)
            change = outcome[:, late] - outcome[:, early]
            adds[ours] += sign[ours] * change[ours]
            adds[compared] -= sign[ours].sum() / compared.sum() * change[compared]
            switchers += int(ours.sum())
    return adds / switchers if switchers else None
