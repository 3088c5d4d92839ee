from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks._again import overall_effects
from evaltoolkit.checks._joint import combine_effects, know
from evaltoolkit.checks._rings import find_neighbours, known_neighbours, ring_starts
from evaltoolkit.checks.spillover import check_spillover
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.territory.neighbours import neighbour_lists


def check(design, **context):
    return check_spillover(design, estimate(design), **context)


def street(design):
    """Treated units 0-59; 60-89 border one each; 90-119 border those; the rest lie further away."""
    units = design.units.tolist()
    return {units[i]: [units[i + 60 if i < 60 else i + 30]] for i in [*range(30), *range(60, 90)]}


def reached(design, by):
    """The same world in which what leaves the treated arrives at their neighbours."""
    start = np.full(len(design.units), np.inf)
    start[60:90] = design.cohort[:30]
    return replace(design, outcome=design.outcome + by * (design.times >= start[:, None]))


def test_quiet_neighbours(world):
    done = check(world(), neighbours=street(world()))
    assert (done.verdict, done.code) == (True, "check.spillover.quiet")
    assert done.facts == {"near": 30, "percent": 30}
    assert done.table["n_units"].tolist() == [160, 130, 30, 30, 160]
    rings = done.figure["ring"]["ring"].to_numpy()
    assert [int((rings == ring).sum()) for ring in range(4)] == [60, 30, 30, 40]


def test_displacement_is_seen_and_the_net_effect_is_what_is_left(world):
    design = reached(world(effect=-2.0, noise=0.3), 1.5)
    done = check(design, neighbours=street(design))
    assert (done.verdict, done.code) == (False, "check.spillover.moved")
    rows = done.table.set_index("quantity")
    assert rows.loc["without_neighbours", "estimate"] == pytest.approx(-2.0, abs=0.2)
    assert rows.loc["neighbours", "estimate"] == pytest.approx(1.5, abs=0.2)
    # nearly half of the others are neighbours: comparing with them overstates
    assert rows.loc["all", "estimate"] < -2.2
    periods = (design.times[None, :] >= design.cohort[:, None]).sum(axis=1)
    truth = -2.0 + 1.5 * periods[:30].sum() / periods[:60].sum()
    assert rows.loc["net", "conf_low"] < truth < rows.loc["net", "conf_high"]


def test_the_second_ring_is_compared_with_those_beyond_it(world):
    design = world(noise=0.3)
    start = np.full(160, np.inf)
    start[90:120] = design.cohort[:30]
    moved = replace(design, outcome=design.outcome + (design.times >= start[:, None]))
    rows = check(moved, neighbours=street(moved)).table.set_index("quantity")
    assert rows.loc["second_ring", "estimate"] == pytest.approx(1.0, abs=0.2)


def test_the_answer_may_hang_on_the_neighbours(world):
    # neighbours far down, by jumps so uneven that their own interval still holds zero
    design = world(effect=-0.1, noise=0.05)
    start = np.full(160, np.inf)
    start[60:90] = design.cohort[:30]
    jumps = np.zeros((160, 1))
    drawn = np.random.default_rng(5).normal(size=30)
    jumps[60:90, 0] = -1.6 + np.sqrt(30) * (drawn - drawn.mean()) / drawn.std()
    broken = replace(design, outcome=design.outcome + jumps * (design.times >= start[:, None]))
    done = check(broken, neighbours=street(broken))
    rows = done.table.set_index("quantity")
    assert (done.verdict, done.code) == (False, "check.spillover.turned")
    assert rows.loc["all", "estimate"] > 0 > rows.loc["without_neighbours", "estimate"]
    assert rows.loc["neighbours", "conf_low"] < 0 < rows.loc["neighbours", "conf_high"]


def test_a_quiet_ring_with_a_wide_interval_says_little(world):
    done = check(world(), neighbours=street(world()), smallest_relevant=0.1)
    assert (done.verdict, done.code) == (None, "check.spillover.no_power")


def test_few_neighbours_nobody_and_everybody(world):
    design = world()
    units = design.units.tolist()
    few = check(design, neighbours={units[i]: [units[60 + i]] for i in range(5)})
    assert (few.verdict, few.code) == (None, "check.spillover.few_clusters")
    assert check(design).code == "check.spillover.unknown"
    assert check(design, neighbours={"elsewhere": []}).code == "check.spillover.unknown"
    assert check(design, neighbours={units[0]: [units[1]]}).code == "check.spillover.none"
    assert check(design, neighbours={units[0]: units[60:]}).code == "check.spillover.not_possible"


