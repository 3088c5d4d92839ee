"""What bias-reduced variances weigh the residuals of a cluster with: one vector of N rows per slope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.linear_fit import LinearFit, sum_by

Indices = npt.NDArray[np.intp]

# an eigenvalue of one minus a cluster's leverage below this is a direction that only this cluster knows
_NULL = 1e-10
# what a slope may load on such a direction and still be known without the cluster
_LOADING = 1e-6
# a power of clusters' leverage; 0 leaves residuals as they are
PLAIN, SQUARE_ROOT, INVERSE = 0.0, -0.5, -1.0


class Estimating(NamedTuple):
    """Vectors (N, k) whose products with residuals, summed by cluster, are the scores; and the sole cluster (k,).

    ``sole`` numbers the cluster without which a slope is not determined; -1 where there is none.
    """

    rows: Array
    sole: Indices


def estimating_rows(fit: LinearFit, power: float) -> Estimating:
    """Return the estimating vectors with the leverage of each cluster raised to a power.

    Parameters
    ----------
    fit : LinearFit
    power : {0, -1/2, -1}
        ``PLAIN`` (CR0, CR1), ``SQUARE_ROOT`` (CR2: unbiased where errors are independent with equal variances and
        weights the same within a unit) or ``INVERSE`` (CR3: what leaving the cluster out gives).

    Returns
    -------
    Estimating
        ``rows`` is NaN for a slope that one cluster alone determines, unless ``power`` is 0.

    Notes
    -----
    Where every unit lies in one cluster, and for CR2 the weights are equal, the work is with r x r matrices (r period
    effects and regressors); otherwise with blocks as large as the clusters.

    References
    ----------
    Bell and McCaffrey (2002); Pustejovsky and Tipton (2018), https://doi.org/10.1080/07350015.2016.1247004;
    MacKinnon, Nielsen and Webb (2023), https://doi.org/10.1002/jae.2969
    """
    if power == PLAIN:
        rows = fit.weight[:, None] * (fit.columns @ fit.loading)
        return Estimating(rows, np.full(len(fit.estimate), -1, dtype=np.intp))
    loading = np.nan_to_num(fit.loading)
    if nested(fit) and (power == INVERSE or np.ptp(fit.weight) <= 1e-12 * fit.weight.max()):
        found = _reduced(fit, loading, power)
    else:
        found = _blocks(fit, loading, power)
    unknown = np.isnan(fit.loading[0]) | (found.sole >= 0)
    return Estimating(np.where(unknown, np.nan, found.rows), found.sole)


def nested(fit: LinearFit) -> bool:
    """Whether every unit lies in one cluster."""
    return len(np.unique(fit.unit * len(fit.labels) + fit.clusters)) == fit.n_units


def cluster_products(fit: LinearFit) -> Array:
    """Return (G, r, r) products of the orthonormal columns by cluster; they sum to the identity."""
    return np.stack([fit.columns[rows].T @ (fit.weight[rows, None] * fit.columns[rows]) for rows in members(fit)])


def members(fit: LinearFit) -> Iterator[Indices]:
    """Yield the rows of every cluster."""
    order = np.argsort(fit.clusters, kind="stable").astype(np.intp)
    yield from np.split(order, np.flatnonzero(np.diff(fit.clusters[order])) + 1)


def _reduced(fit: LinearFit, loading: Array, power: float) -> Estimating:
    """With W-orthonormal columns Z, a cluster's leverage acts on Z alone: (I - H)^p W Z = W Z (I - Z'WZ)^p."""
    values, vectors = np.linalg.eigh(np.eye(fit.columns.shape[1]) - cluster_products(fit))
    turned = np.einsum("gij,ik->gjk", vectors, loading)
    null = values < _NULL
    sole = _sole(np.where(null[:, :, None], turned, 0.0), loading)
    powers = np.where(null, 0.0, np.where(null, 1.0, values) ** power)
    mixed = np.einsum("gij,gj,gjk->gik", vectors, powers, turned)
    rows = np.empty((len(fit.residual), loading.shape[1]))
    for g, mine in enumerate(members(fit)):
        rows[mine] = fit.weight[mine, None] * (fit.columns[mine] @ mixed[g])
    return Estimating(rows, sole)


def _blocks(fit: LinearFit, loading: Array, power: float) -> Estimating:
    """The same with the block of every cluster written out."""
    total = np.bincount(fit.unit, weights=fit.weight)
    squares = np.bincount(fit.unit, weights=fit.weight**2) / total**2
    # what the unit effects and the other columns share when weights differ within a unit
    shared = sum_by(fit.columns * fit.weight[:, None] ** 2, fit.unit, len(total)) / total[:, None]
    spread = (fit.columns * fit.weight[:, None] ** 2).T @ fit.columns
    rows = np.empty((len(fit.residual), loading.shape[1]))
    open_parts = np.zeros((len(fit.labels), 1, loading.shape[1]))
    for g, mine in enumerate(members(fit)):
        columns, weight, unit = fit.columns[mine], fit.weight[mine], fit.unit[mine]
        same = unit[:, None] == unit
        hat = columns @ columns.T * weight + same * (weight / total[unit])
        root = np.sqrt(weight)
        scaled = root[:, None] * columns @ loading
        values, vectors = np.linalg.eigh(np.eye(len(mine)) - root[:, None] * hat / root)
        null = values < _NULL
        open_parts[g, 0] = np.linalg.norm(vectors[:, null].T @ scaled, axis=0)
        if power == INVERSE:
            rows[mine] = root[:, None] * _powered(values, vectors, power, scaled)
            continue
        cross = columns @ shared[unit].T
        both = same * squares[unit] + cross + cross.T + columns @ spread @ columns.T
        values, vectors = np.linalg.eigh(np.eye(len(mine)) - hat - hat.T + both)
        rows[mine] = _powered(values, vectors, power, root[:, None] * scaled)
    return Estimating(rows, _sole(open_parts, loading))


def _powered(values: Array, vectors: Array, power: float, on: Array) -> Array:
    null = values < _NULL
    powers = np.where(null, 0.0, np.where(null, 1.0, values) ** power)
    return np.asarray(vectors @ (powers[:, None] * (vectors.T @ on)))


def _sole(open_parts: Array, loading: Array) -> Indices:
    """(k,) the cluster on whose own directions (G, r, k) a slope loads most; -1 where none does."""
    size = np.linalg.norm(open_parts, axis=1)
    worst = size.argmax(axis=0)
    rests = size.max(axis=0) > _LOADING * np.linalg.norm(loading, axis=0)
    return np.where(rests, worst, -1).astype(np.intp)
