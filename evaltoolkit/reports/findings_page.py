"""Findings of a collection as a page and as CSV: where, what, what to do, in one language."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaltoolkit.disclosure.text import neutralise
from evaltoolkit.findings import EvaltoolkitError, Finding
from evaltoolkit.i18n import words
from evaltoolkit.reports.grids import findings_grid
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose, say_finding

_ORDER = {"error": 0, "question": 1, "note": 2}
COLUMNS = ("severity", "file", "sheet", "cell", "indicator", "message", "remedy")


@dataclass(frozen=True)
class Row:
    """One finding, ready to be written."""

    severity: str
    key: str
    file: str
    sheet: str
    cell: str
    indicator: str
    message: str
    remedy: str
    code: str


def write_findings(findings: Sequence[Finding], path: str | Path, *, language: str, simulated: bool = False) -> Path:
    """Write findings as a page (``.html``) or as a table (``.csv``), by the ending of ``path``.

    Parameters
    ----------
    findings : sequence of Finding
    path : file to write; its folder is made where it does not exist
    language : {"nl", "fr", "de", "en"}
    simulated : whether the data are simulated; the page then says so

    Raises
    ------
    EvaltoolkitError
        If the ending is neither ``.html`` nor ``.csv``, or the language is not offered.
    """
    path = Path(path)
    writers = {".html": _page, ".csv": _csv}
    if path.suffix.lower() not in writers:
        raise EvaltoolkitError(f'Findings are written as .html or .csv; "{path.name}" ends otherwise.')
    text = writers[path.suffix.lower()](findings, Prose(words(language)), simulated)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def finding_rows(findings: Sequence[Finding], prose: Prose) -> list[Row]:
    """Return findings as rows, errors first, each kind by file, sheet and cell."""
    ordered = sorted(findings, key=lambda f: (_ORDER[f.severity], f.where.file, f.where.sheet, f.where.cell, f.code))
    return [_row(finding, prose) for finding in ordered]


def _row(finding: Finding, prose: Prose) -> Row:
    message, remedy = say_finding(finding, prose.language)
    where = finding.where
    return Row(
        severity=prose.say(f"report.severity.{finding.severity}"),
        key=finding.severity,
        file=where.file,
        sheet=where.sheet,
        cell=where.cell,
        indicator=where.indicator,
        message=message,
        remedy=remedy,
        code=finding.code,
    )


def _page(findings: Sequence[Finding], prose: Prose, simulated: bool) -> str:
    return render_page(
        "findings.html.j2",
        prose,
        title=prose.say("report.findings.title"),
        simulated=simulated,
        rows=finding_rows(findings, prose),
        summary=findings_grid(prose, findings),
    )


def _csv(findings: Sequence[Finding], prose: Prose, simulated: bool) -> str:
    del simulated
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow((*COLUMNS, "code"))
    for row in finding_rows(findings, prose):
        writer.writerow([neutralise(str(getattr(row, name))) for name in (*COLUMNS, "code")])
    return buffer.getvalue()
