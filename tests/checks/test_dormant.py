"""Attendance where nobody met: the always-active, against the truth and against the sign of the estimate."""

from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks.dormant import check_dormant
from evaltoolkit.estimators.registry import estimate


def check(design, status, panel_of):
    return check_dormant(design, estimate(design), panel=panel_of(design, status))


def sleeping(design, rows):
    """Outcome and status of a design whose rows (n, T) are asleep."""
    status = np.where(rows, "NAP", "registered").astype(object)
    return replace(design, outcome=np.where(rows, np.nan, design.outcome)), status


def woken(world, seed, *, effect):
    """A fifth sleeps in every period, but none of the treated from the start on: activity rests on the outcome."""
    design = world(seed=seed, n=600, n_treated=240, effect=0.0)
    after = design.times >= design.cohort[:, None]
    noise = design.outcome - design.outcome.mean(axis=1, keepdims=True)
    rows = ~after & (noise < np.quantile(noise, 0.2, axis=0))
    return sleeping(replace(design, outcome=design.outcome + effect * after), rows)


def test_everybody_active(world, panel_of):
    design = world()
    assert check_dormant(design, estimate(design)).code == "check.dormant.none"
    design, status = sleeping(design, np.zeros((160, 6), dtype=bool))
    assert check(design, status, panel_of).code == "check.dormant.none"


def test_silence_is_not_sleep(world, panel_of):
    design, status = sleeping(world(), (np.arange(160) < 9)[:, None] & np.ones(6, dtype=bool))
    assert check(design, np.where(status == "NAP", "DK", status), panel_of).code == "check.dormant.none"


def test_units_that_the_action_wakes_are_counted_and_the_bounds_hold_the_truth(world, panel_of):
    inside, naive = 0, []
    for seed in range(40):
        design, status = woken(world, seed, effect=0.0)
        done = check(design, status, panel_of)
        row = done.table.iloc[-1]
        frame = estimate(design).aggregate("overall").to_frame().iloc[0]
        inside += row["low"] - 2 * frame["std_error"] <= 0 <= row["high"] + 2 * frame["std_error"]
        naive.append(frame["estimate"] / frame["std_error"])
    # the awake comparison units do better than they would all together
    assert np.mean(naive) < -2
    assert inside >= 38
    assert done.facts["woken"] > 100
    assert done.facts["treated"] == 240


def test_a_large_effect_keeps_its_sign(world, panel_of):
    design, status = woken(world, 1, effect=4.0)
    done = check(design, status, panel_of)
    assert (done.verdict, done.code) == (True, "check.dormant.kept")
    assert 0 < done.facts["least"] < 100 < done.facts["most"]
    shares = done.table.dropna(subset=["period"])
    assert shares["treated"].iloc[-1] == 1.0
    assert shares["comparison"].iloc[-1] == pytest.approx(0.7, abs=0.1)


def test_an_effect_within_its_error_and_another_kind_of_effects(world, panel_of):
    design, status = sleeping(world(effect=0.0), (np.arange(160) % 9 == 0)[:, None] & (np.arange(6) == 4))
    assert check(design, status, panel_of).code == "check.dormant.small"
    event = estimate(design).aggregate("event")
    assert check_dormant(design, event, panel=panel_of(design, status)).code == "check.dormant.not_possible"
