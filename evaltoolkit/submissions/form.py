"""A returned form: its metadata checked, its named cells found, nothing typed yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from evaltoolkit.findings import EvaltoolkitError, Fact, Finding, Where
from evaltoolkit.framework.indicator import Framework, Label
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.guard import Scan
from evaltoolkit.submissions.layout import (
    FORMAT,
    LISTS_SHEET,
    META_SHEET,
    STATUS_CODES,
    VERSION,
    Field,
    FormMeta,
    Layout,
    layout_form,
    status_label,
    yes_no,
)
from evaltoolkit.submissions.look_alikes import skeleton
from evaltoolkit.submissions.numbers import fold
from evaltoolkit.submissions.personal import find_personal
from evaltoolkit.submissions.personal_cells import personal_cells
from evaltoolkit.submissions.references import Cell, parse_target, write_cell
from evaltoolkit.submissions.sheets import Raw, read_sheets
from evaltoolkit.submissions.titles import known_titles
from evaltoolkit.territory.municipalities import VINTAGES, municipality_codes

Place = tuple[str, Cell]
Rows = dict[str, list[list[Raw]]]
_MAX_LAYOUTS = 100


class RefusedFormError(Exception):
    """A workbook of which no answer is kept, with its findings."""

    def __init__(self, findings: tuple[Finding, ...], meta: FormMeta | None = None, *, keep: bool = True) -> None:
        super().__init__()
        self.findings = findings
        self.meta = meta
        # False: not even the original file may be kept
        self.keep = keep


@dataclass(frozen=True)
class Form:
    """A form that may be read: where each named cell is, and all raw values."""

    scan: Scan
    meta: FormMeta
    layout: Layout
    rows: Rows
    places: dict[str, Place]
    findings: list[Finding] = field(default_factory=list)


def open_form(scan: Scan, framework: Framework) -> Form:
    """Return the form that a scanned workbook holds.

    Raises
    ------
    RefusedFormError
        Not a form of this toolkit or framework, changed metadata, unknown sheets, personal data.
    """
    if scan.refused:
        raise RefusedFormError(scan.findings)
    if META_SHEET not in scan.sheets:
        raise _refusal(scan, "form.not_a_form")
    strangers = [name for name in scan.sheets if name not in known_titles()]
    if strangers:
        owner = _recognise(scan, framework)
        refusal = _refusal(scan, "file.unknown_sheets", owner, count=len(strangers))
        raise RefusedFormError((*refusal.findings, *_suggest_sheets(scan, strangers, owner, framework)), owner)
    rows = read_sheets(scan, scan.sheets)
    meta, layout = _identify(scan, rows[META_SHEET], framework)
    rows[META_SHEET] = _without_own(rows[META_SHEET], layout.metadata)
    personal = tuple(_personal_findings(scan, rows, meta, _own_words(framework)))
    if personal:
        raise RefusedFormError(personal, meta, keep=False)
    rows.pop(META_SHEET)
    rows.pop(LISTS_SHEET, None)
    form = Form(scan, meta, layout, rows, {})
    _find_cells(form)
    _check_labels(form)
    return form


def _refusal(scan: Scan, code: str, meta: FormMeta | None = None, **facts: Fact) -> RefusedFormError:
    where = Where(scan.file, unit=meta.unit if meta else "", period=meta.period if meta else "")
    return RefusedFormError((Finding(code, "error", where, facts),), meta)


def _recognise(scan: Scan, framework: Framework) -> FormMeta | None:
    """Tell whose form a refused workbook is, where that is sound: then the sender reads why in the own language."""
    try:
        return _identify(scan, read_sheets(scan, [META_SHEET])[META_SHEET], framework)[0]
    except RefusedFormError:
        return None


def _suggest_sheets(scan: Scan, strangers: list[str], meta: FormMeta | None, framework: Framework) -> Iterator[Finding]:
    """Say which of the form's sheets a strange one may be; its own name is not repeated."""
    titles = list(_layout(framework, meta).titles.values()) if meta else sorted(known_titles())
    missing = [title for title in titles if title not in scan.sheets]
    only = len(missing) == len(strangers) == 1 and meta is not None
    for title in missing:
        if only or any(skeleton(name) == skeleton(title) for name in strangers):
            where = Where(scan.file, unit=meta.unit if meta else "", period=meta.period if meta else "")
            yield Finding("file.sheet_suggested", "note", where, {"nearest": title})


