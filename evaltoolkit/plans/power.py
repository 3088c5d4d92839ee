"""The smallest effect that a design would find, by simulation on the panel's own untreated series."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import NEVER, Array, Design
from evaltoolkit.designs.subset import keep_periods, keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS, critical_value, std_errors
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.methods import estimate_as_planned
from evaltoolkit.plans.plan import Estimation
from evaltoolkit.plans.spatial import spatial_ratio
from evaltoolkit.plans.statistics import (
    Bools,
    Ints,
    comparison_clusters,
    n_clusters,
    observed_cells,
    untreated_cells,
    usable_units,
)

Estimator = Callable[[Design], Effects]

_LINEAR = ("group_time", "imputation", "sun_abraham")
# share of placebo studies that must yield an estimate with an interval
_MIN_DEFINED = 0.9


@dataclass(frozen=True)
class Power:
    """What a design could find.

    Attributes
    ----------
    mde : smallest true effect (units of the outcome) found with the wanted power; NaN where unknown
    reason : message id ``mde.*`` that says why it is unknown; empty otherwise
    table : columns ``effect, power``
    placebo_sd : spread of the estimates where nothing was done
    false_alarms : share of placebo draws whose interval excludes zero (the nominal value is 1 - level)
    noise_ratio : size of the swings of treated over those of never treated units, period to period, before treatment
    spatial_ratio : variance of the comparison over that with units that move independently of their neighbours
    source : where the noise comes from: ``comparison_paths`` or ``pre_periods``
    draws : number of placebo studies
    """

    mde: float
    reason: str = ""
    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"effect": [], "power": []}))
    placebo_sd: float = np.nan
    false_alarms: float = np.nan
    noise_ratio: float = np.nan
    spatial_ratio: float = 1.0
    source: str = ""
    draws: int = 0


class _Places(NamedTuple):
    """Clusters of the pool (rows, sizes) and cohorts of the real clusters that they take the place of."""

    members: list[Ints]
    sizes: Ints
    cohorts: Array
    ratio: float


def minimum_detectable_effect(
    design: Design,
    estimation: Estimation | None = None,
    *,
    power: float = 0.8,
    draws: int = 200,
    estimator: Estimator | None = None,
    groups: npt.NDArray[np.str_] | None = None,
) -> Power:
    """Return the smallest true overall effect that the plan's own estimator and interval would find.

    Estimand: the constant effect on treated cells at which the interval excludes zero in ``power`` of the studies.
    Assumption: the treated would, untreated, have moved like the untreated series that are resampled, but for the
    size of their swings, which is measured before treatment (``noise_ratio``).

    A placebo study draws whole series of untreated clusters with replacement (so serial correlation,
    overdispersion, gaps and sampling error stay as they are), gives them the real cohorts in their real
    numbers, and estimates. The estimator is linear in the outcome, so a constant effect shifts each placebo estimate by
    itself and leaves its standard error alone: one estimation per study gives the whole power curve. Where fewer than
    ten untreated clusters were seen after the first start, all units' periods before any treatment are used, with a
    single placebo start halfway. Where nobody has begun yet, those who will begin get that placebo start: the figure
    then holds for a study as long as the periods so far.

    Not when: participants differ from the others in a covariate that the estimate adjusts for; placebo participants
    are drawn at random, so the figure is then a lower bound.

    Parameters
    ----------
    design : Design
    estimation : the plan's estimation settings; its ``level`` and ``seed`` are used here
    power : wanted share of studies that find the effect
    draws : number of placebo studies
    estimator : returns group-time effects of a design; by default the plan's method, or ``group_time`` where that
        method is not linear in the outcome (synthetic controls, counts, shares)
    groups : (n,) label of the group of neighbours of every unit, such as its arrondissement. Where every unit is its
        own cluster, what neighbours have in common is measured, and the noise of the comparison of arms follows from
        where the treated really lie (:func:`evaltoolkit.plans.spatial.spatial_ratio`).

    Returns
    -------
    Power
        NaN with a reason below ten treated or comparison clusters, or where no untreated series can be had.

    References
    ----------
    Bertrand, Duflo, Mullainathan (2004), doi:10.1162/003355304772839588 (placebo laws);
    Black, Hollingsworth, Nunes, Simon (2022), Journal of Public Economics 213 (simulated power for DiD).
    """
    settings = estimation or Estimation()
    planned = np.isfinite(design.cohort)
    if planned.any() and not design.treated.any():
        # nobody has begun: the periods so far, with a placebo start halfway for those who will
        return _before_the_start(design, planned, settings, power, draws, estimator)
    usable = usable_units(design)
    if min(n_clusters(design, usable & design.treated), comparison_clusters(design)) < MIN_CLUSTERS:
        return Power(np.nan, "mde.few_clusters")
    spatial = 1.0
    if groups is not None and len(np.unique(design.clusters)) == len(design.units):
        spatial = spatial_ratio(design, groups).ratio
    pool, slots, source = _noise(design)
    if pool is None or slots is None:
        return Power(np.nan, "mde.no_source")
    ratio = noise_ratio(design) if source == "comparison_paths" else 1.0
    return _placebo_power(pool, slots, ratio, source, settings, power, draws, estimator, spatial)


def _before_the_start(
    design: Design,
    planned: Bools,
    settings: Estimation,
    power: float,
    draws: int,
    estimator: Estimator | None,
) -> Power:
    seen = observed_cells(design)
    columns = np.flatnonzero(seen.any(axis=0))
    enough = seen.sum(axis=1) > 1
    if len(columns) < 2:
        return Power(np.nan, "mde.no_source")
    if min(n_clusters(design, enough & planned), n_clusters(design, enough & ~planned)) < MIN_CLUSTERS:
        return Power(np.nan, "mde.few_clusters")
    early = keep_units(_before_anyone(design, columns, planned), np.flatnonzero(enough))
    return _placebo_power(early, early, 1.0, "pre_periods", settings, power, draws, estimator)


def _placebo_power(
    pool: Design,
    slots: Design,
    ratio: float,
    source: str,
    settings: Estimation,
    power: float,
    draws: int,
    estimator: Estimator | None,
    spatial: float = 1.0,
) -> Power:
    rng = np.random.default_rng(settings.seed)
    run = estimator or _own_estimator(settings)
    places = _places_of(pool, slots, ratio)
    studies = (_placebo_design(pool, places, rng) for _ in range(draws))
    estimates, halves = np.array([_estimate_and_half(study, run, settings.level) for study in studies]).T
    defined = np.isfinite(estimates) & np.isfinite(halves)
    if defined.mean() < _MIN_DEFINED:
        return Power(np.nan, "mde.undefined", source=source, draws=draws)
    # a sample of k clusters varies by (k-1)/k less than where it came from
    k = len(np.unique(pool.clusters))
    inflate = np.sqrt(k / (k - 1))
    # the interval does not know what neighbours share; the estimate does
    found = _summary(inflate * np.sqrt(spatial) * estimates[defined], inflate * halves[defined], power)
    return dataclasses.replace(found, noise_ratio=ratio, spatial_ratio=spatial, source=source)


def _summary(estimates: Array, halves: Array, power: float) -> Power:
    mde = solve_effect(estimates, halves, power)
    grid = np.linspace(0, 2 * mde, 21)
    table = pd.DataFrame({"effect": grid, "power": power_curve(estimates, halves, grid)})
    alarms = float(np.mean(np.abs(estimates) > halves))
    spread = float(estimates.std(ddof=1))
    return Power(mde, "", table, placebo_sd=spread, false_alarms=alarms, draws=len(estimates))


def power_curve(estimates: Array, halves: Array, effects: Array) -> Array:
    """Return the share of studies whose interval excludes zero, for each true effect.

    Parameters
    ----------
    estimates : (R,) placebo estimates; halves : (R,) half widths of their intervals; effects : (k,)

    Noise has no sign, so each study counts with its estimate and with its mirror image.
    """
    both = np.concatenate([estimates, -estimates])
    widths = np.concatenate([halves, halves])
    return np.asarray((np.abs(both[:, None] + effects) > widths[:, None]).mean(axis=0))


def solve_effect(estimates: Array, halves: Array, power: float) -> float:
    """Return the effect from which on the wanted share of studies finds it."""
    needed = np.concatenate([halves - estimates, halves + estimates])
    return float(np.quantile(needed, power))


def noise_ratio(design: Design) -> float:
    """Return how strongly treated units swing from period to period, relative to never treated ones.

    Root mean squares of untreated first differences around their arm's mean per period, over the periods that both
    arms have. 1 where fewer than ``MIN_CLUSTERS`` treated units show a difference, and where the two arms differ by no
    more than three standard errors: a ratio that chance made would promise or ask too much.
    """
    clean = untreated_cells(design)
    change = np.where(clean[:, 1:] & clean[:, :-1], np.diff(design.outcome, axis=1), np.nan)
    arms = [change[design.treated], change[~design.treated]]
    shared = np.flatnonzero(np.min([np.isfinite(arm).sum(axis=0) for arm in arms], axis=0) > 1)
    around = [arm[:, shared] - _column_means(arm[:, shared]) for arm in arms]
    if not len(shared) or np.isfinite(around[0]).any(axis=1).sum() < MIN_CLUSTERS:
        return 1.0
    (treated, treated_error), (never, never_error) = (_log_spread(arm) for arm in around)
    gap = treated - never
    return float(np.exp(gap)) if abs(gap) > 3 * np.hypot(treated_error, never_error) else 1.0


def _log_spread(changes: Array) -> tuple[float, float]:
    """Logarithm of the root mean square of (n, k) changes, with its standard error over units."""
    squares, counts = np.nansum(changes**2, axis=1), np.isfinite(changes).sum(axis=1)
    total = float(squares.sum())
    if total == 0:
        return -np.inf, 0.0
    mean = total / counts.sum()
    return 0.5 * float(np.log(mean)), 0.5 * float(np.sqrt(((squares - counts * mean) ** 2).sum())) / total


def _column_means(values: Array) -> Array:
    """Mean of each column over what was observed; zero where nothing was."""
    counts = np.isfinite(values).sum(axis=0)
    return np.asarray(np.nansum(values, axis=0) / np.maximum(counts, 1))


def _noise(design: Design) -> tuple[Design | None, Design | None, str]:
    """Return where series are drawn from and the study whose cohorts they are given."""
    usable = usable_units(design)
    never = usable & ~design.treated
    first = int(np.searchsorted(design.times, design.cohorts[0]))
    if n_clusters(design, never) >= MIN_CLUSTERS and observed_cells(design)[never][:, first:].any():
        return keep_units(design, np.flatnonzero(never)), keep_units(design, np.flatnonzero(usable)), "comparison_paths"
    clean = np.flatnonzero(untreated_cells(design).sum(axis=0) == len(design.units))
    seen = observed_cells(design)[:, clean]
    if len(clean) < 2 or n_clusters(design, (seen.sum(axis=1) > 1)) < 2 * MIN_CLUSTERS:
        return None, None, ""
    early = _before_anyone(design, clean, design.treated)
    enough = np.flatnonzero(seen.sum(axis=1) > 1)
    return keep_units(early, enough), keep_units(early, enough), "pre_periods"


def _before_anyone(design: Design, clean: Ints, starting: Bools) -> Design:
    """Return the periods before any treatment, with one placebo start halfway for all that are treated."""
    times = design.times[clean]
    placebo = times[(len(times) + 1) // 2]
    return dataclasses.replace(
        keep_periods(design, clean),
        cohort=np.where(starting, placebo, NEVER),
        anticipation=0,
        comparison="never_treated",
    )


def _own_estimator(settings: Estimation) -> Estimator:
    """The plan's own estimator where an effect shifts it (it is linear in the outcome); else group-time effects."""
    linear = settings if settings.method in _LINEAR else settings.model_copy(update={"method": "group_time"})
    return partial(estimate_as_planned, settings=linear)


