"""What a person does wrong on the command line: a clear message, the nearest valid word, status 1 or 2."""

import subprocess
import sys

import pytest

PLAN = """title = "Coaching"
question = "Does coaching help?"
unit = "municipality"
vintage = 2025

[data]
csv = ["values.csv"]
roster = "roster.csv"
source = "made up for a test"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the mayor"
why_then = "places came free"

[[outcomes]]
indicator = "COMP-09"
role = "primary"
smallest_relevant = 1
"""
BAD_PLAN = """titel = "Coaching"
question = "Does coaching help?"
language = "nd"
unit = "municipality"
vintage = 2025

[data]
csv = ["valeus.csv"]
roster = "roster.csv"

[treatment]
action = "coaching"
assignment = "volontary"
decided_by = "the mayor"
why_then = "places came free"

[[outcomes]]
indicator = "COMP-09"
role = "primry"
smallest_relevant = -1

[estimation]
metod = "group_time"
"""
HEAD = "unit,period,indicator,part,value,status\n"
ROW = "11002,2024,COMP-09,value,3,registered\n"
RESPONDENTS = "unit_kind,unit,name,members,language\nmunicipality,11002,,,nl\n"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a sound plan, its values and roster, and a list of respondents; the commands run in it."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "plan.toml": PLAN,
        "values.csv": HEAD + ROW,
        "roster.csv": "unit,action,start\n11002,coaching,2022-01-01\n",
        "respondents.csv": RESPONDENTS,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(capsys):
    """Run the command line in this process; return its status and all it said, on one line."""
    from evaltoolkit.cli import main

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return stopped.value.code or 0, " ".join((said.out + said.err).split())

    return run


def test_sound_input_is_not_complained_about(desk, command):
    assert command("plan", "check", "plan.toml") == (
        0,
        "plan.toml: no faults in the plan; 0 errors and 0 questions in its data.",
    )
    assert command("template", "respondents.csv", "forms", "--period", "2024")[0] == 0
    assert [path.name for path in (desk / "forms").iterdir()] == ["11002_2024_nl.xlsx"]


def test_all_faults_of_a_plan_are_told_at_once_with_the_nearest_word(desk, command):
    (desk / "bad.toml").write_text(BAD_PLAN, encoding="utf-8")
    status, said = command("plan", "check", "bad.toml")
    assert status == 2
    assert 'The plan "bad.toml" has 8 faults' in said
    for word in ("title", "voluntary", "primary", "values.csv", "method"):
        assert f'Did you mean "{word}"?' in said
    assert "write one of nl, fr, de, en" in said
    assert "smallest_relevant: -1" in said


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("plan.toml", '"COMP-09"', '"COMP-9"', 'Did you mean "COMP-09"?'),
        ("plan.toml", 'action = "coaching"', 'action = "coachng"', 'Did you mean "coaching"?'),
        ("plan.toml", "[data]", "[data", "not valid TOML"),
        ("roster.csv", "2022-01-01", "2022-13-01", "not a day of the calendar"),
        ("roster.csv", "2022-01-01", "last year", "is not a date"),
        ("roster.csv", "action", "acton", 'Did you mean "action"?'),
        ("values.csv", "indicator", "indicatr", "indicatr"),
        ("values.csv", ROW, "", "They hold: nothing yet"),
        ("values.csv", "COMP-09,value,3", "DET-02,value,3", "hold no value of COMP-09"),
    ],
)
def test_fault_that_stops_a_plan(desk, command, name, before, after, message):
    text = (desk / name).read_text(encoding="utf-8")
    assert before in text
    (desk / name).write_text(text.replace(before, after), encoding="utf-8")
    for words in (("plan", "feasibility"), ("evaluate",)):
        status, said = command(*words, "plan.toml")
        assert status == 2
        assert message in said


