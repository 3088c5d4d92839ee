"""Frank-Wolfe steps over the simplex with the stopping rule of the R package synthdid, to reproduce its digits.

Its weights are up to some 2e-4 from the optimum; :mod:`~evaltoolkit.estimators.simplex` finds the optimum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Stopping(NamedTuple):
    """When to stop, as synthdid 0.0.9 has it.

    Attributes
    ----------
    decrease : stop when the objective falls by less than (decrease * noise level)^2
    first : most steps before small weights are set to zero
    most : most steps after that
    sparsify : whether weights of at most a quarter of the largest are set to zero in between, and steps go on
    """

    decrease: float = 1e-5
    first: int = 100
    most: int = 10_000
    sparsify: bool = True


DEFAULTS = Stopping()


def step_on_simplex(columns: Array, ridge: float, noise: float, stopping: Stopping = DEFAULTS) -> Array:
    """Return weights (k,) that nearly minimise ``|C w|^2 + ridge |w|^2`` over the simplex, from uniform weights.

    Parameters
    ----------
    columns : (m, k)
        Regressors less the target.
    ridge : float
        Penalty on the sum of squared weights.
    noise : float
        Noise level, the unit in which the decrease is judged.
    stopping : Stopping

    References
    ----------
    https://doi.org/10.1257/aer.20190159; synthdid 0.0.9
    """
    k = columns.shape[1]
    smallest = (stopping.decrease * noise) ** 2 * len(columns)
    weights = _steps(columns, ridge, np.full(k, 1 / k), smallest, stopping.first)
    if not stopping.sparsify:
        return weights
    kept = np.where(weights > weights.max() / 4, weights, 0.0)
    return _steps(columns, ridge, kept / kept.sum(), smallest, stopping.most)


def _steps(columns: Array, ridge: float, weights: Array, smallest: float, most: int) -> Array:
    previous = np.inf
    fit = columns @ weights
    for taken in range(most):
        slope = fit @ columns + ridge * weights
        best = int(np.argmin(slope))
        towards = -weights
        towards[best] += 1.0
        change = columns[:, best] - fit
        curve = float(change @ change + ridge * (towards @ towards))
        share = float(np.clip(-(slope @ towards) / curve, 0.0, 1.0)) if curve > 0 else 0.0
        weights = weights + share * towards
        fit = columns @ weights
        value = float(fit @ fit + ridge * (weights @ weights))
        if taken > 0 and not previous - value > smallest:
            break
        previous = value
    return weights
