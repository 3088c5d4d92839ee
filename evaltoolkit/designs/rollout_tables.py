"""What a draw is read as: the roster it makes, and how alike its arms are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.designs.allocation import Array, Ints, arm_differences
from evaltoolkit.designs.rollout_rules import Rules, first_day
from evaltoolkit.designs.rollout_units import RolloutUnits
from evaltoolkit.designs.roster import COLUMNS


def roster_of(units: RolloutUnits, rules: Rules, arms: Ints) -> pd.DataFrame:
    """Return the draw as a roster, typed as :func:`evaltoolkit.designs.roster.read_roster` types it."""
    starts = [first_day(rules.labels[arm]) for arm in arms[units.item]]
    roster = pd.DataFrame(
        {
            "unit": list(units.units),
            "action": rules.action,
            "start": pd.Series([pd.Timestamp(day) if day else pd.NaT for day in starts], dtype="datetime64[s]"),
            "end": pd.Series(pd.NaT, index=range(len(starts)), dtype="datetime64[s]"),
            "hours": np.nan,
            "source": "rollout.json",
            "decided_by": "lot",
            "why": "lot",
            "state": ["treated" if day else "never" for day in starts],
        }
    )
    return roster[list(COLUMNS)]


def balance_of(units: RolloutUnits, rules: Rules, arms: Ints, tried: Ints) -> pd.DataFrame:
    """Return means by start and standardised differences, of this draw and of the candidates ``tried``."""
    values, names = _with_strata(units)
    n_arms = len(rules.labels)
    # a column at a time: candidates x arms x columns need not stand in memory together
    before = [np.sqrt((arm_differences(column[:, None], tried, n_arms) ** 2).mean(axis=0))[:, 0] for column in values.T]
    after = arm_differences(values, arms[None], n_arms)[0]
    rows = [
        {
            "variable": name,
            "start": label,
            "n": int((arms == arm).sum()),
            "mean": float(values[arms == arm, place].mean()),
            "before": float(before[place][arm]),
            "after": float(after[arm, place]),
        }
        for place, name in enumerate(names)
        for arm, label in enumerate(rules.labels)
    ]
    return pd.DataFrame(rows, columns=["variable", "start", "n", "mean", "before", "after"])


def _with_strata(units: RolloutUnits) -> tuple[Array, list[str]]:
    """Return what is balanced and the share of each stratum, where there are several."""
    labels = dict(zip(units.stratum[units.item].tolist(), units.strata, strict=True))
    codes = sorted(labels) if len(labels) > 1 else []
    shares = [(units.stratum == code).astype(float) for code in codes]
    return np.column_stack([units.values, *shares]), [*units.names, *(f"stratum={labels[code]}" for code in codes)]
