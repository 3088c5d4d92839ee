"""Faults are planted in saved files from a table that the package cannot see; all must be found at their cells."""

import datetime as dt

import openpyxl
import pytest
from forms_sample import (
    ANSWERS,
    BOOLEAN,
    CALCULATED,
    EMPTY,
    ERROR,
    FORMULA,
    NUMBER,
    TEXT,
    edit_cell,
    edit_part,
    sheet_part,
    write_form,
)

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.answers import type_answer, type_status
from evaltoolkit.submissions.collect import collect_folder, read_workbook
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import META_SHEET, status_label
from evaltoolkit.submissions.numbers import NumberError, fold, parse_month, parse_number

CASE, HOURS, ACTIVE = ("GOV-08", "case", "2025"), ("CAP-01", "hours", "2025"), ("GOV-02", "active", "2025")
END, CHAIR, EARLIER = ("CAP-05", "end", "2025"), ("COMP-01", "chair", "2025"), ("GOV-08", "case", "2024")
MEMBER = ("COMP-01", "members", "2025", "police")

FAULTS = [
    (CASE, "v", TEXT, "een stuk of vijf", "value.not_a_number"),
    (CASE, "v", TEXT, "75 %", "value.not_a_number"),
    (CASE, "v", TEXT, "9*", "value.not_a_number"),
    (CASE, "v", TEXT, "٣", "value.not_a_number"),
    (CASE, "v", TEXT, "1.234", "value.ambiguous_number"),
    (CASE, "v", TEXT, "1,234", "value.ambiguous_number"),
    (CASE, "v", TEXT, "DK", "value.status_in_answer"),
    (CASE, "v", NUMBER, "-2", "value.below_minimum"),
    (CASE, "v", NUMBER, "3.5", "value.not_whole"),
    (CASE, "v", NUMBER, "NaN", "value.not_finite"),
    (CASE, "v", NUMBER, "1e999", "value.not_finite"),
    (CASE, "v", ERROR, "#DIV/0!", "value.error_cell"),
    (CASE, "v", BOOLEAN, "1", "value.boolean"),
    (CASE, "v", FORMULA, "4+5", "value.formula_without_value"),
    (CASE, "v", NUMBER, "300", "rule.meetings_add_up"),
    (CASE, "s", TEXT, "DK – weet niet", "value.with_missing_status"),
    (CASE, "s", TEXT, "misschien", "status.unknown"),
    (CASE, "s", NUMBER, "7", "status.unknown"),
    (EARLIER, "v", TEXT, "veel", "value.not_a_number"),
    (EARLIER, "v", EMPTY, "", "status.reconstructed_without_value"),
    (HOURS, "v", NUMBER, "2001", "value.above_maximum"),
    (HOURS, "v", TEXT, "3.5", "value.ambiguous_number"),
    (ACTIVE, "v", TEXT, "misschien", "value.not_yes_no"),
    (ACTIVE, "v", NUMBER, "2", "value.not_yes_no"),
    (END, "v", TEXT, "maart 2025", "value.not_month"),
    (END, "v", TEXT, "2025-13", "value.not_month"),
    (CHAIR, "v", TEXT, "de pastoor", "value.unknown_option"),
    (MEMBER, "v", TEXT, "soms", "value.not_yes_no"),
    (CASE, "v", TEXT, "bel 0475 12 34 56", "personal.phone"),
    (CASE, "v", TEXT, "jan@example.org", "personal.email"),
    (CASE, "v", TEXT, "85.07.30-033.28", "personal.national_number"),
    (CASE, "v", NUMBER, "85073003328", "personal.national_number"),
]
# where the finding stands when it is not the edited cell: the rule's first field, the answer beside a status
AT_ANSWER = ("value.with_missing_status",)
AT_STATUS = ("status.reconstructed_without_value",)


def read(path, framework):
    return read_workbook(guard_workbook(path), framework, path.name)[0]


def errors(reading):
    return [(f.code, f.where.sheet, f.where.cell) for f in reading.findings if f.severity == "error"]


@pytest.mark.parametrize(("field", "kind", "xml", "text", "code"), FAULTS)
def test_planted_fault_is_found_at_its_cell(tmp_path, framework, field, kind, xml, text, code):
    path, layout = write_form(framework, tmp_path)
    place = edit_cell(path, layout, field, xml, text, kind)
    entry = next(f for f in layout.fields if (f.indicator, f.part, f.period) == field[:3])
    if code in AT_ANSWER:
        place = (entry.sheet_title, entry.value_cell)
    if code in AT_STATUS:
        place = (entry.sheet_title, entry.status_cell)
    reading = read(path, framework)
    assert errors(reading) == [(code, *place)]
    assert all(text not in str(fact) for f in reading.findings for fact in f.facts.values() if len(text) > 4)
    kept = {(a.indicator, a.part, a.period) for a in reading.answers}
    assert field[:3] not in kept
    if code.startswith("personal."):
        assert reading.state == "refused"
        assert kept == set()
    else:
        assert reading.state == "open"
        assert ("COMP-01", "members", "2024") in kept


