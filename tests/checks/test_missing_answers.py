from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.missing_answers import check_missing_answers, limits_of
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.framework.load import load_framework


def check(design, **context):
    return check_missing_answers(design, estimate(design), **context)


def without(design, rows, columns=slice(None)):
    outcome = design.outcome.copy()
    outcome[rows, columns] = np.nan
    return replace(design, outcome=outcome)


def test_reasons_are_counted_by_arm(world, panel_of):
    design = world()
    status = np.full(design.outcome.shape, "registered", dtype=object)
    places = {"DK": (0, 1), "RF": (70, 2), "NR": (71, 2), "SUP": (3, 4), "": (72, 3), "NAP": (5, 5)}
    outcome = design.outcome.copy()
    for word, place in places.items():
        status[place], outcome[place] = word, np.nan
    done = check(replace(design, outcome=outcome), panel=panel_of(design, status))
    rows = done.table.set_index("quantity")
    treated = rows["n_treated"].dropna().to_dict()
    assert treated == {"DK": 1, "RF": 0, "NR": 0, "SUP": 1, "no_answer": 0}
    assert rows["n_comparison"].dropna().to_dict() == {"DK": 0, "RF": 1, "NR": 1, "SUP": 0, "no_answer": 1}
    # what does not exist is no silence
    assert {name: done.facts[name] for name in ("dk", "rf", "nr", "sup", "no_answer")} == dict.fromkeys(
        ("dk", "rf", "nr", "sup", "no_answer"), 1
    )
    assert (done.verdict, done.code) == (True, "check.missing_answers.kept")


def test_nothing_missing_and_only_what_does_not_exist(world, panel_of):
    assert check(world()).code == "check.missing_answers.none"
    design = without(world(), slice(0, 9), 2)
    status = np.where(np.isnan(design.outcome), "NAP", "registered").astype(object)
    assert check(design, panel=panel_of(design, status)).code == "check.missing_answers.none"


def test_an_effect_within_its_error_has_no_sign_to_lose(world):
    done = check(without(world(effect=0.0), slice(0, 20), 4))
    assert (done.verdict, done.code) == (None, "check.missing_answers.small")
    # nothing ever happens: an estimate of exactly zero
    flat = without(world(outcome=np.ones((160, 6))), slice(0, 20), 4)
    assert check(flat).code == "check.missing_answers.small"
    assert check(flat).verdict is None
    event = estimate(world()).aggregate("event")
    assert check_missing_answers(without(world(), 0, 1), event).code == "check.missing_answers.not_possible"


def test_units_that_never_answered_count(world):
    silent = pd.DataFrame({"unit": [f"s{i}" for i in range(60)], "reason": "excluded.no_outcome", "cohort": np.inf})
    few, many = (check(world(effect=1.0, excluded=silent.head(n))) for n in (2, 60))
    spread = [done.facts["most"] - done.facts["least"] for done in (few, many)]
    assert spread[0] < 20 < 60 < spread[1]
    assert few.facts["no_answer"] == 12
    assert many.facts["no_answer"] == 360


def yes_or_no(world, silent, seed=1):
    """An own measure of yes and no: nobody had it, then nearly all of the treated do."""
    rng = np.random.default_rng(seed)
    base = world(seed=seed)
    share = np.where(base.times >= base.cohort[:, None], 0.95, 0.05)
    outcome = (rng.random(share.shape) < share).astype(float)
    return without(replace(base, outcome=outcome), silent, 4)


def test_where_values_have_limits_the_worst_is_known(world):
    done = check(yes_or_no(world, np.arange(0, 160, 40)))
    assert (done.verdict, done.code) == (True, "check.missing_answers.kept_whatever")
    rows = done.table.set_index("quantity")
    assert rows.loc["worst_case", "low"] < rows.loc["trimming", "low"] <= rows.loc["trimming", "high"]
    # three in four silent in every period: anything could be behind it
    anything = check(without(yes_or_no(world, slice(0, 0)), np.arange(160) % 4 > 0, slice(3, None)))
    assert anything.code == "check.missing_answers.kept"
    assert anything.table.set_index("quantity").loc["worst_case", "low"] < 0


def test_limits_come_from_the_indicator(world):
    framework = load_framework("livc-r")
    share = world(outcome=np.full((160, 6), 0.4))
    assert limits_of(share, framework.by_id["COMP-02"]) == (0.0, 1.0)
    assert limits_of(share, framework.by_id["TRU-01"]) == (0.0, 1.0)
    assert limits_of(share, framework.by_id["COMP-09"]) is None
    assert limits_of(share, None) is None
    # values outside: then those are not the limits
    assert limits_of(world(outcome=np.full((160, 6), 40.0)), framework.by_id["TRU-01"]) is None
    assert limits_of(share, SimpleNamespace(value="ratio", scale="per_10000")) is None


def test_where_the_worst_stay_silent_the_sign_may_be_lost():
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("silent_worlds", Path(__file__).with_name("conftest.py"))
    worlds = module_from_spec(spec)
    spec.loader.exec_module(worlds)
    found = [check(worlds.silenced(seed, broken=True)) for seed in range(20)]
    lost = [done for done in found if done.code == "check.missing_answers.lost"]
    assert len(lost) >= 14
    assert all(done.facts["least"] < 0 < 100 < done.facts["most"] for done in lost)


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_covariates_and_later_comparison_units(world, comparison):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(160, 1))
    design = without(world(covariates=x, covariate_names=("x",), comparison=comparison), slice(90, 110), 3)
    done = check(design)
    assert done.verdict is True
    assert done.facts["least"] < 100 < done.facts["most"]
