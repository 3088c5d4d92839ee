"""What passes between the reading process and the rest: only texts, numbers and lists of them, as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evaltoolkit.submissions.scan import SheetScan

Raw = str | int | float | bool | dt.date | dt.time | dt.timedelta | None

_DECODERS: Mapping[str, Callable[[Any], Raw]] = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda seconds: dt.timedelta(seconds=seconds),
}


def encode_rows(rows: Iterable[Iterable[Raw]]) -> list[list[Any]]:
    """Return rows with dates and times as ``{"kind": text}``."""
    return [[_encode(value) for value in row] for row in rows]


def _encode(value: Raw) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dt.timedelta):
        return {"timedelta": value.total_seconds()}
    return {type(value).__name__: value.isoformat()}


def decode_rows(rows: Iterable[Iterable[Any]]) -> list[list[Raw]]:
    """Return rows as :func:`encode_rows` took them."""
    return [[_decode(value) if isinstance(value, dict) else value for value in row] for row in rows]


def _decode(value: Mapping[str, Any]) -> Raw:
    ((kind, text),) = value.items()
    return _DECODERS[kind](text)


def encode_sheet(sheet: SheetScan) -> dict[str, Any]:
    """Return a scanned sheet without its values and notes."""
    return {
        "name": sheet.name,
        "visibility": sheet.visibility,
        "formulas": [[*cell, kind] for cell, kind in sheet.formulas.items()],
        "errors": sorted(sheet.errors),
        "percents": sorted(sheet.percents),
        "merges": sheet.merges,
        "hidden_rows": sheet.hidden_rows,
        "hidden_columns": sheet.hidden_columns,
    }


def decode_sheet(entry: Mapping[str, Any]) -> SheetScan:
    """Return a scanned sheet as :func:`encode_sheet` took it."""
    return SheetScan(
        entry["name"],
        entry["visibility"],
        {(row, column): kind for row, column, kind in entry["formulas"]},
        {(row, column) for row, column in entry["errors"]},
        {(row, column) for row, column in entry["percents"]},
        [((first[0], first[1]), (last[0], last[1])) for first, last in entry["merges"]],
        entry["hidden_rows"],
        entry["hidden_columns"],
    )
