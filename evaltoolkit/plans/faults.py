"""Where in a plan a fault stands, in the words of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from evaltoolkit.plans.plan import Plan
from evaltoolkit.validation import Loc, describe_error, model_at


def describe(error: ErrorDetails, raw: Mapping[str, Any]) -> str:
    """Return the sentence for one validation error of a plan."""
    return describe_error(error, Plan, place_of(error["loc"], raw))


def place_of(loc: Loc, raw: Mapping[str, Any]) -> str:
    """Return where an entry stands in the file: ``[estimation] comparison``, ``[[outcomes]] 2 (TRU-01) role``."""
    if not loc:
        return ""
    if loc[0] == "outcomes" and len(loc) > 1 and isinstance(loc[1], int):
        return _join(f"[[outcomes]] {loc[1] + 1}{_indicator_of(raw, loc[1])}", loc[2:])
    if len(loc) == 1:
        return f"[{loc[0]}]" if model_at(Plan, loc) else str(loc[0])
    if loc[0] == "overrides" or model_at(Plan, loc[:1]):
        return _join(f"[{loc[0]}]", loc[1:])
    return _join(str(loc[0]), loc[1:])


def _join(head: str, rest: Loc) -> str:
    return " ".join([head, *(f"entry {part + 1}" if isinstance(part, int) else part for part in rest)])


def _indicator_of(raw: Mapping[str, Any], index: int) -> str:
    outcomes = raw.get("outcomes")
    entry = outcomes[index] if isinstance(outcomes, list) and index < len(outcomes) else None
    name = entry.get("indicator") if isinstance(entry, dict) else None
    return f" ({name})" if isinstance(name, str) and name else ""
