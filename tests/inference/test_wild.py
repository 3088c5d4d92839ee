import dataclasses
import itertools

import numpy as np
import pytest
from wild_cases import dummies, rows, statistics, world

from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.inference import ONE_TREATED, cluster_codes, std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.wild import (
    DISAGREE,
    FEW_CARRY,
    TOO_FEW,
    bootstrap_effects,
    bootstrap_rows,
    bootstrap_two_way,
)
from evaltoolkit.inference.wild_designs import SMALL_COHORT, reduce_effects, reduce_two_way
from evaltoolkit.inference.wild_draws import draw_multipliers
from evaltoolkit.inference.wild_inversion import bounds_restricted, draw_moments
from evaltoolkit.inference.wild_result import tabulate_wild
from evaltoolkit.inference.wild_system import COLLINEAR, EXACT_FIT, System, system_from_rows

SIGNS = np.array(list(itertools.product([1.0, -1.0], repeat=9)))


def all_columns(x, unit, period):
    return np.column_stack([x, dummies(unit), dummies(period)])


def drawn(system, multipliers, distance):
    """Statistics of the draws at a distance of the hypothesis from the estimate."""
    moments = draw_moments(system, multipliers)
    square = np.array([1.0, 2 * distance, distance**2]) @ moments.squares
    return (moments.sums[0] + distance * moments.sums[1]) / np.sqrt(square)


def values(multipliers):
    return np.concatenate([block for _, block in multipliers.blocks()])


@pytest.mark.parametrize("law", ["rademacher", "webb", "mammen"])
def test_laws_have_mean_zero_and_variance_one(law):
    v = values(draw_multipliers(law, 30, 40_000, seed=2))
    assert v.shape == (40_000, 30)
    close = 5 / np.sqrt(v.size)
    assert abs(v.mean()) < close
    assert abs(np.square(v).mean() - 1) < close * 1.5
    assert abs((v**3).mean() - (law == "mammen")) < close * 4
    assert abs(np.corrcoef(v[:, :8].T) - np.eye(8)).max() < 5 / np.sqrt(len(v))
    np.testing.assert_array_equal(v, values(draw_multipliers(law, 30, 40_000, seed=2)))
    assert (v != values(draw_multipliers(law, 30, 40_000, seed=3))).any()


def test_few_clusters_use_every_pattern_once():
    patterns = draw_multipliers("rademacher", 9, 99, seed=1)
    v = values(patterns)
    assert patterns.enumerated
    assert len(np.unique(np.concatenate([v, -v]), axis=0)) == 2**9 == 2 * len(v)
    assert (v[0] == 1).all()
    assert draw_multipliers("rademacher", 13, 5000, seed=1).enumerated
    assert not draw_multipliers("rademacher", 13, 999, seed=1).enumerated
    assert not draw_multipliers("webb", 4, 999, seed=1).enumerated


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("null", [0.0, 1.3])
def test_p_values_are_those_of_all_regressions(weighted, null):
    y, x, unit, period, cluster, w = rows(weighted=weighted)
    result = bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit, weights=w, null=null)
    for test, impose in ((result.restricted, True), (result.unrestricted, False)):
        draws, t = statistics(y, all_columns(x, unit, period), w, cluster, null, SIGNS, impose=impose)
        assert result.statistic == pytest.approx(t, rel=1e-9)
        assert test.p_value == np.mean(np.abs(draws) > abs(t) + 1e-8)
        assert test.p_with_ties == np.mean(np.abs(draws) >= abs(t) - 1e-8)
    assert result.restricted.p_with_ties >= 2 / 512
    assert result.enumerated
    assert result.draws == 256


@pytest.mark.parametrize("law", ["rademacher", "webb", "mammen"])
@pytest.mark.parametrize("distance", [0.0, 0.7, -2.0])
def test_every_draw_is_the_regression_fitted_anew(law, distance):
    y, x, unit, period, cluster, w = rows(3, clusters=14, weighted=True, treated=5)
    system = system_from_rows(y, x, cluster, common=dummies(period), nested=unit, weights=w)
    multipliers = draw_multipliers(law, 14, 99, seed=4)
    v = values(multipliers)[:40]
    found = drawn(system, multipliers, distance)[:40]
    null = system.estimate - distance
    expected, _ = statistics(y, all_columns(x, unit, period), w, cluster, null, v, impose=True)
    # all plus is the sample itself: its residuals have no effect left where the hypothesis is the estimate
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_few_and_many_other_regressors_give_the_same_draws():
    y, x, unit, period, cluster, w = rows(5, clusters=40, weighted=True, treated=15)
    absorbed = system_from_rows(y, x, cluster, common=dummies(period), nested=unit, weights=w)
    # 120 units as dummies: more columns than clusters, so that scores are held as a whole
    written = system_from_rows(y, x, cluster, common=np.c_[dummies(unit), dummies(period)], weights=w)
    assert 2 * absorbed.left.shape[1] < 40 < written.left.shape[1]
    # dummies that the absorbed effects hold already: what is left of them is rounding
    doubled = system_from_rows(y, x, cluster, common=np.c_[dummies(unit), dummies(period)], nested=unit, weights=w)
    assert doubled.left.shape == absorbed.left.shape
    multipliers = draw_multipliers("webb", 40, 500, seed=1)
    for distance in (0.0, 1.0):
        expected = drawn(absorbed, multipliers, distance)
        for other in (written, doubled):
            np.testing.assert_allclose(drawn(other, multipliers, distance), expected, rtol=1e-9, atol=1e-10)


