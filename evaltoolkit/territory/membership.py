"""Which municipality belonged to which LIVC-R cell (or zone), from when until when: the user's own file.

No public list of cells or zones exists, so that this always comes from the user.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.territory.register import load_municipalities

_DATES = ("valid_from", "valid_to")
_ZONE = "zone"


def read_membership(source: str | Path | pd.DataFrame, *, group: str = "livc_r") -> pd.DataFrame:
    """Read and check a dated membership.

    Parameters
    ----------
    source : path of a CSV file (comma or semicolon), or DataFrame
        Columns ``<group>, municipality, valid_from, valid_to``. Dates are ISO days; an empty one is open. The two
        date columns may be absent: then membership never changes. A column ``zone`` (a police zone, or
        whatever counts as a neighbourhood) may stand beside them; it may be empty for some.
    group : str
        Name of the column with the cell or zone.

    Returns
    -------
    DataFrame
        Columns ``<group>, municipality`` (text), ``valid_from, valid_to`` (dates, NaT = open), and ``zone`` (text,
        missing where empty) where the file has it; sorted.

    Raises
    ------
    FaultsError
        With all faults at once: unknown codes, unreadable or reversed dates, empty cells, and a municipality in two
        cells on the same day.
    """
    frame = _load(source)
    _check_columns(frame, group)
    table = pd.DataFrame({column: frame[column] for column in (group, "municipality")}).map(_text).astype("str")
    faults = [*_empty_cells(table), *_unknown_codes(table)]
    for column in _DATES:
        text = frame[column].map(_text) if column in frame else pd.Series("", index=frame.index)
        table[column], bad = _dates(text, column)
        faults += bad
    faults += _reversed(table)
    faults += _overlaps(table, group)
    if faults:
        raise FaultsError(faults, "The membership")
    if _ZONE in frame and group != _ZONE:
        zone = frame[_ZONE].map(_text).astype("str")
        table[_ZONE] = zone.where(zone != "")
    return table.sort_values([group, "municipality", "valid_from"], na_position="first", ignore_index=True)


def members_on(membership: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Return the rows of a membership (as :func:`read_membership` gives it) that hold on a day."""
    stamp = pd.Timestamp(day)
    begun = membership["valid_from"].isna() | (membership["valid_from"] <= stamp)
    lasting = membership["valid_to"].isna() | (membership["valid_to"] >= stamp)
    return membership[begun & lasting].reset_index(drop=True)


def _load(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source.reset_index(drop=True)
    path = Path(source)
    if not path.is_file():
        raise EvaltoolkitError(f'Membership file "{path.name}" is not there: check the path.')
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    separator = ";" if header.count(";") > header.count(",") else ","
    return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _check_columns(frame: pd.DataFrame, group: str) -> None:
    columns = [str(column) for column in frame.columns]
    missing = [column for column in (group, "municipality") if column not in columns]
    faults = [f'there is no column "{column}".{nearest(column, columns)}' for column in missing]
    if faults:
        raise FaultsError([*faults, f"columns found: {', '.join(columns)}"], "The membership")


def _text(value: object) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _row(index: object) -> str:
    # the header is row 1 of the file
    return f"row {int(str(index)) + 2}"


def _empty_cells(table: pd.DataFrame) -> list[str]:
    return [f'{_row(row)}: "{column}" is empty' for column in table.columns for row in table.index[table[column] == ""]]


def _unknown_codes(table: pd.DataFrame) -> list[str]:
    known = load_municipalities().index
    codes = table["municipality"]
    strange = codes[~codes.isin(known) & (codes != "")]
    return [f'{_row(row)}: "{code}" is no municipality code.{nearest(code, known)}' for row, code in strange.items()]


def _dates(text: pd.Series[str], column: str) -> tuple[pd.Series[pd.Timestamp], list[str]]:
    parsed = pd.to_datetime(text.where(text != ""), format="%Y-%m-%d", errors="coerce")
    bad = text[parsed.isna() & (text != "")]
    faults = [f'{_row(row)}: {column} "{value}" is no date: write it as 2025-01-31' for row, value in bad.items()]
    return parsed.astype("datetime64[s]"), faults


def _reversed(table: pd.DataFrame) -> list[str]:
    wrong = table.index[table["valid_to"] < table["valid_from"]]
    return [f"{_row(row)}: valid_to lies before valid_from" for row in wrong]


def _overlaps(table: pd.DataFrame, group: str) -> list[str]:
    """Find municipalities that are in two cells, or twice in one, on the same day."""
    ordered = table[table["municipality"] != ""].copy()
    ordered["begins"] = ordered["valid_from"].fillna(pd.Timestamp("1700-01-01"))
    ordered["ends"] = ordered["valid_to"].fillna(pd.Timestamp("2250-01-01"))
    ordered = ordered.sort_values(["municipality", "begins", "ends"])
    # a short row may hide a longer one before it: compare with the latest end so far
    latest = ordered.groupby("municipality")["ends"].cummax()
    before = latest.groupby(ordered["municipality"]).shift()
    clash = ordered[ordered["begins"] <= before]
    faults = []
    for row, code, cell, day in zip(clash.index, clash["municipality"], clash[group], before[clash.index], strict=True):
        holder = ordered[(ordered["municipality"] == code) & (ordered["ends"] == day) & (ordered.index != row)]
        other = f'"{holder[group].iloc[0]}" ({_row(holder.index[0])})'
        faults.append(f'{_row(row)}: {code} is in "{cell}" while it is still in {other}')
    return faults
