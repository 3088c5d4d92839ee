"""The weights with which a two-way regression adds up the effects of single units and periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.two_way_fit import absorber
from evaltoolkit.estimators.two_way_panel import Panel, arrange_rows, treatment_rows
from evaltoolkit.findings import EvaltoolkitError, nearest

Regression = Literal["fixed_effects", "first_differences"]

CITATION = "de Chaisemartin and D'Haultfoeuille (2020), https://doi.org/10.1257/aer.20181169"
NO_NEGATIVE = "no weight is negative: no effects of one sign give a coefficient of the other"
NO_SPREAD = "all weights are the same: the coefficient is the mean effect"

# of the largest weight: what is below is rounding error of a weight of zero
_ZERO = 1e-10


@dataclass(frozen=True)
class TwoWayWeights:
    """Weights of the effects of treated units and periods in a two-way coefficient.

    Attributes
    ----------
    cells : DataFrame, one row per treated unit and period, in the order of units and times
        ``unit, cohort, time, treatment``; ``share``, what the cell would weigh in the mean effect per unit of
        treatment; ``weight``, what it weighs in the coefficient. Both add up to one.
    regression : ``fixed_effects`` or ``first_differences``
    estimate : the coefficient, in units of the outcome per unit of treatment
    n_positive, n_negative : cells with a positive and with a negative weight; cells without weight are neither
    sum_positive, sum_negative : sums of these weights
    spread_for_zero : smallest standard deviation of the effects (over cells, weighted by ``share``) with which the mean
        effect can be zero although the coefficient is what it is; NaN where no spread suffices
    spread_for_opposite : smallest standard deviation with which no effect has the sign of the coefficient; NaN where no
        effects of one sign can do that
    reasons : why a spread is NaN, by its name
    dropped : reason -> codes of the units left out
    """

    cells: pd.DataFrame
    regression: Regression
    estimate: float
    n_positive: int
    n_negative: int
    sum_positive: float
    sum_negative: float
    spread_for_zero: float
    spread_for_opposite: float
    reasons: dict[str, str]
    dropped: dict[str, tuple[str, ...]]


class _Regression(NamedTuple):
    """Coefficient, and the numerator of each row's weight per unit of treatment (n, T)."""

    estimate: float
    numerator: Array


def weigh_two_way(design: Design, *, regression: Regression = "fixed_effects") -> TwoWayWeights:
    """Weigh the effects of all treated units and periods in a two-way coefficient.

    Estimand: the weights w with E[coefficient] = sum over treated cells of w times the effect in that cell. They add up
    to one, but may be negative: then every effect can be positive and the coefficient negative.

    Assumptions: parallel trends of all units (given covariates and controls, with effects on the outcome that are the
    same for all); with treatment that is not 0 or 1, effects that are proportional to it.

    Not when: read as what the coefficient *is*: few negative weights say that it is a mean of effects, not that it is
    the mean anybody asked for, nor that trends are parallel.

    Parameters
    ----------
    design : Design
        Outcome (n, T), gaps allowed, weights as sizes of cells. ``design.treatment`` is used where given, else
        treatment lasts from ``cohort`` on. Covariates (a coefficient per period) and controls as in ``two_way``.
    regression : {"fixed_effects", "first_differences"}
        ``two_way``, static; or the change of the outcome on the change of treatment with period effects, over pairs of
        successive periods in which a unit is observed. Rows without an observed neighbour are not in it.

    Returns
    -------
    TwoWayWeights

    Raises
    ------
    EvaltoolkitError
        Unknown regression; no treated unit; treatment below zero, or collinear with the effects; weights that add up
        to zero.

    References
    ----------
    https://doi.org/10.1257/aer.20181169, theorems 1 and S4, corollary 1

    Examples
    --------
    >>> from evaltoolkit.estimators.twfe_weights import weigh_two_way  # doctest: +SKIP
    >>> weigh_two_way(design).n_negative  # doctest: +SKIP
    """
    known = {"fixed_effects": _fixed_effects, "first_differences": _first_differences}
    if regression not in known:
        raise EvaltoolkitError(
            f'There is no regression "{regression}". Known: {", ".join(known)}.{nearest(regression, known)}'
        )
    panel = arrange_rows(design)
    treatment = treatment_rows(panel)
    if (treatment < 0).any():
        raise EvaltoolkitError("Treatment is below zero somewhere: count it from a zero that means no treatment.")
    fitted = known[regression](panel, treatment)
    listed = panel.observed & (treatment != 0)
    if regression == "first_differences":
        pair = _pairs(panel)
        listed[:, 1:-1] &= pair[:, 1:] | pair[:, :-1]
        listed[:, [0, -1]] &= pair[:, [0, -1]]
    weight = fitted.numerator * treatment
    total = weight[listed].sum()
    if not abs(total) > _ZERO * np.abs(weight[listed]).sum():
        raise EvaltoolkitError("The weights add up to zero: treatment varies only together with the effects.")
    size = panel.weight * treatment
    weight, share = weight[listed] / total, size[listed] / size[listed].sum()
    weight = np.where(np.abs(weight) > _ZERO * np.abs(weight).max(), weight, 0.0)
    spreads, reasons = _spreads(fitted.estimate, weight, share)
    unit, period = np.nonzero(listed)
    return TwoWayWeights(
        cells=pd.DataFrame(
            {
                "unit": panel.design.units[unit],
                "cohort": panel.design.cohort[unit],
                "time": panel.design.times[period],
                "treatment": treatment[listed],
                "share": share,
                "weight": weight,
            }
        ),
        regression=regression,
        estimate=fitted.estimate,
        n_positive=int((weight > 0).sum()),
        n_negative=int((weight < 0).sum()),
        sum_positive=float(weight[weight > 0].sum()),
        sum_negative=float(weight[weight < 0].sum()),
        spread_for_zero=spreads[0],
        spread_for_opposite=spreads[1],
        reasons=reasons,
        dropped=dict(panel.dropped),
    )


