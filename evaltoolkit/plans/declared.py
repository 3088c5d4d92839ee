"""Power from declared numbers, while there are no data: studies are simulated and estimated thousands at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import NEVER, Array, Design
from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.estimators.stack import estimate_overall_stack
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.power import Power, power_curve, solve_effect
from evaltoolkit.plans.study import Continuous, Count, Study, SurveyShare, YesNo

_Shape = tuple[int, int, int]

# at most this many numbers are held at once
_NUMBERS = 20_000_000
_STEPS = 12


def power_from_study(
    study: Study,
    effects: Sequence[float] | None = None,
    *,
    power: float = 0.8,
    draws: int = 2000,
    seed: int = 1,
) -> Power:
    """Return the power of a study that is only declared, and the smallest effect it would find.

    Estimand: the share of studies whose interval (group-time effects, overall, pointwise) excludes zero, for a
    constant true effect; for counts a constant ratio of rates.

    Assumption: units (or zones) vary as declared and independently of each other; the others are never treated.

    A continuous outcome is drawn once: a constant effect shifts every estimate and leaves its standard error alone.
    For shares, yes/no and counts the effect changes the noise too, so every effect has its own draws, from the same
    random numbers.

    Parameters
    ----------
    study : Study
    effects : sequence of float, optional
        Effects of the table; by default eleven from zero to twice the smallest detectable one.
    power : wanted share of studies that find the effect
    draws : number of simulated studies
    seed : int

    Returns
    -------
    Power
        ``source`` is ``declared``. NaN with the reason ``mde.few_clusters`` below ten treated or comparison units,
        where no interval would be given; with ``mde.out_of_range`` where no possible effect is found often enough.

    References
    ----------
    Black, Hollingsworth, Nunes, Simon (2022), Journal of Public Economics 213 (simulated power).
    """
    if _fewest_clusters(study) < MIN_CLUSTERS:
        return Power(np.nan, "mde.few_clusters", source="declared", draws=draws)
    null = simulate_estimates(study, 0.0, draws=draws, seed=seed)
    mde = _detectable(study, null, power, draws=draws, seed=seed)
    wanted = _default_effects(study, mde) if effects is None else [float(effect) for effect in effects]
    found = [_power_at(study, null, effect, draws=draws, seed=seed) for effect in wanted]
    table = pd.DataFrame({"effect": wanted, "power": found}, dtype=float)
    estimates, halves = null
    return Power(
        mde,
        "" if np.isfinite(mde) else "mde.out_of_range",
        table,
        placebo_sd=float(estimates.std(ddof=1)),
        false_alarms=float(np.mean(np.abs(estimates) > halves)),
        source="declared",
        draws=draws,
    )


def power_over(
    study: Study,
    changes: Sequence[dict[str, object]],
    *,
    draws: int = 2000,
    seed: int = 1,
    jobs: int = 1,
    advance: Callable[[], object] | None = None,
) -> pd.DataFrame:
    """Return the smallest detectable effect of variants of a study, for curves over units, waves and cohorts.

    Parameters
    ----------
    study : Study
    changes : sequence of dict
        Each replaces entries of the study, for example ``{"comparison_units": 60}``.
    draws, seed : as in :func:`power_from_study`
    jobs : number of processes
    advance : called after each variant, for a progress bar

    Returns
    -------
    DataFrame
        One row per variant: ``treated_units, comparison_units, periods, cohorts, mde, false_alarms, reason``. The same
        figures whatever the number of processes.
    """
    from joblib import Parallel, delayed

    variants = [Study.model_validate({**study.model_dump(), **change}) for change in changes]
    tasks = (delayed(power_from_study)(one, (), draws=draws, seed=seed) for one in variants)
    found = []
    # in the order of the variants, each as soon as it is there
    for result in Parallel(n_jobs=jobs, return_as="generator")(tasks):
        found.append(result)
        if advance is not None:
            advance()
    return pd.DataFrame(
        [
            {
                "treated_units": one.treated_units,
                "comparison_units": one.comparison_units,
                "periods": one.periods,
                "cohorts": len(one.cohorts),
                "mde": result.mde,
                "false_alarms": result.false_alarms,
                "reason": result.reason,
            }
            for one, result in zip(variants, found, strict=True)
        ]
    )


def simulate_estimates(study: Study, effect: float, *, draws: int, seed: int) -> tuple[Array, Array]:
    """Return the estimates and half widths of the intervals of simulated studies, (draws,) each.

    Estimates of a count are in units of the untreated rate: a ratio minus one.
    """
    from scipy.special import ndtri

    if not _possible(study, effect):
        raise EvaltoolkitError(f"An effect of {effect:g} is not possible for {study.outcome.kind} outcomes like these.")
    rng = np.random.default_rng([seed, 17])
    design = design_of(study)
    size = max(1, _NUMBERS // (design.outcome.size or 1))
    parts = []
    for first in range(0, draws, size):
        count = min(size, draws - first)
        outcome = draw_outcomes(study, design, effect, count, rng)
        stacked = estimate_overall_stack(_with_outcome(design, outcome))
        parts.append(np.array([stacked.estimate, stacked.std_error]))
    estimates, errors = np.concatenate(parts, axis=1)
    return estimates, float(ndtri(0.5 + study.level / 2)) * errors


def design_of(study: Study) -> Design:
    """Return the design of a study, its outcome still zero.

    Sizes of units, where they matter, are quantiles of their distribution, dealt out to the arms by a fixed shuffle:
    what varies between simulated studies is chance, not who is large.
    """
    cohort = np.concatenate(
        [np.full(study.comparison_units, NEVER), *(np.full(one.units, float(one.start)) for one in study.cohorts)]
    )
    n = len(cohort)
    units = np.arange(n).astype(str)
    return Design(
        units=units,
        times=np.arange(1, study.periods + 1, dtype=float),
        outcome=np.zeros((n, study.periods)),
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=_sizes(study, n),
        clusters=_zone_codes(study, n).astype(str),
    )


def _fewest_clusters(study: Study) -> int:
    """Clusters of the arm that has fewer."""
    codes = _zone_codes(study, study.comparison_units + study.treated_units)
    return min(len(np.unique(arm)) for arm in np.split(codes, [study.comparison_units]))


def _zone_codes(study: Study, n: int) -> npt.NDArray[np.int_]:
    """(n,) zone of every unit: neighbours in the list where zones start together, else spread over the arms."""
    place = np.arange(n)
    if study.zones is None:
        return place
    return place // study.zones.units if study.zones.start_together else place % -(-n // study.zones.units)


def draw_outcomes(study: Study, design: Design, effect: float, draws: int, rng: np.random.Generator) -> Array:
    """Return (n, T, draws) outcomes of a study in which the action has the given effect from its start on."""
    active = (design.times[None, :] >= design.cohort[:, None])[:, :, None]
    zones = _Zones(_zone_codes(study, len(design.units)), study.zones.correlation if study.zones else 0.0)
    shape = (len(design.units), len(design.times), draws)
    return _DRAW[study.outcome.kind](study.outcome, design.weights, effect * active, shape, zones, rng)


class _Zones(NamedTuple):
    """Zone of every unit, and the share of the noise that the units of a zone have in common."""

    codes: npt.NDArray[np.int_]
    share: float


def _sizes(study: Study, n: int) -> Array:
    from scipy.special import ndtri

    if not isinstance(study.outcome, Count) or study.outcome.size_sd == 0:
        return np.ones(n)
    sizes = np.exp(study.outcome.size_sd * ndtri((np.arange(n) + 0.5) / n))
    np.random.default_rng(5).shuffle(sizes)
    return np.asarray(sizes / sizes.mean())


def _shape_of_zones(zones: _Zones, shape: _Shape) -> _Shape:
    return (int(zones.codes.max()) + 1, *shape[1:])


def _chain(autocorrelation: float, shape: _Shape, rng: np.random.Generator) -> Array:
    """Stationary first-order noise of variance one along the periods."""
    noise = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        noise[:, t] = autocorrelation * noise[:, t - 1] + np.sqrt(1 - autocorrelation**2) * noise[:, t]
    return noise


def _wander(sd: float, autocorrelation: float, shape: _Shape, zones: _Zones, rng: np.random.Generator) -> Array:
    own = _chain(autocorrelation, shape, rng)
    if not zones.share:
        return sd * own
    common = _chain(autocorrelation, _shape_of_zones(zones, shape), rng)[zones.codes]
    return np.asarray(sd * (np.sqrt(1 - zones.share) * own + np.sqrt(zones.share) * common))


def _draw_continuous(
    outcome: Continuous, sizes: Array, shift: Array, shape: _Shape, zones: _Zones, rng: np.random.Generator
) -> Array:
    del sizes
    return shift + _wander(outcome.sd, outcome.autocorrelation, shape, zones, rng)


def _draw_share(
    outcome: SurveyShare, sizes: Array, shift: Array, shape: _Shape, zones: _Zones, rng: np.random.Generator
) -> Array:
    del sizes
    effective = max(1, round(outcome.respondents / outcome.design_effect))
    share = outcome.level + _wander(outcome.sd, outcome.autocorrelation, shape, zones, rng) + shift
    return rng.binomial(effective, np.clip(share, 0, 1)) / effective


def _draw_yes_no(
    outcome: YesNo, sizes: Array, shift: Array, shape: _Shape, zones: _Zones, rng: np.random.Generator
) -> Array:
    """A unit keeps its rank with probability ``persistence`` and draws a new one otherwise."""
    del sizes
    rank = _ranks(outcome.persistence, shape, rng)
    if zones.share:
        # two units are alike where both follow their zone: the share is the square of following
        follows = rng.random((shape[0], 1, shape[2])) < np.sqrt(zones.share)
        rank = np.where(follows, _ranks(outcome.persistence, _shape_of_zones(zones, shape), rng)[zones.codes], rank)
    return np.asarray(rank < outcome.level + shift, dtype=float)


def _ranks(persistence: float, shape: _Shape, rng: np.random.Generator) -> Array:
    rank = rng.random(shape)
    kept = rng.random(shape) < persistence
    for t in range(1, shape[1]):
        rank[:, t] = np.where(kept[:, t], rank[:, t - 1], rank[:, t])
    return rank


def _draw_count(
    outcome: Count, sizes: Array, shift: Array, shape: _Shape, zones: _Zones, rng: np.random.Generator
) -> Array:
    rate = _factor(outcome.unit_overdispersion, (shape[0], 1, shape[2]), rng)
    rate = rate * _factor((1 - zones.share) * outcome.overdispersion, shape, rng)
    if zones.share:
        rate = rate * _factor(zones.share * outcome.overdispersion, _shape_of_zones(zones, shape), rng)[zones.codes]
    expected = outcome.mean * sizes[:, None, None]
    events = rng.poisson(expected * rate * (1 + shift) * np.ones(shape))
    return np.asarray(events / expected)


def _factor(variance: float, shape: _Shape, rng: np.random.Generator) -> Array:
    """Gamma factors of mean one."""
    return rng.gamma(1 / variance, variance, shape) if variance else np.ones(shape)


_DRAW: dict[str, Callable[..., Array]] = {
    "continuous": _draw_continuous,
    "survey_share": _draw_share,
    "yes_no": _draw_yes_no,
    "count": _draw_count,
}


def _with_outcome(design: Design, outcome: Array) -> Design:
    from dataclasses import replace

    return replace(design, outcome=outcome)


def _power_at(study: Study, null: tuple[Array, Array], effect: float, *, draws: int, seed: int) -> float:
    if isinstance(study.outcome, Continuous):
        return float(power_curve(*null, np.array([effect]))[0])
    estimates, halves = simulate_estimates(study, effect, draws=draws, seed=seed)
    return float(np.mean(np.abs(estimates) > halves))


def _default_effects(study: Study, mde: float) -> list[float]:
    if not np.isfinite(mde):
        return []
    return [float(effect) for effect in np.linspace(0, 2, 11) * mde if _possible(study, float(effect))]


def _detectable(study: Study, null: tuple[Array, Array], power: float, *, draws: int, seed: int) -> float:
    """Solve for the effect in the direction sought; where noise depends on it, by bisection up to the largest."""
    sign = 1.0 if study.sought == "up" else -1.0
    if isinstance(study.outcome, Continuous):
        return sign * solve_effect(*null, power)
    low, high = 0.0, _largest(study, null)
    if _power_at(study, null, sign * high, draws=draws, seed=seed) < power:
        return np.nan
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _power_at(study, null, sign * middle, draws=draws, seed=seed) < power:
            low = middle
        else:
            high = middle
    return sign * high


def _largest(study: Study, null: tuple[Array, Array]) -> float:
    """The largest effect that is possible, or so large that it cannot be missed."""
    outcome, up = study.outcome, study.sought == "up"
    far = float(8 * np.median(null[1]))
    if isinstance(outcome, SurveyShare | YesNo):
        return min(far, 0.999 * (1 - outcome.level if up else outcome.level))
    return far if up or not isinstance(outcome, Count) else min(far, 0.999)


def _possible(study: Study, effect: float) -> bool:
    outcome = study.outcome
    if isinstance(outcome, SurveyShare | YesNo):
        return 0 < outcome.level + effect < 1
    return not isinstance(outcome, Count) or effect > -1
