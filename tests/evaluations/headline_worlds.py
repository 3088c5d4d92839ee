"""Small plans on own tables, run as an officer runs them."""

import math

import numpy as np
import pandas as pd

from evaltoolkit.evaluations.run import run_plan

YEARS = range(2018, 2025)
PLAN = """title = "t"
question = "q"
unit = "unit"
{top}
[data]
panel = "own.csv"
treated_from = "first"
[treatment]
action = "a"
assignment = "{assignment}"
decided_by = "council"
why_then = "w"
spillover = "unlikely"
{treatment}
[[outcomes]]
indicator = "y"
name = "y"
role = "primary"
better = "up"
smallest_relevant = 0.5
{outcome}
[estimation]
seed = 3
{estimation}
[overrides]
y = "the council wants to know"
"""


def starts_of(treated, n, start=2022):
    return {f"u{i:03d}": start if i < treated else "never" for i in range(n)}


def own_table(starts, *, effect=1.0, gap=False, counts=False, seed=5):
    rng = np.random.default_rng(seed)
    rows = []
    for place, (unit, first) in enumerate(starts.items()):
        people = 1000 * (1 + place % 17)
        base = rng.normal()
        for year in YEARS:
            on = first != "never" and year >= first
            y = base + rng.normal(0, 0.4) + effect * on
            if counts:
                y = rng.poisson(people / 200 * math.exp(0.1 * base + 0.02 * (year - 2018) + effect * on))
            if gap and (place % 9, year) == (3, 2020):
                y = np.nan
            rows.append((unit, year, first, people, y))
    return pd.DataFrame(rows, columns=["unit", "period", "first", "people", "y"])


def evaluate(folder, table, *, assignment="voluntary", **parts):
    table.to_csv(folder / "own.csv", index=False)
    filled = {"top": "", "treatment": "", "outcome": "", "estimation": ""} | parts
    path = folder / "evaluation.toml"
    path.write_text(PLAN.format(assignment=assignment, **filled), encoding="utf-8")
    return run_plan(path)
