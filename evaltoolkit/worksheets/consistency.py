"""What must fit together in a worksheet beyond the form of each entry: ids, explanations, dates, kinds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from evaltoolkit.findings import Fact, Finding, Where
from evaltoolkit.validation import Loc
from evaltoolkit.worksheets.rules import kind_of
from evaltoolkit.worksheets.worksheet import Test

Table = Mapping[str, Any]
Locate = Callable[[Loc], Where]
_YEARS = (2000, 2100)


def tables(raw: Table, name: str) -> list[Table]:
    """Return the tables in a list of a table; what is none counts as an empty one."""
    entries = raw.get(name)
    return [entry if isinstance(entry, Mapping) else {} for entry in entries] if isinstance(entries, list) else []


def same_ids(raw: Table, locate: Locate) -> list[Finding]:
    """Return a finding for each id that stands a second time, among the claims or among all tests."""
    claims = tables(raw, "claims")
    own: list[tuple[tuple[int | str, ...], Table]] = [(("claims", i), claim) for i, claim in enumerate(claims)]
    theirs: list[tuple[tuple[int | str, ...], Table]] = [
        (("claims", i, "tests", j), test)
        for i, claim in enumerate(claims)
        for j, test in enumerate(tables(claim, "tests"))
    ]
    found = []
    for group in (own, theirs):
        seen: set[str] = set()
        for loc, table in group:
            name = table.get("id")
            if isinstance(name, str) and name.strip() in seen:
                found.append(Finding("worksheet.same_id", "error", locate((*loc, "id"))))
            seen.add(str(name).strip())
    return found


def claim_faults(claim: Table, number: int, locate: Locate, today: dt.date | None) -> list[Finding]:
    """Return what does not fit together within one claim; entries with faults of their own are passed over."""
    rivals = claim.get("rivals")
    texts = [str(text).strip() for text in rivals] if isinstance(rivals, list) else []
    found = [
        Finding("worksheet.same_rival", "error", locate(("claims", number, "rivals", i)))
        for i, text in enumerate(texts)
        if text in texts[:i]
    ]
    tests = [(j, _valid(table)) for j, table in enumerate(tables(claim, "tests"))]
    spoken: set[int] = set()
    for j, test in tests:
        if test is None:
            continue
        spoken |= set(test.rivals)
        at = _at(number, j, locate)
        found += [*_rival_faults(test, len(texts), at), *_evidence_faults(test, at), *_date_faults(test, today, at)]
        found += _kind_faults(test, at)
    if tests and all(test is not None for _, test in tests):
        found += [
            Finding("worksheet.rival_without_test", "error", locate(("claims", number, "rivals", i - 1)), {"rival": i})
            for i in range(1, len(texts) + 1)
            if i not in spoken
        ]
    return found


At = Callable[[str], Where]


def _at(claim: int, test: int, locate: Locate) -> At:
    return lambda field: locate(("claims", claim, "tests", test, field))


def _valid(table: Table) -> Test | None:
    try:
        return Test.model_validate(table)
    except ValidationError:
        return None


def _rival_faults(test: Test, count: int, at: At) -> Iterator[Finding]:
    if count and any(number > count for number in test.rivals):
        yield Finding("worksheet.rival_unknown", "error", at("rivals"), {"count": count})
    if len(set(test.rivals)) != len(test.rivals):
        yield Finding("worksheet.rival_twice", "error", at("rivals"))


def _evidence_faults(test: Test, at: At) -> Iterator[Finding]:
    if not test.looked:
        if test.looked_on is not None:
            yield Finding("worksheet.date_without_evidence", "error", at("looked_on"))
        return
    if test.source is None:
        yield Finding("worksheet.evidence_without_source", "error", at("source"))
    if test.looked_on is None:
        yield Finding("worksheet.evidence_without_date", "error", at("looked_on"))


def _date_faults(test: Test, today: dt.date | None, at: At) -> Iterator[Finding]:
    for field, day in (("stated_on", test.stated_on), ("looked_on", test.looked_on)):
        if day is None:
            continue
        if not _YEARS[0] <= day.year <= _YEARS[1]:
            yield Finding("worksheet.date_impossible", "error", at(field), {"year": str(_YEARS[0])})
        elif today is not None and day > today:
            yield Finding("worksheet.date_in_future", "error", at(field))
    if test.looked_on is not None and test.exploratory:
        yield Finding("worksheet.exploratory", "note", at("stated_on"))


def _kind_faults(test: Test, at: At) -> Iterator[Finding]:
    derived = kind_of(test.if_true, test.if_rival)
    if test.kind is not None and test.kind != derived.kind:
        facts: dict[str, Fact] = {
            "stated": f"@worksheet.kind.{test.kind}",
            "derived": f"@worksheet.kind.{derived.kind}",
        }
        yield Finding("worksheet.kind_contradicts", "error", at("kind"), facts)
    if derived.favours == "neither":
        yield Finding("worksheet.says_nothing", "note", at("if_rival"))
