"""The one result type of every estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import pandas as pd

from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.estimates import Array, Estimates, Kind
from evaltoolkit.effects.inference import covariance, describe_effects, inference_table

__all__ = ["Array", "Effects", "Kind"]


@dataclass(frozen=True, repr=False)
class Effects(Estimates):
    """Estimates with the influence of every unit, and what can be asked of them.

    Attributes
    ----------
    kind : what the rows are
    labels : DataFrame, k rows
        ``group_time``: ``cohort, time``; ``event``: ``event_time``; ``cohort``: ``cohort``; ``calendar``: ``time``;
        ``overall``: none; ``coefficient``: ``name``. Always also ``n_treated`` and ``n_comparison``: the numbers of
        treated and of comparison *clusters* that the row rests on.
    estimate : (k,) NaN where undefined
    influence : (n, k) influence function psi, one row per unit: the standard error is sqrt(mean(psi^2) / n);
        clustered, psi is summed by cluster first. Mean zero. NaN where undefined.
    units : (n,) codes that tie the rows of ``influence`` to units
    cohort : (n,) first treated time, ``inf`` = never
    weights : (n,) mean 1
    clusters : (n,) labels
    reasons : (k,) why a row is undefined; empty where defined
    overall : the summary that belongs to an event, cohort or calendar aggregation (itself an ``overall``), or None
    info : estimand, method, citation, SE convention, seed, settings
    """

    def aggregate(self, to: Literal["overall", "event", "cohort", "calendar"]) -> Self:
        """Aggregate group-time effects; see :func:`evaltoolkit.effects.aggregate.aggregate_effects`."""
        return aggregate_effects(self, to)

    def covariance(self) -> Array:
        """(k, k) covariance of the estimates, clustered where clusters are given."""
        return covariance(self)

    def to_frame(self, level: float = 0.95, band: Literal["pointwise", "simultaneous"] = "pointwise") -> pd.DataFrame:
        """Labels with ``estimate, std_error, conf_low, conf_high, p_value, reason``.

        Below ten treated or ten comparison clusters a row has no interval and no p-value; ``reason`` says so.
        """
        return inference_table(self, level=level, band=band)

    def __str__(self) -> str:
        """Estimates and standard errors as text: no stars, no p-values."""
        return describe_effects(self)

    def __repr__(self) -> str:
        return str(self)
