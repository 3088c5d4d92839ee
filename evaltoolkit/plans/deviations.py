"""What changed between a locked plan and the plan as it is now, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evaltoolkit.findings import Fact
from evaltoolkit.plans.canonical import ADDED_LATER, ADDED_TO_TABLES

Deviation = tuple[str, Mapping[str, Fact]]

# how the plan is worded; what is estimated does not depend on it
_WORDS = frozenset({"title", "language"})
# written only where they are given
_GIVEN_ONLY = ADDED_LATER | {entry for table in ADDED_TO_TABLES.values() for entry in table}
# told with the field's name only: sentences, not settings
_TEXTS = frozenset(
    {
        "question",
        "theory_of_change",
        "assumptions",
        "decision_rule",
        "graph",
        "rival_explanations",
        "treatment.action",
        "treatment.decided_by",
        "treatment.why_then",
        "data.source",
    }
)
# named in the report but without effect on the stamp: the values themselves are held against their own digest
_PLACES = ("data.store", "data.wide", "data.csv", "data.panel", "data.roster", "data.membership", "data.simulated")


@dataclass
class Lookback:
    """Collects deviations from one lock and the outcomes they touch (``None`` = all of them)."""

    locked_on: str
    deviations: list[Deviation] = field(default_factory=list)
    _touched: set[str | None] = field(default_factory=set)

    def inform(self, code: str, facts: Mapping[str, Fact]) -> None:
        """Add a deviation that leaves the stamps as they are."""
        self.deviations.append((code, {"locked_on": self.locked_on, **facts}))

    def note(self, code: str, facts: Mapping[str, Fact], outcome: str | None) -> None:
        """Add a deviation that touches one outcome, or all."""
        self.inform(code, facts)
        self._touched.add(outcome)

    def touched_of(self, listed: Iterable[str]) -> frozenset[str]:
        """Return which of the listed outcomes were touched."""
        names = frozenset(listed)
        return names if None in self._touched else frozenset(name for name in self._touched if name in names)


def changes_between(locked: Mapping[str, Any], now: Mapping[str, Any], seen: Lookback) -> None:
    """Note every field in which two plans differ.

    A field that one side does not know (the toolkit learned it later) is compared as absent, but for fields that are
    written only where they are given: there absent means that nothing was promised.
    """
    _outcome_changes(locked["outcomes"], now["outcomes"], seen)
    before = dict(_flat({key: part for key, part in locked.items() if key not in ("outcomes", "overrides")}))
    after = dict(_flat({key: part for key, part in now.items() if key not in ("outcomes", "overrides")}))
    given = {name for name in set(before) ^ set(after) if name.rpartition(".")[2] in _GIVEN_ONLY}
    for name in sorted((set(before) & set(after) | given) - _WORDS):
        if before.get(name) != after.get(name):
            _field_changed(name, before.get(name), after.get(name), seen)
    first, then = locked.get("overrides", {}), now.get("overrides", {})
    for indicator in sorted(set(first) ^ set(then)):
        seen.note("deviation.override_changed", {"indicator": indicator}, indicator)
    for indicator in sorted(set(first) & set(then)):
        if first[indicator] != then[indicator]:
            seen.inform("deviation.text_changed", {"field": f"overrides.{indicator}"})


def _field_changed(name: str, before: object, after: object, seen: Lookback) -> None:
    if name in _TEXTS or name.startswith("translations."):
        seen.inform("deviation.text_changed", {"field": name})
    elif name in _PLACES:
        seen.inform("deviation.field_changed", {"field": name, "locked": _shown(before), "now": _shown(after)})
    else:
        seen.note("deviation.field_changed", {"field": name, "locked": _shown(before), "now": _shown(after)}, None)


def _outcome_changes(locked: Mapping[str, Any], now: Mapping[str, Any], seen: Lookback) -> None:
    for indicator in sorted(set(now) - set(locked)):
        seen.note("deviation.outcome_added", {"indicator": indicator}, indicator)
    for indicator in sorted(set(locked) - set(now)):
        # whoever drops an outcome may drop the one that disappointed
        seen.note("deviation.outcome_removed", {"indicator": indicator}, indicator)
    for indicator in sorted(set(locked) & set(now)):
        before, after = locked[indicator], now[indicator]
        for name in sorted(set(before) & set(after) | (set(before) ^ set(after)) & _GIVEN_ONLY):
            was, is_now = before.get(name), after.get(name)
            if was != is_now:
                facts = {"field": f"{indicator} {name}", "locked": _shown(was), "now": _shown(is_now)}
                seen.note("deviation.field_changed", facts, indicator)


def _flat(content: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, object]]:
    for key, part in content.items():
        if isinstance(part, Mapping):
            yield from _flat(part, f"{head}{key}.")
        else:
            yield f"{head}{key}", part


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(part) for part in value) or "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "–" if value is None or value == "" else str(value)
