"""The evaluator's own file."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.table import design_from_table
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


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        (["2018Q1", "2018 q2", "2018-Q3"], ["2018-Q1", "2018-Q2", "2018-Q3"]),
        (["2018-01-01", "2019-01-01"], ["2018", "2019"]),
        (["2018-12-31", "2019-12-31"], ["2018", "2019"]),
        (["2018-01-01", "2018-04-01 00:00:00"], ["2018-Q1", "2018-Q2"]),
        (["2018-03-31", "2018-06-30"], ["2018-Q1", "2018-Q2"]),
        (["2018-01-01", "2018-02-01"], ["2018-01", "2018-02"]),
        (["2020-01-31", "2020-02-29"], ["2020-01", "2020-02"]),
        (["2018-01-01/2018-06-30", "2018-07-01/2018-12-31"], ["2018-01-01/2018-06-30", "2018-07-01/2018-12-31"]),
        (pd.to_datetime(["2018-01-01", "2019-01-01"]), ["2018", "2019"]),
        (pd.to_datetime(["2018-01-01", "2018-10-01"]).tz_localize("Europe/Brussels"), ["2018-Q1", "2018-Q4"]),
        (pd.period_range("2018Q1", periods=2, freq="Q"), ["2018-Q1", "2018-Q2"]),
        (pd.period_range("2018-03", periods=2, freq="M"), ["2018-03", "2018-04"]),
        (pd.Categorical(["2019", "2018"]), ["2018", "2019"]),
        ([2018.0, 2019.0], ["2018", "2019"]),
    ],
)
def test_periods_are_read_as_they_are_written(written, labels):
    frame = pd.DataFrame({"unit": "A", "when": written, "y": np.arange(len(written), dtype=float)})
    panel = read_panel(frame, unit="unit", period="when")
    assert [one.label for one in panel.periods] == labels
    assert np.isfinite(panel.wide("y")).all()


def test_one_period_written_twice_in_two_ways_is_a_duplicate():
    frame = pd.DataFrame({"unit": "A", "when": ["2018Q1", "2018-Q1"], "y": [1.0, 2.0]})
    with pytest.raises(FaultsError, match="period 2018-Q1 stands in row 2, row 3"):
        read_panel(frame, unit="unit", period="when")


def test_days_within_months_are_no_periods():
    days = pd.date_range("2018-01-03", periods=30, freq="7D")
    frame = pd.DataFrame({"unit": "A", "when": days, "y": 1.0})
    with pytest.raises(FaultsError) as caught:
        read_panel(frame, unit="unit", period="when")
    assert '"2018-01-03" is not understood: write a year (2023)' in str(caught.value)
    assert "Nor are 2018-01-10, 2018-01-17, 2018-01-24, 2018-01-31, 2018-02-07, …." in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_roster_of_dates_fits_a_panel_of_dates():
    frame = pd.DataFrame(
        {
            "unit": np.repeat([f"u{i:02d}" for i in range(12)], 6),
            "day": np.tile(pd.date_range("2018-01-01", periods=6, freq="QS"), 12),
            "y": np.random.default_rng(1).normal(size=72),
        }
    )
    first = pd.Series(["2018-07-01"] * 4 + ["never"] * 8, index=sorted(frame["unit"].unique()))
    panel = read_panel(frame, unit="unit", period="day")
    found = make_design(panel, "y", treated_from=first)
    starts = frame["unit"].map(first).replace("never", None)
    own = design_from_table(
        frame.assign(start=pd.to_datetime(starts)), "y", unit="unit", period="day", treated_from="start", never=np.nan
    )
    np.testing.assert_allclose(found.cohort, own.cohort)
    np.testing.assert_allclose(found.times, own.times)
    np.testing.assert_array_equal(found.outcome, own.outcome)
