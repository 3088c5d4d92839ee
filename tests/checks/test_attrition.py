from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks.attrition import check_attrition
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.registry import estimate


def check(design, **context):
    return check_attrition(design, estimate(design), **context)


def gone_from(design, rows, year):
    return replace(design, outcome=np.where(rows[:, None] & (design.times >= year), np.nan, design.outcome))


def test_who_stopped_by_arm_and_the_estimate_on_those_who_stayed(world):
    design = world()
    rows = np.arange(160) % 10 == 0
    left = gone_from(design, rows, 2024.0)
    done = check(left)
    assert (done.verdict, done.code) == (True, "check.attrition.kept")
    assert (done.facts["treated"], done.facts["comparison"], done.facts["left_out"]) == (10, 10, 16)
    table = done.table.set_index("quantity")["estimate"].dropna()
    assert table["all"] == pytest.approx(float(estimate(left).aggregate("overall").estimate[0]))
    stayed = estimate(keep_units(left, ~rows)).aggregate("overall").estimate[0]
    assert table["stayed"] == pytest.approx(float(stayed))
    assert table["difference"] == pytest.approx(table["stayed"] - table["all"])
    by_period = done.table[done.table["period"].notna()].set_index("period")
    assert by_period["treated"].tolist() == pytest.approx([0, 0, 0, 0, 0, 0.1])


def test_a_gap_is_not_leaving_and_silence_before_the_start_neither(world):
    design = world()
    assert check(design).code == "check.attrition.none"
    gap = replace(
        design, outcome=np.where((np.arange(160) < 20)[:, None] & (design.times == 2023.0), np.nan, design.outcome)
    )
    assert check(gap).code == "check.attrition.none"
    before = gone_from(design, np.arange(160) < 5, 2019.0)
    assert check(before).code == "check.attrition.none"


def test_what_does_not_exist_is_an_answer(world, panel_of):
    design = gone_from(world(), np.arange(160) % 10 == 0, 2024.0)
    status = np.where(np.isnan(design.outcome), "NAP", "registered").astype(object)
    assert check(design, panel=panel_of(design, status)).code == "check.attrition.none"


def test_leaving_that_takes_the_sign_is_told(world):
    # half of the treated are gone one year after the start, and the effect is small
    lost = []
    for seed in range(20):
        design = world(seed=seed, effect=0.5)
        late = (np.arange(160) < 30)[:, None] & (design.times > design.cohort[:, None])
        lost.append(check(replace(design, outcome=np.where(late, np.nan, design.outcome))))
    codes = [done.code for done in lost]
    assert codes.count("check.attrition.lost") >= 10
    assert all(done.verdict is False for done in lost if done.code == "check.attrition.lost")


def test_an_effect_within_its_error_and_few_clusters(world):
    rows = np.arange(160) % 10 == 0
    found = {check(gone_from(world(effect=0.0, seed=seed), rows, 2024.0)).code for seed in range(12)}
    assert "check.attrition.small" in found
    assert check(gone_from(world(n_treated=12), np.arange(160) < 4, 2024.0)).code == "check.attrition.few_clusters"
    everyone = world()
    nobody = replace(
        everyone,
        outcome=np.where(
            everyone.treated[:, None] & (everyone.times > everyone.cohort[:, None]), np.nan, everyone.outcome
        ),
    )
    assert check(nobody).code == "check.attrition.not_possible"


def test_without_a_second_group_nobody_stops_more_often(world):
    # all are treated in the end, and later ones compare
    design = gone_from(world(n=60, comparison="not_yet_treated"), np.arange(60) % 10 == 0, 2024.0)
    done = check(design)
    assert (done.verdict, done.code) == (None, "check.attrition.one_group")
    assert done.table["treated"].iloc[-1] == pytest.approx(0.1)


def test_effects_that_are_not_by_group_and_time_have_no_bounds_and_are_compared(world):
    design = gone_from(world(), np.arange(160) % 10 == 0, 2024.0)
    done = check_attrition(design, estimate(design, "two_way"))
    assert (done.verdict, done.code) == (None, "check.attrition.no_bounds")
    assert done.table["quantity"].dropna().tolist() == ["all", "stayed", "difference"]
    # twenty of sixty go, and it went the other way with them
    stops = (np.arange(160) < 20)[:, None]
    other_way = replace(design, outcome=world().outcome - 6.0 * (stops & (design.times >= design.cohort[:, None])))
    left = gone_from(other_way, stops[:, 0], 2024.0)
    done = check_attrition(left, estimate(left, "two_way"))
    assert (done.verdict, done.code) == (False, "check.attrition.changed")
