"""An effect as a comparison of means: for every unit and cohort the one number through which the unit could enter.

Without covariates and gaps a group-time effect, or any sum of them, is a sum over cohorts of the mean of one contrast
of the units' series. Who is in which cohort can then be changed without estimating again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.effects.influence import PartedInfluence
from evaltoolkit.findings import EvaltoolkitError

Ints = npt.NDArray[np.intp]

# weights of units of one cohort that differ by less, of the largest, are the same
_ALIKE = 1e-8


@dataclass(frozen=True)
class ContrastTable:
    """Sums by cluster from which an effect follows for any assignment of clusters to cohorts.

    Attributes
    ----------
    sums : (G, C) weighted sum over the cluster's units of the contrast that cohort c applies to them
    sizes : (G,) sum of the weights of the cluster's units
    moves : (G, C) what a constant effect of one, from the cluster's own start on, adds to ``sums``
    group : (G,) cohort of each cluster, as a place in ``cohorts``
    cohorts : (C,) first treated times, ``inf`` = never (or later than the panel)
    labels : (G,) labels of the clusters
    """

    sums: Array
    sizes: Array
    moves: Array
    group: Ints
    cohorts: Array
    labels: npt.NDArray[np.str_]

    @property
    def treated(self) -> npt.NDArray[np.bool_]:
        """(C,) whether a cohort is treated within the panel; the others only compare."""
        moved = (self.moves != 0).any(axis=1)
        return np.bincount(self.group, weights=moved, minlength=len(self.cohorts)) > 0

    def covers(self, sizes: Array | None) -> bool:
        """Whether the sizes (G,) of the treated lie within the range of the others'; true where none are known."""
        return lie_within(self.treated[self.group], sizes)

    def largest_noise(self, *, everyone: bool) -> float:
        """How far the contrasts of comparison clusters, or of all, lie from their mean, at most."""
        who = np.ones(len(self.group), bool) if everyone else ~self.treated[self.group]
        value = (self.sums / self.sizes[:, None])[who][:, self.treated]
        return float(np.abs(value - value.mean(axis=0)).max(initial=0.0)) if who.any() else 0.0

    def without(self, effect: float) -> Array:
        """Sums (G, C) of the untreated outcomes, if the effect were this constant."""
        return self.sums - effect * self.moves


def active_of(design: Design) -> Array:
    """Return (n, T) where a constant effect acts: one from the start on, or where the treatment is on."""
    if design.treatment is not None:
        return np.asarray(design.treatment != 0, dtype=float)
    return np.asarray(design.times[None, :] >= design.cohort[:, None], dtype=float)


def lie_within(treated: npt.NDArray[np.bool_], sizes: Array | None) -> bool:
    """Whether the sizes (G,) of the treated (G,) lie within the range of the others'; true where none are known."""
    if sizes is None:
        return True
    own, others = sizes[treated], sizes[~treated]
    return bool(own.min() >= others.min() and own.max() <= others.max())


def contrast_table(design: Design, overall: Effects) -> ContrastTable:
    """Return the table behind one effect.

    Parameters
    ----------
    design : Design
        Complete outcome, no covariates; clusters may hold several units but lie in one cohort each.
    overall : Effects
        One row of group-time kind, or aggregated from it: ``effects.aggregate("overall")``, or one event time
        ``event`` as ``Effects`` with a single row.

    Raises
    ------
    EvaltoolkitError
        The effect is not a contrast of cohort means (covariates, gaps, another method), has several rows, or a cluster
        lies in several cohorts.
    """
    influence = overall.influence
    if not isinstance(influence, PartedInfluence) or len(overall.estimate) != 1:
        raise EvaltoolkitError(
            "This effect is not one contrast of cohort means: take one row of group-time effects of a complete outcome "
            "without covariates, for example effects.aggregate('overall')."
        )
    place = {str(unit): row for row, unit in enumerate(design.units)}
    rows = np.array([place[str(unit)] for unit in overall.units])
    total = np.bincount(influence.group, weights=overall.weights)
    # the influence of a unit is n / total times its cohort's contrast of its series
    contrast = influence.slopes[:, : len(design.times), 0] * (total / len(rows))[:, None]
    return _table(design, overall, rows, (influence.cohorts, influence.group), contrast)


