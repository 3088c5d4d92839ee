"""How many equal treated clusters stand behind each row of any effects."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.effects.influence import Influence, PartedInfluence
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.leverage import equal_number
from evaltoolkit.inference.linear_fit import sum_by

By = Literal["weights", "influence"]

# months are twelfths: the same distance must be the same number
_CLOCK_DIGITS = 6


def effective_treated(effects: Effects, *, by: By = "weights") -> pd.DataFrame:
    """Return the effective number of treated clusters behind each row.

    Estimand: (sum w_g)^2 / sum w_g^2 over treated clusters g; their number where they enter alike, near one where one
    of them decides.

    ``by="weights"``: w_g is the weight with which the cluster's treated units enter the row: their weight times the
    number of periods in which their effect is averaged (one for ``group_time``, ``event`` and ``calendar`` rows, all
    from treatment on otherwise). Known before any outcome is seen. ``by="influence"``: w_g is the square of the
    cluster's influence, its part in the estimated variance. That is what happened in these data, noise included:
    equal clusters with normal noise show about a third of their number.

    Assumption: none; descriptive. Treated units whose influence on a row is exactly zero do not count, nor do cohorts
    that only compare.

    Not when: treatment stops and restarts (``cohort`` is then only its first period).

    Parameters
    ----------
    effects : Effects
        Of any method and kind.
    by : {"weights", "influence"}

    Returns
    -------
    DataFrame
        Labels with ``effective_treated``; NaN where no treated cluster enters (reference periods, undefined rows).

    References
    ----------
    Carter, Schnepel and Steigerwald (2017), https://doi.org/10.1162/REST_a_00639, for the measure
    """
    if by not in get_args(By):
        known = get_args(By)
        raise EvaltoolkitError(f'The weights cannot be taken by "{by}". Known: {", ".join(known)}.{nearest(by, known)}')
    treated = np.isfinite(effects.cohort) & ~np.isin(effects.cohort, effects.info.get("comparison_only_cohorts", ()))
    entering = treated[:, None] & _entering(effects.influence)
    codes = cluster_codes(effects.clusters, effects.units)
    groups = int(codes.max()) + 1
    if by == "influence":
        parts = sum_by(np.where(entering, effects.influence, 0.0), codes, groups) ** 2
    else:
        parts = sum_by(np.where(entering, effects.weights[:, None] * _periods(effects), 0.0), codes, groups)
    return effects.labels.reset_index(drop=True).assign(effective_treated=equal_number(parts))


def _entering(influence: Influence) -> npt.NDArray[np.bool_]:
    """(n, k) units that an estimate depends on."""
    if isinstance(influence, PartedInfluence):
        slopes = influence.slopes
        known = np.isfinite(slopes).all(axis=(0, 1)) & (slopes != 0).any(axis=1)
        return np.asarray(known[influence.group])
    return np.asarray(np.isfinite(influence) & (influence != 0))


def _periods(effects: Effects) -> Array:
    """(n, k) number of periods in which a unit's effect is averaged into a row."""
    labels, cohort = effects.labels, effects.cohort
    times = np.array(effects.info.get("times", np.unique(cohort[np.isfinite(cohort)])), dtype=float)
    if "cohort" in labels and "time" in labels:
        return np.asarray(cohort[:, None] == labels["cohort"].to_numpy(float), dtype=float)
    after = (times[None, :] >= cohort[:, None]).sum(axis=1).astype(float)[:, None]
    if "cohort" in labels:
        return np.asarray(after * (cohort[:, None] == labels["cohort"].to_numpy(float)))
    if "event_time" in labels:
        since = _since(effects, times)
        return np.stack([(since == time).any(axis=1) for time in labels["event_time"].to_numpy(float)], axis=1).astype(
            float
        )
    if "time" in labels:
        return np.asarray(cohort[:, None] <= labels["time"].to_numpy(float), dtype=float)
    return np.asarray(after * np.ones(len(labels)))


def _since(effects: Effects, times: Array) -> Array:
    """(n, T) time since treatment, in the unit of ``times`` or in periods."""
    cohort = np.where(np.isfinite(effects.cohort), effects.cohort, np.nan)[:, None]
    if effects.info.get("event_clock", "time") == "periods":
        first = np.where(np.isnan(cohort), np.nan, np.searchsorted(times, np.nan_to_num(cohort)))
        return np.asarray(np.arange(len(times)) - first)
    return np.asarray(np.round(times - cohort, _CLOCK_DIGITS) + 0.0)
