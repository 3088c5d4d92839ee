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
    outcome[60:75, 3] = np.nan  # 15 of 100 comparison units
    done = run(world(outcome=outcome))
    assert done.verdict is False
    assert done.facts == {"points": 15.0, "treated": 100, "comparison": 85, "limit": 10}
    assert done.table["difference"].tolist() == pytest.approx([0, 0, 0, 0.15, 0, 0])


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
