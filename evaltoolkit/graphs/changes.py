"""What a table of changes must be before anything is shuffled in it: one row per unit."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest

UNIT = "unit"
# used where a table has it
WEIGHT = "weight"


def require_one_row_per_unit(data: pd.DataFrame, unit: str) -> None:
    """Refuse a table with several rows per unit, and one that does not tell units apart."""
    known = [str(name) for name in data.columns]
    if unit not in known and data.index.name != unit:
        raise EvaltoolkitError(
            f'The table has no column "{unit}" that tells units apart; it must have one row per unit. Name the column: '
            f'method_params={{"unit": ...}}.{nearest(unit, known)}'
        )
    labels = data[unit] if unit in known else data.index.to_series()
    repeated = int(labels.duplicated().sum())
    if repeated:
        raise RefusedError(
            f"The table has {repeated} rows more than units. Refuters that shuffle rows treat repeated rows of one "
            "unit as independent and reject far too often: give one row per unit, its change from before to after."
        )


def require_columns(data: pd.DataFrame, names: Iterable[str]) -> None:
    """Tell which column is missing, with the nearest name."""
    known = [str(name) for name in data.columns]
    for name in names:
        if name not in known:
            raise EvaltoolkitError(f'The table of changes has no column "{name}".{nearest(name, known)}')
