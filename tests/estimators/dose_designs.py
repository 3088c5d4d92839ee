"""Designs with a dose, and how rows of a result are found."""

import dataclasses

import numpy as np
from small_designs import simulate


def dosed(seed=0, *, n=90, levels=None, response=lambda dose: 0.5 * dose, **rest):
    """Effect ``response(dose)`` in every period from treatment on, beside the noise of ``simulate``."""
    design = simulate(seed, n=n, effect=0.0, **rest)
    rng = np.random.default_rng(seed + 1)
    drawn = rng.uniform(1, 9, n) if levels is None else rng.permutation(np.resize(levels, n))
    dose = np.where(np.isfinite(design.cohort), drawn, 0.0)
    post = design.times[None, :] >= design.cohort[:, None]
    return dataclasses.replace(design, outcome=design.outcome + post * response(dose)[:, None], dose=dose)


def rich(seed=0, *, n=90, gaps=0.1, **rest):
    """Weights, clusters of two units, gaps and a covariate."""
    rng = np.random.default_rng(seed + 2)
    weights = rng.uniform(0.5, 1.5, n)
    clusters = np.array([f"c{i // 2}" for i in range(n)])
    return dosed(seed, n=n, gaps=gaps, k=1, weights=weights / weights.mean(), clusters=clusters, **rest)


def named(effects, name):
    """Row numbers of one name."""
    return np.flatnonzero(effects.labels["name"] == name)
