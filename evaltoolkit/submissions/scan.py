"""One expat pass over a workbook's XML: what the value reader does not tell, or must never be shown.

Elements are matched by their local name, as the value reader does, so that an odd prefix hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.references import Area, Cell, parse_area, parse_cell

MAX_ROW = 50_000
MAX_COLUMN = 2_000
MAX_AREA = 2_000_000
MAX_TEXT = 10_000

_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_SAFE_ENCODINGS = (b"utf-8", b"utf8", b"us-ascii")
_DECLARATIONS = (b"<!doctype", b"<!entity")


@dataclass(slots=True)
class SheetScan:
    """What stands on a sheet beside its values.

    Attributes
    ----------
    formulas : dict
        Cell with a formula -> type of its stored value (``str`` may be a calculated empty text).
    errors : set
        Cells that show an error such as ``#DIV/0!``; the value reader gives them as empty.
    merges : list
        Merged areas.
    hidden_rows : list
        Rows (from 1) that the user has hidden and that hold cells.
    """

    name: str = ""
    visibility: str = "visible"
    formulas: dict[Cell, str] = field(default_factory=dict)
    errors: set[Cell] = field(default_factory=set)
    merges: list[Area] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    seen: set[Cell] = field(default_factory=set)


def check_xml(data: bytes) -> None:
    """Refuse XML that declares a document type, an entity or another encoding than UTF-8."""
    head = data[:200]
    if b"\x00" in head[:4] or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnsafeError("file.unsafe_xml")
    declared = _ENCODING.search(head.partition(b"?>")[0]) if head.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml") else None
    if declared and declared[1].lower() not in _SAFE_ENCODINGS:
        raise UnsafeError("file.unsafe_xml")
    if b"<!" in data and any(mark in data.lower() for mark in _DECLARATIONS):
        raise UnsafeError("file.unsafe_xml")


def parse_xml(data: bytes, handler: Any) -> None:
    """Send the elements of an XML part to a handler's ``start``, ``end`` and ``text`` (last two optional)."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = getattr(handler, "end", None)
    parser.CharacterDataHandler = getattr(handler, "text", None)
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise UnsafeError("file.damaged") from None


def _refuse(*_: object) -> None:
    raise UnsafeError("file.unsafe_xml")


def local_name(name: str) -> str:
    """Return an element's or attribute's name without its prefix."""
    return name.rpartition(":")[2]


class SheetHandler:
    """Collects a :class:`SheetScan`; refuses what the value reader would choke on or silently overwrite."""

    def __init__(self) -> None:
        self.found = SheetScan()
        self._row = 0
        self._column = 0
        self._cell: Cell = (0, 0)
        self._hidden = False
        self._type = ""
        self._last: Cell = (0, 0)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one element."""
        if ":" in name:
            name = local_name(name)
        if name == "c":
            self._start_cell(attributes)
        elif name == "f":
            self.found.formulas[self._cell] = self._type
        elif name == "row":
            self._start_row(attributes)
        elif name == "mergeCell":
            self._add_merge(attributes.get("ref", ""))

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        # a formatted empty row far down is harmless: cells are judged one by one
        number = attributes.get("r")
        if number is not None and not number.isascii():
            raise UnsafeError("file.bad_reference")
        self._row = self._row + 1 if number is None else int(number) if number.isdigit() else 0
        self._column = 0
        self._hidden = attributes.get("hidden") in ("1", "true")

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        cell = (self._row, self._column + 1) if reference is None else parse_cell(reference)
        if cell is None or cell[0] < 1:
            raise UnsafeError("file.bad_reference")
        if cell[0] > MAX_ROW or cell[1] > MAX_COLUMN:
            raise UnsafeError("file.cell_far_away", cell=reference or "", rows=MAX_ROW, columns=MAX_COLUMN)
        if cell in self.found.seen:
            raise UnsafeError("file.duplicate_cell", cell=reference or "")
        self.found.seen.add(cell)
        self._cell = cell
        self._column = cell[1]
        self._type = attributes.get("t", "n")
        self._last = (max(self._last[0], cell[0]), max(self._last[1], cell[1]))
        if self._last[0] * self._last[1] > MAX_AREA:
            raise UnsafeError("file.cell_far_away", cell=reference or "", rows=MAX_ROW, columns=MAX_COLUMN)
        if self._type == "e":
            self.found.errors.add(cell)
        if self._hidden and cell[0] not in self.found.hidden_rows[-1:]:
            self.found.hidden_rows.append(cell[0])

    def _add_merge(self, reference: str) -> None:
        area = parse_area(reference)
        if area is None:
            raise UnsafeError("file.bad_reference")
        self.found.merges.append(area)


class BookHandler:
    """Collects sheets, defined names and the date system of ``workbook.xml``."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.names: dict[str, str] = {}
        self.repeated_names: set[str] = set()
        self.date1904 = False
        self._name = ""
        self._target: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one element."""
        plain = {local_name(key): value for key, value in attributes.items()}
        match local_name(name):
            case "sheet":
                self.sheets.append((plain.get("name", ""), plain.get("state", "visible"), plain.get("id", "")))
            case "definedName":
                self._name = plain.get("name", "")
                self._target = []
            case "workbookPr":
                self.date1904 = plain.get("date1904") in ("1", "true")

    def text(self, data: str) -> None:
        """Collect the target of a defined name."""
        if self._name:
            self._target.append(data)

    def end(self, name: str) -> None:
        """Close a defined name."""
        if local_name(name) != "definedName":
            return
        if self._name in self.names:
            self.repeated_names.add(self._name)
        self.names[self._name] = "".join(self._target)
        self._name = ""


class RelationHandler:
    """Collects the targets of a part's relations."""

    def __init__(self) -> None:
        self.targets: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note one relation: id -> (kind, target)."""
        if local_name(name) == "Relationship":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.targets[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))
