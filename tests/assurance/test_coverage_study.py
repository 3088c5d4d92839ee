"""The stored coverage study holds its gate, and the code still makes the stored figures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import coverage_study as coverage

NOMINAL = 0.95


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(coverage.STORED)


@pytest.mark.parametrize("outcome", coverage.OUTCOMES)
def test_coverage_is_within_three_monte_carlo_errors(stored, outcome):
    rows = stored[stored["outcome"] == outcome]
    assert rows["seed"].tolist() == list(coverage.SEEDS)
    error = np.sqrt(NOMINAL * (1 - NOMINAL) / len(rows))
    assert abs(rows["covered"].mean() - NOMINAL) <= 3 * error


@pytest.mark.parametrize("outcome", coverage.OUTCOMES)
def test_the_mean_error_is_within_three_monte_carlo_errors(stored, outcome):
    rows = stored[stored["outcome"] == outcome]
    wrong = rows["estimate"] - rows["truth"]
    assert abs(wrong.mean()) <= 3 * wrong.std() / np.sqrt(len(rows))


def test_a_seed_run_again_gives_the_stored_figures(stored):
    seed = coverage.SEEDS[0]
    again = pd.DataFrame(coverage.run_seed(seed)).set_index("outcome")
    kept = stored[stored["seed"] == seed].set_index("outcome")
    for column in ("estimate", "std_error", "truth"):
        np.testing.assert_allclose(again[column], kept.loc[again.index, column], rtol=1e-8)