def test_random_draws_count_the_sample_among_them_where_ties_count():
    y, x, unit, period, cluster, _ = rows(5, clusters=40, treated=15)
    found = bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit, null=0.9, draws=199)
    assert not found.enumerated
    for test in (found.restricted, found.unrestricted):
        assert test.p_with_ties == pytest.approx((199 * test.p_value + 1) / 200, abs=1e-12)


CASES = {
    "static": {},
    "event": {"form": "event", "name": "event_1"},
    "event, before": {"form": "event", "name": "event_-2"},
    "trends": {"effects": "unit_trends"},
    "cluster by period": {"effects": "cluster_period"},
}


def written_out(design, options):
    """The regression of a case with every column written out, treatment first; rows as the design has them."""
    unit, period = np.nonzero(np.isfinite(design.outcome))
    codes = cluster_codes(design.clusters, design.units)
    since = design.times - design.cohort[:, None]
    if "form" in options:
        name = float(options["name"].split("_")[1])
        # a reference: the period before treatment
        times = [time for time in np.unique(since[np.isfinite(since)]) if time not in (name, -1.0)]
        columns = [since == name, *[since == time for time in times]]
    else:
        columns = [since >= 0]
    parts = [np.column_stack([column[unit, period] for column in columns]).astype(float), dummies(unit)]
    effects = options.get("effects")
    parts.append(dummies(codes[unit] * 1000 + period) if effects == "cluster_period" else dummies(period))
    if effects == "unit_trends":
        parts.append(dummies(unit) * (design.times[period] - design.times.mean())[:, None])
    parts += [covariate[unit, None] * dummies(period) for covariate in design.covariates.T]
    return design.outcome[unit, period], np.column_stack(parts), design.weights[unit], codes[unit]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize(("gaps", "covariates"), [(0.0, 0), (0.1, 2)])
def test_two_way_draws_are_regressions_with_every_dummy(case, gaps, covariates):
    design = world(2, gaps=gaps, covariates=covariates)
    system = reduce_two_way(design, **case).system
    y, x, w, codes = written_out(design, case)
    multipliers = draw_multipliers("webb", 15, 99, seed=1)
    v = values(multipliers)[:15]
    expected, t = statistics(y, x, w, codes, 0.3, v, impose=True)
    assert (system.estimate - 0.3) / system.std_error == pytest.approx(t, rel=1e-7)
    np.testing.assert_allclose(drawn(system, multipliers, system.estimate - 0.3)[:15], expected, rtol=1e-6, atol=1e-7)


