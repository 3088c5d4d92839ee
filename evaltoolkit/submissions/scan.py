"""What one expat pass finds in a workbook's XML: what the value reader does not tell, or must never be shown.

No pattern is matched on XML text: encodings, document types and entities are what the parser itself reports, so that
single quotes, odd prefixes, another order of attributes or UTF-16 hide nothing. Elements are matched by their local
name, as the value reader does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.references import Area, Cell, write_cell

MAX_ROW = 50_000
MAX_COLUMN = 2_000
MAX_AREA = 2_000_000
MAX_TEXT = 10_000
MAX_MERGES = 5_000
MAX_NAMES = 20_000
# Cells of a whole workbook, empty formatted ones included: a form has about a thousand, a table of own data many.
FORM_CELLS = 50_000
TABLE_CELLS = 500_000
# Elements for each cell that is allowed: more is padding that only costs time.
_ELEMENTS = 10

_SAFE_ENCODINGS = ("utf-8", "utf8", "us-ascii")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf(?:inity)?)", re.IGNORECASE)

Value = str | float | bool


@dataclass(slots=True)
class SheetScan:
    """What stands on a sheet beside its values.

    Attributes
    ----------
    formulas : dict
        Cell with a formula -> type of its stored value (``str`` may be a calculated empty text).
    errors : set
        Cells that show an error such as ``#DIV/0!``; the value reader gives them as empty.
    percents : set
        Cells that show a number as a percentage.
    merges : list
        Merged areas.
    hidden_rows, hidden_columns : list
        Rows and columns (from 1) that the user has hidden and that hold cells.
    values : dict
        What the scanner itself reads, to be held against the value reader; not kept after that.
    notes : list
        Texts outside the cells: headers, footers, notes, shapes.
    beside : list
        Texts that no program shows, formulas among them.
    """

    name: str = ""
    visibility: str = "visible"
    formulas: dict[Cell, str] = field(default_factory=dict)
    errors: set[Cell] = field(default_factory=set)
    percents: set[Cell] = field(default_factory=set)
    merges: list[Area] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    values: dict[Cell, Value] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    beside: list[str] = field(default_factory=list, repr=False)


class Budget:
    """How many cells and elements a whole workbook may still have."""

    def __init__(self, cells: int) -> None:
        self.limit = cells
        self.cells = cells
        self.elements = cells * _ELEMENTS

    def take_cell(self) -> None:
        """Count one cell."""
        self.cells -= 1
        if self.cells < 0:
            self.refuse()

    def take_element(self) -> None:
        """Count one element."""
        self.elements -= 1
        if self.elements < 0:
            self.refuse()

    def refuse(self) -> None:
        """Refuse the workbook for its size."""
        raise UnsafeError("file.too_many_cells", limit=self.limit)


class Extent:
    """The used area of a sheet: refuses a cell that lies far away before a reader lays out everything up to it."""

    def __init__(self) -> None:
        self.row = 0
        self.column = 0

    def reach(self, cell: Cell) -> None:
        """Widen the area to a cell."""
        self.row, self.column = max(self.row, cell[0]), max(self.column, cell[1])
        if cell[0] > MAX_ROW or cell[1] > MAX_COLUMN or self.row * self.column > MAX_AREA:
            raise UnsafeError("file.cell_far_away", cell=write_cell(*cell), rows=MAX_ROW, columns=MAX_COLUMN)


def read_number(text: str, cell: Cell) -> float:
    """Return a number as XML writes it; other spellings that one reader takes and another does not are refused."""
    if not _NUMBER.fullmatch(text):
        raise UnsafeError("file.damaged", cell=write_cell(*cell))
    return float(text)


def read_text(text: str, cell: Cell) -> str:
    """Return a cell's text, refused when it is no answer but a document."""
    if len(text) > MAX_TEXT:
        raise UnsafeError("file.text_too_long", cell=write_cell(*cell), limit=MAX_TEXT)
    return text


class _Nothing:
    """A handler for parts of which only the declarations are judged."""

    start = end = text = None


def check_xml(data: bytes) -> None:
    """Refuse XML that is not well formed, declares a document type or an entity, or is not in UTF-8."""
    parse_xml(data, _Nothing())


def parse_xml(data: bytes, handler: Any) -> None:
    """Send the elements of an XML part to a handler's ``start``, ``end`` and ``text`` (last two optional)."""
    if data.startswith(_BYTE_ORDER_MARKS) or b"\x00" in data[:4]:
        raise UnsafeError("file.unsafe_xml")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = getattr(handler, "end", None)
    parser.CharacterDataHandler = getattr(handler, "text", None)
    parser.XmlDeclHandler = _check_declaration
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise UnsafeError("file.damaged") from None


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _SAFE_ENCODINGS:
        raise UnsafeError("file.unsafe_xml")


def _refuse(*_: object) -> int:
    raise UnsafeError("file.unsafe_xml")


def local_name(name: str) -> str:
    """Return an element's or attribute's name without its prefix."""
    return name.rpartition(":")[2] if ":" in name else name


def plain_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return attributes by their local name."""
    return {local_name(key): value for key, value in attributes.items()}
