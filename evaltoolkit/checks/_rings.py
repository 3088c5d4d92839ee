"""Rings of neighbours around treated units: who borders whom, and how far away the untreated are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.panels.panel import Panel
from evaltoolkit.territory.neighbours import neighbour_lists
from evaltoolkit.territory.register import VINTAGES

Neighbours = Mapping[str, Sequence[str]]
Pairs = npt.NDArray[np.intp]
Labels = npt.NDArray[np.str_]


def known_neighbours(panel: Panel | None) -> Neighbours | None:
    """Return the neighbours of every unit by the borders of the register; None where units are no places in it.

    Cells are neighbours where municipalities of theirs share a border.
    """
    if panel is None or panel.vintage not in VINTAGES:
        return None
    borders = neighbour_lists(panel.vintage)
    if panel.unit_kind == "municipality":
        return borders
    if panel.unit_kind != "livc_r" or "members" not in panel.units.columns:
        return None
    members = {str(unit): str(text).split(";") for unit, text in panel.units["members"].items()}
    home: dict[str, list[str]] = {}
    for unit, codes in members.items():
        for code in codes:
            home.setdefault(code, []).append(unit)
    return {
        unit: sorted(
            {cell for code in codes for other in borders.get(code, ()) for cell in home.get(other, ())} - {unit}
        )
        for unit, codes in members.items()
    }


def zones_of(design: Design, panel: Panel | None, membership: pd.DataFrame | None) -> Labels | None:
    """Return the zone (n,) of every unit by the user's membership; a unit without one stands alone."""
    if panel is None or membership is None or "zone" not in membership.columns:
        return None
    key = "livc_r" if panel.unit_kind == "livc_r" else "municipality"
    if key not in membership.columns:
        return None
    known = membership.dropna(subset=["zone"])
    first = known.groupby(known[key].astype("str"))["zone"].min().astype("str").reindex(design.units)
    return np.where(first.isna(), design.units, "zone " + first.fillna("").to_numpy(dtype=str))


class Found(NamedTuple):
    """Rows of units that lie next to each other, both ways (p, 2), and what says so."""

    pairs: Pairs
    by: Literal["zones", "borders"]


def find_neighbours(design: Design, borders: Neighbours | None, zones: Labels | None = None) -> Found | None:
    """Return who lies next to whom; None where nobody knows.

    The user's zones come first, where a zone holds treated and untreated units: whoever gave them said what a
    neighbourhood is. Else units that share a border; and where no border is known either, the clusters of the design.
    """
    # where whole zones start together no zone holds both, and a zone says nothing about who lies beside it
    if zones is not None and _mixed(design, zones):
        return Found(_both_ways(_mates(zones)), "zones")
    place = {str(unit): row for row, unit in enumerate(design.units)}
    if borders is not None and any(unit in place for unit in borders):
        touching = [(place[a], place[b]) for a in place for b in borders.get(a, ()) if b in place]
        return Found(_both_ways(np.array(touching, dtype=np.intp).reshape(-1, 2)), "borders")
    return Found(_both_ways(_mates(design.clusters)), "zones") if _mixed(design, design.clusters) else None


def _both_ways(pairs: Pairs) -> Pairs:
    both: Pairs = np.unique(np.vstack([pairs, pairs[:, ::-1]]), axis=0)
    return both


def ring_starts(design: Design, pairs: Pairs, rings: int = 2) -> tuple[npt.NDArray[np.intp], Array]:
    """Return the ring (n,) of every unit and when the nearest treatment began (n,).

    Ring 0 is treated, 1 borders a treated unit, 2 borders ring 1, and so on; ``rings + 1`` is further away. The start
    is the earliest among the treated units at that distance, ``inf`` further away.
    """
    n = len(design.units)
    ring = np.where(design.treated, 0, rings + 1)
    start = np.where(design.treated, design.cohort, np.inf)
    for step in range(1, rings + 1):
        nearest = np.full(n, np.inf)
        from_inside = pairs[ring[pairs[:, 0]] == step - 1]
        np.minimum.at(nearest, from_inside[:, 1], start[from_inside[:, 0]])
        reached = (ring > step) & np.isfinite(nearest)
        ring[reached], start[reached] = step, nearest[reached]
    return ring, start


def _mates(labels: Labels) -> Pairs:
    """(p, 2) rows that share a label."""
    own = pd.DataFrame({"zone": labels, "row": np.arange(len(labels))})
    mates = own.merge(own, on="zone")[["row_x", "row_y"]].to_numpy(dtype=np.intp)
    return np.asarray(mates[mates[:, 0] != mates[:, 1]])


def _mixed(design: Design, labels: Labels) -> bool:
    """Whether a label holds treated and untreated units."""
    if len(np.unique(labels)) == len(labels):
        return False
    treated = pd.Series(design.treated).groupby(labels).agg(["min", "max"])
    return bool((treated["min"] != treated["max"]).any())
