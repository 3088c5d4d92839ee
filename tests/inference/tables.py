"""Small worlds for inference: one contrast table per world."""

import numpy as np

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.contrasts import contrast_table

TIMES = np.arange(2018.0, 2024.0)


def make_design(rng, *, treated=(2,), starts=(2021.0,), never=18, zone=1, effect=0.0, weights=False, spread=None):
    cohort = np.concatenate([np.full(never, np.inf), *[np.full(k, s) for k, s in zip(treated, starts, strict=True)]])
    cohort = np.repeat(cohort, zone)
    n = len(cohort)
    scale = np.ones(n) if spread is None else np.repeat(spread, zone)
    noise = rng.normal(size=(n, 1)) + rng.normal(size=len(TIMES)) + scale[:, None] * rng.normal(size=(n, len(TIMES)))
    weight = rng.uniform(0.5, 2, n) if weights else np.ones(n)
    return Design(
        units=np.array([f"u{i:03d}" for i in range(n)]),
        times=TIMES,
        outcome=noise + effect * (cohort[:, None] <= TIMES),
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=weight / weight.mean(),
        clusters=np.array([f"z{i // zone:03d}" for i in range(n)]),
    )


def make_table(design, to="overall"):
    return contrast_table(design, estimate(design).aggregate(to))
