"""Whether the action took place: what was delivered against what was planned, without names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaltoolkit.checks.fidelity import LEAST_DELIVERED
from evaltoolkit.checks.registry import Check
from evaltoolkit.reports.grids import Grid
from evaltoolkit.reports.prose import Prose


@dataclass(frozen=True)
class Fidelity:
    """What was seen, in a sentence, and units by how much they got; None where nobody knows."""

    sentence: str
    units: Grid | None


def fidelity_of(checks: Sequence[Check], prose: Prose) -> Fidelity:
    """Return what the check on fidelity saw, or that it was not made."""
    check = next((one for one in checks if one.name == "fidelity"), None)
    if check is None:
        return Fidelity(prose.say("report.fidelity.none"), None)
    return Fidelity(prose.say(check.code, check.facts), _units(check, prose))


def _units(check: Check, prose: Prose) -> Grid | None:
    table = check.table
    if table.empty or table["delivered"].isna().all():
        return None
    share, delivered = table["share"].to_numpy(dtype=float), table["delivered"].to_numpy(dtype=float)
    nothing = delivered == 0
    known = np.isfinite(share) & ~nothing
    counted = {
        "whole": known & (share >= 1),
        "most": known & (share >= LEAST_DELIVERED) & (share < 1),
        "little": known & (share < LEAST_DELIVERED),
        "nothing": nothing,
        "unplanned": np.isfinite(delivered) & ~nothing & ~known,
        "unknown": ~np.isfinite(delivered),
    }
    rows = tuple(
        (prose.say(f"report.fidelity.{name}"), prose.number(int(units.sum())))
        for name, units in counted.items()
        if units.any()
    )
    heads = (prose.say("report.fidelity.delivered"), prose.say("report.column.units"))
    return Grid(prose.say("report.outcome.fidelity"), heads, rows)
