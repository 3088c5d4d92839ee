"""The table of planted faults: what is done to a saved form, and what must be found where. Tests only."""

import re
import zipfile
from xml.sax.saxutils import escape

PERIOD, EARLIER = "2024", ("2023", "2022")
ANSWERS = {
    "GOV-02.value": "own",
    "GOV-03.value": "active",
    "GOV-08.case": 6,
    "GOV-08.strategic": 4,
    "COMP-09.value": 5,
    "COMP-01.value": "youth;education",
    "COMP-02.denominator": 60,
    "COMP-02.numerator": 40,
    "CAP-01.denominator": 9,
    "CAP-01.numerator": 4,
    "CAP-05.kinds": "coaching",
    "CAP-05.start_month": "2022-03",
    "CAP-05.hours": 12.5,
    "DET-02.value": 8,
    "CASE-01.value": "1_4",
    "HAR-08.value": 1,
    "PREV-06.value": 1,
}

TEXT = '<c r="{r}"{s} t="inlineStr"><is><t xml:space="preserve">{v}</t></is></c>'
NUMBER = '<c r="{r}"{s}><v>{v}</v></c>'
ERROR = '<c r="{r}"{s} t="e"><v>{v}</v></c>'
BOOLEAN = '<c r="{r}"{s} t="b"><v>{v}</v></c>'
FORMULA = '<c r="{r}"{s}><f>{v}</f></c>'
EMPTY = '<c r="{r}"{s}/>'

CASE, STRATEGIC, SOCIAL = "etk.GOV_08.case", "etk.GOV_08.strategic", "etk.COMP_09.value"
INVITED, ATTENDED = "etk.COMP_02.denominator", "etk.COMP_02.numerator"
TRAINED, SIGNALS, STATE = "etk.CAP_01.numerator", "etk.DET_02.value", "etk.GOV_03.value"
PLAN, HOURS, MONTH = "etk.PREV_06.value", "etk.CAP_05.hours", "etk.CAP_05.start_month"
MEMBER = "etk.COMP_01.value.youth"
DORMANT = "@GOV-03.value.dormant"
NO_CELL = "@GOV-03.value.none"
# a number with the decimal mark of another language
OTHER_MARK = "@3.5"


def now(name, kind="v"):
    return f"{name}.{PERIOD}.{kind}"


