"""Names of the questions of an XLSForm: a pure function of the framework and the form, for writer and reader.

A question is called ``GOV_08__case__2025`` (indicator, part, period; what is no letter or digit is ``_``), its status
``GOV_08__case__2025__s``. What the form says about itself stands in calculated fields, ``etk_framework`` and so on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from evaltoolkit.framework.indicator import Framework, Indicator, Part
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.submissions.layout import FormMeta, asked_indicators

UNIT, CONTACT, MINUTES, EARLIER, DIGEST = "etk_unit", "etk_contact", "etk_minutes", "etk_earlier_too", "etk_digest"
# keys of a form's metadata that are the same for every respondent
META_KEYS = ("framework", "framework_version", "form", "vintage", "period", "earlier", "agreement")
# a version alone would come back as a number, 2.0 as 2
VERSION_MARK = "v"
# chosen in a multiple choice: looked, and there is none of them
NONE_CODE = "etk_none"


@dataclass(frozen=True, slots=True)
class Question:
    """One part in one period."""

    indicator: Indicator
    part: Part
    period: str

    @property
    def name(self) -> str:
        """Name of the question."""
        return field_name(self.indicator.id, self.part.id, self.period)

    @property
    def status(self) -> str:
        """Name of the question about its status."""
        return f"{self.name}__s"

    @property
    def base(self) -> str:
        """Name of the denominator of a numerator; empty for any other part."""
        if self.indicator.value != "ratio" or self.part.id != "numerator":
            return ""
        return field_name(self.indicator.id, "denominator", self.period)


@dataclass(frozen=True)
class Survey:
    """A form for everybody: what it asks, in order. The metadata name no respondent."""

    meta: FormMeta
    questions: tuple[Question, ...]

    @cached_property
    def by_name(self) -> dict[str, Question]:
        """Questions by name."""
        return {question.name: question for question in self.questions}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every question with its type, options, version and wording."""
        rows = [
            [q.name, q.part.type, [option.code for option in q.part.options], wording_code(q.indicator)]
            for q in self.questions
        ]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    @cached_property
    def metadata(self) -> dict[str, str]:
        """Calculated fields by name."""
        texts = self.meta.to_texts()
        texts["framework_version"] = VERSION_MARK + texts["framework_version"]
        return {f"etk_{key}": texts[key] for key in META_KEYS} | {DIGEST: self.digest}


def lay_out_survey(framework: Framework, meta: FormMeta) -> Survey:
    """Return what a form asks.

    Raises
    ------
    EvaltoolkitError
        The framework has no such form.
    """
    return Survey(meta, tuple(q for i in asked_indicators(framework, meta) for q in _questions(i, meta)))


def field_name(indicator: str, part: str, period: str) -> str:
    """Return the name of a question, valid in XML."""
    return "__".join(re.sub(r"\W", "_", piece, flags=re.ASCII) for piece in (indicator, part, period))


def unit_code(unit_kind: str, unit: str) -> str:
    """Return how a respondent is called in the list of units."""
    return f"{unit_kind}.{unit}"


def split_unit(code: str) -> tuple[str, str]:
    """Return kind and code of a unit; both empty where it is none."""
    kind, mark, unit = code.partition(".")
    return (kind, unit) if mark else ("", "")


def _questions(indicator: Indicator, meta: FormMeta) -> Iterator[Question]:
    """The reporting period first, then earlier ones: a form shows them in separate groups."""
    for period in (meta.period, *meta.earlier):
        for part in indicator.parts:
            if period == meta.period or part.earlier_years:
                yield Question(indicator, part, period)
