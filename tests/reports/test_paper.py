"""Finding a browser and printing with it; what a real browser prints is looked at in tests/browser."""

import stat
import sys
from pathlib import Path

import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.reports import paper

PAGE = (
    '<!doctype html><html lang="nl"><p><a href="council_nl.html">x</a> <a href="#a">y</a> <a href="https://b.be">z</a>'
)
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for a browser is a shell script")


def stand_in(folder, lines):
    """A program that takes a browser's arguments."""
    path = folder / "browser"
    path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "report_nl.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


# writes its arguments and the page that it was given into the PDF
PRINTS = (
    'for one in "$@"; do case $one in --print-to-pdf=*) out=${one#*=};; file://*) page=${one#file://};; esac; done',
    "echo \"%PDF /CreationDate (D:20261126011500+00'00') /ModDate (D:20261126011501+00'00') /Lang (nl)\" > \"$out\"",
    'cat "$page" >> "$out"; echo "$@" >> "$out"',
)


@needs_shell
def test_a_page_is_printed_without_clock_and_without_this_machines_path(page, tmp_path):
    made = paper.print_page(page, browser=str(stand_in(tmp_path, PRINTS)))
    told = made.read_text(encoding="utf-8")
    assert made == page.with_suffix(".pdf").resolve()
    assert "/CreationDate (D:20000101000000+00'00') /ModDate (D:20000101000000+00'00') /Lang (nl)" in told
    assert "council_nl.html" not in told
    assert '<a>x</a> <a href="#a">y</a> <a href="https://b.be">z</a>' in told
    for argument in ("--headless", "--no-pdf-header-footer", "--generate-pdf-document-outline", "--user-data-dir="):
        assert argument in told


@needs_shell
def test_a_page_with_files_beside_it_is_printed_where_it_lies(page, tmp_path):
    made = paper.print_page(page, tmp_path / "deep" / "a.pdf", browser=str(stand_in(tmp_path, PRINTS)), alone=False)
    assert made.parent.name == "deep"
    assert page.as_uri() in made.read_text(encoding="utf-8")
    assert 'href="council_nl.html"' in made.read_text(encoding="utf-8")


@needs_shell
@pytest.mark.parametrize("lines", [("exit 3",), ("exit 0",)])
def test_a_browser_that_prints_nothing_is_told_with_what_to_do(page, tmp_path, lines):
    with pytest.raises(EvaltoolkitError, match=r'did not print "report_nl\.html".*--browser.*open the page'):
        paper.print_page(page, browser=str(stand_in(tmp_path, lines)))
    assert not page.with_suffix(".pdf").exists()


@needs_shell
def test_a_browser_that_hangs_is_stopped(page, tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "_SECONDS", 0.2)
    with pytest.raises(EvaltoolkitError, match="did not print"):
        paper.print_page(page, browser=str(stand_in(tmp_path, ("exec sleep 5",))))


def test_without_a_browser_it_says_what_to_do(page, monkeypatch):
    monkeypatch.delenv(paper.BROWSER, raising=False)
    monkeypatch.setattr(paper.shutil, "which", lambda name: None)
    with pytest.raises(EvaltoolkitError, match=r"No browser was found.*EVALTOOLKIT_BROWSER.*print it to a PDF"):
        paper.print_page(page)


@pytest.mark.parametrize("given", ["option", "environment"])
def test_the_browser_that_was_named_is_taken_or_told(monkeypatch, given):
    monkeypatch.setenv(paper.BROWSER, sys.executable if given == "environment" else "nothing-of-the-kind")
    assert paper.find_browser(sys.executable if given == "option" else "") == sys.executable
    monkeypatch.setenv(paper.BROWSER, "" if given == "option" else "no-such-browser")
    with pytest.raises(EvaltoolkitError, match='There is no browser "no-such-browser"'):
        paper.find_browser("no-such-browser" if given == "option" else "")


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("darwin", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("win32", str(Path("D:") / "Google\\Chrome\\Application\\chrome.exe")),
    ],
)
def test_usual_places_are_looked_at(monkeypatch, platform, place):
    monkeypatch.delenv(paper.BROWSER, raising=False)
    monkeypatch.setattr(paper.sys, "platform", platform)
    monkeypatch.setenv("PROGRAMFILES", "D:")
    monkeypatch.setattr(paper.shutil, "which", lambda name: name if name == place else None)
    assert paper.find_browser() == place
