"""The stored study of intervals holds its gates, and the code still makes the stored figures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import interval_study as study

# promised of effects that are the same for all
COVERAGE = 0.93


@pytest.fixture(scope="module")
def stored():
    whole = pd.read_csv(study.STORED)
    return whole[whole["intervals"].notna()]


def test_every_stored_cell_is_one_of_the_sample(stored):
    known = [tuple(cell.values()) for cell in study.list_cells()]
    rows = list(stored[study.KEYS].itertuples(index=False, name=None))
    assert len(rows) == len(set(rows)) == len(known)
    assert set(rows) == set(known)
    assert (stored["intervals"] == study.DRAWS).all()


def test_intervals_hold_constant_effects(stored):
    assert stored["coverage"].min() >= COVERAGE
    assert stored["coverage"].mean() == pytest.approx(0.95, abs=0.005)
    # the coverage of varied effects is told, not promised: here it is there to be told
    assert stored["varied"].between(0, 1).all()


def test_an_interval_holds_what_its_test_does_not_reject(stored):
    # the same rule by two studies, of other draws: a constant effect is left out as often as one of zero is found
    error = np.sqrt(0.05 * 0.95 * (1 / stored["intervals"] + 1 / stored["draws"]))
    gap = stored["coverage"] - (1 - stored["rejection"])
    assert (gap.abs() <= 4 * error).all()
    assert abs(gap.mean()) <= 3 * np.sqrt(np.mean(error**2) / len(gap))


def test_they_are_hardly_longer_than_with_a_known_spread(stored):
    assert (stored["open"] == 0).all()
    assert stored["length"].max() < 1.25


def test_a_cell_made_again_gives_the_stored_figures(stored):
    row = stored[(stored["units"] == 60) & (stored["treated"] == 2)].iloc[0]
    again = study.run_cell({name: row[name] for name in study.KEYS}, study.DRAWS)
    for column in ("coverage", "varied", "open", "length"):
        assert again[column] == pytest.approx(row[column], rel=1e-4, abs=1e-6)


def test_the_search_for_ends_is_that_of_infer():
    from evaltoolkit.inference.invert import invert_test

    wide = np.array([0.7, 2.3, 11.0])
    estimate = np.array([1.0, -2.0, 0.0])
    high = study.find_ends(lambda effect: np.abs(effect - estimate) > wide, estimate, np.full(3, 0.5))
    for one, width, end in zip(estimate, wide, high, strict=True):

        def p_value(effect, one=one, width=width):
            return 0.01 if abs(effect - one) > width else 0.5

        assert end == pytest.approx(invert_test(p_value, one, 0.5, 0.95)[1], rel=0.02)