def refit(design, cells, to, row):
    """Estimate of a row, and its standard error about the means of the cohorts, estimated anew."""
    effects = estimate(design) if to is None else aggregate_effects(estimate(design), to, shares="fixed")
    if len(np.unique(design.cohort[~design.treated])) == 1 and design.comparison == "never_treated":
        return effects.estimate[row], std_errors(effects)[row]
    own = np.einsum("it,it->i", effects.influence.rows[:, :-2], effects.influence.slopes[cells, :-2, row])
    codes = cluster_codes(effects.clusters, effects.units)
    return effects.estimate[row], np.sqrt(np.square(np.bincount(codes, own)).sum()) / len(cells)


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize(("to", "row"), [("overall", 0), ("event", 3), ("event", 0), ("cohort", 1), (None, 8)])
@pytest.mark.parametrize("impose", [True, False])
def test_staggered_draws_are_the_estimator_run_again(comparison, to, row, impose):
    design = world(comparison=comparison)
    effects = estimate(design) if to is None else estimate(design).aggregate(to)
    system = reduce_effects(effects, row).system
    null = 0.4 if impose else system.estimate
    multipliers = draw_multipliers("webb", 15, 99, seed=7)
    v = values(multipliers)[:50]
    found = drawn(system, multipliers, system.estimate - null)[:50]
    # the model: a mean for every cohort and period, moved as little as the hypothesis asks
    cohorts, cells = np.unique(design.cohort, return_inverse=True)
    total = np.bincount(cells, design.weights)
    means = np.stack([design.weights[cells == c] @ design.outcome[cells == c] for c in range(len(cohorts))])
    means = means / total[:, None]
    contrast = effects.influence.slopes[:, :-2, row] * total[:, None] / len(cells)
    moved = contrast / total[:, None] / (contrast**2 / total[:, None]).sum()
    fitted = (means - (system.estimate - null) * moved)[cells]
    assert refit(dataclasses.replace(design, outcome=fitted), cells, to, row)[0] == pytest.approx(null, abs=1e-12)
    codes = cluster_codes(design.clusters, design.units)
    for one, t in zip(v, found, strict=True):
        outcome = fitted + one[codes][:, None] * (design.outcome - fitted)
        effect, error = refit(dataclasses.replace(design, outcome=outcome), cells, to, row)
        assert (effect - null) / error == pytest.approx(t, abs=1e-10)


def test_standard_errors_are_those_of_fixed_shares_where_one_cohort_compares():
    effects = estimate(world())
    for to in ("overall", "event", "cohort", "calendar"):
        held = aggregate_effects(effects, to, shares="fixed")
        found = bootstrap_effects(effects.aggregate(to), draws=99)
        np.testing.assert_allclose([one.std_error for one in found], std_errors(held), rtol=1e-12)
        np.testing.assert_allclose([one.estimate for one in found], held.estimate, rtol=1e-12)


@pytest.mark.parametrize("effects", ["unit_period", "unit_trends", "cluster_period"])
def test_two_way_estimates_and_errors_are_those_of_the_estimator(effects):
    design = world(4, gaps=0.05, covariates=1)
    for form in ("static", "event"):
        found = estimate(design, "two_way", form=form, effects=effects)
        for row in np.flatnonzero([reason == "" for reason in found.reasons]):
            name = found.labels["name"].iloc[row]
            system = reduce_two_way(design, form=form, effects=effects, name=name).system
            assert system.estimate == pytest.approx(found.estimate[row], rel=1e-8)
            assert system.std_error == pytest.approx(std_errors(found)[row], rel=1e-8)


def p_at(null, impose, case):
    y, x, unit, period, cluster, w = case
    draws, t = statistics(y, all_columns(x, unit, period), w, cluster, null, SIGNS[:256], impose=impose)
    return np.mean(np.abs(draws) > abs(t) + 1e-9)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_intervals_end_where_the_test_begins_to_reject(level):
    case = rows(8, weighted=True)
    y, x, unit, period, cluster, w = case
    result = bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit, weights=w, level=level)
    alpha = 1 - level
    for test, impose in ((result.restricted, True), (result.unrestricted, False)):
        assert test.conf_low < result.estimate < test.conf_high
        for end, outwards in ((test.conf_low, -1e-5), (test.conf_high, 1e-5)):
            assert p_at(end - outwards, impose, case) > alpha >= p_at(end + outwards, impose, case)
    high, low = result.unrestricted.conf_high, result.unrestricted.conf_low
    assert high + low == pytest.approx(2 * result.estimate)


def test_interval_and_test_agree():
    for seed in range(20):
        y, x, unit, period, cluster, _ = rows(seed, clusters=16, treated=7)
        for null in (0.0, 1.0, 2.0):
            result = bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit, null=null, draws=299, seed=seed)
            for test in (result.restricted, result.unrestricted):
                assert (test.p_value > 0.05) == (test.conf_low <= null <= test.conf_high)


def test_interval_without_end_is_infinite():
    # no regression gives these: the spread of the draws does not grow with the hypothesis, their effects do
    sizes = np.array([9.0, 9, 9, 9, 9, -44])
    scores = np.array([[1.0, -0.5, -1.0, 0.5, 0.8, -0.8], sizes])
    system = System(0.5, scores, np.eye(6), np.stack([np.zeros((6, 6)), np.diag(sizes)]))
    moments = draw_moments(system, draw_multipliers("rademacher", 6, 99, seed=1))
    assert (moments.squares[2] == 0).all()
    assert bounds_restricted(system, moments, 0.05) == (-np.inf, np.inf)


