"""What was answered in KoboToolbox or ODK, from their exports: CSV, XLSX or JSON with XML names and values.

The file is read in the guarded process of all third-party tables. Only the questions of the form are taken from it; the
columns that the server adds (who sent it, from which device) are never looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Fact, Finding, Severity, Where
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.references import YES_NO
from evaltoolkit.framework.values import MISSING, UNIT_KINDS, value_table
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.submissions.form_meta import FormMeta
from evaltoolkit.submissions.layout import STATUS_CODES
from evaltoolkit.submissions.numbers import NumberError, parse_number
from evaltoolkit.submissions.parts import Fault, check_number, check_text
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.submissions.tabular import PersonalDataError, file_digest, read_table
from evaltoolkit.submissions.validate import check_plausibility, check_rules
from evaltoolkit.submissions.values_csv import number_text
from evaltoolkit.submissions.xlsform_fields import (
    DIGEST,
    META_KEYS,
    NONE_CODE,
    UNIT,
    VERSION_MARK,
    Question,
    Survey,
    lay_out_survey,
    split_unit,
)

_NAN = math.nan
# when a form was sent in, as Kobo and ODK Central call it
_SENT = ("_submission_time", "SubmissionDate", "__system/submissionDate")
_CHOSEN = ("1", "1.0", "true", "True")


@dataclass(frozen=True)
class _Export:
    """A file: where each of its columns stands."""

    name: str
    digest: str
    framework: Framework
    places: Mapping[str, int]


@dataclass
class _Sent:
    """One form that was sent in."""

    export: _Export
    number: int
    fields: Mapping[str, str]
    survey: Survey
    meta: FormMeta

    def where(self, column: str = "", question: Question | None = None) -> Where:
        """Return the cell as a spreadsheet program shows it; the row where the file has no such column."""
        place = self.export.places.get(column)
        cell = write_cell(self.number, place) if place else f"{self.number}:{self.number}"
        indicator, period = (question.indicator.id, question.period) if question else ("", self.meta.period)
        return Where(self.export.name, cell=cell, indicator=indicator, unit=self.meta.unit, period=period)


def read_kobo(path: str | Path, *, framework: Framework) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Read an export of a form that :func:`~evaltoolkit.submissions.xlsform.write_xlsform` wrote.

    Where a unit sent in twice, the later form counts.

    Parameters
    ----------
    path : path
        Export with "XML values and headers", with or without the names of groups before those of the questions.
    framework : Framework
        The one with which the form was written.

    Returns
    -------
    values : DataFrame
        Table of values (:mod:`evaltoolkit.framework.values`), ``source`` being ``csv:<sha256>/row <n>``.
    findings : tuple of Finding
        Everything that a person must know; ``cell`` is where a spreadsheet program shows it.

    Raises
    ------
    EvaltoolkitError
        The file cannot be read as a table.
    """
    try:
        table = read_table(path)
    except PersonalDataError as fault:
        return value_table(), _personal_findings(fault, Path(path).name)
    names = [_last_name(str(column)) for column in table.columns]
    places = {name: number for number, name in enumerate(names, 1)}
    export = _Export(Path(path).name, file_digest(path), framework, places)
    if UNIT not in places or DIGEST not in places:
        return value_table(), (Finding("kobo.not_an_export", "error", Where(export.name)),)
    surveys: dict[tuple[str, ...], Survey | None] = {}
    sent: list[_Sent] = []
    findings: list[Finding] = []
    for number, *cells in table.itertuples(name=None):
        fields = {name: text for name, cell in zip(names, cells, strict=True) if (text := _as_text(cell))}
        one = _open(export, int(str(number)), fields, surveys)
        if isinstance(one, Finding):
            findings.append(one)
        else:
            sent.append(one)
    rows: list[dict[str, object]] = []
    for one in _latest(sent, findings):
        answers, told = _read(one)
        findings += told
        rows += [_as_row(one, answer) for answer in answers]
    return value_table(rows), tuple(findings)


def _personal_findings(fault: PersonalDataError, file: str) -> tuple[Finding, ...]:
    """Return where personal data stand; of such an export nothing is read."""
    return tuple(Finding(f"personal.{kind}", "error", Where(file, sheet, cell)) for sheet, cell, kind in fault.places)


def _open(
    export: _Export, number: int, fields: dict[str, str], surveys: dict[tuple[str, ...], Survey | None]
) -> _Sent | Finding:
    key = tuple(fields.get(name, "") for name in (*(f"etk_{name}" for name in META_KEYS), DIGEST))
    if key not in surveys:
        surveys[key] = _survey(export.framework, key)
    survey = surveys[key]
    row = Where(export.name, cell=f"{number}:{number}")
    if survey is None:
        facts = {"form": f"{key[0]} {key[1]}"[:40]}
        return Finding("kobo.other_form", "error", row, facts)
    kind, unit = split_unit(fields.get(UNIT, ""))
    if kind not in UNIT_KINDS or not unit:
        return Finding("kobo.no_unit", "error", replace(row, cell=write_cell(number, export.places[UNIT])))
    return _Sent(export, number, fields, survey, replace(survey.meta, unit_kind=kind, unit=unit))


def _survey(framework: Framework, key: tuple[str, ...]) -> Survey | None:
    """Return the form that a row belongs to; None where it is not one of this framework."""
    texts = dict(zip(META_KEYS, key, strict=False)) | {"unit_kind": UNIT_KINDS[0], "unit": "", "members": ""}
    texts["framework_version"] = texts["framework_version"].removeprefix(VERSION_MARK)
    if (texts["framework"], texts["framework_version"]) != (framework.name, framework.version):
        return None
    try:
        survey = lay_out_survey(framework, FormMeta.from_texts({**texts, "language": "en"}))
    except EvaltoolkitError:
        return None
    return survey if survey.digest == key[-1] else None


