"""Tables as CSV that gives back exactly what was in them: points for decimals, no exponent, empty where none."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pandas as pd


def write_values(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table of values, or a roster, as CSV in UTF-8 with commas.

    A number is written with as many digits as it takes to read the same number back. The same table gives the same
    bytes.
    """
    path = Path(path)
    shown = pd.DataFrame({name: [_as_text(cell) for cell in table[name]] for name in table.columns})
    path.write_text(shown.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n")
    return path


def _as_text(cell: object) -> str:
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, pd.Timestamp):
        return cell.date().isoformat()
    return number_text(cell) if isinstance(cell, float) else str(cell)


def number_text(value: float) -> str:
    """Return a finite number in digits, never with an exponent, exactly."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")
