import numpy as np
import pytest

from evaltoolkit.checks._again import cluster_influence
from evaltoolkit.checks.leave_one_out import EXACT, check_leave_one_out
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.registry import estimate


def run(design):
    return check_leave_one_out(design, estimate(design))


def with_giant(design, size):
    outcome = design.outcome.copy()
    row = int(np.flatnonzero(design.treated)[0])
    outcome[row] += size * (design.times >= design.cohort[row])
    return outcome


def test_clean_world_is_stable(world):
    done = run(world())
    assert done.verdict is True
    exact = done.table["estimate"].notna()
    assert exact.sum() == EXACT + 2
    assert done.facts["low"] <= estimate(world()).aggregate("overall").estimate[0] <= done.facts["high"]


def test_one_giant_moves_or_makes_the_result(world):
    moved = run(world(effect=0.0, outcome=with_giant(world(effect=0.0, noise=0.3), 300.0)))
    assert moved.verdict is False
    assert moved.table["dropped"].iloc[0] == "00000"


def test_a_sign_that_hangs_on_one_unit_is_said_to_turn(world):
    base = world(effect=-0.4, noise=0.2)
    done = run(world(outcome=with_giant(base, 60.0)))
    assert done.verdict is False
    assert done.code in ("check.leave_one_out.turned", "check.leave_one_out.moved")
    assert done.facts["low"] < 0 < done.facts["high"]


def test_exact_rows_are_the_estimate_without_the_cluster(world):
    design = world(clusters=np.array([f"z{i // 4}" for i in range(160)]))
    done = run(design)
    first = done.table.iloc[0]
    again = estimate(keep_units(design, design.clusters != first["dropped"])).aggregate("overall").estimate[0]
    assert first["estimate"] == pytest.approx(again, abs=1e-12)
    cohort = done.table[done.table["what"] == "cohort"].iloc[0]
    without = estimate(keep_units(design, design.cohort != float(cohort["dropped"])))
    assert cohort["estimate"] == pytest.approx(without.aggregate("overall").estimate[0], abs=1e-12)


def test_first_order_changes_are_close_to_exact_ones(world):
    design = world()
    effects = estimate(design)
    overall = effects.aggregate("overall").estimate[0]
    for name, change in list(cluster_influence(effects, design).items())[::20]:
        exact = estimate(keep_units(design, design.units != name)).aggregate("overall").estimate[0] - overall
        assert change == pytest.approx(exact, abs=0.15 * abs(exact) + 1e-4)


def test_one_treated_unit_cannot_be_left_out(world):
    done = run(world(n_treated=1))
    assert (done.verdict, done.code) == (None, "check.leave_one_out.not_possible")


def test_later_cohorts_compare_where_all_are_treated_in_the_end(world):
    done = run(world(n_treated=160, comparison="not_yet_treated"))
    assert (done.verdict, done.code) == (True, "check.leave_one_out.stable")
