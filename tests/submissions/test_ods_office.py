"""What LibreOffice makes of a form when it is saved as .ods is read like the workbook."""

import datetime as dt
import shutil
import subprocess

import openpyxl
import pytest
from forms_sample import ANSWERS, write_form

from evaltoolkit.submissions.collect import collect_folder, read_workbook
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.tabular import read_table

pytestmark = [pytest.mark.office, pytest.mark.slow]


def convert(paths, out, profile):
    command = [shutil.which("soffice") or "libreoffice", f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    files = [str(path) for path in paths]
    convert_to = ["--convert-to", "ods", "--outdir", str(out), *files]
    subprocess.run([*command, *convert_to], check=True, capture_output=True, timeout=120)
    return out


def test_forms_saved_as_ods_are_read_right(tmp_path, framework):
    paths = [
        write_form(framework, tmp_path / "in", language=language, unit=unit)[0]
        for language, unit in (("nl", "11002"), ("fr", "62063"), ("de", "63023"))
    ]
    convert(paths, tmp_path / "out", tmp_path / "profile")
    collection = collect_folder(tmp_path / "out", store=tmp_path / "store", framework=framework)
    assert collection.findings == ()
    assert len(collection.files) == 3
    for _, rows in collection.values.groupby("unit"):
        got = {(r.period, r.indicator, r.part): r.text or r.value for r in rows.itertuples()}
        assert got == {(year, *key): answer for year in ("2025", "2024") for key, answer in ANSWERS.items()}


def test_faults_in_ods_have_the_same_codes_at_the_same_cells(tmp_path, framework):
    path, layout = write_form(framework, tmp_path / "in")
    book = openpyxl.load_workbook(path)

    def cell(name):
        title, address = layout.cells[name]
        return book[title][address]

    cell("etk.GOV_08.case.2025.v").value = "=1/0"
    cell("etk.GOV_08.strategic.2025.v").value = "=2+2"
    cell("etk.CAP_01.hours.2025.v").value = 0.75
    cell("etk.CAP_01.hours.2025.v").number_format = "0.0 %"
    cell("etk.CAP_05.end.2025.v").value = dt.date(2025, 3, 1)
    cell("etk.CAP_05.end.2025.v").number_format = "yyyy-mm-dd"
    answers, start = book[layout.titles["answers"]], book["Start"]
    chair = cell("etk.COMP_01.chair.2025.v").coordinate
    answers.merge_cells(f"{chair}:D{chair[1:]}")
    answers.column_dimensions["E"].hidden = True
    start["B70"] = dt.datetime.combine(dt.date(2025, 3, 4), dt.time(12, 30))
    start["B71"], start["B72"] = dt.time(12, 30), dt.timedelta(hours=30)
    start.row_dimensions[71].hidden = True
    book[layout.titles["earlier"]].sheet_state = "hidden"
    book.save(path)
    convert([path], tmp_path / "out", tmp_path / "profile")
    scan = guard_workbook(tmp_path / "out" / path.with_suffix(".ods").name)
    reading = read_workbook(scan, framework, "form.ods")[0]
    places = {f.code: f.where.cell for f in reading.findings}
    assert places == {
        "form.hidden_sheet": "",
        "form.hidden_columns": "",
        "form.hidden_content": "",
        "value.error_cell": layout.cells["etk.GOV_08.case.2025.v"][1],
        "value.formula": layout.cells["etk.GOV_08.strategic.2025.v"][1],
        "value.percent": layout.cells["etk.CAP_01.hours.2025.v"][1],
        "value.merged": chair,
        "value.unlike_earlier": layout.cells["etk.CAP_01.hours.2025.v"][1],
    }
    got = {(a.indicator, a.part): a.text or a.value for a in reading.answers if a.period == "2025"}
    assert got["GOV-08", "strategic"] == 4.0
    assert got["CAP-05", "end"] == "2025-03"


def test_table_saved_as_ods(tmp_path):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["unit", "n", "when", "share"])
    book.active.append(["11002", 9, dt.date(2025, 11, 3), 0.5])
    book.active["D2"].number_format = "0 %"
    book.save(path)
    convert([path], tmp_path / "out", tmp_path / "profile")
    assert read_table(tmp_path / "out" / "t.ods").loc[2].tolist() == ["11002", 9.0, dt.date(2025, 11, 3), 0.5]
