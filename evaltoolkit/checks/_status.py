"""What the panel says of every value of a design: answered, or missing for which reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.panels.panel import Panel


def status_of(design: Design, panel: Panel | None) -> npt.NDArray[Any] | None:
    """Return the status (n, T) of every value of the design, by code and date; "" where the panel has none.

    None where there is no panel, or none of its columns says so.
    """
    column = f"{design.outcome_name}.status"
    if panel is None or column not in panel.data.columns:
        return None
    status = panel.data[column].to_numpy().reshape(len(panel.units), len(panel.periods))
    # the panel may hold more units and periods than the design
    rows = pd.Index(panel.unit_codes).get_indexer(pd.Index(design.units))
    columns = pd.Index(panel.times).get_indexer(pd.Index(design.times))
    known = (rows[:, None] >= 0) & (columns[None, :] >= 0)
    found: npt.NDArray[Any] = np.where(known, status[np.ix_(rows, columns)], "")
    return found


def not_applicable(design: Design, panel: Panel | None) -> npt.NDArray[np.bool_]:
    """(n, T) where a value does not exist, as attendance where nobody met: that is an answer, and no silence."""
    status = status_of(design, panel)
    if status is None:
        return np.zeros(design.outcome.shape, dtype=bool)
    return np.asarray((status == "NAP") & ~np.isfinite(design.outcome))
