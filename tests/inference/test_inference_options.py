"""What is said besides the design is checked before anything is drawn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tables import make_design

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.choose import STRATA_UNUSED, infer
from evaltoolkit.inference.question import OTHER_DESIGN

UNITS = 28


@pytest.fixture(scope="module")
def design():
    return make_design(np.random.default_rng(5), treated=(3,), never=UNITS - 3)


def ask(design, **options):
    return infer(design, estimate(design).aggregate("overall"), **({"draws": 99} | options))


FAULTS = {
    "too few sizes": ({"sizes": np.ones(5)}, "sizes holds 5 numbers, and the design has 28 units"),
    "too few strata": ({"by_lot": True, "strata": np.zeros(5, dtype=int)}, "strata holds 5 labels"),
    "too few columns": ({"assignments": np.zeros((50, 5), dtype=int)}, "assignments holds 50 x 5 numbers"),
    "no draws": ({"assignments": np.zeros((0, UNITS), dtype=int)}, "assignments holds 0 x 28"),
    "unknown places": ({"assignments": np.full((50, UNITS), 7)}, "holds 7, which is no cohort.*0 = 2021, 1 = never"),
    "starts for places": ({"assignments": np.full((50, UNITS), 2021.0)}, "holds 2021.0, which is no cohort"),
    "a percentage": ({"level": 95}, "between 0 and 1"),
    "no level": ({"level": 1.0}, "between 0 and 1"),
    "a level in words": ({"level": "0.95"}, "a number such as 0.95; got '0.95'"),
    "half a draw": ({"draws": 99.5}, "draws is a whole number such as 999; got 99.5"),
    "no seed": ({"seed": None}, "seed is a whole number such as 999; got None"),
    "a negative seed": ({"seed": -1}, "seed is a whole number"),
    "sizes in words": ({"sizes": ["many"] * UNITS}, "no number"),
    "a size that is missing": ({"sizes": np.r_[np.nan, np.ones(UNITS - 1)]}, "above zero and finite; they are not for"),
    "sizes below zero": ({"sizes": -np.ones(UNITS)}, "and 23 more"),
    "a size without end": ({"sizes": np.r_[np.inf, np.ones(UNITS - 1)]}, "above zero and finite"),
    "sizes of others": ({"sizes": {"elsewhere": 1.0}}, "sizes is labelled and holds nothing for"),
    "a stratum that is missing": ({"by_lot": True, "strata": [None, *"abc" * 9]}, "strata has no label for some"),
    "too few draws": ({"draws": 18}, "at least 19"),
    "too few for a high level": ({"draws": 98, "level": 0.99}, "at least 99"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told(design, name):
    options, message = FAULTS[name]
    with pytest.raises(EvaltoolkitError, match=message):
        ask(design, **options)


def test_as_many_draws_as_a_level_needs_are_enough(design):
    assert np.isfinite(ask(design, draws=19).p_value)
    assert np.isfinite(ask(design, draws=99, level=0.99).p_value)
    # drawn by the user: their number counts, not the one asked for
    assert np.isfinite(ask(design, draws=5, assignments=np.tile(np.arange(UNITS) < 25, (99, 1)).astype(int)).p_value)


def test_strata_may_be_names(design):
    codes = np.arange(UNITS) % 2
    names = np.array(["inland", "coast"])[1 - codes]
    assert ask(design, by_lot=True, strata=names) == ask(design, by_lot=True, strata=codes)


def test_strata_without_a_lot_are_told_to_be_unused(design):
    strata = np.arange(UNITS) % 2
    assert STRATA_UNUSED in ask(design, strata=strata).why
    assert STRATA_UNUSED not in ask(design, strata=strata, by_lot=True).why
    assert ask(design, strata=strata).p_value == ask(design).p_value


def test_strata_follow_the_units_that_are_left(design):
    x = np.random.default_rng(2).normal(size=UNITS)
    outcome = design.outcome.copy()
    outcome[[0, 4, 9], 2] = np.nan
    gappy = replace(design, outcome=outcome, covariates=x[:, None], covariate_names=("x",))
    overall = estimate(gappy, adjust="ipw").aggregate("overall")
    # three units are left out; each was alone in its stratum, so that the others' lot is the same without strata
    strata = np.zeros(UNITS, dtype=int)
    strata[[0, 4, 9]] = [1, 2, 3]
    found = infer(gappy, overall, strata=strata, by_lot=False, method="studentised", draws=99)
    plain = infer(gappy, overall, method="studentised", draws=99)
    assert found.method == "studentised"
    assert found.p_value == plain.p_value


def test_labelled_sizes_and_strata_are_put_in_order(design):
    rng = np.random.default_rng(3)
    sizes = pd.Series(rng.lognormal(size=UNITS), index=design.units)
    plain = ask(design, sizes=sizes.to_numpy())
    mixed = sizes.sample(frac=1.0, random_state=1)
    assert ask(design, sizes=mixed) == plain
    assert ask(design, sizes=mixed.to_dict()) == plain
    assert ask(design, sizes=pd.Series(sizes.to_numpy())) == plain
    strata = pd.Series(np.arange(UNITS) % 3, index=np.unique(design.clusters))
    drawn = ask(design, by_lot=True, strata=strata.to_numpy())
    assert ask(design, by_lot=True, strata=strata.sample(frac=1.0, random_state=1)).p_value == drawn.p_value


def test_what_is_no_estimate_of_the_design_is_told(design):
    overall = estimate(design).aggregate("overall")
    for wrong in ((design, 3.0), (overall, design)):
        with pytest.raises(EvaltoolkitError, match="takes a design and an estimate of it"):
            infer(*wrong)
    fewer = make_design(np.random.default_rng(5), treated=(3,), never=10)
    with pytest.raises(EvaltoolkitError, match="not of this design, which does not hold"):
        infer(fewer, overall)
    found = infer(replace(design, outcome=2 * design.outcome), overall, draws=99)
    assert found.reason == OTHER_DESIGN
    assert np.isnan(found.p_value)
