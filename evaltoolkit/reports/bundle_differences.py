"""What two runs of one evaluation have not in common: numbers, inputs, promises, digests, versions."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.reports.bundle_inputs import CONTENT, KEY, START

Kind = Literal["result", "input", "plan", "digest", "file", "rebuild", "version"]
NOTHING = "nothing"
WITHHELD = "withheld"
_ESTIMATE = ("estimator", "kind", "labels")


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was.

    Attributes
    ----------
    kind : ``result, input, plan, digest, file, rebuild`` or ``version``; another version alone is no failure
    where : what differs: outcome, estimator and label; measure, unit and period; a field of the plan
    then, now : in the bundle and in the rebuilt evaluation; ``withheld`` where the rules of disclosure hide it
    """

    kind: Kind
    where: str
    then: str = ""
    now: str = ""

    @property
    def fails(self) -> bool:
        """Whether the evaluation cannot be called the same."""
        return self.kind != "version"

    def __str__(self) -> str:
        # the beginning of a digest is enough to see that it is another
        then, now = ((one[:16] if self.kind == "digest" else one) or NOTHING for one in (self.then, self.now))
        told = f": then {then}, now {now}" if self.then or self.now else ""
        return f"{self.kind}  {self.where}{told}"


def compare_flat(kind: Kind, then: Mapping[str, object], now: Mapping[str, object]) -> Iterator[Difference]:
    """Yield the entries that differ; what one of the two lacks counts."""
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            yield Difference(kind, name, _said(then.get(name)), _said(now.get(name)))


def compare_results(
    then: Mapping[str, Any], now: Mapping[str, Any], shown: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Iterator[Difference]:
    """Yield every number and word of the results that differs, digit by digit.

    ``shown`` are the same results as a report may show them: a number that is not among them is named, not told.
    """
    try:
        before, after = flat_results(then), flat_results(now)
        told = [(before, flat_results(shown[0])), (after, flat_results(shown[1]))]
    except (KeyError, TypeError, AttributeError):
        raise EvaltoolkitError("The results of the bundle cannot be read. Ask for the bundle again.") from None
    for found in compare_flat("result", before, after):
        hidden = any(_is_hidden(found.where, exact, seen) for exact, seen in told)
        yield Difference("result", found.where, WITHHELD, WITHHELD) if hidden else found


def _is_hidden(place: str, exact: Mapping[str, object], seen: Mapping[str, object]) -> bool:
    """Whether a number is there that a report does not show."""
    return exact.get(place) is not None and place in seen and seen[place] is None


def flat_results(document: Mapping[str, Any]) -> dict[str, object]:
    """Return results as one entry per number: ``COMP-09, group_time event event_time=1, conf_low``."""
    out: dict[str, object] = {
        name: value for name, value in document.items() if name not in ("outcomes", "info", "coverage", "schema")
    }
    for outcome in document.get("outcomes", ()):
        name = outcome["outcome"]
        for row in outcome["estimates"]:
            place = f"{name}, {' '.join(str(row[key]) for key in _ESTIMATE)}"
            out |= {f"{place}, {key}": value for key, value in row.items() if key not in _ESTIMATE}
        out |= {f"{name}, check {check['name']}": _said(check["code"]) for check in outcome["checks"]}
        rest = {key: value for key, value in outcome.items() if key not in ("outcome", "estimates", "checks")}
        out |= {f"{name}, {key}": value for key, value in _flat(rest)}
    for row in document.get("coverage", ()):
        out[f"{row['outcome']}, coverage {row['arm']} {row['period']}"] = f"{row['n_answered']} of {row['n_units']}"
    return out


def flat_plan(content: Mapping[str, Any]) -> dict[str, object]:
    """Return the content of a plan as one entry per field: ``outcomes.COMP-09.smallest_relevant``."""
    return dict(_flat(content, "."))


def _flat(content: Mapping[str, Any], joint: str = " ") -> Iterator[tuple[str, object]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}{joint}{inner}", entry) for inner, entry in _flat(value, joint))
        else:
            yield str(name), value


def compare_inputs(then: bytes, now: bytes, framework: Framework) -> Iterator[Difference]:
    """Yield every input that differs: measure, unit and period.

    A sensitive measure has its numbers withheld, and one that may not be shown per unit its unit too.
    """
    before, after = _by_key(then), _by_key(now)
    hidden: dict[str, int] = {}
    for key in sorted({*before, *after}):
        if before.get(key) == after.get(key):
            continue
        measure, part, unit, period = key
        indicator = framework.by_id.get(measure)
        sensitivity = indicator.sensitivity if indicator else "none"
        if sensitivity == "high":
            hidden[measure] = hidden.get(measure, 0) + 1
            continue
        where = ", ".join(entry for entry in (_name(measure, part), f"unit {unit}", period) if entry)
        told = (before.get(key, ""), after.get(key, "")) if sensitivity == "none" else (WITHHELD, WITHHELD)
        yield Difference("input", where, *told)
    for measure, count in hidden.items():
        yield Difference("input", f"{measure}, {count} value{'s' if count > 1 else ''}", WITHHELD, WITHHELD)


def _name(measure: str, part: str) -> str:
    if measure == START:
        return "first treated period"
    return f"{measure}.{part}" if part and part != "value" else measure


def _by_key(content: bytes) -> dict[tuple[str, ...], str]:
    try:
        table = pd.read_csv(io.BytesIO(content), dtype="str", keep_default_na=False)[[*KEY, *CONTENT]]
    except (ValueError, KeyError):
        raise EvaltoolkitError("inputs.csv of the bundle cannot be read. Ask for the bundle again.") from None
    # two sources may tell about the same answer: the table is sorted, so that they come in one order
    out: dict[tuple[str, ...], str] = {}
    keys, contents = (table[list(names)].itertuples(index=False, name=None) for names in (KEY, CONTENT))
    for key, content_ in zip(keys, contents, strict=True):
        told = " ".join(entry for entry in content_ if entry) or "empty"
        out[key] = f"{out[key]} | {told}" if key in out else told
    return out


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
