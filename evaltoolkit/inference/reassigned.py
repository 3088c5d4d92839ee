"""Randomisation inference that estimates anew under every draw: for lots, whatever the estimate is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import NoAnswerError
from evaltoolkit.inference.contrasts import Ints, active_of
from evaltoolkit.inference.noise import clusters_of
from evaltoolkit.inference.randomisation import draw_assignments, share_as_large
from evaltoolkit.inference.same_row import estimate_row

# draws that are estimated, two estimations each
MOST_DRAWS = 499

STOPS = (
    "treatment that stops and restarts, or comes in doses, cannot be drawn anew from who starts when; take "
    "the first start as treatment, or give the estimate without a p-value"
)


@dataclass(frozen=True)
class Reassigned:
    """The estimates of all drawn assignments, of the outcome and of what a constant effect of one adds to it.

    Attributes
    ----------
    estimate, moves : (B + 1,) the real assignment first; NaN where a draw could not be estimated, or was not asked for
    influence, influence_moves : (B + 1, G) by cluster, over the number of units; none where not studentised
    exact : whether the draws are all there are, the real one among them
    """

    estimate: Array
    moves: Array
    influence: Array | None
    influence_moves: Array | None
    exact: bool

    @property
    def draws(self) -> int:
        """Number of assignments looked at, the real one among them."""
        return len(self.estimate) - int(self.exact)

    def p_value(self, effect: float = 0.0) -> float:
        """Return the share of assignments with a statistic at least as large, if the effect is this constant."""
        found = self._statistics(effect)
        return float(share_as_large(found[:1], found[1:, None], exact=self.exact)[0])

    @property
    def smallest_p(self) -> float:
        """The share of assignments that tie with the largest statistic, or could not be estimated."""
        drawn = self._statistics(0.0)[1:]
        if not self.exact:
            return float((1 + np.isinf(drawn).sum()) / (1 + len(drawn)))
        return float(np.mean(drawn >= drawn[np.isfinite(drawn)].max(initial=0.0) * (1 - 1e-10)))

    def reach(self, level: float) -> float:
        """Return how far from zero an estimate may lie that is not rejected at ``level``; infinite with too few draws.

        In standard errors where studentised.
        """
        drawn = np.sort(self._statistics(0.0)[1:])[::-1]
        # the real assignment counts as one that is as large as itself
        allowed = math.floor((1 - level) * (len(drawn) + (not self.exact)) + 1e-9) - 1
        return float(drawn[allowed]) if 0 <= allowed < len(drawn) else math.inf

    @property
    def std_error(self) -> float:
        """Standard error of the real estimate; 1 where statistics are not studentised."""
        return 1.0 if self.influence is None else float(np.sqrt(np.square(self.influence[0]).sum()))

    def _statistics(self, effect: float) -> Array:
        value = np.abs(self.estimate - effect * self.moves if effect else self.estimate)
        if self.influence is not None and self.influence_moves is not None:
            influence = self.influence - effect * self.influence_moves if effect else self.influence
            error = np.sqrt(np.square(influence).sum(axis=1))
            value = value / np.where(error > 0, error, np.inf)
        # what could not be estimated counts against a finding
        return np.where(np.isfinite(value), value, np.inf)


def reassign(
    design: Design,
    overall: Effects,
    *,
    strata: npt.NDArray[np.intp] | None = None,
    assignments: Ints | None = None,
    draws: int = MOST_DRAWS,
    seed: int = 1,
    studentise: bool = True,
    linear: bool = True,
) -> Reassigned:
    """Estimate anew under other outcomes of the same lot.

    Estimand: under the sharp null hypothesis every unit's outcome without treatment is its outcome less a constant from
    its start on; covariates stay with their units.

    Assumption: the assignment could as well have been any other with the same numbers of clusters per cohort (within
    strata), all equally likely; or, with ``assignments``, what the declared mechanism draws. Nothing else: the test is
    exact for any estimator, also one that adjusts or has gaps. The interval takes for granted that the estimate is
    linear in the outcome.

    Not when: who starts was chosen.

    Parameters
    ----------
    design : Design
    overall : Effects
        One row, estimated on this design.
    strata, assignments, seed : as in :func:`evaltoolkit.inference.randomisation.randomisation_test`
    draws : int
        At most ``MOST_DRAWS``: two estimations for each.
    studentise : bool
        Divide by the standard error of the assignment.
    linear : bool
        Whether the estimate is linear in the outcome: only then can effects other than zero be asked for.

    Raises
    ------
    NoAnswerError
        A cluster lies in several cohorts; treatment stops and restarts, or comes in doses.

    References
    ----------
    Young (2019), https://doi.org/10.1093/qje/qjy029; Zhao and Ding (2021),
    https://doi.org/10.1016/j.jeconom.2020.06.011, for covariates.
    """
    if design.treatment is not None or design.dose is not None:
        raise NoAnswerError(STOPS)
    rows, codes, group, cohorts = clusters_of(design, overall)
    kept = keep_units(design, rows)
    others, exact = draw_assignments(
        _Real(group), strata, None if assignments is None else assignments[:MOST_DRAWS], min(draws, MOST_DRAWS), seed
    )
    effect = replace(kept, outcome=np.where(np.isfinite(kept.outcome), active_of(kept), np.nan)) if linear else None
    found = [_both(kept, effect, overall, cohorts[one[codes]], studentise=studentise) for one in (group, *others)]
    estimates, moves, influences, influence_moves = zip(*found, strict=True)
    # some methods have replicates in the place of an influence
    held = studentise and bool(np.isfinite(influences[0]).all())
    return Reassigned(
        estimate=np.array(estimates),
        moves=np.array(moves),
        influence=np.array(influences) if held else None,
        influence_moves=np.array(influence_moves) if held else None,
        exact=exact,
    )


@dataclass(frozen=True)
class _Real:
    group: Ints


def _both(
    design: Design, effect: Design | None, overall: Effects, cohort: Array, *, studentise: bool
) -> tuple[float, float, Array, Array]:
    """Estimate and influence by cluster of the outcome, and of a constant effect if any, under one assignment."""
    nothing = np.full(len(np.unique(design.clusters)), np.nan)
    asked = [design] if effect is None else [design, effect]
    try:
        rows = [estimate_row(replace(one, cohort=cohort), overall) for one in asked]
    except EvaltoolkitError:
        return np.nan, np.nan, nothing, nothing
    found = [(float(one.estimate[0]), _by_cluster(one, design) if studentise else nothing) for one in rows]
    (estimate, influence), (moves, influence_moves) = found if effect is not None else (*found, (np.nan, nothing))
    return estimate, moves, influence, influence_moves


def _by_cluster(row: Effects, design: Design) -> Array:
    """(G,) influence summed by cluster, over the number of units; zero for clusters that an estimate left out."""
    labels = np.unique(design.clusters)
    place = np.searchsorted(labels, row.clusters)
    influence = np.asarray(row.influence)[:, 0]
    return np.bincount(place, weights=influence, minlength=len(labels)) / len(row.units)
