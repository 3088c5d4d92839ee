"""Sheets, columns and limits of every form in every language."""

from dataclasses import replace

import openpyxl
import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.form import open_form
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import LISTS_SHEET, META_SHEET, FormMeta, layout_form
from evaltoolkit.submissions.titles import MANY, known_titles
from evaltoolkit.submissions.write import write_template

LIVC = load_framework("livc-r")
FORMS = [(form, language) for form in LIVC.form_names for language in LANGUAGES]
_BOOKS = {}


def meta(form="starter", language="nl", **changes):
    known = FormMeta(
        LIVC.name, LIVC.version, form, "livc_r", "Z01", ("11001", "11002"), "2025", "2025", ("2024",), language, True
    )
    return replace(known, **changes)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")

    def get(form, language):
        if (form, language) not in _BOOKS:
            path = write_template(LIVC, meta(form, language), folder / f"{form}_{language}.xlsx", name="LIVC-R Noord")
            _BOOKS[form, language] = path, openpyxl.load_workbook(path)
        return (*_BOOKS[form, language], layout_form(LIVC, meta(form, language)))

    return get


@pytest.mark.parametrize("form", LIVC.form_names)
def test_a_long_form_has_a_sheet_for_each_dimension(form):
    layout = layout_form(LIVC, meta(form))
    asked = LIVC.form(form)
    if len(asked) <= MANY:
        assert layout.answer_sheets == ("answers",)
    else:
        assert layout.answer_sheets == tuple(f"answers.{d}" for d in dict.fromkeys(i.dimension for i in asked))
        for sheet in layout.answer_sheets:
            assert {f"answers.{block.indicator.dimension}" for block in layout.blocks[sheet]} == {sheet}
    assert sorted(block.indicator.id for block in layout.answer_blocks) == sorted(i.id for i in asked)
    assert [block.number for block in layout.answer_blocks] == list(range(1, len(asked) + 1))


def test_both_kinds_of_forms_are_there():
    counts = {form: len(layout_form(LIVC, meta(form)).answer_sheets) for form in LIVC.form_names}
    assert counts["starter"] == 1
    assert counts["core"] == 10
    assert counts["full"] == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_fit_the_tab_and_differ(language):
    for form in LIVC.form_names:
        titles = list(layout_form(LIVC, meta(form, language)).titles.values())
        assert all(0 < len(title) <= 31 and not set(title) & set("[]:*?/\\'") for title in titles)
        assert len({title.casefold() for title in titles}) == len(titles)
        assert set(titles) < known_titles()


@pytest.mark.parametrize(("form", "language"), FORMS)
def test_every_form_keeps_the_limits_of_the_spreadsheet(written, form, language):
    _, book, layout = written(form, language)
    count = 0
    for title in layout.titles.values():
        for rule in book[title].data_validations.dataValidation:
            count += 1
            assert len(rule.promptTitle or "") <= 32
            assert len(rule.prompt or "") <= 255
            assert 0 < len(rule.errorTitle) <= 32
            assert 0 < len(rule.error) <= 225
            # an inline list would be cut at 255 characters
            assert rule.type != "list" or rule.formula1.startswith("etk_list.")
        heights = [dimension.height for dimension in book[title].row_dimensions.values() if dimension.height]
        assert all(height <= 409 for height in heights)
    assert count > 10
    assert all(len(name) <= 255 for name in book.defined_names)
    assert len({name.casefold() for name in book.defined_names}) == len(book.defined_names)


@pytest.mark.parametrize(("form", "language"), FORMS)
def test_sheets_print_landscape_and_one_page_wide(written, form, language):
    _, book, layout = written(form, language)
    for sheet_id, title in layout.titles.items():
        sheet = book[title]
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
        assert (sheet.page_setup.orientation == "landscape") == (sheet_id != "start")