def test_units_order_and_scale_change_nothing():
    design = world()
    order = np.random.default_rng(1).permutation(len(design.units))
    moved = dataclasses.replace(
        design,
        units=design.units[order],
        cohort=design.cohort[order],
        clusters=design.clusters[order],
        weights=3 * design.weights[order],
        outcome=100 - 10 * design.outcome[order],
    )
    for first, second in (
        (bootstrap_effects(estimate(design).aggregate("overall"))[0], None),
        (bootstrap_two_way(design), bootstrap_two_way(moved)),
    ):
        again = second or bootstrap_effects(estimate(moved).aggregate("overall"))[0]
        assert again.estimate == pytest.approx(-10 * first.estimate)
        for name in ("restricted", "unrestricted"):
            one, other = getattr(first, name), getattr(again, name)
            assert one.p_value == other.p_value
            assert other.conf_low == pytest.approx(-10 * one.conf_high)
            assert other.conf_high == pytest.approx(-10 * one.conf_low)


def test_thousands_of_clusters():
    design = world(n=2500, zone=2500)
    found = bootstrap_two_way(design, law="webb", draws=199)
    assert found.clusters == 2500
    assert found.attainable_level == pytest.approx(0.05)
    assert found.restricted.p_value == pytest.approx(found.unrestricted.p_value, abs=0.05)


def test_a_table_has_a_row_for_every_effect_with_its_reason():
    effects = estimate(world(), base="universal").aggregate("event")
    found = bootstrap_effects(effects, draws=199)
    table = tabulate_wild(effects.labels, found)
    assert len(table) == len(effects.estimate) == len(found)
    reference = table["event_time"] == -1
    assert table.loc[reference, ["std_error", "p_restricted", "p_unrestricted", "conf_low"]].isna().all(axis=None)
    assert (table.loc[reference, "reason"] == "reference period").all()
    assert table.loc[~reference, "p_restricted"].between(0, 1).all()


def rates(treated, simulations, draws=199, clusters=40):
    """Shares under no effect: restricted and unrestricted rejections at 5 %, doubted, covered by the interval."""
    rng = np.random.default_rng(20240611)
    cluster, period = np.repeat(np.arange(clusters), 5), np.tile(np.arange(5), clusters)
    x = ((cluster < treated) & (period >= 3)).astype(float)
    found = []
    for seed in range(simulations):
        y = rng.normal(size=(clusters, 5)).cumsum(axis=1)[cluster, period]
        result = bootstrap_rows(y, x, cluster, common=dummies(period), nested=cluster, draws=draws, seed=seed)
        p = np.array([result.restricted.p_value, result.unrestricted.p_value])
        found.append(
            [*(p <= 0.05), result.reason != "", result.restricted.conf_low <= 0 <= result.restricted.conf_high]
        )
    return np.mean(found, axis=0)


def test_enough_treated_clusters_hold_their_level():
    simulations = 600
    error = np.sqrt(0.05 * 0.95 / simulations)
    restricted, unrestricted, doubted, covered = rates(12, simulations)
    # 199 draws: strictly fewer than ten larger statistics, or ten, are 11 of 200 places
    assert abs(restricted - 0.055) < 3 * error
    assert abs(unrestricted - 0.055) < 3 * error + 0.02
    assert covered == pytest.approx(1 - restricted)
    assert doubted < 0.02


def test_staggered_effects_hold_their_level():
    simulations = 500
    rng = np.random.default_rng(20240612)
    still = world(n=45, zone=45, cohorts=(2021,))
    cohort = np.repeat([2020.0, 2022.0, np.inf], 15)
    still = dataclasses.replace(still, cohort=cohort, weights=np.ones(45))
    rejected = []
    for seed in range(simulations):
        # noise of cohorts of different size: the level does not rest on equal variances
        outcome = rng.normal(size=(45, 7)).cumsum(axis=1) * np.where(np.isinf(cohort), 1.0, 1.5)[:, None]
        effects = estimate(dataclasses.replace(still, outcome=outcome)).aggregate("overall")
        found = bootstrap_effects(effects, draws=199, seed=seed)[0]
        rejected.append([found.restricted.p_value <= 0.05, found.unrestricted.p_value <= 0.05])
    error = np.sqrt(0.055 * 0.945 / simulations)
    restricted, unrestricted = np.mean(rejected, axis=0)
    assert abs(restricted - 0.055) < 3 * error
    assert abs(unrestricted - 0.055) < 3 * error + 0.02


def test_few_treated_clusters_fail_both_ways_and_are_told():
    restricted, unrestricted, doubted, _ = rates(2, 300)
    assert restricted < 0.02
    assert unrestricted > 0.12
    assert doubted == 1


