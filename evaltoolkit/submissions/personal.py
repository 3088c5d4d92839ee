"""Patterns of personal data; what matches is never stored, shown or logged, only its cell is named."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["national_number", "email", "phone"]

_EMAIL = re.compile(r"[^\s@<>;,]{1,64}@[^\s@<>;,]{1,200}\.[A-Za-z]{2,}")
_ELEVEN = re.compile(
    r"(?<![0-9])([0-9]{2})[. /-]?([0-9]{2})[. /-]?([0-9]{2})[. /-]{0,3}([0-9]{3})[. /-]?([0-9]{2})(?![0-9])"
)
_PHONE = re.compile(
    # not in the middle of a date or another chain of digits
    r"(?<![0-9+])(?<![0-9][\s./-])(?![0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4})(?:(?:\+|00\s?)(?:32|31|33|49|352)|0)"
    r"[\s./-]?\(?0?\)?[1-9](?:[\s./-]?[0-9]){7,8}(?![\s./-]?[0-9])"
)
_BASE = 97
MASK = "…"


def find_personal(text: str) -> Kind | None:
    """Return the kind of personal data that a text seems to hold: national number, e-mail or phone number."""
    if len(text) < 6:
        return None
    if "@" in text and _EMAIL.search(text):
        return "email"
    if any(_is_national_number("".join(match.groups())) for match in _ELEVEN.finditer(text)):
        return "national_number"
    return "phone" if _PHONE.search(text) else None


def _is_national_number(digits: str) -> bool:
    """Check digits of the Belgian national and bis number, for births before and from 2000."""
    body, check = digits[:9], int(digits[9:])
    return any(_BASE - int(prefix + body) % _BASE == check for prefix in ("", "2"))


def mask_personal(text: str) -> str:
    """Return a text as it is, or nothing but a mark where it seems to hold personal data."""
    return MASK if find_personal(text) else text
