"""The report and the page for the council as Word files: the same words as the pages, headings, tables, figures."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.reports.council import render_council
from evaltoolkit.reports.pages import render_report
from evaltoolkit.reports.raster_style import Sheet
from evaltoolkit.reports.word_parts import Writer
from evaltoolkit.worksheets.worksheet import Worksheet

# fixed dates keep the file the same, byte for byte, at every run
_CREATED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - python-docx wants a naive date
_NO_CLOCK = (1980, 1, 1, 0, 0, 0)
_LOCALES = {"nl": "nl-BE", "fr": "fr-BE", "de": "de-BE", "en": "en-GB"}
_AUTHOR = "evaltoolkit"
# margin in mm, letters and space after a paragraph in points
_WIDE, _COMPACT = (22.0, 10.0, 5.0), (15.0, 9.0, 2.0)
# widest figure in points
_WIDE_FIGURE, _COMPACT_FIGURE = 440.0, 260.0


def write_word(
    evaluation: Evaluation, out_dir: str | Path, *, language: str, worksheet: Worksheet | None = None
) -> tuple[Path, Path]:
    """Write the report and the page for the council as Word files in one language.

    Parameters
    ----------
    evaluation : Evaluation
    out_dir : folder; made where it does not exist
    language : {"nl", "fr", "de", "en"}
    worksheet : Worksheet, optional
        Claims and tests, put beside the numbers in the report.

    Returns
    -------
    tuple of Path
        ``report_<language>.docx`` and ``council_<language>.docx``: what the pages say, word for word, with headings,
        tables with a header row, figures with a text for who cannot see them, and the language set; no clock.

    Raises
    ------
    EvaltoolkitError
        If the language is not offered.
    """
    pages = {
        "report": render_report(evaluation, language, worksheet),
        "council": render_council(evaluation, language),
    }
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, page in pages.items():
        path = folder / f"{name}_{language}.docx"
        path.write_bytes(page_as_word(page, compact=name == "council"))
        paths.append(path)
    return paths[0], paths[1]


def page_as_word(page: str, *, compact: bool = False) -> bytes:
    """Return a page of this toolkit as a Word file.

    Parameters
    ----------
    page : HTML as :func:`evaltoolkit.reports.pages.render_page` gives it
    compact : for a page that should stay on one sheet of paper
    """
    from lxml import html  # type: ignore[import-untyped]

    root = html.document_fromstring(page)
    language = str(root.get("lang"))
    document = _empty_document(str(root.findtext(".//title")), language)
    _set_sizes(document, *(_COMPACT if compact else _WIDE))
    widest = _COMPACT_FIGURE if compact else _WIDE_FIGURE
    writer = Writer(document, Sheet(str(root.findtext(".//style"))), widest=widest)
    for part in ("header", "main", "footer"):
        for element in root.iterfind(f".//body/{part}"):
            writer.blocks(element)
    buffer = io.BytesIO()
    document.save(buffer)
    return _without_clock(buffer.getvalue())


def _empty_document(title: str, language: str) -> Any:
    import docx
    from docx.oxml.ns import qn

    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.last_modified_by = title, _AUTHOR, _AUTHOR
    about.comments, about.keywords, about.language = "", "", _LOCALES[language]
    about.created = about.modified = about.last_printed = _CREATED
    about.revision = 1
    for words in document.styles.element.iter(qn("w:lang")):
        words.set(qn("w:val"), _LOCALES[language])
    return document


def _set_sizes(document: Any, margin: float, letters: float, after: float) -> None:
    """Set margins (mm), size of letters and space between paragraphs (points) on A4."""
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(margin)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Arial", Pt(letters)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "Arial")
    normal.paragraph_format.space_after = Pt(after)
    for name in ("Title", "Heading 1", "Heading 2", "Heading 3"):
        form = document.styles[name].paragraph_format
        form.space_before, form.space_after, form.keep_with_next = Pt(2 * after), Pt(after), True


def _without_clock(content: bytes) -> bytes:
    """Return the same parts with one fixed date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = zipfile.ZipInfo(entry.filename, _NO_CLOCK)
            part.compress_type, part.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            new.writestr(part, old.read(entry))
    return buffer.getvalue()
