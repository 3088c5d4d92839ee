"""The JSON Schema of a plan, for editors: what may stand in the file, and what each entry means."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from evaltoolkit.i18n import Words, words
from evaltoolkit.plans.plan import Plan

# a new plan names this file in its first line
SCHEMA_NAME = "plan.schema.json"
_SECTIONS = {
    "Data": "data",
    "Treatment": "treatment",
    "Outcome": "outcomes",
    "Estimation": "estimation",
    "Graph": "graph",
    "Dose": "dose",
}
# a translation repeats words of the plan and of its parts
_TRANSLATED = {
    "action": "treatment",
    "decided_by": "treatment",
    "why_then": "treatment",
    "nodes": "graph",
    "words": "translations",
}
_PERIOD = {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan, generated from the model, with a description of every entry in English.

    What the model asks over several entries is added in words that editors of any draft know (``anyOf``, ``enum``):
    one source of values and one of starts, and for each role its number. What no schema can say (periods in order,
    the lower ratio first, files that exist, no outcome twice) stays with ``evaltoolkit plan check``.
    """
    schema: dict[str, Any] = Plan.model_json_schema()
    parts = schema["$defs"]
    _describe(schema, "", words("en"))
    for name, section in _SECTIONS.items():
        _describe(parts[name], section, words("en"))
    _describe(parts["Translation"], "", words("en"), elsewhere=_TRANSLATED)
    # years may be written without quotes
    schema["properties"]["periods"]["items"] = _PERIOD
    parts["Outcome"]["properties"]["wording_break"] |= _PERIOD
    del parts["Outcome"]["properties"]["wording_break"]["type"]
    parts["Data"]["allOf"] = [_one_source(), _one_of("roster", "treated_from", "treatment")]
    parts["Outcome"]["anyOf"] = _numbers_of_roles()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """Return the schema as it is written to a file."""
    return json.dumps(plan_schema(), indent=1, ensure_ascii=False) + "\n"


def stored_schema() -> str:
    """Return the schema that is packaged with the toolkit."""
    return (resources.files("evaltoolkit") / "data" / SCHEMA_NAME).read_text(encoding="utf-8")


def _describe(part: dict[str, Any], section: str, say: Words, elsewhere: dict[str, str] | None = None) -> None:
    # docstrings are for readers of the code
    part.pop("description", None)
    for name, entry in part["properties"].items():
        entry.pop("title", None)
        place = (elsewhere or {}).get(name, section)
        code = f"plan_new.field.{place}.{name}" if place else f"plan_new.field.{name}"
        if say.has(code):
            entry["description"] = say.say(code)


def _given(name: str) -> dict[str, Any]:
    """An entry that is there and not empty."""
    filled = {"minLength": 1, "pattern": r"\S"} if name not in ("wide", "csv") else {"minItems": 1}
    return {"required": [name], "properties": {name: filled}}


def _one_of(*names: str) -> dict[str, Any]:
    return {"oneOf": [_given(name) for name in names]}


def _one_source() -> dict[str, Any]:
    return {"oneOf": [_given("panel"), {"anyOf": [_given(name) for name in ("store", "wide", "csv")]}]}


def _numbers_of_roles() -> list[dict[str, Any]]:
    number = {"type": "number"}
    return [
        {
            "required": ["smallest_relevant"],
            "properties": {"role": {"enum": ["primary", "secondary"]}, "smallest_relevant": number},
        },
        {"required": ["margin"], "properties": {"role": {"enum": ["guardrail"]}, "margin": number}},
        {
            "required": ["not_measurable"],
            "properties": {"role": {"enum": ["guardrail"]}, "not_measurable": {"enum": [True]}},
        },
    ]
