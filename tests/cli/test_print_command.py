"""evaluate --pdf: a browser that is missing is told before the work, and both pages are printed."""

import io

import pytest
from rich.console import Console

from evaltoolkit.cli.printed import paper_of
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.reports import paper


def test_a_missing_browser_is_told_before_the_plan_is_read(tmp_path, capsys):
    from evaltoolkit.cli import main

    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(tmp_path / "absent.toml"), "--browser", "no-such-browser"])
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert 'There is no browser "no-such-browser"' in " ".join((said.out + said.err).split())


def test_without_pdf_no_browser_is_looked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(paper.shutil, "which", lambda name: pytest.fail("a browser was looked for"))
    paper_of(Console(), pdf=False, browser="")(tmp_path / "report_nl.html")


def test_report_and_page_for_the_council_are_printed(monkeypatch, tmp_path):
    printed = []
    monkeypatch.setattr(paper, "find_browser", lambda name: "a browser")
    monkeypatch.setattr(paper, "print_page", lambda page, browser: printed.append((page.name, browser)) or page)
    told = io.StringIO()
    paper_of(Console(file=told), pdf=True, browser="")(tmp_path / "report_nl.html")
    assert printed == [("report_nl.html", "a browser"), ("council_nl.html", "a browser")]
    assert told.getvalue().count("PDF: ") == 2


def test_no_browser_at_all_is_told(monkeypatch):
    monkeypatch.delenv(paper.BROWSER, raising=False)
    monkeypatch.setattr(paper.shutil, "which", lambda name: None)
    with pytest.raises(EvaltoolkitError, match="No browser was found"):
        paper_of(Console(), pdf=True, browser="")
