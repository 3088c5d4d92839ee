"""The sampling noise of a survey outcome in the standard error of an effect: never counted twice, never left out.

An estimate that is linear in the outcome is the sum of weights times outcomes. Where every outcome is a share among a
sample of people, with sampling variance s^2, sampling alone gives the estimate the variance

    V_s = sum over units and periods of (weight * s)^2,

samples being drawn anew in every unit and period. Standard errors from differences between units hold that already:
units differ by what they are and by whom they happened to ask. Adding V_s to them would count it twice. Two things they
cannot see, and only those are added: a cluster that is alone in its cohort, whose distance to its own mean is zero; and
the units of a cohort in a period in which all of them are at 0 %, or all at 100 %, where nothing differs between them.
With V_b the variance between units and U the part of V_s that they cannot see,

    V = max(V_b + U, V_s).

In s^2 a share at 0 or 100 % counts with p (1 - p) = 0 like any other: over units that is right on average, one of them
being at zero where another one is above its own mean. Where all units of a cohort are at the same end, p is
(x + 2) / (m + 4) of all their respondents together (Agresti and Coull 1998, doi:10.1080/00031305.1998.10480550).
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.linear_weights import linear_weights

# readings of weights (estimations) that a standard error may take; group-time effects are estimated many at once
MOST_READINGS = {True: 2000, False: 300}
# methods that centre a cluster on the mean of its cohort: one that is alone there shows no noise of its own
_CENTRED_ON_COHORT = frozenset({"group_time", "sun_abraham", "extended_two_way", "imputation"})

CONVENTION = (
    "differences between units, which hold their sampling noise; added where they cannot (a cluster alone in its "
    "cohort, a cohort with all units at 0 or 100 %); never less than sampling alone"
)
NOT_READ = "the sampling noise of this estimate was not worked out: "


class Sampling(NamedTuple):
    """Sampling variance of one estimate.

    Attributes
    ----------
    by_cluster : (G,) V_s, in the order of the cluster numbers of the estimate
    unseen : U, the part of it that differences between units do not hold
    why_not : why nothing is known; empty otherwise
    """

    by_cluster: Array
    unseen: float
    why_not: str = ""

    @property
    def std_error(self) -> float:
        """What sampling alone makes of the standard error; 0 where nothing is known."""
        return math.sqrt(float(self.by_cluster.sum()))


def sampling_of(design: Design, overall: Effects) -> Sampling | None:
    """Return the sampling variance behind one estimate; None for an outcome that is no survey's.

    Parameters
    ----------
    design : Design
        ``sampling_se`` (n, T) in the units of the outcome. Where ``info["sampling_from"]`` is ``respondents`` they were
        worked out from shares, and those of 0 and 100 % are treated as above; other errors count as given.
    overall : Effects
        One row, estimated on this design.
    """
    if design.sampling_se is None or len(overall.estimate) != 1 or not np.isfinite(overall.estimate[0]):
        return None
    codes = cluster_codes(overall.clusters, overall.units)
    nothing = np.zeros(int(codes.max()) + 1)
    if (count := _readings(design)) > MOST_READINGS[overall.info.get("method") == "group_time"]:
        return Sampling(nothing, 0.0, f"{NOT_READ}{count} readings of its weights would be needed")
    try:
        weights = linear_weights(design, overall)
    except EvaltoolkitError as error:
        return Sampling(nothing, 0.0, f"{NOT_READ}{error}")
    place = {str(unit): row for row, unit in enumerate(design.units)}
    rows = np.array([place[str(unit)] for unit in overall.units])
    variance, at_one_end = _variances(design)
    found = (weights**2 * variance)[rows]
    unseen = at_one_end[rows] | _alone(overall, codes)[:, None]
    by_cluster: Array = np.bincount(codes, weights=found.sum(axis=1), minlength=len(nothing)).astype(np.float64)
    return Sampling(by_cluster, float(found[unseen].sum()))


def _variances(design: Design) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Sampling variances (n, T), and where a whole cohort is at the same end of the scale."""
    errors = np.zeros(design.outcome.shape) if design.sampling_se is None else np.nan_to_num(design.sampling_se)
    variance, at_one_end = errors**2, np.zeros(errors.shape, dtype=bool)
    if design.info.get("sampling_from") != "respondents":
        return variance, at_one_end
    seen = np.isfinite(design.outcome)
    top = 100.0 if np.nanmax(design.outcome) > 1 else 1.0
    ends = (seen & (design.outcome <= 0), seen & (design.outcome >= top))
    variance[ends[0] | ends[1]] = 0.0
    cohort = np.where(design.treated, design.cohort, np.inf)
    for one in np.unique(cohort):
        rows = np.flatnonzero(cohort == one)
        for end in ends:
            for period in np.flatnonzero((end | ~seen)[rows].all(axis=0) & end[rows].any(axis=0)):
                there = rows[end[rows, period]]
                at_one_end[there, period] = True
                variance[there, period] = _pooled(errors[there, period])
    return variance, at_one_end


