import csv
import dataclasses
import json
from importlib import resources

import jsonschema
import numpy as np
import pandas as pd
import pytest

from evaltoolkit.findings import RefusedError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.reports.gate import HIDDEN, open_to_public, write_panel
from evaltoolkit.reports.tables import COLUMNS, ten_digits, write_results


@pytest.fixture(scope="module")
def written(evaluation, tmp_path_factory):
    return write_results(evaluation, tmp_path_factory.mktemp("results"))


def test_csv_has_every_estimate(written, evaluation):
    with written[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == (*COLUMNS, "simulated")
    assert {row["simulated"] for row in rows} == {str(evaluation.plan.data.simulated).lower()}
    overall = next(
        r for r in rows if r["kind"] == "overall" and r["outcome"] == "TRU-01" and r["estimator"] == "group_time"
    )
    assert float(overall["estimate"]) == pytest.approx(evaluation.outcomes[0].overall.estimate[0], rel=1e-9)
    assert {row["kind"] for row in rows} == {"overall", "event", "group_time", "coefficient", "headline"}
    event = [r for r in rows if r["kind"] == "event" and r["band_low"]]
    assert all(float(r["band_low"]) <= float(r["conf_low"]) for r in event)


def test_few_units_have_neither_interval_nor_p_value(written):
    with written[0].open(encoding="utf-8", newline="") as file:
        few = [row for row in csv.DictReader(file) if row["outcome"] == "COMP-09"]
    assert few
    for row in few:
        assert (row["conf_low"], row["conf_high"], row["p_value"], row["band_low"]) == ("", "", "", "")
        assert row["reason"]


def test_json_follows_its_schema(written):
    schema = json.loads((resources.files("evaltoolkit") / "data" / "pages" / "results.schema.json").read_text("utf-8"))
    document = json.loads(written[1].read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["simulated"] is True
    refused = next(o for o in document["outcomes"] if o["outcome"] == "HAR-08")
    assert refused["verdict"] == "refused"
    assert refused["estimates"] == []


def test_results_are_the_same_bytes_twice(written, evaluation, tmp_path):
    again = write_results(evaluation, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


def test_name_that_a_spreadsheet_would_run_is_disarmed(evaluation, tmp_path):
    first = evaluation.outcomes[0]
    outcome = first.outcome.model_copy(update={"indicator": "=cmd()"})
    evil = dataclasses.replace(evaluation, outcomes=(dataclasses.replace(first, outcome=outcome),))
    lines = write_results(evil, tmp_path)[0].read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("'=cmd()") for line in lines[1:])


@pytest.mark.parametrize(
    ("value", "digits"), [(1 / 3, 0.3333333333), (np.nan, None), (np.inf, None), (1e-20 / 3, 3.333333333e-21)]
)
def test_ten_digits(value, digits):
    assert ten_digits(value) == digits


def _estimates(n_treated):
    return pd.DataFrame(
        {
            "n_treated": n_treated,
            "n_comparison": 40,
            "estimate": 1.0,
            "std_error": 0.5,
            "conf_low": 0.0,
            "conf_high": 2.0,
            "p_value": 0.05,
            "reason": "",
        },
        index=range(len(n_treated)),
    )


def test_estimates_of_two_units_are_hidden_only_for_sensitive_indicators():
    indicators = load_framework().by_id
    frame = _estimates([2, 3])
    assert indicators["HAR-01"].sensitivity == "small_cells"
    shown = open_to_public(frame, indicators["HAR-01"])
    assert shown["estimate"].isna().tolist() == [True, False]
    assert shown["reason"].tolist() == [HIDDEN, ""]
    assert frame["estimate"].notna().all()
    assert open_to_public(frame, indicators["GOV-08"])["estimate"].notna().all()
    assert open_to_public(frame, None)["estimate"].notna().all()


def _panel(**columns):
    index = pd.MultiIndex.from_product([["11001", "11002"], ["2023", "2024"]], names=["unit", "period"])
    units = pd.DataFrame({"name": ["A", "B"]}, index=["11001", "11002"])
    return Panel(pd.DataFrame(columns, index=index), (Period.parse(2023), Period.parse(2024)), "municipality", units)


def test_panel_is_written_with_known_measures_only(tmp_path):
    panel = _panel(**{"GOV-08": [1.0, 2.0, np.nan, 12.0], "OWN": [1.0, 2.0, 3.0, 4.0]})
    path = write_panel(panel, load_framework(), tmp_path / "deep" / "panel.csv")
    assert path.read_text(encoding="utf-8").splitlines() == [
        "unit,period,GOV-08",
        "11001,2023,1",
        "11001,2024,2",
        "11002,2023,",
        "11002,2024,12",
    ]


def test_small_counts_of_persons_are_suppressed(tmp_path):
    units, periods = [f"1100{n}" for n in range(6)], ["2021", "2022", "2023", "2024"]
    index = pd.MultiIndex.from_product([units, periods], names=["unit", "period"])
    counts = np.arange(24.0) + 20
    counts[0] = 3
    data = pd.DataFrame({"HAR-01": counts / 9000, "HAR-01.n": 9000.0, "HAR-01.numerator": counts}, index=index)
    panel = Panel(data, tuple(Period.parse(p) for p in periods), "municipality", pd.DataFrame(index=units))
    table = pd.read_csv(write_panel(panel, load_framework(), tmp_path / "panel.csv"), dtype=str)
    assert table.loc[0, "HAR-01"] == "SUP"
    assert table.loc[0, "HAR-01.numerator"] == "SUP"
    assert table.loc[23, "HAR-01.numerator"] == "43"
    # and enough besides that totals do not give it back
    assert (table["HAR-01.numerator"] == "SUP").sum() >= 4


def test_panel_of_unknown_measures_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="framework knows none"):
        write_panel(_panel(OWN=[1.0, 2.0, 3.0, 4.0]), load_framework(), tmp_path / "panel.csv")
    assert list(tmp_path.iterdir()) == []
