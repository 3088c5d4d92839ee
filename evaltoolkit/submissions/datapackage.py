"""The long table as a Data Package (version 2.0): CSV, what its columns mean, and the questions behind it.

What is in it are the answers as they were given, small numbers included: it is for handing data to another evaluator
under the same agreement, not for publishing. What may be published comes from a report or a suppressed panel.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.value_schema import table_schema, values_schema
from evaltoolkit.framework.values import COLUMNS
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.values_csv import write_values

_PROFILE = "https://datapackage.org/profiles/2.0"
_WARNING = (
    "Answers as they were given, small numbers included. Only for those who work under the agreement by which they "
    "were collected; not for publication."
)
_ABOUT = {
    "indicator": "Id of the indicator.",
    "part": "Part of the indicator: one question.",
    "type": "count, number, score, yes_no (1 and 0), choice, multi (codes joined by a semicolon) or month.",
    "minimum": "Lowest answer.",
    "maximum": "Highest answer.",
    "codes": "Codes of the options, joined by a semicolon.",
    "sensitivity": "none, low, small_cells or high: what must be hidden before publication.",
    "wording": "Version of the question that is asked now.",
    **{f"label_{language}": f"The question in the language {language}." for language in LANGUAGES},
}


def write_data_package(
    values: pd.DataFrame, framework: Framework, out_dir: str | Path, *, title: str = "", name: str = ""
) -> Path:
    """Write a table of values as a Data Package.

    Parameters
    ----------
    values : DataFrame
        See :mod:`evaltoolkit.framework.values`.
    framework : Framework
    out_dir : path
        Folder, made if it is not there: ``datapackage.json``, ``values.csv``, ``questions.csv`` and
        ``values.schema.json`` (JSON Schema of the same rows).
    title, name : str
        Of the package; by default from the framework.

    Returns
    -------
    Path
        ``datapackage.json``. The same values give the same bytes: no clock.
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    write_values(values[list(COLUMNS)], folder / "values.csv")
    write_values(_questions(framework), folder / "questions.csv")
    _write_json(folder / "values.schema.json", values_schema(framework))
    resources = [
        _resource(folder / "values.csv", table_schema(framework)),
        _resource(folder / "questions.csv", _questions_schema()),
    ]
    package = {
        "$schema": f"{_PROFILE}/datapackage.json",
        "name": name or re.sub(r"[^a-z0-9._-]+", "-", f"{framework.name}-values".lower()),
        "title": title or f"Values of {framework.name} {framework.version}",
        "description": _WARNING,
        "version": framework.version,
        "resources": resources,
    }
    return _write_json(folder / "datapackage.json", package)


def _resource(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "$schema": f"{_PROFILE}/dataresource.json",
        "name": path.stem,
        "type": "table",
        "path": path.name,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": schema,
    }


def _questions(framework: Framework) -> pd.DataFrame:
    rows = [
        {
            "indicator": indicator.id,
            "part": part.id,
            "type": part.type,
            "minimum": part.minimum,
            "maximum": part.maximum,
            "codes": ";".join(option.code for option in part.options),
            "sensitivity": indicator.sensitivity,
            "wording": wording_code(indicator),
            **{f"label_{language}": part.label.in_(language) for language in LANGUAGES},
        }
        for indicator in framework.indicators
        for part in indicator.parts
    ]
    return pd.DataFrame(rows, columns=list(_ABOUT))


def _questions_schema() -> dict[str, Any]:
    kinds = {"minimum": "number", "maximum": "number", "wording": "integer"}
    return {
        "$schema": f"{_PROFILE}/tableschema.json",
        "fields": [{"name": n, "type": kinds.get(n, "string"), "description": text} for n, text in _ABOUT.items()],
        "missingValues": [""],
        "primaryKey": ["indicator", "part"],
    }


def _write_json(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", newline="\n")
    return path
