"""The workbook: the same worksheet comes back, and what an officer may do to it is a fault at its cell."""

import datetime as dt
import subprocess
from typing import get_args

import openpyxl
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from worksheet_sample import make_claim, make_test, make_worksheet

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.worksheets.files import inspect_worksheet, new_worksheet, read_worksheet, write_worksheet
from evaltoolkit.worksheets.layout import HEAD_ROW, TEST_COLUMNS, heading, labels, sheet_title
from evaltoolkit.worksheets.template import content_of, worksheet_text
from evaltoolkit.worksheets.worksheet import Likelihood

ROW = HEAD_ROW + 1
WORDS = get_args(Likelihood)


@pytest.fixture
def book(worksheet, tmp_path):
    path = tmp_path / "w.xlsx"
    write_worksheet(worksheet, path)
    return path


def edited(path, edit):
    book = openpyxl.load_workbook(path)
    edit(book)
    book.save(path)
    return inspect_worksheet(path)


def cell(column, row=ROW):
    return f"{chr(ord('A') + TEST_COLUMNS.index(column))}{row}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_toml_to_workbook_to_toml_is_the_identity(worksheet, language, tmp_path):
    own = worksheet.model_copy(update={"language": language, "invented": language == "fr"})
    toml, xlsx, again = (tmp_path / name for name in ("a.toml", "b.xlsx", "c.toml"))
    write_worksheet(own, toml)
    write_worksheet(read_worksheet(toml), xlsx)
    write_worksheet(read_worksheet(xlsx), again)
    assert read_worksheet(xlsx) == own
    assert again.read_bytes() == toml.read_bytes()


# everything a person may type: other scripts, quotes, formulas, codes that spreadsheets escape
TYPED = st.text(max_size=60) | st.sampled_from(
    ["=1+1", "@x", "+31", "-2", "_x0041_", "1,2", "007", "TRUE", "2026-01-01"]
)
LINE = TYPED.map(lambda text: f"a{text}z") | TYPED.filter(lambda text: text.strip())


@st.composite
def worksheets(draw):
    day = st.dates(dt.date(2001, 1, 1), dt.date(2099, 1, 1))
    rivals = draw(st.lists(LINE, min_size=1, max_size=5, unique=True))
    tests = [
        make_test(
            f"t{number}",
            draw(st.sampled_from(WORDS)),
            draw(st.sampled_from(WORDS)),
            expectation=draw(LINE),
            rivals=(number, *draw(st.sampled_from([(), (len(rivals),)] if number < len(rivals) else [()]))),
            note=draw(TYPED),
            source_group=draw(TYPED),
            stated_on=draw(day),
            looked_on=draw(day),
        )
        for number in range(1, len(rivals) + 1)
    ]
    return make_worksheet(make_claim(*tests, rivals=rivals, statement=draw(LINE), outcome=draw(TYPED)), unit=draw(LINE))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_comes_back(data, tmp_path):
    try:
        own = data.draw(worksheets())
        write_worksheet(own, tmp_path / "w.xlsx")
    except (ValueError, FaultsError):
        # nothing but marks that are no letters, two explanations that differ in such marks only, a phone number
        reject()
    write_worksheet(own, tmp_path / "w.toml")
    assert read_worksheet(tmp_path / "w.toml") == own
    assert read_worksheet(tmp_path / "w.xlsx") == own