def test_all_faults_at_once(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    planted = [fault for fault in FAULTS if not fault[4].startswith("personal.")]
    chosen = {fault[0]: fault for fault in planted if fault[1] == "v"}
    expected = {(fault[4], *edit_cell(path, layout, *(fault[0], fault[2], fault[3]))) for fault in chosen.values()}
    found = set(errors(read(path, framework)))
    moved = {item for item in expected if item[0] in AT_STATUS}
    assert {code for code, *_ in found} == {code for code, *_ in expected}
    assert expected - moved <= found
    assert len(found) == len(expected) > 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_correct_form_has_no_finding_and_all_answers(tmp_path, framework, language):
    path, _ = write_form(framework, tmp_path, language=language)
    reading = read(path, framework)
    assert reading.findings == ()
    assert reading.state == "accepted"
    got = {(a.period, a.indicator, a.part): a.text or a.value for a in reading.answers}
    assert got == {(year, *key): answer for year in ("2025", "2024") for key, answer in ANSWERS.items()}
    assert {a.status for a in reading.answers if a.period == "2024"} == {"reconstructed"}
    assert {a.status for a in reading.answers if a.period == "2025"} == {"registered"}


def test_answers_of_other_spellings_are_understood(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    edit_cell(path, layout, HOURS, TEXT, "1 000,5")
    edit_cell(path, layout, ACTIVE, TEXT, "Oui ")
    edit_cell(path, layout, CHAIR, TEXT, "BOURGMESTRE")
    edit_cell(path, layout, CASE, CALCULATED, "4+5-4")
    edit_cell(path, layout, ("GOV-08", "total", "2025"), NUMBER, "20")
    edit_cell(path, layout, END, NUMBER, "45733")
    reading = read(path, framework)
    got = {(a.indicator, a.part): a.text or a.value for a in reading.answers if a.period == "2025"}
    assert got["CAP-01", "hours"] == 1000.5
    assert got["GOV-02", "active"] == 1.0
    assert got["COMP-01", "chair"] == "mayor"
    assert got["GOV-08", "case"] == 9.0
    assert [f.code for f in reading.findings if f.severity == "question"] == ["value.formula", "value.unlike_earlier"]
    # a bare number is no month: which date system it was typed for is not known
    assert [f.code for f in reading.findings if f.severity == "error"] == ["value.not_month"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ["DK", "NAP", "RF", "NR", "SUP"])
def test_status_without_answer_is_kept(tmp_path, framework, status, language):
    path, layout = write_form(framework, tmp_path, language=language)
    edit_cell(path, layout, HOURS, EMPTY, "")
    edit_cell(path, layout, HOURS, TEXT, status_label(status, language), "s")
    reading = read(path, framework)
    assert reading.findings == ()
    (answer,) = [a for a in reading.answers if (a.indicator, a.period) == ("CAP-01", "2025")]
    assert answer.status == status
    assert answer.value != answer.value


def test_blank_is_a_question_for_the_reporting_year_only(tmp_path, framework):
    some = {key: answer for key, answer in ANSWERS.items() if key[0] != "CAP-01"}
    path, layout = write_form(framework, tmp_path, some)
    reading = read(path, framework)
    entry = next(f for f in layout.fields if (f.indicator, f.period) == ("CAP-01", "2025"))
    assert [(f.code, f.severity, f.where.cell) for f in reading.findings] == [
        ("value.blank", "question", entry.value_cell)
    ]


def test_empty_form_is_one_question(tmp_path, framework):
    path, _ = write_form(framework, tmp_path, {})
    assert [(f.code, f.severity) for f in read(path, framework).findings] == [("form.empty", "question")]


def save_with(path, change):
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)


def test_merged_input_is_an_error(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    title = layout.titles["answers"]
    entry = next(f for f in layout.fields if (f.indicator, f.part, f.period) == HOURS)
    row = entry.value_cell[1:]
    save_with(path, lambda book: book[title].merge_cells(f"{entry.value_cell}:D{row}"))
    assert errors(read(path, framework)) == [("value.merged", title, entry.value_cell)]


def change_meta(key, value):
    def change(book):
        for row in book[META_SHEET].iter_rows():
            if row[0].value == key:
                row[1].value = value

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda book: book.remove(book[META_SHEET]), "form.not_a_form"),
        (lambda book: book.create_sheet("Personen"), "file.unknown_sheets"),
        (change_meta("format", "other"), "form.not_a_form"),
        (change_meta("unit", "11001"), "form.changed_metadata"),
        (change_meta("period", "2023"), "form.changed_metadata"),
        (change_meta("language", "xx"), "form.changed_metadata"),
        (change_meta("layout", "0"), "form.other_version"),
        (change_meta("framework", "other"), "form.other_framework"),
        (change_meta("framework_version", "9"), "form.other_framework"),
    ],
)
def test_changed_identity_refuses_the_file(tmp_path, framework, change, code):
    path, _ = write_form(framework, tmp_path)
    save_with(path, change)
    reading = read(path, framework)
    assert [f.code for f in reading.findings] == [code]
    assert (reading.state, reading.answers) == ("refused", ())


