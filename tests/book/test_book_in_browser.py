"""Every page in headless Chromium without a network."""

import gates
import pytest

from evaltoolkit.i18n import LANGUAGES

pytestmark = [pytest.mark.book, pytest.mark.browser]

# English pages are the same in every language but for their frame: one of each sort stands for all of them there
SAMPLE = ("evaluators/did-step-by-step.html", "reference/api.html", "search.html")


def chosen(site, language):
    folder = site / language
    every = [page.relative_to(folder).as_posix() for page in gates.pages(folder)]
    shared = ("evaluators/", "reference/", "search", "genindex")
    return every if language == "en" else [one for one in every if not one.startswith(shared) or one in SAMPLE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_load_alone_and_fit_a_phone(browser, site, language):
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    faults = []
    page.on("requestfailed", lambda request: faults.append(f"{page.url}: {request.url}"))
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or faults.append(request.url))
    for name in chosen(site, language):
        page.goto((site / language / name).as_uri())
        # what is folded away must fit too
        page.evaluate("document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            faults.append(f"{language}/{name}: {width} px wide")
    context.close()
    assert faults == []


# every page at both widths in one language, and each language, width and scheme at least once
VIEWS = [
    ("en", 1280, "light"),
    ("en", 390, "light"),
    ("en", 1280, "dark"),
    ("nl", 1280, "light"),
    ("fr", 390, "light"),
    ("de", 390, "dark"),
]


@pytest.mark.parametrize(("language", "width", "scheme"), VIEWS)
def test_pages_have_no_serious_barrier(browser, site, language, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    axe, faults = Axe(), []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    for name in chosen(site, language):
        page.goto((site / language / name).as_uri())
        for one in axe.run(page).response["violations"]:
            if one["impact"] in ("serious", "critical"):
                faults.append((name, one["id"], one["nodes"][0]["html"][:200]))
    context.close()
    assert faults == []


def test_search_finds_a_word_of_the_page(browser, site):
    page = browser.new_page()
    page.goto((site / "nl" / "search.html").as_uri() + "?q=foutenmarge")
    page.wait_for_selector("#search-results li", timeout=15000)
    assert "reading-the-report" in page.inner_html("#search-results")
    page.close()


def test_language_switch_can_be_used_by_keyboard(browser, site):
    page = browser.new_page()
    page.goto((site / "fr" / "policymakers" / "rights.html").as_uri())
    page.focus('.language-switch a[hreflang="de"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/de/policymakers/rights.html")
    assert page.evaluate("document.documentElement.lang") == "de"
    page.close()
