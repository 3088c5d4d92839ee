"""The stored table of simulated evaluations holds its gates, and is made again from its seeds in part.

Gates, set before the run: of the claims graded moderate or high at most 2.5 % have the wrong sign (a claim where the
truth is zero counts as wrong) where trends are parallel or drawn by lot; an effect of one and a half times the smallest
detectable one is said to be an improvement, low certainty or better, in at least 70 % of every setting.
"""

import pandas as pd
import pytest
from verdict_study import DRAWS, EFFECTS, STORED, list_cells, make_setting, run_cell

CELL = ["world", "n_treated", "n_never", "effect"]


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(STORED)


def test_every_cell_is_there_once_and_five_thousand_evaluations(stored):
    found = [tuple(row) for row in stored[CELL].itertuples(index=False)]
    assert sorted(found) == sorted(tuple(cell.values()) for cell in list_cells())
    assert (stored["draws"] == stored["n_treated"].map(DRAWS)).all()
    assert stored["draws"].sum() >= 5000


def test_claims_that_may_be_believed_have_the_right_sign(stored):
    sound = stored[stored["world"] != "drifting"]
    claims = sound["moderate_claims"].sum() + sound["high_claims"].sum()
    wrong = sound["moderate_wrong"].sum() + sound["high_wrong"].sum()
    assert claims > 1000
    assert wrong / claims <= 0.025


def test_an_effect_that_can_be_seen_is_said_to_be_an_improvement(stored):
    seen = stored[(stored["effect"] == max(EFFECTS)) & (stored["world"] != "drifting")]
    share = (seen["low_improved"] + seen["moderate_improved"] + seen["high_improved"]) / seen["draws"]
    assert (share >= 0.70).all()


def test_only_a_lot_earns_a_high_certainty(stored):
    by_world = stored.groupby("world")["high"].sum()
    assert by_world["lot"] > 0
    assert by_world["voluntary"] == by_world["drifting"] == 0


@pytest.mark.parametrize(("world", "n_treated", "effect"), [("lot", 12, 0.5), ("drifting", 25, 1.0)])
def test_a_cell_is_made_again_to_the_last_evaluation(stored, world, n_treated, effect):
    cell = next(
        one for one in list_cells() if (one["world"], one["n_treated"], one["effect"]) == (world, n_treated, effect)
    )
    setting = make_setting(cell["world"], cell["n_treated"], cell["n_never"])
    again = run_cell(cell, DRAWS[n_treated], setting)
    row = stored.loc[(stored[CELL] == pd.Series(cell)).all(axis=1)].iloc[0].to_dict()
    assert again.pop("mde") == pytest.approx(row.pop("mde"), rel=1e-5)
    assert again == row
