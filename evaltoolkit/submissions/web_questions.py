"""What a web form asks and what its saved answers look like: shared by its writer and its reader.

The form saves one JSON document (``data/pages/form.schema.json``). It says which framework, form, unit and period the
answers belong to, and holds one entry for each question and period that was touched::

    {"indicator": "GOV-08", "part": "case", "period": "2025", "value": 5}
    {"indicator": "CAP-05", "part": "kinds", "period": "2024", "value": ["coaching"], "status": "reconstructed"}
    {"indicator": "GOV-08", "part": "strategic", "period": "2025", "typed": "a few", "language": "en"}
    {"indicator": "DET-08", "part": "value", "period": "2025", "status": "DK"}

``value`` is a number (1 and 0 for yes and no), the code of an option, a list of such codes, or a month. ``typed`` is
what somebody typed that is no answer yet, with the language whose decimal mark counts: nothing is lost by saving.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework, Indicator, Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.framework.wording import wording_code
from evaltoolkit.submissions.layout import FormMeta, asked_indicators
from evaltoolkit.submissions.parts import TEXT_TYPES

FORMAT = "evaltoolkit-web-form"
VERSION = "1"
# Longest text that can be typed into an answer.
MAX_TYPED = 40

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """One part in one period."""

    indicator: Indicator
    part: Part
    period: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Indicator, part and period: the identity of an answer."""
        return self.indicator.id, self.part.id, self.period

    @property
    def id(self) -> str:
        """The key as one text, as it stands in findings and sources."""
        return ".".join(self.key)

    @property
    def base(self) -> tuple[str, str, str] | None:
        """Key of the denominator, for the numerator of a ratio: where that is zero, the share is not applicable."""
        if self.indicator.value != "ratio" or self.part.id != "numerator":
            return None
        return self.indicator.id, "denominator", self.period


def asked_in(framework: Framework, meta: FormMeta) -> dict[tuple[str, str, str], Asked]:
    """Return every question of a form by its key, in form order, the reporting period first.

    Raises
    ------
    EvaltoolkitError
        The framework has no such form, or it asks nothing.
    """
    indicators = asked_indicators(framework, meta)
    return {asked.key: asked for indicator in indicators for asked in _asked(indicator, meta)}


def _asked(indicator: Indicator, meta: FormMeta) -> Iterator[Asked]:
    for part in indicator.parts:
        for period in (meta.period, *meta.earlier):
            if period == meta.period or part.earlier_years:
                yield Asked(indicator, part, period)


def shape_of(framework: Framework, meta: FormMeta) -> str:
    """Return the SHA-256 over every question with its type, options, version and wording."""
    rows = [
        [
            *asked.key,
            asked.part.type,
            [o.code for o in asked.part.options],
            asked.indicator.version,
            wording_code(asked.indicator),
        ]
        for asked in asked_in(framework, meta).values()
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def identity_of(framework: Framework, meta: FormMeta) -> Json:
    """Return what a saved document says about itself."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "framework": meta.framework,
        "framework_version": meta.framework_version,
        "form": meta.form,
        "unit_kind": meta.unit_kind,
        "unit": meta.unit,
        "members": list(meta.members),
        "vintage": meta.vintage,
        "period": meta.period,
        "earlier": list(meta.earlier),
        "agreement": meta.agreement,
        "language": meta.language,
        "shape": shape_of(framework, meta),
    }


def web_document(framework: Framework, meta: FormMeta, values: pd.DataFrame | None) -> Json:
    """Return the document that the form of these values saves when nothing is changed in it."""
    return identity_of(framework, meta) | {"answers": known_answers(framework, meta, values)}


def known_answers(framework: Framework, meta: FormMeta, values: pd.DataFrame | None) -> list[Json]:
    """Return known values as entries of a document, in form order.

    Parameters
    ----------
    framework : Framework
    meta : FormMeta
    values : DataFrame, optional
        A table of values; rows of other units, periods or questions are left aside.

    Raises
    ------
    EvaltoolkitError
        The table answers one question of this form twice.
    """
    if values is None or values.empty:
        return []
    own = values[(values["unit_kind"] == meta.unit_kind) & (values["unit"] == meta.unit)]
    questions = asked_in(framework, meta)
    known: dict[tuple[str, str, str], Json] = {}
    columns = ["indicator", "part", "period", "value", "text", "status"]
    for indicator, part, period, value, text, status in own[columns].itertuples(index=False, name=None):
        key = (indicator, part, period)
        if key in known:
            raise EvaltoolkitError(f"The values for {meta.unit} hold {' '.join(key)} twice. Keep one of them.")
        asked = questions.get(key)
        entry = _entry(asked, value, text, status) if asked else None
        if entry is not None:
            known[key] = entry
    return [known[key] for key in questions if key in known]


def _entry(asked: Asked, value: float, text: str, status: str) -> Json | None:
    entry: Json = dict(zip(("indicator", "part", "period"), asked.key, strict=True))
    if status in MISSING:
        return entry | {"status": status}
    answer = _answer(asked.part, value, text)
    if answer is None:
        return None
    return entry | {"value": answer} | ({"status": status} if status != "registered" else {})


def _answer(part: Part, value: float, text: str) -> object | None:
    if part.type == "multi":
        return [code for code in text.split(";") if code]
    if part.type in TEXT_TYPES:
        return text or None
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
