"""Groups that the register knows: in which arrondissement a unit lies."""

from __future__ import annotations

import pandas as pd

from evaltoolkit.panels.panel import Panel
from evaltoolkit.territory.register import load_municipalities


def arrondissements(panel: Panel) -> pd.Series[str] | None:
    """Return the arrondissement code of every unit; None where units are no municipalities and have no members.

    A cell of several municipalities lies where its first member lies.
    """
    register = load_municipalities()["arrondissement_code"]
    units = pd.Series(panel.unit_codes, index=panel.unit_codes, dtype="str")
    members = panel.units["members"].astype("str").set_axis(panel.unit_codes) if "members" in panel.units else units
    codes = units.where(units.isin(register.index), members.str.split(";").str[0])
    found = codes.map(register)
    return None if found.isna().any() else found.astype("str")
