"""Patterns of personal data; what matches is never stored, shown or logged, only its cell is named.

Digits of every script, odd spaces and dashes are made plain first, so that another way of writing hides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import islice
from typing import Literal

from evaltoolkit.submissions.personal_words import flatten, load_words

Kind = Literal["national_number", "email", "phone", "birth_date"]

_AT = re.compile(r"\s?(?:@|[(\[]\s?(?:at|a|arobase)\s?[)\]])\s?", re.IGNORECASE)
_BEFORE_AT = re.compile(r"[^\s@<>;,]\Z")
_DOMAIN = re.compile(r"[^\s@<>;,]{1,200}\.[A-Za-z]{2,}")
_GAP = r"[\s./_:-]{0,3}"
_ELEVEN = re.compile(
    # a digit comes first in these patterns, so that the search jumps from digit to digit
    rf"([0-9](?<![0-9].)[0-9]){_GAP}([0-9]{{2}}){_GAP}([0-9]{{2}}){_GAP}([0-9]{{3}}){_GAP}([0-9]{{2}})(?![0-9])"
)
# one and the same mark between all digits: 8 5 0 7 …
_SPREAD = re.compile(r"[0-9](?<![0-9].)(?:([ ./_-])[0-9])(?:\1[0-9]){9}(?!\1?[0-9])")
_PHONE = re.compile(
    # not in the middle of a date or another chain of digits
    r"(?<![0-9+])(?<![0-9][\s./-])(?![0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4})"
    r"(?:(?:\+|00\s?)(?:32|31|33|49|352|44|34|39|41|48|40|90|212|213|216)|\(?0)"
    r"[\s./-]?\(?0?\)?[1-9](?:[\s./()-]{0,2}[0-9]){7,8}(?![\s./-]?[0-9])"
)
_DIGITS = re.compile(r"[0-9]")
_BASE = 97
# A number of eleven digits may lose leading zeros when it is typed into a number cell.
_NUMBER_FROM, _NUMBER_TO = 10**8, 10**11
# of births from January to September 2000 three zeros are lost; so small an amount is usual only in own data
_LEAST = 10**7
# a Belgian mobile number with its country code, or without its first zero, typed into a number cell
_MOBILE = (range(32_450_000_000, 32_500_000_000), range(450_000_000, 500_000_000))
_MOST_MONTH, _MOST_DAY = 12, 31
# letters between a word for being born and the day, and of a day written out
_SOON, _LONGEST_DAY = 40, 24
_SHORTEST = len("°1/1/85")
_YEAR = re.compile(r"[0-9]{2}")
# words for being born in one text that are looked at: nobody has more, and looking costs time
_MOST_WORDS = 2_000
MASK = "…"


def find_personal(text: str) -> Kind | None:
    """Return the kind of personal data that a text seems to hold: national number, e-mail, phone, date of birth."""
    if len(text) < 6:
        return None
    plain = _plain(text)
    if _has_email(plain):
        return "email"
    if len(plain) < _SHORTEST or not _DIGITS.search(plain):
        return None
    if has_national_number(plain):
        return "national_number"
    if _has_birth_date(plain):
        return "birth_date"
    return "phone" if _PHONE.search(plain) else None


def find_in_number(number: float, *, dated: bool = False) -> Kind | None:
    """Return the kind of personal data that a number cell may hold: its digits were typed without marks.

    ``dated``: amounts of hundreds of millions are usual, so only a national number that begins with a date counts.
    """
    least = _NUMBER_FROM if dated else _LEAST
    if not (least <= number < _NUMBER_TO and number == int(number)):
        return None
    if has_national_number(f"{int(number):011d}", dated=dated or number < _NUMBER_FROM):
        return "national_number"
    return "phone" if not dated and any(int(number) in numbers for numbers in _MOBILE) else None


def has_national_number(text: str, *, dated: bool = False) -> bool:
    """Tell whether a plain text holds a Belgian national or bis number.

    ``dated``: only one that begins with a date of birth, as every real one does. That tells it from the numbers of
    programs and registers, of which two in a hundred have the right check digits.
    """
    chains = ["".join(match.groups()) for match in _ELEVEN.finditer(text)]
    chains += ["".join(_DIGITS.findall(match[0])) for match in _SPREAD.finditer(text)]
    return any(_is_national_number(digits) and (not dated or _begins_with_date(digits)) for digits in chains)


def holds_day(text: str) -> bool:
    """Tell whether a text holds a day of a life, written out or in digits."""
    return _day().search(flatten(_plain(text))) is not None


def mask_personal(text: str) -> str:
    """Return a text as it is, or nothing but a mark where it seems to hold personal data."""
    return MASK if find_personal(text) else text


def _plain(text: str) -> str:
    """Return a text with plain digits, spaces and dashes, and without marks that nobody sees."""
    if text.isascii():
        return text
    return "".join(map(_plain_char, unicodedata.normalize("NFKC", text)))


@cache
def _plain_char(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    return {"Cf": "", "Zs": " ", "Pd": "-"}.get(category, "." if char in "·•∙‧" else "-" if char == "\u2212" else char)


def _has_email(text: str) -> bool:
    """Tell whether something stands directly before an at sign, and a domain behind it."""
    return any(
        _BEFORE_AT.search(text[max(at.start() - 1, 0) : at.start()]) and _DOMAIN.match(text, at.end())
        for at in _AT.finditer(text)
    )


def _is_national_number(digits: str) -> bool:
    """Check digits of the Belgian national and bis number, for births before and from 2000."""
    body, check = digits[:9], int(digits[9:])
    return any(_BASE - int(prefix + body) % _BASE == check for prefix in ("", "2"))


def _begins_with_date(digits: str) -> bool:
    """Tell whether the second and third pair are month and day; a bis number adds 20 or 40 to the month."""
    month, day = int(digits[2:4]), int(digits[4:6])
    # without a known month, days only count on
    return month == 0 or (month % 20 <= _MOST_MONTH and month < 3 * 20 and day <= _MOST_DAY)


def _has_birth_date(text: str) -> bool:
    """Tell whether a day stands soon after a word for being born, or just before it."""
    if not _YEAR.search(text):
        return False
    flat, accented = flatten(text), text.casefold()
    for said, shown in ((_birth_words(accents=False), flat), (_birth_words(accents=True), accented)):
        for word in islice(said.finditer(shown), _MOST_WORDS):
            if _is_day_after(shown, word.end()) or _is_day_before(shown, word.start()):
                return True
    return False


def _is_day_after(text: str, start: int) -> bool:
    end = start + _SOON + _LONGEST_DAY
    year = _YEAR.search(text, start, end)
    found = _day().search(text, start, end) if year else None
    return found is not None and found.start() - start <= _SOON and "\n" not in text[start : found.start()]


def _is_day_before(text: str, end: int) -> bool:
    before = text[max(end - _LONGEST_DAY, 0) : end].rstrip(" ,;:()-")
    return before[-1:].isdigit() and _day_before().search(before) is not None


@cache
def _birth_words(*, accents: bool) -> re.Pattern[str]:
    """Words whose accents count, or all others: ``né le`` is a birth, ``ne`` is none. ``°`` before a day is one too."""
    words = sorted((word for word in load_words().birth if word.isascii() != accents), key=len, reverse=True)
    return re.compile(
        rf"(?<![^\W_])(?:{'|'.join(map(re.escape, words))})(?![^\W_])" + ("" if accents else r"|°(?=\s?[0-9])")
    )


@cache
def _day() -> re.Pattern[str]:
    # accents stay where those of the words count
    accented = "février|août|décembre|märz"
    return re.compile(_date("|".join([accented, *sorted(load_words().months, key=len, reverse=True)])))


@cache
def _day_before() -> re.Pattern[str]:
    return re.compile(_day().pattern + r"\Z")


def _date(months: str) -> str:
    """Return the pattern of a day in a life: digits either way round, or with the name of a month."""
    year = r"(?:(?:19|20)[0-9]{2}|'?[0-9]{2})"
    day, month = r"(?:0?[1-9]|[12][0-9]|3[01])", r"(?:0?[1-9]|1[0-2])"
    gap = r"\s?[./\s-]\s?"
    return (
        rf"(?<![0-9])(?:{day}{gap}{month}{gap}{year}|(?:19|20)[0-9]{{2}}{gap}{month}{gap}{day}|"
        rf"{day}(?:er|e|th|st|nd|rd|ste|\.)?\s?(?:{months})\.?,?\s?{year}|"
        rf"(?:{months})\.?\s?{day}(?:th|st|nd|rd)?,?\s{year})(?![0-9])"
    )
