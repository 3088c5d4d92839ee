"""What a real spreadsheet program makes of a form."""

import subprocess

import numpy as np
import openpyxl
import pytest
import xlsxwriter

from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import words
from evaltoolkit.submissions.answer_sheets import ANSWER_WIDTHS, explain
from evaltoolkit.submissions.entries import build_lists
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.layout import META_SHEET, FormMeta, cell_address, layout_form, status_label
from evaltoolkit.submissions.styles import FONT, STYLES
from evaltoolkit.submissions.write import write_template

# each file costs the program seconds; French and German texts are the longest
LONGEST = ("fr", "de")
pytestmark = [pytest.mark.office, pytest.mark.slow]


def meta(language):
    earlier = ("2024", "2023", "2022", "2021", "2020")
    members = ("11001", "11002", "11004", "11005", "11008", "11009", "11013", "11016")
    return FormMeta("livc-r", "2.0", "starter", "livc_r", "Z01", members, "2025", "2025", earlier, language)


@pytest.fixture(scope="module")
def livc_r():
    return load_framework("livc-r")


@pytest.fixture(scope="module")
def forms(livc_r, tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")
    base = {"unit_kind": "livc_r", "unit": "Z01", "source": "test", "wording": 1, "text": "", "value": np.nan}
    values = value_table(
        [
            {**base, "indicator": "GOV-08", "part": "case", "period": "2025", "value": 7.0, "status": "registered"},
            {**base, "indicator": "GOV-08", "part": "case", "period": "2021", "status": "NR"},
            {**base, "indicator": "GOV-02", "part": "value", "period": "2025", "text": "own", "status": "registered"},
        ]
    )
    for language in LONGEST:
        write_template(livc_r, meta(language), folder / f"{language}.xlsx", values=values, name="LIVC-R Noord")
    return folder


def convert(folder, kind):
    profile = (folder / "profile").as_uri()
    out = folder / kind
    files = sorted(str(path) for path in folder.glob("*.xlsx"))
    command = ["soffice", "--headless", f"-env:UserInstallation={profile}", "--convert-to", kind, "--outdir", str(out)]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=180)
    return out


@pytest.fixture(scope="module")
def saved(forms):
    return convert(forms, "xlsx")


@pytest.mark.parametrize("language", LONGEST)
def test_names_metadata_and_values_survive_saving(saved, livc_r, language):
    book = openpyxl.load_workbook(saved / f"{language}.xlsx")
    layout = layout_form(livc_r, meta(language))
    found = {name: target.attr_text for name, target in book.defined_names.items() if name.startswith("etk.")}
    places = {name: tuple(target.replace("'", "").replace("$", "").split("!")) for name, target in found.items()}
    assert places == layout.cells
    stored = {row[0]: str(row[1]) for row in book[META_SHEET].iter_rows(values_only=True)}
    assert stored == layout.metadata
    assert book[META_SHEET].sheet_state != "visible"
    shown = {name: book[title][cell].value for name, (title, cell) in layout.cells.items()}
    assert {name: value for name, value in shown.items() if value is not None} == {
        "etk.GOV_08.case.2025.v": 7,
        "etk.GOV_08.case.2021.s": status_label("NR", language),
        "etk.GOV_02.value.2025.v": livc_r.by_id["GOV-02"].part("value").options[0].label.in_(language),
    }


@pytest.mark.parametrize("language", LONGEST)
def test_validations_colours_and_protection_survive_saving(saved, livc_r, language):
    book = openpyxl.load_workbook(saved / f"{language}.xlsx")
    layout = layout_form(livc_r, meta(language))
    covered = set()
    for title in layout.titles.values():
        for rule in book[title].data_validations.dataValidation:
            for area in rule.sqref.ranges:
                covered |= {(title, cell_address(row, column)) for row, column in area.cells}
    assert set(layout.cells.values()) <= covered
    lists = build_lists(layout)
    for name, entries in lists.items():
        ((title, area),) = book.defined_names[name].destinations
        assert tuple(cell.value for (cell,) in book[title][area]) == entries
    for sheet_id in ("answers", "earlier"):
        sheet = book[layout.titles[sheet_id]]
        assert sheet.protection.sheet
        assert not any(sheet[cell].protection.locked for title, cell in layout.cells.values() if title == sheet.title)
        assert len(sheet.conditional_formatting) > 0


def test_rows_have_room_for_all_their_lines(livc_r, tmp_path):
    """Each text is printed on its own page in a cell of its width, and the lines are counted."""
    cells = []
    for language in LONGEST:
        for block in layout_form(livc_r, meta(language)).answer_blocks:
            cells += zip(explain(block, words(language)), ANSWER_WIDTHS[5:], strict=True)
    with xlsxwriter.Workbook(tmp_path / "probe.xlsx", {"default_format_properties": dict(FONT)}) as book:
        wrapped = book.add_format({**FONT, **STYLES["body"]})
        for width in sorted({width for _, width in cells}):
            sheet = book.add_worksheet(str(width))
            sheet.set_column(0, 0, width)
            texts = [text for text, own in cells if own == width]
            for row, text in enumerate(texts):
                sheet.set_row(row, 400)
                sheet.write_string(row, 0, text, wrapped)
            sheet.set_h_pagebreaks(range(1, len(texts)))
    printed = convert(tmp_path, "pdf") / "probe.pdf"
    command = ["pdftotext", "-layout", str(printed), "-"]
    pages = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\f")[:-1]
    ordered = sorted(cells, key=lambda cell: cell[1])
    assert len(pages) == len(ordered) > 100
    one_line = text_height("a", 30)
    next_line = text_height("a\na", 30) - one_line
    spare = []
    for page, (text, width) in zip(pages, ordered, strict=True):
        printed_lines = sum(bool(line.strip()) for line in page.splitlines())
        # two characters of the width are the indent
        reckoned = 1 + round((text_height(text, width - 2) - one_line) / next_line)
        spare.append(reckoned - printed_lines)
    assert min(spare) >= 0
    # a line to spare for programs with wider fonts, not half-empty rows
    assert np.mean(spare) < 1
    # Arial is set 1.15 times its size apart
    assert next_line >= 11.5
