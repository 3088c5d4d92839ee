"""The pre-analysis plan of the demonstration on paper: one A4 page in every language."""

import datetime as dt
import os
import re
import shutil
import subprocess

import pytest

from evaltoolkit.demo.files import PLAN
from evaltoolkit.evaluations.run import lock
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.preanalysis import write_plan_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
A4 = (595, 842)


@pytest.fixture(scope="session")
def plan_pages(tmp_path_factory):
    """The page of the demonstration's plan, locked before anything was collected, in every language."""
    from evaltoolkit.demo.files import write_portal, write_roster
    from evaltoolkit.panels.simulate import WAVES, simulate_world

    folder = tmp_path_factory.mktemp("plan")
    world = simulate_world(1)
    write_roster(world, folder / "roster.csv")
    world.membership.to_csv(folder / "cells.csv", index=False)
    write_portal(world, folder / "portal", waves=WAVES[:2])
    path = folder / "evaluation.toml"
    path.write_text(PLAN.format(seed=1), encoding="utf-8")
    lock(path, today=dt.date(2026, 1, 15))
    return {language: write_plan_page(path, language=language) for language in LANGUAGES}


def printed(browser, path, folder):
    page = browser.new_page()
    page.goto(path.as_uri())
    page.pdf(path=folder / "page.pdf", prefer_css_page_size=True)
    page.close()
    return folder / "page.pdf"


def info(pdf):
    """Number of pages and size in points, from the file itself where poppler is not installed."""
    if shutil.which("pdfinfo"):
        told = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout
        width, height = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", told).groups()
        return int(re.search(r"Pages:\s+(\d+)", told)[1]), (round(float(width)), round(float(height)))
    content = pdf.read_bytes()
    left, bottom, width, height = map(float, re.search(rb"/MediaBox ?\[([^]]+)\]", content)[1].split())
    return len(re.findall(rb"/Type ?/Page\b(?!s)", content)), (round(width - left), round(height - bottom))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plan_of_the_demonstration_prints_on_one_page(browser, plan_pages, tmp_path, language):
    assert info(printed(browser, plan_pages[language], tmp_path)) == (1, A4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_the_page_is_lost_on_paper(browser, plan_pages, tmp_path, language):
    if not shutil.which("pdftotext"):
        told = pytest.fail if os.environ.get("CI") == "1" else pytest.skip
        told("poppler is not installed")
    pdf = printed(browser, plan_pages[language], tmp_path)
    told = subprocess.run(["pdftotext", "-raw", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    told = re.sub(r"\s+", "", told)
    say = words(language).say
    for code in ("report.simulated", "report.plan.decision", "preanalysis.family", "preanalysis.lock"):
        assert re.sub(r"\s+", "", say(code)) in told
    assert "2026" in told


def test_a_longer_plan_takes_a_second_page_and_is_not_cut(browser, plan_pages, tmp_path):
    long = plan_pages["en"].read_text(encoding="utf-8")
    steps = "".join(f"<li>step {number} of a very long plan</li>" for number in range(70))
    path = tmp_path / "long.html"
    path.write_text(long.replace("<ol>", f"<ol>{steps}"), encoding="utf-8")
    assert info(printed(browser, path, tmp_path))[0] == 2


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_loads_alone_and_fits_a_screen(browser, plan_pages, language, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(plan_pages[language].as_uri())
    assert requests == [plan_pages[language].as_uri()]
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


@pytest.mark.parametrize(("language", "scheme"), [(one, "light") for one in LANGUAGES] + [("nl", "dark")])
def test_the_page_has_no_serious_barrier(browser, plan_pages, language, scheme):
    from axe_playwright_python.sync_playwright import Axe

    options = {"viewport": {"width": 390, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(plan_pages[language].as_uri())
    found = Axe().run(page).response["violations"]
    context.close()
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
