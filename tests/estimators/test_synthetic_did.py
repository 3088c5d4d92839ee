"""Synthetic difference-in-differences: by hand, by brute force, what must not matter, and simulated truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.synthetic_did import ONE_DONOR, ONE_TREATED_CLUSTER, TOO_SHORT, estimate_synthetic_did
from evaltoolkit.findings import EvaltoolkitError

VARIANTS = ["synthetic_did", "synthetic_control", "did"]


def as_design(outcome, cohort, times=None, **rest):
    outcome = np.asarray(outcome, float)
    n, periods = outcome.shape
    units = np.array([f"u{i:03d}" for i in range(n)])
    values = {
        "units": units,
        "times": np.arange(periods, dtype=float) if times is None else np.asarray(times, float),
        "outcome": outcome,
        "cohort": np.asarray(cohort, float),
        "covariates": np.zeros((n, 0)),
        "covariate_names": (),
        "weights": np.ones(n),
        "clusters": units,
    }
    return Design(**{**values, **rest})


def factors(seed, *, n=24, periods=14, sizes=((10, 4),), effect=0.0, leaning=0.0, drift=0.0):
    """Two factors with unit loadings; the treated lean to the first, which drifts. ``sizes``: (start, units) pairs."""
    rng = np.random.default_rng(seed)
    cohort = np.full(n, np.inf)
    begin = 0
    for start, size in sizes:
        cohort[begin : begin + size] = start
        begin += size
    paths = rng.normal(size=(2, periods)) * 0.5
    paths[0] += drift * np.arange(periods)
    loadings = rng.normal(size=(n, 2)) + np.outer(np.isfinite(cohort), [leaning, 0.0])
    outcome = rng.normal(size=(n, 1)) + rng.normal(size=periods) + loadings @ paths + rng.normal(size=(n, periods)) / 2
    return as_design(outcome + effect * (np.arange(periods) >= cohort[:, None]), cohort)


def overall(design, **options):
    return estimate(design, "synthetic_did", **options).aggregate("overall")


def test_a_mix_by_hand():
    """Before: a quarter of the first donor and three quarters of the second; then 2 and 3 come on top."""
    donors = np.array([[0.0, 4, 8, 4, 0, 4], [4, 0, 4, 8, 4, 0], [90, 10, 50, 20, 70, 30]])
    treated = 0.25 * donors[0] + 0.75 * donors[1] + [0, 0, 0, 0, 2, 3]
    effects = estimate(as_design([treated, *donors], [4, *[np.inf] * 3]), "synthetic_did", variant="synthetic_control")
    np.testing.assert_allclose(effects.estimate, [0, 0, 0, 0, 2, 3], atol=1e-7)
    (weights,) = effects.info["unit_weights"].values()
    assert weights["u001"] == pytest.approx(0.25, abs=1e-8)
    assert weights["u002"] == pytest.approx(0.75, abs=1e-8)
    assert effects.labels["n_comparison"].tolist() == [2] * 6


def test_did_by_hand():
    """Treated mean 1, 3, 9; donors' mean 2, 2, 4: changes against the mean of two periods before are 7 and 2."""
    effects = estimate(
        as_design([[0, 2, 8], [2, 4, 10], [1, 3, 4], [3, 1, 4]], [2, 2, np.inf, np.inf]), "synthetic_did", variant="did"
    )
    np.testing.assert_allclose(effects.estimate, [-1, 1, 5])


