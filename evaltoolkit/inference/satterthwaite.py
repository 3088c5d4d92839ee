"""Degrees of freedom of a cluster-robust variance under a working model."""

from __future__ import annotations

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.linear_fit import LinearFit, sum_by


def satterthwaite_df(fit: LinearFit, rows: Array) -> Array:
    """Return the (k,) degrees of freedom of the variances of slopes.

    Estimand: 2 E(V)^2 / Var(V) of a variance estimate V when errors are independent and normal with equal variances:
    a chi-square with as many degrees of freedom has V's first two moments.

    Assumption: the working model (equal variances, no correlation within clusters) need not hold for the variance, only
    roughly for its degrees of freedom.

    Parameters
    ----------
    fit : LinearFit
    rows : (N, k) estimating vectors, see :func:`evaltoolkit.inference.cluster_blocks.estimating_rows`; a factor on all
        of a slope's rows changes nothing

    Returns
    -------
    (k,) NaN where the rows are

    Notes
    -----
    With p_g the estimating vector of cluster g, free of the fit: (sum p_g'p_g)^2 / sum_gh (p_g'p_h)^2. The products
    are a sparse part (unit effects shared by clusters) plus one of rank 2r, so that no G x G matrix is written out.

    References
    ----------
    Bell and McCaffrey (2002); Pustejovsky and Tipton (2018), https://doi.org/10.1080/07350015.2016.1247004
    """
    spread = (fit.columns * fit.weight[:, None] ** 2).T @ fit.columns
    known = np.atleast_1d(np.isfinite(rows).all(axis=0))
    return np.array([_df(fit, a, spread) if good else np.nan for a, good in zip(rows.T, known, strict=True)])


def _df(fit: LinearFit, rows: Array, spread: Array) -> float:
    from scipy.sparse import csr_array, diags_array

    n, groups = len(rows), len(fit.labels)
    place = np.arange(n)
    own = csr_array((rows, (place, fit.clusters)), shape=(n, groups))
    member = csr_array((np.ones(n), (place, fit.unit)), shape=(n, fit.n_units))
    share = diags_array(1.0 / np.bincount(fit.unit, weights=fit.weight))
    # free of the unit effects, then of the other columns
    free = own - diags_array(fit.weight) @ (member @ (share @ (member.T @ own)))
    left = sum_by(fit.columns * rows[:, None], fit.clusters, groups)
    right = np.asarray(free.T @ (fit.weight[:, None] * fit.columns))
    factor = np.column_stack([left, right])
    eye = np.eye(left.shape[1])
    middle = np.block([[spread, -eye], [-eye, np.zeros_like(eye)]])
    products = (free.T @ free).tocsr()
    diagonal = products.diagonal() + np.einsum("gi,ij,gj->g", factor, middle, factor)
    gram = factor.T @ factor
    square = float((products.data**2).sum())
    square += 2.0 * float(np.sum(middle * (factor.T @ (products @ factor))))
    square += float(np.trace(middle @ gram @ middle @ gram))
    return float(diagonal.sum() ** 2 / square)
