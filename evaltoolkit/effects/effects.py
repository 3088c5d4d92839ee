"""The one result type of every estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, cast

import pandas as pd

from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.estimates import Array, Estimates, Kind
from evaltoolkit.effects.inference import covariance, describe_effects, inference_table

__all__ = ["Array", "Effects", "Kind"]


@dataclass(frozen=True, repr=False)
class Effects(Estimates):
    """Estimates with the influence of every unit, and what can be asked of them.

    The attributes are those of :class:`~evaltoolkit.effects.estimates.Estimates`.
    """

    def aggregate(self, to: Literal["overall", "event", "cohort", "calendar"]) -> Self:
        """Aggregate group-time effects; see :func:`evaltoolkit.effects.aggregate.aggregate_effects`.

        Effects by event time, as some methods give them, are their own event study and bring their own overall effect.
        """
        # what was aggregated before counts its left-out rows, and has an overall effect of another kind
        if self.kind == "event" and "left_out" not in self.info:
            if to == "event":
                return self
            if to == "overall" and self.overall is not None:
                return cast(Self, self.overall)
        return aggregate_effects(self, to)

    def covariance(self) -> Array:
        """(k, k) covariance of the estimates, clustered where clusters are given."""
        return covariance(self)

    def to_frame(self, level: float = 0.95, band: Literal["pointwise", "simultaneous"] = "pointwise") -> pd.DataFrame:
        """Labels with ``estimate, std_error, conf_low, conf_high, p_value, reason``.

        Below ten treated or ten comparison clusters, ten that weigh the same, or five per treated cohort a row has no
        interval and no p-value; ``reason`` says so.
        """
        return inference_table(self, level=level, band=band)

    def __str__(self) -> str:
        """Estimates and standard errors as text: no stars, no p-values."""
        return describe_effects(self)

    def __repr__(self) -> str:
        return str(self)
