"""Panels of cells, and of municipalities that share one."""

import time

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.simulate import YEARS, simulate_world

CELL = {"unit_kind": "livc_r"}


def cells(*given):
    return pd.DataFrame(given, columns=["livc_r", "municipality", "valid_from", "valid_to"])


SHARED = cells(("A", "11001", "", ""), ("A", "11004", "", ""), ("B", "11005", "", ""))


def codes_of(panel):
    return [finding.code for finding in panel.findings]


def test_cell_values_count_once_and_silent_cells_are_in_the_panel(framework, rows):
    panel = build_panel(rows(("A", "2022", "DET-01", "value", 4, CELL)), framework, membership=SHARED)
    assert panel.unit_codes == ["A", "B"]
    np.testing.assert_array_equal(panel.wide("DET-01"), [[4], [np.nan]])
    assert list(panel.data["DET-01.status"]) == ["registered", ""]
    assert panel.units.loc["A"].to_dict() == {"name": "A", "members": "11001;11004", "n_members": 2.0, "merged": False}
    assert panel.vintage == 2019


def test_without_membership_cells_stand_for_themselves(framework, rows):
    panel = build_panel(rows(("A", "2022", "DET-01", "value", 4, CELL)), framework)
    assert panel.vintage is None
    assert panel.wide("DET-01").tolist() == [[4.0]]
    assert np.isnan(panel.units.loc["A", "n_members"])


def test_municipal_values_are_joined_over_the_members(framework, rows):
    panel = build_panel(
        rows(
            ("11001", "2022", "TRU-01", "value", 0.5),
            ("11001", "2022", "TRU-01", "n", 100),
            ("11004", "2022", "TRU-01", "value", 0.8),
            ("11004", "2022", "TRU-01", "n", 300),
            ("11001", "2022", "DET-01", "value", 3),
            ("21001", "2022", "DET-01", "value", 3),
        ),
        framework,
        membership=SHARED,
    )
    assert panel.wide("TRU-01")[0, 0] == pytest.approx(0.725)
    assert np.isnan(panel.wide("DET-01")[0, 0])
    assert codes_of(panel) == ["panel.municipality_outside", "panel.part_missing"]
    assert dict(panel.findings[0].facts) == {"count": 1, "units": "21001"}


def test_municipal_values_without_membership_are_left_out_aloud(framework, rows):
    values = rows(("A", "2022", "DET-01", "value", 4, CELL), ("11001", "2022", "PREV-01", "value", 1))
    panel = build_panel(values, framework)
    assert codes_of(panel) == ["panel.municipality_needs_membership"]
    assert np.isnan(panel.wide("PREV-01")).all()
    with pytest.raises(EvaltoolkitError, match="need membership="):
        build_panel(values, framework, indicators=["PREV-01"])


def test_merger_of_members_leaves_the_cell_the_same(framework, rows):
    merging = cells(
        ("A", "37007", "", "2024-12-31"), ("A", "37015", "", "2024-12-31"), ("A", "37022", "2025-01-01", "")
    )
    panel = build_panel(
        rows(
            ("37007", "2024", "DET-01", "value", 1),
            ("37015", "2024", "DET-01", "value", 2),
            ("37022", "2025", "DET-01", "value", 5),
            ("A", "2024", "PREV-01", "value", 1, CELL),
            ("A", "2025", "PREV-01", "value", 0, CELL),
        ),
        framework,
        membership=merging,
    )
    assert panel.wide("DET-01").tolist() == [[3.0, 5.0]]
    assert panel.wide("PREV-01").tolist() == [[1.0, 0.0]]
    assert panel.units.loc["A", ["members", "merged"]].tolist() == ["37022", True]
    assert panel.vintage == 2025
    assert panel.findings == ()


def test_another_territory_is_another_unit(framework, rows):
    growing = cells(("A", "11001", "2020-01-01", ""), ("A", "11004", "2023-01-01", ""), ("B", "11005", "", ""))
    panel = build_panel(
        rows(
            *[("A", str(year), "DET-01", "value", year - 2000, CELL) for year in (2019, 2021, 2022, 2023)],
            ("11001", "2022", "PREV-01", "value", 1),
            ("11005", "2022", "PREV-01", "value", 1),
        ),
        framework,
        membership=growing,
    )
    np.testing.assert_array_equal(panel.wide("DET-01")[0], [np.nan, np.nan, np.nan, 23])
    np.testing.assert_array_equal(panel.wide("PREV-01")[:, 2], [np.nan, 1])
    assert panel.units["merged"].tolist() == [True, False]
    found = {finding.code: dict(finding.facts) for finding in panel.findings}
    assert found == {
        "panel.composition_changed": {"count": 2, "periods": "2021, 2022"},
        "panel.outside_membership": {"count": 1, "periods": "2019"},
    }


