"""Bacon decomposition and weights of two-way regressions against R bacondecomp 0.1.3 and TwoWayFEWeights 2.0.4."""

import numpy as np
import pytest
from two_way_cases import ENTRIES, names, read_case, result

from evaltoolkit.estimators.decomposition import (
    EARLIER_LATER,
    LATER_EARLIER,
    NEVER_TREATED,
    decompose_two_way,
)
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.twfe_weights import _spreads, weigh_two_way

TYPES = {
    "Treated vs Untreated": NEVER_TREATED,
    "Earlier vs Later Treated": EARLIER_LATER,
    "Later vs Earlier Treated": LATER_EARLIER,
}
REGRESSIONS = {"feTR": "fixed_effects", "fdTR": "first_differences"}


def test_bacon():
    entry = ENTRIES["bacon_1"]
    found = decompose_two_way(read_case("bacon_1"))
    rows = found.comparisons.set_index(["treated", "comparison"])
    expected = entry["result"]
    assert len(rows) == len(expected["weight"]) == 9
    for j, treated in enumerate(expected["treated"]):
        other = expected["untreated"][j] or np.inf
        row = rows.loc[(treated, other)]
        assert row["type"] == TYPES[expected["type"][j]]
        assert row["estimate"] == pytest.approx(expected["estimate"][j], rel=1e-12)
        assert row["weight"] == pytest.approx(expected["weight"][j], rel=1e-12)
    assert found.estimate == pytest.approx(entry["extra"]["twfe"], rel=1e-12)
    assert found.estimate == pytest.approx(estimate(read_case("bacon_1"), "two_way").estimate[0], rel=1e-12)
    by_type = found.by_type.set_index("type")
    for theirs, ours in TYPES.items():
        assert by_type.loc[ours, "weight"] == pytest.approx(entry["extra"]["by_type_weight"][theirs], rel=1e-12)
        assert by_type.loc[ours, "estimate"] == pytest.approx(entry["extra"]["by_type_avg"][theirs], rel=1e-12)


@pytest.mark.parametrize("name", names("twfeweights_"))
def test_weights(name):
    design = read_case(name)
    found = weigh_two_way(design, regression=REGRESSIONS[name.split("_")[-1]])
    assert found.estimate == pytest.approx(result(name, "beta")[0], rel=1e-12)
    cells = found.cells
    if "fdTR" in name:
        # R was given the rows that have a difference: what is treated in the first period is not among them
        cells = cells[cells["time"] > design.times[0]]
    weight = (cells["weight"] / cells["weight"].sum()).to_numpy()
    share = (cells["share"] / cells["share"].sum()).to_numpy()
    assert len(cells) == result(name, "tot_cells")[0]
    assert (weight > 0).sum() == result(name, "nr_plus")[0]
    assert (weight < 0).sum() == result(name, "nr_minus")[0]
    assert weight[weight > 0].sum() == pytest.approx(result(name, "sum_plus")[0], rel=1e-12)
    assert weight[weight < 0].sum() == pytest.approx(result(name, "sum_minus")[0], abs=1e-12)
    # the package divides by one cell less, and leaves cells without weight out of the second measure
    (zero, opposite), reasons = _spreads(found.estimate, weight, share)
    few = np.sqrt((len(cells) - 1) / len(cells))
    assert zero * few == pytest.approx(result(name, "sensibility")[0], rel=1e-11)
    if "sensibility2" in ENTRIES[name]["result"]:
        (_, without), _ = _spreads(found.estimate, weight[weight != 0], share[weight != 0])
        assert without == pytest.approx(result(name, "sensibility2")[0], rel=1e-11)
        assert opposite <= without
    else:
        assert np.isnan(opposite)
        assert reasons["spread_for_opposite"]