def test_disagreement_is_told():
    y, x, unit, period, cluster, _ = rows(11, clusters=30, treated=1)
    result = bootstrap_rows(y + 2 * x, x, cluster, common=dummies(period), nested=unit)
    assert result.unrestricted.p_value < 0.01 < 0.1 < result.restricted.p_value
    assert result.reason == DISAGREE


def test_reasons():
    y, x, unit, period, cluster, _ = rows(1, clusters=5, treated=2)
    result = bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit)
    assert result.attainable_level == 0
    assert result.reason == TOO_FEW
    assert bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit, law="webb").reason in ("", FEW_CARRY)
    nothing = bootstrap_rows(y, x, cluster, common=np.c_[dummies(period), x], nested=unit)
    assert nothing.reason == COLLINEAR
    assert np.isnan([nothing.estimate, nothing.std_error, *nothing.restricted, *nothing.unrestricted]).all()
    exact = bootstrap_rows(2 * x + unit + period, x, cluster, common=dummies(period), nested=unit)
    assert exact.reason == EXACT_FIT
    assert np.isnan([exact.std_error, exact.statistic, *exact.restricted]).all()


def test_one_treated_cluster_has_no_test():
    design = world(zone=60)
    cohort = np.full(60, np.inf)
    cohort[0] = 2021
    design = dataclasses.replace(design, cohort=cohort)
    for result in (bootstrap_two_way(design), *bootstrap_effects(estimate(design).aggregate("event"))):
        assert result.reason == ONE_TREATED
        assert np.isnan([result.std_error, *result.restricted, *result.unrestricted]).all()


def test_a_cohort_of_few_clusters_is_told_where_it_enters():
    design = world(n=60, zone=60)
    reasons = {}
    for small in (3, 4):
        cohort = np.repeat([2020.0, 2022.0, np.inf], [small, 20 - small, 40])
        effects = estimate(dataclasses.replace(design, cohort=cohort, weights=np.ones(60)))
        for to in ("overall", "cohort"):
            reasons[small, to] = [one.reason for one in bootstrap_effects(effects.aggregate(to), draws=199)]
    assert reasons[3, "overall"] == [SMALL_COHORT]
    assert reasons[4, "overall"] == [""]
    # the first rests on the small cohort alone, the second not at all
    assert reasons[3, "cohort"][0] in (FEW_CARRY, DISAGREE)
    assert reasons[3, "cohort"][1] == ""


def test_attainable_level():
    y, x, unit, period, cluster, _ = rows(1)
    by_level = {
        level: bootstrap_rows(y, x, cluster, common=dummies(period), nested=unit, level=level).attainable_level
        for level in (0.95, 0.99)
    }
    # 256 patterns that may differ: 12.8 and 2.56 of them
    assert by_level == {0.95: 12 / 256, 0.99: 2 / 256}


def test_refusals_name_the_remedy():
    y, x, unit, period, cluster, w = rows(1)
    common = dummies(period)
    with pytest.raises(EvaltoolkitError, match='no law "rademacer"'):
        bootstrap_rows(y, x, cluster, common=common, law="rademacer")
    with pytest.raises(EvaltoolkitError, match="at least 99 draws"):
        bootstrap_rows(y, x, cluster, common=common, draws=10)
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        bootstrap_rows(y, x, cluster, common=common, level=95)
    with pytest.raises(EvaltoolkitError, match="several clusters"):
        bootstrap_rows(y, x, cluster, nested=period)
    with pytest.raises(EvaltoolkitError, match="two clusters"):
        bootstrap_rows(y, x, np.zeros(len(y)), common=common)
    with pytest.raises(EvaltoolkitError, match="missing values"):
        bootstrap_rows(np.where(unit == 0, np.nan, y), x, cluster, common=common)
    with pytest.raises(EvaltoolkitError, match="same number of rows"):
        bootstrap_rows(y, x[1:], cluster, common=common)
    with pytest.raises(EvaltoolkitError, match="not positive"):
        bootstrap_rows(y, x, cluster, common=common, weights=0 * w)
    with pytest.raises(EvaltoolkitError, match="no coefficient"):
        bootstrap_two_way(world(), name="treatd")
    with pytest.raises(EvaltoolkitError, match="not a contrast of cohort means"):
        bootstrap_effects(estimate(world(covariates=1)))
    with pytest.raises(EvaltoolkitError, match="no row 99"):
        reduce_effects(estimate(world()), 99)
    alone = world(zone=1)
    with pytest.raises(EvaltoolkitError, match="two clusters"):
        bootstrap_two_way(alone)
    with pytest.raises(EvaltoolkitError, match="two clusters"):
        bootstrap_effects(estimate(alone))