def _estimate_and_half(study: Design, run: Estimator, level: float) -> tuple[float, float]:
    try:
        overall = run(study).aggregate("overall")
    except EvaltoolkitError:
        # a draw with too few observed pairs is one that cannot be estimated; a share of them is counted
        return np.nan, np.nan
    few = min(int(overall.labels[f"n_{arm}"].iloc[0]) for arm in ("treated", "comparison")) < MIN_CLUSTERS
    error = float(std_errors(overall)[0])
    # what can be found is asked of the error of the estimate, also where small cohorts leave it without an interval
    if few or not np.isfinite(error):
        return float(overall.estimate[0]), np.nan
    return float(overall.estimate[0]), float(critical_value(overall, level=level) * error)


def _places_of(pool: Design, slots: Design, ratio: float) -> _Places:
    members = _rows_of(pool.clusters)
    # a cluster with several cohorts counts once per cohort: what its arms share is left out, which asks for more
    places = _rows_of(np.char.add(np.char.add(slots.clusters, "|"), slots.cohort.astype(str)))
    return _Places(
        members=members,
        sizes=np.array([len(rows) for rows in members]),
        cohorts=np.array([slots.cohort[rows[0]] for rows in places]),
        ratio=ratio,
    )


def _placebo_design(pool: Design, places: _Places, rng: np.random.Generator) -> Design:
    """Fill each cluster of the real design with the units of a random untreated cluster."""
    drawn = rng.integers(len(places.members), size=len(places.cohorts))
    rows = np.concatenate([places.members[index] for index in drawn])
    sizes = places.sizes[drawn]
    cohort = np.repeat(places.cohorts, sizes)
    study = keep_units(pool, rows)
    center = _column_means(pool.outcome)
    swings = np.where(cohort <= pool.times[-1], places.ratio, 1.0)[:, None]
    return dataclasses.replace(
        study,
        outcome=center + swings * (study.outcome - center),
        cohort=cohort,
        units=np.arange(len(rows)).astype(str),
        clusters=np.repeat(np.arange(len(sizes)), sizes).astype(str),
        weights=study.weights / study.weights.mean(),
    )


def _rows_of(labels: npt.NDArray[np.str_]) -> list[Ints]:
    _, codes = np.unique(labels, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
