"""Small simulated designs with a known effect."""

import numpy as np

from evaltoolkit.designs.design import Design


def simulate(
    seed=0, *, n=60, times=(2018, 2019, 2020, 2021, 2022), cohorts=(2020, 2021), effect=1.0, k=0, gaps=0.0, **rest
):
    """A third of the units never treated, the others spread over the cohorts; trends parallel given covariates."""
    rng = np.random.default_rng(seed)
    times = np.array(times, dtype=float)
    cohort = rng.permutation(np.resize(np.array([np.inf, *cohorts], dtype=float), n))
    covariates = rng.normal(size=(n, k)) + 0.5 * np.isfinite(cohort)[:, None]
    trend = covariates.sum(axis=1, keepdims=True) * np.arange(len(times)) * 0.3
    noise = rng.normal(size=(n, 1)) + rng.normal(size=(n, len(times))) + rng.normal(size=len(times))
    outcome = noise + trend + effect * (times[None, :] >= cohort[:, None])
    outcome[rng.random(outcome.shape) < gaps] = np.nan
    values = {
        "units": np.array([f"u{i:03d}" for i in range(n)]),
        "times": times,
        "outcome": outcome,
        "cohort": cohort,
        "covariates": covariates,
        "covariate_names": tuple(f"x{j}" for j in range(k)),
        "weights": np.ones(n),
        "clusters": np.array([f"u{i:03d}" for i in range(n)]),
    }
    return Design(**{**values, **rest})
