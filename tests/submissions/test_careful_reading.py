"""Reading that never guesses: what is hidden, looks alike, or is not read alike by two readers."""

import datetime as dt

import openpyxl
import pytest
from attacks import NATIONAL
from forms_sample import CALCULATED, EMPTY, NUMBER, TEXT, edit_cell, edit_part, sheet_part, write_form
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.collect import read_workbook
from evaltoolkit.submissions.compare import check_same
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import status_label, yes_no
from evaltoolkit.submissions.look_alikes import look_alike, skeleton
from evaltoolkit.submissions.scan import SheetScan
from evaltoolkit.submissions.tabular import read_table

CASE, HOURS, ACTIVE = ("GOV-08", "case", "2025"), ("CAP-01", "hours", "2025"), ("GOV-02", "active", "2025")
END, CHAIR = ("CAP-05", "end", "2025"), ("COMP-01", "chair", "2025")
MEMBER = ("COMP-01", "members", "2025", "police")


def read(path, framework):
    return read_workbook(guard_workbook(path), framework, path.name)[0]


def told(reading):
    return [(f.code, f.severity, f.where.sheet, f.where.cell) for f in reading.findings]


@pytest.mark.parametrize(
    ("field", "kind", "text", "code", "suggested"),
    [
        (CHAIR, "v", "Burgemeеster", "value.look_alike", "Burgemeester"),
        (CHAIR, "v", "Burge\u200bmeester", "value.look_alike", "Burgemeester"),
        (CHAIR, "v", "Ｂurgemeester", "value.look_alike", "Burgemeester"),
        (ACTIVE, "v", "jа", "value.look_alike", yes_no("nl")[0]),
        (MEMBER, "v", "\u2060ja", "value.look_alike", yes_no("nl")[0]),
        (CASE, "s", "NΑP", "value.look_alike", status_label("NAP", "nl")),
        (CASE, "s", "D\u200bK – weet niet", "value.look_alike", status_label("DK", "nl")),
        (CASE, "v", "９", "value.odd_characters", None),
        (CASE, "v", "\u202a9\u202c", "value.odd_characters", None),
        (CASE, "v", "１.２３４", "value.odd_characters", None),
    ],
)
def test_what_looks_like_an_answer_is_suggested_and_not_taken(tmp_path, framework, field, kind, text, code, suggested):
    path, layout = write_form(framework, tmp_path)
    place = edit_cell(path, layout, field, TEXT, text, kind)
    reading = read(path, framework)
    found = [f for f in reading.findings if f.severity == "error"]
    assert [(f.code, f.where.sheet, f.where.cell, f.facts.get("nearest")) for f in found] == [(code, *place, suggested)]
    assert field[:3] not in {(a.indicator, a.part, a.period) for a in reading.answers}


