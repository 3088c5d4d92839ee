"""One English sentence per fault that pydantic finds in a file a person wrote: what is wrong, what is allowed."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from evaltoolkit.findings import nearest

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
    "model": "a table of its own",
}


def describe_error(
    detail: ErrorDetails, model: type[BaseModel], place: str, patterns: Mapping[str, str] | None = None
) -> str:
    """Return the sentence for one validation error.

    Parameters
    ----------
    detail : one entry of ``ValidationError.errors()``
    model : the model that validated the whole file
    place : where the entry stands, in words; empty for the file as a whole
    patterns : for entries with a form of their own (by name): how to write them
    """
    loc, kind = detail["loc"], detail["type"]
    head = f"{place}: " if place else ""
    if kind in ("extra_forbidden", "literal_error"):
        return head + _choices(detail, model)
    if kind == "missing":
        return f"{head}this entry is missing; add it."
    if kind == "value_error":
        sentence = str(detail["ctx"]["error"])
        return f"{head}{sentence}." if place else f"{sentence[0].upper()}{sentence[1:]}."
    if kind == "string_pattern_mismatch":
        how = (patterns or {}).get(str(loc[-1]), "change it")
        return f'{head}"{detail["input"]}" has the wrong form; {how}.'
    if kind in _BOUNDS:
        key, word = _BOUNDS[kind]
        return f"{head}{detail['input']} is outside what is possible; give a number {word} {detail['ctx'][key]}."
    if kind in ("string_too_short", "too_short"):
        return f"{head}this is empty; fill it in."
    wanted = _KINDS.get(kind.split("_")[0], "")
    return f"{head}write {wanted}." if wanted else f"{head}{detail['msg']}."


def _choices(detail: ErrorDetails, model: type[BaseModel]) -> str:
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        known = sorted(fields_at(model, loc[:-1]))
        hint = nearest(str(loc[-1]), known) or f" Known here: {', '.join(known)}."
        return f"this key is not known.{hint}"
    given = str(detail["input"])
    words = [str(word) or '"" (nothing)' for word in get_args(bare(type_at(model, loc)))]
    return f'"{given}" is not allowed; write one of {", ".join(words)}.{nearest(given, words)}'


def fields_at(model: type[BaseModel], loc: Loc) -> set[str]:
    """Return the names that may stand at a place of a file; none where it holds a plain value."""
    here = model_at(model, loc)
    return set(here.model_fields) if here else set()


def model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """Return the model that a place of a file is validated by, or None for a plain value."""
    here = bare(type_at(model, loc))
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def type_at(model: type[BaseModel], loc: Loc) -> Any:
    """Return the annotation at a place of a file; of a list, that of its entries."""
    here: Any = model
    for step in loc:
        here = bare(here)
        if isinstance(step, int):
            here = get_args(here)[0] if get_args(here) else None
        elif isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(step)
            here = field.annotation if field else None
        else:
            here = get_args(here)[-1] if get_origin(here) is dict else None
    inner = bare(here)
    return get_args(inner)[0] if get_origin(inner) is tuple else here


def bare(annotation: Any) -> Any:
    """Take ``Annotated[...]`` and ``... | None`` off a type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return bare(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation
