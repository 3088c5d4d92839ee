"""The user's file of cells: dates, faults, overlap."""

import datetime as dt

import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.territory.membership import members_on, read_membership


def rows(*given):
    return pd.DataFrame(given, columns=["livc_r", "municipality", "valid_from", "valid_to"])


def test_file_is_read_with_semicolon_and_open_dates(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("livc_r;municipality;valid_from;valid_to\nA;37015;;2024-12-31\nA;37022;2025-01-01;\n", "utf-8")
    table = read_membership(path)
    assert list(table["municipality"]) == ["37015", "37022"]
    assert table["valid_from"].isna().tolist() == [True, False]
    assert list(members_on(table, dt.date(2024, 12, 31))["municipality"]) == ["37015"]
    assert list(members_on(table, dt.date(2025, 1, 1))["municipality"]) == ["37022"]


def test_reading_twice_changes_nothing():
    once = read_membership(
        rows(("A", 11001, None, dt.date(2022, 1, 1)), ("B", "11001", pd.Timestamp("2022-01-02"), ""))
    )
    pd.testing.assert_frame_equal(read_membership(once), once)
    assert list(once["municipality"]) == ["11001", "11001"]


def test_zones_have_their_own_column():
    table = read_membership(pd.DataFrame({"police zone": ["Z"], "municipality": ["11001"]}), group="police zone")
    assert list(table.columns) == ["police zone", "municipality", "valid_from", "valid_to"]


def test_a_zone_stays_beside_the_cell_and_may_be_empty():
    given = rows(("A", "11001", "", ""), ("B", "11002", "", ""), ("B", "11004", "", "")).assign(zone=["Z1", " ", 5.0])
    table = read_membership(given)
    assert table["zone"].isna().tolist() == [False, True, False]
    assert table["zone"].dropna().tolist() == ["Z1", "5"]
    pd.testing.assert_frame_equal(read_membership(table), table)
    assert list(members_on(table, dt.date(2024, 1, 1))["zone"].dropna()) == ["Z1", "5"]


def test_all_faults_at_once():
    with pytest.raises(FaultsError) as caught:
        read_membership(
            rows(
                ("A", "11001", "2020-01-01", "2019-01-01"),
                ("A", "11099", "", ""),
                ("", "11004", "", ""),
                ("B", "11005", "1/2/2020", ""),
            )
        )
    message = str(caught.value)
    assert len(caught.value.faults) == 4
    assert "row 2: valid_to lies before valid_from" in message
    assert 'row 3: "11099" is no municipality code' in message
    assert 'row 4: "livc_r" is empty' in message
    assert 'row 5: valid_from "1/2/2020" is no date' in message


@pytest.mark.parametrize(
    "second",
    [("B", "11001", "2022-06-30", ""), ("B", "11001", "", "2021-01-01"), ("A", "11001", "2022-01-01", "2022-01-02")],
)
def test_two_cells_on_the_same_day_is_a_fault(second):
    with pytest.raises(FaultsError, match="11001 is in"):
        read_membership(rows(("A", "11001", "2020-01-01", "2022-06-30"), second))


def test_overlap_hidden_by_a_short_row_is_found():
    with pytest.raises(FaultsError) as caught:
        read_membership(
            rows(("A", "11001", "", ""), ("B", "11001", "2020-01-01", "2020-02-01"), ("C", "11001", "2021-01-01", ""))
        )
    assert len(caught.value.faults) == 2


def test_missing_column_and_file():
    with pytest.raises(FaultsError, match='no column "municipality"'):
        read_membership(pd.DataFrame({"livc_r": ["A"], "municipalty": ["11001"]}))
    with pytest.raises(EvaltoolkitError, match="is not there"):
        read_membership("nowhere.csv")
