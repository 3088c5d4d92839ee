"""Placebo inference for synthetic difference-in-differences: what the estimator finds where nothing was done."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.features import describe_feature, list_features
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.synthetic_did import ESTIMATOR, Setup, can_be_weighted, estimate_synthetic_did, set_up
from evaltoolkit.estimators.synthetic_weights import Blocks, Solver, Variant, find_weights, measure_gaps
from evaltoolkit.findings import EvaltoolkitError, RefusedError

Indices = npt.NDArray[np.intp]

# numbers held at once: some 16 MB per array
_CHUNK = 2_000_000
# placebos as large as the estimate but for rounding count as large
_ROUNDING = 1e-10
CITATION = "Arkhangelsky et al. (2021), Algorithm 4, https://doi.org/10.1257/aer.20190159"


@dataclass(frozen=True)
class Placebos:
    """The estimator's results with treatment reassigned among untreated units.

    Attributes
    ----------
    estimate : overall effect on the treated
    overall : (B,) overall placebo effects
    event_times : (E,) time since treatment
    event_estimate : (E,) effects by event time
    events : (B, E) placebo effects by event time
    exhaustive : whether these are all possible reassignments, each once; otherwise B are drawn
    n_donors, n_treated : untreated and treated units
    seed : of the draws; unused where exhaustive
    """

    estimate: float
    overall: Array
    event_times: Array
    event_estimate: Array
    events: Array
    exhaustive: bool
    n_donors: int
    n_treated: int
    seed: int

    @property
    def std_error(self) -> float:
        """Standard deviation of the overall placebo effects: right if the treated scatter as the untreated do."""
        return float(self.overall.std())

    @property
    def event_std_error(self) -> Array:
        """(E,) standard deviations of the placebo effects by event time."""
        return np.asarray(self.events.std(axis=0))

    @property
    def p_value(self) -> float:
        """Share of reassignments, the real one among them, whose overall effect is as far from zero."""
        return float(_ranks(np.array([self.estimate]), self.overall[:, None])[0])

    @property
    def event_p_value(self) -> Array:
        """(E,) the same by event time, each by itself; before treatment the fit is judged, not a trend."""
        return _ranks(self.event_estimate, self.events)

    @property
    def attainable(self) -> float:
        """The smallest p-value that could have come out."""
        return 1 / (1 + len(self.overall))


def placebo_effects(
    design: Design,
    *,
    variant: Variant = "synthetic_did",
    solver: Solver = "exact",
    draws: int = 1_000,
    seed: int = 1,
) -> Placebos:
    """Estimate the effect of nothing, by giving the treatment to untreated units.

    The treated units are put aside. As many of the untreated are treated in name, with cohorts of the same sizes, the
    others are donors, and weights are found anew each time.

    Estimand: the distribution of the overall and event-time estimates under no effect at all. The rank p-value tests
    that hypothesis; the standard deviation is the standard error of Algorithm 4.

    Assumptions: which units were treated is as good as drawn among all units (p-value), or at least treated and
    untreated units scatter alike (standard error).

    Not when: the treated are chosen for being unlike the others; clusters of units were treated together.

    Parameters
    ----------
    design : Design
        As for :func:`~evaltoolkit.estimators.synthetic_did.estimate_synthetic_did`; every unit its own cluster.
    variant, solver
        As there.
    draws : int
        Reassignments. Where there are no more than this many different ones, all are used, each once.
    seed : int

    Returns
    -------
    Placebos

    Raises
    ------
    RefusedError
        Not more donors than treated units, clusters of several units, or a design that the estimator does not take.
    EvaltoolkitError
        Fewer than one draw; nothing to estimate.

    References
    ----------
    https://doi.org/10.1257/aer.20190159; Abadie, Diamond and Hainmueller (2010),
    https://doi.org/10.1198/jasa.2009.ap08746

    Examples
    --------
    >>> placebo_effects(design, draws=500).p_value  # doctest: +SKIP
    """
    if draws < 1:
        raise EvaltoolkitError(f"draws must be 1 or more, for example 1000; got {draws}.")
    _refuse_features(design)
    setup = set_up(design)
    sizes = [len(cohort.treated) for cohort in setup.cohorts]
    _refuse(setup, sum(sizes))
    effects = estimate_synthetic_did(design, variant=variant, solver=solver)
    orders, exhaustive = _reassign(len(setup.donors), sizes, draws, seed)
    points = _placebo_points(setup, orders, variant, solver)
    defined = np.isfinite(effects.estimate)
    points = np.where(defined[:, None], points, 0.0)
    events = effects.aggregate("event")
    return Placebos(
        estimate=float(effects.aggregate("overall").estimate[0]),
        overall=(aggregation_matrix(effects, "overall") @ points)[0],
        event_times=events.labels["event_time"].to_numpy(float),
        event_estimate=events.estimate,
        events=np.where(np.isfinite(events.estimate), (aggregation_matrix(effects, "event") @ points).T, np.nan),
        exhaustive=exhaustive,
        n_donors=len(setup.donors),
        n_treated=sum(sizes),
        seed=seed,
    )


def _ranks(estimate: Array, placebos: Array) -> Array:
    size = np.abs(estimate) * (1 - _ROUNDING)
    ranks = (1 + (np.abs(placebos) >= size).sum(axis=0)) / (1 + len(placebos))
    return np.where(np.isfinite(estimate), ranks, np.nan)


def _refuse_features(design: Design) -> None:
    beyond = [describe_feature(one) for one in sorted(list_features(design) - ESTIMATOR.accepts)]
    if beyond:
        raise RefusedError(f"placebo_effects cannot use {', '.join(beyond)}. Leave that out of the design, knowingly.")


def _refuse(setup: Setup, n_treated: int) -> None:
    design = setup.sample.design
    if len(setup.donors) <= n_treated:
        raise RefusedError(
            f"Placebos need more untreated than treated units; there are {len(setup.donors)} untreated and "
            f"{n_treated} treated. With so many treated units use the standard errors of the estimate instead."
        )
    if count_clusters(cluster_codes(design.clusters, design.units)) < len(design.units):
        raise RefusedError(
            "Placebos reassign treatment unit by unit, but this design has clusters of several units. "
            "Build the panel at the level of the clusters, or use the standard errors of the estimate."
        )


def _reassign(n_donors: int, sizes: list[int], draws: int, seed: int) -> tuple[Indices, bool]:
    """(B, n_donors) orders of the donors: first the placebo-treated, cohort by cohort, then who compares."""
    left, count = n_donors, 1
    for size in sizes:
        count *= math.comb(left, size)
        left -= size
    if count <= draws:
        return np.array(list(_all_orders(tuple(range(n_donors)), sizes)), dtype=np.intp), True
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(n_donors), (draws, 1)), axis=1), False


def _all_orders(free: tuple[int, ...], sizes: list[int]) -> Iterator[tuple[int, ...]]:
    if not sizes:
        yield free
        return
    for chosen in itertools.combinations(free, sizes[0]):
        rest = tuple(one for one in free if one not in chosen)
        for tail in _all_orders(rest, sizes[1:]):
            yield chosen + tail


def _placebo_points(setup: Setup, orders: Indices, variant: Variant, solver: Solver) -> Array:
    """(k, B) placebo effects, rows as the estimator has them; NaN for cohorts that cannot be estimated."""
    outcome = setup.sample.design.outcome[setup.donors]
    n_treated = sum(len(cohort.treated) for cohort in setup.cohorts)
    step = max(1, _CHUNK // outcome.size)
    parts = []
    for begin in range(0, len(orders), step):
        some = orders[begin : begin + step]
        donors = outcome[some[:, n_treated:]]
        taken, gaps = 0, []
        for cohort in setup.cohorts:
            size = len(cohort.treated)
            treated = outcome[some[:, taken : taken + size]].mean(axis=1)
            taken += size
            if not can_be_weighted(cohort, variant):
                gaps.append(np.full_like(treated, np.nan))
                continue
            blocks = Blocks(donors, treated, size, cohort.before, cohort.start)
            gaps.append(measure_gaps(blocks, find_weights(blocks, variant, solver)))
        parts.append(np.concatenate(gaps, axis=1))
    return np.asarray(np.concatenate(parts).T)