# (edits: defined name, XML, text; expected: code and defined name of the cell at which it must be found)
CELL_FAULTS = [
    ([(now(CASE), TEXT, "een stuk of vijf")], [("value.not_a_number", now(CASE))]),
    ([(now(CASE), TEXT, "75 %")], [("value.not_a_number", now(CASE))]),
    ([(now(STRATEGIC), NUMBER, "-2")], [("value.below_minimum", now(STRATEGIC))]),
    ([(now(SIGNALS), NUMBER, "3.5")], [("value.not_whole", now(SIGNALS))]),
    ([(now(SIGNALS), TEXT, "1.234")], [("value.ambiguous_number", now(SIGNALS))]),
    ([(now(HOURS), TEXT, OTHER_MARK)], [("value.ambiguous_number", now(HOURS))]),
    ([(now(SIGNALS), ERROR, "#DIV/0!")], [("value.error_cell", now(SIGNALS))]),
    ([(now(SIGNALS), ERROR, "#REF!")], [("value.error_cell", now(SIGNALS))]),
    ([(now(SIGNALS), FORMULA, "4+4")], [("value.formula_without_value", now(SIGNALS))]),
    ([(now(SIGNALS, "s"), TEXT, "DK – weet niet")], [("value.with_missing_status", now(SIGNALS))]),
    ([(now(SIGNALS), TEXT, "NR")], [("value.status_in_answer", now(SIGNALS))]),
    ([(now(SIGNALS, "s"), TEXT, "geen idee")], [("status.unknown", now(SIGNALS, "s"))]),
    ([(f"{SIGNALS}.2023.v", EMPTY, "")], [("status.reconstructed_without_value", f"{SIGNALS}.2023.s")]),
    ([(now(STATE), TEXT, "slapend of zo")], [("value.unknown_option", now(STATE))]),
    ([(now(PLAN), TEXT, "misschien")], [("value.not_yes_no", now(PLAN))]),
    ([(now(MEMBER), TEXT, "soms")], [("value.not_yes_no", now(MEMBER))]),
    ([(now(MONTH), TEXT, "begin vorig jaar")], [("value.not_month", now(MONTH))]),
    ([(now(MONTH), TEXT, "2022-13")], [("value.not_month", now(MONTH))]),
    ([(now(HOURS), NUMBER, "2001")], [("value.above_maximum", now(HOURS))]),
    ([(now(SIGNALS), NUMBER, "NaN")], [("value.not_finite", now(SIGNALS))]),
    ([(now(SIGNALS), NUMBER, "1e999")], [("value.not_finite", now(SIGNALS))]),
    ([(now(SIGNALS), BOOLEAN, "1")], [("value.boolean", now(SIGNALS))]),
    ([(now(ATTENDED), NUMBER, "61")], [("rule.attended_above_invited", now(ATTENDED))]),
    ([(now(TRAINED), NUMBER, "10")], [("rule.trained_above_members", now(TRAINED))]),
    ([(now(SOCIAL), NUMBER, "11")], [("rule.social_above_all_meetings", now(SOCIAL))]),
    ([(f"{SOCIAL}.2022.v", NUMBER, "11")], [("rule.social_above_all_meetings", f"{SOCIAL}.2022.v")]),
    (
        [(now(STATE), TEXT, NO_CELL)],
        [("rule.no_cell_with_meetings", now(CASE)), ("rule.no_cell_with_members", now("etk.CAP_01.denominator"))],
    ),
    (
        [(now(STATE), TEXT, DORMANT), (now(ATTENDED), NUMBER, "0")],
        [("rule.dormant_with_meetings", now(CASE))],
    ),
    (
        [(now(STATE), TEXT, DORMANT), *((now(name), NUMBER, "0") for name in (CASE, STRATEGIC, SOCIAL))],
        [("rule.dormant_with_attendances", now(ATTENDED))],
    ),
    ([(now(CASE), TEXT, "jan@example.org")], [("personal.email", now(CASE))]),
    ([(now(CASE), TEXT, "85.07.30-033.28")], [("personal.national_number", now(CASE))]),
    ([(now(CASE), NUMBER, "85073003328")], [("personal.national_number", now(CASE))]),
    ([(now(CASE), TEXT, "bel 0475 12 34 56")], [("personal.phone", now(CASE))]),
    ([(now(CASE), TEXT, "８５.０７.３０－０３３.２８")], [("personal.national_number", now(CASE))]),
    ([(now(CASE), TEXT, "geboren op 12/03/1985")], [("personal.birth_date", now(CASE))]),
    ([(now(CASE), TEXT, "née le 3 mars 1985")], [("personal.birth_date", now(CASE))]),
    ([(now(CASE), TEXT, "Geb. 12.03.1985")], [("personal.birth_date", now(CASE))]),
    ([(now(CASE), TEXT, "Naam"), (now(STRATEGIC), TEXT, "Jan Peeters")], [("personal.name", now(STRATEGIC))]),
    ([(now(CASE), TEXT, "Anschrift"), (now(STRATEGIC), TEXT, "Hof 1")], [("personal.address", now(STRATEGIC))]),
    # several at once in one form
    (
        [(now(CASE), TEXT, "veel"), (now(PLAN), TEXT, "ja/nee"), (f"{SIGNALS}.2022.v", NUMBER, "-1")],
        [
            ("value.not_a_number", now(CASE)),
            ("value.not_yes_no", now(PLAN)),
            ("value.below_minimum", f"{SIGNALS}.2022.v"),
        ],
    ),
]


def edit_part(path, part, edit):
    """Change one part of a saved workbook."""
    with zipfile.ZipFile(path) as archive:
        contents = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in contents.items():
            text = content if info.filename != part else edit(content.decode("utf-8")).encode("utf-8")
            archive.writestr(info, text)


def part_of(layout, title):
    return f"xl/worksheets/sheet{list(layout.titles.values()).index(title) + 1}.xml"


def edit_cell(path, layout, name, xml, text):
    """Replace the cell of a defined name in a saved workbook."""
    title, address = layout.cells[name]

    def replace(content):
        pattern = re.compile(rf'<c r="{address}"((?: s="\d+")?)[^>]*?(?:/>|>.*?</c>)')
        changed, count = pattern.subn(lambda m: xml.format(r=address, s=m[1], v=escape(text)), content, count=1)
        assert count == 1, address
        return changed

    edit_part(path, part_of(layout, title), replace)


def _book(edit):
    return lambda path, layout: edit_part(path, "xl/workbook.xml", lambda text: _changed(text, edit, layout))


def _answers(edit):
    def change(path, layout):
        edit_part(path, part_of(layout, layout.titles["answers"]), lambda text: _changed(text, edit, layout))

    return change


