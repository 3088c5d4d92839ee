"""The codebook and the checklist in a real browser: alone, narrow, without barriers, printable."""

import contextlib

import pytest

from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.codebook import write_checklist, write_codebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codebook")
    framework = load_framework("livc-r")
    # one dimension is enough to see every kind of table
    small = framework.model_copy(update={"indicators": framework.indicators[:10]})
    pages = {language: write_codebook(small, folder, language=language)[0] for language in LANGUAGES}
    return pages | {"checklist": write_checklist(folder / "checklist.html", language="fr")}


@contextlib.contextmanager
def opened(browser, path, **options):
    context = browser.new_context(**options)
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(path.as_uri())
    yield page, requests, errors
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [*LANGUAGES, "checklist"])
def test_page_loads_alone_without_error_or_overflow(browser, files, name, width):
    with opened(browser, files[name], viewport={"width": width, "height": 900}) as (page, requests, errors):
        assert requests == [files[name].as_uri()]
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("name", "scheme"), [("nl", "light"), ("de", "dark"), ("checklist", "light")])
def test_page_has_no_serious_barrier(browser, files, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": 390, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with opened(browser, files[name], **options) as (page, _, _):
        found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


def test_page_prints(browser, files):
    with opened(browser, files["fr"]) as (page, _, _):
        assert page.pdf(format="A4").startswith(b"%PDF")
