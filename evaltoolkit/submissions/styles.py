"""Colours, fonts and borders of a form, one place for all sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FONT = {"font_name": "Arial", "font_size": 10}

# Every pair of text and ground has a contrast of at least 4.5 : 1.
INK, SOFT, WHITE = "#1B2A30", "#4A5A61", "#FFFFFF"
DEEP, BAND, LINE = "#0B4A59", "#DCEAED", "#B7C4C9"
INPUT, INPUT_EDGE = "#FFF3C4", "#8A6D1D"
ALARM, ALARM_INK = "#F8C9C4", "#7A1B12"
CLOSED, CLOSED_INK = "#E3E7E9", "#4A5A61"

_TEXT = {"text_wrap": True, "align": "left", "valign": "top", "font_color": INK}
_CELL = {**_TEXT, "indent": 1, "border": 1, "border_color": LINE}
_ENTRY = {
    "text_wrap": True,
    "valign": "vcenter",
    "font_color": INK,
    "bg_color": INPUT,
    "border": 1,
    "border_color": INPUT_EDGE,
    "locked": False,
}

STYLES: Mapping[str, Mapping[str, object]] = {
    "title": {"bold": True, "font_size": 16, "font_color": DEEP, "valign": "vcenter"},
    "gap": {},
    "plain": {},
    "heading": {
        "bold": True,
        "font_size": 12,
        "font_color": DEEP,
        "valign": "bottom",
        "bottom": 2,
        "bottom_color": DEEP,
    },
    "text": {**_TEXT, "indent": 1, "valign": "vcenter"},
    "key": {**_TEXT, "bold": True, "font_color": DEEP, "valign": "vcenter"},
    "strong": {**_TEXT, "indent": 1, "bold": True, "valign": "vcenter"},
    "step": {**_TEXT, "bold": True, "font_color": DEEP, "align": "right", "indent": 1, "valign": "vcenter"},
    "privacy": {
        **_TEXT,
        "indent": 1,
        "valign": "vcenter",
        "bold": True,
        "bg_color": BAND,
        "border": 1,
        "border_color": DEEP,
    },
    "sheet_title": {"bold": True, "font_size": 14, "font_color": DEEP, "valign": "vcenter"},
    "hint": {"font_color": SOFT, "valign": "vcenter"},
    "head": {
        **_TEXT,
        "indent": 1,
        "bold": True,
        "font_color": WHITE,
        "bg_color": DEEP,
        "border": 1,
        "border_color": WHITE,
        "valign": "vcenter",
    },
    "head_center": {
        "bold": True,
        "align": "center",
        "valign": "vcenter",
        "font_color": WHITE,
        "bg_color": DEEP,
        "border": 1,
        "border_color": WHITE,
    },
    "band": {"indent": 1, "bold": True, "font_size": 11, "font_color": DEEP, "bg_color": BAND, "valign": "vcenter"},
    "band_code": {"font_size": 8, "font_color": SOFT, "bg_color": BAND, "valign": "vcenter", "align": "right"},
    "question": {**_CELL, "valign": "vcenter"},
    "parent": {**_CELL, "valign": "vcenter", "bold": True},
    "option": {**_CELL, "valign": "vcenter", "indent": 2},
    "note": {**_CELL, "valign": "vcenter", "font_size": 9, "font_color": SOFT},
    "body": _CELL,
    "number": {**_ENTRY, "align": "right", "num_format": "#,##0.##########", "indent": 1},
    "count": {**_ENTRY, "align": "right", "num_format": "#,##0", "indent": 1},
    "choice": {**_ENTRY, "align": "left", "indent": 1},
    "month": {**_ENTRY, "align": "left", "indent": 1, "num_format": "@"},
    "status": {**_ENTRY, "align": "left", "indent": 1, "font_size": 9},
    "alarm": {"bg_color": ALARM, "font_color": ALARM_INK},
    "closed": {"bg_color": CLOSED, "font_color": CLOSED_INK},
    "date": {**_ENTRY, "align": "left", "indent": 1, "num_format": "dd/mm/yyyy"},
    "link": {**_CELL, "underline": 1, "font_color": DEEP},
    "sample": {**_ENTRY, "locked": True, "align": "center"},
}
# an input cell with a remark: ``number!error``; the thick edge is seen without colours too
_MARKED: Mapping[str, Mapping[str, object]] = {
    "": {},
    "error": {"bg_color": ALARM, "border": 5, "border_color": ALARM_INK},
    "question": {"bg_color": BAND, "border": 5, "border_color": DEEP},
}


class Styles:
    """Formats of one workbook, made when first used."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            base, _, mark = name.partition("!")
            self._made[name] = self._book.add_format({**FONT, **STYLES[base], **_MARKED[mark]})
        return self._made[name]
