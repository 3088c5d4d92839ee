"""Quasi-likelihoods with their canonical link, and Newton steps that go on until nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.estimable import Inverse, invert

_STEPS = 100
_HALVINGS = 30
# exp() of more is no number
_LARGEST = 700.0
# quadratic convergence: a step this small is followed by one that is rounding error
_STILL = 1e-12
_CLOSE = 1e-7


class Family(NamedTuple):
    """A mean function with its derivative and quasi-log-likelihood, as functions of arrays.

    Attributes
    ----------
    mean : mean at a value of the linear predictor
    slope : derivative of the mean in the linear predictor, as a function of the mean
    likelihood : quasi-log-likelihood of an outcome at a value of the linear predictor, up to a constant
    link : linear predictor at a total of the outcome and a total of exp(offset)
    bounded : whether the outcome has an upper bound, one
    """

    mean: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    likelihood: Callable[[Array, Array], Array]
    link: Callable[[Array, Array], Array]
    bounded: bool


def _exp(x: Array) -> Array:
    return np.asarray(np.exp(np.minimum(x, _LARGEST)))


def _expit(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -_LARGEST, _LARGEST))))


POISSON = Family(
    mean=_exp,
    slope=lambda mean: mean,
    likelihood=lambda y, x: np.asarray(y * x - _exp(x)),
    link=lambda total, base: np.asarray(np.log(total / base)),
    bounded=False,
)
LOGIT = Family(
    mean=_expit,
    slope=lambda mean: np.asarray(mean * (1.0 - mean)),
    likelihood=lambda y, x: np.asarray(y * x - np.logaddexp(0.0, x)),
    link=lambda total, base: np.asarray(np.log(total / (base - total))),
    bounded=True,
)


class Point(NamedTuple):
    """Quasi-log-likelihood, its gradient (p,) and the information (p, p) at one value of the parameters."""

    value: float
    gradient: Array
    information: Array


class Maximum(NamedTuple):
    """Parameters (p,), inverse information, and whether the steps came to a stand."""

    parameters: Array
    inverse: Inverse
    converged: bool


def maximise(at: Callable[[Array], Point], start: Array) -> Maximum:
    """Maximise a concave quasi-likelihood by Newton steps, halved where they overshoot.

    Parameters
    ----------
    at : the likelihood, gradient and information at a value of the parameters (p,)
    start : (p,)

    Notes
    -----
    Steps go on until they are below 1e-12, or below 1e-7 and no longer shrinking, which is rounding error. Without a
    maximum (separation) they never do, and ``converged`` is False.
    """
    parameters, point = start, at(start)
    inverse = invert(point.information)
    last = np.inf
    for _ in range(_STEPS):
        step = inverse.matrix @ point.gradient
        size = float(np.abs(step).max(initial=0.0))
        if size < _STILL or (size < _CLOSE and size >= last / 2):
            return Maximum(parameters, inverse, converged=True)
        parameters, point = _halved(at, parameters, step, point)
        inverse, last = invert(point.information), size
    return Maximum(parameters, inverse, converged=False)


def _halved(at: Callable[[Array], Point], parameters: Array, step: Array, point: Point) -> tuple[Array, Point]:
    """The first of the steps 1, 1/2, 1/4, ... that does not go down; rounding error apart."""
    slack = 1e-10 * (1.0 + abs(point.value))
    for _ in range(_HALVINGS):
        there = at(parameters + step)
        if there.value >= point.value - slack:
            return parameters + step, there
        step = step / 2
    return parameters, point
