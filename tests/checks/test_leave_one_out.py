import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks._again import cluster_influence
from evaltoolkit.checks.leave_one_out import EXACT, ZONES, check_leave_one_out
from evaltoolkit.designs.subset import keep_periods, keep_units
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
    # ten clusters, two cohorts, six waves
    assert done.table.loc[exact, "what"].value_counts().to_dict() == {"cluster": EXACT, "wave": 6, "cohort": 2}
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


def test_one_wave_that_makes_the_result(world):
    # nothing happens but in one wave after the start
    base = world(effect=0.0, noise=0.5)
    once = base.treated[:, None] & (base.times == 2024.0)
    done = run(world(outcome=base.outcome - 0.4 * (base.times >= base.cohort[:, None]) + 3.0 * once))
    assert (done.verdict, done.code) == (False, "check.leave_one_out.turned")
    waves = done.table[done.table["what"] == "wave"].set_index("dropped")["estimate"]
    assert waves["2024"] < 0 < waves["2019"]
    # of three periods none can be spared
    assert "wave" not in set(run(keep_periods(world(), np.arange(2, 5))).table["what"])


def test_a_wave_is_left_out_as_if_it_had_not_been_there(world):
    design = world()
    waves = run(design).table.query("what == 'wave'").set_index("dropped")["estimate"]
    for one in (0, 3, 5):
        again = estimate(keep_periods(design, np.delete(np.arange(6), one))).aggregate("overall").estimate[0]
        assert waves[f"{design.times[one]:g}"] == pytest.approx(again, abs=1e-12)


def test_one_zone_that_makes_the_result(world, panel_of):
    base = world(effect=-0.3, noise=0.3)
    zone = np.array([f"Z{i // 8}" for i in range(160)])
    lifted = (zone == "Z2")[:, None] & (base.times >= base.cohort[:, None])
    design = world(outcome=base.outcome + 9.0 * lifted)
    membership = pd.DataFrame({"municipality": design.units, "zone": zone})
    done = check_leave_one_out(design, estimate(design), panel=panel_of(design), membership=membership)
    assert (done.verdict, done.code) == (False, "check.leave_one_out.turned")
    zones = done.table[done.table["what"] == "zone"]
    assert len(zones) == ZONES
    assert zones["dropped"].iloc[0] == "zone Z2"
    again = estimate(keep_units(design, zone != "Z2")).aggregate("overall").estimate[0]
    assert zones["estimate"].iloc[0] == pytest.approx(again, abs=1e-12)
    # without the file nobody knows of zones
    assert "zone" not in set(run(design).table["what"])
