"""The ``content.xml`` of an ``.ods`` workbook as it passes: the same findings as for ``.xlsx``.

Repetitions are counted before they are written out: one element may stand for a million cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.references import Cell, write_cell
from evaltoolkit.submissions.scan import (
    MAX_COLUMN,
    MAX_MERGES,
    MAX_NAMES,
    Budget,
    Extent,
    SheetScan,
    Value,
    local_name,
    read_number,
    read_text,
)

# What a sheet of the format may have at most; a larger repetition is no sheet.
_SHEET_ROWS, _SHEET_COLUMNS = 1_048_576, 16_384
_EXTERNAL = frozenset(
    {"table-source", "dde-link", "dde-source", "cell-range-source", "database-source-sql", "database-source-table"}
)
_TEXTS = {"s": " ", "tab": "\t", "line-break": "\n"}
_NUMBERS = ("float", "percentage", "currency")
# LibreOffice's own second type of a value; the only attribute of which two have the same local name
_ERROR = "calcext:value-type"
_VALUES = {"date": "date-value", "time": "time-value", "boolean": "boolean-value"}


class ContentHandler:
    """Collects one :class:`SheetScan` for each table, and the named cells of the book."""

    def __init__(self, budget: Budget) -> None:
        self.sheets: list[SheetScan] = []
        self.names: dict[str, str] = {}
        self.repeated_names: set[str] = set()
        # texts outside the cells
        self.notes: list[str] = []
        self._local_names: set[str] = set()
        self._budget = budget
        self._styles: dict[str, bool] = {}
        self._style = ""
        self._table: _Table | None = None
        # depth inside something within a cell that is not its own text
        self._aside = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one element."""
        self._budget.take_element()
        name = local_name(name)
        if self._aside:
            self._aside += 1
        elif self._table is not None and self._table.in_cell:
            self._inside_cell(name, attributes)
        else:
            self._outside_cell(name, _plain(attributes))
        _refuse_foreign(name, attributes)

    def _outside_cell(self, name: str, plain: dict[str, str]) -> None:
        if name == "style":
            self._style = plain.get("name", "")
        elif name == "table-properties":
            self._styles[self._style] = plain.get("display") != "false"
        elif name == "named-range":
            self._add_name(plain)
        elif name == "table":
            self._start_table(plain)
        elif self._table is not None:
            self._table.start(name, plain)

    def _start_table(self, plain: dict[str, str]) -> None:
        if self._table is not None:
            raise UnsafeError("file.damaged")
        shown = self._styles.get(plain.get("style-name", ""), True)
        self._table = _Table(SheetScan(plain.get("name", ""), "visible" if shown else "hidden"), self._budget)
        self.sheets.append(self._table.found)

    def _inside_cell(self, name: str, attributes: Mapping[str, str]) -> None:
        assert self._table is not None
        if name == "p":
            self._table.start_paragraph()
        elif name in _TEXTS:
            count = _plain(attributes).get("c", "1")
            self._table.add(_TEXTS[name] * _repetition(count, _SHEET_COLUMNS))
        elif name not in ("span", "a"):
            self._aside = 1

    def _add_name(self, plain: dict[str, str]) -> None:
        name = plain.get("name", "")
        if self._table is not None:
            # a copied sheet has the names of its cells again
            self._local_names.add(name)
            return
        if name in self.names:
            self.repeated_names.add(name)
        sheet, _, cell = plain.get("cell-range-address", "").rpartition(".")
        self.names[name] = f"{sheet.removeprefix('$')}!{cell}"
        if len(self.names) > MAX_NAMES:
            self._budget.refuse()

    def text(self, data: str) -> None:
        """Collect a cell's text, or what stands beside the cells."""
        if self._table is not None and self._table.in_cell and not self._aside:
            self._table.add(data)
        else:
            self.notes.append(data)

    def end(self, name: str) -> None:
        """Close what is open."""
        if self._aside:
            self._aside -= 1
            return
        name = local_name(name)
        if self._table is None:
            return
        if name == "table":
            self._table.close()
            self._table = None
        elif name in ("table-cell", "covered-table-cell"):
            self._table.end_cell()
        elif name == "table-row":
            self._table.end_row()

    def finish(self) -> None:
        """Bring the names of the book and those of single sheets together."""
        self.repeated_names |= self._local_names & self.names.keys()


class _Filled(NamedTuple):
    """A cell with something in it, and how often it is repeated."""

    column: int
    repeat: int
    value: Value | None
    formula: str | None
    error: bool
    percent: bool


