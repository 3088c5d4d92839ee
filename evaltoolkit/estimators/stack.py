"""The overall group-time effect and its standard error for thousands of outcomes over one design, at once.

For power and simulation. Without covariates and gaps the estimate and its influence are linear in the outcome, so a
cohort's periods enter through one row of contrasts each; they are read off the estimator itself, by basis outcomes.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import NEVER, Array, Design
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.group_time import estimate_group_time, group_time_points
from evaltoolkit.findings import EvaltoolkitError


class Stacked(NamedTuple):
    """Overall effects of R outcomes, (R,) each."""

    estimate: Array
    std_error: Array


class _Contrasts(NamedTuple):
    """How means of cohorts enter: ``overall`` (C, T), and the sum of the effects on each cohort (G, C, T)."""

    overall: Array
    sums: Array
    periods: Array


def estimate_overall_stack(design: Design) -> Stacked:
    """Estimate the overall effect of every outcome of a stack.

    Estimand: the average of all ATT(g,t) from treatment on, weighted by the size of the cohort.

    Assumptions: those of :func:`~evaltoolkit.estimators.group_time.estimate_group_time`; the standard error is the
    one of its ``aggregate("overall")``, cohort shares counted as estimated.

    Parameters
    ----------
    design : Design
        Outcome (n, T, R) or (n, T), complete; compared with the never treated; no covariates.

    Returns
    -------
    Stacked
        ``estimate`` and ``std_error``, each (R,): the same numbers as one estimation per outcome gives.

    Raises
    ------
    EvaltoolkitError
        Another comparison, covariates, gaps, or nothing to estimate.

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2020.12.001, section 3
    """
    _require(design)
    stack = design.outcome.reshape(len(design.units), len(design.times), -1)
    # who starts after the panel ends compares like the never treated: one group, one mean
    design = dataclasses.replace(design, cohort=np.where(design.treated, design.cohort, NEVER))
    cohorts, code = np.unique(design.cohort, return_inverse=True)
    contrasts = _contrasts(design, cohorts)
    total: Array = np.bincount(code, weights=design.weights).astype(np.float64)
    means = np.stack(
        [np.einsum("i,itr->tr", design.weights[code == c], stack[code == c]) / total[c] for c in range(len(cohorts))]
    )
    estimate = np.einsum("ct,ctr->r", contrasts.overall, means)
    n = len(design.units)
    # influence of the estimated shares: one value per cohort and outcome, less its average
    share = _share_slopes(contrasts, means, total, cohorts, estimate)
    centre = np.einsum("c,cr->r", total / n, share)
    codes = cluster_codes(design.clusters, design.units)
    alone = count_clusters(codes) == n
    square = np.zeros_like(estimate)
    sums = np.zeros((0 if alone else count_clusters(codes), len(estimate)))
    for c in range(len(cohorts)):
        rows = code == c
        change = np.tensordot(stack[rows], contrasts.overall[c], axes=(1, 0))
        change -= np.tensordot(contrasts.overall[c], means[c], axes=(0, 0))
        own = n / total[c] * change + share[c]
        psi = design.weights[rows, None] * own - centre
        if alone:
            square += np.square(psi).sum(axis=0)
        else:
            np.add.at(sums, codes[rows], psi)
    if not alone:
        square = np.square(sums).sum(axis=0)
    return Stacked(estimate, np.sqrt(square) / n)


def _require(design: Design) -> None:
    why = [
        ("it compares with the not yet treated", design.comparison != "never_treated"),
        ("it has covariates", design.covariates.shape[1] > 0),
        ("outcomes are missing", not design.complete),
    ]
    found = [text for text, holds in why if holds]
    if found:
        raise EvaltoolkitError(
            f"This design cannot be estimated as a stack: {'; '.join(found)}. Use estimate() for one outcome at a time."
        )


def _contrasts(design: Design, cohorts: Array) -> _Contrasts:
    """Read off how each cohort's mean in each period enters, from outcomes that are one there and zero elsewhere."""
    n_periods = len(design.times)
    basis = np.zeros((len(design.units), n_periods, len(cohorts), n_periods))
    for c, cohort in enumerate(cohorts):
        for t in range(n_periods):
            basis[design.cohort == cohort, t, c, t] = 1.0
    flat = basis.reshape(len(design.units), n_periods, -1)
    points = group_time_points(dataclasses.replace(design, outcome=flat))
    template = _template(design)
    matrix = aggregation_matrix(template, "overall")
    cohort, time = (template.labels[name].to_numpy(float) for name in ("cohort", "time"))
    post = (time >= cohort) & np.isfinite(template.estimate)
    treated = cohorts[np.isin(cohorts, cohort[post])]
    member = (cohort[None, :] == treated[:, None]) & post[None, :]
    shape = (len(cohorts), n_periods)
    return _Contrasts(
        overall=(matrix @ np.where(np.isfinite(points), points, 0.0)).reshape(shape),
        sums=(member.astype(float) @ np.where(np.isfinite(points), points, 0.0)).reshape(len(treated), *shape),
        periods=_spread(treated, member.sum(axis=1), cohorts),
    )


def _template(design: Design) -> Effects:
    one = design.outcome.reshape(len(design.units), len(design.times), -1)[:, :, 0]
    return estimate_group_time(dataclasses.replace(design, outcome=one))


def _spread(treated: Array, values: npt.NDArray[np.int_], cohorts: Array) -> Array:
    out = np.zeros(len(cohorts))
    out[np.searchsorted(cohorts, treated)] = values
    return out


def _share_slopes(contrasts: _Contrasts, means: Array, total: Array, cohorts: Array, estimate: Array) -> Array:
    """(C, R) derivative of the overall effect in each cohort's share; zero for those that only compare."""
    sums = np.einsum("gct,ctr->gr", contrasts.sums, means)
    slopes = np.zeros((len(cohorts), len(estimate)))
    slopes[contrasts.periods > 0] = sums
    weight = float((total * contrasts.periods).sum()) / total.sum()
    return np.asarray((slopes - contrasts.periods[:, None] * estimate[None, :]) / weight)
