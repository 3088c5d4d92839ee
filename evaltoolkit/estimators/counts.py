"""Effects on counts: incidents avoided and the rate ratio, from the totals behind every estimate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

import numpy as np
import pandas as pd

from evaltoolkit.effects.aggregate import REFERENCE, aggregation_matrix
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.estimates import Array, Kind
from evaltoolkit.effects.inference import inference_table
from evaltoolkit.findings import EvaltoolkitError

NOTHING_COUNTED = "nothing counted in these treated rows, or nothing expected: no ratio"


class Totals(NamedTuple):
    """What was counted in the treated unit-periods of every row, and what is predicted there without treatment.

    Attributes
    ----------
    kind : of the effects that these totals belong to
    size : (k,) numbers by which the following are multiplied: of treated unit-periods, or one
    observed, untreated : (k,) per treated unit-period, each times its weight (mean 1)
    observed_influence, untreated_influence : (n, k)
    """

    kind: Kind
    size: Array
    observed: Array
    untreated: Array
    observed_influence: Array
    untreated_influence: Array


@dataclass(frozen=True, repr=False)
class CountEffects(Effects):
    """Effects on a count, with the totals behind them; see :func:`incidents_avoided` and :func:`rate_ratio`.

    Attributes
    ----------
    totals : Totals or None
    """

    totals: Totals | None = None

    def aggregate(self, to: Literal["overall", "event", "cohort", "calendar"]) -> Self:
        """Aggregate group-time effects and add up their totals."""
        result = super().aggregate(to)
        result = replace(result, totals=_add_up(self, to))
        if result.overall is not None:
            result = replace(result, overall=replace(result.overall, totals=_add_up(self, "overall")))
        return result


def incidents_avoided(effects: Effects, *, level: float = 0.95) -> pd.DataFrame:
    """Return how many incidents less were counted than predicted without treatment.

    Estimand: the sum, over the treated unit-periods observed behind a row, of the count expected without treatment
    minus the count observed. Negative numbers are incidents added. With design weights every unit-period counts with
    its weight (mean 1). Cells that could not be estimated are left out (``info["left_out"]``).

    Parameters
    ----------
    effects : Effects
        Of ``extended_two_way`` with ``family="poisson"``, either scale: group-time rows, or what ``.aggregate()``
        returned.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        The labels of ``effects`` with ``observed, untreated, estimate, std_error, conf_low, conf_high, p_value,
        reason``; ``estimate`` is the number avoided.

    Raises
    ------
    EvaltoolkitError
        The effects carry no totals.

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> effects = estimate(design, "extended_two_way", family="poisson")  # doctest: +SKIP
    >>> incidents_avoided(effects.aggregate("overall"))  # doctest: +SKIP
    """
    totals = _totals(effects)
    difference = replace(
        effects,
        estimate=totals.size * (totals.untreated - totals.observed),
        influence=totals.size * (totals.untreated_influence - totals.observed_influence),
        overall=None,
    )
    table = inference_table(difference, level=level)
    return _with_totals(table, totals)


def rate_ratio(effects: Effects, *, level: float = 0.95) -> pd.DataFrame:
    """Return the ratio of incidents counted to incidents predicted without treatment.

    Estimand: sum of counts over the treated unit-periods behind a row, divided by the sum of the counts expected there
    without treatment; 0.8 is a fifth less. The interval is symmetric for the logarithm of the ratio (delta method), and
    so is never negative; the p-value is of a ratio of one.

    Parameters
    ----------
    effects : Effects
        As in :func:`incidents_avoided`.
    level : float

    Returns
    -------
    DataFrame
        As in :func:`incidents_avoided`; ``estimate`` is the ratio, ``std_error`` that of its logarithm.

    Raises
    ------
    EvaltoolkitError
        The effects carry no totals.
    """
    totals = _totals(effects)
    known = (totals.observed > 0) & (totals.untreated > 0)
    observed, untreated = np.where(known, totals.observed, 1.0), np.where(known, totals.untreated, 1.0)
    own = effects.reasons or ("",) * len(known)
    logarithm = replace(
        effects,
        estimate=np.where(known, np.log(observed / untreated), np.nan),
        influence=np.where(
            known, totals.observed_influence / observed - totals.untreated_influence / untreated, np.nan
        ),
        reasons=tuple(
            reason if (reason and reason != REFERENCE) or ok else NOTHING_COUNTED
            for reason, ok in zip(own, known, strict=True)
        ),
        overall=None,
    )
    table = inference_table(logarithm, level=level)
    for column in ("estimate", "conf_low", "conf_high"):
        table[column] = np.exp(table[column].to_numpy(float))
    return _with_totals(table, totals)


def _with_totals(table: pd.DataFrame, totals: Totals) -> pd.DataFrame:
    at = int(table.columns.get_indexer(pd.Index(["estimate"]))[0])
    table.insert(at, "observed", totals.size * totals.observed)
    table.insert(at + 1, "untreated", totals.size * totals.untreated)
    return table


def _totals(effects: Effects) -> Totals:
    totals = effects.totals if isinstance(effects, CountEffects) else None
    if totals is None:
        raise EvaltoolkitError(
            f"These effects ({effects.info.get('method', 'unknown method')}) carry no totals of a count. "
            'Estimate with method="extended_two_way", family="poisson".'
        )
    if totals.kind != effects.kind or len(totals.observed) != len(effects.estimate):
        raise EvaltoolkitError(
            f"The totals are of {totals.kind} effects, the estimates of kind {effects.kind}: aggregate with the method "
            ".aggregate() of the effects, which adds up both."
        )
    return totals


def _add_up(effects: CountEffects, to: Literal["overall", "event", "cohort", "calendar"]) -> Totals | None:
    """Sum the totals of the cells that an aggregate rests on."""
    if effects.totals is None:
        return None
    defined = np.isfinite(effects.estimate)
    totals = effects.totals
    chosen = np.where(aggregation_matrix(effects, to) != 0, totals.size, 0.0)[:, defined].T
    parts = (totals.observed, totals.untreated, totals.observed_influence, totals.untreated_influence)
    sums = [(part if defined.all() else part[..., defined]) @ chosen for part in parts]
    for one in sums:
        one[..., ~chosen.any(axis=0)] = np.nan
    return Totals(to, np.ones(chosen.shape[1]), sums[0], sums[1], sums[2], sums[3])