def test_municipality_of_another_division_refuses_the_file(tmp_path, framework):
    path, _ = write_form(framework, tmp_path, unit="45017")
    assert [f.code for f in read(path, framework).findings] == ["form.unknown_unit"]


def test_lost_name_is_reported_and_the_rest_read(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    name = next(f.name_v for f in layout.fields if (f.indicator, f.part, f.period) == HOURS)
    edit_part(path, "xl/workbook.xml", lambda text: text.replace(f'name="{name}"', 'name="etk.other"'))
    reading = read(path, framework)
    assert [code for code, *_ in errors(reading)] == ["form.name_lost"]
    assert len(reading.answers) == 2 * len(ANSWERS) - 1


def test_inserted_row_moves_names_and_answers_together(tmp_path, framework):
    """What Excel does on inserting a row above: cells and names move down by one."""
    import re

    path, layout = write_form(framework, tmp_path)
    title = layout.titles["answers"]

    def down(text):
        text = re.sub(r'<row r="(\d+)"', lambda m: f'<row r="{int(m[1]) + 1}"', text)
        return re.sub(r'<c r="([A-Z]+)(\d+)"', lambda m: f'<c r="{m[1]}{int(m[2]) + 1}"', text)

    edit_part(path, sheet_part(layout, title), down)
    edit_part(
        path,
        "xl/workbook.xml",
        lambda text: re.sub(rf"({title}'?!\$[A-Z]+\$)(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}", text),
    )
    reading = read(path, framework)
    assert errors(reading) == []
    assert len(reading.answers) == 2 * len(ANSWERS)


def test_hidden_rows_with_questions_are_asked_about(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    title = layout.titles["answers"]
    row = int(next(f.value_cell[1:] for f in layout.fields if (f.indicator, f.part, f.period) == HOURS))

    def hide(book):
        book[title].row_dimensions[row].hidden = True
        book[title].row_dimensions[1].hidden = True

    save_with(path, hide)
    reading = read(path, framework)
    assert [(f.code, f.severity, f.where.sheet, f.facts["count"]) for f in reading.findings] == [
        ("form.hidden_rows", "question", title, 1)
    ]
    assert len(reading.answers) == 2 * len(ANSWERS)


def test_sorted_questions_are_not_read_as_if_in_place(tmp_path, framework):
    """Sorting moves texts and answers but not the names of cells."""
    path, layout = write_form(framework, tmp_path)
    title = layout.titles["answers"]
    rows = {f.part: f.value_cell[1:] for f in layout.fields if f.period == "2025" and f.indicator == "GOV-08"}

    def swap(book):
        sheet = book[title]
        for column in "BC":
            first, second = f"{column}{rows['total']}", f"{column}{rows['case']}"
            sheet[first].value, sheet[second].value = sheet[second].value, sheet[first].value

    save_with(path, swap)
    found = errors(read(path, framework))
    assert {code for code, *_ in found} == {"form.row_moved"}
    assert {cell for *_, cell in found} == {f"C{rows['total']}", f"C{rows['case']}"}


@pytest.mark.office
def test_forms_saved_by_libreoffice_are_read_right(tmp_path, framework):
    import shutil
    import subprocess

    (tmp_path / "in").mkdir()
    for language, unit in (("nl", "11002"), ("fr", "62063")):
        write_form(framework, tmp_path / "in", language=language, unit=unit)
    command = [
        shutil.which("soffice") or "libreoffice",
        f"-env:UserInstallation=file://{tmp_path}/profile",
        "--headless",
    ]
    files = sorted(str(path) for path in (tmp_path / "in").iterdir())
    convert = ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out"), *files]
    subprocess.run([*command, *convert], check=True, capture_output=True, timeout=120)
    collection = collect_folder(tmp_path / "out", store=tmp_path / "store", framework=framework)
    assert collection.findings == ()
    assert len(collection.files) == 2
    for _, rows in collection.values.groupby("unit"):
        got = {(r.period, r.indicator, r.part): r.text or r.value for r in rows.itertuples()}
        assert got == {(year, *key): answer for year in ("2025", "2024") for key, answer in ANSWERS.items()}


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("3,5", ",", 3.5),
        ("3.5", ".", 3.5),
        ("1.234,5", ",", 1234.5),
        ("1 234,5", ",", 1234.5),
        ("1\u202f234", ",", 1234.0),
        ("1\u00a0234,25", ",", 1234.25),
        ("1.234.567", ",", 1234567.0),
        ("1,234.5", ".", 1234.5),
        (" 12 ", ",", 12.0),
        ("−4", ",", -4.0),
        ("0,125", ",", 0.125),
        ("3.5", ",", "value.ambiguous_number"),
        ("3,5", ".", "value.ambiguous_number"),
        ("1.234", ",", "value.ambiguous_number"),
        ("1.234", ".", "value.ambiguous_number"),
        ("1,234", ",", "value.ambiguous_number"),
        ("12 34", ",", "value.not_a_number"),
        ("1.23.456", ",", "value.not_a_number"),
        ("1e5", ",", "value.not_a_number"),
        ("١٢", ",", "value.not_a_number"),
        ("", ",", "value.not_a_number"),
        ("+5", ",", "value.not_a_number"),
    ],
)
def test_text_numbers_follow_the_language_and_are_never_guessed(text, decimal, expected):
    if isinstance(expected, str):
        with pytest.raises(NumberError) as caught:
            parse_number(text, decimal)
        assert caught.value.code == expected
    else:
        assert parse_number(text, decimal) == expected


