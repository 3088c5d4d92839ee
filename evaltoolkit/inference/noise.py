"""An estimate with covariates or gaps as a sum over clusters, and what it would be with the noise of other clusters.

A linear estimate is the sum of its weights times what the outcomes are besides unit effects, period effects and
covariates. Under the null hypothesis those residuals are noise. The table holds, for every place and every cluster,
what the weights of that place make of the residuals of that cluster: its diagonal adds up to the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.inference.answer import NoAnswerError
from evaltoolkit.inference.contrasts import Ints, active_of, lie_within

Mask = npt.NDArray[np.bool_]

# clusters whose noise can stand in for a cluster's, at least; clusters for which a square table is held, at most
LEAST_DONORS = 10
MOST_CLUSTERS = 3000
_CLOSE = 1e-6

SEVERAL_COHORTS = (
    "a cluster holds units of several cohorts, so that clusters cannot change places: cluster by the level at which it "
    "was decided who starts when"
)
NOT_WITHIN = (
    "unit effects, period effects and covariates do not drop out of this estimate, so that what is left is not noise: "
    'take adjust="reg" or "dr", or complete units'
)
NOT_CONSTANT = (
    "a constant effect does not move this estimate one for one: take the overall effect, or one after the start"
)
TOO_MANY = (
    "too many clusters to let the noise of each stand in for each other's: with so many the usual interval, of "
    "effects.to_frame(), holds if forty of them are treated"
)
TOO_GAPPY = (
    "for a cluster there are fewer than ten others observed in all its periods: leave out the periods in which most is "
    "missing, or that cluster; group_time needs two periods at a time, and is answered more often than imputation"
)


@dataclass(frozen=True)
class NoiseTable:
    """What the weights of every place make of the noise of every cluster.

    Attributes
    ----------
    places : (G, G) entry g, h: the weights of cluster g on the residuals of cluster h; with a third axis for a stack
        of outcomes (G, G, R)
    moves : (G, G) the same of what a constant effect of one adds to the outcomes
    usable : (G, G) whether cluster h is observed wherever cluster g has weight
    stretch : factor by which residuals vary less than noise, since covariates were fitted
    group : (G,) cohort of each cluster, as a place in ``cohorts``
    cohorts : (C,) first treated times, ``inf`` = never (or later than the panel)
    acting : (C,) whether a cohort is treated within the panel
    labels : (G,) labels of the clusters
    """

    places: Array
    moves: Array
    usable: Mask
    stretch: float
    group: Ints
    cohorts: Array
    acting: Mask
    labels: npt.NDArray[np.str_]

    @property
    def treated(self) -> Mask:
        """(C,) whether a cohort is treated within the panel; the others only compare."""
        return self.acting

    def covers(self, sizes: Array | None) -> bool:
        """Whether the sizes (G,) of the treated lie within the range of the others'; true where none are known."""
        return lie_within(self.treated[self.group], sizes)

    def largest_noise(self, *, everyone: bool) -> float:
        """How much the residuals of comparison clusters, or of all, are in the places of the treated, at most."""
        treated = self.treated[self.group]
        return float(np.abs(self.places[treated][:, everyone | ~treated]).max(initial=0.0))

    def without(self, effect: float) -> Array:
        """Return the table of the untreated outcomes (G, G, R), if the effect were this constant."""
        stack = self.places if self.places.ndim == 3 else self.places[:, :, None]
        return np.asarray(stack - effect * self.moves[:, :, None])


def noise_table(design: Design, overall: Effects, weights: Array, outcomes: Array | None = None) -> NoiseTable:
    """Return the table behind one linear estimate.

    Parameters
    ----------
    design : Design
        With covariates, controls and gaps as they are.
    overall : Effects
        One row.
    weights : (n, T) of :func:`evaltoolkit.inference.linear_weights.linear_weights`
    outcomes : (n, T, R), optional
        A stack in place of the design's outcome, observed where that is.

    Raises
    ------
    NoAnswerError
        A cluster lies in several cohorts; unit effects, period effects or covariates move the estimate; too few
        clusters are observed where one of them is.
    """
    rows, codes, group, cohorts = clusters_of(design, overall)
    if len(group) > MOST_CLUSTERS:
        raise NoAnswerError(TOO_MANY)
    seen = _seen(design)[rows]
    used = np.where(seen, weights[rows], 0.0)
    stack = design.outcome[:, :, None] if outcomes is None else outcomes
    active = active_of(design)[rows]
    both = np.concatenate([stack[rows], active[:, :, None]], axis=2)
    noise = _residuals(design, rows, seen, both)
    unmoved = np.abs(np.einsum("nt,ntr->r", used, np.where(seen[:, :, None], both, 0.0) - noise))
    scale = np.sqrt(np.sum(used**2)) * np.sqrt(np.mean(noise**2, axis=(0, 1)))
    if (unmoved > _CLOSE * np.maximum(scale, 1e-300)).any():
        raise NoAnswerError(NOT_WITHIN)
    require_constant(design, weights)
    places, usable = _match(used, noise, seen, codes)
    if (usable.sum(axis=1) < min(LEAST_DONORS, len(usable))).any():
        raise NoAnswerError(TOO_GAPPY)
    count, fitted = len(usable), design.covariates.shape[1] + len(design.control_names)
    acting = np.zeros(len(cohorts), dtype=bool)
    acting[group] = np.bincount(codes, weights=active.any(axis=1), minlength=count) > 0
    return NoiseTable(
        places=places[:, :, 0] if outcomes is None else places[:, :, :-1],
        moves=places[:, :, -1],
        usable=usable,
        stretch=float(np.sqrt((count - 1) / max(count - 1 - fitted, 1))),
        group=group,
        cohorts=cohorts,
        acting=acting,
        labels=np.asarray(overall.clusters)[np.unique(codes, return_index=True)[1]],
    )