def test_zones_of_the_user_are_rings_and_treated_zones_are_none(world):
    design = world()
    zones = np.array([f"zone {i % 60}" if i < 90 else f"far {i}" for i in range(160)])
    done = check(replace(design, clusters=zones))
    assert done.facts["near"] == 30
    whole = np.array([f"zone {i // 2}" for i in range(160)])
    assert find_neighbours(replace(design, clusters=whole), None) is None
    assert check(replace(design, clusters=whole)).code == "check.spillover.unknown"


def test_zones_of_the_membership_are_rings(world, panel_of):
    design = world()
    rows = [(f"{i:05d}", f"Z{i % 60}" if i < 90 else np.nan) for i in range(140)]
    membership = pd.DataFrame(rows, columns=["municipality", "zone"])
    done = check(design, panel=panel_of(design), membership=membership)
    assert (done.verdict, done.facts["near"]) == (True, 30)
    assert (done.did, done.figure["neighbours"]) == ("check.spillover.did_zones", "zones")
    # who gave zones said what a neighbourhood is: borders are not asked
    street_too = check(design, panel=panel_of(design), membership=membership, neighbours={"00000": ["00150"]})
    assert street_too.table.equals(done.table)
    by_border = check(design, panel=panel_of(design), neighbours={"00000": ["00150"]})
    assert (by_border.did, by_border.figure["neighbours"], by_border.facts["near"]) == (
        "check.spillover.did",
        "borders",
        1,
    )
    # where whole zones start together they say nothing, and borders do
    whole = membership.assign(zone=[f"Z{i // 2}" for i in range(140)])
    fallen_back = check(design, panel=panel_of(design), membership=whole, neighbours={"00000": ["00150"]})
    assert fallen_back.table.equals(by_border.table)
    assert check(design, panel=panel_of(design), membership=membership[["municipality"]]).verdict is None
    cells = membership.rename(columns={"municipality": "livc_r"})
    assert check(design, panel=panel_of(design), membership=cells).code == "check.spillover.unknown"
    as_cells = replace(panel_of(design), unit_kind="livc_r")
    assert check(design, panel=as_cells, membership=cells).facts["near"] == 30


def test_borders_of_the_register_for_municipalities_and_cells(world, panel_of):
    borders = neighbour_lists(2025)
    codes = list(borders)[:160]
    design = replace(world(), units=np.array(codes), clusters=np.array(codes))
    panel = replace(panel_of(design), vintage=2025)
    assert known_neighbours(panel) == borders
    found = find_neighbours(design, known_neighbours(panel))
    assert found.by == "borders"
    ring, start = ring_starts(design, found.pairs)
    for row in np.flatnonzero(ring == 1):
        touching = [codes.index(other) for other in borders[codes[row]] if other in codes]
        treated = [design.cohort[one] for one in touching if design.treated[one]]
        assert treated
        assert start[row] == min(treated)
    for row in np.flatnonzero(ring > 1):
        assert not any(design.treated[codes.index(other)] for other in borders[codes[row]] if other in codes)
    cells = pd.DataFrame({"members": [f"{codes[0]};{borders[codes[0]][0]}", borders[codes[0]][1]]}, index=["A", "B"])
    found = known_neighbours(replace(panel, unit_kind="livc_r", units=cells))
    assert found["A"] == ["B"]
    assert found["B"] == ["A"]
    assert known_neighbours(replace(panel, vintage=None)) is None
    assert known_neighbours(replace(panel, unit_kind="school")) is None


def test_a_sum_of_effects_on_shared_units_has_their_joint_error(world):
    design = world()
    whole = overall_effects(estimate(design))
    assert know(combine_effects([(whole, 1.0), (whole, -1.0)])).estimate == 0.0
    twice = know(combine_effects([(whole, 1.0), (whole, 1.0)]))
    assert twice.std_error == pytest.approx(2 * know(whole).std_error)
    # two effects on disjoint units: their variances add up
    halves = [overall_effects(estimate(keep_units(design, np.arange(160) % 2 == odd))) for odd in (0, 1)]
    apart = know(combine_effects([(halves[0], 1.0), (halves[1], -1.0)]))
    assert apart.std_error**2 == pytest.approx(sum(know(one).std_error ** 2 for one in halves))


def test_the_net_effect_has_the_spread_that_it_says(world):
    nets, errors = [], []
    for seed in range(120):
        design = reached(world(seed=seed, effect=-2.0), 1.0)
        # the same cohorts in every draw, so that the truth is one number
        design = replace(design, cohort=np.where(np.arange(160) < 60, 2022.0 + np.arange(160) % 2, np.inf))
        row = check(design, neighbours=street(design)).table.set_index("quantity").loc["net"]
        nets.append(row["estimate"])
        errors.append(row["std_error"])
    assert np.mean(errors) == pytest.approx(np.std(nets), rel=0.25)
