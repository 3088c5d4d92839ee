"""Effects by dose: by hand, by brute force, their influence, and what must not change them."""

import dataclasses

import numpy as np
import pytest
from dose_designs import dosed, named, rich
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.cells import list_cells, select_units
from evaltoolkit.estimators.dose import ESTIMATOR, estimate_dose
from evaltoolkit.estimators.dose_curve import curve_slopes, curve_values, make_curve
from evaltoolkit.estimators.dose_fit import average_over_doses, fit_curve, list_pieces
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.estimators.registry import estimate

FAST = settings(max_examples=10, deadline=None)
CURVES = ESTIMATOR.options["curve"]
STRONG = "strong_parallel_trends"
seeds, curves, spans = st.integers(0, 10_000), st.sampled_from(CURVES), st.sampled_from(ESTIMATOR.options["to"])


def close(one, other, factor=1.0):
    np.testing.assert_allclose(one.estimate * factor, other.estimate, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(std_errors(one) * np.abs(factor), std_errors(other), rtol=1e-7, atol=1e-8)


def test_a_line_by_hand():
    design = dosed(1, times=(2019, 2020), cohorts=(2020,), n=60)
    effects = estimate_dose(design, assume=STRONG)
    change = design.outcome[:, 1] - design.outcome[:, 0]
    one = design.treated
    slope, height = np.polyfit(design.dose[one], change[one], 1)
    grid = np.quantile(design.dose[one], np.arange(1, 10) / 10)
    level = named(effects, "level")
    np.testing.assert_allclose(effects.labels["dose"][level], grid)
    np.testing.assert_allclose(effects.estimate[level], height + slope * grid - change[~one].mean())
    # a straight line has the textbook sandwich error, and the untreated mean adds its own
    x, left = design.dose[one] - design.dose[one].mean(), change[one] - height - slope * design.dose[one]
    pull = 1 / len(x) + (grid[:, None] - design.dose[one].mean()) * x / (x @ x)
    expected = np.sqrt((pull**2) @ left**2 + change[~one].var() / (~one).sum())
    np.testing.assert_allclose(std_errors(effects)[level], expected)
    assert effects.estimate[named(effects, "mean slope")] == pytest.approx(slope)
    assert std_errors(effects)[named(effects, "mean slope")] == pytest.approx(np.sqrt(x**2 @ left**2) / (x @ x))
    assert effects.labels.loc[level, ["n_treated", "n_comparison"]].to_numpy().tolist() == [[30, 30]] * 9


def test_two_doses_by_hand():
    """Two groups of doses: each against the untreated, and one slope between them."""
    design = dosed(2, times=(2019, 2020), cohorts=(2020,), n=60, levels=(2.0, 5.0))
    effects = estimate_dose(design, curve="bins", assume=STRONG)
    change = design.outcome[:, 1] - design.outcome[:, 0]
    groups = [change[design.dose == dose] for dose in (0, 2, 5)]
    means, spreads = [one.mean() for one in groups], [one.var() / len(one) for one in groups]
    level, (slope,) = named(effects, "level"), named(effects, "slope")
    assert effects.labels["dose"][level].tolist() == [2.0, 5.0]
    np.testing.assert_allclose(effects.estimate[level], [means[1] - means[0], means[2] - means[0]])
    np.testing.assert_allclose(std_errors(effects)[level] ** 2, [spreads[1] + spreads[0], spreads[2] + spreads[0]])
    assert effects.estimate[slope] == pytest.approx((means[2] - means[1]) / 3)
    assert std_errors(effects)[slope] ** 2 == pytest.approx((spreads[2] + spreads[1]) / 9)


def stacked(design, *, comparison="never"):
    """Every treated unit in every period from treatment on: dose, effect, cohort and period; complete panels."""
    rows = []
    for i in np.flatnonzero(design.treated):
        first = int(np.searchsorted(design.times, design.cohort[i]))
        for t in range(first, len(design.times)):
            untreated = np.isinf(design.cohort) if comparison == "never" else design.cohort > design.times[t]
            change = design.outcome[:, t] - design.outcome[:, first - 1]
            mean = np.average(change[untreated], weights=design.weights[untreated])
            rows.append((design.dose[i], change[i] - mean, design.cohort[i], t, design.weights[i]))
    return np.array(rows).T


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_levels_by_brute_force(comparison):
    weights = np.random.default_rng(3).uniform(0.5, 1.5, 90)
    design = dosed(3, weights=weights / weights.mean(), comparison=f"{comparison}_treated")
    dose, effect, _, _, weight = stacked(design, comparison=comparison)
    effects = estimate_dose(design, curve="spline")
    level = named(effects, "level")
    grid, knot = effects.labels["dose"][level].to_numpy(), np.median(design.dose[design.treated])
    # a spline in another basis: powers left and right of the knot, joined there
    columns = [np.column_stack([np.ones(len(d)), d - knot, np.minimum(d - knot, 0) ** 2, np.maximum(d - knot, 0) ** 2])
               for d in (dose, grid)]  # fmt: skip
    root = np.sqrt(weight)[:, None]
    slopes = np.linalg.lstsq(columns[0] * root, effect * root[:, 0], rcond=None)[0]
    np.testing.assert_allclose(effects.estimate[level], columns[1] @ slopes, rtol=1e-9)


def test_slopes_by_brute_force():
    """Dummies for every cohort and period: only units of the same cohort and period are compared."""
    weights = np.random.default_rng(4).uniform(0.5, 1.5, 90)
    design = dosed(4, weights=weights / weights.mean())
    dose, effect, cohort, period, weight = stacked(design)
    cells = sorted(set(zip(cohort, period, strict=True)))
    dummies = np.column_stack([(cohort == g) & (period == t) for g, t in cells]).astype(float)
    root = np.sqrt(weight)[:, None]
    for curve in ("linear", "spline"):
        effects = estimate_dose(design, curve=curve, assume=STRONG)
        knot = np.median(design.dose[design.treated])
        below, above = np.minimum(dose - knot, 0), np.maximum(dose - knot, 0)
        body = [dose] if curve == "linear" else [dose, below**2, above**2]
        table = np.column_stack([*body, dummies])
        found = np.linalg.lstsq(table * root, effect * root[:, 0], rcond=None)[0][: len(body)]
        steep = np.column_stack([np.ones(len(dose)), 2 * below, 2 * above])[:, : len(body)] @ found
        # every cohort has the same weight in each of its periods, so the stack has the weights of the mean
        mean = effects.estimate[named(effects, "mean slope")]
        assert mean == pytest.approx(np.average(steep, weights=weight), rel=1e-9)


def test_slopes_between_bins_by_brute_force():
    design = dosed(5)
    dose, effect, cohort, period, _ = stacked(design)
    effects = estimate_dose(design, curve="bins", assume=STRONG)
    edges = np.quantile(design.dose[design.treated], [1 / 3, 2 / 3])
    bins = np.searchsorted(edges, dose)
    cells = sorted(set(zip(cohort, period, strict=True)))
    dummies = [(cohort == g) & (period == t) for g, t in cells]
    table = np.column_stack([bins == 1, bins == 2, *dummies]).astype(float)
    steps = np.linalg.lstsq(table, np.column_stack([effect, dose]), rcond=None)[0][:2]
    ratios = [steps[0, 0] / steps[0, 1], (steps[1, 0] - steps[0, 0]) / (steps[1, 1] - steps[0, 1])]
    np.testing.assert_allclose(effects.estimate[named(effects, "slope")], ratios, rtol=1e-9)


@pytest.mark.parametrize("shape", ["linear", "spline"])
@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_the_curve_averages_to_the_overall_effect(shape, comparison):
    """The mean of the curve over the doses is the group-time summary: estimate and influence of every unit."""
    design = rich(6, comparison=comparison)
    effects = estimate_group_time(design, adjust="reg")
    post = np.isfinite(effects.estimate) & (effects.labels["time"] >= effects.labels["cohort"]).to_numpy()
    sample = select_units(design)
    cells = list_cells(sample, "varying")
    pieces = list_pieces(sample, [cell for cell, use in zip(cells, post, strict=True) if use])
    dose = sample.design.dose
    table = curve_values(make_curve(shape, dose[sample.design.treated]), dose)
    mean = average_over_doses(sample, pieces, fit_curve(sample, pieces, table), table)
    overall = effects.aggregate("overall")
    assert mean.estimate == pytest.approx(overall.estimate[0], abs=1e-10)
    np.testing.assert_allclose(mean.influence, overall.influence[:, 0], atol=1e-9)
    first = estimate_dose(design, curve=shape)
    assert first.estimate[0] == pytest.approx(overall.estimate[0], abs=1e-12)
    assert first.overall.estimate[0] == pytest.approx(overall.estimate[0], abs=1e-12)


def test_bins_average_to_the_overall_effect():
    weights = np.random.default_rng(7).uniform(0.5, 1.5, 90)
    design = dosed(7, weights=weights / weights.mean())
    effects = estimate_dose(design, curve="bins")
    # a unit counts in every period from its treatment on
    count = (design.times[None, :] >= design.cohort[:, None]).sum(axis=1) * design.weights
    one = design.treated
    bins = np.searchsorted(np.quantile(design.dose[one], [1 / 3, 2 / 3]), design.dose)
    size = [count[one & (bins == j)].sum() for j in range(3)]
    level = effects.estimate[named(effects, "level")]
    assert np.average(level, weights=size) == pytest.approx(effects.estimate[0], abs=1e-10)


@pytest.mark.parametrize("to", ["overall", "event"])
@pytest.mark.parametrize("curve", CURVES)
def test_influence_is_the_derivative(curve, to):
    design = rich(8, n=132, times=(2018, 2019, 2020, 2021), comparison="not_yet_treated")
    n, step = len(design.units), 1e-4

    def fit(weights):
        return estimate_dose(dataclasses.replace(design, weights=weights), curve=curve, assume=STRONG, to=to)

    effects = fit(design.weights)
    defined = np.isfinite(effects.estimate)
    assert {"level", "slope" if curve != "linear" else "mean slope"} <= set(effects.labels["name"][defined])
    for i in range(0, n, 11):
        move = step * (np.arange(n) == i)
        numeric = (fit(design.weights + move).estimate - fit(design.weights - move).estimate) / (2 * step)
        numeric = numeric * design.weights[i] * n
        np.testing.assert_allclose(effects.influence[i, defined], numeric[defined], rtol=1e-4, atol=1e-4)


@FAST
@given(seeds, curves, spans)
def test_what_must_not_matter(seed, curve, to):
    design = rich(seed, n=150)
    effects = estimate_dose(design, curve=curve, assume=STRONG, to=to)
    order = np.random.default_rng(seed).permutation(150)
    by_unit = ("outcome", "cohort", "covariates", "weights", "dose")
    moved = {name: getattr(design, name)[order] for name in by_unit}
    moved |= {"units": np.char.add("x", design.units[order]), "clusters": np.char.add("z", design.clusters[order])}
    close(effects, estimate_dose(dataclasses.replace(design, **moved), curve=curve, assume=STRONG, to=to))
    shifted = dataclasses.replace(design, times=design.times + 7, cohort=design.cohort + 7)
    close(effects, estimate_dose(shifted, curve=curve, assume=STRONG, to=to))
    level = dataclasses.replace(design, outcome=design.outcome + np.arange(150)[:, None] + np.arange(5))
    close(effects, estimate_dose(level, curve=curve, assume=STRONG, to=to))


@FAST
@given(seeds, curves, st.floats(0.01, 100), st.floats(-50, 50).filter(lambda x: abs(x) > 0.01))
def test_units_of_measurement(seed, curve, per, scale):
    design = rich(seed, n=150)
    effects = estimate_dose(design, curve=curve, assume=STRONG)
    other = dataclasses.replace(design, dose=design.dose * per, outcome=design.outcome * scale)
    again = estimate_dose(other, curve=curve, assume=STRONG)
    np.testing.assert_allclose(effects.labels["dose"] * per, again.labels["dose"])
    slope = effects.labels["name"].str.contains("slope").to_numpy()
    factor = np.where(slope, scale / per, scale)
    np.testing.assert_allclose(effects.estimate * factor / scale, again.estimate / scale, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(std_errors(effects) * np.abs(factor), std_errors(again), rtol=1e-6)


def test_units_that_cannot_enter_do_not_matter():
    """A unit treated from the first period on, and one that was never observed."""
    design = dosed(9)
    outcome, cohort, dose = design.outcome.copy(), design.cohort.copy(), design.dose.copy()
    cohort[0], dose[0], outcome[1] = 2018.0, 500.0, np.nan
    effects = estimate_dose(dataclasses.replace(design, outcome=outcome, cohort=cohort, dose=dose), curve="spline")
    rest = np.arange(90) > 1
    by_unit = ("units", "outcome", "cohort", "covariates", "weights", "clusters", "dose")
    without = dataclasses.replace(design, **{name: getattr(design, name)[rest] for name in by_unit})
    close(effects, estimate_dose(without, curve="spline"))
    assert sum(len(units) for units in effects.info["dropped_units"].values()) == 2


def test_slopes_compare_within_cohorts():
    """An effect that differs between cohorts, not within them, moves levels and no slope."""
    design = dosed(10)
    more = dataclasses.replace(
        design, outcome=design.outcome + 3.0 * ((design.cohort == 2021)[:, None] & (design.times >= 2021))
    )
    for curve in CURVES:
        one, other = (estimate_dose(held, curve=curve, assume=STRONG) for held in (design, more))
        slope = one.labels["name"].str.contains("slope").to_numpy()
        np.testing.assert_allclose(one.estimate[slope], other.estimate[slope], atol=1e-9)
        assert (other.estimate[~slope] > one.estimate[~slope] + 0.5).all()


def test_by_event_time():
    design = rich(11)
    effects = estimate_dose(design, to="event")
    expected = estimate_group_time(design, adjust="reg").aggregate("event")
    rows = named(effects, "overall")
    np.testing.assert_array_equal(effects.labels["event_time"][rows], expected.labels["event_time"])
    np.testing.assert_allclose(effects.estimate[rows], expected.estimate)
    assert effects.overall.estimate == pytest.approx(expected.overall.estimate)
    # the last event time is the first cohort alone in the last period
    first = dataclasses.replace(design, cohort=np.where(design.cohort == 2021, 2019.0, design.cohort))
    alone = dataclasses.replace(first, outcome=np.where(first.cohort[:, None] == 2019, np.nan, first.outcome))
    single = estimate_dose(alone, to="event", curve="linear")
    ours, theirs = (one.labels.query("name == 'level' and event_time == 2").index for one in (effects, single))
    doses = design.dose[design.treated]
    line = np.polyfit(effects.labels["dose"][ours], effects.estimate[ours], 1)
    other = np.polyfit(single.labels["dose"][theirs], single.estimate[theirs], 1)
    np.testing.assert_allclose(np.polyval(line, doses), np.polyval(other, doses), atol=1e-8)


def test_a_straight_truth_is_found_without_noise():
    """Without noise every curve that can be straight finds the line, also with several cohorts and gaps."""
    design = dosed(12, response=lambda dose: 2 + 0.25 * dose)
    post = design.times[None, :] >= design.cohort[:, None]
    outcome = np.arange(90)[:, None] * 0.1 + np.arange(5) ** 2 + post * (2 + 0.25 * design.dose)[:, None]
    outcome[np.random.default_rng(0).random(outcome.shape) < 0.1] = np.nan
    design = dataclasses.replace(design, outcome=outcome)
    for curve in CURVES:
        effects = estimate_dose(design, curve=curve, assume=STRONG)
        slope = effects.labels["name"].str.contains("slope").to_numpy()
        np.testing.assert_allclose(effects.estimate[slope], 0.25, rtol=1e-8)
        if curve != "bins":
            level = named(effects, "level")
            np.testing.assert_allclose(effects.estimate[level], 2 + 0.25 * effects.labels["dose"][level], rtol=1e-8)


def test_slopes_of_a_spline_are_those_of_its_levels():
    """With one cohort the slopes are the derivative of the curve of levels."""
    design = dosed(13, cohorts=(2020,), n=100)
    dose = design.dose[design.treated]
    curve = make_curve("spline", dose)
    at = np.linspace(1.5, 8.5, 7)
    numeric = (curve_values(curve, at + 1e-6) - curve_values(curve, at - 1e-6)) / 2e-6
    np.testing.assert_allclose(curve_slopes(curve, at), numeric[:, 1:], rtol=1e-6)
    effects = estimate_dose(design, curve="spline", assume=STRONG)
    level, slope = (effects.estimate[named(effects, name)] for name in ("level", "slope"))
    grid = effects.labels["dose"][named(effects, "level")].to_numpy()
    # a parabola's chord has the mean of the slopes at its ends; the knot is the fifth point
    np.testing.assert_allclose(np.diff(level) / np.diff(grid), (slope[1:] + slope[:-1]) / 2, rtol=1e-8)


def test_an_event_study_of_slopes_with_the_slope_over_all_periods():
    design = dosed(4, n=120, levels=None)
    strong = {"assume": "strong_parallel_trends"}
    slopes = estimate(design, "dose", to="slopes", **strong)
    rows, events = (estimate(design, "dose", to=to, **strong) for to in ("overall", "event"))
    assert slopes.kind == "event"
    np.testing.assert_array_equal(slopes.estimate, events.estimate[named(events, "mean slope")])
    assert slopes.overall.estimate[0] == rows.estimate[named(rows, "mean slope")[0]]
    low, high = slopes.aggregate("overall").to_frame().iloc[0][["conf_low", "conf_high"]]
    assert low < 0.5 < high


def test_slopes_that_may_not_be_given_are_undefined_with_the_reason():
    design = dosed(4, n=120)
    plain = estimate(design, "dose", to="slopes")
    assert np.isnan(plain.estimate).all()
    assert "no data can show" in plain.overall.reasons[0]
    bins = estimate(design, "dose", to="slopes", curve="bins", assume="strong_parallel_trends")
    assert "take a line or a spline" in bins.overall.reasons[0]
    assert np.isnan(bins.overall.to_frame()["std_error"]).all()
