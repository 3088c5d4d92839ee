"""The roster of the simulated Flanders, written as an evaluator would, gives back its true cohorts."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.cohorts import cohort_from_roster
from evaltoolkit.designs.roster import read_roster
from evaltoolkit.panels.simulate import WAVES, simulate_world


@pytest.fixture(scope="module")
def flanders():
    return simulate_world(1)


@pytest.fixture
def roster(flanders, tmp_path):
    cells = flanders.cells
    rows = pd.DataFrame(
        {
            "eenheid": cells.index,
            "actie": "coaching",
            "begin": cells["start"].dt.strftime("%d/%m/%Y"),
            "toestand": np.where(cells["start"].isna(), "nooit", ""),
        }
    )
    rows.iloc[1:].to_csv(tmp_path / "roster.csv", sep=";", index=False)
    return read_roster(tmp_path / "roster.csv")


def test_cells(flanders, roster, make_panel):
    codes = list(flanders.cells.index)
    panel = make_panel(codes, labels=[str(year) for year in range(2020, 2026)], unit_kind="livc_r", vintage=2025)
    cohort, excluded, notes = cohort_from_roster(panel, roster, membership=flanders.membership)
    np.testing.assert_array_equal(cohort.to_numpy()[1:], flanders.cells["cohort"].to_numpy()[1:])
    assert excluded.to_dict("records") == [{"unit": codes[0], "reason": "excluded.unknown_treatment"}]
    assert notes == ()


def test_municipalities_take_the_date_of_their_cell(flanders, roster, make_panel):
    codes = list(flanders.municipalities.index)
    panel = make_panel(codes, labels=WAVES, vintage=2025)
    design = make_design(panel, "Y", treated_from=roster, membership=flanders.membership, cluster="livc_r")
    cells = flanders.municipalities["livc_r"]
    start = flanders.cells["start"].reindex(cells.to_numpy()).set_axis(cells.index)
    waves = {period.label: period for period in panel.periods}
    for unit, cohort in zip(design.units, design.cohort, strict=True):
        if np.isinf(cohort):
            assert pd.isna(start[unit])
        else:
            first = next((p for p in waves.values() if p.end >= start[unit].date()), None)
            assert cohort == first.time
    lost = set(cells.index[cells == flanders.cells.index[0]])
    assert set(design.excluded["unit"]) == lost
    assert (design.clusters == cells.reindex(design.units).to_numpy()).all()
