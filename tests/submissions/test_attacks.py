"""Hostile and broken files: those of the shared folder, and the same attacks on workbooks of our own."""

import pytest
from attacks import ATTACKS, CONTENT, NATIONAL, edit, pack, unpack
from forms_sample import write_form
from ods_sample import as_ods, ods_parts

from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions import isolation
from evaltoolkit.submissions.collect import collect_folder, read_workbook
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.layout import LISTS_SHEET, META_SHEET
from evaltoolkit.submissions.scan import FORM_CELLS

CASE = "etk.GOV_08.case.2025.v"
# what a guard cannot know: that the sample is no form of ours
NO_FORM = "form.not_a_form"
SAMPLES = {
    "00_good.xlsx": NO_FORM,
    "01_zipbomb_sheet_300MB.xlsx": "file.unpacks_too_large",
    "03_billion_laughs.xlsx": "file.unsafe_xml",
    "04_xxe_file.xlsx": "file.unsafe_xml",
    "05_dimension_tag_huge.xlsx": NO_FORM,
    "06_stray_cell_XFD1048576.xlsx": "file.cell_far_away",
    "08_external_link_formula_error.xlsx": NO_FORM,
    "09_formula_injection_text.xlsx": NO_FORM,
    "10_hidden_sheet_row_personal.xlsx": NO_FORM,
    "11_text_numbers_locale.xlsx": NO_FORM,
    "12_date1904.xlsx": NO_FORM,
    "14_lookalike_renamed_header_fr.xlsx": NO_FORM,
    "15_zip_slip.xlsx": "file.unsafe_name",
    "16_vba_in_xlsx.xlsm": "file.macro",
    "17_csv_named.xlsx": "file.not_xlsx",
    "18_html_named.xls": "file.not_xlsx",
    "19_ole_header_only.xlsx": "file.old_or_locked",
    "20_truncated.xlsx": "file.truncated",
    "22_300_sheets.xlsx": "file.unknown_sheets",
    "23_duplicate_cell_ref.xlsx": "file.duplicate_cell",
    "25_nan_inf_number.xlsx": NO_FORM,
    "26_formula_no_cached_value.xlsx": NO_FORM,
}


@pytest.fixture(scope="module")
def own(framework, tmp_path_factory):
    path, layout = write_form(framework, tmp_path_factory.mktemp("own"))
    return path.read_bytes(), layout.cells[CASE][1]


def read(content, framework):
    return read_workbook(guard_bytes(content, "form", cells=FORM_CELLS), framework, "form")


def check_sentences(finding):
    """A sentence and a remedy in every language, all different, and nothing that was typed."""
    facts = {name: fact for name, fact in finding.facts.items() if name != "language"}
    for code in (finding.code, f"{finding.code}.remedy"):
        said = [words(language).say(code, **facts) for language in LANGUAGES]
        assert len(set(said)) == len(LANGUAGES)
        assert not any(NATIONAL in text for text in said)


@pytest.mark.shared
def test_every_hostile_sample_has_its_code_and_sentences(shared, framework, tmp_path):
    collection = collect_folder(shared / "threats", store=tmp_path / "store", framework=framework)
    found = {finding.where.file: finding for finding in collection.errors}
    assert {name: found[name].code for name in SAMPLES} == SAMPLES
    assert set(found) == set(SAMPLES) | {"README.md"}
    for finding in collection.findings:
        check_sentences(finding)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_attack_on_our_own_workbook(own, framework, name):
    attack, code, at_cell = ATTACKS[name]
    content, cell = own
    stopped = isolation.count_stopped()
    reading, kept = read(attack(unpack(content), cell), framework)
    if not code:
        assert reading.findings == ()
        return
    told = [finding for finding in reading.findings if finding.code == code]
    assert [finding.where.cell == cell for finding in told] == [at_cell]
    if code.startswith(("file.", "personal.")):
        assert (reading.state, reading.answers, kept) == ("refused", (), b"")
    for finding in reading.findings:
        check_sentences(finding)
    assert isolation.count_stopped() == stopped


def swap(before, after, part=CONTENT):
    """Return an attack that replaces a text once."""
    return edit(part, lambda text, _: text.replace(before, after, 1))


def row(rows, columns, cell):
    return (
        f'<table:table-row table:number-rows-repeated="{rows}">'
        f'<table:table-cell table:number-columns-repeated="{columns}"{cell}/></table:table-row>'
    )


def first(xml):
    """Return an attack that puts XML before the first row of the first sheet."""
    return swap("<table:table-row>", xml + "<table:table-row>")


def last_table(name):
    return swap("<table:named-expressions>", f'<table:table table:name="{name}"/><table:named-expressions>')


def add_part(name, data=b"<x/>"):
    return lambda parts, _: pack({**parts, name: data})


