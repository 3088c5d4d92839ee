"""The design: who is treated from when, compared with whom, on which outcome. Arrays and labels only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.quick import all_finite

Array = npt.NDArray[np.float64]
Comparison = Literal["never_treated", "not_yet_treated"]

NEVER = np.inf


@dataclass(frozen=True)
class Design:
    """A difference-in-differences design over n units and T periods.

    Attributes
    ----------
    units : (n,) text codes, all different
    times : (T,) strictly increasing, in years (or the user's own time unit)
    outcome : (n, T) or (n, T, R); NaN where not observed. R stacked outcomes share the design.
    cohort : (n,) first treated time (one of ``times``, or later than the last); ``inf`` = never treated.
        Unknown treatment is not in a design: such units are listed in ``excluded``.
    covariates : (n, k) baseline covariates, without the constant; NaN-free
    covariate_names : k names
    weights : (n,) sampling or population weights, mean 1
    clusters : (n,) labels of the level at which treatment was decided or shocks are shared; the unit by default
    comparison : who compares
    anticipation : number of periods before treatment in which it may already act
    excluded : columns ``unit, reason`` (reason is a message id such as ``excluded.unknown_treatment``)
    sampling_se : (n, T) sampling standard errors of a survey outcome, or None; ``info["sampling_from"]`` says
        ``respondents`` where they follow from shares and numbers of respondents
    exposure : (n, T) what a count is counted in (inhabitants, pupils), positive where the outcome is observed, or None
    controls : (n, T, p) covariates that change over time and that treatment does not move, or None
    control_names : p names
    treatment : (n, T) treatment as it was in every period, for actions that stop and restart, or None: treated from
        ``cohort`` on. ``cohort`` is then the first period of treatment.
    dose : (n,) how much of the action a treated unit got, NaN-free, 0 for untreated units, or None
    """

    units: npt.NDArray[np.str_]
    times: Array
    outcome: Array
    cohort: Array
    covariates: Array
    covariate_names: tuple[str, ...]
    weights: Array
    clusters: npt.NDArray[np.str_]
    comparison: Comparison = "never_treated"
    anticipation: int = 0
    outcome_name: str = "outcome"
    excluded: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["unit", "reason"]))
    sampling_se: Array | None = None
    exposure: Array | None = None
    controls: Array | None = None
    control_names: tuple[str, ...] = ()
    treatment: Array | None = None
    dose: Array | None = None
    info: Mapping[str, str | int | float] = field(default_factory=dict)

    @cached_property
    def complete(self) -> bool:
        """Whether every outcome is observed; looked up once."""
        return all_finite(self.outcome)

    @property
    def treated(self) -> npt.NDArray[np.bool_]:
        """(n,) whether a unit is treated within the panel."""
        return np.asarray(self.cohort <= self.times[-1])

    @property
    def cohorts(self) -> Array:
        """First treated times that occur within the panel, increasing."""
        return np.unique(self.cohort[self.treated])
