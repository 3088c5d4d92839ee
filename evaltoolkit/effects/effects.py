"""The one result type of every estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Kind = Literal["group_time", "event", "cohort", "calendar", "overall", "coefficient"]


@dataclass(frozen=True)
class Effects:
    """Estimates with the influence of every unit.

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

    kind: Kind
    labels: pd.DataFrame
    estimate: Array
    influence: Array
    units: npt.NDArray[np.str_]
    cohort: Array
    weights: Array
    clusters: npt.NDArray[np.str_]
    reasons: tuple[str, ...] = ()
    overall: Effects | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def aggregate(self, to: Literal["overall", "event", "cohort", "calendar"]) -> Effects:
        """Aggregate group-time effects; see :func:`evaltoolkit.effects.aggregate.aggregate_effects`."""
        from evaltoolkit.effects.aggregate import aggregate_effects

        return aggregate_effects(self, to)

    def covariance(self) -> Array:
        """(k, k) covariance of the estimates, clustered where clusters are given."""
        from evaltoolkit.effects.inference import covariance

        return covariance(self)

    def to_frame(self, level: float = 0.95, band: Literal["pointwise", "simultaneous"] = "pointwise") -> pd.DataFrame:
        """Labels with ``estimate, std_error, conf_low, conf_high, p_value, reason``.

        Below ten treated or ten comparison clusters a row has no interval and no p-value; ``reason`` says so.
        """
        from evaltoolkit.effects.inference import inference_table

        return inference_table(self, level=level, band=band)

    def __str__(self) -> str:
        """Estimates and standard errors as text: no stars, no p-values."""
        from evaltoolkit.effects.inference import describe_effects

        return describe_effects(self)

    def __repr__(self) -> str:
        return str(self)