def _without_own(rows: list[list[Raw]], metadata: Mapping[str, str]) -> list[list[Raw]]:
    """Leave out the form's own metadata: whatever else stands on their sheet is searched for personal data."""
    own = [len(row) > 1 and metadata.get(str(row[0])) == _as_text(row[1]) for row in rows]
    return [[None, None, *row[2:]] if known else row for row, known in zip(rows, own, strict=True)]


def _identify(scan: Scan, rows: list[list[Raw]], framework: Framework) -> tuple[FormMeta, Layout]:
    """Read the hidden metadata; a form of another framework, or metadata that were changed, is refused."""
    texts = {str(row[0]): _as_text(row[1]) for row in rows if len(row) > 1 and row[0] is not None}
    if texts.get("format") != FORMAT:
        raise _refusal(scan, "form.not_a_form")
    try:
        meta = FormMeta.from_texts(texts)
    except EvaltoolkitError:
        raise _refusal(scan, "form.changed_metadata") from None
    if texts.get("layout") != VERSION:
        raise _refusal(scan, "form.other_version", meta, version=texts.get("layout", "–")[:20])
    if meta.framework != framework.name or meta.framework_version != framework.version:
        name = f"{meta.framework} {meta.framework_version}"[:40]
        raise _refusal(scan, "form.other_framework", meta, form=name, framework=f"{framework.name} {framework.version}")
    try:
        layout = _layout(framework, meta)
    except EvaltoolkitError:
        raise _refusal(scan, "form.changed_metadata", meta) from None
    if layout.digest != texts.get("digest"):
        raise _refusal(scan, "form.changed_metadata", meta)
    _check_unit(scan, meta)
    return meta, layout


_LAYOUTS: dict[tuple[object, ...], tuple[Framework, Layout]] = {}


def _layout(framework: Framework, meta: FormMeta) -> Layout:
    """Return the form's layout; where cells stand does not depend on the respondent, so it is worked out once."""
    key = (id(framework), meta.form, meta.period, meta.earlier, meta.language, meta.agreement)
    known = _LAYOUTS.get(key)
    if known is None or known[0] is not framework:
        if len(_LAYOUTS) > _MAX_LAYOUTS:
            _LAYOUTS.clear()
        known = _LAYOUTS[key] = (framework, layout_form(framework, meta))
    return replace(known[1], meta=meta)


def _as_text(raw: Raw) -> str:
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else "" if raw is None else str(raw)


def _check_unit(scan: Scan, meta: FormMeta) -> None:
    """Check the codes against the register, where the form names one of its vintages."""
    if not meta.vintage.isdigit() or int(meta.vintage) not in VINTAGES:
        return
    known = municipality_codes(int(meta.vintage))
    asked = (meta.unit, *meta.members) if meta.unit_kind == "municipality" else meta.members
    unknown = [code for code in asked if code not in known]
    if unknown:
        raise _refusal(scan, "form.unknown_unit", meta, vintage=meta.vintage, count=len(unknown))


_OWN_WORDS: dict[int, tuple[Framework, frozenset[str]]] = {}