@pytest.mark.parametrize("variant", ["synthetic_did", "did"])
def test_it_is_weighted_two_way_least_squares(variant):
    """Dummies for units and periods, weight omega_i lambda_t: equation 1 of the paper."""
    design = factors(1)
    effects = estimate(design, "synthetic_did", variant=variant)
    (units,), (periods,) = (effects.info[name].values() for name in ("unit_weights", "time_weights"))
    n, count = design.outcome.shape
    by_unit = np.array([units.get(unit, 0.0) for unit in design.units.tolist()])
    by_unit[:4] = 1 / 4
    by_period = np.array([periods.get(time, 0.0) for time in design.times.tolist()])
    by_period[10:] = 1 / 4
    weight = np.sqrt(np.outer(by_unit, by_period).ravel())
    treated = (design.cohort[:, None] <= design.times).ravel().astype(float)
    dummies = np.column_stack([np.kron(np.eye(n), np.ones((count, 1))), np.kron(np.ones((n, 1)), np.eye(count))])
    columns = np.column_stack([treated, dummies]) * weight[:, None]
    slope = np.linalg.lstsq(columns, design.outcome.ravel() * weight, rcond=None)[0][0]
    assert effects.aggregate("overall").estimate[0] == pytest.approx(slope, abs=1e-10)


def test_plain_differences_are_group_time_with_a_mean_base():
    design = factors(2)
    single = estimate(design, "group_time", base="universal")
    by_base = single.estimate - single.estimate[:10].mean()
    np.testing.assert_allclose(estimate(design, "synthetic_did", variant="did").estimate, by_base, atol=1e-12)


def leave_out(design, effects, unit):
    """Effects (k,) without a unit, with weights held and those of the donors scaled to one."""
    rest = design.units != unit
    found = []
    for cohort in design.cohorts:
        units = effects.info["unit_weights"][cohort]
        weight = np.array([units.get(one, 0.0) for one in design.units.tolist()]) * rest
        mean = design.outcome[rest & (design.cohort == cohort)].mean(axis=0)
        gap = mean - weight @ design.outcome / weight.sum()
        periods = effects.info["time_weights"].get(cohort, {})
        by_period = np.array([periods.get(time, 0.0) for time in design.times.tolist()])
        found.append(gap - gap @ by_period)
    return np.concatenate(found)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sizes", [((10, 4),), ((8, 3), (11, 5))])
def test_the_error_is_the_jackknife(variant, sizes):
    design = factors(3, sizes=sizes)
    effects = estimate(design, "synthetic_did", variant=variant)
    without = np.array([leave_out(design, effects, unit) for unit in design.units])
    n = len(without)
    np.testing.assert_allclose(std_errors(effects), np.sqrt((n - 1) * without.var(axis=0)), rtol=1e-9)
    # the paper centres at the estimate: larger by the square of the jackknife's bias
    paper = np.sqrt((n - 1) / n * np.square(without - effects.estimate).sum(axis=0))
    assert (std_errors(effects) <= paper + 1e-12).all()
    np.testing.assert_allclose(std_errors(effects), paper, rtol=0.03)


def test_overall_weights_treated_units_times_treated_periods():
    design = factors(4, sizes=((8, 3), (11, 5)))
    effects = estimate(design, "synthetic_did")
    at = {cohort: (effects.labels["cohort"] == cohort).to_numpy() for cohort in (8.0, 11.0)}
    early, late = (effects.estimate[at[c] & (effects.labels["time"] >= c).to_numpy()].mean() for c in at)
    expected = (3 * 6 * early + 5 * 3 * late) / (3 * 6 + 5 * 3)
    assert effects.aggregate("overall").estimate[0] == pytest.approx(expected, abs=1e-13)


def test_cohorts_are_estimated_by_themselves():
    """The other cohort is no donor: each cohort alone gives the same, and its outcomes do not matter."""
    design = factors(5, sizes=((8, 3), (11, 5)))
    both = estimate(design, "synthetic_did")
    alone = estimate(keep_units(design, design.cohort != 11), "synthetic_did")
    np.testing.assert_allclose(both.estimate[:14], alone.estimate, rtol=1e-12)
    wild = design.outcome + 100 * (design.cohort == 11)[:, None] * np.sin(design.times * 9)
    other = estimate(replace(design, outcome=wild), "synthetic_did")
    np.testing.assert_array_equal(both.estimate[:14], other.estimate[:14])
    assert np.abs(both.estimate[14:] - other.estimate[14:]).max() > 1
    later = replace(design, cohort=np.where(np.isinf(design.cohort), 99.0, design.cohort))
    np.testing.assert_array_equal(both.estimate, estimate(later, "synthetic_did").estimate)


