import math
from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks.sensitivity import AMOUNTS, check_sensitivity
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.sensitivity.restrictions import Assumed
from evaltoolkit.sensitivity.sets import robust_sets


def run(design, method="group_time", **options):
    return check_sensitivity(design, estimate(design, method, **options))


def test_clean_world_is_firm_and_arms_that_always_moved_apart_are_fragile(world):
    firm = run(world())
    assert (firm.verdict, firm.code) == (True, "check.sensitivity.firm")
    assert 1 <= firm.facts["times"] <= firm.figure["breakdown"]
    fragile = run(world(effect=0.0, drift=0.6))
    assert (fragile.verdict, fragile.code) == (False, "check.sensitivity.fragile")
    assert 1 >= fragile.facts["times"] >= fragile.figure["breakdown"]


def test_an_interval_that_holds_zero_has_nothing_to_lose(world):
    none = run(world(effect=0.0))
    assert (none.verdict, none.code) == (None, "check.sensitivity.already")
    usual = none.table.iloc[0]
    assert usual["low"] <= 0 <= usual["high"]


def test_parameter_is_the_overall_effect(world):
    design = world()
    found = run(design)
    overall = estimate(design, base="universal").aggregate("overall").to_frame()
    usual = found.table.iloc[0]
    assert (usual["low"] + usual["high"]) / 2 == pytest.approx(overall["estimate"][0], rel=1e-12)
    assert found.figure["l_vec"].sum() == pytest.approx(1)
    # two cohorts reach the first two periods, one the third
    assert found.figure["l_vec"][0] == pytest.approx(found.figure["l_vec"][1])
    assert found.figure["l_vec"][2] < found.figure["l_vec"][1]


def test_table_holds_the_sets_of_the_event_study(world):
    design = world()
    event = estimate(design, base="universal").aggregate("event")
    used = event.labels["event_time"].to_numpy() != -1
    found = run(design)
    sets = robust_sets(
        event.estimate[used],
        event.covariance()[np.ix_(used, used)],
        int((event.labels["event_time"] < -1).sum()),
        3,
        AMOUNTS,
        assumed=Assumed("relative_magnitudes"),
        l_vec=found.figure["l_vec"],
    )
    rows = found.table[found.table["restriction"] == "relative_magnitudes"]
    np.testing.assert_allclose(rows[["low", "high"]], [(one.low, one.high) for one in sets])
    assert rows["amount"].tolist() == list(AMOUNTS)
    held = rows["low"].to_numpy() <= 0
    assert held.tolist() == (rows["amount"] >= found.figure["breakdown"]).tolist()


def test_base_and_level(world):
    design = world()
    one, other = run(design), run(design, base="universal")
    np.testing.assert_allclose(one.table[["low", "high"]], other.table[["low", "high"]])
    wide = check_sensitivity(design, estimate(design), level=0.99)
    assert wide.figure["breakdown"] < one.figure["breakdown"]


def test_other_estimators(world):
    design = world()
    for method in ("sun_abraham", "extended_two_way"):
        assert run(design, method).code == "check.sensitivity.firm"
    other = run(design, "imputation")
    assert (other.verdict, other.code) == (None, "check.sensitivity.reference_not_applicable")


def test_anticipated_periods_come_after_the_reference_and_weigh_nothing(world):
    found = run(world(anticipation=1))
    assert found.figure["l_vec"][0] == 0
    assert len(found.figure["l_vec"]) == 4


def test_what_cannot_be_computed_has_its_reason(world):
    few = run(world(n_treated=9))
    assert (few.verdict, few.code) == (None, "check.sensitivity.few_not_testable")
    design = world()
    cohort = np.where(np.isfinite(design.cohort), 2022.0, np.inf)
    short = run(replace(design, cohort=cohort, times=design.times[2:], outcome=design.outcome[:, 2:]))
    assert (short.verdict, short.code) == (None, "check.sensitivity.not_possible")
    gap = np.array([0, 1, 2, 4, 5])
    uneven = run(replace(design, cohort=cohort, times=design.times[gap], outcome=design.outcome[:, gap]))
    assert (uneven.verdict, uneven.code) == (None, "check.sensitivity.uneven_not_possible")
    still = design.outcome.copy()
    still[:, 1] = still[:, 0]
    twice = run(world(outcome=still, cohort=cohort))
    assert (twice.verdict, twice.code) == (None, "check.sensitivity.not_testable")


def test_a_hundred_times_is_said_as_such(world):
    design = world(effect=200.0, noise=0.02)
    sure = run(design)
    assert (sure.verdict, sure.code) == (True, "check.sensitivity.unmoved")
    assert math.isinf(sure.figure["breakdown"])


@pytest.mark.slow
def test_verdict_in_the_clean_and_the_broken_world(world):
    """Forty worlds each: a firm effect is called firm, a drift that was always there hardly ever."""
    clean = [run(world(seed=seed, effect=4.0)).verdict for seed in range(40)]
    broken = [run(world(seed=seed, effect=0.0, drift=0.6)).verdict for seed in range(40)]
    assert np.mean([one is True for one in clean]) >= 0.8
    # at the true violation (Mbar = 1) the set holds zero in 95 of 100 worlds at least
    assert np.mean([one is True for one in broken]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 40)
