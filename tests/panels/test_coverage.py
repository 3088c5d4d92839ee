"""Response by arm, reasons for missing values, raw means."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.coverage import cohort_means, coverage_by_arm, missing_by_status
from evaltoolkit.panels.read import read_panel


@pytest.fixture
def panel():
    frame = pd.DataFrame({"u": list("aabbccdd"), "t": [2000, 2001] * 4, "y": [1.0, np.nan, 3, 5, np.nan, np.nan, 7, 9]})
    return read_panel(frame, unit="u", period="t")


def test_coverage_counts_units_that_never_came(panel):
    arm = pd.Series({"a": "treated", "b": "never", "c": "never", "z": "treated"})
    table = coverage_by_arm(panel, "y", arm)
    assert list(table.columns) == ["arm", "period", "n_units", "n_answered", "share"]
    assert table.to_numpy().tolist() == [
        ["never", "2000", 2, 1, 0.5],
        ["never", "2001", 2, 1, 0.5],
        ["treated", "2000", 2, 1, 0.5],
        ["treated", "2001", 2, 0, 0.0],
        ["unknown", "2000", 1, 1, 1.0],
        ["unknown", "2001", 1, 1, 1.0],
    ]


def test_coverage_adds_up(panel):
    table = coverage_by_arm(panel, "y", pd.Series({"a": "x", "b": np.nan}))
    assert table.groupby("period")["n_units"].sum().tolist() == [4, 4]
    assert table["n_answered"].sum() == np.isfinite(panel.wide("y")).sum()


def test_missing_by_status_of_own_file_and_of_collected_values(panel, framework, rows):
    assert missing_by_status(panel, "y").to_numpy().tolist() == [
        ["no_answer", "2000", 1],
        ["no_answer", "2001", 2],
        ["registered", "2000", 3],
        ["registered", "2001", 2],
    ]
    kind = {"unit_kind": "livc_r"}
    collected = build_panel(
        rows(
            ("A", "2020", "DET-01", "value", 1, kind), ("B", "2021", "DET-01", "value", np.nan, kind | {"status": "RF"})
        ),
        framework,
    )
    assert missing_by_status(collected, "DET-01").to_numpy().tolist() == [
        ["RF", "2021", 1],
        ["no_answer", "2020", 1],
        ["no_answer", "2021", 1],
        ["registered", "2020", 1],
    ]


def test_cohort_means_are_raw_and_leave_out_unknown(panel):
    cohort = pd.Series({"a": 2001.0, "b": np.inf, "c": np.inf, "d": np.nan})
    table = cohort_means(panel, "y", cohort)
    assert table["cohort"].tolist() == [2001, 2001, np.inf, np.inf]
    np.testing.assert_array_equal(table["mean"], [1, np.nan, 3, 5])
    assert table["n_units"].tolist() == [1, 0, 1, 1]
    assert table["time"].tolist() == [2000, 2001, 2000, 2001]
