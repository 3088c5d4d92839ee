"""What a plan and its files say reaches the checks: roster, measure of detection, other programmes, zones."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.evaluations.run import run_plan

YEARS = range(2018, 2025)
PLAN = """title = "t"
question = "q"
unit = "unit"
checks = ["anticipation", "concurrent", "fidelity", "reporting", "spillover"]
[data]
panel = "own.csv"
roster = "roster.csv"
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "w"
concurrent = ["programme"]
[[outcomes]]
indicator = "signals"
name = "signals"
role = "primary"
smallest_relevant = 20
detection = "noticed"
control_category = "other"
[estimation]
seed = 3
[overrides]
signals = "the council wants to know"
"""


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(4)
    rows, roster = [], []
    for place in range(90):
        treated = place < 40
        # decided two years ahead, half of the planned hours delivered
        roster.append((f"u{place:02d}", "coaching", *(("2022-03-01", "2020-05-01", 20, 15) if treated else ("",) * 4)))
        for year in YEARS:
            on = treated and year >= 2022
            counts = rng.poisson([40 * (1.2 if on else 1), 60 * (1.5 if on else 1), 50 * (1.5 if on else 1)])
            programme = int(place % 10 == 0 and year >= 2022)
            rows.append((f"u{place:02d}", year, *counts, programme))
    columns = ["unit", "period", "signals", "noticed", "other", "programme"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "own.csv", index=False)
    table = pd.DataFrame(roster, columns=["unit", "action", "start", "decided_on", "planned_hours", "hours"])
    table.assign(state=["treated"] * 40 + ["never"] * 50).to_csv(folder / "roster.csv", index=False)
    (folder / "evaluation.toml").write_text(PLAN, encoding="utf-8")
    (result,) = run_plan(folder / "evaluation.toml").outcomes
    return {one.name: one for one in result.checks}


def test_the_roster_says_when_it_was_decided_and_what_was_delivered(checks):
    assert checks["anticipation"].facts == {"periods": 2, "known": 40}
    assert (checks["fidelity"].facts["percent"], checks["fidelity"].verdict) == (75, True)


def test_the_plan_names_a_measure_of_detection_and_a_control_category(checks):
    ratios = checks["reporting"].table.set_index("quantity")["estimate"]
    assert checks["reporting"].code == "check.reporting.measured_lower"
    assert ratios["detection_incidence_ratio"] == pytest.approx(0.8, abs=0.08)
    assert ratios["control_incidence_ratio"] == pytest.approx(0.8, abs=0.08)


def test_the_plan_names_other_programmes(checks):
    assert checks["concurrent"].facts["left_out"] == 9
    assert checks["concurrent"].verdict is True


def test_where_nobody_knows_who_borders_whom_nothing_is_said(checks):
    assert (checks["spillover"].verdict, checks["spillover"].code) == (None, "check.spillover.unknown")
