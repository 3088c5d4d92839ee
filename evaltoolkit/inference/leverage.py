"""How unequal are the clusters: leverage, influence, and how many equal clusters they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.treated import equal_number
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.cluster_blocks import INVERSE, PLAIN, estimating_rows
from evaltoolkit.inference.linear_fit import LinearFit, sum_by

ABSORBED = "regressors sum to zero within clusters: shared shocks are absorbed by the fixed effects"


@dataclass(frozen=True)
class ClusterLeverage:
    """The clusters of a fit, one row each.

    Attributes
    ----------
    labels : (G,)
    names : k names of the slopes
    rows : (G,) number of rows
    leverage : (G,) trace of the cluster's block of the hat matrix, unit effects left out; sums to their number
    partial : (G, k) share in the variation of each regressor, free of everything else; sums to one
    estimate : (k,)
    without : (G, k) slopes without the cluster; NaN for a slope that some cluster alone determines
    """

    labels: npt.NDArray[np.str_]
    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    leverage: Array
    partial: Array
    estimate: Array
    without: Array

    def to_frame(self, name: str = "") -> pd.DataFrame:
        """``cluster, rows, leverage, partial_leverage, estimate_without, change`` for one slope, the first by default.

        Largest partial leverage first.
        """
        if name and name not in self.names:
            raise EvaltoolkitError(f'There is no slope "{name}". Known: {", ".join(self.names)}.')
        j = self.names.index(name) if name else 0
        table = pd.DataFrame(
            {
                "cluster": self.labels,
                "rows": self.rows,
                "leverage": self.leverage,
                "partial_leverage": self.partial[:, j],
                "estimate_without": self.without[:, j],
                "change": self.without[:, j] - self.estimate[j],
            }
        )
        return table.sort_values("partial_leverage", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class EffectiveClusters:
    """What the clusters are worth for each slope.

    Attributes
    ----------
    names : k names
    n_clusters : their number
    effective : (k,) number of equal clusters; NaN where undefined
    rho : correlation within clusters that was assumed
    reasons : (k,) why undefined; empty where defined
    """

    names: tuple[str, ...]
    n_clusters: int
    effective: Array
    rho: float
    reasons: tuple[str, ...]


def cluster_leverage(fit: LinearFit) -> ClusterLeverage:
    """Return leverage, partial leverage and the slopes without each cluster.

    Estimand: descriptions of the regressors and the sample; no population quantity.

    Assumption: none. A cluster with many times the average leverage, or partial leverage, makes cluster-robust
    variances unreliable whatever their number.

    Not when: a slope rests on one cluster alone: ``without`` is then NaN for it.

    References
    ----------
    MacKinnon, Nielsen and Webb (2023), https://doi.org/10.1177/1536867X231212433
    """
    groups = len(fit.labels)
    own = fit.weight[:, None] * fit.columns**2
    regressors = fit.columns @ fit.loading
    partial = sum_by(fit.weight[:, None] * regressors**2, fit.clusters, groups)
    dropped = estimating_rows(fit, INVERSE).rows * fit.residual[:, None]
    return ClusterLeverage(
        labels=fit.labels,
        names=fit.names,
        rows=np.bincount(fit.clusters, minlength=groups).astype(np.int64),
        leverage=sum_by(own, fit.clusters, groups).sum(axis=1),
        partial=partial / partial.sum(axis=0),
        estimate=fit.estimate,
        without=fit.estimate - sum_by(dropped, fit.clusters, groups),
    )


def effective_clusters(fit: LinearFit, *, rho: float = 0.0) -> EffectiveClusters:
    """Return the effective number of clusters behind each slope.

    Estimand: G* = G / (1 + Gamma), Gamma the squared coefficient of variation over clusters of their parts in the
    variance of the slope: (sum of the parts)^2 / sum of their squares.

    Assumption: equal variances, and the correlation ``rho`` between any two rows of a cluster. Data do not enter, only
    regressors, weights and the division into clusters.

    Not when: ``rho`` is one and every unit lies in one cluster, or clusters are periods: what a cluster shares is then
    absorbed (NaN with the reason).

    Parameters
    ----------
    fit : LinearFit
    rho : float
        Between 0 and 1.

    References
    ----------
    Carter, Schnepel and Steigerwald (2017), https://doi.org/10.1162/REST_a_00639
    """
    if not 0 <= rho <= 1:
        raise EvaltoolkitError(f"The correlation within clusters must lie between 0 and 1; got {rho}.")
    rows = estimating_rows(fit, PLAIN).rows
    groups = len(fit.labels)
    single = sum_by(rows**2, fit.clusters, groups)
    shared = sum_by(rows, fit.clusters, groups) ** 2
    # cluster totals that are only rounding
    shared = np.where(shared <= 1e-20 * single.sum(axis=0), 0.0, shared)
    parts = (1 - rho) * single + rho * shared
    effective = equal_number(parts)
    reasons = tuple("" if good else ABSORBED for good in np.isfinite(effective))
    return EffectiveClusters(fit.names, groups, effective, rho, reasons)
