"""The efficient estimator under random timing: by hand, against a lottery drawn again and again, and its limits."""

from dataclasses import replace

import numpy as np
import pytest
from small_designs import simulate

from evaltoolkit.effects.inference import NO_INFLUENCE, ONE_TREATED, std_errors
from evaltoolkit.estimators.cells import NO_COMPARISON
from evaltoolkit.estimators.efficient import estimate_efficient
from evaltoolkit.estimators.efficient_errors import sharper_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError


def test_by_hand():
    """One start, two periods: the slope that makes the variance of the difference smallest."""
    design = simulate(1, n=40, times=(2019, 2020), cohorts=(2020,))
    treated, y = design.treated, design.outcome
    found = estimate(design, "efficient")
    sides = [np.cov(y[rows].T) / rows.sum() for rows in (treated, ~treated)]
    variance = sides[0] + sides[1]
    slope = variance[0, 1] / variance[0, 0]
    difference = y[treated].mean(axis=0) - y[~treated].mean(axis=0)
    assert found.slope[0] == pytest.approx(slope, rel=1e-12)
    assert found.estimate[0] == pytest.approx(difference[1] - slope * difference[0], rel=1e-12)
    expected = variance[1, 1] - slope**2 * variance[0, 0]
    assert std_errors(found)[0] ** 2 == pytest.approx(expected, rel=1e-12)


def test_slope_one_is_group_time():
    design = replace(simulate(2, cohorts=(2020, 2021)), comparison="not_yet_treated")
    found = estimate(design, "efficient")
    plain = estimate(design, "group_time", base="universal")
    rows = plain.labels["time"] >= plain.labels["cohort"]
    np.testing.assert_allclose(found.levels.estimate - found.earlier.estimate, plain.estimate[rows], rtol=1e-10)
    one = replace(found, influence=found.levels.influence - found.earlier.influence)
    # group-time errors divide by n_g, these by n_g - 1
    ratio = std_errors(one) / std_errors(plain)[rows]
    assert ((ratio > 1) & (ratio < np.sqrt(20 / 19) + 1e-9)).all()
    assert (std_errors(found) < std_errors(one)).all()


@pytest.mark.parametrize("to", ["overall", "event", "cohort", "calendar"])
def test_every_aggregate_has_the_slope_that_is_best_for_it(to):
    found = estimate(simulate(3), "efficient").aggregate(to)
    for shift in (-0.1, 0.1):
        slope = found.slope + shift
        other = replace(found, influence=found.levels.influence - slope * found.earlier.influence)
        assert (std_errors(other) > std_errors(found)).all()
    assert found.kind == to


def test_over_lots_the_estimate_is_right_and_its_error_holds():
    """The same units, starts drawn again: only the lot varies, and effects differ between units."""
    rng = np.random.default_rng(4)
    level = rng.normal(size=(60, 1)) * 2
    untreated = level * (1 + 0.1 * np.arange(4)) + rng.normal(size=(60, 4))
    effect = 0.5 + 0.3 * level
    base = simulate(0, times=(2019, 2020, 2021, 2022))
    truth, found, errors, sharper = effect.mean(), [], [], []
    for _ in range(400):
        cohort = rng.permutation(base.cohort)
        design = replace(base, cohort=cohort, outcome=untreated + effect * (base.times >= cohort[:, None]))
        overall = estimate(design, "efficient").aggregate("overall")
        found.append(overall.estimate[0])
        errors.append(std_errors(overall)[0])
        sharper.append(sharper_errors(overall)[0])
    spread = np.std(found)
    assert abs(np.mean(found) - truth) < 3 * spread / 20
    assert np.mean(errors) > spread * 0.95
    # conservative, as the theory has it for effects that differ between units
    assert spread * 0.9 < np.mean(sharper) < np.mean(errors)


def test_a_cohort_of_one_has_no_standard_error_and_compares_nobody():
    design = simulate(5, n=40, cohorts=(2020, 2021))
    first = np.flatnonzero(design.cohort == 2020)
    cohort = design.cohort.copy()
    cohort[first[1:]] = np.inf
    found = estimate(replace(design, cohort=cohort), "efficient")
    alone = (found.labels["cohort"] == 2020).to_numpy()
    assert np.isfinite(found.estimate).all()
    assert found.slope[alone].tolist() == [1.0] * 3
    assert set(found.to_frame()["reason"][alone]) == {ONE_TREATED}
    assert np.isnan(sharper_errors(found)[alone]).all()
    overall = found.aggregate("overall")
    assert overall.to_frame()["reason"].tolist() == [NO_INFLUENCE]
    without = estimate(
        replace(
            design, **{name: getattr(design, name)[np.arange(40) != first[0]] for name in (
                "units", "outcome", "covariates", "weights", "clusters")}, cohort=cohort[np.arange(40) != first[0]]
        ), "efficient",
    )  # fmt: skip
    np.testing.assert_allclose(without.estimate, found.estimate[~alone], rtol=1e-10)


def test_clusters_are_what_was_drawn():
    """Every unit twice in a cluster of two: the same numbers as once alone."""
    design = simulate(6, n=30)
    twice = {name: np.repeat(getattr(design, name), 2, axis=0) for name in ("outcome", "cohort", "covariates")}
    double = replace(
        design, **twice, units=np.array([f"d{i:03d}" for i in range(60)]), weights=np.ones(60),
        clusters=np.repeat(design.units, 2),
    )  # fmt: skip
    one, other = estimate(design, "efficient"), estimate(double, "efficient")
    np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-10)
    np.testing.assert_allclose(std_errors(other), std_errors(one), rtol=1e-10)
    with pytest.raises(EvaltoolkitError, match="drawn in clusters"):
        sharper_errors(other)


def test_anticipation_takes_an_earlier_period():
    design = simulate(7, times=(2018, 2019, 2020, 2021), cohorts=(2020,))
    found = estimate(replace(design, anticipation=1), "efficient")
    treated = design.treated
    difference = design.outcome[treated].mean(axis=0) - design.outcome[~treated].mean(axis=0)
    np.testing.assert_allclose(found.earlier.estimate, [difference[0]] * 2, rtol=1e-12)


def test_balance_tells_starts_that_were_no_lot():
    design = simulate(8, n=90)
    drawn = estimate(design, "efficient").info
    assert drawn["balance_df"] == 2
    assert drawn["balance_p_value"] > 0.001
    chosen = estimate(replace(design, outcome=design.outcome + 3.0 * design.treated[:, None]), "efficient").info
    assert chosen["balance_p_value"] < 1e-8
    few = simulate(8, n=24)
    assert np.isnan(estimate(few, "efficient").info["balance_p_value"])


def test_who_has_nobody_to_compare_with():
    design = simulate(9)
    everyone = np.where(design.treated, design.cohort, 2021.0)
    found = estimate(replace(design, cohort=everyone, comparison="not_yet_treated"), "efficient")
    last = found.labels["time"] >= 2021
    assert [reason == NO_COMPARISON for reason in found.reasons] == last.tolist()
    with pytest.raises(EvaltoolkitError, match="No cohort starts"):
        estimate_efficient(replace(design, cohort=np.full(60, np.inf)))
    with pytest.raises(EvaltoolkitError, match='belong to effects of method="efficient"'):
        sharper_errors(estimate(design))
