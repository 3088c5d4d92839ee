from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.refuters import check_refuters, collapse_changes
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import RefusedError
from evaltoolkit.sensitivity.partial_r2 import partial_r2_sensitivity


def run(design, **options):
    return check_refuters(design, estimate(design, adjust="reg"), **options)


def test_clean_world_stands(world):
    done = run(world())
    assert (done.verdict, done.code) == (True, "check.refuters.stable")
    assert len(done.table) == 6


def test_no_effect_leaves_nothing_to_refute(world):
    done = run(world(effect=0.0, seed=2))
    assert (done.verdict, done.code) == (None, "check.refuters.indistinct")


def test_an_effect_that_a_moderate_hidden_cause_overturns_is_fragile(world):
    # well away from zero, and smaller than what the made-up cause does
    weak = [run(world(effect=0.13, seed=seed, n=2000, n_treated=600), simulations=99) for seed in range(10)]
    strong = [run(world(effect=2.0, seed=seed, n=300, n_treated=30)) for seed in range(2)]
    assert sum((one.verdict, one.code) == (False, "check.refuters.fragile") for one in weak) >= 8
    assert all(one.verdict is not True for one in weak)
    assert all(one.verdict is True for one in strong)


def test_a_result_that_one_unit_carries_is_fragile(world):
    for seed in range(5):
        design = world(n=300, n_treated=20, effect=-0.5, noise=0.3, seed=seed)
        outcome = design.outcome.copy()
        outcome[0] += 100.0 * (design.times >= design.cohort[0])
        done = run(replace(design, outcome=outcome))
        assert (done.verdict, done.code) == (False, "check.refuters.fragile")
        assert done.table.set_index("refuter").loc["data_subset", "fault"] == "turns"


def test_a_few_very_large_values_make_false_alarms(world):
    found = []
    for seed in range(5):
        jumps = 3.0 * np.exp(1.8 * np.random.default_rng(seed).normal(size=(300, 1)))
        design = world(n=300, n_treated=12, effect=60.0, seed=seed)
        # every unit has its own jump in the last years, treated or not
        found.append(run(replace(design, outcome=design.outcome + jumps * (design.times >= 2022.0))))
    assert {(one.verdict, one.code) for one in found} == {(False, "check.refuters.false_alarms")}
    assert all(one.facts["alarms"] > 12 for one in found)


def test_more_covariates_than_the_units_can_carry(world):
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(44, 8))
        names = tuple(f"x{j}" for j in range(8))
        done = run(world(n=44, n_treated=24, effect=40.0, seed=seed, covariates=x, covariate_names=names))
        assert (done.verdict, done.code) == (False, "check.refuters.overfitted")


def test_one_row_per_unit_reproduces_the_long_difference(world):
    design = world(noise=0.0, effect=2.0)
    frame = collapse_changes(design)
    assert frame["unit"].is_unique
    assert len(frame) == 160
    gap = frame.groupby("treated")["change"].mean()
    assert gap[1] - gap[0] == pytest.approx(2.0)


def test_one_cohort_is_the_plain_two_by_two(world):
    plain = world()
    design = world(cohort=np.where(np.isfinite(plain.cohort), 2022.0, np.inf))
    frame = collapse_changes(design)
    change = design.outcome[:, 3:].mean(axis=1) - design.outcome[:, :3].mean(axis=1)
    expected = change[design.treated].mean() - change[~design.treated].mean()
    gap = frame.groupby("treated")["change"].mean()
    assert gap[1] - gap[0] == pytest.approx(expected)


def test_missing_values_and_anticipation(world):
    outcome = world().outcome.copy()
    outcome[0, :3] = np.nan  # no value before treatment
    frame = collapse_changes(world(outcome=outcome))
    assert len(frame) in (159, 160)
    early = world(noise=0.0)
    acts = np.isfinite(early.cohort)[:, None] & (early.times == early.cohort[:, None] - 1)
    ahead = world(outcome=early.outcome + 5.0 * acts, anticipation=1)
    gap = collapse_changes(ahead).groupby("treated")["change"].mean()
    assert gap[1] - gap[0] == pytest.approx(2.0)


def test_clusters_become_one_row_or_are_refused(world):
    zones = np.array([f"z{i // 5}" for i in range(160)])
    frame = collapse_changes(world(clusters=zones))
    assert len(frame) == 32
    assert frame["weight"].tolist() == [5.0] * 32
    assert frame["treated"].sum() == 12
    mixed = np.array([f"z{i % 20}" for i in range(160)])
    with pytest.raises(RefusedError, match="one row per cluster"):
        collapse_changes(world(clusters=mixed))
    assert run(world(clusters=mixed)).code == "check.refuters.not_possible"
    assert run(world(n_treated=9)).code == "check.refuters.not_possible"


def test_covariates_are_carried_along(world):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(160, 1))
    design = world(covariates=x, covariate_names=("weight",))
    assert collapse_changes(design)["covariate_0"].to_numpy() == pytest.approx(x[:, 0])
    assert run(design).verdict is True


def test_neither_labels_nor_order_change_the_verdict(world):
    design = world(effect=0.3, seed=2, n=300, n_treated=30)
    turn = np.random.default_rng(5).permutation(300)
    other = replace(
        design,
        units=np.array([f"x{i}" for i in range(300)]),
        clusters=np.array([f"x{i}" for i in range(300)]),
        outcome=design.outcome[turn],
        cohort=design.cohort[turn],
        covariates=design.covariates[turn],
        weights=design.weights[turn],
    )
    first, second = run(design), run(other)
    assert first.code == second.code
    assert first.facts == second.facts


def test_how_strong_a_hidden_cause_would_have_to_be(world):
    x = np.random.default_rng(2).normal(size=(160, 1))
    plain = world()
    design = world(outcome=plain.outcome + 0.4 * x * np.arange(6), covariates=x, covariate_names=("size",))
    done = run(design)
    frame = collapse_changes(design)
    direct = partial_r2_sensitivity(
        frame["change"],
        frame["treated"],
        frame[["covariate_0"]],
        ["size"],
        benchmarks=["size"],
        weights=frame["weight"],
    )
    told = done.figure["partial_r2"].set_index("quantity")["value"]
    assert told["robustness"] == pytest.approx(direct.robustness)
    assert done.facts["hidden"] == int(100 * direct.robustness)
    # what a hidden cause as strong as the measured one would leave
    assert done.figure["benchmarks"]["benchmark"].tolist() == ["size"] * 3
    assert done.figure["benchmarks"]["estimate"].tolist() == pytest.approx(direct.bounds["estimate"].tolist())
    # a clearer effect asks for a stronger cause
    assert run(world(effect=4.0)).facts["hidden"] > run(world(effect=2.0)).facts["hidden"] > 0


def test_effects_that_are_one_coefficient_have_a_table_of_changes_too(world):
    design = world()
    done, by_group = check_refuters(design, estimate(design, "two_way")), run(design)
    assert (done.verdict, done.code) == (by_group.verdict, by_group.code)
    pd.testing.assert_frame_equal(done.table, by_group.table)
