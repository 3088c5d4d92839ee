"""Small worlds of counts with an exposure, and their tables."""

import numpy as np

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.count_table import count_table

TIMES = np.arange(2018.0, 2024.0)


def make_counts(rng, *, treated=(3,), starts=(2021.0,), never=27, mean=4.0, ratio=1.0, shape=None, zone=1,
                comparison="not_yet_treated", growth=None):  # fmt: skip
    """Counts of units whose sizes differ; ``shape`` is that of gamma shocks, ``growth`` (n, T) multiplies exposures."""
    cohort = np.concatenate([np.full(never, np.inf), *[np.full(k, s) for k, s in zip(treated, starts, strict=True)]])
    cohort = np.repeat(cohort, zone)
    n = len(cohort)
    exposure = np.repeat(rng.gamma(3.0, 1 / 3, (n, 1)) + 0.2, len(TIMES), axis=1)
    exposure = exposure if growth is None else exposure * growth
    rates = mean * exposure * np.linspace(1, 1.4, len(TIMES))
    rates = np.where(cohort[:, None] <= TIMES, ratio, 1.0) * rates
    if shape is not None:
        rates = rates * rng.gamma(shape, 1 / shape, rates.shape)
    return Design(
        units=np.array([f"u{i:03d}" for i in range(n)]),
        times=TIMES,
        outcome=rng.poisson(rates).astype(float),
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=np.array([f"z{i // zone:03d}" for i in range(n)]),
        comparison=comparison,
        exposure=exposure,
    )


def estimate_overall(design, **options):
    return estimate(design, "extended_two_way", family="poisson", **options).aggregate("overall")


def make_count_table(design):
    return count_table(design, estimate_overall(design))
