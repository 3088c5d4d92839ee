"""One answer of a form: what stands in its cell, read by type and language; never a guess."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from evaltoolkit.framework.indicator import Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.layout import STATUS_CODES, yes_no
from evaltoolkit.submissions.numbers import DECIMAL_MARK, NumberError, fold, parse_month, parse_number
from evaltoolkit.submissions.parts import Fault
from evaltoolkit.submissions.sheets import Raw

_DASH = re.compile(r"\s*[-–—:]\s*|\s+")
_NAN = float("nan")
_YES_NO_FAULT: Fault = ("value.not_yes_no", {})
_OPTION_FAULT: Fault = ("value.unknown_option", {})


@dataclass(frozen=True, slots=True)
class Typed:
    """A cell's content by the type of its part; with a fault, no value."""

    value: float = _NAN
    text: str = ""
    fault: Fault | None = None


def type_answer(part: Part, raw: Raw, language: str) -> Typed:
    """Return a filled cell's content as number or code.

    Parameters
    ----------
    part : Part
        A cell of a ``multi`` part is read as yes or no.
    raw : str, float, bool or date
        Not None.
    language : str
        Language of the form: its decimal mark counts. Words of an answer are known in all four.
    """
    if part.type in ("yes_no", "multi"):
        return _type_yes_no(raw)
    if part.type == "choice":
        return _type_choice(part, raw)
    if part.type == "month":
        month = parse_month(raw)
        return Typed(text=month) if month else Typed(fault=("value.not_month", {}))
    return _type_number(raw, language)


def type_status(raw: Raw) -> str | None:
    """Return the code before the dash, an empty text for an empty cell, or None where it is no status."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        return None
    code = _DASH.split(raw.strip(), maxsplit=1)[0]
    known = {status.casefold(): status for status in STATUS_CODES}
    return known.get(code.casefold()) if raw.strip() else ""


def _type_number(raw: Raw, language: str) -> Typed:
    if isinstance(raw, bool):
        return Typed(fault=("value.boolean", {}))
    if isinstance(raw, int | float):
        return Typed(value=float(raw))
    if isinstance(raw, dt.date | dt.time | dt.timedelta):
        return Typed(fault=("value.date", {}))
    text = str(raw)
    if type_status(text) in MISSING:
        return Typed(fault=("value.status_in_answer", {}))
    try:
        return Typed(value=parse_number(text, DECIMAL_MARK[language]))
    except NumberError as error:
        return Typed(fault=(error.code, {}))


def _type_yes_no(raw: Raw) -> Typed:
    if isinstance(raw, str):
        found = _yes_no_words().get(fold(raw))
        return Typed(value=found) if found is not None else Typed(fault=_YES_NO_FAULT)
    if isinstance(raw, int | float) and raw in (0, 1):
        return Typed(value=float(raw))
    return Typed(fault=_YES_NO_FAULT)


@cache
def _yes_no_words() -> Mapping[str, float]:
    pairs = [yes_no(language) for language in LANGUAGES]
    return {fold(word): value for pair in pairs for word, value in zip(pair, (1.0, 0.0), strict=True)}


def _type_choice(part: Part, raw: Raw) -> Typed:
    codes = _labels(part).get(fold(raw), frozenset()) if isinstance(raw, str) else frozenset()
    if len(codes) == 1:
        return Typed(text=next(iter(codes)))
    return Typed(fault=_OPTION_FAULT)


_LABELS: dict[int, tuple[Part, dict[str, frozenset[str]]]] = {}


def _labels(part: Part) -> dict[str, frozenset[str]]:
    """Return folded labels and codes -> option codes; kept by identity, for hashing a part costs more than this."""
    known = _LABELS.get(id(part))
    if known is not None and known[0] is part:
        return known[1]
    found: dict[str, set[str]] = {}
    for option in part.options:
        for word in (option.code, *(option.label.in_(language) for language in LANGUAGES)):
            found.setdefault(fold(word), set()).add(option.code)
    result = {word: frozenset(codes) for word, codes in found.items()}
    _LABELS[id(part)] = (part, result)
    return result
