"""Wild bootstraps by brute force: every draw is a new outcome, and the whole regression is fitted again."""

import numpy as np

from evaltoolkit.designs.design import Design


def dummies(codes):
    return (np.asarray(codes)[:, None] == np.unique(codes)).astype(float)


def fit(y, x, w, codes, rank=1e-11):
    """Slope of the first column of x, and its CR0 standard error, by least squares with everything written out."""
    root = np.sqrt(w)
    slopes = np.linalg.lstsq(x * root[:, None], y * root, rcond=rank)[0]
    bread = np.linalg.pinv((x * root[:, None]).T @ (x * root[:, None]), rcond=rank, hermitian=True)
    scores = x * (w * (y - x @ slopes))[:, None] @ bread[:, 0]
    return slopes[0], np.sqrt(np.square(np.bincount(codes, scores)).sum())


def statistics(y, x, w, codes, null, multipliers, *, impose):
    """Statistics of the draws (B,) and of the sample, one regression each."""
    root = np.sqrt(w)
    estimate, error = fit(y, x, w, codes)
    shift = null * x[:, 0] if impose else 0.0
    kept = x[:, 1:] if impose else x
    fitted = kept @ np.linalg.lstsq(kept * root[:, None], (y - shift) * root, rcond=1e-11)[0] + shift
    truth = null if impose else estimate
    found = []
    for v in multipliers:
        effect, spread = fit(fitted + v[codes] * (y - fitted), x, w, codes)
        found.append((effect - truth) / spread)
    return np.array(found), (estimate - null) / error


def rows(seed=1, *, clusters=9, units=3, periods=5, weighted=False, treated=4):
    """A long panel with a slope of one: outcome, regressor, unit, period, cluster codes and weights."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(clusters * units), periods)
    period = np.tile(np.arange(periods), clusters * units)
    cluster = unit // units
    keep = rng.random(len(unit)) > 0.1
    unit, period, cluster = unit[keep], period[keep], cluster[keep]
    x = ((cluster < treated) & (period >= 2)).astype(float)
    noise = rng.normal(size=len(unit)) + rng.normal(size=(clusters, periods))[cluster, period]
    w = rng.uniform(0.5, 2, clusters * units)[unit] if weighted else np.ones(len(unit))
    return x + noise + unit, x, unit, period, cluster, w


def world(seed=1, *, cohorts=(2020, 2022, np.inf, np.inf), n=60, periods=7, zone=15, gaps=0.0, covariates=0, **rest):
    """Weighted units in zones that span the cohorts."""
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(0, 0.5, n)
    outcome = 3 * rng.normal(size=(n, 1)) + rng.normal(size=(n, periods)).cumsum(axis=1)
    outcome[rng.random(outcome.shape) < gaps] = np.nan
    return Design(
        units=np.arange(n).astype(str),
        times=np.arange(2018.0, 2018 + periods),
        outcome=outcome,
        cohort=rng.choice(np.array(cohorts, dtype=float), n),
        covariates=rng.normal(size=(n, covariates)),
        covariate_names=tuple(f"x{j}" for j in range(covariates)),
        weights=weights / weights.mean(),
        clusters=(np.arange(n) % zone).astype(str),
        **rest,
    )