def test_declared_mark_settles_what_is_ambiguous():
    assert parse_number("1.234", ",", declared=True) == 1234.0
    for half, decimal in (("0.500", ","), ("0,500", ".")):
        with pytest.raises(NumberError, match="ambiguous"):
            parse_number(half, decimal, declared=True)
    assert parse_number("1.234", ".", declared=True) == 1.234
    with pytest.raises(NumberError):
        parse_number("3.5", ",", declared=True)


def test_months_and_folding():
    assert parse_month("2025-3") == "2025-03"
    assert parse_month(dt.date(2025, 11, 3)) == "2025-11"
    assert parse_month(dt.datetime(2025, 11, 3)) == "2025-11"  # noqa: DTZ001
    assert parse_month("11/2025") is None
    assert parse_month(202511.0) is None
    assert fold(" Bürger\u00a0meister ") == fold("BURGER MEISTER")
    assert fold("Bürger\u200bmeister") != fold("Bürgermeister")


def test_status_is_the_code_before_the_dash():
    assert [type_status(raw) for raw in ("DK – weet niet", "nap", "RF - x", " ", None)] == ["DK", "NAP", "RF", "", ""]
    assert type_status("reconstructed – achteraf") == "reconstructed"
    assert type_status("weet niet") is None
    assert type_status(4.0) is None


def test_dates_in_number_cells_are_refused(framework):
    part = framework.by_id["GOV-08"].part("case")
    for raw in (dt.date(2025, 3, 1), dt.timedelta(hours=1), dt.time(3)):
        assert type_answer(part, raw, "nl").fault == ("value.date", {})
    assert type_answer(part, 9.0, "nl").value == 9.0


def test_mutated_forms_give_findings_or_answers_but_never_crash(tmp_path, framework):
    """Bytes of every XML part that is read are changed at random; whatever comes out is a reading."""
    import zipfile

    import numpy as np

    path, layout = write_form(framework, tmp_path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    targets = ["xl/workbook.xml", "xl/sharedStrings.xml", *(sheet_part(layout, t) for t in layout.titles.values())]
    rng = np.random.default_rng(11)
    states = set()
    for _ in range(120):
        part = targets[int(rng.integers(len(targets)))]
        data = bytearray(contents[part])
        for _ in range(int(rng.integers(1, 4))):
            data[int(rng.integers(len(data)))] = int(rng.integers(32, 127))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, bytes(data) if name == part else content)
        reading = read(path, framework)
        states.add(reading.state)
        assert reading.state != "refused" or not reading.answers
        assert (reading.state == "accepted") == (not errors(reading))
    assert states == {"accepted", "open", "refused"}