FILLED = ' office:value-type="float" office:value="1"'
NOTE = f"<office:annotation><text:p>{NATIONAL}</text:p></office:annotation><text:p>"
SPACES = '<table:table-cell office:value-type="string"><text:p><text:s text:c="16000"/></text:p></table:table-cell>'
ENTITY = b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"
ODS_ATTACKS = {
    "repeated cells": (first(row(40_000, 40, FILLED)), "file.too_many_cells"),
    "repeated beyond the sheet": (first(row(1, 16_385, FILLED)), "file.bad_reference"),
    "repeated without end": (first(row("9" * 30, 1, FILLED)), "file.bad_reference"),
    "repeated by nothing": (first(row(0, 1, FILLED)), "file.bad_reference"),
    "far row": (first(row(1_000_000, 1, "") + row(1, 1, FILLED)), "file.cell_far_away"),
    "far column": (
        first(row(1, 16_000, "").replace("/></", f"/><table:table-cell{FILLED}/></")),
        "file.cell_far_away",
    ),
    "many spaces": (first(f"<table:table-row>{SPACES}</table:table-row>"), "file.text_too_long"),
    "document type": (swap("?>", "?><!DOCTYPE x>"), "file.unsafe_xml"),
    "UTF-16": (
        edit(CONTENT, lambda text, _: text.replace("UTF-8", "UTF-16", 1).encode("utf-16")),
        "file.unsafe_xml",
    ),
    "document type in the styles": (add_part("styles.xml", ENTITY), "file.unsafe_xml"),
    "macro": (add_part("Basic/Standard/Module1.xml"), "file.macro"),
    "script": (add_part("Scripts/python/x.py", b"x"), "file.macro"),
    "listener": (swap("<office:scripts/>", "<script:event-listener/>"), "file.macro"),
    "source in another file": (first('<table:table-source xlink:href="file:///x.ods"/>'), "file.external_link"),
    "link to a server": (first('<table:odd xlink:href="https://example.org/x"/>'), "file.external_link"),
    "data exchange": (first("<office:dde-source/>"), "file.external_link"),
    "embedded object": (add_part("Object 1/content.xml"), "file.embedded"),
    "tracked changes": (
        swap("<office:spreadsheet>", "<office:spreadsheet><table:tracked-changes/>"),
        "file.tracked_changes",
    ),
    "encrypted": (
        swap("/></", "><manifest:encryption-data/></manifest:file-entry></", "META-INF/manifest.xml"),
        "file.old_or_locked",
    ),
    "table in a table": (first("<table:table/>"), "file.damaged"),
    "no content": (lambda parts, _: pack({name: parts[name] for name in parts if name != CONTENT}), "file.damaged"),
    "national number in the properties": (
        swap("<office:meta/>", f"<office:meta>{NATIONAL}</office:meta>", "meta.xml"),
        "personal.beside",
    ),
    "national number in a note": (swap("<text:p>", NOTE), "personal.comment"),
    "extra sheet": (last_table("X"), "file.unknown_sheets"),
    "sheet twice": (last_table("Start"), "file.damaged"),
    "text beside its own value": (
        swap('office:value-type="string"', 'office:value-type="string" office:string-value="7"'),
        "file.readers_disagree",
    ),
}


@pytest.mark.parametrize("name", ODS_ATTACKS)
def test_attack_on_our_own_form_as_ods(own, framework, name):
    attack, code = ODS_ATTACKS[name]
    stopped = isolation.count_stopped()
    reading, kept = read(attack(ods_parts(guard_bytes(own[0], "form")), ""), framework)
    assert code in [finding.code for finding in reading.findings]
    assert (reading.state, reading.answers, kept) == ("refused", (), b"")
    for finding in reading.findings:
        check_sentences(finding)
    assert isolation.count_stopped() == stopped


def test_a_form_as_ods_says_the_same_as_the_workbook(own, framework):
    ods = as_ods(guard_bytes(own[0], "form"))
    workbook, spreadsheet = read(own[0], framework)[0], read(ods, framework)[0]
    assert spreadsheet.findings == workbook.findings == ()
    assert spreadsheet.answers == workbook.answers
    assert len(workbook.answers) > 10


@pytest.mark.parametrize("sheet", [META_SHEET, LISTS_SHEET])
def test_personal_data_on_a_sheet_of_the_form_that_nobody_sees(framework, tmp_path, sheet):
    import openpyxl

    path, _ = write_form(framework, tmp_path)
    book = openpyxl.load_workbook(path)
    book[sheet]["D40"] = NATIONAL
    book.save(path)
    reading, kept = read(path.read_bytes(), framework)
    assert [(finding.code, finding.where.cell) for finding in reading.findings] == [("personal.national_number", "D40")]
    assert kept == b""
