import io
import re
import sys
from pathlib import Path

import openpyxl
import pytest

from evaltoolkit.findings import Finding, Where
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.respondent_pages import write_answers
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.store import Reading, StoredValue, open_store

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "submissions"))

from forms_sample import ANSWERS, NUMBER, TEXT, edit_cell, write_form
from framework_sample import sample_framework

CASE = ("GOV-08", "case", "2025")
NATIONAL = "85.07.30-033.28"
ALARM = "FFF8C9C4"
FRAMEWORK = sample_framework()


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "returned", tmp_path / "store", tmp_path / "answers"


def collect(folders):
    return collect_folder(folders[0], store=folders[1], framework=FRAMEWORK)


def answered(folders, **options):
    collect(folders)
    return write_answers(folders[1], FRAMEWORK, folders[2], **options)


def test_each_finding_stands_beside_its_cell_with_the_own_values(folders):
    path, layout = write_form(FRAMEWORK, folders[0])
    title, address = edit_cell(path, layout, CASE, TEXT, "veel")
    write_form(FRAMEWORK, folders[0], unit="11001")
    (one,) = answered(folders)
    assert one.workbook.name == "11002_2025_nl.xlsx"
    assert one.page.name == "11002_2025_nl.html"
    assert sorted(entry.name for entry in folders[2].iterdir()) == ["11002_2025_nl.html", "11002_2025_nl.xlsx"]
    book = openpyxl.load_workbook(one.workbook)
    cell = book[title][address]
    assert cell.value == "veel"
    assert cell.fill.fgColor.rgb == ALARM
    sheet = book["Bevindingen"]
    row = [entry.value for entry in sheet[4]]
    assert row[:3] == ["fout", title, address]
    assert sheet["C4"].hyperlink.location == f"'{title}'!{address}"
    assert row[4] in cell.comment.text
    assert row[5] in cell.comment.text
    assert sheet.max_row == 4
    # every other answer stands where it was sent
    sent = openpyxl.load_workbook(path)
    for name, (where, place) in layout.cells.items():
        assert book[where][place].value == sent[where][place].value, name
        assert (book[where][place].comment is not None) == ((where, place) == (title, address))
    assert book[title][address].data_type == "s"


def test_the_submitted_file_is_not_saved_again(folders):
    path, layout = write_form(FRAMEWORK, folders[0])
    edit_cell(path, layout, CASE, TEXT, "veel")
    book = openpyxl.load_workbook(path)
    book.properties.creator = "een afzender"
    book[layout.titles["answers"]]["Z40"] = "ergens naast"
    book.save(path)
    (one,) = answered(folders)
    raw = openpyxl.load_workbook(one.workbook)
    assert raw.properties.creator != "een afzender"
    assert raw[layout.titles["answers"]]["Z40"].value is None


def test_the_answer_is_collected_like_any_form(folders, tmp_path):
    path, layout = write_form(FRAMEWORK, folders[0])
    title, address = edit_cell(path, layout, CASE, TEXT, "veel")
    first = collect(folders)
    (one,) = answered(folders)
    again = collect_folder(folders[2].rename(tmp_path / "once"), store=tmp_path / "other", framework=FRAMEWORK)
    # the page is no workbook, and nobody sends it
    codes = [(f.code, f.where.sheet, f.where.cell) for f in again.errors if f.where.file.endswith(".xlsx")]
    assert codes == [("value.not_a_number", title, address)]
    columns = ["unit", "period", "indicator", "part", "value", "text", "status"]
    assert again.values[columns].equals(first.values[columns])
    # corrected in the answer itself, it takes the place of the first
    book = openpyxl.load_workbook(tmp_path / "once" / one.workbook.name)
    book[title][address] = 5
    book.save(folders[0] / "corrected.xlsx")
    second = collect(folders)
    assert second.errors == ()
    assert len(second.values) == 2 * len(ANSWERS)
    assert answered(folders) == []


def test_a_value_about_a_person_is_named_at_its_cell_and_never_shown(folders):
    path, layout = write_form(FRAMEWORK, folders[0])
    title, address = edit_cell(path, layout, CASE, TEXT, NATIONAL)
    (one,) = answered(folders)
    book = openpyxl.load_workbook(one.workbook)
    assert book[title][address].value is None
    assert book[title][address].fill.fgColor.rgb == ALARM
    assert "rijksregisternummer" in book[title][address].comment.text
    digits = re.sub(r"\D", "", NATIONAL)
    shown = one.page.read_text("utf-8") + "".join(
        part.decode("utf-8", "replace") for part in parts_of(one.workbook).values()
    )
    assert NATIONAL not in shown
    assert digits not in shown


