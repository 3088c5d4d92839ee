"""The stored audit holds its gate: nothing unexplained, no rule that never explained anything, our side unchanged."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.audit.audit import ENGINES, audit_design
from evaltoolkit.audit.explanations import EXPLAINED, NOT_COMPARED

sys.path.insert(0, str(Path(__file__).parent))
import audit_study as study


@pytest.fixture(scope="module")
def stored():
    return pd.read_csv(study.STORED, keep_default_na=False, na_values={"ours": "", "theirs": "", "largest": ""})


def test_every_design_was_put_to_every_engine(stored):
    assert list(stored["design"].unique()) == list(study.DESIGNS)
    for design, rows in stored.groupby("design"):
        assert {one.name for one in ENGINES} <= set(rows["engine"]), design
    assert (stored["explanation"] == "not_installed").sum() == 0
    assert (stored.loc[stored["engine"] != "evaltoolkit", "version"] != "").all()


def test_nothing_is_unexplained_and_no_engine_failed(stored):
    assert set(stored["verdict"]) == {"agrees", "explained", "not comparable"}


def test_what_agrees_agrees_and_what_is_explained_does_not(stored):
    agrees, explained = (stored[stored["verdict"] == verdict] for verdict in ("agrees", "explained"))
    assert (agrees["largest"] <= 1e-6).all()
    assert (explained["largest"] > 1e-6).all()
    assert agrees["figures"].sum() > 5000


def test_every_rule_explained_something(stored):
    used = {code for codes in stored.loc[stored["verdict"] == "explained", "explanation"] for code in codes.split("+")}
    assert used == set(EXPLAINED)


def test_every_reason_not_to_compare_has_a_sentence(stored):
    reasons = set(stored.loc[stored["verdict"] == "not comparable", "explanation"])
    assert {code for code in reasons if not code.startswith("cannot_use:")} <= set(NOT_COMPARED)


@pytest.mark.parametrize("name", ["staggered", "gaps, everything, event study", "treatment that stops"])
def test_our_side_and_the_engine_that_is_always_there_are_as_stored(stored, name):
    build, methods = study.DESIGNS[name]
    always = [one for one in ENGINES if one.name == "linearmodels"]
    rows = audit_design(build(), methods, engines=always).rows.assign(design=name)
    keys = ["method", "quantity", "verdict", "explanation"]
    again = study.condense(rows).set_index(keys)
    kept = stored[(stored["design"] == name) & (stored["engine"] == "linearmodels")].set_index(keys)
    assert list(again.index) == list(kept.index)
    np.testing.assert_array_equal(again["figures"], kept["figures"])
    np.testing.assert_array_equal(again["label"], kept["label"])
    np.testing.assert_allclose(again["ours"], kept["ours"], rtol=1e-8)
    np.testing.assert_allclose(again["theirs"], kept["theirs"], rtol=1e-8)