def test_merged_municipality_in_two_cells_cannot_be_divided(framework, rows):
    old = cells(("A", "37007", "", ""), ("B", "37015", "", ""), ("C", "11001", "", ""))
    panel = build_panel(
        rows(("37022", "2023", "DET-01", "value", 5), ("11001", "2023", "DET-01", "value", 1)),
        framework,
        membership=old,
    )
    np.testing.assert_array_equal(panel.wide("DET-01")[:, 0], [np.nan, np.nan, 1])
    assert codes_of(panel) == ["panel.municipality_divided"]


def test_shared_cell_is_not_divided_over_municipalities(framework, rows):
    values = rows(("A", "2022", "DET-01", "value", 4, CELL), ("B", "2022", "DET-01", "value", 7, CELL))
    panel = build_panel(values, framework, unit="municipality", membership=SHARED)
    assert panel.unit_codes == ["11005"]
    assert panel.wide("DET-01").tolist() == [[7.0]]
    assert [(f.code, f.facts["units"]) for f in panel.findings] == [("panel.livc_r_divided", "A")]


def test_two_cells_of_merging_municipalities_add_up(framework, rows):
    two = cells(("A", "37007", "", "2024-12-31"), ("B", "37015", "", "2024-12-31"), ("B", "37022", "2025-01-01", ""))
    panel = build_panel(
        rows(
            ("A", "2024", "DET-01", "value", 4, CELL),
            ("B", "2024", "DET-01", "value", 7, CELL),
            ("B", "2025", "DET-01", "value", 9, CELL),
        ),
        framework,
        unit="municipality",
        membership=two,
        vintage=2025,
    )
    assert panel.unit_codes == ["37022"]
    assert panel.wide("DET-01").tolist() == [[11.0, 9.0]]


def test_contradiction_names_both_sources(framework, rows):
    with pytest.raises(FaultsError) as caught:
        build_panel(
            rows(
                ("A", "2022", "DET-01", "value", 4, CELL),
                ("A", "2022", "DET-01", "value", 5, CELL),
                ("B", "2022", "DET-01", "value", 5, CELL),
                ("B", "2022", "DET-01", "value", 5, CELL),
            ),
            framework,
        )
    assert len(caught.value.faults) == 1
    assert "A 2022 DET-01 value has different values in csv:abc/row 2 and csv:abc/row 3" in str(caught.value)


def test_cell_and_its_members_may_not_contradict(framework, rows):
    values = rows(("B", "2022", "DET-01", "value", 4, CELL), ("11005", "2022", "DET-01", "value", 5))
    with pytest.raises(FaultsError, match="B 2022 DET-01 has different values"):
        build_panel(values, framework, membership=SHARED)


def test_answer_goes_before_no_answer(framework, rows):
    panel = build_panel(
        rows(
            ("A", "2022", "DET-01", "value", np.nan, CELL | {"status": "DK"}),
            ("A", "2022", "DET-01", "value", 5, CELL | {"status": "reconstructed"}),
            ("A", "2023", "DET-01", "value", 99, CELL | {"status": "SUP"}),
        ),
        framework,
    )
    np.testing.assert_array_equal(panel.wide("DET-01"), [[5, np.nan]])
    assert list(panel.data["DET-01.status"]) == ["reconstructed", "SUP"]
    assert panel.findings == ()


def test_wording_break_is_told(framework, rows):
    panel = build_panel(
        rows(
            ("A", "2017", "DET-01", "value", 4, CELL),
            ("A", "2020", "DET-01", "value", 4, CELL | {"wording": 2}),
            ("B", "2023", "DET-01", "value", 4, CELL | {"wording": 2}),
            ("A", "2023", "DET-01", "value", 4, CELL | {"wording": 3}),
        ),
        framework,
    )
    assert [(f.code, f.where.period) for f in panel.findings] == [
        ("panel.wording_changed", "2020"),
        ("panel.wording_changed", "2023"),
        ("panel.wording_mixed", "2023"),
    ]
    assert panel.wide("DET-01.wording")[0].tolist() == [1, 2, 3]


