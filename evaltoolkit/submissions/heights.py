"""How tall a row must be: spreadsheets do not grow a row for wrapped text that a program wrote."""

from __future__ import annotations

import unicodedata
from functools import cache

# Advance widths of a Helvetica-like face in thousandths of its size, by character; others count as 556.
_WIDTHS = (
    (222, "ijl'’‘"),
    (278, " !,./:;I[\\]ft\u00a0\u202f"),
    (333, '()-`r"“”„'),
    (500, "Jcksvxyz"),
    (584, "+<=>~"),
    (611, "FTZ"),
    (667, "&ABEKPSVXY"),
    (722, "CDHNRUw"),
    (778, "GOQ"),
    (833, "Mm"),
    (944, "W%"),
    (1015, "@…"),
)
_WIDTH = {character: width for width, characters in _WIDTHS for character in characters}
_DEFAULT = 556
_BOLD = 1.08
# Programs and printers break lines a little earlier than the font's widths say.
_SAFETY = 1.06
_PIXELS_PER_POINT = 96 / 72
_PADDING = 6
_LINE = 1.28


@cache
def text_height(text: str, columns: float, *, size: float = 10, bold: bool = False) -> float:
    """Return the height in points that wrapped text needs.

    Parameters
    ----------
    text : str
    columns : float
        Width of the cell as spreadsheets count it: characters of the standard font (Arial 10, 7 pixels).
    size : float
        Font size in points.
    bold : bool
    """
    room = columns * 7 + 5 - _PADDING
    scale = size / 1000 * _PIXELS_PER_POINT * (_BOLD if bold else 1) * _SAFETY
    lines = sum(_count_lines(paragraph, room / scale) for paragraph in text.split("\n"))
    return lines * size * _LINE + 4


def _count_lines(paragraph: str, room: float) -> int:
    """Break at spaces as a spreadsheet does; a word longer than the line is cut."""
    lines, used = 1, 0.0
    for word in paragraph.split(" "):
        width = _width(word)
        if used and used + _WIDTH[" "] + width > room:
            lines, used = lines + 1, 0.0
        extra, rest = divmod(width, room)
        lines += int(extra)
        used = rest if extra else used + width + (_WIDTH[" "] if used else 0)
    return lines


@cache
def _width(word: str) -> float:
    bare = unicodedata.normalize("NFKD", word)
    return sum(_WIDTH.get(character, _DEFAULT) for character in bare if not unicodedata.combining(character))
