"""A sheet of an ``.xlsx`` workbook as it passes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.references import Cell, parse_area, parse_cell, write_cell
from evaltoolkit.submissions.scan import (
    MAX_COLUMN,
    MAX_MERGES,
    Extent,
    SheetScan,
    local_name,
    read_number,
    read_text,
)
from evaltoolkit.submissions.scan_parts import Shared

_HEADERS = frozenset(f"{which}{what}" for which in ("odd", "even", "first") for what in ("Header", "Footer"))
# font, size and field codes of a header, which must not be taken for part of a number
_FORMATS = re.compile(r'&(?:"[^"]*"|[A-Za-z]|[0-9]{1,3}(?![0-9]))')
_TRUE = ("1", "true")


class SheetHandler:
    """Collects a :class:`SheetScan`; refuses what the value reader would choke on or silently overwrite."""

    def __init__(self, name: str, shared: Shared) -> None:
        self.found = SheetScan(name)
        self._book = shared
        self._budget = shared.budget
        self._extent = Extent()
        self._seen: set[Cell] = set()
        self._row = 0
        self._column = 0
        self._cell: Cell = (0, 0)
        self._hidden = False
        self._hidden_columns = bytearray(MAX_COLUMN + 1)
        self._type = ""
        self._open = ""
        self._phonetic = False
        self._pieces: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one element."""
        if ":" in name:
            name = local_name(name)
        self._budget.take_element()
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t") or name in _HEADERS:
            self._open = "" if self._phonetic else name
        elif name == "f":
            self.found.formulas[self._cell] = self._type
        elif name == "row":
            self._start_row(attributes)
        elif name == "mergeCell":
            self._add_merge(attributes.get("ref", ""))
        elif name == "col":
            self._hide_columns(attributes)
        elif name == "rPh":
            self._phonetic = True
        elif name in ("hyperlink", "dataValidation"):
            self.found.notes += ["\n", "\n".join(attributes.values()), "\n"]

    def text(self, data: str) -> None:
        """Collect the text of a value or a header."""
        if self._open in ("v", "t"):
            self._pieces.append(data)
        elif self._open:
            self.found.notes += ["\n", _FORMATS.sub(" ", data)]
        else:
            self.found.beside.append(data)

    def end(self, name: str) -> None:
        """Close a value or a cell."""
        if ":" in name:
            name = local_name(name)
        if name == "c":
            if self._pieces:
                self._keep("".join(self._pieces))
                self._pieces = []
        elif name == "rPh":
            self._phonetic = False
        elif name == "sheetData":
            hidden = {column for _, column in self._seen if self._hidden_columns[column]}
            self.found.hidden_columns = sorted(hidden)
        else:
            self._open = ""

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        # a formatted empty row far down is harmless: cells are judged one by one
        number = attributes.get("r")
        if number is not None and not number.isascii():
            raise UnsafeError("file.bad_reference")
        self._row = self._row + 1 if number is None else int(number) if number.isdigit() and len(number) < 9 else 0
        self._column = 0
        self._hidden = attributes.get("hidden") in _TRUE

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._budget.take_cell()
        reference = attributes.get("r")
        cell = (self._row, self._column + 1) if reference is None else parse_cell(reference)
        if cell is None or cell[0] < 1:
            raise UnsafeError("file.bad_reference")
        if cell[0] > self._extent.row or cell[1] > self._extent.column:
            self._extent.reach(cell)
        if cell in self._seen:
            raise UnsafeError("file.duplicate_cell", cell=write_cell(*cell))
        self._seen.add(cell)
        self._cell = cell
        self._column = cell[1]
        self._type = attributes.get("t", "n")
        self._pieces = []
        if self._type == "e":
            self.found.errors.add(cell)
        elif attributes.get("s") in self._book.percents:
            self.found.percents.add(cell)
        if self._hidden and cell[0] not in self.found.hidden_rows[-1:]:
            self.found.hidden_rows.append(cell[0])

    def _keep(self, text: str) -> None:
        cell = self._cell
        if self._type == "s":
            self.found.values[cell] = read_text(self._shared(text), cell)
        elif self._type == "n":
            self.found.values[cell] = read_number(text.strip(), cell)
        elif self._type == "b":
            self.found.values[cell] = text.strip() in _TRUE
        elif self._type != "e":
            self.found.values[cell] = read_text(text, cell)

    def _shared(self, text: str) -> str:
        text = text.strip()
        if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < len(self._book.strings)):
            raise UnsafeError("file.damaged", cell=write_cell(*self._cell))
        self._book.used.add(int(text))
        return self._book.strings[int(text)]

    def _add_merge(self, reference: str) -> None:
        area = parse_area(reference)
        if area is None:
            raise UnsafeError("file.bad_reference")
        self.found.merges.append(area)
        if len(self.found.merges) > MAX_MERGES:
            self._budget.refuse()

    def _hide_columns(self, attributes: Mapping[str, str]) -> None:
        low, high = attributes.get("min", ""), attributes.get("max", "")
        if attributes.get("hidden") in _TRUE and low.isdigit() and high.isdigit() and len(low) < 9 and len(high) < 9:
            first, last = max(int(low), 1), min(int(high), MAX_COLUMN)
            self._hidden_columns[first : last + 1] = b"\x01" * max(0, last + 1 - first)
