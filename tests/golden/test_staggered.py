"""R `staggered`: the efficient estimator, and its two simple ones, which are group-time effects."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.efficient_errors import sharper_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.contrasts import contrast_table, effects_of

FOLDER = Path(__file__).parent / "r"
ENTRIES = {
    entry["id"]: entry
    for entry in json.loads((FOLDER / "expected_staggered.json").read_text(encoding="utf-8"))["entries"]
}
COMPARISON = {"cs": "not_yet_treated", "sa": "never_treated"}
TO = {"simple": "overall", "cohort": "cohort", "calendar": "calendar", "eventstudy": "event"}
SIMPLE = [name for name in ENTRIES if name.split("_")[1] in COMPARISON]
EFFICIENT = [name for name in ENTRIES if name not in SIMPLE]


def read_design(comparison):
    table = pd.read_csv(FOLDER / "A1_staggered_balanced.csv")
    return design_from_table(table, "y", unit="unit", period="year", treated_from="g", never=0, comparison=comparison)


def rows_of(rows, name):
    """The result and the rows in it that an entry has."""
    if name.endswith("eventstudy"):
        return rows, np.flatnonzero(np.isin(rows.labels["event_time"], ENTRIES[name]["result"]["eventTime"]))
    return rows.overall or rows, np.array([0])


def expected_of(name):
    return {key: np.atleast_1d(value) for key, value in ENTRIES[name]["result"].items()}


@pytest.mark.parametrize("name", SIMPLE)
def test_points_and_neyman_errors(name):
    _, kind, _, estimand = name.split("_")
    design = read_design(COMPARISON[kind])
    rows, chosen = rows_of(aggregate_effects(estimate(design), TO[estimand], shares="fixed"), name)
    expected = expected_of(name)
    np.testing.assert_allclose(rows.estimate[chosen], expected["estimate"], rtol=1e-10)
    for place, row in enumerate(chosen):
        one = _single(rows, row)
        sums = contrast_table(design, one)
        _, error = effects_of(sums.sums, sums.sizes, sums.group, len(sums.cohorts))
        assert error[0] == pytest.approx(expected["se_neyman"][place], rel=1e-10)


def _single(rows, row):
    from dataclasses import replace

    return replace(
        rows,
        labels=rows.labels.iloc[[row]],
        estimate=rows.estimate[[row]],
        influence=rows.influence[:, [row]],
        reasons=(rows.reasons[row],),
    )


@pytest.mark.parametrize("name", EFFICIENT)
def test_the_efficient_estimator(name):
    """Points, the conservative error and the sharper one, each with the slope of its own aggregate."""
    result = estimate(read_design("not_yet_treated"), "efficient").aggregate(TO[name.split("_")[2]])
    rows, chosen = rows_of(result, name)
    expected = expected_of(name)
    np.testing.assert_allclose(rows.estimate[chosen], expected["estimate"], rtol=1e-10)
    np.testing.assert_allclose(std_errors(rows)[chosen], expected["se_neyman"], rtol=1e-10)
    np.testing.assert_allclose(sharper_errors(rows)[chosen], expected["se"], rtol=1e-10)


def test_four_entries_are_of_the_efficient_estimator():
    assert len(EFFICIENT) == 4
    assert len(SIMPLE) == 8
