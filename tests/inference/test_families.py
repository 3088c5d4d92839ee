import dataclasses
from itertools import combinations

import numpy as np
import pytest
from family_sample import correlated, difference_of_means
from scipy.stats import norm

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import FEW_TREATED, SMALL_COHORTS, std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.families import NOT_DRAWN, adjust_families, adjust_family, adjust_with_draws
from evaltoolkit.inference.joint_draws import _signs, draw_statistics

# a Monte Carlo gate: the nominal value and three of its standard errors, fixed before the first run
STUDIES = 2000
NOMINAL = 0.05
GATE = 3 * np.sqrt(NOMINAL * (1 - NOMINAL) / STUDIES)


def two_periods(change, treated, *, zone, weights, keep):
    """A design of the units kept, with a change (n,) from one period to the next."""
    codes = np.array([f"u{i:03d}" for i in range(len(change))])
    kept = weights[keep] / weights[keep].mean()
    return Design(
        units=codes[keep],
        times=np.array([2019.0, 2020.0]),
        outcome=np.column_stack([np.zeros(keep.sum()), change[keep]]),
        cohort=np.where(treated, 2020.0, np.inf)[keep],
        covariates=np.empty((keep.sum(), 0)),
        covariate_names=(),
        weights=kept,
        clusters=np.array([f"z{i:03d}" for i in zone])[keep],
    )


@pytest.mark.parametrize("size", [1, 3], ids=["units alone", "zones across the arms"])
def test_a_draw_is_the_estimate_from_residuals_with_turned_signs(size):
    rng = np.random.default_rng(5)
    n = 60
    treated, zone, weights = np.arange(n) % 5 < 2, rng.permutation(n) // size, rng.lognormal(0, 0.5, n)
    changes = [rng.normal(size=n), rng.normal(size=n)]
    # the second outcome is missing for some units
    keeps = [np.ones(n, dtype=bool), rng.random(n) > 0.25]

    def run(change, keep):
        design = two_periods(change, treated, zone=zone, weights=weights, keep=keep)
        return estimate(design).aggregate("overall")

    effects = {f"y{j}": run(*pair) for j, pair in enumerate(zip(changes, keeps, strict=True))}
    drawn = draw_statistics(effects, draws=5, seed=3)
    signs = _signs(np.random.default_rng(3), 5, zone.max() + 1)[:, zone]
    for j, (change, keep) in enumerate(zip(changes, keeps, strict=True)):
        residual = np.zeros(n)
        for arm in (keep & treated, keep & ~treated):
            residual[arm] = change[arm] - np.average(change[arm], weights=weights[arm])
        for draw in range(5):
            again = run(residual * signs[draw], keep)
            assert drawn[draw, j] == pytest.approx(again.estimate[0] / std_errors(again)[0], abs=1e-9)


def test_draws_in_pieces_are_the_same_draws(monkeypatch):
    effects = difference_of_means(np.random.default_rng(1).normal(size=(40, 2)), np.arange(40) < 16)
    whole = draw_statistics(effects, draws=200)
    monkeypatch.setattr("evaltoolkit.inference.joint_draws._HELD", 40 * 8)
    np.testing.assert_allclose(draw_statistics(effects, draws=200), whole, rtol=1e-9)


def test_outcomes_that_share_units_are_drawn_together():
    values = correlated(np.random.default_rng(2), 400, 2, 0.8)
    treated = np.arange(400) < 150
    both = difference_of_means(values, treated)
    seen = np.corrcoef(draw_statistics(both, draws=4000), rowvar=False)[0, 1]
    one, other = (np.asarray(each.influence)[:, 0] for each in both.values())
    assert seen == pytest.approx(one @ other / np.sqrt((one @ one) * (other @ other)), abs=0.05)
    apart = dataclasses.replace(
        both["y1"], units=np.char.add("v", both["y1"].units), clusters=np.char.add("v", both["y1"].units)
    )
    alone = np.corrcoef(draw_statistics({**both, "y1": apart}, draws=4000), rowvar=False)[0, 1]
    assert abs(alone) < 4 / np.sqrt(4000)


