"""From a form's cells to typed answers, each fault with its cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import isnan

from evaltoolkit.findings import Fact, Finding, Severity, Where
from evaltoolkit.framework.indicator import Framework, Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.submissions.answers import Typed, type_answer, type_status
from evaltoolkit.submissions.form import Form, Place, covered_by_merge
from evaltoolkit.submissions.hidden import hidden_findings
from evaltoolkit.submissions.layout import Field
from evaltoolkit.submissions.parts import check_number
from evaltoolkit.submissions.prefill import known_by_membership
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.sheets import Raw, value_at
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.submissions.suggest import suggest, suggest_status


@dataclass(frozen=True)
class Question:
    """One part in one period: its answer cells (several for a multiple choice) and its status cell."""

    part: Part
    wording: int
    fields: tuple[Field, ...]
    # the indicator is a numerator over a denominator
    ratio: bool = False

    @property
    def first(self) -> Field:
        """The field that the part is reported at."""
        return self.fields[0]


class AnswerReader:
    """Reads the answers of one form, collecting all findings."""

    def __init__(self, form: Form, framework: Framework) -> None:
        self.form = form
        self.framework = framework
        self.findings: list[Finding] = list(form.findings)
        self.answers: list[StoredValue] = []
        # indicator and period of shares of nothing
        self._nothing: set[str] = set()

    def read(self) -> None:
        """Read every question of the form; the values without a fault are in ``answers``."""
        questions = list(self._questions())
        given = known_by_membership(self.framework, self.form.meta)
        asked = [q for q in questions if (q.first.indicator, q.first.part, q.first.period) not in given]
        if all(self._is_empty(question) for question in asked):
            where = Where(self.form.scan.file, unit=self.form.meta.unit, period=self.form.meta.period)
            self.findings.append(Finding("form.empty", "question", where))
            return
        self.findings += hidden_findings(self.form)
        self._nothing = {q.first.indicator + q.first.period for q in questions if self._is_zero_base(q)}
        for question in questions:
            self._read(question)

    def report(
        self,
        code: str,
        entry: Field,
        place: Place,
        severity: Severity = "error",
        *,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        """Add a finding at a cell."""
        sheet, (row, column) = place
        where = Where(
            self.form.scan.file, sheet, write_cell(row, column), entry.indicator, self.form.meta.unit, entry.period
        )
        self.findings.append(Finding(code, severity, where, facts or {}))

    def _questions(self) -> Iterable[Question]:
        for (name, part, _), fields in groupby(self.form.layout.fields, lambda f: (f.indicator, f.part, f.sheet)):
            by_period: dict[str, list[Field]] = {}
            for entry in fields:
                by_period.setdefault(entry.period, []).append(entry)
            indicator = self.framework.by_id[name]
            for group in by_period.values():
                yield Question(indicator.part(part), wording_code(indicator), tuple(group), indicator.value == "ratio")

    def _is_empty(self, question: Question) -> bool:
        names = [question.first.name_s, *(entry.name_v for entry in question.fields)]
        return all(name not in self.form.places or self._raw(self.form.places[name]) is None for name in names)

    def _is_zero_base(self, question: Question) -> bool:
        """Tell whether this is a denominator with the answer zero: then its share is not applicable."""
        place = self.form.places.get(question.first.name_v)
        if not question.ratio or question.part.id != "denominator" or place is None:
            return False
        raw = self._raw(place)
        return raw is not None and type_answer(question.part, raw, self.form.meta.language).value == 0

    def _is_share_of_nothing(self, question: Question) -> bool:
        first = question.first
        return question.ratio and question.part.id == "numerator" and first.indicator + first.period in self._nothing

    def _raw(self, place: Place) -> Raw:
        raw = value_at(self.form.rows[place[0]], place[1])
        return None if isinstance(raw, str) and not raw.strip() else raw

    def _read(self, question: Question) -> None:
        places = self.form.places
        names = [question.first.name_s, *(entry.name_v for entry in question.fields)]
        if any(name not in places for name in names):
            # reported when the names were looked up
            return
        sound = [self._is_sound(entry, places[entry.name_v]) for entry in question.fields]
        status = self._status(question.first, places[question.first.name_s])
        if not all(sound) or status is None:
            return
        self._join(question, status)

    def _is_sound(self, entry: Field, place: Place) -> bool:
        """Report what the value reader would hide: errors, formulas, merged cells."""
        scan = self.form.scan.sheets[place[0]]
        if place[1] in scan.errors:
            self.report("value.error_cell", entry, place)
            return False
        if covered_by_merge(self.form, place):
            self.report("value.merged", entry, place)
            return False
        if place[1] in scan.formulas:
            if self._raw(place) is None:
                self.report("value.formula_without_value", entry, place)
                return False
            self.report("value.formula", entry, place, "question")
        raw = self._raw(place)
        if place[1] in scan.percents and isinstance(raw, int | float):
            self.report("value.percent", entry, place, "question", facts={"value": raw})
        return True

    def _status(self, entry: Field, place: Place) -> str | None:
        scan = self.form.scan.sheets[place[0]]
        raw = self._raw(place)
        calculated = place[1] in scan.formulas
        if covered_by_merge(self.form, place):
            self.report("value.merged", entry, place)
            return None
        status = None if place[1] in scan.errors or (calculated and raw is None) else type_status(raw)
        if status is None:
            code, facts = suggest_status(raw, self.form.meta.language)
            self.report(code, entry, place, facts=facts)
        elif calculated:
            self.report("value.formula", entry, place, "question")
        return status

    def _join(self, question: Question, status: str) -> None:
        """Bring answer and status together."""
        filled = [(entry, self._raw(self.form.places[entry.name_v])) for entry in question.fields]
        filled = [(entry, raw) for entry, raw in filled if raw is not None]
        first = question.first
        place = self.form.places[first.name_v]
        if not filled:
            self._join_blank(question, status)
        elif status == "NAP" and self._is_share_of_nothing(question):
            self._keep(question, Typed(), status, self.form.places[first.name_s])
        elif status in MISSING:
            self.report(
                "value.with_missing_status", first, self.form.places[filled[0][0].name_v], facts={"status": status}
            )
        elif question.part.type == "multi":
            self._read_multi(question, filled, status)
        else:
            language = self.form.meta.language
            typed = type_answer(question.part, filled[0][1], language)
            if self._accept(question.part, first, place, suggest(question.part, filled[0][1], typed, language)):
                self._keep(question, typed, status or "registered", place)

    def _join_blank(self, question: Question, status: str) -> None:
        first = question.first
        if status in MISSING:
            self._keep(question, Typed(), status, self.form.places[first.name_s])
        elif status:
            self.report("status.reconstructed_without_value", first, self.form.places[first.name_s])
        elif self._is_share_of_nothing(question):
            self._keep(question, Typed(), "NAP", self.form.places[first.name_v])
        elif first.period == self.form.meta.period:
            self.report("value.blank", first, self.form.places[first.name_v], "question")

    def _read_multi(self, question: Question, filled: list[tuple[Field, Raw]], status: str) -> None:
        chosen = []
        sound = True
        for entry, raw in filled:
            language = self.form.meta.language
            typed = suggest(question.part, raw, type_answer(question.part, raw, language), language)
            sound &= self._accept(question.part, entry, self.form.places[entry.name_v], typed)
            if typed.value == 1:
                chosen.append(entry.option)
        if not sound:
            return
        if not chosen and len(filled) < len(question.fields):
            self.report("value.partly_blank", question.first, self.form.places[question.first.name_v], "question")
        place = self.form.places[question.first.name_v]
        self._keep(question, Typed(text=";".join(chosen)), status or "registered", place)

    def _accept(self, part: Part, entry: Field, place: Place, typed: Typed) -> bool:
        faults = [typed.fault] if typed.fault else []
        if not faults and not (isnan(typed.value) and typed.text):
            faults += check_number(part, typed.value)
        for code, facts in faults:
            self.report(code, entry, place, facts=facts)
        return not faults

    def _keep(self, question: Question, typed: Typed, status: str, place: Place) -> None:
        first = question.first
        sheet, (row, column) = place
        cell = write_cell(row, column)
        self.answers.append(
            StoredValue(
                first.period,
                first.indicator,
                first.part,
                typed.value,
                typed.text,
                status,
                sheet,
                cell,
                question.wording,
            )
        )