class _Table:
    """One table while it passes."""

    def __init__(self, found: SheetScan, budget: Budget) -> None:
        self.found = found
        self.in_cell = False
        self._budget = budget
        self._extent = Extent()
        self._row, self._column, self._columns_told = 1, 1, 1
        self._hidden_columns = bytearray(MAX_COLUMN + 1)
        self._filled_columns: set[int] = set()
        self._hidden = False
        self._rows = 1
        self._attributes: dict[str, str] = {}
        self._paragraphs: list[list[str]] = []
        # of the row that is open
        self._cells: list[_Filled] = []

    def start(self, name: str, plain: dict[str, str]) -> None:
        """Note one element outside the cells."""
        if name == "table-column":
            self._tell_columns(plain)
        elif name == "table-row":
            self._rows = _repetition(plain.get("number-rows-repeated", "1"), _SHEET_ROWS)
            self._hidden = plain.get("visibility", "visible") != "visible"
            self._column, self._cells = 1, []
        elif name in ("table-cell", "covered-table-cell"):
            self.in_cell = True
            self._attributes, self._paragraphs = plain, []

    def start_paragraph(self) -> None:
        """Begin one paragraph of a cell's text."""
        self._paragraphs.append([])

    def add(self, text: str) -> None:
        """Add to the open paragraph; white space between elements is no text."""
        if self._paragraphs:
            self._paragraphs[-1].append(text)

    def _tell_columns(self, plain: dict[str, str]) -> None:
        count = _repetition(plain.get("number-columns-repeated", "1"), _SHEET_COLUMNS)
        if plain.get("visibility", "visible") != "visible":
            first, last = self._columns_told, min(self._columns_told + count - 1, MAX_COLUMN)
            self._hidden_columns[first : last + 1] = b"\x01" * max(0, last + 1 - first)
        self._columns_told += count

    def end_cell(self) -> None:
        """Close a cell; what it holds waits for the end of its row."""
        self.in_cell = False
        plain = self._attributes
        count = _repetition(plain.get("number-columns-repeated", "1"), _SHEET_COLUMNS)
        cell = (self._row, self._column)
        text = read_text("\n".join("".join(pieces) for pieces in self._paragraphs), cell)
        error = plain.get(_ERROR) == "error" or (text.startswith("#") and "formula" in plain)
        value = _value(plain, text, cell)
        if not isinstance(value, str):
            # how a number is shown
            self.found.beside += [text, "\n"]
        formula = None
        if "formula" in plain:
            # a calculated empty text has an empty paragraph and no type
            formula = "str" if self._paragraphs and plain.get("value-type", "string") == "string" else "n"
        if value is not None or formula is not None:
            percent = plain.get("value-type") == "percentage"
            self._cells.append(_Filled(self._column, count, value, formula, error, percent))
        self._merge(plain, cell)
        self._column += count

    def _merge(self, plain: dict[str, str], cell: Cell) -> None:
        wide = _repetition(plain.get("number-columns-spanned", "1"), _SHEET_COLUMNS)
        high = _repetition(plain.get("number-rows-spanned", "1"), _SHEET_ROWS)
        if wide * high > 1:
            self.found.merges.append((cell, (cell[0] + high - 1, cell[1] + wide - 1)))
            if len(self.found.merges) > MAX_MERGES:
                self._budget.refuse()

    def end_row(self) -> None:
        """Write out a row as often as it is repeated."""
        if self._cells:
            last = max(filled.column + filled.repeat - 1 for filled in self._cells)
            self._extent.reach((self._row + self._rows - 1, last))
            for row in range(self._row, self._row + self._rows):
                self._write_row(row)
        self._row += self._rows

    def _write_row(self, row: int) -> None:
        if self._hidden:
            self.found.hidden_rows.append(row)
        for filled in self._cells:
            for column in range(filled.column, filled.column + filled.repeat):
                self._budget.take_cell()
                self._filled_columns.add(column)
                self._write_cell((row, column), filled)

    def _write_cell(self, cell: Cell, filled: _Filled) -> None:
        if filled.error:
            self.found.errors.add(cell)
        elif filled.value is not None:
            self.found.values[cell] = filled.value
        if filled.percent:
            self.found.percents.add(cell)
        if filled.formula is not None:
            self.found.formulas[cell] = filled.formula

    def close(self) -> None:
        """Name the hidden columns that hold something."""
        self.found.hidden_columns = sorted(column for column in self._filled_columns if self._hidden_columns[column])


def _value(plain: Mapping[str, str], text: str, cell: Cell) -> Value | None:
    kind = plain.get("value-type", "")
    if kind in _NUMBERS:
        return read_number(plain.get("value", ""), cell)
    if kind == "boolean":
        return plain.get("boolean-value") == "true"
    if kind in _VALUES:
        return plain.get(_VALUES[kind], "")
    if kind in ("", "string"):
        told = read_text(plain.get("string-value", ""), cell)
        if told and text and told.split() != text.split():
            raise UnsafeError("file.readers_disagree", cell=write_cell(*cell))
        return told or text or None
    raise UnsafeError("file.damaged")


def _plain(attributes: Mapping[str, str]) -> dict[str, str]:
    return {key if key == _ERROR else local_name(key): value for key, value in attributes.items()}


def _repetition(text: str, limit: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= limit):
        raise UnsafeError("file.bad_reference")
    return int(text)


def _refuse_foreign(name: str, attributes: Mapping[str, str]) -> None:
    if name == "event-listener":
        raise UnsafeError("file.macro")
    if name in _EXTERNAL:
        raise UnsafeError("file.external_link")
    if name == "tracked-changes":
        raise UnsafeError("file.tracked_changes")
    if name in ("object", "object-ole", "plugin", "applet", "floating-frame"):
        raise UnsafeError("file.embedded")
    if name == "a":
        return
    if any("://" in value for key, value in attributes.items() if local_name(key) == "href"):
        raise UnsafeError("file.external_link")
