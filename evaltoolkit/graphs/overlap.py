"""Are there comparison units like the treated ones? Overlap of the two groups on what is held equal.

The score is a logistic regression of treatment on the covariates with a very small ridge. Unlike the propensity score
of the estimators it exists where the groups are separated: that is the case to be found here, and only the order of
the units counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Verdict = Literal["good", "partly", "none", "not_asked", "no_data"]

# Share of the treated outside the range of the comparison group. With groups that do not differ at all about
# 2 / (m + 1) lie outside the range of m comparison units: 18 % of them at the least number of ten.
PARTLY, NONE = 0.2, 0.5
_RIDGE = 1e-4
_STEPS = 100


@dataclass(frozen=True)
class Overlap:
    """How far the treated lie outside the range of the comparison group.

    ``outside`` is the share of the treated whose score no comparison unit reaches; ``by_covariate`` has the columns
    ``covariate, outside, difference`` (of means, in standard deviations); ``score`` one value per unit.
    """

    verdict: Verdict
    outside: float = np.nan
    n_treated: int = 0
    n_comparison: int = 0
    by_covariate: pd.DataFrame = field(default_factory=pd.DataFrame)
    score: Array = field(default_factory=lambda: np.empty(0))


def measure_overlap(treated: Bools, covariates: Array, names: Sequence[str]) -> Overlap:
    """Compare the treated (n,) with the others on covariates (n, k), one row per unit and nothing missing.

    Returns
    -------
    Overlap
        ``none`` from half of the treated outside the range, ``partly`` from a fifth; ``not_asked`` without
        covariates; ``no_data`` where a group is empty.

    References
    ----------
    Crump, Hotz, Imbens and Mitnik (2009), doi:10.1093/biomet/asn055.
    """
    n_treated, n_comparison = int(treated.sum()), int((~treated).sum())
    if not len(names):
        return Overlap("not_asked", n_treated=n_treated, n_comparison=n_comparison)
    if not n_treated or not n_comparison:
        return Overlap("no_data", n_treated=n_treated, n_comparison=n_comparison)
    score = treatment_score(treated, covariates)
    outside = share_outside(score, treated)
    rows = [
        {
            "covariate": name,
            "outside": share_outside(column, treated),
            "difference": standardised_difference(column, treated),
        }
        for name, column in zip(names, covariates.T, strict=True)
    ]
    verdict: Verdict = "none" if outside >= NONE else "partly" if outside >= PARTLY else "good"
    return Overlap(verdict, outside, n_treated, n_comparison, pd.DataFrame(rows), score)


def share_outside(values: Array, treated: Bools) -> float:
    """Return the share of the treated whose value lies outside the range of the others."""
    rest, some = values[~treated], values[treated]
    # units that are alike up to rounding are alike
    slack = 1e-9 * max(float(np.ptp(values)), np.finfo(float).tiny)
    return float(np.mean((some < rest.min() - slack) | (some > rest.max() + slack)))


def standardised_difference(values: Array, treated: Bools) -> float:
    """Return the difference of means in standard deviations (root of the mean variance); NaN where nothing varies."""
    some, rest = values[treated], values[~treated]
    if min(len(some), len(rest)) < 2:
        return float("nan")
    spread = np.sqrt((some.var(ddof=1) + rest.var(ddof=1)) / 2)
    return float((some.mean() - rest.mean()) / spread) if spread > 0 else float("nan")


def treatment_score(treated: Bools, covariates: Array) -> Array:
    """Return the linear predictor (n,) of treatment by ridge logistic regression on standardised covariates."""
    spread = covariates.std(axis=0)
    varies = spread > 1e-12 * np.maximum(np.abs(covariates).max(axis=0), np.finfo(float).tiny)
    columns = (covariates[:, varies] - covariates[:, varies].mean(axis=0)) / spread[varies]
    rows = np.column_stack([np.ones(len(treated)), columns])
    penalty = _RIDGE * len(treated) * np.r_[0.0, np.ones(columns.shape[1])]
    y, beta = treated.astype(float), np.zeros(rows.shape[1])
    beta[0] = np.log(y.mean() / (1 - y.mean()))
    for _ in range(_STEPS):
        p = _expit(rows @ beta)
        gradient = rows.T @ (y - p) - penalty * beta
        # a grain on the diagonal: in a separated sample the weights of all units go to zero
        information = (rows * (p * (1 - p))[:, None]).T @ rows + np.diag(penalty + 1e-9)
        step = _shortened(np.linalg.solve(information, gradient), beta, rows, y, penalty)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return np.asarray(rows @ beta, dtype=np.float64)


def _shortened(step: Array, beta: Array, rows: Array, y: Array, penalty: Array) -> Array:
    """Halve a Newton step until the penalised likelihood no longer falls."""
    before = _likelihood(beta, rows, y, penalty)
    for _ in range(40):
        if _likelihood(beta + step, rows, y, penalty) >= before:
            return step
        step = step / 2
    return np.zeros_like(step)


def _likelihood(beta: Array, rows: Array, y: Array, penalty: Array) -> float:
    index = rows @ beta
    return float(y @ index - np.logaddexp(0.0, index).sum() - 0.5 * penalty @ beta**2)


def _expit(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0))), dtype=np.float64)