def require_constant(design: Design, weights: Array) -> None:
    """Refuse weights (n, T) under which levels of units or periods count, or a constant effect of one is not one.

    Raises
    ------
    NoAnswerError
    """
    largest = np.abs(weights).sum()
    if max(np.abs(weights.sum(axis=1)).max(), np.abs(weights.sum(axis=0)).max()) > _CLOSE * largest:
        raise NoAnswerError(NOT_WITHIN)
    if abs(np.sum(weights * active_of(design)) - 1) > _CLOSE:
        raise NoAnswerError(NOT_CONSTANT)


def clusters_of(design: Design, overall: Effects) -> tuple[Ints, Ints, Ints, Array]:
    """Return the rows of the estimate's units, their clusters, the cohort of every cluster, and the cohorts.

    Raises
    ------
    NoAnswerError
        A cluster lies in several cohorts.
    """
    place = {str(unit): row for row, unit in enumerate(design.units)}
    rows = np.array([place[str(unit)] for unit in overall.units], dtype=np.intp)
    codes = cluster_codes(overall.clusters, overall.units)
    cohorts, of_unit = np.unique(design.cohort[rows], return_inverse=True)
    group = np.zeros(int(codes.max()) + 1, dtype=np.intp)
    group[codes] = of_unit
    if (group[codes] != of_unit).any():
        raise NoAnswerError(SEVERAL_COHORTS)
    return rows, codes, group, cohorts


def _seen(design: Design) -> Mask:
    seen = np.isfinite(design.outcome)
    if design.controls is not None:
        seen = seen & np.isfinite(design.controls).all(axis=2)
    return np.asarray(seen)


def _residuals(design: Design, rows: Ints, seen: Mask, outcomes: Array) -> Array:
    """(n, T, R) what unit effects, period effects, covariates by period and controls leave; zero where not seen."""
    periods = np.arange(1, len(design.times))
    dummies = np.zeros((len(rows), len(design.times), len(periods)))
    dummies[:, periods, np.arange(len(periods))] = 1.0
    lines = np.column_stack([np.ones(len(rows)), design.covariates[rows]])
    columns = (dummies[:, :, :, None] * lines[:, None, None, :]).reshape(*dummies.shape[:2], -1)
    if design.controls is not None:
        columns = np.concatenate([columns, np.where(seen[:, :, None], design.controls[rows], 0.0)], axis=2)
    x, y = (_centre(one, seen) for one in (columns, outcomes))
    root = np.sqrt(design.weights[rows])[:, None, None]
    slopes = np.linalg.lstsq((root * x)[seen], (root * y)[seen], rcond=None)[0]
    return np.asarray(y - x @ slopes)


def _centre(values: Array, seen: Mask) -> Array:
    """Less the mean of every unit over what was seen; zero elsewhere."""
    held = np.where(seen[:, :, None], values, 0.0)
    mean = held.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)[:, None]
    return np.where(seen[:, :, None], held - mean[:, None, :], 0.0)


def _match(weights: Array, noise: Array, seen: Mask, codes: Ints) -> tuple[Array, Mask]:
    """(G, G, R) weights of cluster g on the noise of cluster h, and (G, G) whether h is seen wherever g has weight.

    Units are matched by their order within the cluster; where h has fewer units than g, it begins again.
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    count, periods, stack = len(sizes), noise.shape[1], noise.shape[2]
    places, hidden = np.zeros((count, count, stack)), np.zeros((count, count))
    for position in range(int(sizes.max())):
        has = sizes > position
        own = np.zeros((count, periods))
        own[has] = weights[order[starts[has] + position]]
        donors = order[starts + position % sizes]
        places += np.einsum("gt,htr->ghr", own, noise[donors], optimize=True)
        hidden += (own != 0).astype(float) @ (~seen[donors]).astype(float).T
    return places, np.asarray(hidden == 0)
