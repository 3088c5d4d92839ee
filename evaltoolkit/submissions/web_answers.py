"""What a web form saved, read back: the same values and findings that a workbook with these answers gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from evaltoolkit.findings import Fact, Finding, Severity, Where
from evaltoolkit.framework.indicator import Framework, Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.answers import Typed, type_answer
from evaltoolkit.submissions.layout import STATUS_CODES, FormMeta
from evaltoolkit.submissions.parts import check_number
from evaltoolkit.submissions.store import Reading, State, StoredValue
from evaltoolkit.submissions.store_extras import About, Extras
from evaltoolkit.submissions.suggest import suggest
from evaltoolkit.submissions.validate import check_plausibility, check_rules
from evaltoolkit.submissions.web_identity import (
    MAX_STRANGERS,
    Refusal,
    about_of,
    identify,
    label_of,
    language_of,
    nearest_word,
    personal_findings,
)
from evaltoolkit.submissions.web_json import RefusedJsonError, load_strict
from evaltoolkit.submissions.web_questions import MAX_TYPED, Asked, asked_in

ENTRY_KEYS = ("indicator", "part", "period", "value", "typed", "language", "status")
_KEY = ("indicator", "part", "period")
_FAULTY = object()


def read_web_form(content: bytes, framework: Framework, file: str) -> tuple[Reading, bytes]:
    """Read the answers that a web form saved; second, the bytes to keep, empty where nothing may be kept.

    Parameters
    ----------
    content : bytes
        Of the ``.json`` file.
    framework : Framework
    file : str
        Name under which findings point to it. Their ``sheet`` is the question as the officer knows it, their ``cell``
        its id (``GOV-08.case.2025``).
    """
    digest = hashlib.sha256(content).hexdigest()
    name = f"{framework.name} {framework.version}"
    try:
        data = _load(content, framework, file)
        meta, found = identify(data, framework, file)
    except Refusal as refusal:
        told = _told(refusal.findings, refusal.language)
        reading = Reading(digest, name, file, "refused", findings=told, language=refusal.language)
        return _about(reading, refusal.meta), b""
    reader = _AnswerReader(framework, meta, file, found)
    reader.read(data["answers"])  # type: ignore[index]
    where = Where(file, unit=meta.unit, period=meta.period)
    rule_findings, faulty = check_rules(reader.answers, framework, where)
    sound = [answer for answer in reader.answers if (answer.period, answer.indicator, answer.part) not in faulty]
    findings = (*reader.findings, *rule_findings, *check_plausibility(sound, meta.period, where))
    state: State = "open" if any(finding.severity == "error" for finding in findings) else "accepted"
    # a saved form has no sheets: the id alone says where in the file an answer stands
    answers = tuple(replace(answer, sheet="") for answer in sound)
    beside = about_of(data)  # type: ignore[arg-type]
    minutes = beside.get("minutes")
    extras = Extras(About(str(beside.get("contact", "")), minutes if isinstance(minutes, int) else None))
    reading = Reading(
        digest, name, file, state, answers=answers, findings=_told(findings, meta.language), extras=extras
    )
    return _about(reading, meta), content


def _load(content: bytes, framework: Framework, file: str) -> object:
    try:
        data = load_strict(content)
    except RefusedJsonError as fault:
        raise Refusal((Finding(fault.code, "error", Where(file), fault.facts),)) from None
    personal = personal_findings(data, framework, file)
    if personal:
        raise Refusal(personal, language=language_of(data))
    return data


def _about(reading: Reading, meta: FormMeta | None) -> Reading:
    if meta is None:
        return reading
    names = ("unit_kind", "unit", "period", "members", "vintage", "language", "form", "earlier", "agreement")
    return replace(reading, **{name: getattr(meta, name) for name in names})


def _told(findings: Iterable[Finding], language: str) -> tuple[Finding, ...]:
    """Return findings with the language in which to tell them."""
    return tuple(replace(found, facts={**found.facts, "language": language}) for found in findings)


@dataclass(frozen=True)
class _Entry:
    """One entry of the file at its question; ``raw`` is None where it holds no answer."""

    raw: object
    status: str
    language: str


class _AnswerReader:
    """Reads the entries of one form, collecting all findings."""

    def __init__(self, framework: Framework, meta: FormMeta, file: str, findings: Iterable[Finding]) -> None:
        self.framework = framework
        self.meta = meta
        self.file = file
        self.findings: list[Finding] = list(findings)
        self.answers: list[StoredValue] = []
        self.questions = asked_in(framework, meta)
        self._blank: list[Asked] = []

    def read(self, entries: list[object]) -> None:
        """Read every entry; the values without a fault are in ``answers``."""
        found, faulty = self._sort(entries)
        if not found and not faulty:
            where = Where(self.file, unit=self.meta.unit, period=self.meta.period)
            self.findings.append(Finding("form.empty", "question", where))
            return
        for key, asked in self.questions.items():
            if key not in faulty:
                self._join(asked, found.get(key, _Entry(None, "", self.meta.language)))
        self._settle_blank()

    def _report(
        self, code: str, asked: Asked, severity: Severity = "error", facts: Mapping[str, Fact] | None = None
    ) -> None:
        self.findings.append(Finding(code, severity, self._where(asked), facts or {}))

    def _where(self, asked: Asked) -> Where:
        label = label_of(asked, self.meta.language)
        return Where(self.file, label, asked.id, asked.indicator.id, self.meta.unit, asked.period)

    def _sort(self, entries: list[object]) -> tuple[dict[tuple[str, str, str], _Entry], set[tuple[str, str, str]]]:
        """Bring entries to their questions; second, the questions whose entry cannot be read."""
        found: dict[tuple[str, str, str], _Entry] = {}
        faulty: set[tuple[str, str, str]] = set()
        for number, entry in enumerate(entries, 1):
            asked = self._find(entry, number)
            if asked is None:
                # counts as filled in: the form is not empty
                faulty.add(("", "", str(number)))
                continue
            if asked.key in found or asked.key in faulty:
                self._report("web_form.duplicate_answer", asked)
                found.pop(asked.key, None)
                faulty.add(asked.key)
                continue
            read = self._open(asked, entry)
            if read is None:
                faulty.add(asked.key)
            elif read.raw is not None or read.status:
                found[asked.key] = read
        return found, faulty

    def _find(self, entry: object, number: int) -> Asked | None:
        """Return the question of an entry; an unknown one is reported by its number in the list of answers."""
        where = Where(self.file, cell=f"answers[{number}]", unit=self.meta.unit, period=self.meta.period)
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _KEY):
            self.findings.append(Finding("web_form.wrong_type", "error", where))
            return None
        key = (entry["indicator"], entry["part"], entry["period"])
        if key in self.questions:
            return self.questions[key]
        fields = {f"{asked.indicator.id}.{asked.part.id}": asked for asked in self.questions.values()}
        field = ".".join(key[:2])
        if field in fields:
            periods = [period for *owner, period in self.questions if tuple(owner) == key[:2]]
            at = replace(self._where(fields[field]), cell=field, period=self.meta.period)
            self.findings.append(
                Finding("web_form.unknown_period", "error", at, {"nearest": nearest_word(key[2], periods)})
            )
        else:
            self.findings.append(
                Finding("web_form.unknown_question", "error", where, {"nearest": nearest_word(field, fields)})
            )
        return None

    def _open(self, asked: Asked, entry: object) -> _Entry | None:
        """Return the entry of a question; None, and a finding, where its content is not of the right kind."""
        assert isinstance(entry, dict)
        for key in [key for key in entry if key not in ENTRY_KEYS][:MAX_STRANGERS]:
            self._report("web_form.unknown_entry", asked, facts={"nearest": nearest_word(key, ENTRY_KEYS)})
        status = entry.get("status", "")
        if status not in ("", *STATUS_CODES):
            self._report("status.unknown", asked)
            return None
        language = entry.get("language", self.meta.language)
        raw = _raw(asked.part, entry)
        if raw is _FAULTY or language not in LANGUAGES:
            self._report("web_form.wrong_type", asked)
            return None
        return _Entry(raw, str(status), str(language))

    def _join(self, asked: Asked, entry: _Entry) -> None:
        """Bring answer and status together."""
        if entry.raw is None:
            self._join_blank(asked, entry.status)
        elif entry.status in MISSING:
            self._report("value.with_missing_status", asked, facts={"status": entry.status})
        else:
            typed, faults = _type(asked.part, entry)
            for code, facts in faults:
                self._report(code, asked, facts=facts)
            if not faults:
                self._keep(asked, typed, entry.status or "registered")

    def _join_blank(self, asked: Asked, status: str) -> None:
        if status in MISSING:
            self._keep(asked, Typed(), status)
        elif status:
            self._report("status.reconstructed_without_value", asked)
        else:
            self._blank.append(asked)

    def _settle_blank(self) -> None:
        """Give the share of nothing the status NAP; ask about what else is blank in the reporting period."""
        zeros = {(a.indicator, a.part, a.period) for a in self.answers if a.value == 0}
        for asked in self._blank:
            if asked.base in zeros:
                self._keep(asked, Typed(), "NAP")
            elif asked.period == self.meta.period:
                self._report("value.blank", asked, "question")

    def _keep(self, asked: Asked, typed: Typed, status: str) -> None:
        where = self._where(asked)
        self.answers.append(
            StoredValue(
                asked.period,
                asked.indicator.id,
                asked.part.id,
                typed.value,
                typed.text,
                status,
                where.sheet,
                where.cell,
                wording_code(asked.indicator),
            )
        )


def _raw(part: Part, entry: Mapping[str, object]) -> object:
    """Return what an entry answers, None where nothing, or the mark for what cannot be an answer to this part."""
    value, typed = entry.get("value"), entry.get("typed")
    if value is None:
        if typed is None:
            return None
        return (typed.strip() or None) if isinstance(typed, str) and len(typed) <= MAX_TYPED else _FAULTY
    if typed is not None:
        return _FAULTY
    if part.type == "multi":
        listed = isinstance(value, list) and all(isinstance(code, str) and code for code in value)
        return value if listed else _FAULTY
    if part.type in ("choice", "month"):
        return value if isinstance(value, str) and value else _FAULTY
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _FAULTY


def _type(part: Part, entry: _Entry) -> tuple[Typed, list[tuple[str, dict[str, Fact]]]]:
    """Return an answer by the type of its part, and what is wrong with it."""
    raw = entry.raw
    if part.type in ("choice", "multi"):
        return _type_codes(part, [str(code) for code in raw] if isinstance(raw, list) else [str(raw)])
    if isinstance(raw, int | float):
        return Typed(value=float(raw)), check_number(part, float(raw))
    typed = suggest(part, str(raw), type_answer(part, str(raw), entry.language), entry.language)
    if typed.fault:
        return typed, [typed.fault]
    return typed, [] if typed.text else check_number(part, typed.value)


def _type_codes(part: Part, codes: list[str]) -> tuple[Typed, list[tuple[str, dict[str, Fact]]]]:
    """Return codes in the order of the options; a code, never a label, for nobody types it."""
    known = [option.code for option in part.options]
    if len(set(codes)) != len(codes) or not set(codes) <= set(known):
        return Typed(), [("value.unknown_option", {})]
    return Typed(text=";".join(code for code in known if code in codes)), []
