"""How strong a hidden cause would have to be: partial R2, robustness values and bounds from measured covariates.

For the regression form of the comparison: the change of every unit (or the outcome of a two-way regression, columns
partialled out) on treatment and covariates, by least squares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.sensitivity.hidden_cause import (
    Coefficient,
    adjusted_coefficient,
    bound_strength,
    partial_r2,
    robustness_value,
    t_quantile,
)

Array = npt.NDArray[np.float64]

CITATION = "Cinelli and Hazlett (2020), https://doi.org/10.1111/rssb.12348"
NO_FREEDOM = "no degrees of freedom are left"
NO_VARIATION = "treatment or outcome does not vary once the covariates are held equal"


@dataclass(frozen=True)
class PartialR2:
    """Sensitivity of one coefficient.

    Attributes
    ----------
    coefficient : Coefficient
        The regression as it is, in units of the outcome; NaN with ``reason`` where undefined.
    partial_r2 : share of the remaining variation of the outcome that treatment explains. A hidden cause that explains
        all of the outcome must explain at least this share of treatment to take the estimate to zero.
    robustness : smallest share that a hidden cause must explain of both treatment and outcome to take away the
        fraction ``reduction`` of the estimate
    robustness_of_test : the same, to make the remainder indistinguishable from zero at level ``alpha``
    reduction, alpha : as given
    bounds : DataFrame
        One row per benchmark and multiple: ``benchmark, times, r2_treatment, r2_outcome, estimate, std_error, t,
        conf_low, conf_high, reason``: what would be left with a hidden cause ``times`` as strong as the benchmark.
    reason : why there is no number; empty where there is one
    """

    coefficient: Coefficient
    partial_r2: float
    robustness: float
    robustness_of_test: float
    reduction: float
    alpha: float
    bounds: pd.DataFrame
    reason: str = ""


def partial_r2_sensitivity(
    outcome: npt.ArrayLike,
    treatment: npt.ArrayLike,
    covariates: npt.ArrayLike,
    names: Sequence[str] = (),
    *,
    benchmarks: Mapping[str, Sequence[str]] | Sequence[str] = (),
    times: Sequence[float] = (1.0, 2.0, 3.0),
    reduction: float = 1.0,
    alpha: float = 0.05,
    weights: npt.ArrayLike | None = None,
) -> PartialR2:
    """Ask how strong a hidden cause would have to be to overturn a regression.

    Estimand: the coefficient of treatment in the regression of the outcome on treatment, covariates and a constant;
    for a change from before to after and a treatment of 0 and 1, the difference-in-differences in regression form.

    Assumptions: the regression with the hidden cause added would have the causal coefficient; a bound holds for a
    hidden cause that is unrelated to the benchmark once the other covariates are held equal, and at most ``times`` as
    strong as it, in explaining treatment and in explaining the outcome.

    Not when: the estimate comes from weighting or from group-time effects of several cohorts (only the regression form
    has these formulas), or the errors of units are dependent (the interval is the classical one).

    Parameters
    ----------
    outcome : (n,) in the user's units, for example the change of each unit
    treatment : (n,) 0 and 1, or a dose
    covariates : (n, k), k may be 0
    names : of the covariates, k
    benchmarks : names of covariates, or a mapping from a label to the names that form one benchmark together
    times : how many times as strong as the benchmark
    reduction : fraction of the estimate to be taken away; 1 is all of it
    alpha : of the two-sided test and of the intervals
    weights : (n,) optional, of weighted least squares

    Returns
    -------
    PartialR2

    Raises
    ------
    EvaltoolkitError
        Shapes that do not fit, a benchmark that is no covariate (with the nearest name), strengths or levels out of
        range, or missing values.

    References
    ----------
    Cinelli and Hazlett (2020), https://doi.org/10.1111/rssb.12348

    Examples
    --------
    >>> partial_r2_sensitivity(change, treated, x, ["density"], benchmarks=["density"]).bounds  # doctest: +SKIP
    """
    _require_range(reduction, alpha, times)
    y, d, x = _columns(outcome, treatment, covariates, names, weights)
    groups = _groups(benchmarks, list(names))
    fitted = _fit(y, d, x)
    if isinstance(fitted, str):
        nothing = Coefficient(math.nan, math.nan, len(y) - x.shape[1] - 1)
        return PartialR2(nothing, math.nan, math.nan, math.nan, reduction, alpha, _frame([]), fitted)
    rows = []
    for label, members in groups.items():
        columns = np.array([1 + list(names).index(name) for name in members])
        strength = _shares(y, d, x, columns)
        rows += [_bound_row(label, many, strength, fitted, alpha) for many in times]
    return PartialR2(
        fitted,
        partial_r2(fitted),
        robustness_value(fitted, reduction=reduction),
        robustness_value(fitted, reduction=reduction, alpha=alpha),
        reduction,
        alpha,
        _frame(rows),
    )


def _bound_row(
    label: str, times: float, strength: tuple[float, float], coefficient: Coefficient, alpha: float
) -> dict[str, object]:
    of_treatment, of_outcome, reason = bound_strength(*strength, times)
    left = Coefficient(math.nan, math.nan, coefficient.dof - 1)
    if not math.isnan(of_treatment):
        left = adjusted_coefficient(coefficient, of_treatment, of_outcome)
    # the quantile of the regression as it is, as the authors' R package takes it
    width = t_quantile(1 - alpha / 2, coefficient.dof) * left.std_error
    return {
        "benchmark": label,
        "times": float(times),
        "r2_treatment": of_treatment,
        "r2_outcome": of_outcome,
        "estimate": left.estimate,
        "std_error": left.std_error,
        "t": left.estimate / left.std_error if left.std_error > 0 else math.nan,
        "conf_low": left.estimate - width,
        "conf_high": left.estimate + width,
        "reason": reason,
    }


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    words = ["benchmark", "times", "r2_treatment", "r2_outcome", "estimate", "std_error", "t", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=[*words, "reason"])


def _fit(y: Array, d: Array, x: Array) -> Coefficient | str:
    """Coefficient of d given x, by partialling out; or why there is none."""
    dof = len(y) - int(np.linalg.matrix_rank(x)) - 1
    if dof <= 1:
        return NO_FREEDOM
    left_d, left_y = _residual(d, x), _residual(y, x)
    square = float(left_d @ left_d)
    if square <= 1e-18 * max(float(d @ d), 1e-300) or float(left_y @ left_y) <= 1e-18 * max(float(y @ y), 1e-300):
        return NO_VARIATION
    estimate = float(left_d @ left_y) / square
    rest = left_y - estimate * left_d
    return Coefficient(estimate, math.sqrt(float(rest @ rest) / dof / square), dof)


def _shares(y: Array, d: Array, x: Array, columns: npt.NDArray[np.intp]) -> tuple[float, float]:
    """Partial R2 of some columns of x with treatment, and with the outcome given treatment."""
    others = np.delete(x, columns, axis=1)
    whole, part = np.column_stack([x, d]), np.column_stack([others, d])
    return _share(d, x, others), _share(y, whole, part)


def _share(target: Array, whole: Array, part: Array) -> float:
    with_all, without = _residual(target, whole), _residual(target, part)
    return 1 - float(with_all @ with_all) / float(without @ without)


def _residual(target: Array, columns: Array) -> Array:
    return np.asarray(target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0], dtype=np.float64)


def _columns(
    outcome: npt.ArrayLike,
    treatment: npt.ArrayLike,
    covariates: npt.ArrayLike,
    names: Sequence[str],
    weights: npt.ArrayLike | None,
) -> tuple[Array, Array, Array]:
    """Outcome, treatment and regressors with the constant first, rows multiplied by the root of their weight."""
    y, d = np.asarray(outcome, dtype=float), np.asarray(treatment, dtype=float)
    x = np.asarray(covariates, dtype=float).reshape(len(y), -1)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if d.shape != y.shape or w.shape != y.shape or x.shape[1] != len(names):
        raise EvaltoolkitError(
            f"Outcome, treatment and weights need one number per unit and the covariates one column per name; got "
            f"{y.shape}, {d.shape}, {w.shape} and {x.shape} for {len(names)} names."
        )
    if not (np.isfinite(y).all() and np.isfinite(d).all() and np.isfinite(x).all() and (w >= 0).all()):
        raise EvaltoolkitError("A value is missing, or a weight is negative: leave out those units first, knowingly.")
    root = np.sqrt(w)
    # centred and scaled, so that units of measurement do not matter to the arithmetic
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return y * root, d * root, np.column_stack([np.ones(len(y)), scaled]) * root[:, None]


def _groups(benchmarks: Mapping[str, Sequence[str]] | Sequence[str], names: list[str]) -> dict[str, list[str]]:
    given = benchmarks if isinstance(benchmarks, Mapping) else {name: [name] for name in benchmarks}
    for label, members in given.items():
        for name in members:
            if name not in names:
                known = ", ".join(names) or "none"
                raise EvaltoolkitError(
                    f'Benchmark "{label}" names "{name}", which is no covariate here; they are: {known}.'
                    f"{nearest(name, names)}"
                )
    return {label: list(members) for label, members in given.items()}


def _require_range(reduction: float, alpha: float, times: Sequence[float]) -> None:
    if not 0 < alpha < 1:
        raise EvaltoolkitError(f"alpha must lie between 0 and 1, for example 0.05; got {alpha}.")
    if not reduction > 0:
        raise EvaltoolkitError(f"reduction is the fraction of the estimate to be taken away, above 0; got {reduction}.")
    if any(not many > 0 for many in times):
        raise EvaltoolkitError(f"times says how many times as strong as the benchmark, above 0; got {list(times)}.")
