import datetime as dt
import math

import openpyxl
import pandas as pd
import pytest

from evaltoolkit.designs.roster import ALSO, COLUMNS, parse_roster, read_roster
from evaltoolkit.findings import EvaltoolkitError, FaultsError


def write(tmp_path, text, name="roster.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_all_columns_and_fills_the_state(tmp_path):
    path = write(
        tmp_path,
        "unit,action,start,end,hours,source,decided_by,why,state\n"
        "11001,coaching,2022-03-01,2023-01-31,12.5,minutes,council,turn,\n"
        "11002,coaching,,,,,,,never\n"
        "11003,coaching,,,,,,,\n"
        "11004,coaching,01/09/2023,,,,,,treated\n",
    )
    roster = read_roster(path)
    assert tuple(roster.columns) == COLUMNS
    assert list(roster["state"]) == ["treated", "never", "unknown", "treated"]
    assert roster["start"].dt.date.iloc[0] == dt.date(2022, 3, 1)
    assert roster["start"].dt.date.iloc[3] == dt.date(2023, 9, 1)
    assert roster["hours"].iloc[0] == 12.5
    assert math.isnan(roster["hours"].iloc[1])
    assert list(roster.index) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    "header",
    ["gemeente;actie;begin;toestand", "commune;action;début;état", "Gemeinde;Maßnahme;Beginn;Zustand"],
)
@pytest.mark.parametrize("word", ["nooit", "jamais", "nie", "never"])
def test_headers_and_states_in_four_languages(tmp_path, header, word):
    roster = read_roster(write(tmp_path, f"{header}\n11001;coaching;2022-03-01;\n11002;coaching;;{word}\n"))
    assert list(roster["unit"]) == ["11001", "11002"]
    assert list(roster["state"]) == ["treated", "never"]


def test_a_workbook_with_real_dates_and_numbers(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["unit", "action", "start", "hours"])
    book.active.append([11001, "coaching", dt.datetime(2022, 3, 1), 8])  # noqa: DTZ001
    book.active.append([11002, "coaching", "2023-04-05", None])
    book.save(tmp_path / "roster.xlsx")
    roster = read_roster(tmp_path / "roster.xlsx")
    assert list(roster["unit"]) == ["11001", "11002"]
    assert [day.isoformat() for day in roster["start"].dt.date] == ["2022-03-01", "2023-04-05"]


def test_all_faults_at_once_with_row_and_column(tmp_path):
    path = write(
        tmp_path,
        "unit,action,start,end,hours,state\n"
        ",coaching,2022-03-01,,,\n"
        "11002,coaching,March 2022,,,\n"
        "11003,coaching,2022-02-30,,,\n"
        "11004,coaching,,,-3,\n"
        "11005,coaching,,,,nevr\n",
    )
    with pytest.raises(FaultsError) as caught:
        read_roster(path)
    faults = caught.value.faults
    assert len(faults) == 5
    text = str(caught.value)
    assert 'row 2, column "unit"' in text
    assert 'row 3, column "start"' in text
    assert 'row 4, column "start"' in text
    assert 'row 5, column "hours"' in text
    assert 'Did you mean "never"?' in text


def test_contradictions_between_cells_and_rows(tmp_path):
    path = write(
        tmp_path,
        "unit,action,start,end,state\n"
        "11001,coaching,,,treated\n"
        "11002,coaching,2022-01-01,,never\n"
        "11003,coaching,2022-01-01,2021-01-01,\n"
        "11004,coaching,2022-01-01,,\n"
        "11004,coaching,,,never\n",
    )
    with pytest.raises(FaultsError) as caught:
        read_roster(path)
    text = str(caught.value)
    assert "row 2: the state is treated but there is no start" in text
    assert "row 3: the state is never but a start is given" in text
    assert "row 4: the end lies before the start" in text
    assert 'unit "11004"' in text
    assert len(caught.value.faults) == 4


def test_misspelt_missing_and_doubled_columns(tmp_path):
    with pytest.raises(FaultsError, match='Did you mean "start"') as caught:
        read_roster(write(tmp_path, "unit,strt\n1,2022-01-01\n"))
    assert 'column "action" is missing' in str(caught.value)
    with pytest.raises(FaultsError, match="stands twice"):
        read_roster(write(tmp_path, "unit,gemeente,action,start\n1,1,a,2022-01-01\n"))


def test_columns_of_the_user_are_left_alone(tmp_path):
    roster = read_roster(write(tmp_path, "unit,action,start,budget_2022\n1,a,2022-01-01,500\n"))
    assert tuple(roster.columns) == COLUMNS


def test_a_missing_file_is_said_plainly(tmp_path):
    with pytest.raises(EvaltoolkitError, match="There is no file"):
        read_roster(tmp_path / "nothing.csv")


def test_does_not_change_its_input():
    cells = pd.DataFrame({"unit": ["a"], "action": ["x"], "start": ["2022-01-01"]})
    before = cells.copy()
    parse_roster(cells)
    pd.testing.assert_frame_equal(cells, before)


def test_day_of_decision_and_planned_hours_where_they_are_given(tmp_path):
    text = 'unit,action,start,Décidé le,heures prévues\n1,a,2022-03-01,01/12/2021,"20,5"\n2,a,2022-03-01,,\n'
    roster = read_roster(write(tmp_path, text))
    assert tuple(roster.columns) == (*COLUMNS, *ALSO)
    assert roster["decided_on"].iloc[0] == pd.Timestamp(2021, 12, 1)
    assert roster["planned_hours"].iloc[0] == 20.5
    assert roster[list(ALSO)].iloc[1].isna().all()
    with pytest.raises(FaultsError, match="hours must be a number"):
        read_roster(write(tmp_path, "unit,action,start,planned_hours\n1,a,2022-01-01,many\n"))
