from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks._without import spread_of_difference
from evaltoolkit.checks.merged import check_merged
from evaltoolkit.checks.reconstructed import check_reconstructed
from evaltoolkit.designs.subset import drop_values
from evaltoolkit.estimators.registry import estimate


def reconstructed(design, panel):
    return check_reconstructed(design, estimate(design), panel=panel)


def test_reconstructed_values_that_agree(world, panel_of):
    design = world()
    status = np.full(design.outcome.shape, "registered", dtype=object)
    status[::4, 0] = "reconstructed"
    done = reconstructed(design, panel_of(design, status))
    assert (done.verdict, done.code) == (True, "check.reconstructed.same")
    assert done.facts["left_out"] == 40
    assert done.table["estimate"].notna().all()


def test_reconstructed_values_that_make_the_result(world, panel_of):
    clean = world(effect=0.0)
    # half of the treated filled in their last year before treatment from minutes, far too low
    status = np.full(clean.outcome.shape, "registered", dtype=object)
    status[:30, :4] = np.where(clean.times[:4] < clean.cohort[:30, None], "reconstructed", "registered")
    design = world(outcome=np.where(status == "reconstructed", clean.outcome - 5, clean.outcome))
    done = reconstructed(design, panel_of(design, status))
    assert (done.verdict, done.code) == (False, "check.reconstructed.changed")


def test_when_everything_before_was_reconstructed_nothing_can_be_said(world, panel_of):
    design = world()
    status = np.full(design.outcome.shape, "registered", dtype=object)
    status[:, :4] = "reconstructed"
    done = reconstructed(design, panel_of(design, status))
    assert (done.verdict, done.code) == (None, "check.reconstructed.not_possible")


def test_rows_are_tied_by_code_not_by_position(world, panel_of):
    whole = world()
    status = np.full(whole.outcome.shape, "registered", dtype=object)
    status[:20] = "reconstructed"
    panel = panel_of(whole, status)
    rest = world(
        **{
            name: getattr(whole, name)[20:]
            for name in ("units", "outcome", "cohort", "covariates", "weights", "clusters")
        }
    )
    assert reconstructed(rest, panel).code == "check.reconstructed.none"


def test_without_status_or_panel_it_is_unknown(world, panel_of):
    design = world()
    assert reconstructed(design, None).code == "check.reconstructed.unknown"
    assert reconstructed(design, panel_of(design)).code == "check.reconstructed.unknown"
    assert check_merged(design, estimate(design)).code == "check.merged.unknown"


def test_merged_units(world, panel_of):
    design = world()
    merged = np.arange(160) % 8 == 0
    same = check_merged(design, estimate(design), panel=panel_of(design, merged=merged))
    assert (same.verdict, same.code) == (True, "check.merged.same")
    assert same.facts == {"left_out": 20, "percent": 12}
    # merged places jump in the year of treatment, and they are mostly treated
    jump = np.zeros(160, bool)
    jump[:20] = True
    broken = world(outcome=design.outcome + 9.0 * (jump[:, None] & (design.times >= 2023)))
    changed = check_merged(broken, estimate(broken), panel=panel_of(broken, merged=jump))
    assert (changed.verdict, changed.code) == (False, "check.merged.changed")
    none = check_merged(design, estimate(design), panel=panel_of(design, merged=np.zeros(160, bool)))
    assert none.code == "check.merged.none"
    every = check_merged(design, estimate(design), panel=panel_of(design, merged=np.ones(160, bool)))
    assert every.code == "check.merged.not_possible"


def test_the_panel_may_hold_more_periods_than_the_design(world, panel_of):
    whole = world()
    status = np.full(whole.outcome.shape, "registered", dtype=object)
    status[:, 0] = "reconstructed"
    panel = panel_of(whole, status)
    shorter = world(times=whole.times[1:], outcome=whole.outcome[:, 1:])
    assert reconstructed(shorter, panel).code == "check.reconstructed.none"


def test_a_few_that_are_far_off_cannot_hide_behind_their_own_spread(world, panel_of):
    # three of sixty treated places merge, and jump by 30: the mean moves by 1.5
    design = world(effect=0.3)
    merged = np.arange(160) < 3
    jumped = world(outcome=design.outcome + 30.0 * (merged[:, None] & (design.times >= 2023)))
    done = check_merged(jumped, estimate(jumped), panel=panel_of(jumped, merged=merged))
    assert (done.verdict, done.code) == (False, "check.merged.changed")


def test_what_leaving_out_does_by_chance_is_what_it_does(world):
    differences, errors, ratios = [], [], []
    drop = (np.arange(160) % 4 == 0)[:, None] & (np.arange(6) < 3)
    for seed in range(150):
        # the same cohorts in every draw
        design = world(seed=seed)
        design = replace(design, cohort=np.where(np.arange(160) < 60, 2022.0 + np.arange(160) % 2, np.inf))
        reduced = drop_values(design, drop)
        whole, rest = (estimate(one).aggregate("overall") for one in (design, reduced))
        differences.append(float(rest.estimate[0] - whole.estimate[0]))
        ratios.append(spread_of_difference(design, reduced, estimate(design), seed=seed + 1))
        errors.append(ratios[-1] * float(rest.to_frame()["std_error"].iloc[0]))
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.15)
    assert np.std(ratios) < 0.1 * np.mean(ratios)


def test_where_the_noise_gives_no_estimate_on_what_is_left_only_the_error_of_the_estimate_counts(world, panel_of):
    # without the last year before the start there is nothing to measure a change from; regression takes other years
    design = world()
    last = design.times == design.cohort[:, None] - 1
    assert np.isnan(
        spread_of_difference(design, replace(design, outcome=np.where(last, np.nan, design.outcome)), estimate(design))
    )
    status = np.where(last, "reconstructed", "registered")
    done = check_reconstructed(design, estimate(design, "two_way"), panel=panel_of(design, status))
    assert (done.verdict, done.code) == (True, "check.reconstructed.same")
