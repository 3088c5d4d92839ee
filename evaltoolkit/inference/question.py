"""What stands behind an estimate: a contrast of cohort means, or a weighted sum of noise; or why neither."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.influence import PartedInfluence
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import NoAnswerError, Settings
from evaltoolkit.inference.contrasts import Ints, active_of, contrast_table, plain_design, weighted_table
from evaltoolkit.inference.linear_weights import linear_weights
from evaltoolkit.inference.noise import SEVERAL_COHORTS, clusters_of, noise_table, require_constant
from evaltoolkit.inference.noise_runners import Arms, LotTask, NoiseTask
from evaltoolkit.inference.runners import Task

COMPLETE = "on units observed in every period, covariates taken out by regression"
WEIGHED = "covariates or gaps: noise is what unit effects, period effects and covariates leave"
ANEW = "estimated anew under every draw"
NOT_ONE = "no estimate, or several at once: take one row, or the overall effect"


@dataclass(frozen=True)
class Question:
    """The estimate that is asked about, and what its methods need.

    Attributes
    ----------
    overall : Effects
        One row; another estimate than the user's where that could not be asked about.
    task : Task, NoiseTask or LotTask
    note : what was done to the estimate; empty for a plain contrast of means
    """

    overall: Effects
    task: Task | NoiseTask | LotTask
    note: str

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of treated and of comparison clusters."""
        treated = self.task.table.treated[self.task.table.group]
        return int(treated.sum()), int((~treated).sum())

    def note_of(self, method: str) -> str:
        """Return what was done, for a method."""
        return ANEW if self.note == WEIGHED and method == "lot" else self.note


@dataclass(frozen=True)
class Extras:
    """Sizes of all units of the design, and what is known of the lot."""

    sizes: Array | None
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    by_lot: bool


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
    if len(overall.estimate) != 1 or not np.isfinite(overall.estimate).all():
        raise NoAnswerError(NOT_ONE)
    try:
        if isinstance(overall.influence, PartedInfluence):
            clusters_of(design, overall)
            return _contrast(design, overall, extras, settings)
        return _weighed(design, overall, extras, settings)
    except EvaltoolkitError as error:
        if str(error) == SEVERAL_COHORTS or overall.kind != "overall" or overall.info.get("method") != "group_time":
            raise NoAnswerError(str(error)) from None
    try:
        return _complete(design, overall, extras, settings)
    except EvaltoolkitError as error:
        raise NoAnswerError(str(error)) from None


def _complete(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    """The group-time effect once more, on complete units, covariates taken out by regression."""
    plain = plain_design(design)
    again = estimate(plain, "group_time", base=str(overall.info.get("base", "varying"))).aggregate("overall")
    kept = None if extras.sizes is None else extras.sizes[np.isin(design.units, plain.units)]
    found = _contrast(plain, again, replace(extras, sizes=kept), settings)
    return Question(found.overall, found.task, COMPLETE)


def _contrast(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    table = contrast_table(design, overall)
    task = Task(table, cluster_sizes(design, overall, extras.sizes), extras.assignments, extras.strata, settings)
    return Question(overall, task, "")


def _weighed(design: Design, overall: Effects, extras: Extras, settings: Settings) -> Question:
    rows, codes, group, cohorts = clusters_of(design, overall)
    sizes = cluster_sizes(design, overall, extras.sizes)
    try:
        weights = linear_weights(design, overall)
    except NoAnswerError:
        if not extras.by_lot:
            raise
        acting = active_of(design)[rows].max(axis=1)
        arms = Arms(group, np.bincount(group[codes], weights=acting, minlength=len(cohorts)) > 0)
        again = LotTask(design, overall, arms, sizes, extras.assignments, extras.strata, settings)
        return Question(overall, again, WEIGHED)
    table = weighted_table(design, overall, weights)
    if table is not None:
        require_constant(design, weights)
        return Question(overall, Task(table, sizes, extras.assignments, extras.strata, settings), "")
    noise = noise_table(design, overall, weights)
    task = NoiseTask(design, overall, noise, sizes, extras.assignments, extras.strata, settings)
    return Question(overall, task, WEIGHED)


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
