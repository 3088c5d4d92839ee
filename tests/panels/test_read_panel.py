"""The evaluator's own file."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.panels.read import read_panel


def write(tmp_path, text, name="own.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_becomes_a_panel(tmp_path):
    text = "state,year,homicide,region,density\nB,2001,3,South,10\nB,2000,2,South,10\nA,2001,1.5,North,20\n"
    panel = read_panel(write(tmp_path, text), unit="state", period="year")
    assert panel.unit_codes == ["A", "B"]
    np.testing.assert_array_equal(panel.wide("homicide"), [[np.nan, 1.5], [2, 3]])
    assert panel.measures == ["homicide", "density"]
    assert panel.units[["region", "density"]].to_numpy().tolist() == [["North", 20.0], ["South", 10.0]]
    assert panel.times.tolist() == [2000, 2001]
    assert [(f.code, f.facts["count"]) for f in panel.findings] == [("panel.not_balanced", 1)]
    assert panel.sources.loc[0, "source"].startswith("csv:")
    assert panel.sources.loc[0, "source"].endswith("/row 2")


def test_belgian_csv_with_decimal_comma(tmp_path):
    path = write(tmp_path, "\ufeffnis;jaar;waarde\n11001;2020;1,5\n11001;2021;NA\n")
    panel = read_panel(path, unit="nis", period="jaar", unit_kind="municipality")
    np.testing.assert_array_equal(panel.wide("waarde"), [[1.5, np.nan]])
    assert panel.vintage == 2025
    assert panel.units.loc["11001", "name"] == "Aartselaar"


def test_frame_with_numbers_as_units_and_numbered_periods():
    frame = pd.DataFrame({"id": [1.0, 1.0, 2.0, 2.0], "t": [1, 2, 1, 2], "y": [1, 2, 3, 4]})
    panel = read_panel(frame, unit="id", period="t")
    assert panel.unit_codes == ["1", "2"]
    assert panel.times.tolist() == [1, 2]
    assert panel.wide("y").tolist() == [[1, 2], [3, 4]]
    assert list(frame.columns) == ["id", "t", "y"]


def test_all_faults_at_once(tmp_path):
    text = "unit,year,y\nA,2000,1\nA,2000,2\n,2001,3\nB,20x1,4\nB,2002,five\nC,2002,6\nC,2003,7\n"
    with pytest.raises(FaultsError) as caught:
        read_panel(write(tmp_path, text), unit="unit", period="year")
    message = str(caught.value)
    assert len(caught.value.faults) == 4
    assert "unit A, period 2000 stands in row 2, row 3" in message
    assert 'row 4: "unit" is empty' in message
    assert '"20x1" is not understood' in message
    assert 'column "y" is not a number in row 6' in message
    assert "five" not in message


def test_two_periods_of_one_month_are_refused():
    waves = ["2021-03-01/2021-03-10", "2021-03-15/2021-03-20"]
    for labels in (waves, ["2021", "2021-Q1"]):
        table = pd.DataFrame({"u": "A", "t": labels, "y": [1.0, 2.0]})
        with pytest.raises(FaultsError, match="begin in the same month"):
            read_panel(table, unit="u", period="t")


def test_unknown_column_gets_the_nearest():
    frame = pd.DataFrame({"municipality": ["a"], "year": [2000], "y": [1]})
    with pytest.raises(FaultsError) as caught:
        read_panel(frame, unit="municipalty", period="yaer", measures=["z"])
    assert 'Did you mean "municipality"' in str(caught.value)
    assert 'Did you mean "year"' in str(caught.value)
    assert len(caught.value.faults) == 4


def test_dots_in_names_do_not_hide_a_measure():
    frame = pd.DataFrame(
        {"u": ["a", "a"], "t": [2000, 2001], "log.pay": [1, 2], "trust": [0.4, 0.5], "trust.se": [0.1, 0.1]}
    )
    panel = read_panel(frame, unit="u", period="t")
    assert panel.measures == ["log_pay", "trust"]
    assert panel.wide("trust.se").tolist() == [[0.1, 0.1]]
    assert [dict(f.facts) for f in panel.findings] == [{"old": "log.pay", "new": "log_pay"}]
    with pytest.raises(FaultsError, match='would all be called "log_pay"'):
        read_panel(frame.assign(log_pay=1), unit="u", period="t")


def test_traits_with_letters_are_kept_and_changing_text_is_left_out():
    frame = pd.DataFrame(
        {"u": ["a", "a", "b", "b"], "t": [1, 2, 1, 2], "y": 1.0, "zone": ["7", "7", "Z8", "Z8"], "note": list("klmn")}
    )
    panel = read_panel(frame, unit="u", period="t")
    assert panel.units["zone"].tolist() == ["7", "Z8"]
    assert panel.measures == ["y"]
    assert [(f.code, f.facts["column"]) for f in panel.findings] == [("panel.text_column_left_out", "note")]


def test_chosen_measures_only_and_names():
    frame = pd.DataFrame({"u": ["a", "b"], "t": [2000, 2000], "label": ["Aa", "Bb"], "y": [1, 2], "z": [3, 4]})
    panel = read_panel(frame, unit="u", period="t", measures=["y"], name="label")
    assert panel.measures == ["y"]
    assert panel.units["name"].tolist() == ["Aa", "Bb"]
    assert panel.units["z"].tolist() == [3, 4]


def test_mixed_vintages_are_refused():
    frame = pd.DataFrame({"nis": ["44011", "44083"], "year": [2018, 2019], "y": [1, 2]})
    with pytest.raises(FaultsError, match="44011 \\+ 44049 became 44083"):
        read_panel(frame, unit="nis", period="year", unit_kind="municipality")


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(EvaltoolkitError, match="is not there"):
        read_panel(tmp_path / "none.csv", unit="u", period="t")
    with pytest.raises(EvaltoolkitError, match="is not a table"):
        read_panel(write(tmp_path, ""), unit="u", period="t")
    path = tmp_path / "old.csv"
    path.write_bytes("commune,ann\xe9e\n".encode("latin-1"))
    with pytest.raises(EvaltoolkitError, match="UTF-8"):
        read_panel(path, unit="u", period="t")


@pytest.mark.shared
def test_golden_panel_is_read_as_it_stands(shared):
    path = shared / "golden" / "r" / "A2_staggered_unbalanced.csv"
    raw = pd.read_csv(path)
    panel = read_panel(path, unit="unit", period="year")
    tall = panel.data["y"].dropna()
    assert len(tall) == len(raw)
    expected = raw.assign(unit=raw["unit"].astype(str), year=raw["year"].astype(str)).set_index(["unit", "year"])["y"]
    np.testing.assert_array_equal(tall.to_numpy(), expected.loc[tall.index].to_numpy())
    assert {"zone", "g", "x1"} <= set(panel.units.columns)
