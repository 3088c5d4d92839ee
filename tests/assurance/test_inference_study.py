"""The stored study of inference holds its gates, and the code still makes the stored figures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import inference_study as study
from inference_figure import draw, read_cells

KEYS = study.KEYS
# nominal 5 %
MOST, LEAST, POWER = 0.065, 0.035, 0.7


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(study.STORED)


def test_every_stored_cell_is_one_of_the_list(stored):
    known = [tuple(cell.values()) for cell in study.list_cells()]
    rows = list(stored[KEYS].itertuples(index=False, name=None))
    assert len(set(rows)) == len(rows) == len(known)
    assert set(rows) <= set(known)
    assert (stored["draws"] == study.DRAWS).all()


def test_without_an_effect_auto_rejects_as_often_as_it_says(stored):
    answered = stored[stored["refused"] == 0]
    assert answered["rejection"].max() <= MOST
    assert answered["rejection"].min() >= LEAST
    # the naive test in the same studies
    assert answered["naive"].max() > 0.5


def test_it_refuses_where_it_was_said_beforehand_and_nowhere_else(stored):
    expected = [study.is_refused(cell) for cell in stored[KEYS].to_dict("records")]
    np.testing.assert_array_equal(stored["refused"] > 0, expected)
    assert np.mean([study.is_refused(cell) for cell in study.list_cells()]) <= 0.2


def test_power_is_near_that_of_an_oracle(stored):
    answered = stored[stored["refused"] == 0]
    assert (answered["power"] >= POWER * answered["oracle"]).all()


def test_a_cell_made_again_gives_the_stored_figures(stored):
    row = stored[(stored["refused"] == 0) & (stored["units"] == 60)].sort_values("treated").iloc[0]
    cell = {name: row[name] for name in KEYS}
    again = study.run_cell(cell, study.DRAWS)
    for column in ("rejection", "refused", "naive", "power", "oracle"):
        assert again[column] == pytest.approx(row[column], abs=1e-6)


def test_the_figure_shows_the_stored_table(tmp_path):
    drawn = draw(read_cells(), tmp_path / "again.svg")
    assert drawn.read_bytes() == study.STORED.with_suffix(".svg").read_bytes()
