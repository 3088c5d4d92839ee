"""R `staggered`: its two simple estimators are group-time effects; its Neyman variance is that of cohort means."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.contrasts import contrast_table, effects_of

FOLDER = Path(__file__).parent / "r"
ENTRIES = {
    entry["id"]: entry
    for entry in json.loads((FOLDER / "expected_staggered.json").read_text(encoding="utf-8"))["entries"]
}
COMPARISON = {"cs": "not_yet_treated", "sa": "never_treated"}
TO = {"simple": "overall", "cohort": "cohort", "calendar": "calendar", "eventstudy": "event"}
OURS = [name for name in ENTRIES if name.split("_")[1] in COMPARISON]


@pytest.mark.parametrize("name", OURS)
def test_points_and_neyman_errors(name):
    _, kind, _, estimand = name.split("_")
    table = pd.read_csv(FOLDER / "A1_staggered_balanced.csv")
    design = design_from_table(
        table, "y", unit="unit", period="year", treated_from="g", never=0, comparison=COMPARISON[kind]
    )
    effects = estimate(design)
    rows = aggregate_effects(effects, TO[estimand], shares="fixed")
    if estimand == "eventstudy":
        chosen = np.flatnonzero(np.isin(rows.labels["event_time"], ENTRIES[name]["result"]["eventTime"]))
    else:
        rows, chosen = rows.overall or rows, np.array([0])
    expected = {key: np.atleast_1d(value) for key, value in ENTRIES[name]["result"].items()}
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


def test_the_efficient_estimator_is_another_one():
    """`staggered` itself adjusts for earlier outcomes under random timing: not offered, and not equal to ours."""
    others = set(ENTRIES) - set(OURS)
    assert len(others) == 4
    for name in others:
        twin = ENTRIES[name.replace("staggered_1", "staggered_cs_1")]["result"]["estimate"]
        assert not np.allclose(ENTRIES[name]["result"]["estimate"], twin, rtol=1e-3)
