"""Event studies for the tests of sensitivity, and the tests of its parts by linear programmes."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import linprog

ENTRIES = json.loads((Path(__file__).parents[1] / "golden/r/expected_honest.json").read_text(encoding="utf-8"))[
    "entries"
]


class Study(NamedTuple):
    beta: np.ndarray
    sigma: np.ndarray
    n_pre: int
    n_post: int


def golden_study(name="honest_did_x_first_original"):
    extra = next(one["extra"] for one in ENTRIES if one["id"] == name)
    size = len(extra["betahat"])
    return Study(
        np.array(extra["betahat"]),
        np.reshape(extra["sigma"], (size, size)),
        extra["numPrePeriods"],
        extra["numPostPeriods"],
    )


def random_study(seed, n_pre=3, n_post=3):
    rng = np.random.default_rng(seed)
    size = n_pre + n_post
    root = rng.normal(size=(size, 2 * size)) / np.sqrt(2 * size)
    beta = rng.normal(size=size) + np.where(np.arange(size) < n_pre, 0.0, 2.0)
    return Study(beta, root @ root.T, n_pre, n_post)


class Programme:
    """The conditional test of one piece by linear programmes only: no vertices are listed."""

    def __init__(self, study, piece, weights):
        touched = (piece.matrix[:, study.n_pre :] != 0).any(axis=1)
        self.matrix, self.bound = piece.matrix[touched], piece.bound[touched]
        self.study, self.weights = study, np.asarray(weights, dtype=float)
        self.cross = self.matrix @ study.sigma @ self.matrix.T
        self.errors = np.sqrt(np.diag(self.cross))
        after = self.matrix[:, study.n_pre :]
        # effects after treatment: one direction is the parameter, the others are free
        self.along = after @ self.weights / (self.weights @ self.weights)
        self.free = after @ np.linalg.svd(self.weights[None, :])[2][1:].T

    def moments(self, theta):
        return self.matrix @ self.study.beta - self.bound - self.along * theta

    def solve(self, values):
        """Largest weighted sum of moments with weights that cancel the free effects, and the weights."""
        equal = np.vstack([self.free.T, self.errors])
        target = np.append(np.zeros(self.free.shape[1]), 1.0)
        found = linprog(-values, A_eq=equal, b_eq=target, bounds=(0, None), method="highs-ds")
        assert found.status == 0
        return -found.fun, found.x

    def truncation(self, values):
        """Statistic, its standard error, and how far it could move while its weights stay best."""
        largest, best = self.solve(values)
        variance = best @ self.cross @ best
        step = self.cross @ best / variance

        def still(move):
            return self.solve(values + step * (move - largest))[0] <= move + 1e-9

        return largest, np.sqrt(variance), _last(still, largest, -1.0), _last(still, largest, 1.0)

    def keeps(self, theta, size, first=0.0, ceiling=np.inf):
        largest, error, low, high = self.truncation(self.moments(theta))
        if largest > ceiling:
            return False
        high = min(high, ceiling)
        beyond = stats.norm.sf([largest / error, low / error, high / error])
        tail = (beyond[0] - beyond[2]) / (beyond[1] - beyond[2])
        return bool(largest <= 0 or tail >= (size - first) / (1 - first))


def _last(still, start, direction):
    """The farthest move at which the weights are still best; infinite beyond a thousand."""
    if still(start + 1e3 * direction):
        return direction * np.inf
    near, far = 0.0, 1e3
    for _ in range(40):
        middle = (near + far) / 2
        near, far = (middle, far) if still(start + middle * direction) else (near, middle)
    return start + near * direction
