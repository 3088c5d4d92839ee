"""Values that were filled in afterwards, from minutes: does the result rest on them?"""

from __future__ import annotations

import numpy as np

from evaltoolkit.checks._status import status_of
from evaltoolkit.checks._without import compare_without
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import drop_values
from evaltoolkit.effects.effects import Effects
from evaltoolkit.panels.panel import Panel

_ASSUMPTION = "assumption.reliable_values"


def check_reconstructed(design: Design, effects: Effects, *, panel: Panel | None = None) -> Check:
    """Re-estimate with reconstructed values set to missing.

    Assumption: values reconstructed from minutes measure the same as values registered at the time.

    Not when: nothing was reconstructed, or the source of values is not known.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; its column ``<outcome>.status`` says which values were reconstructed.

    Returns
    -------
    Check
        False where the estimate moves by more than its standard error and by more than chance (see
        :func:`~evaltoolkit.checks._without.compare_without`), or changes its sign; None where nothing was
        reconstructed or nothing can be estimated without.
    """
    status = status_of(design, panel)
    if status is None:
        return Check("reconstructed", _ASSUMPTION, None, "check.reconstructed.unknown")
    drop = (status == "reconstructed") & np.isfinite(design.outcome)
    n = int(drop.sum())
    if n == 0:
        return Check("reconstructed", _ASSUMPTION, None, "check.reconstructed.none")
    percent = round(100 * n / int(np.isfinite(design.outcome).sum()))
    reduced = drop_values(design, drop)
    return compare_without("reconstructed", _ASSUMPTION, effects, design=design, reduced=reduced, n=n, percent=percent)
