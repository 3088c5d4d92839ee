"""A JSON file from outside, opened with limits: what is not plain data of a known depth is refused as a whole."""

from __future__ import annotations

import json
import re
from typing import Any

from evaltoolkit.findings import Fact

MEGABYTE = 1_000_000
MAX_FILE = 2 * MEGABYTE
# document, list of answers, answer, list of codes
MAX_DEPTH = 4
_MAX_DIGITS = 25
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[{]|[\]}]")
# control characters, halves of surrogate pairs, private use
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")


class RefusedJsonError(Exception):
    """A file of which nothing is read; becomes a finding of the same code."""

    def __init__(self, code: str, **facts: Fact) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def load_strict(content: bytes) -> object:
    """Return the data of a JSON file.

    Numbers too large for a float become infinite and are judged where they stand.

    Raises
    ------
    RefusedJsonError
        Empty, too large, too deep, no JSON in UTF-8, a key that stands twice in an object, NaN or Infinity, or a text
        with characters that nobody types.
    """
    if not content:
        raise RefusedJsonError("file.empty")
    if len(content) > MAX_FILE:
        raise RefusedJsonError("web_form.too_large", limit=MAX_FILE // MEGABYTE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedJsonError("web_form.not_json") from None
    if _depth(text) > MAX_DEPTH:
        raise RefusedJsonError("web_form.too_deep")
    try:
        data: object = json.loads(
            text, object_pairs_hook=_unique, parse_int=_whole, parse_float=float, parse_constant=_refuse_constant
        )
    except ValueError:
        raise RefusedJsonError("web_form.not_json") from None
    if any(_UNSAFE.search(piece) for piece in texts_in(data)):
        raise RefusedJsonError("web_form.unsafe_text")
    return data


def texts_in(data: object) -> list[str]:
    """Return every text in the data, keys too."""
    if isinstance(data, str):
        return [data]
    if isinstance(data, list):
        return [text for item in data for text in texts_in(item)]
    if isinstance(data, dict):
        return [*data, *(text for item in data.values() for text in texts_in(item))]
    return []


def numbers_in(data: object) -> list[float]:
    """Return every number in the data."""
    if isinstance(data, bool):
        return []
    if isinstance(data, int | float):
        return [float(data)]
    items = data if isinstance(data, list) else list(data.values()) if isinstance(data, dict) else []
    return [number for item in items for number in numbers_in(item)]


def _depth(text: str) -> int:
    """Return how deep brackets are nested outside of strings, found without nesting a call."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedJsonError("web_form.duplicate_key")
    return found


def _whole(digits: str) -> int | float:
    # a number of many digits costs time to read exactly, and no answer has so many
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def _refuse_constant(_: str) -> float:
    raise RefusedJsonError("web_form.not_finite")
