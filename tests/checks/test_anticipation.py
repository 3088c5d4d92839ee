from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.anticipation import check_anticipation
from evaltoolkit.designs.roster import parse_roster
from evaltoolkit.designs.subset import keep_periods
from evaltoolkit.estimators.registry import estimate


def early(design, by, periods=1):
    """Those that are to start act before it."""
    soon = (design.times >= design.cohort[:, None] - periods) & (design.times < design.cohort[:, None])
    return replace(design, outcome=design.outcome + by * soon)


def check(design, method="group_time", **context):
    return check_anticipation(design, estimate(design, method), **context)


def roster(design, days):
    starts = [f"{time:.0f}-03-01" for time in design.cohort[:60]]
    rows = {"unit": design.units[:60], "action": "coaching", "start": starts, "decided_on": days}
    return parse_roster(pd.DataFrame(rows))


def test_nothing_before_the_start(world):
    done = check(world())
    assert (done.verdict, done.code) == (True, "check.anticipation.quiet")
    assert done.facts == {"periods": 1, "known": 0}


def test_an_early_effect_is_seen_and_taken_out(world):
    done = check(early(world(noise=0.5), 1.5))
    assert (done.verdict, done.code) == (False, "check.anticipation.early")
    rows = done.table.set_index("quantity")["estimate"]
    assert rows["before_start"] == pytest.approx(1.5, abs=0.3)
    # measured from the last period before the start, the effect is too small by what came early
    assert rows["overall"] == pytest.approx(0.5, abs=0.3)
    assert rows["overall_earlier"] == pytest.approx(2.0, abs=0.3)
    assert rows["difference"] == pytest.approx(rows["overall_earlier"] - rows["overall"])
    # with one period between, the difference is the early effect, each cohort counting by its periods after the start
    assert rows["difference"] == pytest.approx(1.5, abs=0.3)


def test_a_quiet_check_with_a_wide_interval_says_little(world):
    done = check(world(), smallest_relevant=0.1)
    assert (done.verdict, done.code) == (None, "check.anticipation.no_power")


def test_days_of_decision_say_how_far_to_look_back(world, panel_of):
    design = early(world(noise=0.3), 1.0, periods=2)
    panel = panel_of(design)
    years = design.cohort[:60]
    two = check(design, panel=panel, roster=roster(design, [f"{year - 2:.0f}-06-01" for year in years]))
    assert two.facts == {"periods": 2, "known": 60}
    assert two.table.set_index("quantity").loc["before_start", "estimate"] == pytest.approx(1.0, abs=0.2)
    # only one period looked at: the reference itself has moved, and nothing is seen
    assert check(design, smallest_relevant=2.0).code == "check.anticipation.quiet"
    same = check(design, panel=panel, roster=roster(design, [f"{year:.0f}-02-01" for year in years]))
    assert same.code == "check.anticipation.none"
    unknown = check(design, panel=panel, roster=roster(design, ""))
    assert unknown.facts == {"periods": 1, "known": 0}


def test_the_decision_is_in_the_period_that_ends_on_or_after_it(world, panel_of):
    design = world()
    for day, periods in (("12-31", 1), ("01-01", 1)):
        done = check(design, panel=panel_of(design), roster=roster(design, [f"{y - 1:.0f}-{day}" for y in design.cohort[:60]]))  # fmt: skip  # noqa: E501
        assert done.facts["periods"] == periods


def test_anticipation_that_the_design_allows_for_is_not_looked_at(world):
    design = replace(early(world(noise=0.5), 1.5), anticipation=1)
    done = check(design)
    assert (done.verdict, done.code) == (True, "check.anticipation.quiet")
    assert done.table.set_index("quantity").loc["overall", "estimate"] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("method", ["group_time", "extended_two_way", "sun_abraham"])
def test_estimators_that_measure_from_the_last_period_see_the_same(world, method):
    row = check(early(world(), 1.0), method).table.set_index("quantity").loc["before_start"]
    assert row["estimate"] == pytest.approx(1.0, abs=0.4)
    assert row["std_error"] == pytest.approx(0.18, rel=0.25)


def test_where_it_cannot_be_asked(world):
    design = world()
    assert check(design, "imputation").code == "check.anticipation.not_applicable"
    late = replace(design, cohort=np.where(design.treated, 2022.0, np.inf))
    assert check(keep_periods(late, np.arange(2, 6))).code == "check.anticipation.not_possible"
    few = check(world(n_treated=8))
    assert (few.verdict, few.code) == (None, "check.anticipation.few_clusters")


def test_it_is_nominal_when_nothing_came_early(world):
    wrong = np.mean([check(world(seed=seed)).verdict is False for seed in range(200)])
    assert abs(wrong - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 200)
