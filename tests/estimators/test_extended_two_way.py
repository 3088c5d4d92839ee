"""Extended two-way effects: by hand, against brute force with dummies, influence, symmetries."""

from dataclasses import replace

import numpy as np
import pytest
from extended_designs import COMPARISONS, MEAN, MODELS, cells_of, design_for, run, value_at
from hypothesis import given, settings
from hypothesis import strategies as st
from small_designs import simulate

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.inference import covariance, std_errors
from evaltoolkit.estimators.cells import REFERENCE
from evaltoolkit.estimators.registry import estimate

TO = ["overall", "event", "cohort", "calendar"]


# --- by hand ----------------------------------------------------------------------------------------------------------


def two_by_two(outcome, exposure=None, comparison="never_treated"):
    """Two treated units in 2002, two never treated; two periods."""
    outcome = np.array(outcome, dtype=float)
    return Design(
        units=np.array(["a", "b", "c", "d"]),
        times=np.array([2001.0, 2002.0]),
        outcome=outcome,
        cohort=np.array([2002.0, 2002.0, np.inf, np.inf]),
        covariates=np.empty((4, 0)),
        covariate_names=(),
        weights=np.ones(4),
        clusters=np.array(["a", "b", "c", "d"]),
        comparison=comparison,
        exposure=None if exposure is None else np.array(exposure, dtype=float),
    )


COUNTS = [[4, 2], [6, 4], [1, 2], [3, 6]]


def test_linear_by_hand():
    effects = run(two_by_two(COUNTS))
    assert value_at(effects, 2002, 2002) == pytest.approx((3 - 5) - (4 - 2))
    # changes -2, -2 and 1, 3: squared deviations from the mean, each side divided by n_side^2
    assert std_errors(effects)[1] == pytest.approx(np.sqrt((1 + 1) / 4))
    assert value_at(effects, 2002, 2001) == 0
    assert effects.reasons == (REFERENCE, "")


def test_poisson_by_hand():
    """Before 10, comparison doubles from 4 to 8: 20 expected, 6 counted."""
    effects = run(two_by_two(COUNTS), family="poisson")
    assert value_at(effects, 2002, 2002) == pytest.approx((6 - 20) / 2)
    link = run(two_by_two(COUNTS), family="poisson", scale="link")
    assert value_at(link, 2002, 2002) == pytest.approx(np.log(6 / 20))


def test_poisson_with_exposure_by_hand():
    """Rates: treated 10/5 before; comparison 4/4, then 8/2, four times as much; 8 expected per unit of exposure."""
    exposure = [[2, 1], [3, 2], [2, 1], [2, 1]]
    effects = run(two_by_two(COUNTS, exposure), family="poisson")
    assert value_at(effects, 2002, 2002) == pytest.approx((6 - 2 * 4 * 3) / 2)
    link = run(two_by_two(COUNTS, exposure), family="poisson", scale="link")
    assert value_at(link, 2002, 2002) == pytest.approx(np.log(6 / 24))


def test_logit_by_hand():
    """Odds: comparison 1/3 to 1, times three; treated 1 before, 3 expected, that is 0.75; 0.6 counted."""
    shares = [[0.4, 0.5], [0.6, 0.7], [0.25, 0.4], [0.25, 0.6]]
    effects = run(two_by_two(shares), family="logit")
    assert value_at(effects, 2002, 2002) == pytest.approx(0.6 - 0.75)
    link = run(two_by_two(shares), family="logit", scale="link")
    assert value_at(link, 2002, 2002) == pytest.approx(np.log(0.6 / 0.4) - np.log(3))


@pytest.mark.parametrize("k", [0, 2])
def test_linear_is_regression_adjusted_group_time_on_a_balanced_panel(k):
    design = simulate(3, k=k)
    effects, other = run(design), estimate(design, "group_time", adjust="reg", base="universal")
    assert cells_of(effects) == cells_of(other)
    np.testing.assert_allclose(effects.estimate, other.estimate, atol=1e-11)
    # group_time counts the covariates of the treated as drawn
    sampled = run(design, averages="sampled")
    np.testing.assert_allclose(sampled.influence, other.influence, atol=1e-9)
    for to in TO:
        np.testing.assert_allclose(std_errors(sampled.aggregate(to)), std_errors(other.aggregate(to)), rtol=1e-9)


# --- brute force: dummies, joint Newton steps, sandwich ---------------------------------------------------------------


