import contextlib

import pytest

from evaltoolkit.i18n import LANGUAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KINDS = ("report", "findings", "power")
WIDTHS = (1280, 390)


@contextlib.contextmanager
def _open(browser, path, **options):
    """Open a page; yields it with the requests it made and the errors it had."""
    context = browser.new_context(**options)
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    yield page, requests, errors
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_page_loads_alone_without_error_or_overflow(browser, pages, kind, language, width):
    path = pages[kind, language]
    with _open(browser, path, viewport={"width": width, "height": 900}) as (page, requests, errors):
        # everything open: what is folded away must fit too
        page.evaluate("document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))")
        assert requests == [path.as_uri()]
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "960px"


@pytest.mark.parametrize(
    ("kind", "language", "scheme"),
    [
        *(("report", language, "light") for language in LANGUAGES),
        ("report", "nl", "dark"),
        ("findings", "fr", "light"),
        ("findings", "de", "dark"),
        ("power", "nl", "light"),
        ("power", "en", "dark"),
    ],
)
def test_page_has_no_serious_barrier(browser, pages, kind, language, scheme):
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": 390, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with _open(browser, pages[kind, language], **options) as (page, _, _):
        page.evaluate("document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))")
        found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("kind", KINDS)
def test_policy_stops_scripts_styles_and_requests(browser, pages, tmp_path, kind):
    html = pages[kind, "en"].read_text(encoding="utf-8")
    evil = (
        "<script>document.title = 'taken'</script>"
        "<img src='https://example.org/x.png' onerror=\"document.title = 'taken'\">"
        "<style>h1 { color: rgb(1, 2, 3) }</style></body>"
    )
    path = tmp_path / "evil.html"
    path.write_text(html.replace("</body>", evil), encoding="utf-8")
    blocked = {}
    with _open(browser, path) as (page, requests, errors):
        page.on("requestfailed", lambda request: blocked.update({request.url: request.failure}))
        page.reload()
        assert page.title() != "taken"
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(1, 2, 3)"
        assert blocked == {url: "csp" for url in requests if not url.startswith("file:")}
        assert len(blocked) == 1
        assert any("Content Security Policy" in error for error in errors)


def test_page_can_be_used_by_keyboard(browser, pages):
    with _open(browser, pages["report", "nl"]) as (page, _, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_page_prints(browser, pages):
    with _open(browser, pages["report", "fr"]) as (page, _, _):
        assert page.pdf(format="A4").startswith(b"%PDF")