def test_ordinary_spelling_is_still_read(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    edit_cell(path, layout, CHAIR, TEXT, " LOKALE\u00a0 Politie ")
    reading = read(path, framework)
    assert reading.findings == ()
    assert [a.text for a in reading.answers if (a.part, a.period) == ("chair", "2025")] == ["police"]


def test_look_alikes_are_told_apart_from_the_same():
    assert look_alike("Реtеr", ["Peter", "Paul"]) == "Peter"
    assert look_alike("ΡΑUL", ["Peter", "PAUL"]) == "PAUL"
    assert look_alike(" peter", ["Peter"]) == ""
    assert look_alike("Pieter", ["Peter"]) == ""
    assert skeleton("ｏо\u200bο") == "ooo"


@pytest.mark.parametrize("language", LANGUAGES)
def test_renamed_sheet_is_suggested(tmp_path, framework, language):
    path, layout = write_form(framework, tmp_path, language=language)
    title = layout.titles["answers"]
    book = openpyxl.load_workbook(path)
    book[title].title = "Sheet1"
    book.save(path)
    error, note = read(path, framework).findings
    assert (error.code, note.code, note.severity) == ("file.unknown_sheets", "file.sheet_suggested", "note")
    assert note.facts == {"nearest": title, "language": language}
    assert title in words(language).say(note.code, nearest=title)


def test_hidden_sheet_rows_columns_and_what_stands_there(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    answers, earlier, start = (layout.titles[name] for name in ("answers", "earlier", "start"))
    book = openpyxl.load_workbook(path)
    book[earlier].sheet_state = "hidden"
    book[answers].column_dimensions["E"].hidden = True
    book[answers]["A200"] = "aside"
    book[answers].row_dimensions[200].hidden = True
    book[answers]["Z5"] = "aside"
    book[answers].column_dimensions["Z"].hidden = True
    book[start]["B90"] = "aside"
    book[start].row_dimensions[90].hidden = True
    book[start].row_dimensions[95].hidden = True
    book.save(path)
    reading = read(path, framework)
    assert {(f.code, f.severity, f.where.sheet, f.facts.get("count")) for f in reading.findings} == {
        ("form.hidden_sheet", "question", earlier, None),
        ("form.hidden_columns", "question", answers, 1),
        ("form.hidden_content", "question", answers, 2),
        ("form.hidden_content", "question", start, 1),
    }
    assert reading.state == "accepted"


def test_the_two_date_systems_give_the_same_month(tmp_path, framework):
    months = {}
    for name in ("1900", "1904"):
        path, layout = write_form(framework, tmp_path / name)
        title, cell = layout.cells["etk.CAP_05.end.2025.v"]
        book = openpyxl.load_workbook(path)
        if name == "1904":
            book.epoch = CALENDAR_MAC_1904
        book[title][cell].value = dt.date(2024, 2, 29)
        book[title][cell].number_format = "yyyy-mm-dd"
        book.save(path)
        scan = guard_workbook(path)
        assert scan.date1904 == (name == "1904")
        reading = read_workbook(scan, framework, name)[0]
        months[name] = [a.text for a in reading.answers if (a.part, a.period) == ("end", "2025")]
    assert months == {"1900": ["2024-02"], "1904": ["2024-02"]}


FORMATS = ("General", "0", "0.00", "0%", "@", "yyyy-mm-dd", "d/m/yy", "dd.mm.yyyy hh:mm", "h:mm", "[h]:mm", "mmm yy")
NUMBERS = (0, 1, 0.5, 0.999999999, 59, 60, 61, 60.5, 45964, 45964.0208333, -1, -0.5, 2958465, 3e6, 1e10, 0.1 + 0.2)
TYPED = (
    "a",
    "  a ",
    " ",
    "a\nb",
    "a\r\nb",
    "_x0041_",
    "a_x000D_\nb",
    "\ta",
    "e\u0301",
    "1e5",
    "<&>",
    "\U0001f600",
    "'9",
)


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_the_two_readers_agree_on_whatever_people_type_and_format(tmp_path, epoch):
    book = openpyxl.Workbook()
    if epoch:
        book.epoch = epoch
    for shown in FORMATS:
        # a duration of that many days is more than a program can hold
        book.active.append([number for number in NUMBERS if shown != "[h]:mm" or number < 1e9])
        for cell in book.active[book.active.max_row]:
            cell.number_format = shown
    book.active.append(TYPED)
    book.save(tmp_path / "t.xlsx")
    scan = guard_workbook(tmp_path / "t.xlsx")
    assert scan.findings == ()
    assert scan.rows["Sheet"][0] == pytest.approx(NUMBERS)


@pytest.mark.shared
def test_the_sample_with_the_other_date_system(shared):
    table = read_table(shared / "threats" / "12_date1904.xlsx")
    assert dt.date(2025, 11, 3) in {
        value.date() if isinstance(value, dt.datetime) else value for value in table.iloc[0]
    }


def test_status_from_a_formula_or_in_a_merged_cell(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    edit_cell(path, layout, CASE, EMPTY, "")
    place = edit_cell(path, layout, CASE, '<c r="{r}"{s} t="str"><f>{v}</f><v>DK</v></c>', 'T("DK")', "s")
    reading = read(path, framework)
    assert told(reading) == [("value.formula", "question", *place)]
    assert [a.status for a in reading.answers if (a.indicator, a.part, a.period) == CASE] == ["DK"]
    title, cell = place
    edit_part(
        path,
        sheet_part(layout, title),
        lambda text: text.replace(
            "</sheetData>", f'</sheetData><mergeCells><mergeCell ref="{cell}:F{cell[1:]}"/></mergeCells>'
        ),
    )
    assert ("value.merged", "error", *place) in told(read(path, framework))


def test_calculated_answer_is_asked_about_and_kept(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    place = edit_cell(path, layout, CASE, CALCULATED, "4+5")
    edit_cell(path, layout, ("GOV-08", "total", "2025"), NUMBER, "20")
    assert ("value.formula", "question", *place) in told(read(path, framework))


@pytest.mark.parametrize("shown", ["0%", "0.00%", '0.0" %"%', "General"])
def test_a_percentage_is_asked_about(tmp_path, framework, shown):
    path, layout = write_form(framework, tmp_path)
    title, cell = layout.cells["etk.CAP_01.hours.2025.v"]
    book = openpyxl.load_workbook(path)
    book[title][cell].value, book[title][cell].number_format = 12.0, shown
    book.save(path)
    reading = read(path, framework)
    found = [(f.code, f.severity, f.where.cell, f.facts["value"]) for f in reading.findings]
    assert found == ([] if shown == "General" else [("value.percent", "question", cell, 12.0)])
    assert [a.value for a in reading.answers if (a.indicator, a.period) == ("CAP-01", "2025")] == [12.0]


NOON = dt.datetime.combine(dt.date(2025, 11, 3), dt.time(12))
LATER = NOON + dt.timedelta(days=1462)
SCAN = SheetScan("S", values={(1, 1): "a\nb", (1, 2): 9.0, (2, 1): True, (2, 2): 45964.5})
ROWS = [["a b ", 9.0], [True, NOON]]


def test_readers_that_agree():
    check_same({"S": SCAN}, {"S": ROWS}, date1904=False)
    check_same({"S": SheetScan("S", values={(1, 1): 0.0})}, {"S": [[0.0, None, None], [None]]}, date1904=False)
    # cleared with the space bar; a negative number that is to be shown as a date
    check_same({"S": SheetScan("S", values={(1, 1): "  ", (1, 2): -0.5})}, {"S": [[None, dt.time(12)]]}, date1904=False)
    spreadsheet = SheetScan("S", values={(1, 1): "2025-11-03", (1, 2): "PT12H30M00S", (1, 3): "PT30H00M01S"})
    values = [dt.date(2025, 11, 3), dt.time(12, 30), dt.timedelta(hours=30, seconds=1)]
    check_same({"S": spreadsheet}, {"S": [values]}, date1904=False)


@pytest.mark.parametrize(
    ("rows", "cell"),
    [
        ([["a c", 9.0], [True, NOON]], "A1"),
        ([["a b", 9.1], [True, NOON]], "B1"),
        ([["a b", "9"], [True, NOON]], "B1"),
        ([["a b", 9.0], [1.0, NOON]], "A2"),
        # the other date system
        ([["a b", 9.0], [True, LATER]], "B2"),
        ([["a b", 9.0], [True]], "B2"),
        ([["a b", 9.0], [None, NOON]], "A2"),
        ([[None, 9.0], [True, NOON]], "A1"),
        ([["a b", 9.0]], "A2"),
        ([["a b", 9.0, "more"], [True, NOON]], "C1"),
    ],
)
def test_readers_that_disagree_are_refused_at_the_cell(rows, cell):
    with pytest.raises(UnsafeError) as caught:
        check_same({"S": SCAN}, {"S": rows}, date1904=False)
    assert (caught.value.code, caught.value.facts) == ("file.readers_disagree", {"sheet": "S", "cell": cell})


def test_records_of_a_survey_server_are_a_table(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(
        '{"count": 2, "results": [{"_id": 1, "_attachments": [], "grp/unit": "11002", "n": 9, "ok": true},'
        ' {"_id": 2, "grp/unit": "11001", "x": 3.5}]}',
        encoding="utf-8",
    )
    table = read_table(path)
    assert table.columns.tolist() == ["_id", "grp/unit", "n", "ok", "x"]
    assert table.loc[2].tolist() == [1, "11002", 9, True, None]
    assert table.loc[3].tolist() == [2, "11001", None, None, 3.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not valid JSON"),
        (b'{"a": 1}', "no list of records"),
        (b"[1, 2]", "no list of records"),
        (b'[{"a": 1, "a": 2}]', "names a field twice"),
        (b'[{"a": NaN}]', "cannot be used in a calculation"),
        (b'[{"a": 1e999}]', "cannot be used in a calculation"),
        (b'[{"a": ' + b"9" * 5000 + b"}]", "cannot be used in a calculation"),
        (b'[{"a": [1]}]', 'the field "a" holds a list'),
        (b"[" * 200_000, "nested too deeply"),
        (b'[{"a": "\xff"}]', "not in UTF-8"),
        (b'[{"a":\n 1,}]', "see line 2"),
        (b"[" + b",".join(b'{"a%d": 1}' % i for i in range(2000)) + b"]", "more than 500000 cells"),
    ],
)
def test_documents_that_are_no_table_are_said_in_words(tmp_path, text, said):
    path = tmp_path / "t.json"
    path.write_bytes(text)
    with pytest.raises(EvaltoolkitError, match=said):
        read_table(path)


def test_text_file_with_far_too_many_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n" + ";" * 600_000, encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match="more than 500000 cells"):
        read_table(path)


def test_personal_data_are_not_repeated_by_a_refusal(tmp_path, framework):
    path, layout = write_form(framework, tmp_path)
    edit_cell(path, layout, CASE, TEXT, NATIONAL)
    reading = read(path, framework)
    assert NATIONAL not in repr(reading)