def _pooled(errors: Array) -> Array:
    """Variances of shares that are all 0, of all respondents together, from the errors of each alone.

    Alone, p (1 - p) / m is about 2 / m^2 with p = 2 / (m + 4); together p is 2 / (sum of m + 4), so that each is
    m / (sum of m) times that. Errors are inverse to m.
    """
    known = errors > 0
    size = np.where(known, 1 / np.where(known, errors, 1.0), 0.0)
    return np.asarray(errors**2 * size / max(size.sum(), 1e-300))


def add_sampling(overall: Effects, sampling: Sampling | None) -> Effects:
    """Return one estimate with a standard error that holds its sampling noise.

    The influence is scaled, so that it gives the variance V of this module; where it is zero throughout, each
    cluster gets the root of its sampling variance. Unchanged where V is what the influence gives already.
    """
    if sampling is None:
        return overall
    info = {**overall.info, "sampling": sampling.why_not or CONVENTION}
    codes = cluster_codes(overall.clusters, overall.units)
    psi = np.asarray(overall.influence, dtype=float)[:, 0]
    between = float(np.sum(np.bincount(codes, weights=psi) ** 2)) / len(psi) ** 2
    floor = float(sampling.by_cluster.sum())
    total = max(between + sampling.unseen, floor)
    if not total > between * (1 + 1e-12):
        return replace(overall, info=info)
    if between > 1e-12 * total:
        return replace(overall, influence=(psi * math.sqrt(total / between))[:, None], info=info)
    first = np.unique(codes, return_index=True)[1]
    own = np.zeros(len(psi))
    own[first] = len(psi) * np.sqrt(sampling.by_cluster)
    return replace(overall, influence=own[:, None], info={**info, "influence_centred": False})


def widen_interval(estimate: float, ends: tuple[float, float], error: float, level: float) -> tuple[float, float]:
    """Return an interval that is nowhere narrower than sampling alone would make it; NaN ends stay NaN."""
    width = NormalDist().inv_cdf(0.5 + level / 2) * error
    low, high = ends
    if math.isnan(low) or math.isnan(high) or not width > 0:
        return ends
    return min(low, estimate - width), max(high, estimate + width)


def _readings(design: Design) -> int:
    seen = np.isfinite(design.outcome)
    _, first = np.unique(np.column_stack([design.cohort[:, None], seen]), axis=0, return_index=True)
    columns: int = 1 + design.covariates.shape[1]
    return int(np.count_nonzero(seen[first])) * columns


def _alone(overall: Effects, codes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """(n,) units whose cluster is the only one of a treated cohort, where the method cannot see its noise."""
    alone = np.zeros(len(codes), dtype=bool)
    if overall.info.get("method") not in _CENTRED_ON_COHORT:
        return alone
    for cohort in np.unique(overall.cohort[np.isfinite(overall.cohort)]):
        inside = overall.cohort == cohort
        alone[inside] = len(np.unique(codes[inside])) == 1
    return alone
