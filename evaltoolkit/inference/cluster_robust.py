"""Cluster-robust variances of least squares that stay honest with few or unequal clusters: CR0 to CR3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.cluster_blocks import INVERSE, PLAIN, SQUARE_ROOT, estimating_rows
from evaltoolkit.inference.linear_fit import LinearFit, recluster, sum_by
from evaltoolkit.inference.satterthwaite import satterthwaite_df
from evaltoolkit.inference.student import student_table

Kind = Literal["CR0", "CR1", "CR1S", "CR2", "CR3"]
Count = Literal["all", "slopes"]

NOT_DETERMINED = "not determined by the rows"
ONE_CLUSTER = "one cluster: no variance between clusters"
SOLE = 'rests on cluster "{}" alone'
NOT_POSITIVE = "the variance is not positive"
_POWERS = {"CR0": PLAIN, "CR1": PLAIN, "CR1S": PLAIN, "CR2": SQUARE_ROOT, "CR3": INVERSE}


@dataclass(frozen=True)
class ClusterVariance:
    """Slopes with a cluster-robust variance.

    Attributes
    ----------
    kind : CR0, CR1, CR1S, CR2 or CR3; for two-way clustering with "two-way" before it
    names, estimate : (k,) of the slopes
    covariance : (k, k)
    df : (k,) degrees of freedom of the t distribution to compare with
    df_rule : how they were found
    n_clusters : number of clusters; the smaller of two for two-way clustering
    reasons : (k,) why there is no standard error; empty where there is one
    repaired : whether negative eigenvalues of a two-way covariance were set to zero
    """

    kind: str
    names: tuple[str, ...]
    estimate: Array
    covariance: Array
    df: Array
    df_rule: str
    n_clusters: int
    reasons: tuple[str, ...]
    repaired: bool = False

    @property
    def std_error(self) -> Array:
        """(k,) standard errors; NaN where undefined."""
        defined = np.array([reason == "" for reason in self.reasons], dtype=bool)
        return np.sqrt(np.where(defined, np.diag(self.covariance), np.nan))

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """``name, estimate, std_error, df, conf_low, conf_high, p_value, reliable, reason`` per slope.

        ``reliable`` is False below four degrees of freedom, where the t distribution is a poor approximation.
        """
        labels = pd.DataFrame({"name": self.names})
        return student_table(labels, self.estimate, self.std_error, self.df, self.reasons, level=level)


def cluster_variance(fit: LinearFit, kind: Kind = "CR2", *, count: Count = "all") -> ClusterVariance:
    """Return the cluster-robust variance of the slopes of a fit.

    Estimand: the sampling variance of weighted least squares slopes with unit and period effects held fixed.

    Assumption: errors of different clusters are independent; within a cluster anything. CR2 is unbiased, whatever the
    number of clusters, when errors are independent with equal variances (the working model), also under weights that
    differ between units; where weights differ within a unit, nearly.

    Not when: one cluster alone carries the treatment (refused with a reason, except by CR0 and CR1, whose numbers are
    then meaningless); ``reliable`` is False: randomisation inference or a wild bootstrap answers instead.

    Parameters
    ----------
    fit : LinearFit
        See :func:`evaltoolkit.inference.linear_fit.fit_linear` and ``fit_design``.
    kind : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
        CR0: no factor. CR1: G/(G-1). CR1S: G/(G-1) (N-1)/(N-K). CR2: residuals of a cluster times the inverse root of
        one minus its leverage. CR3: the sum of squared changes when each cluster is left out, without (G-1)/G.
    count : {"all", "slopes"}
        What K counts, for CR1S: all parameters, or those besides the unit effects.

    Returns
    -------
    ClusterVariance
        Degrees of freedom of Satterthwaite (Bell and McCaffrey) for every kind.

    Raises
    ------
    EvaltoolkitError
        Unknown kind.

    References
    ----------
    Cameron and Miller (2015), https://doi.org/10.3368/jhr.50.2.317; Pustejovsky and Tipton (2018),
    https://doi.org/10.1080/07350015.2016.1247004; MacKinnon, Nielsen and Webb (2023), https://doi.org/10.1002/jae.2969
    """
    _check_kind(kind)
    found = estimating_rows(fit, _POWERS[kind])
    groups = len(fit.labels)
    scores = sum_by(found.rows * fit.residual[:, None], fit.clusters, groups)
    covariance = scores.T @ scores * _factor(fit, kind, count)
    reasons = _reasons(fit, found.sole, covariance)
    return ClusterVariance(
        kind=kind,
        names=fit.names,
        estimate=fit.estimate,
        covariance=np.where(groups > 1, covariance, np.nan),
        df=satterthwaite_df(fit, found.rows) if groups > 1 else np.full(len(reasons), np.nan),
        df_rule="satterthwaite",
        n_clusters=groups,
        reasons=reasons,
    )


def two_way_variance(
    fit: LinearFit, first: npt.ArrayLike, second: npt.ArrayLike, *, kind: Literal["CR0", "CR1", "CR1S"] = "CR1S"
) -> ClusterVariance:
    """Return the variance of slopes clustered in two ways that cut across each other, such as zone and year.

    Estimand: the sampling variance when rows that share either cluster may be correlated: V(first) + V(second) -
    V(both), each with its own G/(G-1).

    Assumption: rows that share neither cluster are independent; both numbers of clusters are large.

    Not when: either way has few clusters (ten years are few): the sum may then even be negative.

    Parameters
    ----------
    fit : LinearFit
    first, second : (N,) labels
    kind : {"CR0", "CR1", "CR1S"}

    Returns
    -------
    ClusterVariance
        Negative eigenvalues of the sum are set to zero (``repaired``); a slope whose own variance is not positive
        before the repair has none. ``df``: the smaller number of clusters less one.

    References
    ----------
    Cameron, Gelbach and Miller (2011), https://doi.org/10.1198/jbes.2010.07136
    """
    _check_kind(kind, ("CR0", "CR1", "CR1S"))
    ways = [recluster(fit, labels) for labels in (first, second)]
    pairs = recluster(fit, ways[0].clusters * len(ways[1].labels) + ways[1].clusters)
    parts = [cluster_variance(one, kind) for one in (*ways, pairs)]
    total = parts[0].covariance + parts[1].covariance - parts[2].covariance
    own = [reason or other for reason, other in zip(parts[0].reasons, parts[1].reasons, strict=True)]
    reasons = [
        one or ("" if value > 0 else NOT_POSITIVE) for one, value in zip(own, np.diag(total).tolist(), strict=True)
    ]
    covariance, repaired = repair(total)
    smaller = min(len(one.labels) for one in ways)
    return ClusterVariance(
        kind=f"two-way {kind}",
        names=fit.names,
        estimate=fit.estimate,
        covariance=covariance,
        df=np.where([reason == "" for reason in reasons], smaller - 1.0, np.nan),
        df_rule="smaller number of clusters less one",
        n_clusters=smaller,
        reasons=tuple(reasons),
        repaired=repaired,
    )


def repair(matrix: Array) -> tuple[Array, bool]:
    """Set negative eigenvalues of a symmetric matrix to zero; rows that are NaN are left out. Also say whether."""
    known = np.isfinite(np.diag(matrix))
    inner = matrix[np.ix_(known, known)]
    if not inner.size:
        return matrix, False
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    # rounding of an eigenvalue that is zero is no fault of the matrix
    if values[0] >= -1e-12 * max(values[-1], 0.0):
        return matrix, False
    out = matrix.copy()
    out[np.ix_(known, known)] = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return out, True


def _check_kind(kind: str, known: tuple[str, ...] = get_args(Kind)) -> None:
    if kind not in known:
        raise EvaltoolkitError(f'There is no kind "{kind}" here. Known: {", ".join(known)}.{nearest(kind, known)}')


def _factor(fit: LinearFit, kind: Kind, count: Count) -> float:
    groups, rows = len(fit.labels), len(fit.residual)
    if kind in ("CR0", "CR2", "CR3") or groups < 2:
        return 1.0
    parameters = fit.n_parameters if count == "all" else fit.columns.shape[1]
    few = groups / (groups - 1)
    return few if kind == "CR1" else few * (rows - 1) / (rows - parameters)


def _reasons(fit: LinearFit, sole: npt.NDArray[np.intp], covariance: Array) -> tuple[str, ...]:
    out = []
    for j, variance in enumerate(np.diag(covariance).tolist()):
        if np.isnan(fit.estimate[j]):
            out.append(NOT_DETERMINED)
        elif len(fit.labels) < 2:
            out.append(ONE_CLUSTER)
        elif sole[j] >= 0:
            out.append(SOLE.format(fit.labels[sole[j]]))
        else:
            # a fit without residuals leaves rounding
            out.append("" if variance > (1e-14 * fit.estimate[j]) ** 2 else NOT_POSITIVE)
    return tuple(out)
