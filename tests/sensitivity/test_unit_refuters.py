"""Refuters at unit level: each draw against refitting, each rule in a clean world and in one where it must fire."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.estimators.long_difference import Draws, estimate_long_difference, make_sample
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.sensitivity import unit_draws
from evaltoolkit.sensitivity.unit_refuters import ALARMS, REFUTERS, false_alarms, refute_units

SEEDS = range(20)


def changes(seed=0, n=160, some=60, *, effect=2.0, covariates=0, noise=None, weight=None):
    """Changes with one row per unit; covariates that matter to nothing, so that the plain difference is right too."""
    rng = np.random.default_rng(seed)
    names = [f"x{j}" for j in range(covariates)]
    frame = pd.DataFrame(rng.normal(size=(n, covariates)), columns=names)
    treated = (np.arange(n) < some).astype(int)
    change = effect * treated + (rng.normal(size=n) if noise is None else noise(rng, n))
    frame = frame.assign(unit=[f"u{i}" for i in range(n)], treated=treated, change=change)
    return frame if weight is None else frame.assign(weight=weight(rng, n))


def names_of(frame):
    return [name for name in frame.columns if str(name).startswith("x")]


def skewed(rng, n):
    return np.exp(1.3 * rng.normal(size=n))


def with_a_giant(rng, n):
    return 0.3 * rng.normal(size=n) + np.where(np.arange(n) == 0, 100.0, 0.0)


def one_city(_, n):
    return np.where(np.arange(n) == 0, 2000.0, 1.0)


# refuter -> (the world where it must fire, the fault)
BREAKING = {
    # few treated and a few very large values: normal intervals are too short
    "placebo_treatment": ({"n": 300, "some": 10, "effect": 8.0, "noise": skewed}, "alarms"),
    # fifteen covariates, twenty comparison units
    "random_common_cause": ({"n": 40, "some": 20, "effect": 4.0, "covariates": 15}, "moves"),
    # all but one unit went the other way
    "data_subset": ({"n": 300, "some": 20, "effect": -0.5, "noise": with_a_giant}, "turns"),
    "bootstrap": ({"n": 40, "some": 20, "effect": 4.0, "covariates": 7}, "spreads"),
    # one unit has nearly all the weight of its arm
    "dummy_outcome": ({"effect": 4.0, "weight": one_city}, "alarms"),
    # an effect well away from zero and smaller than what the made-up cause does
    "add_unobserved_common_cause": ({"n": 2000, "some": 600, "effect": 0.17}, "turns"),
}
CLEAN = {
    "plain": {},
    "covariates": {"covariates": 2},
    "ten treated": {"n": 300, "some": 10, "effect": 3.0},
    "weights": {"weight": lambda rng, n: rng.uniform(0.5, 2.0, n)},
    "small": {"n": 40, "some": 12, "effect": 3.0, "covariates": 2},
}


@pytest.mark.parametrize("name", REFUTERS)
def test_each_refuter_fires_where_it_must(name):
    world, fault = BREAKING[name]
    fired = []
    for seed in SEEDS:
        frame = changes(seed, **world)
        row = refute_units(frame, covariates=names_of(frame), simulations=199).set_index("refuter").loc[name]
        fired.append(not row["verdict"] and row["fault"] == fault and not row["measure"] <= row["limit"])
    assert np.mean(fired) >= 0.8


@pytest.mark.parametrize("world", CLEAN)
def test_no_refuter_fires_in_a_clean_world(world):
    for seed in SEEDS:
        frame = changes(seed, **CLEAN[world])
        table = refute_units(frame, covariates=names_of(frame), simulations=199)
        assert table["verdict"].all(), table[["refuter", "measure", "limit"]]
        assert (table["fault"] == "").all()


@pytest.fixture
def disturbed(monkeypatch):
    """Run one disturbance and see the weights that it drew."""

    def run(disturb, frame, count=50):
        seen = {}

        def look(sample, treated, comparison):
            seen.update(treated=treated, comparison=comparison)
            return Draws(np.zeros(len(treated)), np.ones(len(treated)))

        monkeypatch.setattr(unit_draws, "long_difference_draws", look)
        disturb(sample_of(frame), count, np.random.default_rng(3))
        return seen["treated"], seen["comparison"]

    return run


def sample_of(frame):
    weights = frame.get("weight")
    return make_sample(frame["change"], frame["treated"], frame[names_of(frame)], weights)


def test_permuted_labels_keep_their_number_and_weights_stay_with_units(disturbed):
    frame = changes(weight=lambda rng, n: rng.uniform(0.5, 2.0, n))
    one, other = disturbed(unit_draws.permute_treatment, frame)
    assert ((one > 0).sum(axis=1) == 60).all()
    assert one + other == pytest.approx(np.tile(frame["weight"], (50, 1)))
    assert len(np.unique(one > 0, axis=0)) == 50


def test_a_subset_is_four_fifths_of_each_arm_and_a_bootstrap_as_many_as_there_are(disturbed):
    frame = changes()
    treated = frame["treated"].to_numpy() == 1
    one, other = disturbed(unit_draws.take_subset, frame)
    assert set(np.unique(one)) == {0.0, 1.0}
    assert (one.sum(axis=1) == 48).all()
    assert (other.sum(axis=1) == 80).all()
    one, other = disturbed(unit_draws.resample_units, frame)
    assert (one.sum(axis=1) == 60).all()
    assert (other.sum(axis=1) == 100).all()
    assert one.max() > 1
    for sides in (one, other):
        assert len(np.unique(sides, axis=0)) == 50
    assert not one[:, ~treated].any()
    assert not other[:, treated].any()


def test_a_random_cause_is_the_regression_fitted_again_with_it():
    frame = changes(n=80, some=30, covariates=2, weight=lambda rng, n: rng.uniform(0.5, 2.0, n))
    moved = unit_draws.add_random_cause(sample_of(frame), 5, np.random.default_rng(3)).estimate
    noise = np.random.default_rng(3).normal(size=(80, 5))
    for column, found in zip(noise.T, moved, strict=True):
        covariates = np.column_stack([frame[names_of(frame)], column])
        again = estimate_long_difference(
            frame["change"], frame["treated"], covariates, frame["weight"], adjust="reg"
        ).estimate[0]
        assert found == pytest.approx(again, rel=1e-9)


def test_a_hidden_cause_is_the_estimate_without_what_it_did():
    for sign in (1, -1):
        frame = changes(effect=2.0 * sign, covariates=1)
        sample = sample_of(frame)
        drawn = unit_draws.simulate_hidden_cause(sample, 4, np.random.default_rng(3)).estimate
        cause = np.random.default_rng(3).normal(size=(160, 4)) + 0.5 * sample.treated[:, None]
        within = frame.groupby("treated")["change"]
        spread = np.sqrt((within.var() * (within.count() - 1)).sum() / 158)
        for column, found in zip(cause.T, drawn, strict=True):
            without = frame["change"] - sign * 0.5 * spread * column
            again = estimate_long_difference(without, frame["treated"], frame[["x0"]], adjust="reg").estimate[0]
            assert found == pytest.approx(again, rel=1e-9)
        assert (np.abs(drawn) < 2.6).all()


def test_no_room_for_another_covariate_is_a_fault():
    frame = changes(n=24, some=12, covariates=11, effect=4.0)
    table = refute_units(frame, covariates=names_of(frame), simulations=99).set_index("refuter")
    assert table.loc["random_common_cause", "simulations"] == 0
    assert table.loc["random_common_cause", "fault"] == "moves"
    assert np.isnan(table.loc["random_common_cause", "refuted"])


def test_the_same_as_the_refuters_of_dowhy_up_to_the_draws():
    from evaltoolkit.graphs.refute import refute_effect

    frame = changes(n=200, some=70, covariates=1, effect=0.5)
    ours = refute_units(frame, covariates=["x0"], simulations=4000).set_index("refuter")
    theirs = refute_effect(frame, covariates=["x0"], simulations=120).set_index("refuter")
    assert ours["estimate"].iloc[0] == pytest.approx(theirs["estimate"].iloc[0], rel=1e-12)
    for name in ("placebo_treatment", "random_common_cause", "data_subset"):
        one, other = ours.loc[name], theirs.loc[name]
        assert one["refuted"] == pytest.approx(other["refuted"], abs=3.5 * other["sd"] / np.sqrt(120)), name
        assert one["sd"] == pytest.approx(other["sd"], rel=3.5 / np.sqrt(240)), name
    # theirs adds noise to the covariate and draws the arms' sizes too
    assert ours.loc["bootstrap", "sd"] == pytest.approx(theirs.loc["bootstrap", "sd"], rel=0.35)


def test_resampled_estimates_spread_as_the_standard_error_says():
    frame = changes(n=400, some=150, covariates=2)
    table = refute_units(frame, covariates=names_of(frame), simulations=2000).set_index("refuter")
    error = table.attrs["std_error"]
    known = estimate_long_difference(frame["change"], frame["treated"], frame[names_of(frame)], adjust="reg")
    assert error == pytest.approx(known.to_frame()["std_error"].item(), rel=1e-9)
    assert table.loc["bootstrap", "sd"] == pytest.approx(error, rel=0.06)
    # four fifths without replacement: a quarter of the variance is added
    assert table.loc["data_subset", "sd"] == pytest.approx(error / 2, rel=0.06)
    for name in ("placebo_treatment", "dummy_outcome"):
        assert table.loc[name, "measure"] == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 2000) + 0.005)


def test_false_alarms_are_counted_among_draws_that_exist():
    drawn = Draws(np.array([0.0, 3.0, -3.0, np.nan]), np.array([1.0, 1.0, 1.0, np.nan]))
    assert false_alarms(drawn) == pytest.approx(2 / 3)
    assert np.isnan(false_alarms(Draws(np.array([np.nan]), np.array([np.nan]))))
    assert ALARMS == 2 * 0.05


def test_the_same_seed_gives_the_same_table_and_the_frame_is_left_alone():
    frame = changes(covariates=1)
    before = frame.copy()
    one, two = (refute_units(frame, covariates=["x0"], simulations=60, seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(frame, before)
    other = refute_units(frame, covariates=["x0"], simulations=60, seed=5)
    assert (other["sd"] != one["sd"]).all()


def test_units_of_measurement_do_not_matter():
    frame = changes(covariates=1)
    scaled = frame.assign(change=1000 * frame["change"], x0=1e6 * frame["x0"] + 5)
    one, two = (refute_units(table, covariates=["x0"], simulations=60) for table in (frame, scaled))
    assert two["measure"].to_numpy() == pytest.approx(one["measure"].to_numpy(), rel=1e-7)
    assert two["refuted"].to_numpy() == pytest.approx(1000 * one["refuted"].to_numpy(), rel=1e-7, abs=1e-6)


def test_what_cannot_be_refuted_is_refused():
    frame = changes(covariates=1)
    long = pd.concat([frame, frame], ignore_index=True)
    with pytest.raises(RefusedError, match=r"160 rows more than units.*one row per unit"):
        refute_units(long)
    with pytest.raises(RefusedError, match="Fewer than 10 units"):
        refute_units(changes(some=9))
    with pytest.raises(RefusedError, match="collinear"):
        refute_units(frame.assign(x1=frame["x0"]), covariates=["x0", "x1"])
    with pytest.raises(EvaltoolkitError, match='Did you mean "change"'):
        refute_units(frame, outcome="chang")
    with pytest.raises(EvaltoolkitError, match="at least 20 simulations"):
        refute_units(frame, simulations=19)
    with pytest.raises(EvaltoolkitError, match="missing"):
        refute_units(frame.assign(change=frame["change"].where(frame.index > 0)))


def test_no_dowhy_is_loaded():
    code = "import sys, evaltoolkit.checks.refuters; print('dowhy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_changes_without_noise_are_refused():
    frame = changes(noise=lambda _, n: np.zeros(n))
    with pytest.raises(RefusedError, match="do not vary"):
        refute_units(frame, simulations=99)
