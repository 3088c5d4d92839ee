import datetime as dt
import io
import zipfile

import docx
import pytest
from bs4 import BeautifulSoup
from docx.oxml.ns import qn

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.council import render_council
from evaltoolkit.reports.pages import render_report
from evaltoolkit.reports.word import page_as_word, write_word

NOT_SEEN = "nav, style, script, svg, .unseen, .skip, .beside, .full, [aria-hidden=true], li > a[href^='#']"


@pytest.fixture(scope="module")
def report(evaluation):
    page = render_report(evaluation, "fr")
    return page, page_as_word(page)


@pytest.fixture(scope="module", params=LANGUAGES)
def council(request, evaluation):
    page = render_council(evaluation, request.param)
    return request.param, page, page_as_word(page, compact=True)


def seen_words(page):
    """Every word that a reader of the page sees, in order."""
    soup = BeautifulSoup(page, "html.parser").body
    for element in soup.select(NOT_SEEN):
        element.decompose()
    # blocks and cells end a word, marks inside a line do not
    for element in soup.find_all(
        ["p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "summary", "caption", "br", "figcaption", "div"]
    ):
        element.append(" ")
    return soup.get_text().split()


def written_words(content):
    body = docx.Document(io.BytesIO(content)).element.body
    parts = []
    for paragraph in body.iter(qn("w:p")):
        for piece in paragraph.iter(qn("w:t"), qn("w:br")):
            parts.append(piece.text if piece.tag == qn("w:t") else " ")
        parts.append(" ")
    return "".join(parts).split()


def test_council_page_has_the_same_words_in_every_language(council):
    _, page, content = council
    assert len(seen_words(page)) > 100
    assert written_words(content) == seen_words(page)


def test_report_has_the_same_words(report):
    page, content = report
    assert len(seen_words(page)) > 1000
    assert written_words(content) == seen_words(page)


def test_headings_are_headings(report):
    page, content = report
    expected = [
        ("Title" if tag.name == "h1" else f"Heading {int(tag.name[1]) - 1}", " ".join(tag.get_text().split()))
        for tag in BeautifulSoup(page, "html.parser").find_all(["h1", "h2", "h3", "h4"])
        if not tag.find_parent("nav")
    ]
    found = [
        (paragraph.style.name, " ".join(paragraph.text.split()))
        for paragraph in docx.Document(io.BytesIO(content)).paragraphs
        if paragraph.style.name.startswith(("Heading", "Title"))
    ]
    assert len(found) > 15
    assert found == expected


def test_every_table_has_a_header_row_and_a_name(report):
    page, content = report
    tables = docx.Document(io.BytesIO(content)).tables
    assert len(tables) == len(BeautifulSoup(page, "html.parser").find_all("table"))
    for table in tables:
        assert table._tbl.tr_lst[0].find(f".//{qn('w:tblHeader')}") is not None
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))


def test_figures_say_what_they_show(report):
    page, content = report
    soup = BeautifulSoup(page, "html.parser")
    expected = [f"{svg.title.get_text()} {svg.desc.get_text()}" for svg in soup.find_all("svg")]
    found = [one.get("descr") for one in docx.Document(io.BytesIO(content)).element.body.iter(qn("wp:docPr"))]
    assert len(found) > 5
    assert [" ".join(text.split()) for text in found] == [" ".join(text.split()) for text in expected]


def test_language_and_properties_without_a_clock(council):
    language, _, content = council
    document = docx.Document(io.BytesIO(content))
    about = document.core_properties
    assert about.created == about.modified == dt.datetime(2000, 1, 1, tzinfo=about.created.tzinfo)
    assert about.language[:2] == language
    assert about.author == "evaltoolkit"
    assert about.title.startswith("Coaching & <trust>")
    assert {one.get(qn("w:val"))[:2] for one in document.styles.element.iter(qn("w:lang"))} == {language}
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        everything = b"".join(parts.read(name) for name in parts.namelist() if name.endswith(".rels"))
    # nothing is fetched from elsewhere when the file is opened
    assert b'TargetMode="External"' not in everything


def test_same_bytes_twice(evaluation, council, tmp_path):
    language, page, content = council
    assert page_as_word(page, compact=True) == content
    if language == "en":
        paths = write_word(evaluation, tmp_path, language="en")
        assert [path.name for path in paths] == ["report_en.docx", "council_en.docx"]
        assert paths[1].read_bytes() == content