def parts_of(path):
    import zipfile

    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_answers_that_a_rule_sets_apart_are_all_there(folders):
    # more came than were invited: neither number counts, and both are in the answer
    livc = load_framework("livc-r")
    attended = {("COMP-02", "numerator"): 14, ("COMP-02", "denominator"): 12}
    path, layout = write_form(livc, folders[0], attended, earlier=())
    collection = collect_folder(folders[0], store=folders[1], framework=livc)
    assert [f.code for f in collection.errors] == ["rule.attended_above_invited"]
    assert "COMP-02" not in set(collection.values["indicator"])
    (one,) = write_answers(folders[1], livc, folders[2])
    book = openpyxl.load_workbook(one.workbook)
    cells = [layout.cells[f"etk.COMP_02.{part}.2025.v"] for part in ("numerator", "denominator")]
    assert [book[title][cell].value for title, cell in cells] == [14, 12]
    assert any(book[title][cell].comment for title, cell in cells)
    assert path.exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_and_labels_are_in_the_language_asked_for(folders, language):
    path, layout = write_form(FRAMEWORK, folders[0])
    edit_cell(path, layout, CASE, NUMBER, "-3")
    first = collect(folders)
    (one,) = answered(folders, language=language)
    assert one.workbook.name == f"11002_2025_{language}.xlsx"
    again = collect_folder(folders[2], store=folders[1].parent / "other", framework=FRAMEWORK)
    columns = ["period", "indicator", "part", "value", "text", "status"]
    assert again.values[columns].equals(first.values[columns])
    page = one.page.read_text("utf-8")
    assert f'<html lang="{language}">' in page
    assert "<script" not in page


def test_conflicts_and_respondents_without_findings(folders):
    write_form(FRAMEWORK, folders[0], name="first.xlsx")
    write_form(FRAMEWORK, folders[0], {**ANSWERS, ("GOV-08", "case"): 4}, name="second.xlsx")
    write_form(FRAMEWORK, folders[0], unit="11001")
    written = answered(folders, everyone=True)
    assert {(one.unit, one.findings) for one in written} == {("11002", 1), ("11001", 0)}
    book = openpyxl.load_workbook(next(one.workbook for one in written if one.unit == "11002"))
    row = [entry.value for entry in book["Bevindingen"][4]]
    assert row[1:3] == [None, None]
    assert "first.xlsx" in row[4]


def test_a_file_that_does_not_say_whose_it_is_is_not_lost(folders):
    folders[0].mkdir()
    (folders[0] / "page.xlsx").write_text("<html></html>")
    assert answered(folders) == []
    assert "page.xlsx" in (folders[2] / "without_respondent.html").read_text("utf-8")


def test_the_same_store_gives_the_same_bytes(folders, tmp_path):
    path, layout = write_form(FRAMEWORK, folders[0])
    edit_cell(path, layout, CASE, TEXT, "veel")
    (one,) = answered(folders)
    (two,) = write_answers(folders[1], FRAMEWORK, tmp_path / "again")
    assert one.workbook.read_bytes() == two.workbook.read_bytes()
    assert one.page.read_bytes() == two.page.read_bytes()
    with open_store(folders[1]) as store:
        assert store.asked()["form"].tolist() == ["starter"]


def stored(folders, file, content=b"", **about):
    answer = StoredValue("2025", "GOV-08", "case", 5.0, "", "registered", "", "GOV-08.case.2025", 1)
    where = Where(file, "question", "GOV-08.case.2025", "GOV-08", about["unit"], "2025")
    finding = Finding("value.blank", "question", where, {"language": "nl"})
    name = f"{FRAMEWORK.name} {FRAMEWORK.version}"
    about = {"unit_kind": "municipality", "period": "2025", "vintage": "2025", "language": "nl", **about}
    reading = Reading(file[0] * 64, name, file, answers=(answer,), findings=(finding,), **about)
    with open_store(folders[1]) as store:
        store.add([(reading, content)], "now")
    return write_answers(folders[1], FRAMEWORK, folders[2])


def test_what_a_web_form_saved_is_answered_with_the_stored_values(folders):
    known = {"form": "starter", "members": ("11002",), "state": "open"}
    (one,) = stored(folders, "a.json", b"{}", unit="11002", **known)
    book = openpyxl.load_workbook(one.workbook)
    title, cell = write_form(FRAMEWORK, folders[0], earlier=())[1].cells["etk.GOV_08.case.2025.v"]
    assert book[title][cell].value == 5
    assert book[title][cell].comment is not None


def test_without_knowing_what_was_asked_there_is_a_page(folders):
    (one,) = stored(folders, "b.json", b"{}", unit="11002", state="open")
    assert one.workbook is None
    assert "GOV-08" in one.page.read_text("utf-8")


def test_a_form_with_changed_metadata_stops_nobody_else(folders):
    asked = {"form": "starter", "state": "refused"}
    for number, unit in enumerate(("99999", "../../etc", "=cmd()")):
        written = stored(folders, f"{number}.xlsx", unit=unit, **asked)
    assert len(written) == 3
    assert {path.parent for one in written for path in (one.page, one.workbook) if path} == {folders[2]}
    assert len(stored(folders, "c.xlsx", unit="11002", form="no such form", state="refused")) == 4
    assert not [path for path in folders[2].parent.rglob("etc*") if path.parent != folders[2]]
