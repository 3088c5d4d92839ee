"""From answers to values: parts make a record, records of merging or sharing municipalities make a value.

Counts add up; ratios are rebuilt from the sums of their parts; means are weighted by their own number of
respondents; anything else is kept only where all agree. Where a part or a predecessor has no value, the whole
has none: a partial sum is never given.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.panels.selection import N_ANSWERED, main_parts

RECORD = ["unit_kind", "unit", "period", "vintage", "indicator"]
GROUP = ["target", "period", "indicator", "unit_kind", "vintage"]
AMOUNTS = ["x", "numerator", "n", "design_effect"]


def make_records(rows: pd.DataFrame, indicators: Iterable[Indicator]) -> pd.DataFrame:
    """Return one record per source unit, period and indicator.

    Parameters
    ----------
    rows : DataFrame
        One row per part, with ``role``, ``required``, ``rank`` and the columns of ``RECORD``.

    Returns
    -------
    DataFrame
        Index ``record`` (the number also written into ``rows["record"]``, see :func:`number_records`); columns of
        ``RECORD``, ``x, numerator, n, design_effect`` (NaN where not answered), ``complete``, ``rank`` (worst of the
        required parts), ``wording`` and ``wording_min``.
    """
    expected = {i.id: len(main_parts(i)) for i in indicators}
    records = rows.drop_duplicates("record").set_index("record")[RECORD].sort_index()
    needed = records["indicator"].map(expected)
    required = rows[rows["required"]].groupby("record")
    answered = required["value"].count().reindex(records.index, fill_value=0)
    records["complete"] = answered == needed
    for role in AMOUNTS:
        answers = rows[rows["role"] == role].groupby("record")["value"]
        records[role] = answers.sum(min_count=1).reindex(records.index)
    summed = rows[rows["role"] == "summand"].groupby("record")["value"].sum().reindex(records.index)
    records["x"] = records["x"].fillna(summed.where(records["complete"]))
    records["rank"] = required["rank"].max().reindex(records.index, fill_value=N_ANSWERED)
    records["wording"] = rows.groupby("record")["wording"].max()
    records["wording_min"] = rows.groupby("record")["wording"].min()
    return records


def number_records(rows: pd.DataFrame) -> pd.Series[int]:
    """Return the number of the record each row belongs to."""
    return rows.groupby(RECORD, sort=True).ngroup()


def combine_records(records: pd.DataFrame, indicators: Iterable[Indicator]) -> pd.DataFrame:
    """Return one value per target unit, period, indicator, kind of source and vintage.

    Parameters
    ----------
    records : DataFrame
        From :func:`make_records`, with ``target, pieces, all_pieces, needed`` from the placement.

    Returns
    -------
    DataFrame
        Columns of ``GROUP``, ``value, numerator, n, design_effect, rank, wording, wording_min, answered`` (number of
        sources with a value), ``needed``, ``covered`` (all pieces have a value), ``reason`` (message id where a
        value is missing although something was answered) and ``group`` (number, as in ``records["group"]``).
    """
    kinds = {i.id: ("ratio" if i.value == "ratio" and i.conversion != "agree" else i.conversion) for i in indicators}
    ratios = {i.id for i in indicators if i.value == "ratio"}
    table = _sums(records)
    kind = table["indicator"].map(kinds)
    is_ratio = table["indicator"].isin(ratios)
    ratio = table["numerator"] / table["n"].where(table["n"] != 0)
    mean = np.where(table["answered"] == 1, table["x"], table["weighted"] / table["n"].where(table["n"] != 0))
    # summed amounts stand for the first one wherever all sources agree or there is one only
    same = table["lowest"] == table["highest"]
    single = np.where(same, table["lowest"], np.nan)
    agreed = pd.Series(np.where(is_ratio & (table["answered"] == 1), ratio, single), index=table.index)
    value = np.select([kind == "count", kind == "ratio", kind == "mean"], [table["x"], ratio, mean], agreed)
    table["value"] = np.where(table["covered"], value, np.nan)
    table["reason"] = _reasons(table, kind.to_numpy(), is_ratio.to_numpy())
    return table


def _sums(records: pd.DataFrame) -> pd.DataFrame:
    """Add up the answered records of each group."""
    full = records[["pieces", *AMOUNTS]].where(records["complete"])
    full["group"] = records["group"]
    full["weighted"] = full["x"] * full["n"]
    full["weighted_effect"] = full["design_effect"] * full["n"]
    own = _own_value(records)
    grouped = full.groupby("group")
    table = records.drop_duplicates("group").set_index("group")[[*GROUP, "all_pieces", "needed"]].sort_index()
    table["answered"] = records.groupby("group")["complete"].sum()
    # min_count: a sum in which one term is missing is missing
    for column in ("x", "numerator", "n", "weighted", "weighted_effect"):
        table[column] = grouped[column].sum().where(grouped[column].count() == table["answered"])
    # the design effect of a pooled sample: that of its parts, weighted by respondents
    table["design_effect"] = np.where(
        table["answered"] == 1, grouped["design_effect"].max(), table["weighted_effect"] / table["n"]
    )
    table["covered"] = (grouped["pieces"].sum() >= table["all_pieces"]) & (table["answered"] > 0)
    table["lowest"], table["highest"] = own.groupby(records["group"]).min(), own.groupby(records["group"]).max()
    table["rank"] = records.groupby("group")["rank"].max()
    table["wording"] = records.groupby("group")["wording"].max()
    table["wording_min"] = records.groupby("group")["wording_min"].min()
    return table.reset_index()


def _own_value(records: pd.DataFrame) -> pd.Series[float]:
    """Return each answered record's own value."""
    ratio = records["numerator"] / records["n"].where(records["n"] != 0)
    return records["x"].fillna(ratio).where(records["complete"])


def _reasons(table: pd.DataFrame, kind: object, is_ratio: object) -> pd.Series[str]:
    missing = table["value"].isna() & (table["answered"] > 0)
    reason = np.select(
        [
            ~missing,
            ~table["covered"],
            np.asarray(is_ratio) & (table["n"] == 0),
            np.asarray(kind) == "mean",
        ],
        ["", "panel.part_missing", "panel.zero_denominator", "panel.weight_missing"],
        "panel.parts_disagree",
    )
    return pd.Series(reason, index=table.index, dtype="str")
