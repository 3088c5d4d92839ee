"""What is put to every engine: one method on one design, with the toolkit's answer and the rows of the panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.features import Feature, list_features
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.cells import Mask, first_positions
from evaltoolkit.estimators.registry import estimate


@dataclass(frozen=True)
class Question:
    """One method on one design.

    Engines count periods and cohorts as 1 to T, so that no engine sees dates, and the panel is that of the units that
    the toolkit used.

    Attributes
    ----------
    design : the design, with the units that entered
    method : name of the estimator
    options : the options it ran with; those left out had their defaults
    effects : what the toolkit found
    """

    design: Design
    method: str
    options: Mapping[str, Any]
    effects: Effects

    @cached_property
    def features(self) -> frozenset[Feature]:
        """What the design has that not every engine can use."""
        return list_features(self.design)

    @cached_property
    def first(self) -> Array:
        """(n,) number of the first treated period, 1 to T; 0 for units that the panel never finds treated."""
        position = first_positions(self.design.cohort, self.design.times)
        return np.where(position >= len(self.design.times), 0, position + 1).astype(float)

    @cached_property
    def observed(self) -> Mask:
        """(n, T) whether outcome, controls and treatment are known."""
        design = self.design
        known = np.isfinite(design.outcome)
        if design.controls is not None:
            known = known & np.isfinite(design.controls).all(axis=2)
        if design.treatment is not None:
            known = known & np.isfinite(design.treatment)
        return np.asarray(known)

    @cached_property
    def clustered(self) -> bool:
        """Whether clusters hold more than one unit."""
        return len(np.unique(self.design.clusters)) < len(self.design.units)

    @cached_property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(np.unique(self.design.clusters))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per observed unit and period.

        Columns ``unit, period, first, treated, cluster, weight, y``, covariates ``x0, x1, ...``, controls ``z0, ...``,
        and ``exposure`` and ``dose`` where the design has them.
        """
        design = self.design
        unit, period = np.nonzero(self.observed)
        first = self.first[unit].astype(int)
        lasting = (first > 0) & (period + 1 >= first)
        columns: dict[str, Any] = {
            "unit": unit,
            "period": period + 1,
            "first": first,
            "treated": lasting.astype(float) if design.treatment is None else design.treatment[unit, period],
            "cluster": np.unique(design.clusters, return_inverse=True)[1][unit],
            "weight": design.weights[unit],
            "y": design.outcome[unit, period],
        }
        columns |= {f"x{j}": column[unit] for j, column in enumerate(design.covariates.T)}
        if design.controls is not None:
            columns |= {f"z{j}": design.controls[unit, period, j] for j in range(design.controls.shape[2])}
        if design.exposure is not None:
            columns["exposure"] = design.exposure[unit, period]
        if design.dose is not None:
            columns["dose"] = design.dose[unit]
        return pd.DataFrame(columns)

    @property
    def covariates(self) -> list[str]:
        """Names of the covariates' columns."""
        return [f"x{j}" for j in range(self.design.covariates.shape[1])]

    @property
    def controls(self) -> list[str]:
        """Names of the controls' columns."""
        return [] if self.design.controls is None else [f"z{j}" for j in range(self.design.controls.shape[2])]

    def option(self, name: str) -> Any:
        """Return the value of an option, given or default, as the result states it."""
        return self.options.get(name, self.effects.info.get(name))

    def again(self, **options: Any) -> Effects:
        """Estimate once more with other options."""
        return estimate(self.design, self.method, **{**self.options, **options})


def ask(design: Design, method: str, options: Mapping[str, Any]) -> Question:
    """Estimate, and return what is put to the engines.

    Raises
    ------
    EvaltoolkitError
        The method refuses the design.
    """
    effects = estimate(design, method, **options)
    kept = keep_units(design, np.isin(design.units, effects.units))
    return Question(kept, method, dict(options), effects)


def aggregate(effects: Effects, to: Literal["overall", "event"]) -> Effects:
    """Aggregate with event time counted in periods, as engines do."""
    if effects.kind == "event":
        return effects.aggregate(to)
    return aggregate_effects(replace(effects, info={**effects.info, "event_clock": "periods"}), to)
