"""Everything that is wrong with a worksheet, at once: codes with places, from a file or from a workbook.

Readers hand over plain tables, as ``tomllib`` gives them, and a function from a place in these tables to a
:class:`~evaltoolkit.findings.Where`. No finding repeats what was typed.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evaltoolkit.findings import Fact, Finding, Severity, Where
from evaltoolkit.i18n import Words
from evaltoolkit.submissions.personal import find_personal
from evaltoolkit.validation import Loc, bare, fields_at, type_at
from evaltoolkit.worksheets.consistency import Table, claim_faults, same_ids, tables
from evaltoolkit.worksheets.worksheet import Worksheet

Locate = Callable[[Loc], Where]
# field and code of a word -> the word as the file writes it
Label = Callable[[str, str], str]

_CODES = {
    "missing": "worksheet.missing",
    "too_short": "worksheet.missing",
    "string_pattern_mismatch": "worksheet.bad_id",
    "greater_than_equal": "worksheet.rival_unknown",
}
# a claim without these gets a sentence of its own
_EMPTY_LISTS = {
    "claims": "worksheet.no_claims",
    "tests": "worksheet.claim_without_test",
    "rivals": "worksheet.claim_without_rival",
}
_LIST_FIELDS = {"claims", "tests", "rivals"}


def inspect_tables(
    raw: Mapping[str, Any], locate: Locate, *, label: Label | None = None, today: dt.date | None = None
) -> tuple[Worksheet | None, tuple[Finding, ...]]:
    """Return the worksheet that tables describe, with every fault and note.

    Parameters
    ----------
    raw : mapping
        ``unit``, ``period``, ``question``, ``language`` and ``claims``, a list of tables with lists of ``tests``.
    locate : callable
        Turns a place in ``raw`` into a place for people.
    label : callable, optional
        How the file writes the words of a list; as codes by default.
    today : date, optional
        A later date is a fault.

    Returns
    -------
    tuple
        The worksheet, None where there is an error; and the findings.
    """
    personal = tuple(personal_in_tables(raw, locate))
    if personal:
        # nothing else is said of a file that must not be kept
        return None, personal
    cleaned = _without_empty(raw)
    worksheet, findings = _validated(cleaned, locate, label or (lambda field, code: code))
    findings += same_ids(cleaned, locate)
    for number, claim in enumerate(tables(cleaned, "claims")):
        findings += claim_faults(claim, number, locate, today)
    if any(finding.severity == "error" for finding in findings):
        worksheet = None
    return worksheet, tuple(findings)


def personal_in_tables(value: Any, locate: Locate, loc: tuple[int | str, ...] = ()) -> Iterator[Finding]:
    """Return a finding for each entry, or name of an entry, that seems to hold personal data."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            if find_personal(str(name)):
                # the name of the entry is not repeated: only the table that it stands in is told
                yield Finding("worksheet.personal", "error", locate(loc))
            else:
                yield from personal_in_tables(entry, locate, (*loc, name))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from personal_in_tables(entry, locate, (*loc, number))
    elif not isinstance(value, (dt.date, float, bool)) and find_personal(_digits(value)):
        yield Finding("worksheet.personal", "error", locate(loc))


def _digits(value: object) -> str:
    # a number loses the leading zeros of a national number
    return f"{value:011d}" if isinstance(value, int) else str(value)


def _without_empty(value: Any) -> Any:
    """Take out entries that are an empty text: a template holds them, and they mean "not given"."""
    if isinstance(value, Mapping):
        kept = {name: _without_empty(entry) for name, entry in value.items() if not _is_blank(entry)}
        if isinstance(kept.get("step"), int) and not isinstance(kept["step"], bool):
            kept["step"] = str(kept["step"])
        return kept
    return [_without_empty(entry) for entry in value] if isinstance(value, list) else value


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _validated(raw: Table, locate: Locate, label: Label) -> tuple[Worksheet | None, list[Finding]]:
    try:
        return Worksheet.model_validate(raw), []
    except ValidationError as error:
        # a list of which every entry has a fault is not empty, though the validator counts what is left
        details = [one for one in error.errors() if not (one["type"] == "too_short" and _is_filled_list(one["input"]))]
        return None, [_finding(detail, locate, label) for detail in details]


def _is_filled_list(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0


def _finding(detail: ErrorDetails, locate: Locate, label: Label) -> Finding:
    code, facts = _code_of(detail, label)
    severity: Severity = "error"
    return Finding(code, severity, locate(detail["loc"]), facts)


def _code_of(detail: ErrorDetails, label: Label) -> tuple[str, dict[str, Fact]]:
    kind, loc = detail["type"], detail["loc"]
    last = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    if kind == "literal_error":
        return _unknown_word(detail, label)
    if kind in ("missing", "too_short") and last in _LIST_FIELDS:
        in_test = len(loc) > 2 and loc[-3] == "tests"
        return ("worksheet.missing", {}) if in_test else (_EMPTY_LISTS[last], {})
    if kind.startswith("date"):
        return "worksheet.not_a_date", {}
    if kind == "too_long":
        code = "worksheet.too_long" if isinstance(detail["input"], str) else "worksheet.too_many"
        return code, {"limit": detail["ctx"]["max_length"]}
    return _CODES.get(kind, "worksheet.wrong_kind"), {}


def _unknown_key(loc: Loc) -> tuple[str, dict[str, Fact]]:
    known = sorted(fields_at(Worksheet, loc[:-1]))
    near = _near(str(loc[-1]), known)
    return ("worksheet.key_near", {"near": near}) if near else ("worksheet.unknown_key", {"known": ", ".join(known)})


def _unknown_word(detail: ErrorDetails, label: Label) -> tuple[str, dict[str, Fact]]:
    field = str(detail["loc"][-1])
    known = [label(field, word) for word in get_args(bare(type_at(Worksheet, detail["loc"])))]
    allowed: dict[str, Fact] = {"allowed": " · ".join(known)}
    near = _near(str(detail["input"]), known)
    return ("worksheet.word_near", {**allowed, "near": near}) if near else ("worksheet.unknown_word", allowed)


def _near(word: str, known: list[str]) -> str:
    # with and without what a workbook adds in brackets
    lower = {form.lower(): name for name in known for form in (name.partition(" (")[0], name)}
    hits = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[hits[0]] if hits else ""


def say_fault(finding: Finding, say: Words) -> str:
    """Return a finding as one line: where, what, what to do."""
    facts = {
        name: say.say(value[1:]) if isinstance(value, str) and value.startswith("@") else value
        for name, value in finding.facts.items()
    }
    remedy = f"{finding.code}.remedy"
    told = [say.say(finding.code, **facts), say.say(remedy, **facts) if say.has(remedy) else ""]
    place = str(finding.where)
    return " ".join(filter(None, [f"{place}:" if place else "", *told]))