def _own_words(framework: Framework) -> frozenset[str]:
    """Return the words of all drop-downs and labels in all languages; kept by identity, as layouts are."""
    known = _OWN_WORDS.get(id(framework))
    if known is None or known[0] is not framework:
        parts = [part for indicator in framework.indicators for part in indicator.parts]
        labels = [part.label for part in parts] + [option.label for part in parts for option in part.options]
        words = {label.in_(language) for label in labels for language in LANGUAGES}
        words |= {word for language in LANGUAGES for word in yes_no(language)}
        words |= {status_label(code, language) for code in STATUS_CODES for language in LANGUAGES}
        known = _OWN_WORDS[id(framework)] = (framework, frozenset(words))
    return known[1]


def _personal_findings(scan: Scan, rows: Rows, meta: FormMeta, own: frozenset[str]) -> Iterator[Finding]:
    for sheet, lines in rows.items():
        for cell, kind in personal_cells(lines, own=own):
            where = Where(scan.file, sheet, write_cell(*cell), unit=meta.unit, period=meta.period)
            yield Finding(f"personal.{kind}", "error", where)
    if find_personal(scan.comments):
        yield Finding("personal.comment", "error", Where(scan.file, unit=meta.unit, period=meta.period))
    if scan.beside:
        yield Finding("personal.beside", "error", Where(scan.file, unit=meta.unit, period=meta.period))


def _find_cells(form: Form) -> None:
    """Find every input cell by its defined name; a lost or doubled name is reported at the cell's usual place."""
    taken: dict[Place, str] = {}
    for name, (sheet, cell) in form.layout.cells.items():
        target = parse_target(form.scan.names.get(name, ""))
        code = ""
        if target is None or target[0] not in form.rows:
            code = "form.name_lost"
        elif name in form.scan.repeated_names or target in taken:
            code = "form.name_repeated"
        if code or target is None:
            form.findings.append(Finding(code, "error", _where_named(form, name, sheet, cell)))
            continue
        taken[target] = name
        form.places[name] = target


def _where_named(form: Form, name: str, sheet: str, cell: str) -> Where:
    owner = _owners(form.layout).get(name)
    indicator, period = (owner.indicator, owner.period) if owner else ("", form.meta.period)
    return Where(form.scan.file, sheet, cell, indicator, form.meta.unit, period)


def _owners(layout: Layout) -> dict[str, Field]:
    return {name: entry for entry in layout.fields for name in (entry.name_v, entry.name_s)}


def _check_labels(form: Form) -> None:
    """Drop cells that no longer stand in the row of their question: rows may have been sorted or overwritten.

    The texts of a form can be switched to another language, so the label of any language counts.
    """
    labels = _labels(form.layout)
    for entry in form.layout.fields:
        place = form.places.get(entry.name_v)
        if place is None or _row_says(form.rows[place[0]], place[1], labels[entry.indicator, entry.part, entry.option]):
            continue
        where = Where(form.scan.file, place[0], write_cell(*place[1]), entry.indicator, form.meta.unit, entry.period)
        form.findings.append(Finding("form.row_moved", "error", where))
        del form.places[entry.name_v]


def _labels(layout: Layout) -> dict[tuple[str, str, str], Label]:
    return {
        (block.indicator.id, line.part.id, line.option.code if line.option else ""): (line.option or line.part).label
        for block in layout.answer_blocks
        for line in block.lines
    }


def _row_says(rows: list[list[Raw]], cell: Cell, label: Label) -> bool:
    """Tell whether a label stands left of a cell; a row beyond the used area has none."""
    row, column = cell
    left = rows[row - 1][: column - 1] if row <= len(rows) else []
    texts = {label.in_(language) for language in LANGUAGES}
    if not texts.isdisjoint(raw for raw in left if isinstance(raw, str)):
        return True
    folded = {fold(text) for text in texts}
    return any(isinstance(text, str) and fold(text) in folded for text in left)


def covered_by_merge(form: Form, place: Place) -> bool:
    """Tell whether a cell lies in a merged area that the template has not made."""
    sheet, (row, column) = place
    return any(
        first[0] <= row <= last[0] and first[1] <= column <= last[1] and first != last
        for first, last in form.scan.sheets[sheet].merges
    )
