"""Estimates with the influence of every unit: the data that aggregation and inference work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.effects.influence import Influence

Array = npt.NDArray[np.float64]
Kind = Literal["group_time", "event", "cohort", "calendar", "overall", "coefficient"]


@dataclass(frozen=True)
class Estimates:
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
        clustered, psi is summed by cluster first. Mean zero unless
        ``info["influence_centred"]`` is False. NaN where undefined. An array, or its parts
        (:class:`~evaltoolkit.effects.influence.PartedInfluence`), which behave like one.
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
    influence: Influence
    units: npt.NDArray[np.str_]
    cohort: Array
    weights: Array
    clusters: npt.NDArray[np.str_]
    reasons: tuple[str, ...] = ()
    overall: Self | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