def test_the_same_worksheet_gives_the_same_bytes(worksheet, tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write_worksheet(worksheet, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheets_print_one_page_wide_with_lists_and_hints(language, worksheet, tmp_path):
    write_worksheet(worksheet.model_copy(update={"language": language}), tmp_path / "w.xlsx")
    book = openpyxl.load_workbook(tmp_path / "w.xlsx")
    for name in ("start", "claims", "tests"):
        sheet = book[sheet_title(name, language)]
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (
            "landscape",
            1,
            0,
        )
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.protection.sheet
    sheet = book[sheet_title("tests", language)]
    assert sheet.print_title_rows == f"${HEAD_ROW}:${HEAD_ROW}"
    rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
    for field in ("if_true", "if_rival", "kind", "evidence", "source"):
        assert (rules[cell(field)].type, rules[cell(field)].formula1) == ("list", f"etk_list.{field}")
    assert all(0 < len(rule.prompt) <= 255 for rule in rules.values())
    assert len(rules) == len(TEST_COLUMNS)
    # every word of the longest list differs, also without its range
    assert len({word.partition(" (")[0] for word in labels("if_true", language).values()}) == 5


def test_a_moved_column_an_inserted_row_and_a_bare_word_do_no_harm(worksheet, book):
    def edit(opened):
        sheet = opened["Tests"]
        sheet.insert_rows(2)
        sheet[cell("if_true", ROW + 1)] = "LIKELY"
        # the columns of source and note change places
        for row in range(HEAD_ROW + 1, HEAD_ROW + 6):
            first, second = sheet[cell("source", row)], sheet[cell("note", row)]
            first.value, second.value = second.value, first.value

    assert edited(book, edit).worksheet == worksheet


def test_numbers_and_text_dates_are_read(worksheet, book):
    def edit(opened):
        opened["Claims"][f"B{ROW}"] = 1
        opened["Tests"][cell("rivals", ROW + 1)] = 2
        opened["Tests"][cell("rivals")] = "1; 2"
        opened["Tests"][cell("stated_on")] = "2026-01-12"

    assert edited(book, edit).worksheet == worksheet


AT_CELL = [
    ("worksheet.word_near", "Tests", cell("if_true"), "likelly"),
    ("worksheet.unknown_word", "Tests", cell("source"), "zzz"),
    ("worksheet.missing", "Tests", cell("expectation"), None),
    ("worksheet.not_a_date", "Tests", cell("stated_on"), "12/01/2026"),
    ("worksheet.wrong_kind", "Tests", cell("rivals"), "the first"),
    ("worksheet.test_without_claim", "Tests", cell("claim"), "three"),
    ("worksheet.error_cell", "Tests", cell("note"), "=1/0"),
    ("worksheet.evidence_without_source", "Tests", cell("source"), None),
    ("worksheet.same_id", "Tests", cell("id", ROW + 1), "gun"),
    ("worksheet.rival_gap", "Claims", f"E{ROW}", None),
    ("worksheet.missing", "Claims", f"D{ROW}", None),
    ("worksheet.claim_without_rival", "Claims", f"A{ROW + 1}", "no rival"),
    ("worksheet.missing", "Read first", "C3", None),
    ("worksheet.personal", "Tests", cell("note"), "0470 12 34 56"),
    ("worksheet.personal", "Tests", "P30", 85073003328),
    ("worksheet.personal", "Claims", f"I{ROW + 3}", "jan@example.be"),
]


@pytest.mark.parametrize(("code", "sheet", "place", "value"), AT_CELL)
def test_a_fault_stands_at_its_cell(code, sheet, place, value, book):
    def edit(opened):
        if value == "no rival":
            opened[sheet][f"E{ROW + 1}"] = None
        else:
            opened[sheet][place] = value

    found = edited(book, edit)
    assert found.worksheet is None
    assert (code, sheet, place) in [(one.code, one.where.sheet, one.where.cell) for one in found.findings]


def test_words_are_offered_as_the_workbook_writes_them(book):
    found = edited(book, lambda opened: opened["Tests"].__setitem__(cell("if_true"), "likelly (70–95 %)"))
    (fault,) = [one for one in found.findings if one.code == "worksheet.word_near"]
    assert str(fault.facts["near"]) in labels("if_true", "en").values()


def test_lost_sheets_headings_and_strange_files(worksheet, book, tmp_path):
    content = book.read_bytes()

    def codes(edit):
        book.write_bytes(content)
        return [(one.code, *one.facts.values()) for one in edited(book, edit).findings]

    lost = heading("tests", "note", "en")
    assert ("worksheet.heading_lost", lost) in codes(
        lambda opened: opened["Tests"].__setitem__(cell("note", HEAD_ROW), "Remarks")
    )
    assert codes(lambda opened: setattr(opened["Claims"], "title", "Other")) == [("worksheet.sheet_lost", "Claims")]
    assert codes(lambda opened: opened["_etk"].__setitem__("B3", "xx")) == [("worksheet.changed_metadata",)]
    assert codes(lambda opened: opened["_etk"].__setitem__("B1", "other")) == [("worksheet.not_a_worksheet",)]
    assert codes(lambda opened: opened.remove(opened["_etk"])) == [("worksheet.not_a_worksheet",)]
    (tmp_path / "text.xlsx").write_text("no workbook", encoding="utf-8")
    assert [one.code for one in inspect_worksheet(tmp_path / "text.xlsx").findings] == ["file.not_xlsx"]


def test_a_comment_with_personal_data_is_refused(book):
    def edit(opened):
        opened["Tests"]["B5"].comment = openpyxl.comments.Comment("jan@example.be", "x")

    found = edited(book, edit)
    assert [one.code for one in found.findings] == ["personal.comment"]
    assert "jan" not in str(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ending", ["toml", "xlsx"])
def test_a_new_worksheet_wants_only_what_a_person_must_fill_in(language, ending, tmp_path):
    path = tmp_path / f"new.{ending}"
    new_worksheet(path, language=language)
    found = inspect_worksheet(path)
    assert [one.code for one in found.findings] == ["worksheet.missing"] * 3
    assert found.language == language
    with pytest.raises(EvaltoolkitError, match="exists already"):
        new_worksheet(path, language=language)


@pytest.mark.parametrize("ending", ["toml", "xlsx"])
def test_a_new_worksheet_of_a_plan_holds_its_steps_and_rivals(ending, tmp_path):
    path = tmp_path / f"plan.{ending}"
    new_worksheet(path, language="nl", steps=["Stap één.", "Stap twee."], rivals=[f"Rivaal {i}." for i in range(7)])
    found = inspect_worksheet(path)
    # the head, and a test for each claim
    claims = [one for one in found.findings if one.code == "worksheet.claim_without_test" or "tests" in one.where.cell]
    assert len(claims) >= 2
    text = (
        path.read_bytes()
        if ending == "toml"
        else str(list(openpyxl.load_workbook(path)["Beweringen"].iter_rows(values_only=True))).encode()
    )
    assert "Stap één.".encode() in text
    assert b"Rivaal 4." in text
    assert b"Rivaal 5." not in text


def test_the_toml_is_commented_in_its_language(worksheet):
    text = worksheet_text(content_of(worksheet.model_copy(update={"language": "de"})))
    assert "# Ein Satz, der falsch sein kann." in text
    assert text.count("# Ein Satz, der falsch sein kann.") == 1


@pytest.mark.office
@pytest.mark.slow
def test_a_workbook_saved_by_libreoffice_comes_back(worksheet, tmp_path):
    for language in LANGUAGES:
        write_worksheet(worksheet.model_copy(update={"language": language}), tmp_path / f"{language}.xlsx")
    profile, out = (tmp_path / "profile").as_uri(), tmp_path / "saved"
    files = [str(tmp_path / f"{language}.xlsx") for language in LANGUAGES]
    # through LibreOffice's own format and back, as when somebody opens and saves it there
    for kind, sources in (("ods", files), ("xlsx", [str(out / f"{language}.ods") for language in LANGUAGES])):
        command = ["soffice", "--headless", f"-env:UserInstallation={profile}", "--convert-to", kind]
        subprocess.run([*command, "--outdir", str(out), *sources], check=True, capture_output=True, timeout=240)
    for language in LANGUAGES:
        assert read_worksheet(out / f"{language}.xlsx") == worksheet.model_copy(update={"language": language})