def test_before_treatment_rows_average_to_zero_by_the_time_weights():
    design = factors(6)
    effects = estimate(design, "synthetic_did")
    (periods,) = effects.info["time_weights"].values()
    by_period = np.array([periods.get(time, 0.0) for time in design.times.tolist()])
    assert by_period.sum() == pytest.approx(1)
    assert effects.estimate @ by_period == pytest.approx(0, abs=1e-12)
    assert np.abs(effects.estimate[:10]).max() > 0.01


@given(st.integers(0, 10_000), st.sampled_from(VARIANTS), st.floats(0.01, 100), st.integers(-50, 50))
@settings(max_examples=25, deadline=None)
def test_what_must_not_matter(seed, variant, factor, shift):
    """Order and names of units, unit of the outcome, calendar.

    Not among them: what all units share in a period, because it is part of the noise level behind the ridge.
    """
    design = factors(seed, n=18, periods=10, sizes=((6, 2), (8, 3)))
    first = overall(design, variant=variant)
    order = np.random.default_rng(seed).permutation(18)
    moved = replace(
        design,
        outcome=factor * design.outcome[order],
        cohort=design.cohort[order] + shift,
        times=design.times + shift,
    )
    second = overall(moved, variant=variant)
    assert second.estimate[0] == pytest.approx(factor * first.estimate[0], abs=1e-7 * factor)
    assert std_errors(second)[0] == pytest.approx(factor * std_errors(first)[0], rel=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_levels_of_units_matter_to_synthetic_control_alone(variant):
    design = factors(7)
    levels = np.random.default_rng(8).normal(size=(24, 1)) * 10
    one, other = (overall(d, variant=variant) for d in (design, replace(design, outcome=design.outcome + levels)))
    same = abs(one.estimate[0] - other.estimate[0]) < 1e-9
    assert same == (variant != "synthetic_control")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("solver", ["exact", "synthdid"])
def test_a_constant_effect_is_added_and_nothing_else(variant, solver):
    options = {"variant": variant, "solver": solver}
    none, some = (estimate(factors(9, effect=e), "synthetic_did", **options) for e in (0.0, 2.5))
    np.testing.assert_allclose(some.estimate - none.estimate, np.repeat([0, 2.5], [10, 4]), atol=1e-12)


def test_anticipation_ends_what_is_before():
    """An effect two periods ahead spoils the weights, unless it is declared; the periods of it are rows like others."""
    design = factors(10)
    ahead = design.outcome + 5.0 * (np.isfinite(design.cohort)[:, None] & (design.times >= 8))
    effects = estimate(replace(design, outcome=ahead, anticipation=2), "synthetic_did")
    plain = estimate(replace(design, anticipation=2), "synthetic_did")
    np.testing.assert_allclose(effects.estimate - plain.estimate, np.repeat([0.0, 5.0], [8, 6]), atol=1e-12)
    (periods,) = effects.info["time_weights"].values()
    assert max(periods) < 8
    soon = replace(design, anticipation=2, cohort=np.where(np.isinf(design.cohort), 15.0, design.cohort))
    # treated just after the panel: two periods ahead is within it
    with pytest.raises(EvaltoolkitError, match="none to compare with"):
        estimate_synthetic_did(soon)


def test_one_treated_unit_has_no_standard_error():
    effects = estimate(factors(11, sizes=((9, 1), (10, 4))), "synthetic_did")
    lone = (effects.labels["cohort"] == 9).to_numpy()
    assert np.isfinite(effects.estimate).all()
    assert np.isnan(std_errors(effects)[lone]).all()
    assert (std_errors(effects)[~lone] > 0).all()
    assert {reason for reason, one in zip(effects.reasons, lone, strict=True) if one} == {ONE_TREATED_CLUSTER}
    # whatever a lone unit enters has none either: its own scatter is not known
    assert np.isnan(std_errors(effects.aggregate("overall"))[0])


def test_two_treated_units_of_one_cluster_have_none_either():
    design = factors(12, sizes=((9, 2),))
    clusters = np.where(np.isfinite(design.cohort), "zone", design.clusters)
    assert set(estimate(replace(design, clusters=clusters), "synthetic_did").reasons) == {ONE_TREATED_CLUSTER}


def test_clusters_add_up_before_they_are_squared():
    design = factors(13)
    pairs = np.array([f"c{i // 2:02d}" for i in range(24)])
    effects = estimate(replace(design, clusters=pairs), "synthetic_did")
    plain = estimate(design, "synthetic_did").influence
    expected = np.sqrt(np.square(plain[::2] + plain[1::2]).sum(axis=0)) / 24
    np.testing.assert_allclose(std_errors(effects), expected, rtol=1e-12)
    assert effects.labels["n_treated"].tolist() == [2] * 14


def test_reasons():
    short = estimate(factors(14, sizes=((1, 3), (10, 3))), "synthetic_did")
    assert set(short.reasons[:14]) == {TOO_SHORT}
    assert np.isnan(short.estimate[:14]).all()
    assert np.isfinite(short.estimate[14:]).all()
    assert np.isfinite(estimate(factors(14, sizes=((1, 3),)), "synthetic_did", variant="did").estimate).all()
    first = factors(14, sizes=((0, 2), (10, 3)))
    assert list(estimate(first, "synthetic_did").info["dropped_units"].values()) == [("u000", "u001")]
    donors = np.array([[0.0, 1, 5, 2], [9, 9, 9, 9]])
    alone = as_design([*np.tile(donors[0], (2, 1)), *donors], [3, 3, np.inf, np.inf])
    assert set(estimate(alone, "synthetic_did", variant="synthetic_control").reasons) == {ONE_DONOR}


def test_refusals():
    design = factors(15)
    gap = design.outcome.copy()
    gap[0, 0] = np.nan
    with pytest.raises(EvaltoolkitError, match="missing values"):
        estimate(replace(design, outcome=gap), "synthetic_did")
    with pytest.raises(EvaltoolkitError, match="cannot use weights"):
        estimate(replace(design, weights=np.linspace(0.5, 1.5, 24)), "synthetic_did")
    with pytest.raises(EvaltoolkitError, match="stays untreated"):
        estimate(replace(design, cohort=np.full(24, 10.0)), "synthetic_did")
    with pytest.raises(EvaltoolkitError, match="No unit is treated"):
        estimate(replace(design, cohort=np.full(24, np.inf)), "synthetic_did")


def test_simulated_truth_with_a_drifting_factor():
    """The treated lean to a factor that drifts: plain differences are wrong by it, the synthetic unit moves along."""
    errors = {variant: [] for variant in VARIANTS}
    for seed in range(120):
        design = factors(seed, n=50, periods=24, sizes=((18, 8),), effect=1.0, leaning=0.7, drift=0.15)
        for variant in VARIANTS:
            errors[variant].append(overall(design, variant=variant).estimate[0] - 1)
    bias = {variant: abs(np.mean(found)) for variant, found in errors.items()}
    spread = {variant: np.sqrt(np.mean(np.square(found))) for variant, found in errors.items()}
    assert bias["did"] > 0.9
    assert bias["synthetic_did"] < bias["did"] / 4
    assert spread["synthetic_did"] < spread["did"] / 3


def test_simulated_coverage_of_the_jackknife():
    """Treated as the donors are: mean zero and 95 % within three Monte Carlo standard errors."""
    draws = 250
    found = [overall(factors(seed, n=60, periods=20, sizes=((14, 12),), effect=1.0)) for seed in range(draws)]
    error = np.array([one.estimate[0] - 1 for one in found])
    within = np.abs(error) < 1.959964 * np.array([std_errors(one)[0] for one in found])
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(draws)
    assert abs(within.mean() - 0.95) < 3 * np.sqrt(0.95 * 0.05 / draws)
