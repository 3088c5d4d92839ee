"""Designs on which imputed effects are tested, and how two results are held against each other."""

import dataclasses

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from small_designs import simulate

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.imputation import ESTIMATOR

FAST = settings(max_examples=12, deadline=None)
seeds = st.integers(0, 10_000)
errors = st.sampled_from(ESTIMATOR.options["se"])
kinds = st.sampled_from(ESTIMATOR.options["pretrends"])
trends = st.booleans()
BY_UNIT = ("outcome", "cohort", "covariates", "weights")


def rich(seed=0, *, n=40, gaps=0.1, times=(2016, 2017, 2018, 2019, 2020, 2021), cohorts=(2019, 2020), p=1, **rest):
    """Weights, clusters of two units, gaps, a covariate and a control."""
    rng = np.random.default_rng(seed + 1)
    weights = rng.uniform(0.5, 1.5, n)
    controls = rng.normal(size=(n, len(times), p)) if p else None
    design = simulate(seed, n=n, times=times, cohorts=cohorts, k=1, gaps=gaps, **rest)
    clusters = np.array([f"c{i // 2}" for i in range(n)])
    return dataclasses.replace(design, weights=weights / weights.mean(), clusters=clusters, controls=controls)


def plain(design):
    return dataclasses.replace(design, controls=None, covariates=design.covariates[:, :0], covariate_names=())


def close(one, other, factor=1.0):
    np.testing.assert_allclose(factor * one.estimate, other.estimate, rtol=1e-7, atol=1e-8 * abs(factor))
    np.testing.assert_allclose(abs(factor) * std_errors(one), std_errors(other), rtol=1e-7, atol=1e-8 * abs(factor))


def at(effects, cohort, time):
    return int(np.flatnonzero((effects.labels["cohort"] == cohort) & (effects.labels["time"] == time))[0])