def _changed(text, edit, layout):
    changed = edit(text, layout)
    assert changed != text
    return changed


def _address(layout, name):
    return layout.cells[name][1]


def _merge(text, layout):
    row = int(_address(layout, now(CASE))[1:])
    area = f'<mergeCell ref="C{row}:C{row + 1}"/>'
    if "<mergeCells" in text:
        return re.sub(r"<mergeCells[^>]*>", lambda m: m[0] + area, text, count=1)
    return text.replace("</sheetProtection>", "").replace(
        "</sheetData>", f"</sheetData><mergeCells>{area}</mergeCells>"
    )


def _double_cell(text, layout):
    found = re.search(rf'<c r="{_address(layout, now(CASE))}".*?</c>', text)
    return text.replace(found[0], found[0] * 2)


def _rename_sheet(text, layout):
    title = layout.titles["answers"]
    return text.replace(f'name="{title}"', 'name="Blad1"').replace(f"{title}!", "Blad1!")


def _lose_name(text, _):
    return re.sub(rf'<definedName name="{re.escape(now(SIGNALS))}"[^>]*>.*?</definedName>', "", text)


def _hidden_text(before, after):
    """Change a text of the hidden metadata, which stand among the shared strings or in the sheet."""

    def change(path, layout):
        hits = 0
        with zipfile.ZipFile(path) as archive:
            parts = [name for name in archive.namelist() if name.endswith(".xml") and "/_rels/" not in name]
            holding = [name for name in parts if f">{before(layout)}<".encode() in archive.read(name)]
        for part in holding:
            edit_part(path, part, lambda text: text.replace(f">{before(layout)}<", f">{after(layout)}<"))
            hits += 1
        assert hits

    return change


def _add_part(name, content):
    def change(path, layout):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)

    return change


def _extra_sheet(path, layout):
    import openpyxl

    book = openpyxl.load_workbook(path)
    book.create_sheet("Kladblad")["A1"] = "12"
    book.save(path)


# (change of the file, expected: code, and the defined name of the cell where there is one)
FILE_FAULTS = [
    (_answers(_merge), [("value.merged", now(CASE)), ("value.merged", now(STRATEGIC))]),
    (_answers(_double_cell), [("file.duplicate_cell", now(CASE))]),
    (_book(_rename_sheet), [("file.unknown_sheets", "")]),
    (_extra_sheet, [("file.unknown_sheets", "")]),
    (_book(_lose_name), [("form.name_lost", now(SIGNALS))]),
    (_hidden_text(lambda form: form.meta.unit, lambda _: "99999"), [("form.changed_metadata", "")]),
    (_hidden_text(lambda form: form.digest, lambda form: form.digest[::-1]), [("form.changed_metadata", "")]),
    (_add_part("xl/vbaProject.bin", b"x"), [("file.macro", "")]),
    (_add_part("xl/media/image1.png", b"\x89PNG"), [("file.picture", "")]),
    (lambda path, _: path.write_bytes(path.read_bytes() + b"x"), [("file.hidden_bytes", "")]),
    (lambda path, _: path.write_bytes(path.read_bytes()[:3000]), [("file.truncated", "")]),
    (lambda path, _: path.write_text("<html><body>n.v.t.</body></html>"), [("file.not_xlsx", "")]),
    (lambda path, _: path.write_bytes(b""), [("file.empty", "")]),
]


def typed_text(framework, text, language):
    """Return a text as typed; ``@INDICATOR.part.option`` stands for the label of an option."""
    if text == OTHER_MARK:
        return "3,5" if language == "en" else "3.5"
    if not text.startswith("@"):
        return text
    indicator, part, code = text[1:].split(".")
    options = framework.by_id[indicator].part(part).options
    return next(option.label.in_(language) for option in options if option.code == code)


def answer_rows(framework, unit):
    """Yield the answers of one unit as rows of a table of values."""
    for field, answer in ANSWERS.items():
        indicator, part = field.split(".")
        for period in (PERIOD, *EARLIER):
            if period != PERIOD and not framework.by_id[indicator].part(part).earlier_years:
                continue
            text = isinstance(answer, str)
            yield {
                "unit_kind": "municipality",
                "unit": unit,
                "period": period,
                "indicator": indicator,
                "part": part,
                "value": float("nan") if text else float(answer),
                "text": answer if text else "",
                "status": "registered" if period == PERIOD else "reconstructed",
                "source": "test",
                "wording": 1,
            }