@pytest.mark.parametrize(
    ("row", "cell", "word"),
    [
        (ROW, "A3", ""),
        ("75056,2024,COMP-09,value,3,registered\n", "A3", ""),
        ("11004,20x4,COMP-09,value,3,registered\n", "B3", ""),
        ("11004,2024,COMP-90,value,3,registered\n", "C3", "COMP-09"),
        ("11004,2024,COMP-09,valeu,3,registered\n", "D3", "value"),
        ("11004,2024,COMP-09,value,three,registered\n", "E3", ""),
        ("11004,2024,COMP-09,value,-3,registered\n", "E3", ""),
        ("11004,2024,COMP-09,value,3,registred\n", "F3", "registered"),
    ],
    ids=["twice", "foreign", "period", "indicator", "part", "text", "negative", "status"],
)
def test_faulty_row_of_a_csv_is_told_with_its_cell(desk, command, row, cell, word):
    (desk / "values.csv").write_text(HEAD + ROW + row, encoding="utf-8")
    status, said = command("plan", "check", "plan.toml")
    assert status == 1
    assert f"values.csv · {cell}" in said
    assert word in said
    assert "1 error" in said
    # the row is left out, and whoever reads the answer is told
    status, said = command("plan", "feasibility", "plan.toml")
    assert status == 1
    assert "Attention: 1 error in the data" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("colect", "x"), "Did you mean 'collect'?"),
        (("plan", "chek", "plan.toml"), "Did you mean 'check'"),
        (("template", "respondents.csv", "forms", "--perid", "2024"), "--period"),
        (("template", "respondents.csv", "forms"), "Missing option '--period'"),
        (("template", "respondents.csv", "forms", "--period", "20x4"), "write a year (2023)"),
        (("template", "respondents.csv", "forms", "--period", "2024", "-l", "nld"), 'Did you mean "nl"?'),
        (("template", "respondents.csv", "forms", "--period", "2024", "--form", "startr"), 'Did you mean "starter"?'),
        (("template", "respondents.csv", "forms", "--period", "2024", "--framework", "livcr"), '"livc-r"?'),
        (("template", "missing.csv", "forms", "--period", "2024"), '"missing.csv" cannot be opened'),
        (("collect", "missing"), 'There is no folder "missing"'),
        (("collect", "empty"), "holds no workbook"),
        (("collect", "empty", "--language", "xx"), "write nl, fr, de or en"),
        (("plan", "check", "plna.toml"), 'Did you mean "plan.toml"?'),
        (("evaluate", "plan.toml", "-l", "nl", "-l", "xx"), "write nl, fr, de or en"),
        (("demo", "full"), 'The folder "full" is not empty'),
        (("demo", "respondents.csv"), "respondents.csv is a file where a folder is needed"),
        (("evaluate", "plan.toml", "--out", "respondents.csv"), "respondents.csv is a file where a folder is needed"),
        (("template", "respondents.csv", "plan.toml", "--period", "2024"), "plan.toml is a file where a folder"),
        (("collect", "full", "--store", "plan.toml"), 'The store "plan.toml" cannot be used'),
        (("demo", "new", "--seed", "one"), "--seed"),
    ],
)
def test_wrong_use(desk, command, arguments, message):
    (desk / "empty").mkdir()
    (desk / "full").mkdir()
    (desk / "full" / "thesis.docx").write_text("years of work", encoding="utf-8")
    status, said = command(*arguments)
    assert status == 2
    assert message in said
    assert not list(desk.glob("forms/*"))
    assert (desk / "full" / "thesis.docx").read_text(encoding="utf-8") == "years of work"


def test_faults_of_the_respondents_are_told_at_once(desk, command):
    rows = "municpality,11002,,11002,nl\nmunicipality,99999,,,nl\nmunicipality,44021,,,xx\nmunicipality,44021,,,nl\n"
    (desk / "respondents.csv").write_text(RESPONDENTS.partition("\n")[0] + "\n" + rows, encoding="utf-8")
    status, said = command("template", "respondents.csv", "forms", "--period", "2024")
    assert status == 2
    assert "has 4 faults" in said
    # rows as a spreadsheet program counts them
    assert "Row 2: unit_kind" in said
    for fault in ('Did you mean "municipality"?', '"99999" is no municipality of 2025', '"xx" must be', "stands twice"):
        assert fault in said
    assert not (desk / "forms").exists()


def test_respondents_without_the_right_columns(desk, command):
    (desk / "respondents.csv").write_text("unit_kind,unit,membres\nlivc_r,Z1,11002\n", encoding="utf-8")
    status, said = command("template", "respondents.csv", "forms", "--period", "2024")
    assert status == 2
    assert 'Column "members" is missing' in said
    assert 'Column "membres" is not known. Did you mean "members"?' in said


def test_what_is_not_a_form_is_a_finding_and_status_1(desk, command):
    (desk / "returned").mkdir()
    (desk / "returned" / "letter.xlsx").write_text("Dear Sir or Madam", encoding="utf-8")
    status, said = command("collect", "returned", "--findings", "found.csv")
    assert status == 1
    assert "letter.xlsx" in said
    assert "1 error" in said
    assert "file.not_xlsx" in (desk / "found.csv").read_text(encoding="utf-8")


def test_findings_go_to_a_page_or_a_table_only(desk, command):
    (desk / "returned").mkdir()
    (desk / "returned" / "letter.xlsx").write_text("Dear Sir or Madam", encoding="utf-8")
    status, said = command("collect", "returned", "--findings", "found.pdf")
    assert status == 2
    assert ".html or .csv" in said


def test_panel_without_small_counts(desk, command):
    codes = ("11001", "11002", "11004", "11005", "11008", "11009", "11013", "11016")
    counts = (0, 3, 5, 12, 2, 40, 7, 1)
    rows = "".join(f"{code},2024,DET-02,value,{n},registered\n" for code, n in zip(codes, counts, strict=True))
    (desk / "values.csv").write_text(HEAD + rows, encoding="utf-8")
    (desk / "plan.toml").write_text(PLAN.replace("COMP-09", "DET-02"), encoding="utf-8")
    status, _ = command("panel", "plan.toml", "--out", "panel.csv")
    assert status == 0
    written = (desk / "panel.csv").read_text(encoding="utf-8")
    shown = {line.split(",")[0]: line for line in written.splitlines()[1:]}
    assert set(shown) == set(codes)
    for code, n in zip(codes, counts, strict=True):
        assert 0 < n < 5 or shown[code].endswith((f",{n}", ",SUP"))
        assert not 0 < n < 5 or not shown[code].endswith(f",{n}")
    assert shown["11009"].endswith(",40")


def test_a_real_process_ends_with_the_same_status(desk):
    ended = subprocess.run(
        [sys.executable, "-m", "evaltoolkit", "collect", "missing"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr == 'There is no folder "missing". Name the folder with the returned workbooks.\n'
    assert ended.stdout == ""
