"""Numbers and dates that were typed as text, read by the rules of one language; never a guess."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

DECIMAL_MARK = {"nl": ",", "fr": ",", "de": ",", "en": "."}

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " "})
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
_PLAIN = re.compile(r"^-?[0-9]+$")
# no leading zero: 0.500 is a half, never five hundred
_GROUPED = {
    ",": re.compile(r"^-?[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+|(?: [0-9]{3})+)(?:,[0-9]+)?$"),
    ".": re.compile(r"^-?[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?$"),
}
_DECIMAL = {mark: re.compile(rf"^-?[0-9]+{re.escape(mark)}[0-9]+$") for mark in ",."}
# 1.234 and 1,234 are a thousand here and one-and-a-bit there
_AMBIGUOUS = re.compile(r"^-?[1-9][0-9]{0,2}[.,][0-9]{3}$")
_WRONG_MARK = {",": re.compile(r"^-?[0-9]+\.[0-9]+$"), ".": re.compile(r"^-?[0-9]+,[0-9]+$")}
_MONTH = re.compile(r"^(\d{4})-(\d{1,2})$")


class NumberError(ValueError):
    """Text that is not, or not clearly, a number; ``code`` is the finding's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_number(text: str, decimal: str, *, declared: bool = False) -> float:
    """Read a number typed as text.

    Parameters
    ----------
    text : str
    decimal : {",", "."}
        Decimal mark of the language or file. Thousands may be set apart with spaces or the other mark.
    declared : bool
        Somebody stated the mark for this very file, so that ``1.234`` is no longer ambiguous.

    Raises
    ------
    NumberError
        ``value.ambiguous_number`` where the text reads differently in another language (``1.234``, ``3.5`` in Dutch),
        ``value.not_a_number`` where it is none (``75 %``, ``9*``, digits of other scripts).
    """
    clean = text.translate(_SPACES).translate(_MINUS).strip()
    if not declared and (_AMBIGUOUS.match(clean) or _WRONG_MARK[decimal].match(clean)):
        raise NumberError("value.ambiguous_number")
    if _PLAIN.match(clean):
        return float(clean)
    if _DECIMAL[decimal].match(clean) or _GROUPED[decimal].match(clean):
        other = "." if decimal == "," else ","
        return float(clean.replace(" ", "").replace(other, "").replace(decimal, "."))
    if _WRONG_MARK[decimal].match(clean):
        raise NumberError("value.ambiguous_number")
    raise NumberError("value.not_a_number")


def parse_month(raw: object) -> str | None:
    """Return ``YYYY-MM`` for such a text or for a date cell; None for anything else."""
    if isinstance(raw, dt.date):
        return f"{raw.year:04d}-{raw.month:02d}"
    match = _MONTH.match(raw.strip()) if isinstance(raw, str) and raw.isascii() else None
    if match and 1 <= int(match[2]) <= 12:
        return f"{match[1]}-{int(match[2]):02d}"
    return None


def fold(text: str) -> str:
    """Return a text for comparison: case, accents and spaces made equal, invisible marks and other alphabets not."""
    decomposed = unicodedata.normalize("NFD", text)
    return " ".join("".join(char for char in decomposed if unicodedata.category(char) != "Mn").casefold().split())