def dummies(design, family):
    """Rows, and one column per unit (linear) or cohort by regressor, period by regressor, free cell by regressor."""
    n, periods = design.outcome.shape
    first = np.searchsorted(design.times, design.cohort)
    free = np.arange(periods)[None, :] >= first[:, None]
    if design.comparison == "never_treated":
        free = np.isfinite(design.cohort)[:, None] & (np.arange(periods)[None, :] != first[:, None] - 1)
    unit, time = np.nonzero(np.isfinite(design.outcome))
    z = np.column_stack([np.ones(n), design.covariates])
    level = unit if family == "linear" else np.unique(design.cohort, return_inverse=True)[1][unit]
    columns = []
    for value in np.unique(level):
        columns += list(((level == value)[:, None] * (z[unit] if family != "linear" else np.ones((len(unit), 1)))).T)
    for t in range(1, periods):
        columns += list(((time == t)[:, None] * z[unit]).T)
    cells, at = sorted({(design.cohort[i], t) for i, t in zip(unit, time, strict=True) if free[i, t]}), {}
    for cohort, t in cells:
        inside = (design.cohort[unit] == cohort) & (time == t)
        at[cohort, design.times[t]] = (inside, range(len(columns), len(columns) + z.shape[1]))
        columns += list((inside[:, None] * z[unit]).T)
    return unit, time, np.array(columns).T, at


SLOPE = {"linear": np.ones_like, "poisson": lambda m: m, "logit": lambda m: m * (1 - m)}


def brute_force(design, family, scale):
    """Points and clustered covariance of the cells, from one joint regression with all dummies."""
    unit, time, x, at = dummies(design, family)
    y, w = design.outcome[unit, time], design.weights[unit]
    offset = np.zeros(len(y)) if design.exposure is None else np.log(design.exposure[unit, time])
    beta = np.zeros(x.shape[1])
    for _ in range(1 if family == "linear" else 40):
        mean = MEAN[family](offset + x @ beta)
        bread = np.linalg.pinv((x * (w * SLOPE[family](mean))[:, None]).T @ x, hermitian=True)
        beta = beta + bread @ (x.T @ (w * (y - mean)))
    mean = MEAN[family](offset + x @ beta)
    bread = np.linalg.pinv((x * (w * SLOPE[family](mean))[:, None]).T @ x, hermitian=True)
    labels = np.unique(design.clusters[unit], return_inverse=True)[1]
    scores = np.array([np.bincount(labels, weights=one) for one in (x * (w * (y - mean))[:, None]).T])
    variance = bread @ scores @ scores.T @ bread

    def effects(b):
        found = []
        for inside, columns in at.values():
            less = b.copy()
            less[list(columns)] = 0
            with_, without = offset + x @ b, offset + x @ less
            if scale == "response":
                with_, without = MEAN[family](with_), MEAN[family](without)
            found.append(np.average((with_ - without)[inside], weights=w[inside]))
        return np.array(found)

    step = 1e-6
    slopes = np.array([(effects(beta + step * e) - effects(beta - step * e)) / (2 * step) for e in np.eye(len(beta))])
    return dict(zip(at, effects(beta), strict=True)), slopes.T @ variance @ slopes


@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize(("family", "scale"), MODELS)
def test_against_one_regression_with_dummies(family, scale, comparison, k):
    design = design_for(family, comparison, n=40, k=k, gaps=0.1, seed=4)
    points, variance = brute_force(design, family, scale)
    effects = run(design, family=family, scale=scale)
    rows = [cells_of(effects).index(cell) for cell in points]
    np.testing.assert_allclose(effects.estimate[rows], list(points.values()), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(covariance(effects)[np.ix_(rows, rows)], variance, rtol=2e-5, atol=1e-7)
    others = np.setdiff1d(np.arange(len(effects.estimate)), rows)
    assert all(effects.reasons[i] == REFERENCE for i in others)


# --- influence --------------------------------------------------------------------------------------------------------


def derivative(design, options, to=None, step=1e-4):
    """Central difference of the estimates in every weight, times n and the weight; weights are not rescaled here."""
    rows = []

    def at(weights):
        effects = run(replace(design, weights=weights), **options)
        return (effects if to is None else effects.aggregate(to)).estimate

    for i in range(len(design.weights)):
        move = step * (np.arange(len(design.weights)) == i)
        change = at(design.weights + move) - at(design.weights - move)
        rows.append(len(design.weights) * design.weights[i] * change / (2 * step))
    return np.array(rows)


@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize(("family", "scale"), MODELS)
def test_influence_is_the_derivative_in_the_weights(family, scale, comparison):
    design = design_for(family, comparison, n=30, k=1, gaps=0.08, seed=2)
    options = {"family": family, "scale": scale, "averages": "sampled"}
    effects = run(design, **options)
    assert np.isfinite(effects.estimate).all()
    numeric = derivative(design, options)
    np.testing.assert_allclose(effects.influence, numeric, atol=2e-5 * np.abs(numeric).max())
    overall = effects.aggregate("overall")
    numeric = derivative(design, options, "overall")
    np.testing.assert_allclose(overall.influence, numeric, atol=2e-5 * np.abs(numeric).max())


@pytest.mark.parametrize(("family", "scale"), MODELS)
def test_fixed_averages_leave_the_sampling_of_treated_rows_out(family, scale):
    design = design_for(family, n=60, k=1, seed=5)
    fixed, sampled = (run(design, family=family, scale=scale, averages=one) for one in ("fixed", "sampled"))
    np.testing.assert_array_equal(fixed.estimate, sampled.estimate)
    moved = np.abs(fixed.influence - sampled.influence).max(axis=1) > 1e-9
    np.testing.assert_array_equal(moved, np.isfinite(design.cohort))
    plain = replace(design, covariates=np.empty((60, 0)), covariate_names=(), exposure=None)
    one, other = (run(plain, family=family, scale=scale, averages=one) for one in ("fixed", "sampled"))
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-9)


