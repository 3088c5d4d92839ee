"""A form filled in and saved by a real spreadsheet program, as xlsx and as ods: nothing of it is lost."""

import zipfile

import openpyxl
import pandas as pd
import pytest
from fill_sample import read
from office_sample import fill_and_save

from evaltoolkit.framework.load import load_framework
from evaltoolkit.submissions.layout import META_SHEET, FormMeta, cell_address, layout_form, status_label
from evaltoolkit.submissions.roster_sheet import About, read_about, read_roster_sheet
from evaltoolkit.submissions.write import write_template

pytestmark = [pytest.mark.office, pytest.mark.slow]

LIVC = load_framework("livc-r")
META = FormMeta(
    LIVC.name, LIVC.version, "core", "livc_r", "Z01", ("11001", "11002"), "2025", "2025", ("2024",), "fr", True
)
LAYOUT = layout_form(LIVC, META)
KINDS = LIVC.by_id["CAP-05"].part("kinds").options
CELLS = {
    "etk.about.form.contact.v": "Fonctionnaire d’information",
    "etk.about.form.minutes.v": 55,
    "etk.GOV_08.case.2025.v": 7,
    "etk.GOV_08.strategic.2025.s": status_label("NR", "fr"),
    "etk.GOV_08.case.2024.v": 6,
    "etk.GOV_08.case.2024.s": status_label("reconstructed", "fr"),
    "etk.GOV_03.value.2025.v": LIVC.by_id["GOV-03"].part("value").options[0].label.fr,
    "etk.GOV_06.value.2025.v": ("input", "0.25"),
    "etk.CASE_04.denominator.2025.v": 0,
    "etk.CAP_05.start_month.2025.v": "2025-03",
    f"etk.CAP_05.kinds.{KINDS[0].code}.2025.v": "oui",
    "etk.DET_08.value.2025.v": "non",
    "etk.roster.r1.action.v": KINDS[0].label.fr,
    "etk.roster.r1.start.v": ("input", "2023-03-01"),
    "etk.roster.r1.hours.v": 12.5,
    "etk.roster.r1.state.v": "reçu",
}
PART = LIVC.by_id["GOV-06"].parts[0]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    write_template(LIVC, META, folder / "form.xlsx", name="CSIL-R Nord")
    cells = {name.replace("GOV_06.value", f"GOV_06.{PART.id}"): value for name, value in CELLS.items()}
    return dict(zip(("xlsx", "ods"), fill_and_save(folder, cells), strict=True))


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_answers_statuses_and_earlier_years_are_read(saved, kind):
    form, reader = read(LIVC, saved[kind])
    assert form.findings == []
    assert set(form.places) == set(LAYOUT.cells)
    kept = {(a.indicator, a.part, a.period): (a.value, a.text, a.status) for a in reader.answers}
    plain = {key: (None if value != value else value, text, status) for key, (value, text, status) in kept.items()}
    assert plain == {
        ("GOV-02", "value", "2025"): (None, "shared", "registered"),
        ("GOV-03", "value", "2025"): (None, "active", "registered"),
        ("GOV-06", PART.id, "2025"): (0.25, "", "registered"),
        ("GOV-08", "case", "2025"): (7.0, "", "registered"),
        ("GOV-08", "strategic", "2025"): (None, "", "NR"),
        ("GOV-08", "case", "2024"): (6.0, "", "reconstructed"),
        ("CASE-04", "denominator", "2025"): (0.0, "", "registered"),
        ("CASE-04", "numerator", "2025"): (None, "", "NAP"),
        ("CAP-05", "kinds", "2025"): (None, "coaching", "registered"),
        ("CAP-05", "start_month", "2025"): (None, "2025-03", "registered"),
        ("DET-08", "value", "2025"): (0.0, "", "registered"),
    }
    assert {finding.code for finding in reader.findings} == {"value.blank"}


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_roster_role_and_minutes_are_read(saved, kind):
    form, _ = read(LIVC, saved[kind])
    assert read_about(form) == (About("information", 55), ())
    roster, findings = read_roster_sheet(form)
    assert findings == ()
    row = roster.iloc[0]
    assert len(roster) == 1
    assert (row["action"], row["start"], row["hours"], row["state"]) == (
        "coaching",
        pd.Timestamp(2023, 3, 1),
        12.5,
        "treated",
    )


def test_validations_names_metadata_and_protection_survive_as_xlsx(saved):
    book = openpyxl.load_workbook(saved["xlsx"])
    covered = {
        (title, cell_address(row, column))
        for title in LAYOUT.titles.values()
        for rule in book[title].data_validations.dataValidation
        for area in rule.sqref.ranges
        for row, column in area.cells
    }
    assert set(LAYOUT.cells.values()) <= covered
    assert {str(row[0]): str(row[1]) for row in book[META_SHEET].iter_rows(values_only=True)} == LAYOUT.metadata
    assert book[META_SHEET].sheet_state != "visible"
    for title in LAYOUT.titles.values():
        assert book[title].protection.sheet
        open_cells = {cell for name, cell in LAYOUT.cells.values() if name == title}
        assert not any(book[title][cell].protection.locked for cell in open_cells)
    assert all(len(book[LAYOUT.titles[sheet]].conditional_formatting) > 0 for sheet in LAYOUT.answer_sheets)


def test_validations_and_names_survive_as_ods(saved):
    with zipfile.ZipFile(saved["ods"]) as archive:
        content = archive.read("content.xml").decode()
    assert content.count("<table:content-validation ") >= 20
    assert all(f'table:name="{name}"' in content for name in LAYOUT.cells)
    # the help beside a cell and the sentence for a wrong answer
    assert content.count("<table:help-message ") >= 20
    assert content.count("<table:error-message ") >= 20
