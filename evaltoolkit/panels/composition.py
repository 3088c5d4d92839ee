"""Whether a cell is the same unit throughout, and what the table of units says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaltoolkit.findings import Fact, Finding, Where
from evaltoolkit.panels.placement import Placement, merged_pieces
from evaltoolkit.territory.mergers import base_codes
from evaltoolkit.territory.municipalities import municipality_name

Territory = Mapping[str, frozenset[str]]


def territories(placement: Placement) -> dict[str, Territory]:
    """Return the pieces of every cell on the last day of each period, by period and cell."""
    return {period: _pieces_by_cell(table) for period, table in placement.cells.items()}


def _pieces_by_cell(table: pd.DataFrame) -> Territory:
    pieces: dict[str, set[str]] = {}
    for piece, cell in zip(table["piece"].astype(str), table["unit"].astype(str), strict=True):
        pieces.setdefault(cell, set()).add(piece)
    return {cell: frozenset(held) for cell, held in pieces.items()}


def reference_territory(by_period: Mapping[str, Territory]) -> Territory:
    """Return each cell's last known territory."""
    reference: dict[str, frozenset[str]] = {}
    for cells in by_period.values():
        reference.update(cells)
    return reference


def drop_changed(table: pd.DataFrame, by_period: Mapping[str, Territory]) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Leave out values of periods in which a cell's territory was not its last one.

    Parameters
    ----------
    table : DataFrame
        Columns ``unit, period`` and more; units are cells.
    by_period : mapping
        From :func:`territories`; without any, nothing is left out.
    """
    if not by_period:
        return table, ()
    reference = reference_territory(by_period)
    places = table[["unit", "period"]].drop_duplicates()
    reasons = [_reason(by_period[p].get(u), reference.get(u)) for u, p in places.itertuples(index=False)]
    places = places.assign(change=pd.Series(reasons, index=places.index, dtype="str"))
    kept = table.merge(places, on=["unit", "period"])
    findings = []
    for (unit, change), labels in places[places["change"] != ""].groupby(["unit", "change"])["period"]:
        facts: dict[str, Fact] = {"count": len(labels), "periods": ", ".join(sorted(labels))}
        findings.append(Finding(str(change), "question", Where(unit=str(unit)), facts))
    return kept[kept["change"] == ""].drop(columns="change"), tuple(findings)


def _reason(then: frozenset[str] | None, last: frozenset[str] | None) -> str:
    if last is None:
        # the membership never mentions this cell: nothing is known against it
        return ""
    if then is None:
        return "panel.outside_membership"
    return "" if then == last else "panel.composition_changed"


def unit_table(units: Sequence[str], placement: Placement, by_period: Mapping[str, Territory]) -> pd.DataFrame:
    """Return ``name, members, n_members, merged`` by unit."""
    if placement.vintage is None:
        nothing = {"name": list(units), "members": "", "n_members": np.nan, "merged": False}
        return pd.DataFrame(nothing, index=pd.Index(list(units), dtype="str", name="unit"))
    codes = base_codes(placement.vintage)
    if placement.unit == "municipality":
        last = {str(code): frozenset(pieces) for code, pieces in codes.groupby(codes).groups.items()}
    else:
        last = dict(reference_territory(by_period))
    new = merged_pieces(placement.periods)
    code_of = dict(zip(codes.index, codes, strict=True))
    members = {unit: sorted({code_of[piece] for piece in last.get(unit, ())}) for unit in units}
    table = pd.DataFrame(
        {
            "name": [municipality_name(u) if placement.unit == "municipality" else u for u in units],
            "members": [";".join(members[unit]) for unit in units],
            "n_members": [float(len(members[unit])) or np.nan for unit in units],
            "merged": [not new.isdisjoint(last.get(u, ())) or _changed(u, by_period, last) for u in units],
        },
        index=pd.Index(list(units), dtype="str", name="unit"),
    )
    return table.astype({"name": "str", "members": "str"})


def _changed(unit: str, by_period: Mapping[str, Territory], last: Territory) -> bool:
    return any(cells[unit] != last[unit] for cells in by_period.values() if unit in cells)
