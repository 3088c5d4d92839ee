"""What a hidden cause of a given strength does to a least-squares coefficient: formulas on printed numbers.

Cinelli and Hazlett (2020), https://doi.org/10.1111/rssb.12348
"""

from __future__ import annotations

import math
from typing import NamedTuple

from evaltoolkit.findings import EvaltoolkitError

TOO_STRONG = "a hidden cause of this strength would explain the whole treatment"
AT_MOST_ONE = "the bound on the outcome side exceeds 1 and is set to 1"


class Coefficient(NamedTuple):
    """A least-squares coefficient: what the formulas need of a regression, so that printed ones can be used too.

    ``estimate`` and ``std_error`` (classical, not robust: it stands for a ratio of residual spreads) in units of the
    outcome; ``dof`` residual degrees of freedom.
    """

    estimate: float
    std_error: float
    dof: int


def partial_r2(coefficient: Coefficient) -> float:
    """Return the share of the remaining variation of the outcome that the regressor explains."""
    square = (coefficient.estimate / coefficient.std_error) ** 2
    return square / (square + coefficient.dof)


def robustness_value(coefficient: Coefficient, *, reduction: float = 1.0, alpha: float = 1.0) -> float:
    """Return the smallest equal share of treatment and outcome that a hidden cause must explain.

    Parameters
    ----------
    coefficient : Coefficient
    reduction : fraction of the estimate to be taken away
    alpha : 1 for the estimate itself; 0.05 to make what is left insignificant at 5 %

    Returns
    -------
    float
        Between 0 and 1; 0 where nothing is needed. NaN where no degree of freedom would be left for the hidden cause.
    """
    if coefficient.dof <= 1:
        return math.nan
    strength = reduction * abs(coefficient.estimate / coefficient.std_error) / math.sqrt(coefficient.dof)
    critical = t_quantile(1 - alpha / 2, coefficient.dof - 1) / math.sqrt(coefficient.dof - 1)
    excess = strength - critical
    if excess <= 0:
        return 0.0
    if critical > 0 and strength > 1 / critical:
        # the hidden cause that hurts the test most would explain less than that share of the outcome
        return (strength**2 - critical**2) / (1 + strength**2)
    return (math.sqrt(excess**4 + 4 * excess**2) - excess**2) / 2


def adjusted_coefficient(coefficient: Coefficient, r2_treatment: float, r2_outcome: float) -> Coefficient:
    """Return the coefficient that is left when a hidden cause of given strength is added, against the estimate.

    Parameters
    ----------
    coefficient : Coefficient
    r2_treatment : share of the remaining treatment that the hidden cause explains, below 1
    r2_outcome : share of the remaining outcome that it explains, at most 1

    Returns
    -------
    Coefficient
        With one degree of freedom less.

    Raises
    ------
    EvaltoolkitError
        A share out of range.
    """
    if not (0 <= r2_treatment < 1 and 0 <= r2_outcome <= 1):
        raise EvaltoolkitError(
            f"A hidden cause explains between 0 and 1 of what remains (of treatment less than 1); got {r2_treatment} "
            f"of treatment and {r2_outcome} of the outcome."
        )
    estimate, error, dof = coefficient
    bias = math.sqrt(r2_outcome * r2_treatment / (1 - r2_treatment)) * error * math.sqrt(dof)
    left = math.copysign(1.0, estimate) * (abs(estimate) - bias)
    spread = math.sqrt((1 - r2_outcome) / (1 - r2_treatment) * dof / (dof - 1)) * error if dof > 1 else math.nan
    return Coefficient(left, spread, dof - 1)


def bound_strength(r2_treatment: float, r2_outcome: float, times: float = 1.0) -> tuple[float, float, str]:
    """Return the strength of a hidden cause ``times`` as strong as a benchmark, with what is to be said of it.

    Parameters
    ----------
    r2_treatment : partial R2 of the benchmark with treatment, given the other covariates
    r2_outcome : partial R2 of the benchmark with the outcome, given treatment and the other covariates
    times : multiple on both sides

    Returns
    -------
    tuple
        Share of treatment, share of the outcome (NaN where no such cause can exist), and a reason or "".
    """
    of_treatment = times * r2_treatment / (1 - r2_treatment) if r2_treatment < 1 else math.inf
    if of_treatment >= 1 or times * r2_treatment >= 1:
        return math.nan, math.nan, TOO_STRONG
    # correlation that benchmark and hidden cause have once treatment is held equal, since both move it
    shared = times * r2_treatment**2 / ((1 - times * r2_treatment) * (1 - r2_treatment))
    if shared >= 1:
        return math.nan, math.nan, TOO_STRONG
    factor = (math.sqrt(times) + math.sqrt(shared)) / math.sqrt(1 - shared)
    of_outcome = factor**2 * r2_outcome / (1 - r2_outcome) if r2_outcome < 1 else math.inf
    return of_treatment, min(of_outcome, 1.0), AT_MOST_ONE if of_outcome > 1 else ""


def t_quantile(probability: float, dof: int) -> float:
    """Return the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, probability))
