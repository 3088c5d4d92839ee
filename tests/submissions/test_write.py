import hashlib
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.utils import get_column_letter

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.entries import YES_NO_LIST, validate_answer
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import LISTS_SHEET, META_SHEET, FormMeta, layout_form, status_label
from evaltoolkit.submissions.write import file_name, write_template, write_templates

EARLIER = ("2024", "2023")


def meta(**changes):
    known = {
        "framework": "livc-r",
        "framework_version": "2.0",
        "form": "starter",
        "unit_kind": "livc_r",
        "unit": "Z01",
        "members": ("11001", "11002"),
        "vintage": "2025",
        "period": "2025",
        "earlier": EARLIER,
        "language": "nl",
    }
    return FormMeta(**{**known, **changes})


def respondents(**columns):
    known = {
        "unit_kind": ["livc_r", "municipality"],
        "unit": ["Z01", "11002"],
        "name": ["LIVC-R A & B <zone>", ""],
        "members": ["11001;11002", "11002"],
        "language": ["nl", "fr"],
    }
    return pd.DataFrame({**known, **columns})


def rows_of(answers, unit="Z01"):
    base = {"unit_kind": "livc_r", "unit": unit, "source": "test", "wording": 1, "text": "", "value": np.nan}
    return value_table([{**base, "status": "registered", **row} for row in answers])


@pytest.fixture(scope="module")
def livc_r():
    return load_framework("livc-r")


@pytest.fixture(scope="module")
def books(livc_r, tmp_path_factory):
    """One opened workbook with its layout for each language."""
    folder = tmp_path_factory.mktemp("forms")
    found = {}
    for language in LANGUAGES:
        own = meta(language=language)
        path = write_template(livc_r, own, folder / f"{language}.xlsx", name="LIVC-R Noord")
        found[language] = (path, openpyxl.load_workbook(path), layout_form(livc_r, own))
    return found


