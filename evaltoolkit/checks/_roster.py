"""The rows of a roster by unit of the design."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.panels.panel import Panel


def rows_by_unit(design: Design, roster: pd.DataFrame, panel: Panel | None) -> pd.DataFrame:
    """Return the roster's rows on the action of the design, for its treated units, ``unit`` being the design's code.

    A row may name the unit itself or, where the panel says who its members are, one of them. Rows that name neither
    are left out.
    """
    action = design.info.get("action")
    rows = roster[(roster["action"] == action) | (action not in set(roster["action"]))]
    home = {str(unit): str(unit) for unit in design.units}
    if panel is not None and "members" in panel.units.columns:
        listed = panel.units["members"].astype("str").reindex(design.units)
        home = {code: str(unit) for unit, text in listed.items() for code in str(text).split(";")} | home
    treated = set(design.units[design.treated].tolist())
    units = rows["unit"].astype("str").map(home)
    return rows.assign(unit=units)[units.isin(treated).to_numpy()]


def sum_by_unit(rows: pd.DataFrame, column: str, units: np.ndarray[tuple[int], np.dtype[np.str_]]) -> pd.Series[float]:
    """Return the sum of a column by unit; NaN where no row says anything."""
    if column not in rows.columns:
        return pd.Series(np.nan, index=units, dtype=float)
    sums: pd.Series[float] = rows.groupby("unit")[column].sum(min_count=1).reindex(units)
    return sums