@pytest.mark.parametrize("form", LIVC.form_names)
def test_every_form_is_read_back_without_a_fault(written, form):
    path, _, _ = written(form, "fr")
    read = open_form(guard_workbook(path), LIVC)
    assert read.findings == []
    assert set(read.places) == set(read.layout.cells)


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_say_why_it_is_asked_and_who_sees_it(written, language):
    _, book, layout = written("core", language)
    say = words(language).say
    for sheet_id in layout.answer_sheets:
        sheet = book[layout.titles[sheet_id]]
        heads = [cell.value for cell in sheet[3]]
        assert heads[8:] == [say("form.column.why"), say("form.column.seen")]
        for block in layout.blocks[sheet_id]:
            row = block.lines[0].row
            assert sheet.cell(row, 9).value == (block.indicator.text.in_(language).why or None)
            seen, *entry = sheet.cell(row, 10).value.split("\n")
            assert seen == say(f"seen.{block.indicator.sensitivity}")
            kind = block.indicator.entry
            assert entry == ([say(f"entry.{kind}")] if kind != "open" else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_sheet_says_what_to_have_at_hand_for_the_dimensions_of_the_form(written, language):
    say = words(language).say
    for form in ("starter", "core"):
        _, book, layout = written(form, language)
        shown = {cell for row in book[layout.titles["start"]].iter_rows(values_only=True) for cell in row}
        asked = {indicator.dimension for indicator in LIVC.form(form)}
        for dimension in ("GOV", "COMP", "INFO", "CASE", "CAP", "DET", "PREV", "HAR", "RGT", "CTX"):
            assert (say(f"form.needed.{dimension}") in shown) == (dimension in asked)


def test_no_cases_points_to_what_shows_readiness(written):
    _, book, layout = written("core", "en")
    shown = [row[2] for row in book["Start"].iter_rows(values_only=True)]
    told = next(text for text in shown if text and text.startswith("No signal and no case"))
    ready = [block for block in layout.answer_blocks if block.indicator.id in ("CAP-04", "PREV-06", "DET-08")]
    assert len(ready) == 3
    assert all(f"{block.number}. {block.indicator.text.en.name}" in told for block in ready)


def test_exact_small_counts_are_asked_under_an_agreement_only():
    exact = {indicator.id for indicator in LIVC.form("core") if indicator.entry == "agreement"}
    assert exact == {"CASE-04", "CASE-05", "RGT-01"}
    asked = {block.indicator.id for block in layout_form(LIVC, meta("core")).answer_blocks}
    without = {block.indicator.id for block in layout_form(LIVC, meta("core", agreement=False)).answer_blocks}
    assert asked - without == exact
    assert without < asked
    texts = meta("core").to_texts()
    assert texts["agreement"] == "yes"
    assert FormMeta.from_texts(texts) == meta("core")
    # a form from before there was the question had none
    assert FormMeta.from_texts({k: v for k, v in texts.items() if k != "agreement"}) == meta("core", agreement=False)
    with pytest.raises(EvaltoolkitError, match="agreement"):
        FormMeta.from_texts({**texts, "agreement": "maybe"})


def test_metadata_hold_version_and_wording_of_every_indicator(written):
    _, book, layout = written("starter", "nl")
    stored = dict(book[META_SHEET].iter_rows(values_only=True))
    assert stored["framework_version"] == LIVC.version
    assert stored["versions"].split(";") == [f"{i.id}={i.version}.{i.wording}" for i in LIVC.form("starter")]
    newer = LIVC.by_id["GOV-08"].model_copy(update={"version": 2, "wording": 3})
    changed = LIVC.model_copy(update={"indicators": tuple({**LIVC.by_id, "GOV-08": newer}.values())})
    changed.__dict__.pop("by_id", None)
    other = layout_form(changed, meta("starter"))
    assert "GOV-08=2.3" in other.metadata["versions"].split(";")
    assert other.digest != layout.digest


def test_members_are_shown_and_say_whether_the_cell_is_shared(written, tmp_path):
    _, book, layout = written("starter", "nl")
    title, cell = layout.cells["etk.GOV_02.value.2025.v"]
    assert book[title][cell].value == "Gedeeld met andere gemeenten"
    shown = {cell for row in book["Start"].iter_rows(values_only=True) for cell in row}
    assert "Aartselaar (11001), Antwerpen (11002)" in shown
    alone = meta("starter", members=("11001",))
    book = openpyxl.load_workbook(write_template(LIVC, alone, tmp_path / "a.xlsx"))
    assert book[title][cell].value == "Eigen LIVC-R"
    town = meta("starter", unit_kind="municipality", unit="11001", members=("11001",))
    book = openpyxl.load_workbook(write_template(LIVC, town, tmp_path / "b.xlsx"))
    assert book[title][cell].value is None


def test_hidden_sheets_come_last_and_stay_hidden(written):
    _, book, layout = written("full", "de")
    assert book.sheetnames == [*layout.titles.values(), LISTS_SHEET, META_SHEET]
    assert {book[name].sheet_state for name in (LISTS_SHEET, META_SHEET)} == {"veryHidden"}
