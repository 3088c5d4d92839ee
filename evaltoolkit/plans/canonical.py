"""The same bytes for the same content, on any machine: what the digests of a lock are taken over."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.plan import Plan

# fields that plans did not have at first: they enter the content only where they are given, so that the digest of a
# plan that does without them, and every lock made before they existed, stay what they were
ADDED_LATER = frozenset({"assumptions", "checks", "decision_rule", "dose", "graph", "nodes", "words"})
# the same for entries of tables, with the value that stands for "not given"
ADDED_TO_TABLES: Mapping[str, Mapping[str, object]] = {
    "data": {"treatment": ""},
    "treatment": {"rollout": "", "rollout_units": "", "concurrent": []},
    "outcomes": {
        "method": "",
        "family": "linear",
        "exposure": "",
        "detection": "",
        "control_category": "",
        "respondents": "",
        "design_effect": 1.5,
        "outcome_se": "",
        "composition": [],
    },
    "estimation": {"sizes": "", "inference": "auto"},
}
# known only afterwards, and no promise: the price of an action changes no estimate
_NOT_PROMISED = {"treatment": ("spending", "currency")}
# columns of a measure that carry information about its value
_SUFFIXES = ("", ".n", ".numerator", ".se", ".wording")


def canonical_plan(plan: Plan) -> dict[str, Any]:
    """Return the content of a plan, defaults written out, outcomes keyed by indicator instead of by position.

    The parsed content and not the bytes of the file: a comment, a blank line or a default that is spelled out
    changes nothing in what was promised.
    """
    content: dict[str, Any] = plan.model_dump(mode="json")
    for name, added in ADDED_TO_TABLES.items():
        for table in content[name] if isinstance(content[name], list) else [content[name]]:
            for entry, absent in added.items():
                if table[entry] == absent:
                    del table[entry]
    for name, entries in _NOT_PROMISED.items():
        for entry in entries:
            del content[name][entry]
    content["outcomes"] = {outcome["indicator"]: outcome for outcome in content["outcomes"]}
    # which checks, not in which order
    content["checks"] = sorted(content["checks"])
    content["graph"] = _graph_lines(content["graph"] or {})
    content["translations"] = {code: _as_given(words) for code, words in content["translations"].items()}
    return _as_given(content)


def _graph_lines(graph: Mapping[str, Any]) -> list[str]:
    """Return what a graph claims, one line each: which arrows, not in which order."""
    named = [f"{node} = {measure}" for node, measure in graph.get("nodes", {}).items()]
    marked = [f"{key}: {node}" for key in ("after", "level_only") for node in graph.get(key, ())]
    return sorted([*graph.get("edges", ()), *named, *marked])


def _as_given(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in part.items() if entry or name not in ADDED_LATER}


def canonical_indicators(plan: Plan, framework: Framework) -> dict[str, str]:
    """Return the digest of each indicator that the plan uses, all its texts included."""
    used = [outcome.indicator for outcome in plan.outcomes] + list(plan.estimation.covariate_measures)
    known = {indicator.id: indicator for indicator in framework.indicators}
    return {name: digest(_indicator_content(known[name])) for name in sorted(set(used)) if name in known}


def _indicator_content(indicator: Indicator) -> dict[str, Any]:
    content: dict[str, Any] = indicator.model_dump(mode="json")
    return content


def canonical_values(panel: Panel, measures: Iterable[str], periods: Iterable[str]) -> dict[str, str]:
    """Return the digest of each measure's values in the given periods: CSV, ten digits, sorted."""
    wanted = set(periods)
    labels = panel.data.index.get_level_values(1).astype(str)
    data = panel.data[[label in wanted for label in labels]]
    return {
        measure: _sha256(_csv_of(data, measure)) for measure in sorted(set(measures)) if measure in panel.data.columns
    }


def _csv_of(data: pd.DataFrame, measure: str) -> str:
    columns = [measure + suffix for suffix in _SUFFIXES if measure + suffix in data.columns]
    keys = [f"{unit},{period}" for unit, period in data.index]
    columns_as_text = [[_number(entry) for entry in data[column]] for column in columns]
    rows = sorted(",".join(row) for row in zip(keys, *columns_as_text, strict=True))
    return "\n".join(["unit,period," + ",".join(columns), *rows])


def canonical_cohorts(cohorts: Mapping[str, float]) -> str:
    """Return the digest of who is treated from when."""
    return _sha256("\n".join(sorted(f"{unit},{_number(time)}" for unit, time in cohorts.items())))


def _number(value: object) -> str:
    if isinstance(value, (int, float)):
        number = float(value)
        return "" if math.isnan(number) else f"{number + 0.0:.10g}"
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def digest(content: object) -> str:
    """Return the SHA-256 of a structure of plain values."""
    return _sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def plan_digest(plan: Plan) -> str:
    """Return the SHA-256 of what a plan says: layout, comments and the order of outcomes do not count."""
    return digest(canonical_plan(plan))
