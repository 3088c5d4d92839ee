"""Text that is safe to write into a table a spreadsheet will open."""

from __future__ import annotations

# A cell that begins with one of these can be run as a formula; full-width forms are folded to them by some programs.
_FORMULA_LEADS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutralise(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe before a dangerous beginning.

    Leading blanks do not hide a dangerous beginning. Text that is safe comes back unchanged, so doing it twice is
    the same as doing it once. NUL characters, which no spreadsheet can hold, are dropped.
    """
    clean = text.replace("\x00", "")
    return f"'{clean}" if clean.lstrip(" \u00a0\ufeff").startswith(_FORMULA_LEADS) else clean
