"""The door to xlsxwriter for other rooms: an empty workbook with the house's options, returned as bytes."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

from evaltoolkit.submissions.styles import FONT

# a fixed date keeps the file the same, byte for byte, at every run
_CREATED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter wants a naive date
_OPTIONS = {
    # nothing that was typed becomes a formula, a link or a number
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
    "default_format_properties": dict(FONT),
}


def draw_book(draw: Callable[[Any], None], title: str) -> bytes:
    """Return a workbook that a function draws; the same drawing gives the same bytes.

    Parameters
    ----------
    draw : callable
        Gets the ``xlsxwriter.Workbook``.
    title : str
        Title in the properties of the file.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, _OPTIONS) as book:
        book.set_properties({"created": _CREATED, "title": title})
        draw(book)
    return buffer.getvalue()
