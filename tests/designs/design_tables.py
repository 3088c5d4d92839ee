"""A table with one row per unit and period, for the tests of designs from tables."""

import numpy as np
import pandas as pd


def make_table(n=60, years=range(2018, 2024), seed=0):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(1001, 1001 + n), len(years))
    year = np.tile(list(years), n)
    first = np.repeat(np.resize([0, 2020, 2022], n), len(years))
    on = (first > 0) & (year >= first)
    return pd.DataFrame(
        {
            "unit": unit,
            "year": year,
            "first": first,
            "on": on.astype(int),
            "y": rng.normal(size=len(unit)) + on,
            "x": np.repeat(rng.normal(size=n), len(years)),
            "moving": rng.normal(size=len(unit)),
            "people": np.repeat(rng.integers(500, 9000, n), len(years)),
            "zone": np.repeat([f"z{i // 3}" for i in range(n)], len(years)),
        }
    )


NAMES = {"unit": "unit", "period": "year"}
FIRST = NAMES | {"treated_from": "first", "never": 0}
