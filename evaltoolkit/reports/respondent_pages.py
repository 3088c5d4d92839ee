"""What goes back to each respondent: a new workbook and a page, the own values with every remark beside its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.i18n import words
from evaltoolkit.reports.findings_page import write_findings
from evaltoolkit.reports.grids import Grid
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose, say_finding
from evaltoolkit.submissions.answer_form import (
    Place,
    Returned,
    lay_out,
    mark_cells,
    read_returned,
    write_answer_form,
)
from evaltoolkit.submissions.layout import FormMeta, Line
from evaltoolkit.submissions.marks import Mark, Marks
from evaltoolkit.submissions.store import Store, StoredValue, open_store
from evaltoolkit.submissions.versions import conflict_findings
from evaltoolkit.submissions.write import file_name

# of files that do not say whose they are
NOBODY = "without_respondent"
_SHEET_HEADS = ("kind", "sheet", "cell", "indicator", "message", "remedy")


@dataclass(frozen=True)
class Answer:
    """What was written for one respondent and period.

    Attributes
    ----------
    unit, period : str
    workbook : Path or None
        None where the store does not know what was asked: nothing of a refused file is kept.
    page : Path
    findings : int
    """

    unit: str
    period: str
    workbook: Path | None
    page: Path
    findings: int


def write_answers(
    store: str | Path, framework: Framework, out: str | Path, *, language: str = "", everyone: bool = False
) -> list[Answer]:
    """Write a workbook and a page for every respondent with findings.

    The workbook is a form like the one sent out, with the values as they were sent, and is collected like any other.
    Whatever was refused for personal data is named at its cell and never shown.

    Parameters
    ----------
    store : path
        A store that collecting has filled.
    framework : Framework
    out : path
        Folder, made if it is not there; files are named as the forms are.
    language : {"nl", "fr", "de", "en"} or ""
        Empty for that of each form.
    everyone : bool
        Also for respondents without findings.

    Returns
    -------
    list of Answer
        In the order in which the files came. Findings about files that do not say whose they are stand in
        ``without_respondent.html``.

    Raises
    ------
    EvaltoolkitError
        There is no store in the folder.
    """
    if not (Path(store) / "store.sqlite").is_file():
        raise EvaltoolkitError(
            f'There is no store in "{Path(store).name}": run collect first, or name the right folder.'
        )
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with open_store(store) as opened:
        readings = opened.readings(f"{framework.name} {framework.version}")
        active = readings.loc[~readings["sha256"].isin(opened.replaced())]
        conflicts = conflict_findings(opened, readings)
        writer = _Writer(opened, framework, folder, language)
        written = []
        for (_, unit, period), group in active.loc[active["unit"] != ""].groupby(
            ["unit_kind", "unit", "period"], sort=False
        ):
            apart = [f for f in conflicts if (f.where.unit, f.where.period) == (unit, period)]
            answer = writer.write(group, apart, everyone=everyone)
            if answer is not None:
                written.append(answer)
        nobody = opened.findings(active.loc[active["unit"] == ""])
        if nobody:
            write_findings(nobody, folder / f"{NOBODY}.html", language=language or "en")
    return written


class _Writer:
    """Writes what goes back to one respondent after the other."""

    def __init__(self, store: Store, framework: Framework, folder: Path, language: str) -> None:
        self.store = store
        self.framework = framework
        self.folder = folder
        self.language = language
        self.values = store.values()
        self.asked = store.asked().set_index("reading")
        self.names: set[str] = set()

    def write(self, group: pd.DataFrame, conflicts: Sequence[Finding], *, everyone: bool) -> Answer | None:
        """Write workbook and page for the files of one respondent and period."""
        kept = group.loc[group["state"] != "refused"]
        base = (kept if len(kept) else group).iloc[-1]
        findings = [
            (finding, bool(row["id"] == base["id"]))
            for _, row in group.iterrows()
            for finding in self.store.findings(group.loc[group["id"] == row["id"]])
        ]
        findings += [(finding, False) for finding in conflicts]
        if not findings and not everyone:
            return None
        language = self.language or str(base["language"])
        prose = Prose(words(language))
        returned = self._returned(base)
        if returned is None:
            return self._page_only(base, [finding for finding, _ in findings], language)
        marks = mark_cells(findings, returned, self.framework, _say)
        meta = returned.layout.meta
        path = self._path(file_name(meta), str(base["unit_kind"]))
        title = prose.say("report.answers.title", unit=meta.unit, period=meta.period)
        heads = [prose.say(f"report.column.{name}") for name in _SHEET_HEADS]
        path.write_bytes(write_answer_form(returned, Marks(marks, title, prose.say("report.answers.hint"), heads)))
        page = path.with_suffix(".html")
        text = _render(prose, title, marks, returned)
        page.write_text(text, encoding="utf-8", newline="\n")
        return Answer(meta.unit, meta.period, path, page, len(findings))

    def _returned(self, row: pd.Series) -> Returned | None:
        original = self.store.folder / "originals" / str(row["sha256"])
        if original.is_file():
            content = original.read_bytes()
            found = read_returned(content, self.framework, self.language) if content[:2] == b"PK" else None
            if found is not None:
                return found
        if row["id"] not in self.asked.index:
            return None
        told = self.asked.loc[row["id"]]
        try:
            return lay_out(self.framework, self._meta(row, told), self._stored(row))
        except EvaltoolkitError:
            # metadata that were changed may ask for a form that does not exist
            return None

    def _meta(self, row: pd.Series, told: pd.Series) -> FormMeta:
        members, earlier = (
            tuple(code for code in str(text).split(";") if code) for text in (row["members"], told["earlier"])
        )
        return FormMeta(
            self.framework.name,
            self.framework.version,
            str(told["form"]),
            str(row["unit_kind"]),
            str(row["unit"]),
            members,
            str(row["vintage"]),
            str(row["period"]),
            earlier,
            self.language or str(row["language"]),
            bool(told["agreement"]),
        )

    def _stored(self, row: pd.Series) -> list[StoredValue]:
        own = self.values.loc[self.values["reading"] == row["id"]].drop(columns="reading")
        return [StoredValue(**{str(name): cell for name, cell in record.items()}) for record in own.to_dict("records")]

    def _page_only(self, row: pd.Series, findings: list[Finding], language: str) -> Answer:
        name = "".join(
            c if c.isalnum() or c in "._-" else "-" for c in f"{row['unit']}_{row['period']}_{language}.html"
        )
        page = self._path(name, str(row["unit_kind"]))
        masked = [replace(finding, where=replace(finding.where, file="")) for finding in findings]
        write_findings(masked, page, language=language)
        return Answer(str(row["unit"]), str(row["period"]), None, page, len(findings))

    def _path(self, name: str, kind: str) -> Path:
        # a cell may bear a municipality's number
        if name.lower() in self.names:
            name = f"{kind}_{name}"
        self.names.add(name.lower())
        return self.folder / name


def _say(finding: Finding, language: str) -> tuple[str, str, str]:
    return (words(language).say(f"report.severity.{finding.severity}"), *say_finding(finding, language))


def _render(prose: Prose, title: str, marks: Sequence[Mark], returned: Returned) -> str:
    heads = [prose.say(f"report.column.{name}") for name in _SHEET_HEADS]
    heads.insert(4, prose.say("report.answers.answer"))
    own = [(mark, _shown(prose, returned.cells.get((mark.sheet_id, mark.cell)))) for mark in marks]
    return render_page(
        "respondent.html.j2",
        prose,
        title=title,
        simulated=False,
        marks=own,
        heads=heads,
        answers=_grid(prose, marks, returned),
    )


def _grid(prose: Prose, marks: Sequence[Mark], returned: Returned) -> Grid:
    """Return the own answers in the order of the form, each with the remarks on it."""
    layout, language = returned.layout, returned.layout.meta.language
    lines: dict[tuple[str, str, str], Line] = {
        (block.indicator.id, line.part.id, line.option.code if line.option else ""): line
        for block in layout.answer_blocks
        for line in block.lines
    }
    remarks: dict[Place, str] = {}
    for mark in marks:
        place = (mark.sheet_id, mark.cell)
        remarks[place] = f"{remarks[place]} {mark.message}" if place in remarks else mark.message
    rows = []
    for field in layout.fields:
        answer, status = (field.sheet, field.value_cell), (field.sheet, field.status_cell)
        remark = " ".join(remarks[place] for place in (answer, status) if place in remarks)
        shown = [_shown(prose, returned.cells.get(place)) for place in (answer, status)]
        if remark or any(shown):
            line = lines[field.indicator, field.part, field.option]
            label = (line.option or line.part).label.in_(language)
            rows.append((f"{field.indicator} – {label}", field.period, *shown, remark))
    names = ("question", "period", "answer", "status", "remark")
    columns = tuple(prose.say(f"report.answers.{name}") for name in names)
    return Grid(prose.say("report.answers.values"), columns, tuple(rows), texts=len(columns))


def _shown(prose: Prose, value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else prose.number(value)
