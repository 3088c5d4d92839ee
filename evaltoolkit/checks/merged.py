"""Municipalities that merged inside the panel: does the result rest on them?"""

from __future__ import annotations

import numpy as np

from evaltoolkit.checks._without import compare_without
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.panels.panel import Panel

_ASSUMPTION = "assumption.comparable_mergers"


def check_merged(design: Design, effects: Effects, *, panel: Panel | None = None) -> Check:
    """Re-estimate without units in which municipalities merged during the panel.

    Assumption: the joined figures of merging municipalities are comparable before and after the merger.

    Not when: the data do not say which units merged, or units are neither municipalities nor cells.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; ``panel.units["merged"]`` says which units merged.

    Returns
    -------
    Check
        False where the estimate moves by more than its standard error and by more than chance (see
        :func:`~evaltoolkit.checks._without.compare_without`), or changes its sign; None where no unit merged, none is
        left, or units are not municipalities.
    """
    if panel is None or "merged" not in panel.units.columns:
        return Check("merged", _ASSUMPTION, None, "check.merged.unknown")
    if panel.unit_kind not in ("municipality", "livc_r"):
        return Check("merged", _ASSUMPTION, None, "check.merged.not_applicable")
    merged = panel.units["merged"].astype(bool).reindex(design.units).to_numpy()
    n = int(merged.sum())
    if n == 0:
        return Check("merged", _ASSUMPTION, None, "check.merged.none")
    if n == len(merged):
        return Check("merged", _ASSUMPTION, None, "check.merged.not_possible", {"left_out": n, "percent": 100})
    percent = round(100 * n / len(merged))
    reduced = keep_units(design, np.logical_not(merged))
    return compare_without("merged", _ASSUMPTION, effects, design=design, reduced=reduced, n=n, percent=percent)
