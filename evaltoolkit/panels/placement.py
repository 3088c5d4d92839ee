"""Where values belong: from the municipality or cell they were given for to the unit of the panel.

Territory is compared in its smallest pieces, the 589 municipalities of 2018: a unit of the panel is complete when
its pieces are covered, and a value whose pieces belong to several units cannot be placed, since it would have to
be divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError
from evaltoolkit.framework.periods import Period
from evaltoolkit.territory.membership import members_on
from evaltoolkit.territory.mergers import base_codes, load_mergers
from evaltoolkit.territory.municipalities import assign_vintages

UNITS = ("municipality", "livc_r")


@dataclass(frozen=True)
class Placement:
    """How values find their unit.

    Attributes
    ----------
    unit : {"municipality", "livc_r"}
        Kind of unit of the panel.
    vintage : int or None
        Municipal division of the panel.
    membership : DataFrame or None
        As ``read_membership`` returns it.
    periods : tuple of Period
    """

    unit: str
    vintage: int | None
    membership: pd.DataFrame | None
    periods: tuple[Period, ...]

    @cached_property
    def cells(self) -> dict[str, pd.DataFrame]:
        """Pieces of every cell on the last day of each period: columns ``piece, unit``."""
        if self.membership is None:
            return {}
        return {period.label: cell_pieces(self.membership, period) for period in self.periods}

    def links(self, kinds: pd.DataFrame) -> pd.DataFrame:
        """Return how sources make up units, for each ``unit_kind, period, vintage`` that occurs.

        Returns
        -------
        DataFrame
            Columns ``unit_kind, period, vintage, unit`` (the source), ``target`` (empty where it has none),
            ``why`` (``outside``, ``divided`` or empty), ``pieces`` of the source, ``all_pieces`` of the target,
            ``needed`` (number of sources that make up the target).
        """
        tables, known = [], dict[tuple[str, str, int], pd.DataFrame]()
        for kind, period, vintage in kinds.drop_duplicates().itertuples(index=False):
            # between municipalities nothing depends on the period
            key = (str(kind), "" if kind == self.unit == "municipality" else str(period), int(vintage))
            if key not in known:
                targets = self._pieces(self.unit, str(period), self.vintage or 0)
                known[key] = link_pieces(self._pieces(str(kind), str(period), int(vintage)), targets)
            tables.append(known[key].assign(unit_kind=kind, period=period, vintage=vintage))
        return pd.concat(tables, ignore_index=True)

    def _pieces(self, kind: str, period: str, vintage: int) -> pd.DataFrame:
        if kind == "livc_r":
            return self.cells[period]
        codes = base_codes(vintage)
        return pd.DataFrame({"piece": codes.index.astype("str"), "unit": codes.to_numpy()}).astype("str")


def cell_pieces(membership: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return the pieces of each cell on the last day of a period."""
    rows = members_on(membership, period.end)
    vintages = assign_vintages(rows["municipality"].tolist(), period.end)
    tables = [pd.DataFrame({"piece": [], "unit": []}, dtype="str")]
    for vintage in np.unique(vintages):
        codes = base_codes(int(vintage)).rename("municipality").rename_axis("piece").reset_index()
        tables.append(
            codes.merge(rows[vintages == vintage], on="municipality")[["piece", "livc_r"]].set_axis(
                ["piece", "unit"], axis=1
            )
        )
    pieces = pd.concat(tables, ignore_index=True).drop_duplicates()
    twice = pieces.loc[pieces["piece"].duplicated(keep=False), "unit"]
    if len(twice):
        raise EvaltoolkitError(
            f"On {period.end}, cells {', '.join(sorted(set(twice)))} hold both a merged municipality and one of its "
            "predecessors: end the membership of the predecessor with valid_to."
        )
    return pieces


def link_pieces(sources: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """Return for each source unit the target its pieces belong to (see :meth:`Placement.links`)."""
    joined = sources.merge(targets.rename(columns={"unit": "target"}), on="piece", how="left")
    joined["target"] = joined["target"].fillna("")
    table = joined.groupby("unit").agg(target=("target", "first"), n=("target", "nunique"), pieces=("piece", "size"))
    table["why"] = np.select([table["n"] > 1, table["target"] == ""], ["divided", "outside"], "")
    table.loc[table["n"] > 1, "target"] = ""
    covered = (
        joined[joined["target"] != ""].groupby("target").agg(sources=("unit", "nunique"), covered=("piece", "size"))
    )
    size = targets.groupby("unit").size().rename("all_pieces")
    table = table.reset_index().merge(size, left_on="target", right_index=True, how="left")
    table = table.merge(covered, left_on="target", right_index=True, how="left")
    # pieces without any source count as missing sources of their own
    table["needed"] = table["sources"] + table["all_pieces"] - table["covered"]
    return table.drop(columns=["n", "sources", "covered"]).fillna({"all_pieces": 0, "needed": 0})


def row_vintages(rows: pd.DataFrame, periods: Sequence[Period]) -> pd.Series[int]:
    """Return the municipal division each municipality row is written in, per period and indicator (0 for cells).

    Raises
    ------
    FaultsError
        Naming unknown codes and mixed vintages of every period at once.
    """
    result = pd.Series(0, index=rows.index, dtype="int64")
    municipal = rows.loc[rows["unit_kind"] == "municipality", ["unit", "period", "indicator", "rank"]]
    ends = {period.label: period.end for period in periods}
    faults: dict[str, None] = {}
    for (period, indicator), group in municipal.groupby(["period", "indicator"]):
        try:
            result[group.index] = assign_vintages(
                group["unit"].tolist(), ends[str(period)], retrospective=(group["rank"] > 0).to_numpy()
            )
        except FaultsError as error:
            faults.update(dict.fromkeys(f"{indicator} {period}: {fault}" for fault in error.faults))
    if faults:
        raise FaultsError(list(faults), "The table of values mixes municipal divisions or holds foreign codes; it")
    return result


def choose_vintage(found: set[int], wanted: int | None) -> int | None:
    """Return the panel's vintage: the given one, or the newest that occurs."""
    newest = max(found, default=None)
    if wanted is not None and newest is not None and wanted < newest:
        raise RefusedError(
            f"The values hold codes of {newest}; they cannot be converted back to {wanted}, because merged "
            f"municipalities would have to be divided. Leave vintage out, or give {newest}."
        )
    return wanted or newest


def merged_pieces(periods: Sequence[Period]) -> set[str]:
    """Return the pieces whose municipality came into being by a merger inside the panel's dates."""
    mergers = load_mergers()
    mergers = mergers[mergers["type"] == "merger"]
    inside = (mergers["date"] > periods[0].start.isoformat()) & (mergers["date"] <= periods[-1].end.isoformat())
    pieces: set[str] = set()
    for vintage, rows in mergers[inside].groupby("to_vintage"):
        codes = base_codes(int(str(vintage)))
        pieces |= set(codes.index[codes.isin(rows["code_new"])])
    return pieces
