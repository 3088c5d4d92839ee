"""A form whose texts can be switched: labels change, answers and cells never do."""

import re
import subprocess
import zipfile

import openpyxl
import pytest
from fill_sample import read
from forms_sample import edit_part

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.form import open_form
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import LISTS_SHEET, FormMeta, layout_form
from evaltoolkit.submissions.start_sheet import LANGUAGE_ROW
from evaltoolkit.submissions.switch import LANGUAGE_CELL, LANGUAGE_LIST, NAMES
from evaltoolkit.submissions.write import write_template

LIVC = load_framework("livc-r")


def meta(language="nl", form="starter"):
    return FormMeta(
        LIVC.name, LIVC.version, form, "livc_r", "Z01", ("11001", "11002"), "2025", "2025", ("2024",), language
    )


def values():
    base = {"unit_kind": "livc_r", "unit": "Z01", "source": "t", "wording": 1, "text": "", "value": float("nan")}
    base |= {"status": "registered", "period": "2025"}
    return value_table(
        [
            {**base, "indicator": "GOV-08", "part": "case", "value": 7.0},
            {**base, "indicator": "GOV-08", "part": "strategic", "status": "DK"},
            {**base, "indicator": "GOV-03", "part": "value", "text": "active"},
            {**base, "indicator": "DET-08", "part": "value", "value": 1.0},
        ]
    )


def write(folder, language="nl", form="starter", languages=LANGUAGES):
    return write_template(
        LIVC, meta(language, form), folder / f"{form}_{language}.xlsx", name="N", values=values(), languages=languages
    )


def choose(path, language):
    """Choose a language as a user does: the cell then holds another of the names; nothing is calculated."""
    edit_part(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub(
            rf'<c r="C{LANGUAGE_ROW}"( s="\d+")[^>]*>.*?</c>',
            rf'<c r="C{LANGUAGE_ROW}"\1 t="inlineStr"><is><t>{NAMES[language]}</t></is></c>',
            text,
            count=1,
        ),
    )


def shown(path):
    """Texts of the visible sheets by sheet and cell, formulas looked up as a program would."""
    formulas, book = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    lists = book[LISTS_SHEET]
    names = [cell.value for (cell,) in lists[book.defined_names[LANGUAGE_LIST].destinations.__next__()[1]]]
    ((title, place),) = book.defined_names[LANGUAGE_CELL].destinations
    chosen = names.index(book[title][place].value)
    found = {}
    for sheet in formulas:
        if sheet.sheet_state != "visible":
            continue
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    line = re.fullmatch(r"=INDEX\(_lists!\$C\$(\d+):\$\w\$\1,_lists!\$C\$1\)", cell.value)[1]
                    found[sheet.title, cell.coordinate] = lists.cell(int(line), 3 + chosen).value
                elif isinstance(cell.value, str):
                    found[sheet.title, cell.coordinate] = cell.value
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_shows_what_a_form_in_that_language_says(tmp_path, language):
    path = write(tmp_path)
    choose(path, language)
    switched = shown(path)
    alone = openpyxl.load_workbook(write_template(LIVC, meta(language), tmp_path / "alone.xlsx", name="N"))
    own = layout_form(LIVC, meta("nl")).titles
    answers = openpyxl.load_workbook(path)[own["answers"]]
    for row in alone[layout_form(LIVC, meta(language)).titles["answers"]].iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and answers[cell.coordinate].protection.locked:
                assert switched[own["answers"], cell.coordinate] == cell.value


def test_without_calculating_the_own_language_is_shown(tmp_path):
    plain = openpyxl.load_workbook(write(tmp_path, "fr", languages=()), data_only=True)
    switchable = openpyxl.load_workbook(write(tmp_path, "fr"), data_only=True)
    for title in layout_form(LIVC, meta("fr")).titles.values():
        if title == layout_form(LIVC, meta("fr")).titles["start"]:
            continue
        for row in plain[title].iter_rows():
            for cell in row:
                assert switchable[title][cell.coordinate].value == cell.value


