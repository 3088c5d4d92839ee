"""Tables as CSV that gives back exactly what was in them: points for decimals, no exponent, empty where none."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pandas as pd

# what makes a formula of a text in a spreadsheet; no code of ours begins so, but a stranger's file or unit may
_FORMULA_LEADS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_values(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table of values, or a roster, as CSV in UTF-8 with commas.

    A number is written with as many digits as it takes to read the same number back; a text that a spreadsheet would
    take for a formula gets an apostrophe before it. The same table gives the same bytes.
    """
    path = Path(path)
    shown = pd.DataFrame({name: [_as_text(cell) for cell in table[name]] for name in table.columns})
    path.write_text(shown.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n")
    return path


def _as_text(cell: object) -> str:
    if cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, pd.Timestamp):
        return cell.date().isoformat()
    if isinstance(cell, float):
        return number_text(cell)
    text = str(cell)
    return f"'{text}" if isinstance(cell, str) and text.lstrip(" \u00a0\ufeff").startswith(_FORMULA_LEADS) else text


def number_text(value: float) -> str:
    """Return a finite number in digits, never with an exponent, exactly."""
    return format(Decimal(repr(float(value))), "f").removesuffix(".0")
