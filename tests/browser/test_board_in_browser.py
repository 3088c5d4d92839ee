"""The data board in Chromium: alone, at both widths, light and dark, on paper, by keyboard, with nothing unseen."""

import contextlib
import dataclasses
import datetime as dt
import os
import re
import shutil
import subprocess

import pytest

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.areas import Areas
from evaltoolkit.reports.board import Asked, write_board

pytestmark = [pytest.mark.browser, pytest.mark.slow]

UNFOLD = "document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))"
# every text that is drawn nowhere though it stands in the page; words for a screen reader are meant to
UNSEEN = """() => {
  const meant = '.unseen, .skip, title, desc, style, head';
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || holder.closest(meant)) continue;
    const box = holder.getBoundingClientRect();
    if (!holder.checkVisibility({opacityProperty: true, visibilityProperty: true}) || box.width < 2 || box.height < 2) {
      found.push(walk.currentNode.data);
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def boards(browser, tmp_path_factory):
    """Boards of one simulated store: in every language, with areas, and of two respondents only."""
    from board_sample import FRAMEWORK, make_store, respondents_of, roster_of

    folder = tmp_path_factory.mktemp("boards")
    codes = make_store(folder / "store", n=60)
    asked = Asked(respondents_of(codes), roster_of(codes), deadline=dt.date(2026, 4, 15), simulated=True)
    few = make_store(folder / "few", n=2)
    ring = ((4.0, 51.0), (4.4, 51.0), (4.4, 51.2), (4.0, 51.0))
    variants = {one: (folder / "store", one, asked) for one in LANGUAGES} | {
        "areas": (folder / "store", "nl", dataclasses.replace(asked, areas=Areas({codes[0]: (ring,)}))),
        "few": (folder / "few", "de", Asked(respondents_of(few))),
    }
    return {
        name: write_board(store, folder / f"{name}.html", language=language, framework=FRAMEWORK, asked=told)
        for name, (store, language, told) in variants.items()
    }


@contextlib.contextmanager
def opened(browser, path, **options):
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    yield page, requests, errors
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [*LANGUAGES, "areas", "few"])
def test_board_loads_alone_without_error_overflow_or_unseen_text(browser, boards, name, width):
    with opened(browser, boards[name], viewport={"width": width, "height": 900}) as (page, requests, errors):
        page.evaluate(UNFOLD)
        assert requests == [boards[name].as_uri()]
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        # heads of tables stand beside each number on a narrow screen
        unseen = page.evaluate(UNSEEN)
        heads = page.evaluate("[...document.querySelectorAll('table.stack thead th')].map(one => one.textContent)")
        assert [text for text in unseen if text not in heads] == []
        if width == 1280:
            assert unseen == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*LANGUAGES, "areas", "few"])
def test_board_has_no_serious_barrier(browser, boards, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": 390, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with opened(browser, boards[name], **options) as (page, _, _):
        page.evaluate(UNFOLD)
        found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_and_bars_stand_out_from_their_ground(browser, boards, scheme):
    """Contrast of at least 3 to 1 (WCAG 1.4.11) between each mark and the ground of the map, each part and the bar."""
    contrast = """([selector, ground, what]) => {
      const light = (text) => {
        const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((one) => {
          const c = one / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const a = light(getComputedStyle(document.querySelector(selector))[what]);
      const b = light(getComputedStyle(document.querySelector(ground)).backgroundColor);
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }"""
    with opened(browser, boards["en"], color_scheme=scheme) as (page, _, _):
        for state in ("answered", "late", "refused"):
            assert page.evaluate(contrast, [f".map .mark.{state}", ".map", "fill"]) >= 3, state
        assert page.evaluate(contrast, [".map .mark.not_yet", ".map", "stroke"]) >= 3
        for part in ("registered", "reason"):
            assert page.evaluate(contrast, [f".bar .part.{part}", ".bar", "fill"]) >= 3, part


def test_policy_stops_scripts_and_requests(browser, boards, tmp_path):
    evil = "<script>document.title = 'taken'</script><img src='https://example.org/x.png'></body>"
    path = tmp_path / "evil.html"
    path.write_text(boards["en"].read_text(encoding="utf-8").replace("</body>", evil), encoding="utf-8")
    blocked = {}
    with opened(browser, path) as (page, requests, errors):
        page.on("requestfailed", lambda request: blocked.update({request.url: request.failure}))
        page.reload()
        assert page.title() != "taken"
        assert blocked == {url: "csp" for url in requests if not url.startswith("file:")}
        assert len(blocked) == 1
        assert any("Content Security Policy" in error for error in errors)


def test_board_can_be_used_by_keyboard(browser, boards):
    with opened(browser, boards["nl"]) as (page, _, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        # a state's tile leads to its respondents, and Enter unfolds them
        page.locator(".tiles a[href='#late']").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#late"
        page.locator("#late > summary").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.getElementById('late').open")


def test_what_is_folded_is_printed(browser, boards, tmp_path):
    if not shutil.which("pdftotext"):
        told = pytest.fail if os.environ.get("CI") == "1" else pytest.skip
        told("poppler is not installed")
    with opened(browser, boards["en"]) as (page, _, _):
        page.pdf(path=tmp_path / "board.pdf", format="A4")
        names = page.evaluate(
            "[...document.querySelectorAll('#people ~ details tbody th')].map(one => one.textContent)"
        )
    told = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "board.pdf", "-"], capture_output=True, text=True, check=True
    )
    flat = re.sub(r"\s+", "", told.stdout)
    assert len(names) == 60
    assert [name for name in names if re.sub(r"\s+", "", name) not in flat] == []
