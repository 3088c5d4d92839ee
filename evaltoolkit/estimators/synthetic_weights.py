"""Unit and time weights of synthetic difference-in-differences, and the gaps they leave, for B blocks of one shape."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.estimators.frank_wolfe import step_on_simplex
from evaltoolkit.estimators.simplex import Solution, minimise_on_simplex

Array = npt.NDArray[np.float64]
Variant = Literal["synthetic_did", "synthetic_control", "did"]
Solver = Literal["exact", "synthdid"]

# The ridge of weights that should have none, in noise levels: it only makes them unique.
_TINY = 1e-6


class Blocks(NamedTuple):
    """B comparisons of treated units with donors.

    Attributes
    ----------
    donors : (B, N0, T) outcomes of the donors
    treated : (B, T) mean outcome of the treated
    n_treated : number of treated units behind the mean
    before : number of periods before treatment and anticipation: they find the weights
    start : index of the first treated period
    """

    donors: Array
    treated: Array
    n_treated: int
    before: int
    start: int


class Weights(NamedTuple):
    """Weights of B blocks.

    Attributes
    ----------
    units : (B, N0) sum to one
    periods : (B, before) sum to one; zero for a synthetic control, which is compared in levels
    zeta : (B,) ridge of the unit weights, in the unit of the outcome
    gap : (B,) the larger relative duality gap of the two problems; NaN where they are not solved to the optimum
    """

    units: Array
    periods: Array
    zeta: Array
    gap: Array


def find_weights(blocks: Blocks, variant: Variant = "synthetic_did", solver: Solver = "exact") -> Weights:
    """Find unit and time weights.

    Parameters
    ----------
    blocks : Blocks
        Complete outcomes; ``before`` at least 2 unless ``variant="did"``.
    variant : {"synthetic_did", "synthetic_control", "did"}
        ``did``: the same weight for every donor and every period before. ``synthetic_control``: unit weights without
        intercept and almost without ridge, no time weights.
    solver : {"exact", "synthdid"}
        The optimum, or what the R package finds by its stopping rule.

    References
    ----------
    Arkhangelsky et al. (2021), equations 4 to 6, https://doi.org/10.1257/aer.20190159
    """
    count, n_donors, n_periods = blocks.donors.shape
    even = np.full((count, n_donors), 1 / n_donors), np.full((count, blocks.before), 1 / blocks.before)
    if variant == "did":
        return Weights(*even, np.full(count, np.nan), np.zeros(count))
    noise = noise_level(blocks)
    past = blocks.donors[:, :, : blocks.before]
    to_treated = past.transpose(0, 2, 1) - blocks.treated[:, : blocks.before, None]
    if variant == "synthetic_control":
        zeta = _TINY * noise
        units = _solve(to_treated, zeta, noise, solver)
        return Weights(units.weights, np.zeros_like(even[1]), zeta, units.gap)
    zeta = (blocks.n_treated * (n_periods - blocks.start)) ** 0.25 * noise
    units = _solve(_centre(to_treated), zeta, noise, solver)
    to_after = past - blocks.donors[:, :, blocks.start :].mean(axis=2, keepdims=True)
    periods = _solve(_centre(to_after), _TINY * noise, noise, solver)
    return Weights(units.weights, periods.weights, zeta, np.maximum(units.gap, periods.gap))


def noise_level(blocks: Blocks) -> Array:
    """(B,) standard deviation of the donors' changes from period to period before treatment; 0 for a single change."""
    changes = np.diff(blocks.donors[:, :, : blocks.before], axis=2).reshape(len(blocks.donors), -1)
    return np.asarray(changes.std(axis=1, ddof=1) if changes.shape[1] > 1 else np.zeros(len(changes)))


def measure_gaps(blocks: Blocks, weights: Weights) -> Array:
    """(B, T) treated less synthetic, less the same before treatment (by time weights): effects from ``start`` on."""
    gap = blocks.treated - (weights.units[:, None, :] @ blocks.donors)[:, 0]
    earlier = np.einsum("bt,bt->b", gap[:, : blocks.before], weights.periods)
    return np.asarray(gap - earlier[:, None])


def _centre(columns: Array) -> Array:
    """Take out the intercept: the mean over rows."""
    return np.asarray(columns - columns.mean(axis=1, keepdims=True))


def _solve(columns: Array, zeta: Array, noise: Array, solver: Solver) -> Solution:
    ridge = columns.shape[1] * zeta**2
    if solver == "exact":
        return minimise_on_simplex(columns, ridge)
    found = [step_on_simplex(*each) for each in zip(columns, ridge.tolist(), noise.tolist(), strict=True)]
    return Solution(np.array(found), np.full(len(columns), np.nan))
