"""The stored power studies hold their gates, and the code still makes the stored figures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import power_study as study

SITUATIONS = pd.read_csv(study.STORED)
PANELS = pd.read_csv(study.PANELS)


def error(power, draws):
    return np.sqrt(power * (1 - power) / draws)


def test_all_six_situations_are_stored_with_their_numbers():
    declared = [(name, effect) for name, _, effects, _ in study.situations() for effect in effects]
    assert list(zip(SITUATIONS["situation"], SITUATIONS["effect"], strict=True)) == declared
    assert SITUATIONS["situation"].nunique() == 6


def test_power_agrees_with_brute_force_within_three_monte_carlo_errors():
    for row in SITUATIONS.itertuples():
        both = np.hypot(error(row.power, study.DRAWS), error(row.brute_force, study.BRUTE))
        assert abs(row.power - row.brute_force) <= 3 * both, row


@pytest.mark.parametrize(("column", "draws"), [("power_at_mde", study.FRESH), ("brute_force_at_mde", study.BRUTE)])
def test_the_detectable_effect_is_found_in_four_of_five_fresh_studies(column, draws):
    # the effect itself comes from a finite number of studies
    both = np.hypot(error(0.8, draws), error(0.8, study.DRAWS))
    found = SITUATIONS.drop_duplicates("situation").dropna(subset=["mde"])
    assert len(found) >= 5
    assert (abs(found[column] - 0.8) <= 3 * both).all(), found[["situation", column]]


def test_the_detectable_effect_from_one_panel_is_right_on_average():
    assert PANELS["seed"].tolist() == list(study.PANEL_SEEDS)
    spread = PANELS["true_power"].std() / np.sqrt(len(PANELS))
    assert abs(PANELS["true_power"].mean() - 0.8) <= 3 * spread
    # a single panel is rough: the book says so
    assert PANELS["true_power"].quantile(0.1) > 0.65


def test_a_situation_and_a_panel_run_again_give_the_stored_figures():
    name, declared, effects, _ = list(study.situations())[-1]
    again = study.power_from_study(declared, effects, draws=study.DRAWS, seed=1)
    kept = SITUATIONS[SITUATIONS["situation"] == name].iloc[0]
    np.testing.assert_allclose([again.table["power"][0], again.mde], [kept["power"], kept["mde"]], rtol=1e-5)
    panel = study.run_panel(study.PANEL_SEEDS[0])
    np.testing.assert_allclose(panel["mde"], PANELS["mde"][0], rtol=1e-5)
