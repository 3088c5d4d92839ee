"""Pages on paper: what `evaluate` does with --pdf."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# pages beside the report, by the beginning of their names
_PAGES = ("report", "council")


def paper_of(console: Console, *, pdf: bool, browser: str) -> Callable[[Path], None]:
    """Return what prints a report and the page for the council; a missing browser is told before the work."""
    if not (pdf or browser):
        return lambda report: None
    from evaltoolkit.reports.paper import find_browser, print_page

    program = find_browser(browser)

    def put_on_paper(report: Path) -> None:
        for kind in _PAGES:
            page = report.with_name(report.name.replace(_PAGES[0], kind, 1))
            console.print(f"PDF: {print_page(page, browser=program)}", soft_wrap=True)

    return put_on_paper
