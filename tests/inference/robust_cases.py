"""Regressions with every dummy written out, and their sandwich variances by the books: slow and independent."""

from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """Rows of a panel with gaps: outcome, regressors (N, k), labels, weights."""

    y: np.ndarray
    x: np.ndarray
    unit: np.ndarray
    period: np.ndarray
    weights: np.ndarray
    clusters: np.ndarray

    @property
    def arguments(self):
        return (self.y, self.x, self.unit, self.period)


def make_case(seed=3, *, n=24, periods=5, groups=6, weights="rows", clusters="nested", gaps=0.15):
    """Weights differ by row, by unit or not at all; clusters hold whole units, or cut across them."""
    rng = np.random.default_rng(seed)
    unit, period = np.divmod(np.flatnonzero(rng.random(n * periods) >= gaps), periods)
    start = rng.choice([2, 3, 99], size=n)
    treated = (period >= start[unit]).astype(float)
    other = rng.normal(size=len(unit)) + 0.3 * period
    weight = {
        "rows": rng.uniform(0.5, 2.0, len(unit)),
        "units": rng.uniform(0.5, 2.0, n)[unit],
        "none": np.full(len(unit), 2.0),
    }[weights]
    zone = rng.permutation(n) % groups
    cluster = {
        "nested": zone[unit],
        "units": unit,
        "periods": period,
        "rows": np.arange(len(unit)),
        "mixed": (zone[unit] + (period > 2)) % groups,
    }
    y = 2.0 * treated + 0.5 * other + rng.normal(size=n)[unit] + 0.1 * period + rng.normal(size=len(unit))
    return Case(y, np.column_stack([treated, other]), unit, period, weight, cluster[clusters])


def dummies(labels):
    return (np.asarray(labels)[:, None] == np.unique(labels)).astype(float)


def design_matrix(case):
    return np.column_stack([case.x, dummies(case.unit), dummies(case.period)])


def power(matrix, exponent):
    """Power of a positive semidefinite matrix on its range."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    good = values > 1e-9
    return (vectors[:, good] * values[good] ** exponent) @ vectors[:, good].T


def by_the_books(case, kind):
    """Variances (k,) and Satterthwaite degrees of freedom (k,) from the N x N hat matrix."""
    x, w = design_matrix(case), case.weights
    bread = np.linalg.pinv((x * w[:, None]).T @ x, rcond=1e-11)
    hat = x @ bread @ (x * w[:, None]).T
    maker = np.eye(len(w)) - hat
    residual = maker @ case.y
    vectors = []
    for label in np.unique(case.clusters):
        mine = case.clusters == label
        block = maker[np.ix_(mine, mine)]
        if kind == "CR2":
            adjust = power(maker[mine] @ maker[mine].T, -0.5)
        elif kind == "CR3":
            root = np.sqrt(w[mine])
            adjust = power(root[:, None] * block / root, -1.0) * root / root[:, None]
        else:
            adjust = np.eye(mine.sum())
        vectors.append((mine, adjust.T @ (x * w[:, None])[mine] @ bread[:, : case.x.shape[1]]))
    scores = np.array([a.T @ residual[mine] for mine, a in vectors])
    variance, df = (scores**2).sum(axis=0), []
    for j in range(case.x.shape[1]):
        free = np.array([maker[mine].T @ a[:, j] for mine, a in vectors])
        products = free @ free.T
        df.append(np.trace(products) ** 2 / (products**2).sum())
    return variance, np.array(df)


def slopes(case, kept):
    """Weighted least squares on some rows, (k,)."""
    root = np.sqrt(case.weights[kept])
    x = design_matrix(case)[kept]
    return np.linalg.lstsq(x * root[:, None], case.y[kept] * root, rcond=None)[0][: case.x.shape[1]]
