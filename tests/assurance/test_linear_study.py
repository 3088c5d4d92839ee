"""The stored study of estimates with covariates or gaps holds its gates, and the code still makes its figures."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import linear_study as study

# nominal 5 %
MOST, LEAST, POWER = 0.065, 0.035, 0.7


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(study.STORED)


def test_every_stored_cell_is_one_of_the_list(stored):
    known = [tuple(cell.values()) for cell in study.list_cells()]
    rows = list(stored[study.KEYS].itertuples(index=False, name=None))
    assert len(rows) == len(set(rows)) == len(known)
    assert set(rows) == set(known)
    assert (stored["draws"] == study.DRAWS).all()


def test_without_an_effect_it_rejects_as_often_as_it_says(stored):
    assert stored["rejection"].max() <= MOST
    assert stored["rejection"].min() >= LEAST
    # the normal test of the same estimates
    assert stored["naive"].max() > 0.25


def test_power_is_near_that_of_an_oracle(stored):
    assert (stored["power"] >= POWER * stored["oracle"]).all()


def test_a_cell_made_again_gives_the_stored_figures(stored):
    row = stored[(stored["with"] == "gaps") & (stored["treated"] == 5)].iloc[0]
    again = study.run_cell({name: row[name] for name in study.KEYS}, study.DRAWS)
    for column in ("rejection", "power", "oracle", "naive"):
        assert again[column] == pytest.approx(row[column], abs=1e-6)
