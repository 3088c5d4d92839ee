"""Standard errors under random timing that use what earlier outcomes say about effects."""

from __future__ import annotations

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.cells import first_positions
from evaltoolkit.estimators.efficient import EfficientEffects
from evaltoolkit.findings import EvaltoolkitError


def sharper_errors(effects: Effects) -> Array:
    """Return the (k,) standard errors that use how far outcomes before the first start predict effects.

    NaN where a row has no standard error, or where the part taken off is all of it.

    The Neyman variance holds whatever effects are. Where effects differ between units in a way that earlier outcomes
    predict, it is too large by a part that can be estimated, and that is taken off here.

    Parameters
    ----------
    effects : Effects
        Of ``efficient``, aggregated or not, with every unit its own cluster.

    Raises
    ------
    EvaltoolkitError
        Other effects, or clusters above the unit.

    References
    ----------
    https://doi.org/10.1086/726581, section 3
    """
    if not isinstance(effects, EfficientEffects) or effects.levels is None or effects.levels.kind != effects.kind:
        raise EvaltoolkitError(
            'Sharper standard errors belong to effects of method="efficient", as estimated or as their .aggregate() '
            "returned them."
        )
    if count_clusters(cluster_codes(effects.clusters, effects.units)) < len(effects.units):
        raise EvaltoolkitError(
            "Sharper standard errors are known for units drawn one by one; these are drawn in clusters: use the "
            "standard errors of to_frame()."
        )
    conservative = np.diag(effects.covariance())
    gain = np.array([_predicted(effects, column) for column in np.asarray(effects.levels.influence).T])
    left = conservative - gain
    return np.asarray(np.sqrt(np.where(left > 0, left, np.nan)))


def _predicted(effects: EfficientEffects, influence: Array) -> float:
    """The part of the Neyman variance of one row that outcomes before its first start account for."""
    if effects.outcome is None or effects.times is None or not np.isfinite(influence).all():
        return np.nan
    starts = np.unique(effects.cohort)
    moved = [one for one in starts if np.abs(influence[effects.cohort == one]).max() > 0]
    if not moved:
        return 0.0
    first = int(first_positions(np.array([moved[0]]), effects.times)[0])
    n, slopes, spread = len(influence), np.zeros(first), []
    for start in starts[starts >= moved[0]]:
        rows = effects.cohort == start
        size = rows.sum()
        if size < 2:
            continue
        before = effects.outcome[rows, :first] - effects.outcome[rows, :first].mean(axis=0)
        # back from the scale of the influence to that of the outcome
        own = influence[rows] * size / n * np.sqrt((size - 1) / size)
        square = before.T @ before
        slopes = slopes + np.linalg.pinv(square, hermitian=True) @ (before.T @ own)
        spread.append(square / (size - 1))
    return float(slopes @ np.mean(spread, axis=0) @ slopes / n)
