"""What stands behind an estimate: a contrast of cohort means, or a weighted sum of noise; or why neither."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.effects.influence import PartedInfluence
from evaltoolkit.effects.treated import equal_number
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import NoAnswerError, Settings
from evaltoolkit.inference.contrasts import (
    ContrastTable,
    active_of,
    contrast_table,
    effects_of,
    plain_design,
    weighted_table,
)
from evaltoolkit.inference.linear_weights import linear_weights
from evaltoolkit.inference.noise import SEVERAL_COHORTS, NoiseTable, clusters_of, noise_table, require_constant
from evaltoolkit.inference.noise_runners import NOISE, REDRAWN, Arms
from evaltoolkit.inference.options import Extras, cluster_labels
from evaltoolkit.inference.runners import CONTRASTS
from evaltoolkit.inference.task import Road, T, Task

COMPLETE = "on units observed in every period, covariates taken out by regression"
WEIGHED = "covariates or gaps: noise is what unit effects, period effects and covariates leave"
ANEW = "estimated anew under every draw"
NO_NOISE = (
    "the outcome of the comparison clusters does not vary: nothing shows how far it moves by itself; look at how it "
    "was recorded, or give the estimate without a p-value"
)
OTHER_DESIGN = "this design gives another estimate: pass the design that the estimate is of"
ONE_DECIDES = (
    "one cluster holds most of the weight: what it does by chance cannot be told from the others; weigh less unevenly, "
    "or leave it out"
)
# of the largest outcome: differences below are rounding
_ROUNDING = 1e-12
# shares of the comparison clusters' weight, and of all weight, above which the noise of one cluster decides, and only
# that cluster shows it
_MOST_COMPARED, _MOST_OF_ALL = 0.5, 0.9
# of the largest outcome: estimates that differ by more are two
_SAME = 1e-6
# weights of clusters that differ by less, of the largest, are the same
_ALIKE = 1e-8
SEVERAL = 'several estimates at once: take one row, or the overall effect, effects.aggregate("overall")'
NO_NUMBER = "there is no estimate"


@dataclass(frozen=True)
class Question:
    """The estimate that is asked about, and what its methods need.

    Attributes
    ----------
    overall : Effects
        One row; another estimate than the user's where that could not be asked about.
    task : Task
    note : what was done to the estimate; empty for a plain contrast of means
    """

    overall: Effects
    task: Task[ContrastTable] | Task[NoiseTable] | Task[Arms]
    note: str

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of treated and of comparison clusters."""
        return self.task.counts

    @property
    def weights(self) -> Array:
        """(G,) weights of the clusters."""
        codes = cluster_codes(self.overall.clusters, self.overall.units)
        return np.bincount(codes, weights=self.overall.weights).astype(np.float64)

    @property
    def effective(self) -> float:
        """How many treated clusters of equal weight the treated ones are worth."""
        treated = self.task.table.treated[self.task.table.group]
        return float(equal_number(self.weights[treated, None])[0])

    def refuse_without_noise(self) -> None:
        """Refuse what shows no noise at all, and what one cluster decides.

        Raises
        ------
        NoAnswerError
        """
        by_lot, design = self.task.by_lot, self.task.design
        if self.task.table.largest_noise(everyone=by_lot) <= _ROUNDING * _largest(design):
            raise NoAnswerError(NO_NOISE)
        weights, others = self.weights, self.weights[~self.task.table.treated[self.task.table.group]]
        decided = (
            (others.max(initial=0.0), _MOST_COMPARED * others.sum()),
            (weights.max(), _MOST_OF_ALL * weights.sum()),
        )
        if not by_lot and len(others) > 1 and any(most > limit for most, limit in decided):
            raise NoAnswerError(ONE_DECIDES)

    def note_of(self, method: str) -> str:
        """Return what was done, for a method."""
        return ANEW if self.note == WEIGHED and method == "lot" else self.note