def _latest(sent: list[_Sent], findings: list[Finding]) -> list[_Sent]:
    """Return the last form of each unit and period; in the order of the file where no moment is known."""
    ordered = sorted(sent, key=lambda one: next((one.fields[name] for name in _SENT if name in one.fields), ""))
    last = {(one.meta.unit_kind, one.meta.unit, one.meta.period): one for one in ordered}
    kept = {one.number for one in last.values()}
    findings += [Finding("kobo.sent_again", "question", one.where()) for one in sent if one.number not in kept]
    return [one for one in sent if one.number in kept]


def _read(one: _Sent) -> tuple[list[StoredValue], list[Finding]]:
    """Return the sound answers of a form and what there is to tell."""
    reader = _Reader(one)
    for question in one.survey.questions:
        reader.read(question)
    if not reader.filled:
        return [], [Finding("form.empty", "question", one.where())]
    rules, faulty = check_rules(reader.answers, one.export.framework, one.where())
    sound = [a for a in reader.answers if (a.period, a.indicator, a.part) not in faulty]
    unlike = check_plausibility(sound, one.meta.period, one.where())
    return sound, [*reader.findings, *rules, *unlike]


class _Reader:
    """Reads the answers of one form, collecting all findings."""

    def __init__(self, one: _Sent) -> None:
        self.one = one
        self.answers: list[StoredValue] = []
        self.findings: list[Finding] = []
        self.filled = False

    def read(self, question: Question) -> None:
        """Bring answer and status of a question together."""
        fields = self.one.fields
        raw, status = _answer(question, fields), fields.get(question.status, "")
        self.filled |= bool(raw or status)
        if status and status not in STATUS_CODES:
            self._report("status.unknown", question, question.status)
        elif not raw:
            self._read_blank(question, status)
        elif status in MISSING:
            self._report("value.with_missing_status", question, question.name, facts={"status": status})
        else:
            value, text, faults = _typed(question, raw)
            for code, facts in faults:
                self._report(code, question, question.name, facts=facts)
            if not faults:
                self._keep(question, value, text, status or "registered")

    def _read_blank(self, question: Question, status: str) -> None:
        nothing = bool(question.base) and _is_zero(self.one.fields.get(question.base, ""))
        if status in MISSING:
            self._keep(question, _NAN, "", status)
        elif status:
            self._report("status.reconstructed_without_value", question, question.status)
        elif nothing:
            self._keep(question, _NAN, "", "NAP")
        elif question.period == self.one.meta.period:
            self._report("value.blank", question, question.name, "question")

    def _report(
        self,
        code: str,
        question: Question,
        column: str,
        severity: Severity = "error",
        *,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        self.findings.append(Finding(code, severity, self.one.where(column, question), facts or {}))

    def _keep(self, question: Question, value: float, text: str, status: str) -> None:
        indicator = question.indicator
        cell = self.one.where(question.name, question).cell
        wording = wording_code(indicator)
        self.answers.append(
            StoredValue(question.period, indicator.id, question.part.id, value, text, status, "", cell, wording)
        )


def _answer(question: Question, fields: Mapping[str, str]) -> str:
    """Return what stands in the column of a question; of a split multiple choice, the options that were chosen."""
    raw = fields.get(question.name, "")
    if raw or question.part.type != "multi":
        return raw
    codes = (*(option.code for option in question.part.options), NONE_CODE)
    return " ".join(code for code in codes if fields.get(f"{question.name}/{code}") in _CHOSEN)


def _typed(question: Question, raw: str) -> tuple[float, str, list[Fault]]:
    part = question.part
    if part.type == "yes_no":
        value = YES_NO.get(raw)
        return (_NAN, "", [("value.not_yes_no", {})]) if value is None else (value, "", [])
    if part.type == "multi":
        codes = raw.split()
        if codes == [NONE_CODE]:
            return _NAN, "", []
        known = [option.code for option in part.options]
        text = ";".join(sorted(codes, key=lambda code: known.index(code) if code in known else len(known)))
        return _NAN, text, check_text(part, text)
    if part.type in ("choice", "month"):
        return _NAN, raw, check_text(part, raw)
    try:
        number = parse_number(raw, ".", declared=True)
    except NumberError as error:
        return _NAN, "", [(error.code, {})]
    return number, "", check_number(part, number)


def _is_zero(raw: str) -> bool:
    try:
        return parse_number(raw, ".", declared=True) == 0
    except NumberError:
        return False


def _as_row(one: _Sent, answer: StoredValue) -> dict[str, object]:
    return {
        "unit_kind": one.meta.unit_kind,
        "unit": one.meta.unit,
        "period": answer.period,
        "indicator": answer.indicator,
        "part": answer.part,
        "value": answer.value,
        "text": answer.text,
        "status": answer.status,
        "source": f"csv:{one.export.digest}/row {one.number}",
        "wording": answer.wording,
    }


def _last_name(column: str) -> str:
    """Return the name of a question without its groups; of a split multiple choice, with its option.

    Kobo writes ``group/question`` and ``group/question/option``, ODK Central ``group-question``.
    """
    pieces = re.split(r"[/:-]", column)
    if len(pieces) > 1 and "__" in pieces[-2] and "__" not in pieces[-1]:
        return "/".join(pieces[-2:])
    return column if column in _SENT else pieces[-1]


def _as_text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float) and math.isfinite(cell):
        return number_text(cell)
    return "" if cell is None else str(cell).strip()
