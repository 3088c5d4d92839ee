"""JSON with one record for each row, as survey servers such as Kobo give it, read strictly into a table."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.archive import MAX_FILE, MEGABYTE

_MAX_DIGITS = 300
# half of a pair of codes: no character, and nothing that can be written to a file
_HALF = re.compile("[\ud800-\udfff]")
# A server wraps its records so.
_WRAPPER = "results"


def read_records(content: bytes, name: str, cells: int) -> list[list[Any]]:
    """Return a header and one row for each record; a field that a record lacks is None.

    Parameters
    ----------
    content : bytes
        A list of objects in UTF-8, or an object with such a list under ``results``. Fields hold texts, numbers or yes
        and no; what the server adds itself (its name begins with ``_``) is left out where it holds more than that.
    name : str
        Of the file, for what is said about it.
    cells : int
        Most cells that the table may have.

    Raises
    ------
    EvaltoolkitError
        Not JSON, a field named twice, half a character, a number that is none (NaN, Infinity), too large, or not a list
        of records.
    """
    if len(content) > MAX_FILE:
        raise EvaltoolkitError(f'"{name}" is larger than {MAX_FILE // MEGABYTE} MB: split it or leave fields out.')
    records = _records(_parse(content, name), name)
    columns: dict[str, None] = {}
    for record in records:
        columns |= dict.fromkeys(record)
        if len(columns) * (len(records) + 1) > cells:
            raise EvaltoolkitError(f'"{name}" has more than {cells} cells: split it or leave fields out.')
    header = [column for column in columns if not (column.startswith("_") and _is_nested(records, column))]
    for column in header:
        if _is_nested(records, column):
            raise EvaltoolkitError(
                f'"{name}": the field "{column}" holds a list or further fields. Export one row for each answer.'
            )
    return [list(header), *([record.get(column) for column in header] for record in records)]


def _parse(content: bytes, name: str) -> Any:
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_pairs,
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise EvaltoolkitError(f'"{name}" is not valid JSON: see line {error.lineno}. Export the data again.') from None
    except UnicodeDecodeError:
        raise EvaltoolkitError(f'"{name}" is not in UTF-8. Export the data again as JSON.') from None
    except RecursionError:
        raise EvaltoolkitError(f'"{name}" is nested too deeply for a table. Export one row for each answer.') from None
    except ValueError as error:
        raise EvaltoolkitError(f'"{name}" {error}. Export the data again.') from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("names a field twice in one record")
    if any(isinstance(text, str) and _HALF.search(text) for text in (*found, *found.values())):
        raise ValueError("holds characters that nobody types")
    return found


def _no_number(_text: str) -> float:
    raise ValueError("holds a number that cannot be used in a calculation")


def _whole(text: str) -> int:
    return int(text) if len(text) <= _MAX_DIGITS else int(_no_number(text))


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def _records(document: Any, name: str) -> list[dict[str, Any]]:
    rows = document.get(_WRAPPER) if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise EvaltoolkitError(f'"{name}" is no list of records. Export one object for each row.')
    return rows


def _is_nested(records: Iterable[dict[str, Any]], column: str) -> bool:
    return any(isinstance(record.get(column), dict | list) for record in records)
