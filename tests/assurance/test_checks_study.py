"""The stored study of the checks holds its gates, and the code still makes the stored figures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.registry import list_checks

sys.path.insert(0, str(Path(__file__).parent))
import checks_study as study

# what a check that tests says it does by chance alone: at 5 %, or beyond two standard errors
NOMINAL = {"pretrends": 0.05, "anticipation": 0.05, "spillover": 0.05, "agreement": 0.0455, "concurrent": 0.0455}
# the others hold a number against a limit: at most this often where nothing is wrong
LIMIT = 0.05


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(study.STORED).set_index(study.KEYS)


def error(share, draws):
    return 3 * np.sqrt(share * (1 - share) / draws)


def test_every_check_has_a_clean_and_a_breaking_world(stored):
    assert sorted(study.WORLDS) == sorted(list_checks())
    assert list(stored.index) == [tuple(cell.values()) for cell in study.list_cells()]
    assert (stored["draws"] == study.DRAWS).all()
    assert stored[["quiet", "alarm", "nothing"]].sum(axis=1).to_numpy() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", sorted(NOMINAL))
def test_a_test_is_nominal_where_nothing_is_wrong(stored, name):
    row = stored.loc[(name, "clean")]
    assert abs(row["alarm"] - NOMINAL[name]) <= error(NOMINAL[name], row["draws"])


@pytest.mark.parametrize("name", sorted(set(study.WORLDS) - set(NOMINAL)))
def test_a_limit_is_seldom_passed_where_nothing_is_wrong(stored, name):
    row = stored.loc[(name, "clean")]
    assert row["alarm"] <= LIMIT + error(LIMIT, row["draws"])


@pytest.mark.parametrize("name", sorted(study.WORLDS))
def test_the_stated_violation_is_seen(stored, name):
    assert stored.loc[(name, "broken"), "alarm"] >= 0.8
    assert stored.loc[(name, "clean"), "quiet"] >= 0.8


def test_a_range_that_is_the_truth_is_contradicted_at_five_per_cent(stored):
    row = stored.loc[("reporting", "range is the truth")]
    assert abs(row["alarm"] - 0.05) <= error(0.05, row["draws"])


def test_bounds_hold_the_truth_where_the_declared_range_does(stored):
    row = stored.loc[("reporting", "bounds hold the truth")]
    assert row["quiet"] >= 0.95 - error(0.95, row["draws"])


def test_ten_points_by_chance_are_not_called_more(stored):
    row = stored.loc[("response", "a tenth silent")]
    assert row["alarm"] <= LIMIT + error(LIMIT, row["draws"])
    # without the test of chance they would be: gaps of more than ten points are common there
    assert row["alarm"] + row["nothing"] > 0.15


@pytest.mark.parametrize("name", ["fidelity", "response", "agreement"])
def test_a_cell_made_again_gives_the_stored_figures(stored, name):
    cell = {"check": name, "world": "broken" if name == "agreement" else "clean"}
    again = study.run_cell(cell)
    row = stored.loc[tuple(cell.values())]
    for column in ("quiet", "alarm", "nothing"):
        # six digits are stored
        assert again[column] == pytest.approx(row[column], abs=1e-6)