def pose_question(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    """Return the table behind an estimate.

    A contrast of cohort means where units of one cohort have the same weights: group-time effects of complete outcomes
    without covariates, and every other linear estimate of them. Otherwise the weights of every unit
    (:mod:`evaltoolkit.inference.noise`). Under a lot, an estimate that is not linear can be made again under every
    draw. Where an estimate allows neither, such as group-time effects weighted by a propensity score, it is made once
    more on complete units, covariates taken out by regression.

    Raises
    ------
    NoAnswerError
        None of these; the message is the reason.
    """
    if len(overall.estimate) != 1:
        raise NoAnswerError(SEVERAL)
    if not np.isfinite(overall.estimate[0]):
        raise NoAnswerError(f"{NO_NUMBER}: {overall.reasons[0]}" if overall.reasons else NO_NUMBER)
    try:
        if isinstance(overall.influence, PartedInfluence):
            clusters_of(design, overall)
            return _contrast(design, overall, extras, settings)
        return _weighed(design, overall, extras, settings)
    except EvaltoolkitError as error:
        if (
            str(error) in (SEVERAL_COHORTS, OTHER_DESIGN)
            or overall.kind != "overall"
            or overall.info.get("method") != "group_time"
        ):
            raise NoAnswerError(str(error)) from None
    try:
        return _complete(design, overall, extras, settings)
    except EvaltoolkitError as error:
        raise NoAnswerError(str(error)) from None


def _largest(design: Design) -> float:
    return float(np.nanmax(np.abs(design.outcome), initial=0.0))


def _complete(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    """The group-time effect once more, on complete units, covariates taken out by regression."""
    plain = plain_design(design)
    again = estimate(plain, "group_time", base=str(overall.info.get("base", "varying"))).aggregate("overall")
    sizes = None if extras.sizes is None else extras.sizes[np.isin(design.units, plain.units)]
    kept = extras.among(np.isin(cluster_labels(overall), cluster_labels(again)))
    found = _contrast(plain, again, replace(kept, sizes=sizes), settings)
    return Question(found.overall, found.task, COMPLETE)


def _contrast(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    table = contrast_table(design, overall)
    found = float(effects_of(table.sums, table.sizes, table.group, len(table.cohorts))[0][0])
    if abs(found - overall.estimate[0]) > _SAME * max(_largest(design), abs(found)):
        raise NoAnswerError(OTHER_DESIGN)
    return Question(overall, _task(design, overall, table, extras, settings, CONTRASTS), "")


def _weighed(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    rows, codes, group, cohorts = clusters_of(design, overall)
    try:
        weights = linear_weights(design, overall)
    except NoAnswerError:
        if not extras.by_lot:
            raise
        acting = active_of(design)[rows].max(axis=1)
        arms = Arms(group, np.bincount(group[codes], weights=acting, minlength=len(cohorts)) > 0)
        return Question(overall, _task(design, overall, arms, extras, settings, REDRAWN), WEIGHED)
    table = weighted_table(design, overall, weights)
    if table is not None:
        require_constant(design, weights)
        return Question(overall, _task(design, overall, table, extras, settings, CONTRASTS), "")
    noise = noise_table(design, overall, weights)
    return Question(overall, _task(design, overall, noise, extras, settings, NOISE), WEIGHED)


def _task(design: Design, overall: Effects, table: T, extras: Extras, settings: Settings, road: Road[T]) -> Task[T]:
    given = cluster_sizes(design, overall, extras.sizes)
    sizes = implied_sizes(design, overall) if given is None else given
    return Task(
        design,
        overall,
        table,
        sizes,
        table.covers(given),
        extras.assignments,
        extras.strata,
        extras.by_lot,
        settings,
        road,
    )


def cluster_sizes(design: Design, overall: Effects, sizes: Array | None) -> Array | None:
    """Return the sum of the units' sizes (n,) for every cluster (G,) of an estimate; None where none are known."""
    if sizes is None:
        return None
    of_unit = dict(zip(design.units.tolist(), sizes, strict=True))
    _, codes = np.unique(overall.clusters, return_inverse=True)
    if np.array_equal(overall.clusters, overall.units):
        codes = np.arange(len(overall.units))
    own = np.array([of_unit[str(unit)] for unit in overall.units], dtype=float)
    return np.bincount(codes, weights=own).astype(np.float64)


def implied_sizes(design: Design, overall: Effects) -> Array | None:
    """Return what stands in for sizes (G,) that were not given; None where all clusters are alike.

    A mean over more people, or over more units, varies less. Of a survey outcome the sampling variance of the cluster's
    mean tells, averaged over periods, and a size is its inverse; otherwise the weight behind the cluster, its number of
    units where they weigh alike.
    """
    codes = cluster_codes(overall.clusters, overall.units)
    held = np.bincount(codes, weights=overall.weights).astype(np.float64)
    if held.min() <= 0:
        return None
    if design.sampling_se is not None:
        place = {str(unit): row for row, unit in enumerate(design.units)}
        errors = design.sampling_se[[place[str(unit)] for unit in overall.units]]
        known = np.isfinite(errors)
        mean = np.where(known, errors, 0.0) ** 2 @ np.ones(errors.shape[1]) / np.maximum(known.sum(axis=1), 1)
        sampled = np.bincount(codes, weights=overall.weights**2 * mean).astype(np.float64)
        # a share that was 0 or 100 % throughout has no error, and tells nothing of its size
        if sampled.min() > 0:
            held = held**2 / sampled
    return held if np.ptp(held) > _ALIKE * held.max() else None
