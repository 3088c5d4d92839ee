"""Sampling noise of survey outcomes: by hand, not counted twice, not left out where units cannot show it."""

import dataclasses

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference import sampling as room
from evaltoolkit.inference.linear_weights import linear_weights
from evaltoolkit.inference.sampling import add_sampling, sampling_of, widen_interval
from evaltoolkit.panels.measures import share_se

ASKED = 100


def world(seed=1, *, n=40, n_treated=20, sd=0.05, level=0.3, asked=ASKED, cohorts=None):
    """Shares among so many people asked; no effect; ``sd`` of true shares between units and years."""
    rng = np.random.default_rng(seed)
    cohort = np.full(n, np.inf)
    cohort[:n_treated] = 2021.0
    if cohorts is not None:
        cohort[: len(cohorts)] = cohorts
    times = 2018.0 + np.arange(5)
    share = np.clip(level + rng.normal(0, sd, (n, 5)) + rng.normal(0, sd, (n, 1)), 0, 1)
    outcome = rng.binomial(asked, share) / asked
    units = np.array([f"u{i:02d}" for i in range(n)])
    return Design(
        units=units,
        times=times,
        outcome=outcome,
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=units,
        sampling_se=share_se(outcome, np.full(outcome.shape, float(asked)), 1.0),
        info={"sampling_from": "respondents"},
    )


def overall_of(design, method="group_time"):
    return estimate(design, method).aggregate("overall")


def test_the_variance_of_two_by_two_by_hand():
    design = world()
    cut = dataclasses.replace(
        design, times=design.times[2:4], outcome=design.outcome[:, 2:4], sampling_se=np.full((40, 2), 0.04)
    )
    found = sampling_of(cut, overall_of(cut))
    # two arms of twenty, a difference of two years each
    assert found.std_error**2 == pytest.approx(2 * 2 * 0.04**2 / 20, rel=1e-6)
    assert found.unseen == 0


def test_where_units_differ_nothing_is_added():
    design = world()
    overall = overall_of(design)
    shown = add_sampling(overall, sampling_of(design, overall))
    assert std_errors(shown)[0] == std_errors(overall)[0]
    assert "never less than sampling alone" in shown.info["sampling"]
    plain = dataclasses.replace(design, sampling_se=None)
    assert sampling_of(plain, overall) is None
    assert add_sampling(overall, None) is overall


def test_a_cluster_alone_in_its_cohort_shows_no_noise_of_its_own():
    design = world(cohorts=[2020.0, *[2021.0] * 19])
    overall = overall_of(design)
    found = sampling_of(design, overall)
    weights = linear_weights(design, overall)[0]
    assert found.unseen == pytest.approx(np.sum((weights * design.sampling_se[0]) ** 2), rel=1e-6)
    shown = add_sampling(overall, found)
    assert std_errors(shown)[0] ** 2 == pytest.approx(std_errors(overall)[0] ** 2 + found.unseen, rel=1e-6)
    # switchers centre one that is alone together with its comparison: nothing is missing there
    assert sampling_of(design, overall_of(design, "switchers")).unseen == 0


def test_with_everybody_at_zero_there_is_an_interval_and_it_is_not_a_point():
    design = dataclasses.replace(world(level=0.0, sd=0.0), outcome=np.zeros((40, 5)))
    overall = overall_of(design)
    assert np.isnan(overall.to_frame()["std_error"]).all()
    found = sampling_of(design, overall)
    row = add_sampling(overall, found).to_frame().iloc[0]
    assert row["std_error"] == pytest.approx(found.std_error, rel=1e-9)
    assert row["conf_low"] < 0 < row["conf_high"]
    # of all two thousand asked in an arm together, p is 2 / 2004
    weights = linear_weights(design, overall)
    p = 2 / (20 * ASKED + 4)
    assert found.std_error == pytest.approx(np.sqrt(np.sum(weights**2) * p * (1 - p) / ASKED), rel=0.04)


def test_given_errors_count_as_given():
    design = world(level=0.0, sd=0.0)
    given = dataclasses.replace(
        design, outcome=np.zeros((40, 5)), sampling_se=np.full((40, 5), 0.04), info={"sampling_from": "given"}
    )
    overall = overall_of(given)
    weights = linear_weights(given, overall)
    assert sampling_of(given, overall).std_error == pytest.approx(0.04 * np.sqrt(np.sum(weights**2)), rel=1e-9)


def test_what_cannot_be_worked_out_is_told_and_changes_nothing(monkeypatch):
    design = world()
    overall = overall_of(design)
    monkeypatch.setitem(room.MOST_READINGS, True, 5)
    found = sampling_of(design, overall)
    shown = add_sampling(overall, found)
    assert "readings of its weights" in shown.info["sampling"]
    assert std_errors(shown)[0] == std_errors(overall)[0]
    synthetic = estimate(dataclasses.replace(design, sampling_se=None), "synthetic_did").aggregate("overall")
    monkeypatch.undo()
    assert "depend on the outcome" in sampling_of(design, synthetic).why_not


def test_an_interval_is_widened_on_both_sides_and_an_open_end_stays_open():
    assert widen_interval(1.0, (0.9, 3.0), 0.5, 0.95) == pytest.approx((1 - 0.98, 3.0), abs=1e-3)
    assert widen_interval(1.0, (-np.inf, 1.2), 0.5, 0.95) == pytest.approx((-np.inf, 1.98), abs=1e-3)
    assert np.isnan(widen_interval(1.0, (np.nan, np.nan), 0.5, 0.95)).all()


@pytest.mark.parametrize(
    ("settings", "lowest"),
    [({"sd": 0.05}, 1.0), ({"sd": 0.0}, 1.0), ({"level": 0.002, "sd": 0.0, "asked": 50}, 1.0)],
    ids=["units differ", "only sampling", "rare"],
)
def test_coverage_is_right_and_the_error_is_not_doubled(settings, lowest, monkeypatch):
    """300 studies without an effect. Counted twice, the error would be up to 1.41 times as large."""
    first = world(**settings)
    weights = linear_weights(first, overall_of(first))
    # the weights do not depend on the outcome: they are read once
    monkeypatch.setattr(room, "linear_weights", lambda *_: weights)
    estimates, plain, shown = [], [], []
    for seed in range(300):
        design = world(seed, **settings)
        overall = overall_of(design)
        estimates.append(overall.estimate[0])
        plain.append(np.sqrt(np.mean(np.square(overall.influence)) / 40))
        shown.append(std_errors(add_sampling(overall, sampling_of(design, overall)))[0])
    covered = np.mean(np.abs(estimates) <= 1.96 * np.array(shown))
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)
    assert lowest <= np.mean(shown) / np.mean(plain) < 1.12
    assert np.mean(shown) / np.std(estimates) < 1.2
