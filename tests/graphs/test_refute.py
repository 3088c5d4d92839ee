import logging
import warnings

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.graphs import refute


def changes(effect=1.0, n=200, seed=0, share=0.3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    treated = (rng.random(n) < share).astype(int)
    change = effect * treated + 0.8 * x + rng.normal(size=n)
    return pd.DataFrame({"unit": [f"u{i}" for i in range(n)], "treated": treated, "change": change, "x": x})


@pytest.fixture(scope="module")
def refuted():
    frame = changes()
    return frame, refute.refute_effect(frame, covariates=["x"], simulations=30, seed=3).set_index("refuter")


def test_every_refuter_ran_and_the_estimate_is_a_regression(refuted):
    frame, table = refuted
    assert tuple(table.index) == refute.REFUTERS
    assert (table["simulations"] == 30).all()
    # independent: predict the untreated change from x among comparison units
    rest = frame[frame["treated"] == 0]
    slope, start = np.polyfit(rest["x"], rest["change"], 1)
    some = frame[frame["treated"] == 1]
    expected = (some["change"] - start - slope * some["x"]).mean()
    assert table["estimate"].to_numpy() == pytest.approx(np.full(6, expected), abs=1e-10)


def test_what_each_refuter_must_show_when_there_is_an_effect(refuted):
    _, table = refuted
    estimate = table["estimate"].iloc[0]
    assert abs(table.loc["placebo_treatment", "refuted"]) < 0.25 * estimate
    assert abs(table.loc["dummy_outcome", "refuted"]) < 0.25 * estimate
    assert table.loc["random_common_cause", "refuted"] == pytest.approx(estimate, rel=0.05)
    assert table.loc["data_subset", "refuted"] == pytest.approx(estimate, rel=0.1)
    assert table.loc["bootstrap", "refuted"] == pytest.approx(estimate, rel=0.15)
    # labels turned round weaken the estimate
    assert abs(table.loc["add_unobserved_common_cause", "refuted"]) < estimate
    assert table.loc["placebo_treatment", "share_as_large"] == 0
    assert table.loc["data_subset", "sd"] > 0


def test_the_placebo_spread_is_that_of_a_permutation():
    frame = changes(effect=0.0)
    spread = refute.refute_effect(frame, simulations=80, seed=1).set_index("refuter").loc["placebo_treatment", "sd"]
    rng = np.random.default_rng(5)
    change, treated = frame["change"].to_numpy(), frame["treated"].to_numpy() == 1
    draws = []
    for _ in range(2000):
        labels = rng.permutation(treated)
        draws.append(change[labels].mean() - change[~labels].mean())
    assert spread == pytest.approx(np.std(draws), rel=0.2)


def test_the_same_seed_gives_the_same_table_and_leaves_the_world_alone(refuted):
    frame, table = refuted
    before, state = frame.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    level = logging.getLogger("dowhy").level
    again = refute.refute_effect(frame, covariates=["x"], simulations=30, seed=3).set_index("refuter")
    pd.testing.assert_frame_equal(again, table)
    pd.testing.assert_frame_equal(frame, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert logging.getLogger("dowhy").level == level
    other = refute.refute_effect(frame, covariates=["x"], simulations=30, seed=4).set_index("refuter")
    assert other.loc["bootstrap", "refuted"] != table.loc["bootstrap", "refuted"]


def test_it_is_silent(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refute.refute_effect(changes(n=60), simulations=5)
    assert capfd.readouterr() == ("", "")


def test_weights_count():
    frame = changes(n=80)
    heavy = frame.assign(weight=np.where(frame.index == frame.index[frame["treated"] == 1][0], 1000.0, 1.0))
    plain = refute.refute_effect(frame, simulations=5)["estimate"].iloc[0]
    assert refute.refute_effect(heavy, simulations=5)["estimate"].iloc[0] != pytest.approx(plain)


def test_several_rows_per_unit_are_refused():
    frame = changes(n=50)
    long = pd.concat([frame, frame.assign(change=frame["change"] + 0.1)])
    with pytest.raises(RefusedError, match=r"50 rows more than units.*one row per unit"):
        refute.refute_effect(long)


def test_tiny_arms_and_unknown_columns():
    frame = changes(n=50)
    with pytest.raises(RefusedError, match="Fewer than five units"):
        refute.refute_effect(frame.assign(treated=[1] * 3 + [0] * 47))
    with pytest.raises(EvaltoolkitError, match='Did you mean "change"'):
        refute.refute_effect(frame, outcome="chnge")
