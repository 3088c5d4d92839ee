"""What a row of the long table may hold, as JSON Schema and as Table Schema, from a framework.

A row has no number (``null``) where its answer is a code, a month, or missing for a reason.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from evaltoolkit.framework.indicator import Framework, Indicator, Part
from evaltoolkit.framework.schema import DIALECT
from evaltoolkit.framework.values import COLUMNS, MISSING, STATUSES, UNIT_KINDS

KEY = ("unit_kind", "unit", "period", "indicator", "part")
_DAY = r"\d{4}-\d{2}-\d{2}"
PERIOD = rf"^(\d{{4}}|\d{{4}}-Q[1-4]|\d{{4}}-(0[1-9]|1[0-2])|{_DAY}/{_DAY})$"
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
_TEXT_TYPES = ("choice", "multi", "month")
DESCRIPTIONS = {
    "unit_kind": "What answered: a municipality, or a local cell (LIVC-R) of one or several of them.",
    "unit": "Code of the unit, as text; for a municipality its statistical code.",
    "period": "Reporting period: a year, a quarter, a month, or two dates.",
    "indicator": "Id of the indicator.",
    "part": "Part of the indicator: one question, never a compound.",
    "value": "The number; empty where the answer is a code, a month, or missing.",
    "text": "Codes of the chosen options, joined by a semicolon, or a month; empty where there is none.",
    "status": (
        "registered, or reconstructed afterwards; or why there is no answer: DK don't know, NAP not applicable, "
        "RF refused, NR not recorded, SUP suppressed."
    ),
    "source": "Where the row comes from: file and cell, or file and row.",
    "wording": "Version of the question: 100 * (version of the definition - 1) + wording. A change is a break.",
}


def values_schema(framework: Framework) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the long table, an array of rows, for the indicators of a framework."""
    properties: dict[str, Any] = {
        name: {"type": "string", "description": DESCRIPTIONS[name]} for name in COLUMNS if name not in _NUMBERS
    }
    properties["unit_kind"]["enum"] = list(UNIT_KINDS)
    properties["unit"]["minLength"] = 1
    properties["period"]["pattern"] = PERIOD
    properties["indicator"]["enum"] = [indicator.id for indicator in framework.indicators]
    properties["status"]["enum"] = list(STATUSES)
    properties["value"] = {"type": ["number", "null"], "description": DESCRIPTIONS["value"]}
    properties["wording"] = {"type": "integer", "minimum": 1, "description": DESCRIPTIONS["wording"]}
    row = {
        "type": "object",
        "properties": {name: properties[name] for name in COLUMNS},
        "required": list(COLUMNS),
        "additionalProperties": False,
        "allOf": [_no_answer(), *(_indicator(indicator) for indicator in framework.indicators)],
    }
    title = f"Values of {framework.name} {framework.version}"
    return {"$schema": DIALECT, "title": title, "type": "array", "items": row}


_NUMBERS = ("value", "wording")


def value_records(values: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table of values as rows for JSON: NaN becomes None."""
    rows = values[list(COLUMNS)].to_dict(orient="records")
    return [{str(k): None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()} for row in rows]


def _no_answer() -> dict[str, Any]:
    return {
        "if": {"properties": {"status": {"enum": list(MISSING)}}},
        "then": {"properties": {"value": {"type": "null"}, "text": {"const": ""}}},
    }


def _indicator(indicator: Indicator) -> dict[str, Any]:
    """Return what holds for the rows of an indicator: its parts, and for each of them its answers."""
    parts = [
        {"if": {"properties": {"part": {"const": part.id}}}, "then": {"properties": _answer(part)}}
        for part in indicator.parts
    ]
    return {
        "if": {"properties": {"indicator": {"const": indicator.id}}},
        "then": {"properties": {"part": {"enum": list(indicator.part_ids)}}, "allOf": parts},
    }


def _answer(part: Part) -> dict[str, Any]:
    if part.type in _TEXT_TYPES:
        return {"value": {"type": "null"}, "text": _text(part)}
    number: dict[str, Any] = {"type": ["number", "null"]}
    low = 0.0 if part.type in ("count", "yes_no") and part.minimum is None else part.minimum
    high = 1.0 if part.type == "yes_no" else part.maximum
    number |= {"minimum": low} if low is not None else {}
    number |= {"maximum": high} if high is not None else {}
    number |= {"multipleOf": 1} if part.type in ("count", "yes_no") else {}
    return {"value": number, "text": {"const": ""}}


def _text(part: Part) -> dict[str, Any]:
    """An empty text is a reason for no answer or, of a multiple choice, none of the options."""
    if part.type == "month":
        return {"anyOf": [{"const": ""}, {"pattern": MONTH}]}
    codes = [option.code for option in part.options]
    if part.type == "choice":
        return {"enum": ["", *codes]}
    one = "|".join(codes)
    return {"pattern": rf"^(|({one})(;({one}))*)$"}


def table_schema(framework: Framework) -> dict[str, Any]:
    """Return the Table Schema (Data Package 2.0) of the long table as CSV."""
    fields: list[dict[str, Any]] = []
    kinds = {"value": "number", "wording": "integer"}
    limits: dict[str, dict[str, Any]] = {
        "unit_kind": {"enum": list(UNIT_KINDS)},
        "period": {"pattern": PERIOD[1:-1]},
        "indicator": {"enum": [indicator.id for indicator in framework.indicators]},
        "status": {"enum": list(STATUSES)},
        "wording": {"minimum": 1},
    }
    for name in COLUMNS:
        field: dict[str, Any] = {"name": name, "type": kinds.get(name, "string"), "description": DESCRIPTIONS[name]}
        needed = {"required": True} if name not in ("value", "text", "source") else {}
        if needed or name in limits:
            field["constraints"] = needed | limits.get(name, {})
        fields.append(field)
    return {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": fields,
        "missingValues": [""],
        "primaryKey": list(KEY),
        "foreignKeys": [
            {
                "fields": ["indicator", "part"],
                "reference": {"resource": "questions", "fields": ["indicator", "part"]},
            }
        ],
    }
