"""One English sentence per fault of a framework file: file, entry, what is wrong, what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evaltoolkit.validation import Loc, describe_error

_PATTERNS = {
    "id": "write capitals, a hyphen and two digits, such as COMP-02; for a part: small letters, digits and _",
    "code": "write small letters, digits and _ only; the code of a rule begins with rule.",
}


def describe_faults(error: ValidationError, model: type[BaseModel], file: str, raw: Any) -> list[str]:
    """Return one sentence for each fault that validation found in a file."""
    details = error.errors()
    return [
        f"{file}: {describe_error(d, model, _place(d['loc'], raw), _PATTERNS)}"
        for d in details
        if not _follows(d, details)
    ]


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Tell whether a list is called too short only because one of its entries has a fault of its own."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details
    )


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
