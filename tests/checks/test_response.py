import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.response import check_response


def run(design):
    return check_response(design, None)


def test_everybody_answers(world):
    done = run(world())
    assert done.verdict is True
    assert done.facts["points"] == 0


def test_silent_comparison_units_in_one_wave(world):
    design = world()
    outcome = design.outcome.copy()
    outcome[60:80, 3] = np.nan  # 20 of 100 comparison units
    done = run(world(outcome=outcome))
    assert done.verdict is False
    assert done.facts == {"points": 20.0, "treated": 100, "comparison": 80, "limit": 10}
    assert done.table["difference"].tolist() == pytest.approx([0, 0, 0, 0.2, 0, 0])


def test_more_than_ten_points_between_small_groups_may_be_chance(world):
    outcome = world().outcome.copy()
    outcome[:12, 3] = np.nan  # 12 of 60 treated, and 6 of 100 of the comparison
    outcome[60:66, 3] = np.nan
    done = run(world(outcome=outcome))
    assert done.facts["points"] == 14.0
    assert (done.verdict, done.code) == (None, "check.response.by_chance")
    row = done.table.iloc[3]
    silent = (np.arange(160) < 12) | ((np.arange(160) >= 60) & (np.arange(160) < 66))
    weight = np.where(np.arange(160) < 60, 1 / 60, -1 / 100)
    assert row["std_error"] == pytest.approx(np.sqrt(np.sum((weight * (silent - 18 / 160)) ** 2)))
    # the grade looks at the gap, whatever chance says
    assert done.facts["points"] > done.facts["limit"]


def test_clusters_fall_silent_together(world):
    outcome = world().outcome.copy()
    outcome[60:84, 3] = np.nan
    alone = run(world(outcome=outcome))
    zones = np.where(np.arange(160) < 60, "", "far ") + (np.arange(160) // 12).astype(str).astype(object)
    together = run(world(outcome=outcome, clusters=zones.astype(str)))
    assert (alone.verdict, together.verdict) == (False, None)
    assert together.table["std_error"].iloc[3] > 2 * alone.table["std_error"].iloc[3]


def test_ten_points_are_still_accepted(world):
    outcome = world().outcome.copy()
    outcome[60:70] = np.nan
    assert run(world(outcome=outcome)).verdict is True


def test_units_that_never_answered_count_although_they_are_excluded(world):
    silent = pd.DataFrame({"unit": [f"s{i}" for i in range(40)], "reason": "excluded.no_outcome", "cohort": np.inf})
    done = run(world(excluded=silent))
    assert done.verdict is False
    assert done.table["comparison"].iloc[0] == pytest.approx(100 / 140)
    other = silent.assign(reason="excluded.unknown_treatment", cohort=np.nan)
    assert run(world(excluded=other)).verdict is True


def test_one_arm_only(world):
    assert run(world(n_treated=0)).code == "check.response.not_possible"
