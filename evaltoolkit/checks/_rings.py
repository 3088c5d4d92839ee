"""Rings of neighbours around treated units: who borders whom, and how far away the untreated are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def find_pairs(design: Design, neighbours: Neighbours | None, zones: Labels | None = None) -> Pairs | None:
    """Return (p, 2) rows of units that lie next to each other, both ways; None where nobody knows.

    Next to each other are neighbours by a border, units of one zone, and units of one cluster of the design.
    """
    place = {str(unit): row for row, unit in enumerate(design.units)}
    found = np.empty((0, 2), dtype=np.intp)
    known = False
    if neighbours is not None:
        known = any(unit in place for unit in neighbours)
        touching = [(place[a], place[b]) for a in place for b in neighbours.get(a, ()) if b in place]
        found = np.array(touching, dtype=np.intp).reshape(-1, 2)
    for labels in (design.clusters, zones):
        # where whole zones start together no zone holds both, and a zone says nothing about who lies beside it
        if labels is not None and _mixed(design, labels):
            found, known = np.vstack([found, _mates(labels)]), True
    if not known:
        return None
    both: Pairs = np.unique(np.vstack([found, found[:, ::-1]]), axis=0)
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