def test_waves_are_in_order_of_date_and_periods_may_be_chosen(framework, rows):
    waves = ["2023-03-01/2023-05-31", "2019-10-01/2020-01-31"]
    values = rows(
        *[("A", wave, "DET-01", "value", 1, CELL) for wave in waves], ("A", "2020", "PREV-01", "value", 1, CELL)
    )
    panel = build_panel(values, framework, indicators=["DET-01"])
    assert [period.label for period in panel.periods] == waves[::-1]
    assert panel.measures == ["DET-01"]
    only = build_panel(values, framework, indicators=["DET-01"], periods=[waves[0]])
    assert [period.label for period in only.periods] == waves[:1]


def test_periods_that_begin_together_are_refused(framework, rows):
    values = rows(("A", "2020", "DET-01", "value", 1, CELL), ("A", "2020-Q1", "DET-01", "value", 1, CELL))
    with pytest.raises(FaultsError, match="2020-Q1 and 2020 begin in the same month"):
        build_panel(values, framework)


def test_faults_of_the_table_come_together(framework, rows):
    values = rows(
        ("A", "2020", "DET-99", "value", 1, CELL),
        ("A", "2020", "DET-01", "valeu", 1, CELL | {"status": "registred"}),
    )
    with pytest.raises(FaultsError) as caught:
        build_panel(values, framework)
    assert len(caught.value.faults) == 3
    assert 'Did you mean "registered"' in str(caught.value)
    with pytest.raises(FaultsError, match='no column "status"'):
        build_panel(values.drop(columns="status"), framework)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "livcr"}, 'Did you mean "livc_r"'),
        ({"vintage": 2020}, "choose one of 2018"),
        ({"indicators": ["DET-02"]}, 'Did you mean "DET-01"'),
        ({"indicators": ["GOV-02"]}, "not a number"),
        ({"periods": ["2021"]}, "No value is left"),
        ({"periods": ["20x1"]}, "is not understood"),
    ],
)
def test_wrong_use_is_explained(framework, rows, options, message):
    values = rows(("A", "2020", "DET-01", "value", 1, CELL))
    with pytest.raises(EvaltoolkitError, match=message):
        build_panel(values, framework, **options)


@pytest.fixture(scope="module")
def world():
    return simulate_world(3)


def world_values(world):
    """Meetings per cell, as the simulated world has them."""
    meetings = world.counts["meetings"]
    table = pd.DataFrame(meetings, index=world.cells.index, columns=[str(y) for y in YEARS]).stack()
    return pd.DataFrame(
        {
            "unit_kind": "livc_r",
            "unit": table.index.get_level_values(0).astype("str"),
            "period": table.index.get_level_values(1).astype("str"),
            "indicator": "DET-01",
            "part": "value",
            "value": table.to_numpy(),
            "text": "",
            "status": "registered",
            "source": "sim",
            "wording": 1,
        }
    )


def test_simulated_world_comes_back_as_it_was_drawn(framework, world):
    panel = build_panel(world_values(world), framework, membership=world.membership)
    np.testing.assert_array_equal(panel.wide("DET-01"), world.counts["meetings"])
    assert panel.unit_codes == list(world.cells.index)
    assert panel.findings == ()
    assert panel.vintage == 2025
    members = world.municipalities.reset_index().groupby("livc_r")["municipality"].agg(";".join)
    assert (panel.units["members"] == members).all()
    merged = panel.units.loc[panel.units["merged"], "members"]
    assert len(merged)
    assert any("11002" in text for text in merged)


def test_building_is_fast(framework, world):
    values = pd.concat(
        [world_values(world).assign(indicator=i, part=p) for i in ("DET-01", "PREV-01") for p in ("value",)]
        + [world_values(world).assign(indicator="GOV-08", part=p) for p in ("case", "strategic")],
        ignore_index=True,
    )
    begin = time.process_time()
    build_panel(values, framework, membership=world.membership)
    # processor time, about 0.3 s: the bound is for a loop per row, which would take far longer
    assert time.process_time() - begin < 5
