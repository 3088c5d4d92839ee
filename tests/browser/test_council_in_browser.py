"""Report and page for the council on paper and on screens: tagged, whole, one A4, without overflow or barrier."""

import re

import pytest
from council_sample import BESIDE, changed, refused
from paper import A4, facts, needs_poppler, size, squeezed, text
from report_sample import make_evaluation
from screen import look_at

from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.council import council_page, count_words
from evaltoolkit.reports.paper import print_page
from evaltoolkit.reports.prose import prose_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TITLE = "Coaching of local cells for integral security with social-prevention partners"


@pytest.fixture(scope="session")
def councils(tmp_path_factory):
    """Pages for the council that are full to the brim: (name, language) -> path."""
    folder = tmp_path_factory.mktemp("council")
    sample = make_evaluation()
    found = {}
    for language in LANGUAGES:
        prose = prose_of(sample, language)
        cases = {
            "beside": changed(sample, "improved", "low", language=language, beside=BESIDE, title=TITLE),
            "null": changed(sample, "null without power", "low", language=language, title=TITLE),
            "recorded": changed(sample, "recorded, open", "low", language=language, beside=BESIDE[3:4], title=TITLE),
            "refused": refused(sample),
        }
        for name, one in cases.items():
            found[name, language] = folder / f"{name}_{language}.html"
            found[name, language].write_text(council_page(one, prose), encoding="utf-8")
    return found


CASES = ("beside", "null", "recorded", "refused")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_the_page_for_the_council_is_one_a4(councils, tmp_path, name, language):
    needs_poppler()
    page = councils[name, language]
    # the first cases fill the page as far as it may be filled
    assert count_words(page.read_text(encoding="utf-8")) > (340 if name in CASES[:2] else 150)
    pdf = print_page(page, tmp_path / "council.pdf")
    assert facts(pdf)["Pages"] == "1"
    assert size(pdf) == A4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["report", "council"])
def test_the_pdf_is_tagged_and_says_what_the_page_says(pages, tmp_path, kind, language):
    needs_poppler()
    page = pages["report", language].with_name(f"{kind}_{language}.html")
    pdf = print_page(page, tmp_path / f"{kind}.pdf")
    told, html = facts(pdf), page.read_text(encoding="utf-8")
    assert told["Tagged"] == "yes"
    assert told["JavaScript"] == "no"
    assert told["Title"].startswith("Coaching & <trust>")
    assert told["CreationDate"].endswith("2000 UTC") or " 2000" in told["CreationDate"]
    content = pdf.read_bytes()
    assert f"/Lang ({language})".encode() in content
    # the path of this machine would stand in a link to a file beside the page
    assert b"file:" not in content
    assert str(tmp_path).encode() not in content
    printed = text(pdf)
    main = html.split("<main")[1].split("</main>")[0]
    if kind == "council":
        main = re.sub(r"<details>.*?</details>", "", main, flags=re.DOTALL)
    blocks = re.findall(
        r"<(?:p|li|h2|h3|dd|th|td|figcaption)\b[^>]*>([^<]+)</", re.sub(r"<nav.*?</nav>", "", main, flags=re.DOTALL)
    )
    assert len(blocks) > 12
    from html import unescape

    lost = [block for block in blocks if squeezed(unescape(block)) not in printed]
    assert lost == []


def test_what_is_folded_away_is_printed(pages, tmp_path):
    needs_poppler()
    html = pages["report", "nl"].read_text(encoding="utf-8")
    assert "<details open" not in html
    printed = text(print_page(pages["report", "nl"], tmp_path / "report.pdf"))
    say = words("nl").say
    assert squeezed(say("report.cite.seed")) in printed
    assert squeezed("Place U58") in printed


def test_the_same_page_gives_the_same_bytes(councils, tmp_path):
    one = print_page(councils["null", "de"], tmp_path / "a.pdf")
    two = print_page(councils["null", "de"], tmp_path / "b" / "b.pdf")
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_for_the_council_fits_a_screen_and_has_no_barrier(browser, councils, language, width, scheme):
    look_at(browser, councils["beside", language], width=width, scheme=scheme)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
@pytest.mark.parametrize("language", ["fr"])
def test_the_report_fits_a_screen_and_has_no_barrier(browser, pages, language, width, scheme):
    look_at(browser, pages["report", language], width=width, scheme=scheme)


def test_no_word_of_the_figure_is_cut_or_over_another(browser, councils):
    """Every text of the line stays inside the picture, and no two of them overlap."""
    for path in councils.values():
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        boxes = page.evaluate(
            """[...document.querySelectorAll('.number-line, .number-line text')].map(one => {
            const b = one.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom, one.textContent] })"""
        )
        page.close()
        if not boxes:
            continue
        frame, *texts = boxes
        for left, top, right, bottom, said in texts:
            assert frame[0] <= left <= right <= frame[2], (path.name, said)
            assert frame[1] <= top <= bottom <= frame[3], (path.name, said)
        for place, (left, top, right, bottom, said) in enumerate(texts):
            for other in texts[place + 1 :]:
                apart = right <= other[0] or other[2] <= left or bottom <= other[1] + 3 or other[3] <= top + 3
                assert apart, (path.name, said, other[4])
