import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_designs import simulate
from two_way_designs import awkward, dense

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.cells import NO_COMPARISON, NO_TREATED, REFERENCE
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.sun_abraham import NOT_IDENTIFIED, _list_cells, _regress
from evaltoolkit.estimators.two_way_panel import arrange_rows
from evaltoolkit.findings import EvaltoolkitError

CASES = {
    "weighted": lambda **o: awkward(3, gaps=0.0, **o),
    "gaps": lambda **o: awkward(3, **o),
    "covariates": lambda **o: awkward(3, k=2, **o),
    "controls": lambda **o: awkward(3, k=1, controls=2, **o),
    "anticipation": lambda **o: awkward(3, anticipation=1, **o),
}


def cell_columns(design, labels):
    return [
        (design.cohort == row.cohort)[:, None] * (design.times == row.time).astype(float)
        for row in labels.itertuples(index=False)
    ]


@pytest.mark.parametrize("case", CASES)
def test_it_is_least_squares_with_a_dummy_for_every_cell(case):
    design = CASES[case]()
    effects = estimate(design, "sun_abraham")
    kept = np.array([reason == "" for reason in effects.reasons])
    assert kept.sum() == len(kept) - 2
    slopes, influence = dense(design, cell_columns(design, effects.labels[kept]))
    np.testing.assert_allclose(effects.estimate[kept], slopes, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(effects.influence[:, kept], influence, atol=1e-9)


def test_balanced_is_group_time_and_both_paths_agree():
    for design in (
        simulate(3),
        awkward(4, gaps=0.0),
        awkward(5, gaps=0.0, anticipation=1, comparison="not_yet_treated"),
    ):
        effects = estimate(design, "sun_abraham")
        never = dataclasses.replace(design, comparison="never_treated")
        expected = estimate(never, "group_time", base="universal")
        panel = arrange_rows(design)
        points, influence, reasons = _regress(panel, _list_cells(panel))
        np.testing.assert_allclose(points, effects.estimate, atol=1e-12)
        np.testing.assert_allclose(influence, effects.influence, atol=1e-11)
        assert tuple(reasons) == effects.reasons == expected.reasons
        assert effects.labels.equals(expected.labels)
        # the shares of cohorts count as fixed: the standard error of an aggregate is not that of group_time
        ours, theirs = effects.aggregate("overall"), expected.aggregate("overall")
        assert ours.estimate[0] == pytest.approx(theirs.estimate[0], rel=1e-12)
        assert std_errors(ours)[0] != pytest.approx(std_errors(theirs)[0], rel=1e-6)


def test_without_never_treated_units_the_last_cohort_compares_until_it_starts():
    design = awkward(6, times=(1, 2, 3, 4, 5, 6), cohorts=(3, 4, 6))
    treated = design.cohort < np.inf
    design = dataclasses.replace(design, cohort=np.where(treated, design.cohort, 6.0))
    effects = estimate(design, "sun_abraham")
    assert np.unique(effects.labels["cohort"]).tolist() == [3, 4]
    assert effects.labels["time"].max() == 5
    assert effects.info["comparison_only_cohorts"] == (6.0,)
    kept = np.array([reason == "" for reason in effects.reasons])
    earlier = dataclasses.replace(
        design,
        times=design.times[:5],
        outcome=design.outcome[:, :5],
        cohort=np.where(design.cohort == 6, np.inf, design.cohort),
    )
    slopes, influence = dense(earlier, cell_columns(earlier, effects.labels[kept]))
    np.testing.assert_allclose(effects.estimate[kept], slopes, rtol=1e-9)
    np.testing.assert_allclose(effects.influence[:, kept], influence, atol=1e-9)
    with pytest.raises(EvaltoolkitError, match="Nobody is still untreated"):
        estimate(dataclasses.replace(design, cohort=np.full(60, 3.0)), "sun_abraham")


def test_a_unit_treated_just_after_the_panel_does_not_compare_while_it_anticipates():
    design = simulate(7, cohorts=(2020, 2023), anticipation=1)
    effects = estimate(design, "sun_abraham")
    outcome = design.outcome.copy()
    outcome[design.cohort == 2023, 4] = np.nan
    never = np.where(design.cohort == 2023, np.inf, design.cohort)
    expected = estimate(dataclasses.replace(design, outcome=outcome, cohort=never), "sun_abraham")
    np.testing.assert_allclose(effects.estimate, expected.estimate, rtol=1e-10)
    assert effects.labels["n_comparison"].tolist() == [40, 40, 40, 40, 20]


def test_what_the_rows_do_not_tell():
    design = simulate(8)
    outcome = design.outcome.copy()
    outcome[design.cohort == 2020, 1] = np.nan
    outcome[np.isinf(design.cohort), 4] = np.nan
    outcome[design.cohort == 2021, 0] = np.nan
    effects = estimate(dataclasses.replace(design, outcome=outcome), "sun_abraham")
    told = {
        (row.cohort, row.time): reason for row, reason in zip(effects.labels.itertuples(), effects.reasons, strict=True)
    }
    # cohort 2020 has nobody in its reference period 2019: nothing is measured from anything
    assert told[2020, 2019] == REFERENCE
    assert {told[2020, time] for time in (2018, 2020, 2021)} == {NOT_IDENTIFIED}
    assert told[2020, 2022] == told[2021, 2022] == NO_COMPARISON
    assert told[2021, 2018] == NO_TREATED
    assert told[2021, 2019] == told[2021, 2021] == ""
    undefined = np.isnan(effects.estimate)
    assert undefined.tolist() == [reason not in ("", REFERENCE) for reason in effects.reasons]
    assert np.isnan(effects.influence[:, undefined]).all()
    complete = dataclasses.replace(
        design, outcome=np.where(design.cohort[:, None] == 2020, np.nan, outcome)[:, 1:4], times=design.times[1:4]
    )
    expected = estimate(complete, "sun_abraham").estimate
    np.testing.assert_allclose(effects.estimate[6:9], expected[np.isfinite(expected)], atol=1e-10)


def test_influence_is_the_derivative_by_the_weight_of_a_unit():
    design = awkward(9, k=1, controls=1)
    found = estimate(design, "sun_abraham")
    step, post = 1e-5, (found.labels["time"] >= found.labels["cohort"]).to_numpy()
    for i in (2, 31, 50):
        shifted = []
        for sign in (1, -1):
            weights = design.weights.copy()
            weights[i] *= 1 + sign * step
            shifted.append(estimate(dataclasses.replace(design, weights=weights), "sun_abraham").estimate)
        slope = (shifted[0] - shifted[1]) / (2 * step) * 60
        np.testing.assert_allclose(slope[post], found.influence[i, post], rtol=1e-4, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.sampled_from([0, 1]), shift=st.floats(-50, 50), factor=st.floats(0.01, 100))
def test_what_must_not_matter(seed, k, shift, factor):
    """Row order, names of units, level and unit of outcome and covariates, the calendar."""
    design = awkward(seed, k=k)
    order = np.random.default_rng(seed).permutation(60)
    changed = dataclasses.replace(
        design,
        units=np.array([f"other{i}" for i in range(60)]),
        outcome=factor * design.outcome[order] + shift,
        cohort=design.cohort[order] - 3,
        times=design.times - 3,
        covariates=5 * design.covariates[order] + 2,
        weights=design.weights[order],
        clusters=design.clusters[order],
    )
    one, other = estimate(design, "sun_abraham"), estimate(changed, "sun_abraham")
    assert one.reasons == other.reasons
    np.testing.assert_allclose(factor * one.estimate, other.estimate, rtol=1e-6, atol=1e-8 * factor)
    np.testing.assert_allclose(factor * std_errors(one), std_errors(other), rtol=1e-6)


def test_another_cohort_does_not_matter_without_covariates():
    """Gaps or not: each cohort has its own coefficient in every period. Common covariates tie them together."""
    design = awkward(10, cohorts=(2020, 2021), k=1)
    first = design.cohort != 2021
    names = ("units", "outcome", "cohort", "clusters", "covariates")
    alone = dataclasses.replace(
        design,
        **{name: getattr(design, name)[first] for name in names},
        weights=design.weights[first] / design.weights[first].mean(),
    )
    both, one = (estimate(each, "sun_abraham") for each in (design, alone))
    mine = (both.labels["cohort"] == 2020).to_numpy()
    assert np.abs(both.estimate[mine] - one.estimate).max() > 1e-3
    plain = (dataclasses.replace(each, covariates=each.covariates[:, :0]) for each in (design, alone))
    both, one = (estimate(each, "sun_abraham") for each in plain)
    np.testing.assert_allclose(both.estimate[mine], one.estimate, atol=1e-12)
    np.testing.assert_allclose(std_errors(both)[mine], std_errors(one), rtol=1e-10)


def test_the_truth_with_effects_that_grow_and_trends_by_covariate():
    """200 draws with gaps and a covariate: bias within three standard errors, coverage within three of its own."""
    found = []
    for draw in range(200):
        design = simulate(draw, n=120, effect=0.0, k=1, gaps=0.05)
        since = np.where(np.isfinite(design.cohort)[:, None], design.times - design.cohort[:, None], -1.0)
        design = dataclasses.replace(design, outcome=design.outcome + np.where(since >= 0, 1 + since, 0.0))
        found.append(estimate(design, "sun_abraham").aggregate("event").to_frame().set_index("event_time"))
    for event, truth in ((-2, 0.0), (0, 1.0), (1, 2.0)):
        point, low, high = np.array(
            [table.loc[event, ["estimate", "conf_low", "conf_high"]] for table in found], float
        ).T
        assert abs(point.mean() - truth) < 3 * point.std() / np.sqrt(200)
        covered = ((low <= truth) & (high >= truth)).mean()
        assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 200)
