"""Read the R calls of didimputation and did2s as designs; the estimators once more with every dummy written out."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from did_cases import make_design

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_imputation.json").read_text())["entries"]}
COVARIATES = {"none": (), "x": ("x1", "x2")}


def split(name):
    """Package, covariates, weights and clusters of an entry, and whether it is an event study."""
    package, panel, covariates, weights, clusters, kind = name.split("_")
    return package, int(panel), covariates, weights, clusters, kind


def read_case(name):
    """Design, options, expected labels, estimates and standard errors, and the frame of one R call."""
    package, _, covariates, weights, clusters, _ = split(name)
    entry = ENTRIES[name]
    frame = pd.read_csv(HERE / f"{entry['panel']}.csv")
    design = make_design(
        frame,
        covariates=COVARIATES[covariates],
        weights=None if weights == "none" else weights,
        clusters=None if clusters == "unit" else clusters,
    )
    options = {"pretrends": "event"} if package == "bjs" else {"se": "gardner", "pretrends": "residuals"}
    result = {key: np.atleast_1d(np.array(value)) for key, value in entry["result"].items()}
    numbers = [re.sub(r"^rel::", "", label) for label in result["label"]]
    return design, options, numbers, result, frame


def by_rows(effects, design, groups):
    """Means of group-time effects weighted by their observations, as the R packages weight them.

    On a balanced panel this is what ``aggregate`` gives, which weights by the size of the cohort.
    """
    cohort = effects.labels["cohort"].to_numpy()
    column = np.searchsorted(design.times, effects.labels["time"])
    rows = (design.cohort[:, None] == cohort) * np.isfinite(design.outcome)[:, column] * design.weights[:, None]
    weight = groups * rows.sum(axis=0)
    share = weight / weight.sum(axis=1, keepdims=True)
    estimate = share @ effects.estimate
    influence = effects.influence @ share.T
    if effects.info["shares"] == "estimated":
        for j, group in enumerate(groups):
            influence[:, j] += len(rows) / weight[j].sum() * rows[:, group] @ (effects.estimate[group] - estimate[j])
    return estimate, influence


def cluster_error(influence, clusters):
    """Standard errors of columns, influence summed by cluster."""
    sums = pd.DataFrame(influence).groupby(clusters).sum().to_numpy()
    return np.sqrt((sums**2).sum(axis=0)) / len(influence)


def dummies(values):
    return (values[:, None] == np.unique(values)[None, :]).astype(float)


def shuffled(values, inside):
    """What fixest 0.14's sparse_model_matrix makes of a covariate times i(year, ref=).

    It multiplies a vector of all rows with one of the rows outside the reference, which R recycles, and picks rows from
    the product: a value of another unit in most rows.
    """
    return np.resize(values[inside], len(values)) * inside


class Dense:
    """Least squares with a dummy for every unit and period, and the standard errors of both packages.

    ``matrix_of_r``: covariates by period misplaced as fixest misplaces them in the matrix that both packages take for
    the standard errors (not in the regression). ``weights_of_r``: didimputation weights observations twice there.
    """

    def __init__(self, frame, covariates, weights, *, matrix_of_r=False, weights_of_r=False):
        self.frame = frame.reset_index(drop=True)
        self.d = frame["d"].to_numpy() == 1
        self.w = np.ones(len(frame)) if weights == "none" else frame[weights].to_numpy(float)
        self.twice = weights_of_r
        year = dummies(frame["year"].to_numpy())[:, 1:]
        fixed = np.column_stack([dummies(frame["unit"].to_numpy()), year])
        inside = frame["year"].to_numpy() > frame["year"].min()
        columns = [frame[name].to_numpy(float) for name in COVARIATES[covariates]]
        right = np.column_stack([fixed, *[column[:, None] * year for column in columns]])
        wrong = np.column_stack([fixed, *[shuffled(column, inside)[:, None] * year for column in columns]])
        root = np.sqrt(self.w[~self.d])
        y = frame["y"].to_numpy()
        slopes = np.linalg.lstsq(right[~self.d] * root[:, None], y[~self.d] * root, rcond=None)[0]
        self.residual = y - right @ slopes
        self.x = wrong if matrix_of_r else right
        plain, power = self.x[~self.d], 2 if weights_of_r else 1
        self.inverse = np.linalg.pinv((plain * self.w[~self.d, None] ** power).T @ plain)

    def _chosen(self, label):
        """Rows that a label averages, and their shares."""
        rows = self.d if label in ("treat", "d::1") else (self.frame["year"] - self.frame["g"] == int(label)).to_numpy()
        rows = rows & (self.frame["g"] > 0).to_numpy()
        return rows, self.w * rows / (self.w * rows).sum()

    def estimate(self, label):
        return self._chosen(label)[1] @ self.residual

    def conservative(self, label, clusters):
        """Standard error of didimputation: weights of all rows times residuals, treated ones centred by cell."""
        rows, share = self._chosen(label)
        x, w, d = self.x, self.w, self.d
        target = x[d].T @ (share[d] * (w[d] if self.twice else 1))
        weight = np.where(d, share, -w * (x @ (self.inverse @ target)))
        centred = self.residual.copy()
        for _, cell in self.frame[rows].groupby(["g", "year"]):
            at = cell.index.to_numpy()
            centred[at] -= share[at] ** 2 @ self.residual[at] / (share[at] ** 2).sum()
        return self._by_cluster(weight * centred, clusters)

    def gardner(self, label, clusters):
        """Standard error of did2s: second-stage scores less what the first stage adds."""
        rows, share = self._chosen(label)
        x, w, d = self.x, self.w, self.d
        second = share * (self.residual - rows * self.estimate(label))
        first = ~d * w * self.residual * (x @ (self.inverse @ (x.T @ share)))
        return self._by_cluster(second - first, clusters)

    def _by_cluster(self, values, clusters):
        sums = pd.Series(values).groupby(self.frame[clusters].to_numpy()).sum()
        return float(np.sqrt((sums**2).sum()))


@cache
def dense(panel, covariates, weights, *, package="", faulty=False):
    """The dense regression of an entry; ``faulty``: with what the R package gets wrong."""
    frame = pd.read_csv(HERE / f"{panel}.csv")
    return Dense(frame, covariates, weights, matrix_of_r=faulty, weights_of_r=faulty and package == "bjs")
