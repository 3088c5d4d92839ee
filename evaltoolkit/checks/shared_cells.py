"""Cells that several municipalities share: does the result rest on them?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaltoolkit.checks._without import compare_without
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.inference.without import in_shared_cells
from evaltoolkit.panels.panel import Panel

_ASSUMPTION = "assumption.shared_cells_alike"


def check_shared_cells(design: Design, effects: Effects, *, panel: Panel | None = None) -> Check:
    """Re-estimate without the cells that several municipalities share.

    Assumption: an action reaches a shared cell as it does a cell of one municipality, and what happens in one
    municipality of a cell does not depend on the others.

    Not when: neither the panel nor the clusters of the design say who belongs together.

    Parameters
    ----------
    design : Design
        Where units are municipalities its clusters are the cells (or zones).
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; where units are cells, ``panel.units["n_members"]`` counts their municipalities.

    Returns
    -------
    Check
        False where the estimate moves by more than its standard error and by more than chance (see
        :func:`~evaltoolkit.checks._without.compare_without`), or changes its sign; None where no cell is
        shared, all are, or nobody knows.
    """
    shared = _shared(design, panel)
    if shared is None:
        return Check("shared_cells", _ASSUMPTION, None, "check.shared_cells.unknown")
    n = int(shared.sum())
    if n == 0:
        return Check("shared_cells", _ASSUMPTION, None, "check.shared_cells.none")
    percent = round(100 * n / len(shared))
    if n == len(shared):
        facts = {"left_out": n, "percent": percent}
        return Check("shared_cells", _ASSUMPTION, None, "check.shared_cells.not_possible", facts)
    reduced = keep_units(design, np.logical_not(shared))
    return compare_without("shared_cells", _ASSUMPTION, effects, design=design, reduced=reduced, n=n, percent=percent)


def _shared(design: Design, panel: Panel | None) -> npt.NDArray[np.bool_] | None:
    """(n,) which units belong to a shared cell; None where that is not known."""
    if panel is not None and panel.unit_kind == "livc_r" and "n_members" in panel.units.columns:
        members = panel.units["n_members"].reindex(design.units).to_numpy(dtype=float)
        return None if np.isnan(members).all() else np.asarray(members > 1)
    if np.array_equal(design.clusters, design.units):
        return None
    return in_shared_cells(design)