def test_order_of_units_and_outcomes_does_not_matter():
    values = correlated(np.random.default_rng(4), 50, 3, 0.4) + 0.4 * (np.arange(50) < 20)[:, None]
    effects = difference_of_means(values, np.arange(50) < 20)
    first = adjust_family(effects, draws=999)
    order = np.random.default_rng(1).permutation(50)
    fields = ("influence", "units", "cohort", "weights", "clusters")
    turned = {
        name: dataclasses.replace(effects[name], **{field: getattr(effects[name], field)[order] for field in fields})
        for name in ("y2", "y0", "y1")
    }
    again = adjust_family(turned, draws=999)
    np.testing.assert_array_equal(again.p_adjusted, first.p_adjusted[[2, 0, 1]])


def test_same_seed_same_digits_and_another_seed_others():
    effects = difference_of_means(np.random.default_rng(1).normal(size=(40, 3)), np.arange(40) < 16)
    first, second, other = (adjust_family(effects, draws=499, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.p_adjusted, second.p_adjusted)
    assert (first.p_adjusted != other.p_adjusted).any()


def test_with_many_clusters_a_single_p_value_is_the_normal_one():
    values = (
        np.random.default_rng(6).normal(size=(900, 4))
        + np.array([0.0, 0.1, 0.15, 0.2]) * (np.arange(900) < 400)[:, None]
    )
    effects = difference_of_means(values, np.arange(900) < 400)
    family = adjust_family(effects, draws=9999)
    np.testing.assert_allclose(family.p_single, 2 * norm.sf(family.statistic), atol=4 * 0.5 / np.sqrt(9999))
    frame = family.to_frame()
    assert frame["rejected"].tolist() == (frame["p_adjusted"] <= 0.05).tolist()
    assert frame["outcome"].tolist() == ["y0", "y1", "y2", "y3"]
    assert family.attainable_level == pytest.approx(0.05)


def rejections(*, rho, effect, sizes, m=4):
    """(S, m) of the step-down and of Holm, in studies with the effects (m,) in standard errors of a difference."""
    treated = np.arange(sum(sizes)) < sizes[0]
    shift = np.asarray(effect) * np.sqrt(1 / sizes[0] + 1 / sizes[1]) * treated[:, None]
    rng = np.random.default_rng(1)
    found = np.zeros((2, STUDIES, m), dtype=bool)
    for study in range(STUDIES):
        values = correlated(rng, len(treated), m, rho) + shift
        family = adjust_family(difference_of_means(values, treated), draws=299, seed=study)
        found[:, study] = family.rejected, family.p_holm <= NOMINAL + 1e-12
    return found


@pytest.mark.slow
def test_no_effect_at_all_with_the_fewest_clusters_allowed():
    stepped, _ = rejections(rho=0.0, effect=np.zeros(4), sizes=(10, 10))
    assert abs(stepped.any(axis=1).mean() - NOMINAL) < GATE


def test_cohorts_of_two_are_not_tested():
    # twelve treated in six cohorts: two-sided normal tests of 5 % rejected in 8 % and more
    rng = np.random.default_rng(1)
    cohort = np.repeat([*np.arange(2017.0, 2023.0), np.inf], [2] * 6 + [20])
    codes = np.arange(len(cohort)).astype(str)
    design = Design(
        units=codes,
        times=np.arange(2015.0, 2023.0),
        outcome=rng.normal(size=(len(cohort), 8)),
        cohort=cohort,
        covariates=np.empty((len(cohort), 0)),
        covariate_names=(),
        weights=np.ones(len(cohort)),
        clusters=codes,
    )
    overall = estimate(design, method="imputation").aggregate("overall")
    family = adjust_family({"y": overall}, draws=299)
    assert family.reasons == (SMALL_COHORTS,)
    assert np.isnan([family.p_single[0], family.p_holm[0], family.p_adjusted[0]]).all()


@pytest.mark.slow
def test_some_true_effects_leave_the_error_on_the_others_where_it_was():
    stepped, held = rejections(rho=0.8, effect=[0, 8, 0, 8], sizes=(12, 24))
    assert stepped[:, [1, 3]].mean() > 0.99
    assert abs(stepped[:, [0, 2]].any(axis=1).mean() - NOMINAL) < GATE
    assert held[:, [0, 2]].any(axis=1).mean() < NOMINAL + GATE


@pytest.mark.slow
def test_outcomes_that_move_together_are_found_more_often_than_by_holm():
    stepped, held = rejections(rho=0.9, effect=np.full(4, 2.5), sizes=(20, 30))
    gain = stepped.mean(axis=1) - held.mean(axis=1)
    assert gain.mean() > 0.03
    assert gain.mean() > 3 * gain.std() / np.sqrt(STUDIES)


def test_an_outcome_with_few_clusters_is_not_tested_and_the_rest_is_adjusted_without_it():
    rng = np.random.default_rng(9)
    effects = difference_of_means(rng.normal(size=(50, 2)) + 0.5 * (np.arange(50) < 20)[:, None], np.arange(50) < 20)
    few = difference_of_means(
        rng.normal(size=(50, 1)) + 9.0 * (np.arange(50) < 9)[:, None], np.arange(50) < 9, names=["few"]
    )
    family, alone = adjust_family({**few, **effects}, draws=999), adjust_family(effects, draws=999)
    assert family.reasons == (FEW_TREATED, "", "")
    assert np.isnan([family.statistic[0], family.p_single[0], family.p_holm[0], family.p_adjusted[0]]).all()
    assert not family.rejected[0]
    np.testing.assert_array_equal(family.p_adjusted[1:], alone.p_adjusted)
    np.testing.assert_array_equal(family.p_holm[1:], alone.p_holm)
    nothing = adjust_family(few, draws=999)
    assert np.isnan(nothing.p_adjusted).all()
    assert nothing.reasons == (FEW_TREATED,)


def test_three_treated_by_all_their_permutations():
    rng = np.random.default_rng(11)
    values = correlated(rng, 9, 2, 0.5)
    values[:3] += 4
    chosen = [np.isin(np.arange(9), some) for some in combinations(range(9), 3)]
    draws = np.array([[abs(one[arm].mean() - one[~arm].mean()) for one in values.T] for arm in chosen])
    family = adjust_with_draws(["one", "other"], draws[0], draws, complete=True, method="all permutations")
    assert family.p_adjusted.tolist() == [1 / 84, 1 / 84]
    assert family.rejected.all()
    assert (family.draws, family.seed, family.method) == (84, None, "all permutations")
    assert family.attainable_level == pytest.approx(4 / 84)
    assert family.p_holm.tolist() == [2 / 84, 2 / 84]


def test_draws_handed_in_keep_their_reasons():
    draws = np.random.default_rng(1).exponential(size=(99, 3))
    family = adjust_with_draws(["a", "b", "c"], [1.0, np.nan, np.nan], draws, reasons=["", "no wave", ""])
    assert family.reasons == ("", "no wave", NOT_DRAWN)
    with pytest.raises(EvaltoolkitError, match="2 outcomes, 3 statistics"):
        adjust_with_draws(["a", "b"], [1.0, 2.0, 3.0], draws)
    with pytest.raises(EvaltoolkitError, match="0 outcomes"):
        adjust_with_draws([], [], draws[:, :0])


def test_each_family_stands_by_itself():
    rng = np.random.default_rng(3)
    effects = difference_of_means(rng.normal(size=(60, 3)) + 0.6 * (np.arange(60) < 25)[:, None], np.arange(60) < 25)
    primary, secondary = {"y0": effects["y0"]}, {"y1": effects["y1"], "y2": effects["y2"]}
    found = adjust_families({"primary": primary, "secondary": secondary}, draws=999)
    assert found["primary"].p_adjusted == found["primary"].p_single
    np.testing.assert_array_equal(found["secondary"].p_adjusted, adjust_family(secondary, draws=999).p_adjusted)
    with pytest.raises(EvaltoolkitError, match='"y0" stands in family "primary" and in family "secondary"'):
        adjust_families({"primary": primary, "secondary": effects})


def test_what_makes_no_sense_is_refused():
    effects = difference_of_means(np.random.default_rng(1).normal(size=(40, 2)), np.arange(40) < 16)
    moved = dataclasses.replace(effects["y1"], clusters=np.char.add("zone", effects["y1"].clusters))
    with pytest.raises(EvaltoolkitError, match='Unit "0" lies in cluster "0"'):
        adjust_family({"y0": effects["y0"], "y1": moved})
    double = dataclasses.replace(effects["y1"], estimate=np.zeros(2))
    with pytest.raises(EvaltoolkitError, match='"y1" has 2 estimates'):
        adjust_family({"y0": effects["y0"], "y1": double})
    with pytest.raises(EvaltoolkitError, match="no outcome"):
        adjust_family({})
    with pytest.raises(EvaltoolkitError, match="at least 100 draws"):
        adjust_family(effects, draws=99)
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        adjust_family(effects, draws=100, level=1.0)
