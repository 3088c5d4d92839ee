"""One English sentence per fault of a plan: place, what is wrong, what is allowed, nearest valid word."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from evaltoolkit.findings import nearest
from evaltoolkit.plans.plan import Plan

Loc = Sequence[int | str]

_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_KINDS = {
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list in square brackets",
    "dict": "a table of key = value lines",
    "model": "a section of its own",
}


def describe(error: ErrorDetails, raw: Mapping[str, Any]) -> str:
    """Return the sentence for one validation error of a plan."""
    loc, kind = error["loc"], error["type"]
    place = place_of(loc, raw)
    if kind == "extra_forbidden":
        known = sorted(_fields_at(loc[:-1]))
        return (
            f"{place}: this key is not known.{nearest(str(loc[-1]), known) or ' Known here: ' + ', '.join(known) + '.'}"
        )
    if kind == "missing":
        return f"{place}: this entry is missing; add it."
    if kind == "literal_error":
        words = _allowed(loc)
        given = str(error["input"])
        return f'{place}: "{given}" is not allowed; write one of {", ".join(words)}.{nearest(given, words)}'
    if kind == "value_error":
        sentence = str(error["ctx"]["error"])
        return f"{place}: {sentence}." if place else f"{sentence[0].upper()}{sentence[1:]}."
    if kind in _BOUNDS:
        key, word = _BOUNDS[kind]
        return f"{place}: {error['input']} is outside what is possible; give a number {word} {error['ctx'][key]}."
    if kind in ("too_short", "missing_argument"):
        return f"{place}: at least {error['ctx'].get('min_length', 1)} is needed."
    wanted = _KINDS.get(kind.split("_")[0], "")
    return f"{place}: write {wanted}." if wanted else f"{place}: {error['msg']}."


def place_of(loc: Loc, raw: Mapping[str, Any]) -> str:
    """Return where an entry stands in the file: ``[estimation] comparison``, ``[[outcomes]] 2 (TRU-01) role``."""
    if not loc:
        return ""
    if loc[0] == "outcomes" and len(loc) > 1 and isinstance(loc[1], int):
        return _join(f"[[outcomes]] {loc[1] + 1}{_indicator_of(raw, loc[1])}", loc[2:])
    if len(loc) == 1:
        return f"[{loc[0]}]" if _model_at(loc) else str(loc[0])
    if loc[0] == "overrides" or _model_at(loc[:1]):
        return _join(f"[{loc[0]}]", loc[1:])
    return _join(str(loc[0]), loc[1:])


def _join(head: str, rest: Loc) -> str:
    return " ".join([head, *(f"entry {part + 1}" if isinstance(part, int) else part for part in rest)])


def _indicator_of(raw: Mapping[str, Any], index: int) -> str:
    outcomes = raw.get("outcomes")
    entry = outcomes[index] if isinstance(outcomes, list) and index < len(outcomes) else None
    name = entry.get("indicator") if isinstance(entry, dict) else None
    return f" ({name})" if isinstance(name, str) and name else ""


def _fields_at(loc: Loc) -> dict[str, Any]:
    model = _model_at(loc)
    return {name: field.annotation for name, field in model.model_fields.items()} if model else {}


def _model_at(loc: Loc) -> type[BaseModel] | None:
    """Return the model that a place in the plan is validated by, or None for a plain value."""
    model: type[BaseModel] = Plan
    for part in loc:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is tuple:
        return _model_in(get_args(annotation)[0])
    return None


def _allowed(loc: Loc) -> list[str]:
    annotation = _fields_at(loc[:-1]).get(str(loc[-1]))
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = get_args(annotation)[0]
    return [str(word) if str(word) else '"" (nothing)' for word in get_args(annotation)]
