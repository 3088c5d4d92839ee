"""Text files with columns, as people save them: delimiter and encoding found, rows counted while they are read."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.archive import MAX_FILE, MEGABYTE

DELIMITERS = (";", ",", "\t")
# rows by which the delimiter is found
_LOOKED_AT = 5_000


def read_delimited(content: bytes, name: str, cells: int) -> list[list[str | None]]:
    """Return the fields of a CSV; empty ones are None.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for what is said about it.
    cells : int
        Most fields that it may have.

    Raises
    ------
    EvaltoolkitError
        No text, not CSV, too large, or not clear where its columns end.
    """
    if len(content) > MAX_FILE:
        raise EvaltoolkitError(f'"{name}" is larger than {MAX_FILE // MEGABYTE} MB: split it or leave columns out.')
    if content.startswith(b"PK\x03\x04") or b"\x00" in content:
        raise EvaltoolkitError(
            f'"{name}" is not a text file: save it as CSV (UTF-8), or name it .xlsx if it is a workbook.'
        )
    text = _decode(content)
    delimiter = _delimiter(text, name)
    rows: list[list[str]] = []
    count = 0
    try:
        for row in _parse(text, delimiter):
            count += len(row) or 1
            if count > cells:
                raise EvaltoolkitError(f'"{name}" has more than {cells} cells: split it or leave columns out.')
            rows.append(row)
    except csv.Error as error:
        raise EvaltoolkitError(f'"{name}" is not valid CSV ({error}): check the quotation marks.') from None
    while rows and not any(field.strip() for field in rows[-1]):
        rows.pop()
    return [[field.strip() or None for field in row] for row in rows]


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Excel's plain "CSV" in western Europe; bytes without a meaning there become a visible mark
        return content.decode("cp1252", errors="replace")


def _parse(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _delimiter(text: str, name: str) -> str:
    """Return the delimiter under which most rows have the same number of fields, at least two."""
    best: list[tuple[int, int, str]] = []
    for delimiter in DELIMITERS:
        try:
            sizes = Counter(len(row) for row in islice(_parse(text, delimiter), _LOOKED_AT))
        except csv.Error:
            continue
        usual, count = sizes.most_common(1)[0] if sizes else (0, 0)
        if usual > 1:
            best.append((count, usual, delimiter))
    if not best:
        return DELIMITERS[0]
    best.sort(reverse=True)
    if len(best) > 1 and best[0][:2] == best[1][:2]:
        raise EvaltoolkitError(
            f'"{name}" can be read with {best[0][2]!r} or {best[1][2]!r} between columns: save it with one of them.'
        )
    return best[0][2]
