"""Synthetic difference-in-differences, with synthetic control and plain differences as special cases."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.cells import Sample, first_positions, select_units
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.estimators.simplex import CERTIFIED
from evaltoolkit.estimators.synthetic_weights import Blocks, Solver, Variant, Weights, find_weights, measure_gaps
from evaltoolkit.findings import EvaltoolkitError

Indices = npt.NDArray[np.intp]

CITATION = "Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), https://doi.org/10.1257/aer.20190159"
SE_CONVENTION = (
    "jackknife over units with unit and time weights held (Algorithm 3), around the mean of the n estimates as in R's "
    "synthdid: sqrt((n-1)/n sum (theta_(i) - mean theta_(.))^2); with clusters the deviations are summed by cluster "
    "first. None where a cohort has one treated cluster. Its theory is for synthetic_did and did, not for "
    "synthetic_control"
)
TOO_SHORT = "fewer than two periods before treatment: no unit weights can be found"
NOT_CERTIFIED = "the weights could not be brought to the optimum"
ONE_TREATED_CLUSTER = "one treated cluster in the cohort: no standard error; placebo_effects gives a p-value"
ONE_DONOR = "one comparison cluster carries all the weight: no standard error; placebo_effects gives a p-value"

# What the tiny ridge of a synthetic control leaves on donors that the fit does not ask for is less.
_CARRYING = 1e-6


class Cohort(NamedTuple):
    """One adoption period: who is treated (row numbers), and when the panel turns."""

    date: float
    treated: Indices
    before: int
    start: int


class Setup(NamedTuple):
    """The sample, its donors (row numbers) and its cohorts."""

    sample: Sample
    donors: Indices
    cohorts: tuple[Cohort, ...]


class _Fit(NamedTuple):
    """Effects (T,), deviations (n, T) of leaving each unit out, counts of clusters, weights, reason; of one cohort."""

    gaps: Array
    deviations: Array
    counts: tuple[int, int]
    weights: Weights | None
    reason: str


def estimate_synthetic_did(design: Design, *, variant: Variant = "synthetic_did", solver: Solver = "exact") -> Effects:
    """Compare each cohort with a weighted mean of untreated units that moved like it before.

    Estimand: ATT(g,t), the mean effect in period t on the units first treated in g. Averaged by
    ``aggregate("overall")`` over treated units and periods, it is the staggered estimator of Clarke et al.: every
    cohort's estimate weighted by its number of treated units times treated periods.

    Assumptions: without treatment the treated would have gone on moving like their weighted donors did beside them
    before (levels may differ; for ``synthetic_control`` they must not); no effect before ``design.anticipation``
    periods ahead of treatment; treatment never reverts and does not reach the donors; many periods before treatment
    and many donors, so that the fit before is more than noise.

    Not when: there are few periods before treatment, or few donors; no mix of donors resembles the treated before
    treatment (see the rows before it); outcomes are missing; the treated are so many that plain group-time effects
    can be had.

    Parameters
    ----------
    design : Design
        Complete outcome (n, T) in the user's units. Donors are the units untreated to the end of the panel, whatever
        ``design.comparison``; units of other cohorts never are. Every cohort is estimated on its own.
    variant : {"synthetic_did", "synthetic_control", "did"}
        ``synthetic_control``: levels are matched and compared, no time weights. ``did``: equal weights.
    solver : {"exact", "synthdid"}
        Weights at the optimum, with a duality gap of at most 1e-12 of the problem's size; or where the R package
        synthdid 0.0.9 stops, some 1e-4 away, to reproduce its numbers.

    Returns
    -------
    Effects
        Kind ``group_time``, every cohort in every period: treated less synthetic, less the same before treatment
        averaged by the time weights (event study of Ciccia 2024). Rows before treatment show the fit; they were
        fitted, and are no test of a trend. ``influence`` holds the jackknife; where a cohort has one treated cluster
        it is NaN and the row says so: use :func:`~evaltoolkit.estimators.synthetic_inference.placebo_effects`.
        ``info`` holds ``unit_weights``, ``time_weights`` and ``zeta`` by cohort, and the largest ``duality_gap``.

    Raises
    ------
    EvaltoolkitError
        No unit is treated after the first period, or no unit stays untreated to the end.

    References
    ----------
    https://doi.org/10.1257/aer.20190159; Clarke et al. (2024), https://doi.org/10.1177/1536867X241297914;
    Ciccia (2024), https://doi.org/10.48550/arXiv.2407.09565

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "synthetic_did").aggregate("event").to_frame()  # doctest: +SKIP
    """
    setup = set_up(design)
    held = setup.sample.design
    clusters = cluster_codes(held.clusters, held.units)
    fits = [_fit(setup, cohort, clusters, variant, solver) for cohort in setup.cohorts]
    n, periods = held.outcome.shape
    reasons = [fit.reason for fit in fits for _ in range(periods)]
    return Effects(
        kind="group_time",
        labels=_labels(setup, fits),
        estimate=np.concatenate([fit.gaps for fit in fits]),
        influence=np.column_stack([-np.sqrt(n * (n - 1)) * fit.deviations for fit in fits]),
        units=held.units,
        cohort=held.cohort,
        weights=held.weights,
        clusters=held.clusters,
        reasons=tuple(reasons),
        info=_describe(setup, fits, variant, solver),
    )


def set_up(design: Design) -> Setup:
    """Select units, donors and cohorts, see :func:`estimate_synthetic_did`."""
    sample = select_units(design, missing="complete_units")
    held = sample.design
    last = len(held.times)
    donors = np.flatnonzero(sample.position > last - 1 + held.anticipation)
    dates = held.cohorts
    starts = first_positions(dates, held.times).tolist()
    cohorts = tuple(
        Cohort(float(date), np.flatnonzero(held.cohort == date), start - held.anticipation, start)
        for date, start in zip(dates, starts, strict=True)
    )
    why = "; ".join(f"{len(units)} units {reason}" for reason, units in sample.dropped.items())
    left_out = f" Left out: {why}." if why else ""
    if not cohorts:
        raise EvaltoolkitError(
            f"No unit is treated after the first period of the panel.{left_out} "
            "Add earlier periods, or check the dates in the roster."
        )
    if not len(donors):
        raise EvaltoolkitError(
            f"No unit stays untreated to the end of the panel, so there is none to compare with.{left_out} "
            "Add units that are never treated, or end the panel before the last start."
        )
    return Setup(sample, donors, cohorts)


def can_be_weighted(cohort: Cohort, variant: Variant) -> bool:
    """Whether there are periods enough before treatment to find weights."""
    return cohort.before >= (1 if variant == "did" else 2)


def _fit(setup: Setup, cohort: Cohort, clusters: Indices, variant: Variant, solver: Solver) -> _Fit:
    outcome = setup.sample.design.outcome
    counts = count_clusters(clusters[cohort.treated]), count_clusters(clusters[setup.donors])
    nothing = np.full(outcome.shape[1], np.nan), np.full(outcome.shape, np.nan)
    if not can_be_weighted(cohort, variant):
        return _Fit(*nothing, counts, None, TOO_SHORT)
    donors, treated = outcome[setup.donors], outcome[cohort.treated]
    blocks = Blocks(donors[None], treated.mean(axis=0)[None], len(treated), cohort.before, cohort.start)
    weights = find_weights(blocks, variant, solver)
    if weights.gap[0] > CERTIFIED:
        return _Fit(*nothing, counts, None, NOT_CERTIFIED)
    carrying = setup.donors[weights.units[0] > _CARRYING]
    counts = counts[0], count_clusters(clusters[carrying])
    gaps = measure_gaps(blocks, weights)[0]
    if min(counts) == 1:
        reason = ONE_TREATED_CLUSTER if counts[0] == 1 else ONE_DONOR
        return _Fit(gaps, nothing[1], counts, weights, reason)
    deviations = np.zeros_like(outcome)
    deviations[setup.donors], deviations[cohort.treated] = _leave_out(donors, treated, weights)
    return _Fit(gaps, deviations - deviations.mean(axis=0), counts, weights, "")


def _leave_out(donors: Array, treated: Array, weights: Weights) -> tuple[Array, Array]:
    """Change of the effects when a donor (N0, T) or a treated unit (N1, T) is left out and no weight is found anew.

    The weights of the other donors are scaled to sum to one. Units of other cohorts change nothing.
    """
    share, periods = weights.units[0][:, None], weights.periods[0]
    donors, treated = (rows - (rows[:, : len(periods)] @ periods)[:, None] for rows in (donors, treated))
    synthetic = weights.units[0] @ donors
    mean = treated.mean(axis=0)
    return share / (1 - share) * (donors - synthetic), (mean - treated) / (len(treated) - 1)


def _labels(setup: Setup, fits: list[_Fit]) -> pd.DataFrame:
    times = setup.sample.design.times
    counts = np.repeat(np.array([fit.counts for fit in fits], dtype=np.int64), len(times), axis=0)
    return pd.DataFrame(
        {
            "cohort": np.repeat([cohort.date for cohort in setup.cohorts], len(times)),
            "time": np.tile(times, len(fits)),
            "n_treated": counts[:, 0],
            "n_comparison": counts[:, 1],
        }
    )


def _describe(setup: Setup, fits: list[_Fit], variant: Variant, solver: Solver) -> dict[str, Any]:
    design = setup.sample.design
    donors = design.units[setup.donors]
    found = [(cohort, fit.weights) for cohort, fit in zip(setup.cohorts, fits, strict=True) if fit.weights is not None]
    return {
        "method": "synthetic_did",
        "estimand": "ATT(g,t) against a weighted mean of the units untreated to the end",
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "variant": variant,
        "solver": solver,
        # weights were chosen so that the treated and their donors move alike before: no test of trends is left
        "before": "estimated" if variant == "did" else "fitted",
        "outcome": design.outcome_name,
        "comparison": "untreated to the end",
        "anticipation": design.anticipation,
        "times": tuple(float(time) for time in design.times),
        "event_clock": str(design.info.get("event_clock", "time")),
        "dropped_units": dict(setup.sample.dropped),
        "unit_weights": {cohort.date: _named(donors, weights.units[0]) for cohort, weights in found},
        "time_weights": {cohort.date: _named(design.times, weights.periods[0]) for cohort, weights in found},
        "zeta": {cohort.date: float(weights.zeta[0]) for cohort, weights in found},
        "duality_gap": max((float(weights.gap[0]) for _, weights in found), default=float("nan")),
    }


def _named(names: npt.NDArray[Any], values: Array) -> dict[Any, float]:
    """Positive weights by name."""
    return {name: value for name, value in zip(names.tolist(), values.tolist(), strict=False) if value > 0}


ESTIMATOR = Estimator(
    name="synthetic_did",
    run=estimate_synthetic_did,
    options={
        "variant": ("synthetic_did", "synthetic_control", "did"),
        "solver": ("exact", "synthdid"),
    },
    title="Synthetic difference-in-differences",
    citation=CITATION,
    accepts=frozenset({"anticipation"}),
    alone={"": "its weights are chosen anew for every outcome, by how that outcome moved before treatment"},
)
