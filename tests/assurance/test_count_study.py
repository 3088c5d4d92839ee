"""The stored study of counts holds its gates, and the code still makes the stored figures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import count_study as study


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(study.STORED)


def answered(stored):
    """Studies with a p-value, and three Monte Carlo standard errors of a share of five per cent of them."""
    number = stored["draws"] * (1 - stored["refused"])
    return number, 3 * np.sqrt(0.05 * 0.95 / number.clip(lower=1))


def test_every_stored_cell_is_one_of_the_list(stored):
    known = [tuple(cell.values()) for cell in study.list_cells()]
    rows = list(stored[study.KEYS].itertuples(index=False, name=None))
    assert len(rows) == len(set(rows)) == len(known)
    assert set(rows) == set(known)
    assert (stored["draws"] >= study.DRAWS).all()


def test_without_an_effect_it_rejects_no_more_often_than_it_says(stored):
    number, error = answered(stored)
    told = number > 0
    assert (stored["rejection"][told] <= 0.05 + error[told]).all()
    together = np.average(stored["rejection"][told], weights=number[told])
    assert together <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / number.sum())
    assert stored["rejection"][told].max() <= 0.065
    # one, two and five treated with half an event a period, and one by lot: answered, and no worse than the others
    rare = told & ((stored["mean"] < 1) | (stored["treated"] == 1))
    assert np.average(stored["rejection"][rare], weights=number[rare]) <= 0.065
    # the usual test of the same regression
    assert stored["naive"].max() > 0.5


def test_it_refuses_where_it_was_said_beforehand_and_nowhere_else(stored):
    expected = np.array([study.is_refused(cell) for cell in stored[study.KEYS].to_dict("records")])
    assert np.mean([study.is_refused(cell) for cell in study.list_cells()]) <= 0.2
    assert (stored["refused"][~expected] == 0).all()
    # one unit that was not drawn by lot has a p-value only where counts are Poisson
    alone = (stored["treated"] == 1) & (stored["by"] == "size")
    np.testing.assert_allclose(stored["exact"][alone], 1 - stored["refused"][alone], atol=1e-6)
    assert (stored["exact"][~alone] == 0).all()
    assert (stored["exact"][alone & (stored["noise"] != "Poisson")] <= 0.05).all()


def test_intervals_hold_the_ratio(stored):
    known = stored["coverage"].notna() & (stored["refused"] < 0.5)
    assert stored["coverage"][known].mean() >= 0.94
    assert (stored["coverage"][known] >= 0.93 - 3 * np.sqrt(0.05 * 0.95 / stored["draws"][known])).all()


def test_a_cell_made_again_gives_the_stored_figures(stored):
    row = stored[(stored["units"] == 60) & (stored["treated"] == 5)].iloc[0]
    again = study.run_cell({name: row[name] for name in study.KEYS}, int(row["draws"]))
    for column in ("rejection", "refused", "naive", "exact", "power", "coverage"):
        assert again[column] == pytest.approx(row[column], abs=1e-5)
