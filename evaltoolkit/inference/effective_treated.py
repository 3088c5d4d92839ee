"""How many equal treated clusters stand behind each row of any effects."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.effects.treated import entering_units, equal_number, treated_behind
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.linear_fit import sum_by

By = Literal["weights", "influence"]


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
    codes = cluster_codes(effects.clusters, effects.units)
    if by == "weights":
        return effects.labels.reset_index(drop=True).assign(effective_treated=treated_behind(effects, codes).effective)
    treated = np.isfinite(effects.cohort) & ~np.isin(effects.cohort, effects.info.get("comparison_only_cohorts", ()))
    entering = treated[:, None] & entering_units(effects.influence)
    parts = sum_by(np.where(entering, effects.influence, 0.0), codes, int(codes.max()) + 1) ** 2
    return effects.labels.reset_index(drop=True).assign(effective_treated=equal_number(parts))
