"""The change of each unit: the same as group-time effects, as fitting each drawn sample, and as the truth."""

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.estimators.logit import COLLINEAR
from evaltoolkit.estimators.long_difference import (
    NO_ARM,
    estimate_long_difference,
    long_difference_draws,
    long_difference_of,
    make_sample,
)
from evaltoolkit.findings import EvaltoolkitError


def table(n=150, seed=0, effect=1.0, k=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    lean = 0.8 * x[:, 0] if k else np.zeros(n)
    treated = rng.random(n) < 1 / (1 + np.exp(0.5 - lean))
    change = effect * treated + lean + rng.normal(size=n)
    return change, treated, x, rng.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("adjust", ["dr", "ipw", "reg"])
@pytest.mark.parametrize("k", [0, 2])
def test_with_one_cohort_and_two_periods_it_is_the_group_time_effect(adjust, k):
    change, treated, x, weights = table(k=k)
    level = np.random.default_rng(1).normal(size=len(change))
    units = np.array([f"u{i:03d}" for i in range(len(change))])
    design = Design(
        units=units,
        times=np.array([2020.0, 2021.0]),
        outcome=np.column_stack([level, level + change]),
        cohort=np.where(treated, 2021.0, np.inf),
        covariates=x,
        covariate_names=tuple(f"x{j}" for j in range(k)),
        weights=weights,
        clusters=units,
        outcome_name="Y",
    )
    known = estimate_group_time(design, adjust=adjust)
    found = estimate_long_difference(change, treated, x, weights, units=units, adjust=adjust)
    assert found.estimate == pytest.approx(known.estimate, rel=1e-10)
    assert found.influence[:, 0] == pytest.approx(known.influence[:, 0], rel=1e-7, abs=1e-10)
    shared = ["estimate", "std_error", "conf_low", "conf_high", "p_value"]
    assert found.to_frame()[shared].iloc[0].to_numpy() == pytest.approx(known.to_frame()[shared].iloc[0].to_numpy())


def test_drawn_samples_are_as_if_each_was_fitted():
    change, treated, x, weights = table(n=60)
    rng = np.random.default_rng(5)
    times = rng.integers(0, 3, size=(6, 60)).astype(float)
    labels = rng.permuted(np.tile(treated, (6, 1)), axis=1)
    drawn = long_difference_draws(make_sample(change, treated, x), times * labels, times * ~labels)
    for row in range(6):
        kept = np.repeat(np.arange(60), times[row].astype(int))
        alone = estimate_long_difference(change[kept], labels[row][kept], x[kept], adjust="reg")
        assert drawn.estimate[row] == pytest.approx(alone.estimate[0], rel=1e-9)
    relabelled = long_difference_draws(make_sample(change, treated, x), labels * weights, ~labels * weights)
    for row in range(6):
        alone = estimate_long_difference(change, labels[row], x, weights, adjust="reg").to_frame()
        assert relabelled.estimate[row] == pytest.approx(alone["estimate"].item(), rel=1e-9)
        assert relabelled.std_error[row] == pytest.approx(alone["std_error"].item(), rel=1e-9)


def test_many_outcomes_at_once_are_as_one_by_one():
    change, treated, x, weights = table(n=60)
    outcomes = np.column_stack([change, change**2, -change])
    many = long_difference_of(make_sample(change, treated, x, weights), outcomes)
    for column in range(3):
        alone = estimate_long_difference(outcomes[:, column], treated, x, weights, adjust="reg").to_frame()
        assert many.estimate[column] == pytest.approx(alone["estimate"].item(), rel=1e-10)
        assert many.std_error[column] == pytest.approx(alone["std_error"].item(), rel=1e-10)


def test_many_draws_in_parts_are_the_same(monkeypatch):
    change, treated, x, _ = table(n=60)
    sample = make_sample(change, treated, x)
    labels = np.random.default_rng(2).permuted(np.tile(treated, (40, 1)), axis=1).astype(float)
    whole = long_difference_draws(sample, labels, 1 - labels)
    monkeypatch.setattr("evaltoolkit.estimators.long_difference._CHUNK", 7 * sample.regressors.size)
    parts = long_difference_draws(sample, labels, 1 - labels)
    assert parts.estimate == pytest.approx(whole.estimate, rel=1e-13)
    assert parts.std_error == pytest.approx(whole.std_error, rel=1e-13)


@pytest.mark.parametrize("adjust", ["dr", "reg"])
def test_interval_covers_the_truth_as_often_as_it_says(adjust):
    draws = 600
    covered = []
    for seed in range(draws):
        change, treated, x, _ = table(n=200, seed=seed, effect=0.7)
        row = estimate_long_difference(change, treated, x, adjust=adjust).to_frame().iloc[0]
        covered.append(row["conf_low"] <= 0.7 <= row["conf_high"])
    assert np.mean(covered) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / draws))


def test_what_is_undefined_is_nan_with_a_reason():
    change, treated, x, _ = table(n=60)
    for labels in (np.ones(60), np.zeros(60)):
        row = estimate_long_difference(change, labels).to_frame().iloc[0]
        assert np.isnan(row["estimate"])
        assert row["reason"] == NO_ARM
    twice = np.column_stack([x, x[:, 0]])
    row = estimate_long_difference(change, treated, twice, adjust="reg").to_frame().iloc[0]
    assert np.isnan(row["estimate"])
    assert row["reason"] == COLLINEAR
    drawn = long_difference_draws(make_sample(change, treated, twice), 1.0 * treated[None], 1.0 * ~treated[None])
    assert np.isnan(drawn.estimate).all()
    nobody = long_difference_draws(make_sample(change, treated, x), np.zeros((1, 60)), np.ones((1, 60)))
    assert np.isnan(nobody.estimate).all()
    few = estimate_long_difference(change, np.arange(60) < 5).to_frame().iloc[0]
    assert np.isfinite(few["std_error"])
    assert np.isnan(few["conf_low"])


def test_wrong_use_is_told():
    change, treated, x, _ = table(n=20)
    with pytest.raises(EvaltoolkitError, match="no adjustment"):
        estimate_long_difference(change, treated, x, adjust="regr")
    with pytest.raises(EvaltoolkitError, match="0 or 1"):
        estimate_long_difference(change, treated + 1)
    with pytest.raises(EvaltoolkitError, match="One number per unit"):
        estimate_long_difference(change, treated[:5])
    with pytest.raises(EvaltoolkitError, match="missing"):
        estimate_long_difference(np.where(np.arange(20) == 2, np.nan, change), treated)