def _table(design: Design, overall: Effects, rows: Ints, cohorts: tuple[Array, Ints], contrast: Array) -> ContrastTable:
    """The table of contrasts (C, T) of the series of these rows; cohorts, and the place of each unit's among them."""
    codes = cluster_codes(overall.clusters, overall.units)
    count = int(codes.max()) + 1
    group = np.full(count, -1, dtype=np.intp)
    group[codes] = cohorts[1]
    if (group[codes] != cohorts[1]).any():
        raise EvaltoolkitError(
            "A cluster holds units of several cohorts: assignment by cluster cannot be drawn anew. Cluster by the "
            "level at which it was decided who starts when."
        )
    weights = overall.weights
    series = design.outcome[rows] - design.outcome[rows].mean(axis=1, keepdims=True)
    active = active_of(design)[rows]
    return ContrastTable(
        sums=_sum(weights[:, None] * (series @ contrast.T), codes, count),
        sizes=np.bincount(codes, weights=weights).astype(np.float64),
        moves=_sum(weights[:, None] * (active @ contrast.T), codes, count),
        group=group,
        cohorts=cohorts[0],
        labels=np.asarray(overall.clusters)[np.unique(codes, return_index=True)[1]],
    )


def weighted_table(design: Design, overall: Effects, weights: Array) -> ContrastTable | None:
    """Return the table behind an estimate with known weights (n, T); None where units of a cohort have unlike ones.

    Parameters
    ----------
    design : Design
        Clusters lie in one cohort each.
    overall : Effects
        One row.
    weights : (n, T) of the outcomes, such as of :func:`evaltoolkit.inference.linear_weights.linear_weights`
    """
    if not design.complete:
        return None
    place = {str(unit): row for row, unit in enumerate(design.units)}
    rows = np.array([place[str(unit)] for unit in overall.units])
    cohorts, of_unit = np.unique(design.cohort[rows], return_inverse=True)
    own = weights[rows] / design.weights[rows, None]
    first = np.unique(of_unit, return_index=True)[1]
    if np.abs(own - own[first][of_unit]).max() > _ALIKE * np.abs(own).max():
        return None
    total = np.bincount(of_unit, weights=design.weights[rows])
    return _table(design, overall, rows, (cohorts, of_unit.astype(np.intp)), own[first] * total[:, None])


def plain_design(design: Design) -> Design:
    """Return the design on units observed in every period, its covariates taken out by regression.

    Each period's outcome is regressed on the covariates among the units that are never treated; what is left is
    compared as it is. With never-treated units as comparison the group-time effects are those of ``adjust="reg"``.

    Raises
    ------
    EvaltoolkitError
        Fewer complete never-treated units than twice the covariates, or nobody left in an arm.
    """
    complete = np.asarray(np.isfinite(design.outcome).all(axis=1))
    kept = keep_units(design, complete)
    never = ~kept.treated
    k = kept.covariates.shape[1]
    if kept.treated.sum() == 0 or never.sum() <= 2 * (k + 1):
        raise EvaltoolkitError(
            "Too few units are observed in every period to exchange their noise: fill the gaps, or leave out the "
            "periods in which many are missing."
        )
    if k == 0:
        return kept
    regressors = np.column_stack([np.ones(len(kept.units)), kept.covariates])
    root = np.sqrt(kept.weights[never])[:, None]
    slopes = np.linalg.lstsq(regressors[never] * root, kept.outcome[never] * root, rcond=None)[0]
    return replace(
        kept,
        outcome=kept.outcome - kept.covariates @ slopes[1:],
        covariates=np.empty((len(kept.units), 0)),
        covariate_names=(),
    )


def effects_of(sums: Array, sizes: Array, group: Ints, n_cohorts: int) -> tuple[Array, Array]:
    """Return estimate and standard error of every assignment.

    Parameters
    ----------
    sums : (G, C) as in :class:`ContrastTable`, or (G, C, R) for a stack of R outcomes
    sizes : (G,) as there
    group : (B, G) or (G,) cohort of each cluster
    n_cohorts : C

    Returns
    -------
    estimate, std_error : (B,) each, or (B, R)
        The variance is that of means of clusters within each cohort, with the factor G_c / (G_c - 1); a cohort of one
        cluster adds nothing to it.
    """
    groups, stack = np.atleast_2d(group), sums[:, :, None] if sums.ndim == 2 else sums
    shape = (len(groups), stack.shape[2])
    estimate, variance = np.zeros(shape), np.zeros(shape)
    for cohort in range(n_cohorts):
        inside = (groups == cohort).astype(float)
        weight, squares, count = (inside @ one for one in (sizes, sizes**2, np.ones(len(sizes))))
        weight = np.where(weight > 0, weight, 1.0)[:, None]
        value = stack[:, cohort]
        mean = inside @ value / weight
        around = inside @ value**2 - 2 * mean * (inside @ (value * sizes[:, None])) + mean**2 * squares[:, None]
        factor = np.where(count > 1, count / np.maximum(count - 1, 1), 0.0)[:, None]
        estimate += mean
        variance += factor * np.maximum(around, 0.0) / weight**2
    error = np.sqrt(variance)
    return (estimate[:, 0], error[:, 0]) if sums.ndim == 2 else (estimate, error)


def _sum(values: Array, codes: Ints, count: int) -> Array:
    out = np.zeros((count, values.shape[1]))
    np.add.at(out, codes, values)
    return out
