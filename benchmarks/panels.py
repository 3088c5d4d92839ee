"""Simulated panels for timing: long tables, sorted, one row per unit and period, from a seed alone."""

import numpy as np
import pandas as pd

FIRST_YEAR = 2000


def _draw_correlated(rng, n, periods, rho=0.5):
    """Autoregressive noise with standard deviation one, (n, T)."""
    noise = rng.standard_normal((n, periods))
    for period in range(1, periods):
        noise[:, period] = rho * noise[:, period - 1] + np.sqrt(1 - rho**2) * noise[:, period]
    return noise


def _to_long(outcome, cohort, columns):
    n, periods = outcome.shape
    year = np.tile(np.arange(FIRST_YEAR, FIRST_YEAR + periods), n)
    first = np.repeat(cohort, periods)
    fixed = {name: np.repeat(values, periods) for name, values in columns.items()}
    treated = ((first > 0) & (year >= first)).astype(float)
    unit = np.repeat(np.arange(1, n + 1), periods)
    return pd.DataFrame({"unit": unit, "year": year, "y": outcome.ravel(), "g": first, "treated": treated, **fixed})


def make_staggered(n, periods, seed=900):
    """Up to eight cohorts and about 30 % never treated (``g`` 0), effects that differ by cohort and grow for a while.

    ``x1`` and ``x2`` are fixed per unit; they move the trend, and ``x1`` the chance of being treated.
    """
    rng = np.random.default_rng(seed + n + periods)
    starts = np.unique(np.linspace(periods // 4, periods - periods // 4, max(3, min(8, periods // 4))).astype(int))
    x1, x2 = rng.standard_normal(n), rng.uniform(-1, 1, n)
    never = rng.random(n) < 1 / (1 + np.exp(0.85 + 0.3 * x1))
    start = starts[rng.integers(0, len(starts), n)]
    since = np.arange(periods) - start[:, None]
    effect = (0.5 + 0.02 * start)[:, None] * (1 + 0.1 * np.minimum(since, 10)) * (since >= 0) * ~never[:, None]
    trend = 0.02 * (x1 - 0.5 * x2)[:, None] * np.arange(periods)
    level = rng.standard_normal(n)[:, None] + np.cumsum(rng.normal(0, 0.3, periods))
    outcome = level + trend + effect + _draw_correlated(rng, n, periods)
    return _to_long(outcome, np.where(never, 0, FIRST_YEAR + start), {"x1": x1, "x2": x2})


def make_factor(n, periods, n_treated, seed=900):
    """Units that load on two common factors, the last ``n_treated`` of them treated from two thirds of the panel on."""
    rng = np.random.default_rng(seed + n + periods)
    loadings = rng.standard_normal((n, 2))
    loadings[n - n_treated :] += 0.5
    factors = np.cumsum(rng.normal(0, 0.35, (2, periods)), axis=1)
    start = 2 * periods // 3
    cohort = np.where(np.arange(n) >= n - n_treated, FIRST_YEAR + start, 0)
    outcome = rng.standard_normal((n, 1)) + loadings @ factors + 0.4 * _draw_correlated(rng, n, periods, 0.3)
    outcome[n - n_treated :, start:] += 1.0
    return _to_long(outcome, cohort, {})
