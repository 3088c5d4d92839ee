"""The gate before every workbook: judged as a container and as XML before one value is read.

A spreadsheet reader may hang, eat the memory or kill the process on a crafted file, and reads duplicate parts,
macros and hidden sheets without a word. So the file is refused here, with a code, or scanned and handed on.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaltoolkit.findings import EvaltoolkitError, Finding, Where
from evaltoolkit.submissions.archive import MAX_FILE, UnsafeError, open_parts
from evaltoolkit.submissions.scan import BookHandler, RelationHandler, SheetHandler, SheetScan, check_xml, parse_xml

MAX_SHEETS = 60
_BOOK = "xl/workbook.xml"
_ROOT_RELATIONS = "_rels/.rels"
_BOOK_RELATIONS = "xl/_rels/workbook.xml.rels"


@dataclass(frozen=True)
class Scan:
    """A workbook after the gate.

    Attributes
    ----------
    file : str
        File name without folder.
    sha256 : str
    content : bytes
        What was judged, and the only thing that may be read afterwards.
    sheets : dict
        Sheet name -> :class:`SheetScan`, in order.
    names : dict
        Defined name -> target, for example ``'Form'!$D$14``.
    repeated_names : frozenset
        Names that are defined more than once, for example after a sheet was copied.
    date1904 : bool
    comments : str
        Text of the notes and comments, for the check on personal data only.
    findings : tuple of Finding
        Not empty: the file is refused, and nothing else here is filled.
    """

    file: str
    sha256: str
    content: bytes = field(default=b"", repr=False)
    sheets: Mapping[str, SheetScan] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    repeated_names: frozenset[str] = frozenset()
    date1904: bool = False
    comments: str = field(default="", repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> bool:
        """Nothing of the file may be read."""
        return bool(self.findings)


def guard_workbook(path: str | Path, allow: Callable[[str], bool] | None = None) -> Scan:
    """Judge a workbook before it is read.

    Parameters
    ----------
    path : path
    allow : callable, optional
        Tells for a sheet name whether it belongs to the form; another sheet refuses the file. Default: all allowed.

    Returns
    -------
    Scan
        With ``findings`` where the file is refused; a hostile or broken file never raises.

    Raises
    ------
    EvaltoolkitError
        The file is not there or may not be opened.
    """
    return guard_bytes(read_content(path), Path(path).name, allow)


def read_content(path: str | Path) -> bytes:
    """Return the bytes of a file, one more than allowed at most; EvaltoolkitError if it cannot be opened."""
    path = Path(path)
    try:
        with path.open("rb") as handle:
            return handle.read(MAX_FILE + 1)
    except OSError as error:
        raise EvaltoolkitError(
            f'The file "{path.name}" cannot be opened: {error.strerror}. Check name and rights.'
        ) from error


def guard_bytes(content: bytes, file: str, allow: Callable[[str], bool] | None = None) -> Scan:
    """Judge a workbook that is already in memory; see :func:`guard_workbook`."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        return _scan(content, file, digest, allow)
    except UnsafeError as fault:
        return _refused(file, digest, fault)


def _refused(file: str, digest: str, fault: UnsafeError) -> Scan:
    facts = dict(fault.facts)
    where = Where(file=file, sheet=str(facts.pop("sheet", "")), cell=str(facts.pop("cell", "")))
    return Scan(file, digest, findings=(Finding(fault.code, "error", where, facts),))


def _scan(content: bytes, file: str, digest: str, allow: Callable[[str], bool] | None) -> Scan:
    parts = open_parts(content)
    _check_parts(parts)
    book = BookHandler()
    parse_xml(parts[_BOOK], book)
    targets = _sheet_parts(parts, book)
    unknown = [name for name in targets if allow is not None and not allow(name)]
    if len(targets) > MAX_SHEETS or unknown:
        raise UnsafeError("file.unknown_sheets", count=len(unknown) or len(targets))
    sheets = {name: _scan_sheet(parts[part], name) for name, part in targets.items()}
    for name, state, _ in book.sheets:
        sheets[name].visibility = state
    return Scan(
        file,
        digest,
        content=content,
        sheets=sheets,
        names=book.names,
        repeated_names=frozenset(book.repeated_names),
        date1904=book.date1904,
        comments=_comments(parts),
    )


def _check_parts(parts: Mapping[str, bytes]) -> None:
    names = [name.lower() for name in parts]
    if any("vbaproject" in name or "/macrosheets/" in name or "/activex/" in name for name in names):
        raise UnsafeError("file.macro")
    if any("/externallinks/" in name for name in names):
        raise UnsafeError("file.external_link")
    if not {_BOOK, _ROOT_RELATIONS, _BOOK_RELATIONS} <= parts.keys():
        raise UnsafeError("file.not_xlsx")
    for name, data in parts.items():
        if name.lower().endswith((".xml", ".rels", ".vml")):
            check_xml(data)


def _sheet_parts(parts: Mapping[str, bytes], book: BookHandler) -> dict[str, str]:
    """Sheet name -> part; every sheet must be a worksheet that is there, in the one book that is judged."""
    root = RelationHandler()
    parse_xml(parts[_ROOT_RELATIONS], root)
    if [target.lstrip("/") for kind, target in root.targets.values() if kind == "officeDocument"] != [_BOOK]:
        raise UnsafeError("file.damaged")
    relations = RelationHandler()
    parse_xml(parts[_BOOK_RELATIONS], relations)
    if any(kind == "vbaProject" for kind, _ in relations.targets.values()):
        raise UnsafeError("file.macro")
    found: dict[str, str] = {}
    for name, _, relation in book.sheets:
        kind, target = relations.targets.get(relation, ("", ""))
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        if kind != "worksheet" or part not in parts or name in found or part in found.values():
            raise UnsafeError("file.damaged")
        found[name] = part
    if not found:
        raise UnsafeError("file.damaged")
    return found


def _scan_sheet(data: bytes, name: str) -> SheetScan:
    handler = SheetHandler()
    handler.found.name = name
    try:
        parse_xml(data, handler)
    except UnsafeError as fault:
        raise UnsafeError(fault.code, sheet=name, **fault.facts) from None
    return handler.found


class _TextHandler:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.texts.append(" ")

    def text(self, data: str) -> None:
        self.texts.append(data)


def _comments(parts: Mapping[str, bytes]) -> str:
    handler = _TextHandler()
    for name, data in parts.items():
        if "comment" in name.lower() and name.lower().endswith(".xml"):
            parse_xml(data, handler)
    return "".join(handler.texts)
