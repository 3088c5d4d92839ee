"""Where everything stands on a form: a pure function of the framework and the form's metadata.

Writer and reader both work from this layout, so neither looks for a cell by its text.

**Names are the identity of cells.** Every input cell has a defined name, valid in Excel and LibreOffice:

- ``etk.GOV_08.case.2025.v``: the answer; ``etk.GOV_08.case.2025.s``: its status.
- A part of type ``multi`` has one yes/no cell for each option, ``etk.CAP_05.kinds.coaching.2025.v``, and one status
  cell for all of them, ``etk.CAP_05.kinds.2025.s``: such a part has one :class:`Field` per option, which share it.
- What is no letter or digit becomes ``_``: ``-`` of an indicator, ``-`` and ``/`` of a period.

**Status cells** hold ``DK``, ``NAP``, ``RF``, ``NR``, ``SUP`` or ``reconstructed``, then a dash and the words of the
form's language (``DK – weet niet``): the code before the dash counts. Empty beside an answer means registered.

**Answer cells** hold a number; the label of an option in the form's language (``choice``); the word for yes or no of
:func:`yes_no`; a month as text, ``2025-03``.

**One sheet or several.** A long form has one sheet of answers for each dimension, see
:func:`~evaltoolkit.submissions.titles.split_sheets`.

**Extra cells** are no answers to questions: the role of who fills in, minutes of work, the rows of the roster; see
:mod:`~evaltoolkit.submissions.extras`.

**Metadata** stand on the sheet ``_etk``: key in column A, text in column B, see :attr:`Layout.metadata`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework, Indicator, Option, Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.framework.wording import version_text
from evaltoolkit.i18n import words
from evaltoolkit.submissions.extras import Extra, about_cells, actions_of, roster_cells
from evaltoolkit.submissions.form_meta import MAX_EARLIER, FormMeta
from evaltoolkit.submissions.titles import LISTS_SHEET, META_SHEET, is_answer_sheet, sheet_title, split_sheets

__all__ = ["LISTS_SHEET", "MAX_EARLIER", "META_SHEET", "Block", "Field", "FormMeta", "Layout", "Line", "layout_form"]

FORMAT = "evaltoolkit-form"
VERSION = "2"
STATUS_CODES = (*MISSING, "reconstructed")

# Rows above the first indicator, and the columns of the input cells (all counted from 1).
ANSWERS_TOP = 3
EARLIER_TOP = 4
ANSWER_COLUMN, STATUS_COLUMN = 3, 5
EARLIER_COLUMN = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One answer cell and its status cell; addresses like ``C7``, names as in the module's docstring."""

    indicator: str
    part: str
    option: str
    period: str
    sheet: str
    sheet_title: str
    value_cell: str
    status_cell: str
    name_v: str
    name_s: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a block: a question, an option of it, or the question above its options (``field`` False)."""

    row: int
    part: Part
    option: Option | None = None
    field: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one indicator on a sheet: a band with its name, then its lines."""

    number: int
    indicator: Indicator
    band_row: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Layout:
    """A form: sheet titles by stable id, blocks of rows by sheet id, and every field."""

    meta: FormMeta
    titles: Mapping[str, str]
    blocks: Mapping[str, tuple[Block, ...]]
    fields: tuple[Field, ...]
    # SHA-256 over all fields
    shape: str
    # cells that are no answers to questions
    extras: tuple[Extra, ...] = ()
    # parts and options of what the roster may name; empty where the form has no roster
    actions: tuple[Option, ...] = ()

    @cached_property
    def answer_sheets(self) -> tuple[str, ...]:
        """Ids of the sheets for the reporting period, in order."""
        return tuple(name for name in self.blocks if is_answer_sheet(name))

    @cached_property
    def answer_blocks(self) -> tuple[Block, ...]:
        """The blocks of the reporting period, over all its sheets."""
        return tuple(block for name in self.answer_sheets for block in self.blocks[name])

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by the name of their answer cell."""
        return {field.name_v: field for field in self.fields}

    @cached_property
    def cells(self) -> dict[str, tuple[str, str]]:
        """Sheet title and address by defined name, for answer and status cells."""
        places: dict[str, tuple[str, str]] = {}
        for field in self.fields:
            places[field.name_v] = (field.sheet_title, field.value_cell)
            places[field.name_s] = (field.sheet_title, field.status_cell)
        for extra in self.extras:
            places[extra.name] = (self.titles[extra.sheet], extra.cell)
        return places

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the metadata and every field with its type, version and wording."""
        text = json.dumps([FORMAT, VERSION, self.meta.to_texts(), self.shape], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def metadata(self) -> dict[str, str]:
        """Keys and texts of the hidden sheet ``_etk``."""
        asked = ";".join(version_text(block.indicator) for block in self.answer_blocks)
        texts = {"format": FORMAT, "layout": VERSION, **self.meta.to_texts(), "versions": asked}
        return texts | {"digest": self.digest}

    def readdress(self, meta: FormMeta) -> Layout:
        """Return the same form for another respondent; faster than :func:`layout_form`.

        Raises
        ------
        EvaltoolkitError
            The metadata differ in more than the respondent.
        """
        same = replace(meta, unit=self.meta.unit, members=self.meta.members, vintage=self.meta.vintage)
        if same != self.meta:
            raise EvaltoolkitError(f"The form of {self.meta.unit} is not the same form as that of {meta.unit}.")
        return replace(self, meta=meta)


def layout_form(framework: Framework, meta: FormMeta) -> Layout:
    """Return where everything stands on a form.

    Raises
    ------
    EvaltoolkitError
        The framework has no such form.
    """
    indicators = asked_indicators(framework, meta)
    say = words(meta.language).say
    titles = {"start": say("form.sheet.start")}
    blocks: dict[str, tuple[Block, ...]] = {}
    for name, some in split_sheets(indicators).items():
        titles[name] = sheet_title(name, meta.language)
        number = sum(len(drawn) for drawn in blocks.values())
        blocks[name] = _blocks(some, ANSWERS_TOP, number, earlier=False)
    answers = tuple(blocks.items())
    earlier = _blocks(indicators, EARLIER_TOP, 0, earlier=True) if meta.earlier else ()
    if earlier:
        titles["earlier"] = sheet_title("earlier", meta.language)
        blocks["earlier"] = earlier
    actions = actions_of(indicators)
    if actions:
        titles["roster"] = sheet_title("roster", meta.language)
    found = [
        _field(titles, name, block, line, meta.period, 0) for name, own in answers for block, line in _field_lines(own)
    ]
    found += [
        _field(titles, "earlier", block, line, period, place)
        for block, line in _field_lines(earlier)
        for place, period in enumerate(meta.earlier)
    ]
    extras = (*about_cells(), *(roster_cells() if actions else ()))
    return Layout(meta, titles, blocks, tuple(found), _shape(framework, found, extras), extras, actions)


def asked_indicators(framework: Framework, meta: FormMeta) -> tuple[Indicator, ...]:
    """Return what a form asks of its respondent: exact small counts only under a processing agreement.

    Raises
    ------
    EvaltoolkitError
        The framework has no such form, or it asks nothing.
    """
    asked = framework.form(meta.form)
    asked = tuple(indicator for indicator in asked if meta.agreement or indicator.entry != "agreement")
    if not asked:
        raise EvaltoolkitError(f'The form "{meta.form}" of {framework.name} asks nothing of whoever fills in forms.')
    return asked


def cell_name(indicator: str, part: str, period: str, option: str = "", *, status: bool = False) -> str:
    """Return the defined name of an input cell; a status cell belongs to the part, not to an option."""
    pieces = ["etk", indicator, part, *([option] if option and not status else []), period, "s" if status else "v"]
    return ".".join(re.sub(r"\W", "_", piece, flags=re.ASCII) for piece in pieces)


def cell_address(row: int, column: int) -> str:
    """Return an address like ``C7``; row and column are counted from 1, and a form has at most 26 columns."""
    return f"{chr(ord('A') + column - 1)}{row}"


def status_label(code: str, language: str) -> str:
    """Return a status as the drop-down shows it: ``DK – weet niet``."""
    return f"{code} – {words(language).say('form.status.' + code)}"


def yes_no(language: str) -> tuple[str, str]:
    """Return the words for yes (1) and no (0), as the drop-down shows them."""
    return words(language).say("form.yes"), words(language).say("form.no")


def _blocks(indicators: tuple[Indicator, ...], top: int, before: int, *, earlier: bool) -> tuple[Block, ...]:
    blocks, row = [], top + 1
    for number, indicator in enumerate(indicators, before + 1):
        parts = [part for part in indicator.parts if part.earlier_years or not earlier]
        lines = tuple(_lines(parts, row + 1))
        if lines:
            blocks.append(Block(number, indicator, row, lines))
            row = lines[-1].row + 1
    return tuple(blocks)


def _lines(parts: list[Part], row: int) -> Iterator[Line]:
    for part in parts:
        yield Line(row, part, field=part.type != "multi")
        row += 1
        if part.type == "multi":
            for option in part.options:
                yield Line(row, part, option)
                row += 1


def _field_lines(blocks: tuple[Block, ...]) -> Iterator[tuple[Block, Line]]:
    return ((block, line) for block in blocks for line in block.lines if line.field)


def _field(titles: Mapping[str, str], sheet: str, block: Block, line: Line, period: str, place: int) -> Field:
    option = line.option.code if line.option else ""
    column = ANSWER_COLUMN if is_answer_sheet(sheet) else EARLIER_COLUMN + 2 * place
    status = STATUS_COLUMN if is_answer_sheet(sheet) else column + 1
    # the status of a multiple choice stands beside the question, above the options
    status_row = next(other.row for other in block.lines if other.part.id == line.part.id)
    return Field(
        block.indicator.id,
        line.part.id,
        option,
        period,
        sheet,
        titles[sheet],
        cell_address(line.row, column),
        cell_address(status_row, status),
        cell_name(block.indicator.id, line.part.id, period, option),
        cell_name(block.indicator.id, line.part.id, period, status=True),
    )


def _shape(framework: Framework, found: Iterable[Field], extras: Iterable[Extra]) -> str:
    rows: list[list[object]] = [[extra.name, extra.sheet] for extra in extras]
    for field in found:
        indicator = framework.by_id[field.indicator]
        kind = indicator.part(field.part).type
        rows.append([field.name_v, field.name_s, kind, indicator.version, indicator.wording])
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
