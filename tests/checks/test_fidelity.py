from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.fidelity import check_fidelity
from evaltoolkit.designs.roster import parse_roster
from evaltoolkit.estimators.registry import estimate


def roster(hours, planned=20.0, units=60, **columns):
    table = pd.DataFrame({"unit": [f"{i:05d}" for i in range(units)], "action": "coaching", "start": "2022-01-01"})
    table = table.assign(hours=hours, **({} if planned is None else {"planned_hours": planned}), **columns)
    return parse_roster(table)


def check(design, **context):
    return check_fidelity(design, estimate(design), **context)


def test_what_was_planned_was_given(world):
    done = check(world(), roster=roster(18.0))
    assert (done.verdict, done.code) == (True, "check.fidelity.delivered_clear")
    assert done.facts == {"percent": 90, "without": 0, "known": 60, "units": 60}
    assert done.table["share"].to_numpy() == pytest.approx(0.9)


def test_theory_failure_needs_an_effect_that_is_excluded(world):
    nothing = world(effect=0.0)
    theory = check(nothing, roster=roster(20.0), smallest_relevant=2.0)
    assert (theory.verdict, theory.code) == (True, "check.fidelity.delivered_none")
    for yardstick in (0.05, None):
        unsure = check(nothing, roster=roster(20.0), smallest_relevant=yardstick)
        assert unsure.code == "check.fidelity.delivered_unclear"


def test_implementation_failure(world):
    hours = np.where(np.arange(60) < 45, 0.0, 20.0)
    nothing = check(world(effect=0.0), roster=roster(hours), smallest_relevant=2.0)
    assert (nothing.verdict, nothing.code) == (False, "check.fidelity.little_none")
    assert (nothing.facts["percent"], nothing.facts["without"]) == (25, 45)
    assert check(world(), roster=roster(hours)).code == "check.fidelity.little_clear"


def test_more_for_one_does_not_make_up_for_none_for_another(world):
    hours = np.where(np.arange(60) < 40, 0.0, 60.0)
    done = check(world(), roster=roster(hours))
    assert hours.sum() == 60 * 20
    assert (done.verdict, done.facts["percent"]) == (False, 33)


def test_the_declared_share_is_not_reached_by_rounding(world):
    done = check(world(), roster=roster(9.99))
    assert (done.verdict, done.facts["percent"]) == (False, 49)
    assert check(world(), roster=roster(10.0)).verdict is True
    assert check(world(), roster=roster(10.0), least_delivered=0.8).verdict is False


def test_rows_add_up_by_unit_and_other_actions_do_not_count(world):
    twice = pd.concat([roster(9.0, 10.0), roster(9.0, 10.0), roster(0.0, 500.0).assign(action="other")])
    design = world()
    done = check(replace(design, info={"action": "coaching"}), roster=twice)
    assert done.facts["percent"] == 90
    assert done.table["planned"].tolist() == [20.0] * 60


def test_members_stand_for_their_cell(world, panel_of):
    design = world()
    cells = replace(design, units=np.array([f"C{i}" for i in range(160)]))
    panel = panel_of(cells)
    panel = replace(panel, units=panel.units.assign(members=[f"{i:05d};x{i}" for i in range(160)]))
    assert check(cells, roster=roster(15.0), panel=panel).facts["percent"] == 75
    assert check(cells, roster=roster(15.0)).code == "check.fidelity.unknown"


def test_without_a_plan_it_counts_who_got_anything(world):
    design = world()
    some = check(design, roster=roster(np.where(np.arange(60) < 15, 0.0, 8.0), None))
    assert (some.verdict, some.code, some.facts["percent"]) == (None, "check.fidelity.no_plan", 75)
    few = check(design, roster=roster(np.where(np.arange(60) < 45, 0.0, 8.0), None))
    assert (few.verdict, few.code) == (False, "check.fidelity.few_reached")
    dosed = replace(design, dose=np.where(np.arange(160) < 60, 3.0, 0.0))
    effects = estimate(design)
    assert check_fidelity(dosed, effects).code == "check.fidelity.no_plan"
    planned = check_fidelity(dosed, effects, roster=roster(np.nan, 4.0))
    assert planned.facts["percent"] == 75


def test_hours_that_nobody_knows_are_not_zero(world):
    hours = np.where(np.arange(60) < 30, np.nan, 20.0)
    done = check(world(), roster=roster(hours))
    assert (done.facts["percent"], done.facts["known"], done.facts["without"]) == (100, 30, 0)
    assert check(world(), roster=roster(np.nan)).code == "check.fidelity.unknown"
    assert check(world()).code == "check.fidelity.unknown"
