"""Gates on the site that make book has just built."""

import subprocess

import gates
import pytest

from evaltoolkit.i18n import LANGUAGES

pytestmark = pytest.mark.book

# a policymaker has twenty minutes
MOST_WORDS = 4500


def test_nothing_is_fetched_from_the_web(site):
    assert gates.external_assets(site) == []


def test_every_relative_link_resolves(site):
    assert gates.dead_links(site) == []


def test_every_picture_says_what_it_shows(site):
    assert gates.bad_alternatives(site) == []


def test_every_simulated_number_is_labelled(site):
    assert gates.unlabelled_numbers(site) == []


def test_every_page_leads_to_every_other_language(site):
    assert gates.missing_switches(site, LANGUAGES) == []


def test_the_plain_jupyter_book_is_whole_too(site):
    plain = site.parent / "html"
    assert (plain / "policymakers" / "in-20-minutes.html").is_file()
    checks = (gates.external_assets, gates.dead_links, gates.bad_alternatives, gates.unlabelled_numbers)
    assert [fault for check in checks for fault in check(plain)] == []


def test_every_language_has_the_same_pages(site):
    names = {one: {str(page.relative_to(site / one)) for page in gates.pages(site / one)} for one in LANGUAGES}
    assert all(names[one] == names["en"] for one in LANGUAGES)
    assert len(names["en"]) > 35


def test_policymakers_see_no_code(site):
    assert gates.visible_code(site, LANGUAGES) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_policymakers_need_twenty_minutes(site, language):
    assert 2500 < gates.words_of(site, language) <= MOST_WORDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_questions_are_one_click_from_home(site, language):
    home = gates.soup(site / language / "index.html")
    links = [link.get("href", "") for link in home.select(".doors a")]
    for page in ("which-design", "questions", "reading-the-report"):
        assert any(link.startswith(f"policymakers/{page}.html") for link in links)


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_pages_in_english_only_say_so(site, language):
    for page in gates.pages(site / language / "evaluators"):
        assert gates.soup(page).select(".english-only")
        assert gates.soup(page).select('article div[lang="en"]')


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_theme_speaks_the_language_of_the_page(site, language):
    page = gates.soup(site / language / "policymakers" / "questions.html")
    assert page.html["lang"] == language
    if language != "en":
        assert "Previous" not in page.select_one(".prev-next-area").get_text()


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_paper_is_tagged_and_holds_what_is_folded_away(site, language):
    paper = site / "pdf" / f"policymakers_{language}.pdf"
    facts = subprocess.run(["pdfinfo", paper], capture_output=True, text=True, check=True).stdout
    assert "Tagged:          yes" in facts
    text = subprocess.run(["pdftotext", paper, "-"], capture_output=True, text=True, check=True).stdout
    text = " ".join(text.split())
    folded = [
        " ".join(item.get_text(" ").split())
        for name in ("more-signals", "reading-the-report")
        for item in gates.soup(site / language / "policymakers" / f"{name}.html").select("article details li")
    ]
    assert len(folded) > 4
    assert [item for item in folded if item[:40] not in text] == []