def _fixed_effects(panel: Panel, treatment: Array) -> _Regression:
    absorb, _ = absorber(panel, "unit_period")
    residual = panel.weight * absorb(treatment)
    return _Regression(_slope(residual, treatment, panel.outcome, panel.weight), residual)


def _slope(residual: Array, treatment: Array, outcome: Array, weight: Array) -> float:
    """Coefficient of treatment; ``residual`` is weight times treatment free of everything else."""
    square = float((residual * treatment).sum())
    if not square > _ZERO * float((weight * treatment**2).sum()):
        raise EvaltoolkitError("Treatment is collinear with the unit and period effects: there is no coefficient.")
    return float((residual * outcome).sum() / square)


def _pairs(panel: Panel) -> Mask:
    """(n, T-1) whether a row and the one after it are observed."""
    return np.asarray(panel.observed[:, 1:] & panel.observed[:, :-1])


def _first_differences(panel: Panel, treatment: Array) -> _Regression:
    """Changes on changes with period effects: a row weighs what its change does less what the next change does."""
    both = _pairs(panel)
    weight = np.where(both, panel.weight[:, 1:], 0.0)
    change = np.where(both, np.diff(treatment, axis=1), 0.0)
    outcome = np.where(both, np.diff(panel.outcome, axis=1), 0.0)
    controls = np.where(both[:, :, None], np.diff(panel.controls, axis=1), 0.0)
    free = _by_period(np.concatenate([change[:, :, None], controls], axis=2), panel.baseline, weight)
    target, others = free[:, :, 0], free[:, :, 1:].reshape(change.size, controls.shape[2])
    root = np.sqrt(weight).ravel()
    slopes = np.linalg.lstsq(others * root[:, None], target.ravel() * root, rcond=None)[0]
    residual = weight * (target - (others @ slopes).reshape(target.shape))
    estimate = _slope(residual, change, outcome, weight)
    numerator = np.zeros_like(treatment)
    numerator[:, 1:] += residual
    numerator[:, :-1] -= residual
    return _Regression(estimate, numerator)


def _by_period(values: Array, baseline: Array, weight: Array) -> Array:
    """Residuals (n, T, c) of a regression on ``baseline`` (n, 1 + k) in every period, weighted."""
    out = np.empty_like(values)
    for period in range(values.shape[1]):
        root = np.sqrt(weight[:, period])[:, None]
        slopes = np.linalg.lstsq(baseline * root, values[:, period] * root, rcond=None)[0]
        out[:, period] = values[:, period] - baseline @ slopes
    return out


def _spreads(estimate: float, weight: Array, share: Array) -> tuple[tuple[float, float], dict[str, str]]:
    """Both sensitivity measures, and why one is NaN.

    The R package divides the spread of the weights by one cell less, and leaves cells without weight out of the second.
    They count here: their effects can vary too, which makes the smallest spread smaller.
    """
    ratio = weight / share
    reasons = {}
    spread = float(np.sqrt((share * (ratio - 1) ** 2).sum()))
    if spread > _ZERO:
        zero = abs(estimate) / spread
    else:
        zero, reasons["spread_for_zero"] = np.nan, NO_SPREAD
    if not (weight < 0).any():
        return (zero, np.nan), reasons | {"spread_for_opposite": NO_NEGATIVE}
    order = np.argsort(-ratio, kind="stable")
    ratio, share, weight = ratio[order], share[order], weight[order]
    rest, sums, squares = (np.cumsum(part[::-1])[::-1] for part in (share, weight, share * ratio**2))
    # the effects stay at zero down to the first cell whose ratio is below what the remaining ones need on average
    at = int(np.flatnonzero(ratio < -sums / np.where(rest < 1, 1 - rest, np.inf))[0])
    return (zero, float(abs(estimate) / np.sqrt(squares[at] + sums[at] ** 2 / (1 - rest[at])))), reasons
