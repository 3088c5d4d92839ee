"""The small-sample factor of R's fixest, as a choice: what a clustered variance is multiplied by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.two_way_fit import FixedEffects
from evaltoolkit.estimators.two_way_panel import Panel


def fixest_factor(panel: Panel, n_slopes: int, effects: FixedEffects) -> float:
    """Return G/(G-1) (N-1)/(N-K), the default of fixest 0.14 for a variance clustered by the design's clusters.

    N counts rows, G clusters; K the slopes (of treatment, covariates by period and controls), the period effects and
    the trends of units. Effects nested in clusters, as those of units are, do not count, or as one where all are. Rows
    that are alone in a unit or a period effect tell nothing and are not counted. Covariates that are collinear with
    others are taken for slopes.

    Parameters
    ----------
    panel : Panel
    n_slopes : slopes of treatment that are estimated
    effects : as in the regression

    Notes
    -----
    https://doi.org/10.32614/CRAN.package.fixest (``ssc``). NaN where there are as many coefficients as rows, or one
    cluster.
    """
    periods = panel.observed.shape[1]
    rows = _in_company(panel, effects)
    codes = cluster_codes(panel.design.clusters, panel.design.units)
    n, groups = int(rows.sum()), count_clusters(codes[rows.any(axis=1)])
    adjusted = (panel.baseline.shape[1] - 1) * (periods - 1) + panel.controls.shape[2]
    counted = {
        "unit_period": int(rows.any(axis=0).sum()),
        "unit_trends": int(rows.any(axis=0).sum() + rows.any(axis=1).sum()),
        "cluster_period": 1,
    }[effects]
    k = n_slopes + adjusted + counted
    if groups < 2 or n <= k:
        return float("nan")
    return float(groups / (groups - 1) * (n - 1) / (n - k))


def _in_company(panel: Panel, effects: FixedEffects) -> Mask:
    """(n, T) observed rows that are not alone in their unit or period effect, nor become so without others."""
    rows = panel.observed & (panel.weight > 0)
    place: npt.NDArray[np.intp] = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
    if effects == "cluster_period":
        codes = np.unique(panel.design.clusters, return_inverse=True)[1]
        place = codes[:, None] * rows.shape[1] + place
    while True:
        by_unit = rows.sum(axis=1, keepdims=True)
        by_period = np.bincount(place[rows], minlength=int(place.max()) + 1)[place]
        kept = rows & (by_unit > 1) & (by_period > 1)
        if (kept == rows).all():
            return np.asarray(rows)
        rows = kept