# --- symmetries -------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), model=st.sampled_from(MODELS), comparison=st.sampled_from(COMPARISONS))
def test_order_names_and_calendar_do_not_matter(seed, model, comparison):
    family, scale = model
    design = design_for(family, comparison, n=36, k=1, gaps=0.05, seed=seed)
    effects = run(design, family=family, scale=scale)
    order = np.random.default_rng(seed).permutation(36)
    shuffled = keep_units(design, np.ones(36, bool))
    shuffled = replace(
        shuffled,
        **{name: getattr(design, name)[order] for name in ("outcome", "cohort", "covariates", "weights", "clusters")},
        exposure=None if design.exposure is None else design.exposure[order],
        units=np.array([f"x{i:02d}" for i in range(36)]),
        times=design.times + 7,
    )
    shuffled = replace(shuffled, cohort=shuffled.cohort + 7)
    again = run(shuffled, family=family, scale=scale)
    assert [(g + 7, t + 7) for g, t in cells_of(effects)] == cells_of(again)
    assert effects.reasons == again.reasons
    np.testing.assert_allclose(again.estimate, effects.estimate, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(again.influence, effects.influence[order], rtol=1e-6, atol=1e-7)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    factor=st.floats(0.01, 100),
    shift=st.floats(-50, 50),
    comparison=st.sampled_from(COMPARISONS),
)
def test_units_of_measurement(seed, factor, shift, comparison):
    design = design_for("linear", comparison, n=36, k=1, gaps=0.05, seed=seed)
    effects = run(design)
    other = replace(design, outcome=factor * design.outcome + shift, covariates=factor * design.covariates + shift)
    again = run(other)
    np.testing.assert_allclose(again.estimate, factor * effects.estimate, rtol=1e-6, atol=1e-7 * factor)
    np.testing.assert_allclose(again.influence, factor * effects.influence, rtol=1e-5, atol=1e-5 * factor)
    counts = design_for("poisson", comparison, n=36, k=1, gaps=0.05, seed=seed)
    other = replace(counts, outcome=factor * counts.outcome, exposure=counts.exposure / factor)
    for scale, by in (("response", factor), ("link", 1.0)):
        effects, again = (run(one, family="poisson", scale=scale) for one in (counts, other))
        assert effects.reasons == again.reasons
        np.testing.assert_allclose(again.estimate, by * effects.estimate, rtol=1e-7, atol=1e-8 * by)


@pytest.mark.parametrize(("family", "scale"), MODELS)
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_units_that_tell_nothing_do_not_matter(family, scale, comparison):
    """Treated from the first period on, never observed, no weight: left out and named."""
    design = design_for(family, comparison, n=42, seed=6)
    cohort, outcome, weights = design.cohort.copy(), design.outcome.copy(), design.weights.copy()
    cohort[0], outcome[1], weights[2] = 2018, np.nan, 0
    changed = replace(design, cohort=cohort, outcome=outcome, weights=weights)
    kept = keep_units(design, np.arange(42) > 2)
    one, other = (run(d, family=family, scale=scale) for d in (changed, kept))
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(std_errors(one), std_errors(other), rtol=1e-9)
    assert sorted(unit for units in one.info["dropped_units"].values() for unit in units) == ["u000", "u001", "u002"]


@pytest.mark.parametrize("family", ["linear", "poisson", "logit"])
def test_untreated_units_all_move_alike_then_there_is_no_effect(family):
    """Exact parallel paths on the scale of the link, cohorts of different level: every effect is zero."""
    design = simulate(1, n=30, k=1)
    path = np.log([1.0, 1.3, 0.8, 1.1, 1.6])
    level = np.where(np.isfinite(design.cohort), design.cohort - 2020, -1.0) / 4
    predictor = level[:, None] + path + 0.3 * design.covariates * np.array([0, 1, 2, 1, 3])
    for scale in ("response", "link"):
        effects = run(replace(design, outcome=MEAN[family](predictor)), family=family, scale=scale)
        np.testing.assert_allclose(effects.estimate, 0, atol=1e-9)