def rules_by_cell(sheet):
    return {
        f"{get_column_letter(column)}{row}": rule
        for rule in sheet.data_validations.dataValidation
        for area in rule.sqref.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_lead_to_empty_unlocked_cells_and_all_other_cells_are_locked(books, language):
    _, book, layout = books[language]
    targets = {name: target.attr_text for name, target in book.defined_names.items() if name.startswith("etk.")}
    named = {name: tuple(target.replace("'", "").replace("$", "").split("!")) for name, target in targets.items()}
    assert named == layout.cells
    inputs = set(layout.cells.values())
    for title in layout.titles.values():
        sheet = book[title]
        assert sheet.protection.sheet
        assert not sheet.protection.password
        unlocked = {(title, cell.coordinate) for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
        assert unlocked == {place for place in inputs if place[0] == title}
    # all but what the list of members says
    filled = {name for name, (title, cell) in layout.cells.items() if book[title][cell].value is not None}
    assert filled == {"etk.GOV_02.value.2025.v"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_input_cell_has_its_validation(books, livc_r, language):
    _, book, layout = books[language]
    rules = {title: rules_by_cell(book[title]) for title in layout.titles.values()}
    kinds = {"count": "whole", "number": "decimal", "score": "decimal", "month": "textLength"}
    for field in layout.fields:
        part = livc_r.by_id[field.indicator].part(field.part)
        assert rules[field.sheet_title][field.value_cell].type == kinds.get(part.type, "list")
        status = rules[field.sheet_title][field.status_cell]
        assert (status.type, status.formula1) == ("list", "etk_list.status")
    case = next(field for field in layout.fields if (field.indicator, field.part) == ("GOV-08", "case"))
    rule = rules[case.sheet_title][case.value_cell]
    assert (rule.operator or "between", rule.formula1, rule.formula2) == ("between", "0", "366")


@pytest.mark.parametrize("language", LANGUAGES)
def test_drop_downs_hold_the_labels_of_the_language(books, livc_r, language):
    _, book, _ = books[language]
    for indicator in livc_r.form():
        for part in indicator.parts:
            if part.type == "choice":
                target = book.defined_names[f"etk_list.{indicator.id.replace('-', '_')}.{part.id}"]
                ((title, area),) = target.destinations
                shown = [cell.value for (cell,) in book[title][area]]
                assert shown == [option.label.in_(language) for option in part.options]
    assert YES_NO_LIST in book.defined_names


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_keep_the_limits_of_the_spreadsheet(books, livc_r, language):
    _, book, layout = books[language]
    assert all(len(name) <= 31 for name in book.sheetnames)
    assert len(set(book.sheetnames)) == len(book.sheetnames)
    count = 0
    for title in layout.titles.values():
        for rule in book[title].data_validations.dataValidation:
            count += 1
            assert 0 < len(rule.promptTitle) <= 32
            assert 0 < len(rule.prompt) <= 255
            assert 0 < len(rule.errorTitle) <= 32
            assert 0 < len(rule.error) <= 225
    assert count > 10
    assert all(height <= 409 for title in layout.titles.values() for height in heights_of(book[title]))


def heights_of(sheet):
    return [dimension.height for dimension in sheet.row_dimensions.values() if dimension.height]


def test_hidden_sheets_hold_metadata_and_lists(books):
    _, book, layout = books["fr"]
    assert book[META_SHEET].sheet_state == book[LISTS_SHEET].sheet_state == "veryHidden"
    stored = dict(book[META_SHEET].iter_rows(values_only=True))
    assert {key: value or "" for key, value in stored.items()} == layout.metadata
    assert stored["members"] == "11001;11002"
    assert stored["earlier"] == "2024;2023"


def test_pages_fit_the_width_and_repeat_their_heads(books):
    _, book, layout = books["de"]
    for sheet_id, rows, freeze in (("answers", "$3:$3", "C4"), ("earlier", "$3:$4", "C5")):
        sheet = book[layout.titles[sheet_id]]
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows == rows
        assert sheet.freeze_panes == freeze
        assert len(sheet.conditional_formatting) > 0


def test_no_formula_no_mark_and_the_guard_lets_it_pass(books):
    for path, _, _ in books.values():
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name).decode() for name in archive.namelist()}
        assert not any("⟦" in text for text in parts.values())
        assert not any("<f>" in text or "399.75" in text for name, text in parts.items() if "worksheets" in name)
        assert guard_workbook(path).findings == ()


def test_same_input_same_bytes(livc_r, tmp_path):
    digests = []
    for run in ("a", "b"):
        paths = write_templates(
            livc_r, tmp_path / run, period=2025, language="de", respondents=respondents(), earlier=EARLIER
        )
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 2


def test_one_form_for_each_respondent_in_its_language(livc_r, tmp_path):
    paths = write_templates(livc_r, tmp_path, period=2025, language="de", respondents=respondents(), earlier=EARLIER)
    assert [path.name for path in paths] == ["Z01_2025_nl.xlsx", "11002_2025_fr.xlsx"]
    alone = write_template(livc_r, meta(), tmp_path / "alone.xlsx", name="LIVC-R A & B <zone>")
    assert alone.read_bytes() == paths[0].read_bytes()
    cell, town = (openpyxl.load_workbook(path) for path in paths)
    assert cell["Antwoorden"]["A1"].value == "LIVC-R A & B <zone> – 2025"
    assert cell["Antwoorden"].oddFooter.left.text == "LIVC-R A && B <zone> – 2025"
    start = [text for row in cell["Start"].iter_rows(values_only=True) for text in row if text]
    assert "Aartselaar (11001), Antwerpen (11002)" in start
    assert town["Réponses"]["A1"].value == "Anvers – 2025"
    assert "Commune : Anvers (11002)".replace(" :", "\u00a0:") in [
        row[2] for row in town.worksheets[0].iter_rows(values_only=True)
    ]


def test_language_of_the_call_counts_where_a_respondent_has_none(livc_r, tmp_path):
    table = respondents().drop(columns="language")
    paths = write_templates(livc_r, tmp_path, period="2025-Q2", language="de", respondents=table)
    assert [path.name for path in paths] == ["Z01_2025-Q2_de.xlsx", "11002_2025-Q2_de.xlsx"]


def test_known_values_stand_in_their_cells(livc_r, tmp_path):
    values = rows_of(
        [
            {"indicator": "GOV-08", "part": "case", "period": "2025", "value": 0.0},
            {"indicator": "GOV-08", "part": "strategic", "period": "2025", "status": "DK"},
            {"indicator": "GOV-08", "part": "case", "period": "2024", "value": 7.0, "status": "reconstructed"},
            {"indicator": "GOV-02", "part": "value", "period": "2025", "text": "shared"},
            {"indicator": "CAP-05", "part": "kinds", "period": "2025", "text": "coaching"},
            {"indicator": "CAP-05", "part": "start_month", "period": "2025", "text": "2025-03"},
            {"indicator": "DET-08", "part": "value", "period": "2023", "value": 1.0},
            {"indicator": "CAP-05", "part": "hours", "period": "2025", "value": 12.5},
        ]
    )
    path = write_template(livc_r, meta(), tmp_path / "a.xlsx", values=values)
    layout, book = layout_form(livc_r, meta()), openpyxl.load_workbook(path)
    shown = {name: book[title][cell].value for name, (title, cell) in layout.cells.items()}
    filled = {name.removeprefix("etk."): value for name, value in shown.items() if value is not None}
    kinds = {option.code for option in livc_r.by_id["CAP-05"].part("kinds").options}
    assert {name: filled.pop(name) for name in list(filled) if name.startswith("CAP_05.kinds.")} == {
        f"CAP_05.kinds.{code}.2025.v": "ja" if code == "coaching" else "nee" for code in kinds
    }
    assert filled == {
        "GOV_08.case.2025.v": 0,
        "GOV_08.strategic.2025.s": status_label("DK", "nl"),
        "GOV_08.case.2024.v": 7,
        "GOV_08.case.2024.s": status_label("reconstructed", "nl"),
        "GOV_02.value.2025.v": "Gedeeld met andere gemeenten",
        "CAP_05.start_month.2025.v": "2025-03",
        "DET_08.value.2023.v": "ja",
        "CAP_05.hours.2025.v": 12.5,
    }


def test_values_of_others_stay_out_and_double_values_are_refused(livc_r, tmp_path):
    row = {"indicator": "GOV-08", "part": "case", "period": "2025", "value": 3.0}
    plain = write_template(livc_r, meta(), tmp_path / "a.xlsx").read_bytes()
    assert write_template(livc_r, meta(), tmp_path / "b.xlsx", values=rows_of([row], "Z09")).read_bytes() == plain
    with pytest.raises(EvaltoolkitError, match="GOV-08 case 2025 twice"):
        write_template(livc_r, meta(), tmp_path / "c.xlsx", values=rows_of([row, row]))


def test_text_that_looks_like_a_formula_stays_text(livc_r, tmp_path):
    path = write_template(livc_r, meta(), tmp_path / "a.xlsx", name='=HYPERLINK("http://x")')
    assert openpyxl.load_workbook(path)["Antwoorden"]["A1"].data_type == "s"


def test_all_faults_of_the_respondents_at_once(livc_r, tmp_path):
    table = respondents(unit_kind=["livcr", "municipality"], members=["11001;99999", "11002"], language=["nl", "es"])
    with pytest.raises(FaultsError) as raised:
        write_templates(livc_r, tmp_path / "out", period=2025, language="nl", respondents=table)
    assert len(raised.value.faults) == 3
    assert 'Did you mean "livc_r"' in str(raised.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(FaultsError, match='Column "members" is missing'):
        write_templates(livc_r, tmp_path, period=2025, language="nl", respondents=table.drop(columns="members"))


def test_two_respondents_never_share_a_file(livc_r, tmp_path):
    table = respondents(unit_kind=["livc_r", "livc_r"], unit=["z 1", "Z/1"], language=["nl", "nl"])
    with pytest.raises(EvaltoolkitError, match="same file"):
        write_templates(livc_r, tmp_path, period=2025, language="nl", respondents=table)
    assert file_name(meta(unit="../Z 1", period="2023-03-01/2023-06-30")) == "..-Z-1_2023-03-01-2023-06-30_nl.xlsx"


@pytest.mark.parametrize("language", LANGUAGES)
def test_prompt_says_the_limits(livc_r, language):
    part = livc_r.by_id["GOV-08"].part("case")
    rule = validate_answer(livc_r.by_id["GOV-08"], part, words(language))
    assert (rule["validate"], rule["minimum"], rule["maximum"]) == ("integer", 0, 366)
    assert "366" in str(rule["input_message"])
    open_ended = validate_answer(livc_r.by_id["GOV-08"], part.model_copy(update={"maximum": None}), words(language))
    assert open_ended["maximum"] == 10**12
    assert "366" not in str(open_ended["input_message"])
