"""Two values for the same thing: keep the better one, or say that they contradict each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.findings import FaultsError, Finding, Where
from evaltoolkit.panels.selection import N_ANSWERED


def keep_best(rows: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Keep one row per key.

    An answer goes before a reason for having none, and a registered value before one reconstructed afterwards;
    where those two differ, a finding says so. Equal values count once.

    Parameters
    ----------
    rows : DataFrame
        Columns of ``keys`` and ``value, rank, source``; keys hold ``unit``, ``period`` and ``indicator``.
    keys : list of str

    Raises
    ------
    FaultsError
        Listing every pair of equally good values that differ, with both sources.
    """
    order = rows.sort_values([*keys, "rank", "source"], kind="stable")
    repeated = order[order.duplicated(keys, keep=False)]
    if repeated.empty:
        return order, ()
    answered = repeated[(repeated["rank"] < N_ANSWERED) & repeated["value"].notna()]
    first = answered.groupby(keys)[["rank", "value", "source"]].transform("first")
    differs = ~np.isclose(answered["value"], first["value"], rtol=1e-9, atol=0)
    worse = answered["rank"] > first["rank"]
    _refuse_contradictions(answered[differs & ~worse], first["source"], keys)
    overruled = answered[differs & worse].drop_duplicates(keys)
    return order.drop_duplicates(keys), tuple(_preferred(overruled))


def _refuse_contradictions(rows: pd.DataFrame, other: pd.Series[str], keys: list[str]) -> None:
    named = [key for key in keys if key != "unit_kind"]
    faults = [
        f"{' '.join(where)} has different values in {one} and {another}: correct or leave out one of them"
        for where, one, another in zip(
            rows[named].astype(str).to_numpy().tolist(), other[rows.index], rows["source"], strict=True
        )
    ]
    if faults:
        raise FaultsError(faults, "The table of values")


def _preferred(rows: pd.DataFrame) -> list[Finding]:
    places = rows[["unit", "period", "indicator"]].drop_duplicates().astype(str)
    return [
        Finding("panel.registered_preferred", "note", Where(unit=unit, period=period, indicator=indicator))
        for unit, period, indicator in zip(places["unit"], places["period"], places["indicator"], strict=True)
    ]
