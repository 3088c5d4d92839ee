"""Awkward designs for two-way regressions, and the same regressions with every dummy written out."""

import dataclasses

import numpy as np
from small_designs import simulate


def awkward(seed=1, *, gaps=0.1, controls=0, **options):
    """Unbalanced, weighted, clustered above the unit; with ``controls`` time-varying covariates."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 2, 60)
    clusters = np.array([f"c{i}" for i in rng.permutation(60) // 6])
    design = simulate(seed, gaps=gaps, weights=weights / weights.mean(), clusters=clusters, **options)
    if not controls:
        return design
    values = rng.normal(size=(*design.outcome.shape, controls)).cumsum(axis=1)
    names = tuple(f"z{j}" for j in range(controls))
    return dataclasses.replace(
        design, controls=values, control_names=names, outcome=design.outcome + 0.4 * values.sum(axis=2)
    )


def reversing(seed=1, **options):
    """Treatment that stops and restarts, with different strength."""
    rng = np.random.default_rng(seed)
    design = awkward(seed, **options)
    return dataclasses.replace(design, treatment=rng.integers(0, 3, design.outcome.shape).astype(float))


def dummies(codes):
    return (np.asarray(codes)[:, None] == np.unique(codes)).astype(float)


def dense(design, columns, effects="unit_period"):
    """Weighted least squares with all dummies: coefficients and influence (n, k) of (n, T) ``columns``."""
    unit, period = np.nonzero(np.isfinite(design.outcome))
    clusters = np.unique(design.clusters, return_inverse=True)[1]
    parts = [dummies(unit), dummies(period)]
    if effects == "cluster_period":
        parts = [dummies(unit), dummies(clusters[unit] * 1000 + period)]
    if effects == "unit_trends":
        parts.append(dummies(unit) * (design.times[period] - design.times.mean())[:, None])
    parts += [covariate[unit, None] * dummies(period) for covariate in design.covariates.T]
    if design.controls is not None:
        parts.append(design.controls[unit, period])
    x = np.column_stack([np.column_stack([column[unit, period] for column in columns]), *parts])
    w, y, k = design.weights[unit], design.outcome[unit, period], len(columns)
    root = np.sqrt(w)[:, None]
    slopes = np.linalg.lstsq(x * root, y * root[:, 0], rcond=None)[0]
    scores = x * (w * (y - x @ slopes))[:, None] @ np.linalg.pinv((x * root).T @ (x * root), rcond=1e-11)[:, :k]
    by_unit = np.array([scores[unit == i].sum(axis=0) for i in range(len(design.units))])
    return slopes[:k], len(design.units) * by_unit


def event_columns(design, times):
    since = design.times - design.cohort[:, None]
    return [(since == time).astype(float) for time in times]
