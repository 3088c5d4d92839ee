"""A workbook judged as a container and as XML: refused with a code, or scanned. Runs in the reading process."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping

from evaltoolkit.findings import Finding, Where
from evaltoolkit.submissions.archive import MEGABYTE, UnsafeError, open_parts
from evaltoolkit.submissions.archive_bytes import check_bytes
from evaltoolkit.submissions.guard import Scan
from evaltoolkit.submissions.parts_beside import XML_ENDS, check_parts, kind_beside, looks_like_xml
from evaltoolkit.submissions.scan import Budget, SheetScan, check_xml, parse_xml
from evaltoolkit.submissions.scan_ods import ContentHandler
from evaltoolkit.submissions.scan_parts import (
    BookHandler,
    RelationHandler,
    Shared,
    StringsHandler,
    StylesHandler,
    TextHandler,
)
from evaltoolkit.submissions.scan_xlsx import SheetHandler

MAX_SHEETS = 60
# XML for each cell that is allowed; our longest form, saved by LibreOffice as .ods, has a third of it
_BYTES = 100
_BOOK = "xl/workbook.xml"
_ROOT_RELATIONS = "_rels/.rels"
_BOOK_RELATIONS = "xl/_rels/workbook.xml.rels"
_STRINGS, _STYLES = "xl/sharedstrings.xml", "xl/styles.xml"
_ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_ODS_MANIFEST = "META-INF/manifest.xml"

# pieces of part names (in small letters) and kinds of relations, with the code that they refuse the file with
_REFUSED_PARTS = {
    "vbaproject": "file.macro",
    "vbadata": "file.macro",
    "/macrosheets/": "file.macro",
    "/dialogsheets/": "file.macro",
    "/activex/": "file.macro",
    "/ctrlprops/": "file.macro",
    "/externallinks/": "file.external_link",
    "/querytables/": "file.external_link",
    "/connections.xml": "file.external_link",
    "/embeddings/": "file.embedded",
    "/revisions/": "file.tracked_changes",
}
_REFUSED_KINDS = {
    "vbaproject": "file.macro",
    "xlmacrosheet": "file.macro",
    "xlintlmacrosheet": "file.macro",
    "control": "file.macro",
    "activexcontrolbinary": "file.macro",
    "externallink": "file.external_link",
    "externallinkpath": "file.external_link",
    "connections": "file.external_link",
    "querytable": "file.external_link",
    "oleobject": "file.embedded",
    "package": "file.embedded",
    "revisionheaders": "file.tracked_changes",
}
_ODS_REFUSED = {"basic/": "file.macro", "scripts/": "file.macro", "dialogs/": "file.macro", "object ": "file.embedded"}


def judge_workbook(content: bytes, file: str, cells: int) -> Scan:
    """Judge a workbook of at most so many cells; a hostile or broken one is a scan with findings."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        parts = open_parts(content)
        check_bytes(content)
        written = [data for name, data in parts.items() if name.lower().endswith(XML_ENDS) or looks_like_xml(data)]
        if sum(map(len, written)) > cells * _BYTES:
            raise UnsafeError("file.unpacks_too_large", limit=cells * _BYTES // MEGABYTE)
        for data in written:
            check_xml(data)
        if parts.get("mimetype", b"").strip() == _ODS_TYPE:
            return _judge_ods(parts, Scan(file, digest, content=content), Budget(cells))
        return _judge_xlsx(parts, Scan(file, digest, content=content), Budget(cells))
    except UnsafeError as fault:
        return refused_scan(file, digest, fault)


def refused_scan(file: str, digest: str, fault: UnsafeError) -> Scan:
    """Return a scan that says only why nothing may be read."""
    facts = dict(fault.facts)
    where = Where(file=file, sheet=str(facts.pop("sheet", "")), cell=str(facts.pop("cell", "")))
    return Scan(file, digest, findings=(Finding(fault.code, "error", where, facts),))


def _judge_xlsx(parts: Mapping[str, bytes], scan: Scan, budget: Budget) -> Scan:
    _refuse_parts(parts, _REFUSED_PARTS)
    if not {_BOOK, _ROOT_RELATIONS, _BOOK_RELATIONS} <= parts.keys():
        raise UnsafeError("file.not_xlsx")
    links = list(_links(parts, budget))
    check_parts(parts)
    book = BookHandler(budget)
    parse_xml(parts[_BOOK], book)
    targets = _sheet_parts(parts, book, budget)
    if len(targets) > MAX_SHEETS:
        raise UnsafeError("file.unknown_sheets", count=len(targets))
    strings = StringsHandler(budget)
    for name, data in parts.items():
        if name.lower() == _STRINGS:
            parse_xml(data, strings)
    styles = StylesHandler(budget)
    for part in (data for name, data in parts.items() if name.lower() == _STYLES):
        parse_xml(part, styles)
    seen = Shared(strings.strings, styles.percents, budget)
    sheets = {name: _scan_sheet(parts[part], name, seen) for name, part in targets.items()}
    for name, state, _ in book.sheets:
        sheets[name].visibility = state
    unused = (text for number, text in enumerate(strings.strings) if number not in seen.used)
    hidden = [text for sheet in sheets.values() for text in sheet.beside]
    beside = _texts(parts, lambda name: name.startswith(("docprops/", "customxml/")))
    return scan.filled(
        sheets=sheets,
        names=book.names,
        repeated_names=frozenset(book.repeated_names),
        date1904=book.date1904,
        comments=_notes(sheets.values(), _texts(parts, _is_note)),
        beside=kind_beside((*links, *unused, *hidden, *beside), parts),
    )


def _refuse_parts(names: Iterable[str], refused: Mapping[str, str]) -> None:
    for name in names:
        for piece, code in refused.items():
            if piece in f"/{name.lower()}":
                raise UnsafeError(code)


def _links(parts: Mapping[str, bytes], budget: Budget) -> Iterator[str]:
    """Refuse relations to macros, other files and embedded ones; return what hyperlinks point to."""
    for name, data in parts.items():
        if not name.lower().endswith(".rels"):
            continue
        relations = RelationHandler(budget)
        parse_xml(data, relations)
        for kind in sorted(relations.kinds & _REFUSED_KINDS.keys()):
            raise UnsafeError(_REFUSED_KINDS[kind])
        for kind, target in relations.external:
            if kind != "hyperlink":
                raise UnsafeError("file.external_link")
            yield target


def _sheet_parts(parts: Mapping[str, bytes], book: BookHandler, budget: Budget) -> dict[str, str]:
    """Sheet name -> part; every sheet must be a worksheet that is there, in the one book that is judged."""
    root = RelationHandler(budget)
    parse_xml(parts[_ROOT_RELATIONS], root)
    if [target.lstrip("/") for kind, target in root.targets.values() if kind == "officeDocument"] != [_BOOK]:
        raise UnsafeError("file.damaged")
    relations = RelationHandler(budget)
    parse_xml(parts[_BOOK_RELATIONS], relations)
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


def _scan_sheet(data: bytes, name: str, seen: Shared) -> SheetScan:
    handler = SheetHandler(name, seen)
    try:
        parse_xml(data, handler)
    except UnsafeError as fault:
        raise UnsafeError(fault.code, **{"sheet": name, **fault.facts}) from None
    return handler.found


def _judge_ods(parts: Mapping[str, bytes], scan: Scan, budget: Budget) -> Scan:
    for name in parts:
        for start, code in _ODS_REFUSED.items():
            if name.lower().startswith(start):
                raise UnsafeError(code)
    if "content.xml" not in parts or _ODS_MANIFEST not in parts:
        raise UnsafeError("file.damaged")
    if _mentions(parts[_ODS_MANIFEST], "encryption-data"):
        raise UnsafeError("file.old_or_locked")
    check_parts(parts)
    content = ContentHandler(budget)
    try:
        parse_xml(parts["content.xml"], content)
    except UnsafeError as fault:
        sheet = content.sheets[-1].name if content.sheets and "cell" in fault.facts else ""
        raise UnsafeError(fault.code, **{"sheet": sheet, **fault.facts}) from None
    content.finish()
    sheets = {sheet.name: sheet for sheet in content.sheets}
    if not sheets or len(sheets) != len(content.sheets):
        raise UnsafeError("file.damaged")
    if len(sheets) > MAX_SHEETS:
        raise UnsafeError("file.unknown_sheets", count=len(sheets))
    hidden = [text for sheet in content.sheets for text in sheet.beside]
    return scan.filled(
        sheets=sheets,
        names=content.names,
        repeated_names=frozenset(content.repeated_names),
        comments=_notes(sheets.values(), (*content.notes, *_texts(parts, lambda name: name == "styles.xml"))),
        beside=kind_beside((*hidden, *_texts(parts, _is_ods_property)), parts),
    )


def _is_note(name: str) -> bool:
    return any(word in name for word in ("comment", "drawing", "/persons/"))


def _is_ods_property(name: str) -> bool:
    return name in ("meta.xml", "settings.xml", "manifest.rdf")


def _mentions(data: bytes, element: str) -> bool:
    found = TextHandler()
    parse_xml(data, found)
    return element in found.elements


def _texts(parts: Mapping[str, bytes], wanted: Callable[[str], bool]) -> list[str]:
    handler = TextHandler()
    for name, data in parts.items():
        if wanted(name.lower()) and name.lower().endswith(XML_ENDS):
            parse_xml(data, handler)
    return handler.texts


def _notes(sheets: Iterable[SheetScan], more: Iterable[str]) -> str:
    """Return the texts beside the cells; they are only searched for personal data, and never kept."""
    return "".join([*(note for sheet in sheets for note in (*sheet.notes, "\n")), *more])
