"""JSON Schema of the files of a framework, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.indicator import Composite, Indicator, Rule
from evaltoolkit.i18n import words

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ONE: dict[str, type[BaseModel]] = {"indicator": Indicator}
_LISTS: dict[str, tuple[str, type[BaseModel]]] = {"rules": ("rules", Rule), "composites": ("composites", Composite)}
KINDS = (*_ONE, *_LISTS)


def framework_schema(kind: str = "indicator") -> dict[str, Any]:
    """Return the schema of one kind of file.

    Parameters
    ----------
    kind : {"indicator", "rules", "composites"}
        ``indicators/<id>.toml``, ``rules.toml`` or ``composites.toml``.

    Raises
    ------
    EvaltoolkitError
        Unknown kind.
    """
    if kind not in KINDS:
        raise EvaltoolkitError(f'There is no file of the kind "{kind}": {", ".join(KINDS)}.{nearest(kind, KINDS)}')
    if kind in _ONE:
        schema = _ONE[kind].model_json_schema()
    else:
        name, model = _LISTS[kind]
        entry = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions = entry.pop("$defs", {})
        listed = {"type": "array", "items": entry}
        schema = {"type": "object", "properties": {name: listed}, "required": [name], "$defs": definitions}
        schema["additionalProperties"] = False
    _describe(schema)
    for definition in schema.get("$defs", {}).values():
        _describe(definition)
    return {"$schema": DIALECT, "title": f"evaltoolkit {kind}", **{k: v for k, v in schema.items() if k != "title"}}


def _describe(schema: dict[str, Any]) -> None:
    """Give each entry the name that the codebook has for it."""
    say = words("en")
    for name, entry in schema.get("properties", {}).items():
        code = f"codebook.field.{name}"
        if say.has(code) and "description" not in entry:
            entry["description"] = say.say(code)
