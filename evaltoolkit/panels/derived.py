"""Measures that follow from answers to other indicators, as rows of the table of values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.references import signed_terms
from evaltoolkit.framework.values import ANSWERED, COLUMNS, value_table
from evaltoolkit.panels.selection import STATUS_ORDER

_WHO = ["unit_kind", "unit", "period"]
_RANK = {status: rank for rank, status in enumerate(STATUS_ORDER)}


def with_derived(values: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return the table of values with a row for each part of each derived indicator.

    A part has a value where every answer it follows from is there, else the worst of their statuses; with the source of
    the first of them. A sum that comes out below zero is left out: its answers contradict each other, and the rules of
    the form say so. Rows of derived indicators that stand in the table already are kept and not made again.
    """
    if not set(COLUMNS) <= set(values.columns):
        # whoever selects the rows tells what is missing
        return values
    wanted = [one for one in framework.indicators if one.derived and not (values["indicator"] == one.id).any()]
    made = [rows for one in wanted for rows in _rows_of(one, values)]
    return pd.concat([values, *made], ignore_index=True) if made else values


def _rows_of(indicator: Indicator, values: pd.DataFrame) -> list[pd.DataFrame]:
    made = []
    for part, formula in indicator.derived.items():
        terms = signed_terms(formula)
        tables = [_answers(values, *term.split(".")) for _, term in terms]
        if any(table.empty for table in tables):
            continue
        joined = pd.concat(tables, axis=1, keys=range(len(terms)), join="inner")
        total = sum(sign * joined[place]["value"] for place, (sign, _) in enumerate(terms))
        rank = pd.concat([joined[place]["rank"] for place in range(len(terms))], axis=1).max(axis=1)
        rows = pd.DataFrame(
            {
                "indicator": indicator.id,
                "part": part,
                "value": np.where(rank < len(ANSWERED), total, np.nan),
                "status": [STATUS_ORDER[int(one)] for one in rank],
                "source": joined[0]["source"],
                "wording": pd.concat([joined[place]["wording"] for place in range(len(terms))], axis=1).max(axis=1),
            },
            index=joined.index,
        ).reset_index()
        rows = rows[~(rows["value"] < 0)]
        if len(rows):
            made.append(value_table(rows.to_dict("records")))  # type: ignore[arg-type]
    return made


def _answers(values: pd.DataFrame, indicator: str, part: str) -> pd.DataFrame:
    """One row per respondent and period, the best status first where there are several."""
    rows = values[(values["indicator"] == indicator) & (values["part"] == part)]
    rows = rows.assign(rank=rows["status"].map(_RANK)).sort_values("rank", kind="stable")
    return rows.drop_duplicates(_WHO).set_index(_WHO)[["value", "rank", "source", "wording"]]
