"""One English sentence per fault of a framework file: file, entry, what is wrong, what is allowed."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evaltoolkit.findings import nearest

Loc = Sequence[int | str]

_PATTERNS = {
    "id": "write capitals, a hyphen and two digits, such as COMP-02; for a part: small letters, digits and _",
    "code": "write small letters, digits and _ only; the code of a rule begins with rule.",
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


def describe_faults(error: ValidationError, model: type[BaseModel], file: str, raw: Any) -> list[str]:
    """Return one sentence for each fault that validation found in a file."""
    details = error.errors()
    return [f"{file}: {_describe(d, model, raw)}" for d in details if not _follows(d, details)]


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Tell whether a list is called too short only because one of its entries has a fault of its own."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details
    )


def _describe(detail: ErrorDetails, model: type[BaseModel], raw: Any) -> str:
    loc, kind, given = detail["loc"], detail["type"], detail.get("input")
    place = _place(loc, raw)
    if kind == "extra_forbidden":
        known = sorted(_fields(model, loc[:-1]))
        return (
            f"{place}: this key is not known.{nearest(str(loc[-1]), known) or ' Known here: ' + ', '.join(known) + '.'}"
        )
    if kind == "missing":
        return f"{place}: this entry is missing; add it."
    if kind == "literal_error":
        words = [str(word) for word in get_args(_bare(_type_at(model, loc)))]
        return f'{place}: "{given}" is not allowed; write one of {", ".join(words)}.{nearest(str(given), words)}'
    if kind == "value_error":
        sentence = str(detail["ctx"]["error"])
        return f"{place}: {sentence}." if place else f"{sentence}."
    if kind == "string_pattern_mismatch":
        return f'{place}: "{given}" has the wrong form; {_PATTERNS.get(str(loc[-1]), "change it")}.'
    if kind in ("string_too_short", "too_short"):
        return f"{place}: this is empty; fill it in."
    wanted = _KINDS.get(kind.split("_")[0], "")
    return f"{place}: write {wanted}." if wanted else f"{place}: {detail['msg']}."


def _place(loc: Loc, raw: Any) -> str:
    """Return where an entry stands, lists by the id or code of their entry: ``parts "case" label.nl``."""
    words: list[str] = []
    here = raw
    for step in loc:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, int):
            name = here.get("id") or here.get("code") if isinstance(here, dict) else None
            words.append(f' "{name}" ' if name else f" {step + 1} ")
        else:
            words.append(step if not words or words[-1].endswith(" ") else f".{step}")
    return "".join(words).strip()


def _type_at(model: type[BaseModel], loc: Loc) -> Any:
    here: Any = model
    for step in loc:
        here = _bare(here)
        if isinstance(step, int):
            here = get_args(here)[0]
        elif isinstance(here, type) and issubclass(here, BaseModel) and step in here.model_fields:
            here = here.model_fields[step].annotation
    if get_origin(_bare(here)) is tuple:
        here = get_args(_bare(here))[0]
    return here


def _fields(model: type[BaseModel], loc: Loc) -> set[str]:
    here = _bare(_type_at(model, loc))
    return set(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else set()


def _bare(annotation: Any) -> Any:
    """Take ``Annotated[...]`` and ``... | None`` off a type."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation
