"""From the blocks of a page to those of a Word file: paragraphs, lists, tables, figures."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from evaltoolkit.reports.raster import as_png
from evaltoolkit.reports.raster_style import Sheet

_HEADINGS = {"h1": 0, "h2": 1, "h3": 2, "h4": 3}
_BLOCKS = ("p", "ul", "ol", "dl", "table", "figure", "details", "div", "section", "article", "h1", "h2", "h3", "h4")
# not seen on the page, or of no use on paper: what only a screen reader hears, where to click, empty marks
_LEFT_OUT = {"unseen", "skip", "beside", "full"}
_BOLD = ("strong", "b", "dt", "th", "summary")
# a break of the line that the page asks for, as against those of its source
_BREAK = "\v"
# blanks that bind are none of these
_SPACE = re.compile(r"[ \t\r\n]+")
# from here on a table is set in smaller letters
_MANY_COLUMNS = 5


def is_left_out(element: Any) -> bool:
    """Whether an element of a page has no place in a document."""
    if not isinstance(element.tag, str) or element.tag in ("nav", "style", "script"):
        return True
    if element.tag == "a" and element.get("href", "").startswith("#") and element.getparent().tag == "li":
        # a jump to another place of the page
        return True
    return bool(_LEFT_OUT & _classes(element)) or element.get("aria-hidden") == "true"


def _classes(element: Any) -> set[str]:
    return set(str(element.get("class", "")).split())


class Writer:
    """Writes a page into a document of python-docx, one block after the other."""

    def __init__(self, document: Any, sheet: Sheet, *, widest: float) -> None:
        self.document = document
        self.sheet = sheet
        # of a figure, in points
        self.widest = widest

    def blocks(self, parent: Any) -> None:
        """Write what stands in an element; loose words become a paragraph."""
        loose: list[tuple[str, bool]] = [(parent.text or "", False)]
        for child in parent:
            if not is_left_out(child):
                if child.tag in _BLOCKS or child.tag == "svg":
                    self._paragraph(loose)
                    loose = []
                    self._block(child)
                else:
                    loose += list(_runs(child, child.tag in _BOLD))
            loose.append((child.tail or "", False))
        self._paragraph(loose)

    def _block(self, element: Any) -> None:
        tag = element.tag
        if tag in _HEADINGS:
            self.document.add_heading(_words(element), _HEADINGS[tag])
        elif tag in ("ul", "ol"):
            self._list(element)
        elif tag == "dl":
            self._pairs(element)
        elif tag == "table":
            self._table(element)
        elif tag == "svg":
            self._picture(element)
        elif tag == "p" and not any(child.tag in _BLOCKS for child in element):
            bold = bool({"lead", "headline"} & _classes(element))
            self._paragraph(list(_runs(element, bold)))
        elif tag == "details":
            self._paragraph([(_words(element.find("summary")), True)])
            element.remove(element.find("summary"))
            self.blocks(element)
        else:
            self.blocks(element)

    def _paragraph(self, runs: list[tuple[str, bool]], style: str | None = None) -> None:
        """Write a paragraph; nothing where there are no words."""
        told = "".join(text for text, _ in runs)
        if not told.strip():
            return
        _add_runs(self.document.add_paragraph(style=style), runs)

    def _list(self, element: Any) -> None:
        style = "List Number" if element.tag == "ol" else "List Bullet"
        for item in element.iterchildren("li"):
            if any(child.tag in _BLOCKS for child in item):
                self.blocks(item)
            else:
                self._paragraph(list(_runs(item, False)), style)

    def _pairs(self, element: Any) -> None:
        for child in element:
            if child.tag == "dt":
                self._paragraph([(_words(child), True)])
                self.document.paragraphs[-1].paragraph_format.keep_with_next = True
            elif child.tag == "dd":
                self.blocks(child)
            elif isinstance(child.tag, str):
                self._pairs(child)

    def _table(self, element: Any) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn
        from docx.shared import Pt

        rows = [list(row.iterchildren("th", "td")) for row in element.iter("tr")]
        heads = len(list(element.iterfind("./thead/tr")))
        width = max((sum(int(cell.get("colspan", "1")) for cell in row) for row in rows), default=0)
        if not width:
            return
        caption = element.find("caption")
        if caption is not None and not is_left_out(caption):
            self._paragraph([(_words(caption), False)], "Caption")
            self.document.paragraphs[-1].paragraph_format.keep_with_next = True
        table = self.document.add_table(len(rows), width, "Table Grid")
        for row, cells in zip(table.rows, rows, strict=True):
            _fill(row, cells, small=Pt(8) if width >= _MANY_COLUMNS else Pt(9.5))
        for row in table.rows[:heads]:
            row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        if caption is not None:
            told = OxmlElement("w:tblCaption")
            told.set(qn("w:val"), _words(caption))
            table._tbl.tblPr.append(told)
        self.document.add_paragraph().paragraph_format.space_after = Pt(0)

    def _picture(self, element: Any) -> None:
        from docx.shared import Pt

        content, width = as_png(element, self.sheet)
        picture = self.document.add_picture(io.BytesIO(content), width=Pt(min(width, self.widest)))
        about = picture._inline.docPr
        about.set("title", _words(element.find("title")))
        about.set("descr", " ".join(_words(element.find(name)) for name in ("title", "desc")))


def _fill(row: Any, cells: list[Any], small: Any) -> None:
    place = 0
    for cell in cells:
        span = int(cell.get("colspan", "1"))
        target = row.cells[place] if span == 1 else row.cells[place].merge(row.cells[place + span - 1])
        paragraph = target.paragraphs[0]
        paragraph.paragraph_format.space_after = 0
        runs = list(_runs(cell, cell.tag == "th" and cell.get("scope") != "row"))
        _add_runs(paragraph, runs, small)
        place += span


def _runs(element: Any, bold: bool) -> Iterator[tuple[str, bool]]:
    """Yield the words of an element in order, and whether each is bold."""
    yield element.text or "", bold
    for child in element:
        if child.tag == "br":
            yield _BREAK, bold
        elif not is_left_out(child):
            yield from _runs(child, bold or child.tag in _BOLD)
        yield child.tail or "", bold


def _words(element: Any) -> str:
    told = "" if element is None else "".join(text for text, _ in _runs(element, False))
    return _SPACE.sub(" ", told.replace(_BREAK, " ")).strip()


def _add_runs(paragraph: Any, runs: list[tuple[str, bool]], small: Any = None) -> None:
    """Add words to a paragraph; white space counts as one blank, as in a browser."""
    last = " "
    for text, bold in runs:
        shown = "\n" if text == _BREAK else _SPACE.sub(" ", text)
        shown = shown.lstrip(" ") if last.endswith((" ", "\n")) else shown
        if shown:
            run = paragraph.add_run(shown)
            run.bold, run.font.size = bold or None, small
            last = shown
