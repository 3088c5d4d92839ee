"""Small designs for extended two-way effects: outcomes that each family takes."""

from dataclasses import replace

import numpy as np
from small_designs import simulate

from evaltoolkit.estimators.registry import estimate

MODELS = [("linear", "response")] + [
    (family, scale) for family in ("poisson", "logit") for scale in ("response", "link")
]
COMPARISONS = ["never_treated", "not_yet_treated"]
MEAN = {
    "linear": lambda x: x,
    "poisson": np.exp,
    "logit": lambda x: 1 / (1 + np.exp(-x)),
}


def run(design, **options):
    return estimate(design, "extended_two_way", **options)


def design_for(family, comparison="never_treated", *, seed=0, n=60, k=0, gaps=0.0, exposure=True, **rest):
    """Uneven weights, clusters of two units, an outcome that the family takes; exposure for counts."""
    design = simulate(seed, n=n, k=k, gaps=gaps, comparison=comparison, effect=0.5, **rest)
    rng = np.random.default_rng(seed + 100)
    weights = rng.uniform(0.5, 1.5, n)
    design = replace(design, weights=weights / weights.mean(), clusters=np.array([f"c{i // 2}" for i in range(n)]))
    index = 0.3 * design.outcome
    if family == "logit":
        return replace(design, outcome=1 / (1 + np.exp(-index)))
    if family == "linear":
        return design
    size = np.exp(rng.normal(size=index.shape) * 0.3) if exposure else np.ones_like(index)
    counts = rng.poisson(np.exp(0.5 + np.nan_to_num(index)) * size).astype(float)
    counts[np.isnan(index)] = np.nan
    return replace(design, outcome=counts, exposure=size if exposure else None)


def cells_of(effects):
    return list(zip(effects.labels["cohort"], effects.labels["time"], strict=True))


def value_at(effects, cohort, time):
    return effects.estimate[cells_of(effects).index((cohort, time))]
