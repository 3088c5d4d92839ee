"""Scanner against value reader: what two independent readers do not read alike, nobody may rely on."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.plain import Raw
from evaltoolkit.submissions.references import Cell, write_cell
from evaltoolkit.submissions.scan import SheetScan, Value

# Excel writes control characters as _x000D_, which the reader may undo; in ODS the same letters are just text
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SECOND = 1.0 / 86_400


def check_same(sheets: Mapping[str, SheetScan], rows: Mapping[str, list[list[Raw]]], *, date1904: bool) -> None:
    """Refuse a workbook of which a cell has one value for the scanner and another for the reader."""
    if list(sheets) != list(rows):
        raise UnsafeError("file.damaged")
    for name, sheet in sheets.items():
        _check_sheet(sheet, rows[name], dt.datetime(1904, 1, 1) if date1904 else dt.datetime(1899, 12, 30))  # noqa: DTZ001


def _check_sheet(sheet: SheetScan, rows: list[list[Raw]], origin: dt.datetime) -> None:
    left = len(sheet.values)
    for i, row in enumerate(rows, 1):
        for j, raw in enumerate(row, 1):
            cell = (i, j)
            value = sheet.values.get(cell)
            left -= value is not None
            if type(value) is type(raw) and value == raw:
                continue
            if cell not in sheet.errors and not _is_same(value, raw, origin):
                _refuse(sheet, cell)
    if left > 0:
        _refuse(sheet, next(cell for cell in sheet.values if cell[0] > len(rows) or cell[1] > len(rows[cell[0] - 1])))


def _refuse(sheet: SheetScan, cell: Cell) -> None:
    raise UnsafeError("file.readers_disagree", sheet=sheet.name, cell=write_cell(*cell))


def _is_same(value: Value | None, raw: Raw, origin: dt.datetime) -> bool:
    if value is None or raw is None:
        # a text of spaces only is no value for the reader
        only = raw if value is None else value
        return only is None or (isinstance(only, str) and not only.strip())
    if isinstance(value, bool) or isinstance(raw, bool):
        return value is raw
    if isinstance(value, str):
        return _is_same_text(value, raw)
    if isinstance(raw, int | float):
        return value == raw or (math.isnan(value) and math.isnan(raw))
    return not isinstance(raw, str) and _is_same_date(value, raw, origin)


def _is_same_text(value: str, raw: Raw) -> bool:
    if isinstance(raw, str):
        return _plain(raw) in (_plain(value), _plain(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)))
    if isinstance(raw, dt.timedelta):
        return _duration(value) == round(raw.total_seconds())
    if isinstance(raw, dt.time):
        return _duration(value) == raw.hour * 3600 + raw.minute * 60 + raw.second
    if isinstance(raw, dt.date):
        # 2025-11-03 and 2025-11-03T00:00:00 are the same moment
        return raw.isoformat()[:19].removesuffix("T00:00:00") == value[:19].removesuffix("T00:00:00")
    return False


def _duration(text: str) -> int | None:
    match = re.fullmatch(r"PT([0-9]+)H([0-9]+)M([0-9]+)(?:[.,][0-9]+)?S", text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) if match else None


def _is_same_date(value: float, raw: dt.date | dt.time | dt.timedelta, origin: dt.datetime) -> bool:
    """Tell whether a date or time is what the date system of the file makes of a number, to the second."""
    if isinstance(raw, dt.timedelta):
        days = raw / dt.timedelta(days=1)
    elif value < 0:
        # no date, though it is to be shown as one; the reader makes a time of it
        return isinstance(raw, dt.time)
    elif isinstance(raw, dt.time):
        days = (raw.hour * 3600 + raw.minute * 60 + raw.second + raw.microsecond / 1e6) * _SECOND
    else:
        moment = raw if isinstance(raw, dt.datetime) else dt.datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001
        days = (moment - origin) / dt.timedelta(days=1)
    # before March 1900 the count of days has one that never was
    return abs(days - value) <= _SECOND or (0 <= value < 61 and abs(days - value) <= 1 + _SECOND)


def _plain(text: str) -> str:
    return " ".join(text.split())