@pytest.mark.parametrize("form", ["starter", "core"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reader_takes_the_labels_for_no_answers(tmp_path, language, form):
    path = write(tmp_path, language, form)
    choose(path, "en" if language != "en" else "nl")
    opened, reader = read(LIVC, path)
    assert opened.findings == []
    assert not any(finding.code.startswith("value.formula") for finding in reader.findings)
    kept = {(a.indicator, a.part): (a.value, a.text, a.status) for a in reader.answers}
    assert kept["GOV-08", "case"] == (7.0, "", "registered")
    assert kept["GOV-08", "strategic"][2] == "DK"
    assert kept["GOV-03", "value"][1] == "active"
    assert kept["DET-08", "value"][0] == 1.0


def test_answers_in_the_words_of_another_language_are_the_same_codes(tmp_path):
    path = write(tmp_path, "nl")
    layout = layout_form(LIVC, meta())
    for name, text in {
        "etk.GOV_03.value.2025.v": LIVC.by_id["GOV-03"].part("value").options[1].label.fr,
        "etk.DET_08.value.2025.v": "nein",
        "etk.GOV_08.strategic.2025.s": "NR – not recorded here",
    }.items():
        cell = layout.cells[name][1]
        edit_part(
            path,
            "xl/worksheets/sheet2.xml",
            lambda sheet, cell=cell, text=text: re.sub(
                rf'<c r="{cell}"( s="\d+")[^>]*?(?:/>|>.*?</c>)',
                rf'<c r="{cell}"\1 t="inlineStr"><is><t>{text}</t></is></c>',
                sheet,
                count=1,
            ),
        )
    _, reader = read(LIVC, path)
    kept = {(a.indicator, a.part): a for a in reader.answers}
    assert kept["GOV-03", "value"].text == "dormant"
    assert kept["DET-08", "value"].value == 0
    assert kept["GOV-08", "strategic"].status == "NR"


def test_input_cells_hold_no_formula_and_no_mark_is_left(tmp_path):
    path = write(tmp_path, "de", "core")
    layout = layout_form(LIVC, meta("de", "core"))
    book = openpyxl.load_workbook(path)
    assert all(book[title][cell].data_type != "f" for title, cell in layout.cells.values())
    with zipfile.ZipFile(path) as archive:
        assert not any("⟦" in archive.read(name).decode() for name in archive.namelist())
    assert guard_workbook(path).findings == ()
    assert write(tmp_path / "..", "de", "core").read_bytes() == path.read_bytes()


def test_by_default_nothing_can_be_switched(tmp_path):
    plain, switchable = write(tmp_path, languages=()), tmp_path / "s"
    switchable.mkdir()
    book = openpyxl.load_workbook(plain)
    assert LANGUAGE_CELL not in book.defined_names
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    # heavier, but not by an order of magnitude
    assert plain.stat().st_size < write(switchable).stat().st_size < 4 * plain.stat().st_size


_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""


@pytest.mark.office
@pytest.mark.slow
def test_a_spreadsheet_program_switches_the_texts_and_keeps_the_answers(tmp_path):
    (tmp_path / "profile" / "user").mkdir(parents=True)
    (tmp_path / "profile" / "user" / "registrymodifications.xcu").write_text(_RECALCULATE, encoding="utf-8")
    path = write(tmp_path, "nl", "core")
    choose(path, "de")
    for kind in ("xlsx", "ods"):
        out = tmp_path / kind
        command = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"]
        command += ["--convert-to", kind, "--outdir", str(out), str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        opened = open_form(guard_workbook(out / f"core_nl.{kind}"), LIVC)
        assert opened.findings == []
        assert set(opened.places) == set(opened.layout.cells)
        texts = {raw for row in opened.rows[opened.layout.titles["answers.GOV"]] for raw in row}
        for block in opened.layout.blocks["answers.GOV"]:
            assert block.indicator.text.de.name in texts
            assert block.indicator.text.nl.name not in texts
        _, reader = read(LIVC, out / f"core_nl.{kind}")
        assert {(a.indicator, a.part): a.value for a in reader.answers}["GOV-08", "case"] == 7.0
