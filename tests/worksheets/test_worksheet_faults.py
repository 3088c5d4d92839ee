"""Every fault planted: found with its place, all at once, said in four languages, nothing typed repeated."""

import copy
import datetime as dt
import re
from importlib import resources

import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.worksheets.faults import say_fault
from evaltoolkit.worksheets.files import inspect_worksheet, read_worksheet, write_worksheet
from evaltoolkit.worksheets.template import content_of, worksheet_text

TODAY = dt.date(2026, 6, 1)


def at(content, path):
    for step in path[:-1]:
        content = content[step]
    return content, path[-1]


def planted(worksheet, *changes):
    """The content of a worksheet with entries replaced; None takes an entry out."""
    content = copy.deepcopy(content_of(worksheet))
    for path, value in changes:
        table, name = at(content, path)
        if value is None:
            del table[name]
        else:
            table[name] = value
    return content


def inspected(content, tmp_path, today=TODAY):
    path = tmp_path / "worksheet.toml"
    path.write_text(worksheet_text(content) if "claims" in content else "language = 'en'", encoding="utf-8")
    return inspect_worksheet(path, today=today)


FIRST = ("claims", 0, "tests", 0)
ONE_RIVAL = (("claims", 0, "rivals"), ["An election year.", "A new coordinator.", "A third thing."])
# code, place, changes
PLANTED = [
    ("worksheet.missing", "unit", [(("unit",), "  ")]),
    ("worksheet.missing", "[[claims]] 1 statement", [(("claims", 0, "statement"), "")]),
    # a mark that nobody sees
    ("worksheet.missing", "question", [(("question",), "\u200b")]),
    ("worksheet.missing", "[[claims]] 1 [[claims.tests]] 1 if_true", [((*FIRST, "if_true"), None)]),
    ("worksheet.missing", "[[claims]] 1 [[claims.tests]] 1 rivals", [((*FIRST, "rivals"), [])]),
    ("worksheet.no_claims", "claims", [(("claims",), [])]),
    ("worksheet.claim_without_rival", "[[claims]] 1 rivals", [(("claims", 0, "rivals"), [])]),
    ("worksheet.rival_without_test", "[[claims]] 1 rivals 3", [ONE_RIVAL]),
    ("worksheet.rival_unknown", "[[claims]] 1 [[claims.tests]] 1 rivals", [((*FIRST, "rivals"), [1, 7])]),
    ("worksheet.rival_unknown", "[[claims]] 1 [[claims.tests]] 1 rivals 1", [((*FIRST, "rivals"), [0])]),
    ("worksheet.rival_twice", "[[claims]] 1 [[claims.tests]] 1 rivals", [((*FIRST, "rivals"), [1, 2, 2])]),
    ("worksheet.same_rival", "[[claims]] 1 rivals 2", [(("claims", 0, "rivals"), ["Same.", "Same."])]),
    ("worksheet.same_id", "[[claims]] 2 id", [(("claims", 1, "id"), "one")]),
    ("worksheet.same_id", "[[claims]] 2 [[claims.tests]] 1 id", [(("claims", 1, "tests", 0, "id"), "gun")]),
    ("worksheet.bad_id", "[[claims]] 1 id", [(("claims", 0, "id"), "two words")]),
    ("worksheet.evidence_without_source", "[[claims]] 1 [[claims.tests]] 1 source", [((*FIRST, "source"), None)]),
    ("worksheet.evidence_without_date", "[[claims]] 1 [[claims.tests]] 1 looked_on", [((*FIRST, "looked_on"), None)]),
    (
        "worksheet.date_without_evidence",
        "[[claims]] 1 [[claims.tests]] 1 looked_on",
        [((*FIRST, "evidence"), "not_looked")],
    ),
    (
        "worksheet.date_impossible",
        "[[claims]] 1 [[claims.tests]] 1 stated_on",
        [((*FIRST, "stated_on"), dt.date(1926, 1, 1))],
    ),
    (
        "worksheet.date_in_future",
        "[[claims]] 1 [[claims.tests]] 1 looked_on",
        [((*FIRST, "looked_on"), dt.date(2027, 1, 1))],
    ),
    ("worksheet.not_a_date", "[[claims]] 1 [[claims.tests]] 1 stated_on", [((*FIRST, "stated_on"), "15/03/2026")]),
    ("worksheet.kind_contradicts", "[[claims]] 1 [[claims.tests]] 1 kind", [((*FIRST, "kind"), "hoop")]),
    ("worksheet.too_long", "question", [(("question",), "x" * 1001)]),
    ("worksheet.too_many", "[[claims]] 1 rivals", [(("claims", 0, "rivals"), [f"Rival {i}." for i in range(6)])]),
    ("worksheet.wrong_kind", "[[claims]] 1 [[claims.tests]] 1 rivals", [((*FIRST, "rivals"), "first")]),
    ("worksheet.unknown_word", "[[claims]] 1 [[claims.tests]] 1 source", [((*FIRST, "source"), "zzz")]),
    ("worksheet.word_near", "[[claims]] 1 [[claims.tests]] 1 if_true", [((*FIRST, "if_true"), "likly")]),
    ("worksheet.personal", "[[claims]] 1 [[claims.tests]] 1 note", [((*FIRST, "note"), "call 0470 12 34 56")]),
    ("worksheet.personal", "[[claims]] 1 rivals 2", [(("claims", 0, "rivals", 1), "jan@example.be")]),
    ("worksheet.personal", "unit", [(("unit",), "85.07.30-033.28")]),
]
NOTES = [
    (
        "worksheet.exploratory",
        "[[claims]] 1 [[claims.tests]] 1 stated_on",
        [((*FIRST, "looked_on"), dt.date(2026, 1, 12))],
    ),
    ("worksheet.says_nothing", "[[claims]] 1 [[claims.tests]] 1 if_rival", [((*FIRST, "if_rival"), "likely")]),
]
# planted below or in test_worksheet_workbook.py
ELSEWHERE = {
    *("claim_without_test", "unknown_key", "key_near", "not_a_worksheet", "changed_metadata", "sheet_lost"),
    *("heading_lost", "error_cell", "test_without_claim", "rival_gap"),
}


@pytest.mark.parametrize(("code", "place", "changes"), PLANTED)
def test_a_planted_fault_is_found_at_its_place(code, place, changes, worksheet, tmp_path):
    found = inspected(planted(worksheet, *changes), tmp_path)
    assert found.worksheet is None
    errors = [(one.code, one.where.cell) for one in found.findings if one.severity == "error"]
    assert (code, place) in errors
    # nothing but what follows from the one fault
    assert {other for other, _ in errors} <= {code, "worksheet.rival_without_test", "worksheet.kind_contradicts"}


@pytest.mark.parametrize(("code", "place", "changes"), NOTES)
def test_a_note_is_told_and_the_worksheet_kept(code, place, changes, worksheet, tmp_path):
    found = inspected(planted(worksheet, *changes), tmp_path)
    assert found.worksheet is not None
    assert [(one.code, one.where.cell, one.severity) for one in found.findings] == [(code, place, "note")]


def test_a_sound_worksheet_has_no_findings(worksheet, tmp_path):
    found = inspected(content_of(worksheet), tmp_path)
    assert (found.worksheet, found.findings) == (worksheet, ())


def test_every_fault_of_the_catalogue_is_planted():
    text = (resources.files("evaltoolkit") / "data/locale/en/worksheet.po").read_text("utf-8")
    codes = set(re.findall(r'msgid "(worksheet\.\w+)\.remedy"', text))
    assert codes == {code for code, _, _ in [*PLANTED, *NOTES]} | {f"worksheet.{name}" for name in ELSEWHERE}


def written(tmp_path, text):
    path = tmp_path / "w.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_keys_that_are_not_known(worksheet, tmp_path):
    text = worksheet_text(content_of(worksheet))
    found = inspect_worksheet(written(tmp_path, text.replace("question =", "qestion =")))
    assert ("worksheet.key_near", {"near": "question"}) in [(one.code, dict(one.facts)) for one in found.findings]
    found = inspect_worksheet(written(tmp_path, "zzzzzz = 1\n" + text))
    assert [one.code for one in found.findings] == ["worksheet.unknown_key"]


def test_a_claim_without_a_test(worksheet, tmp_path):
    text = (
        worksheet_text(content_of(worksheet)) + '\n[[claims]]\nid = "x"\nstep = 3\nstatement = "S."\nrivals = ["R."]\n'
    )
    found = inspect_worksheet(written(tmp_path, text))
    assert [(one.code, one.where.cell) for one in found.findings] == [
        ("worksheet.claim_without_test", "[[claims]] 3 tests")
    ]


def test_all_faults_at_once(worksheet, tmp_path):
    changes = [change for code, _, more in PLANTED if code in CHEAP for change in more]
    found = inspected(planted(worksheet, *changes), tmp_path)
    assert {"worksheet.missing", "worksheet.same_id", "worksheet.word_near", "worksheet.bad_id"} <= {
        one.code for one in found.findings
    }


CHEAP = ("worksheet.missing", "worksheet.same_id", "worksheet.word_near", "worksheet.too_long", "worksheet.bad_id")


@pytest.mark.parametrize("language", LANGUAGES)
def test_faults_are_said_in_every_language_and_repeat_nothing(language, worksheet, tmp_path):
    secrets = ("0470 12 34 56", "jan@example.be", "85.07.30-033.28", "likly", "zzz", "two words", "15/03/2026")
    for _, _, changes in [*PLANTED, *NOTES]:
        for finding in inspected(planted(worksheet, *changes), tmp_path).findings:
            line = say_fault(finding, words(language))
            assert finding.where.file in line
            assert not any(secret in line for secret in secrets)
            assert "@" not in line
            assert "{" not in line


def test_personal_data_in_a_comment_or_a_key(worksheet, tmp_path):
    text = worksheet_text(content_of(worksheet))
    found = inspect_worksheet(written(tmp_path, text + "# ask jan@example.be\n"))
    count = len(text.splitlines()) + 1
    assert [(one.code, one.where.cell) for one in found.findings] == [("worksheet.personal", f"line {count}")]
    assert found.worksheet is None
    found = inspect_worksheet(written(tmp_path, '"jan@example.be" = 1\n' + text))
    assert [one.code for one in found.findings] == ["worksheet.personal"]
    assert "jan" not in str(found.findings)


def test_reading_raises_every_fault_in_english(worksheet, tmp_path):
    path = written(tmp_path, worksheet_text(planted(worksheet, (("unit",), ""), ((*FIRST, "if_true"), "likly"))))
    with pytest.raises(FaultsError, match="2 faults") as caught:
        read_worksheet(path)
    assert "Did you mean “likely”?" in str(caught.value)
    assert "w.toml · unit: This entry is missing or empty. Fill it in." in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "work.toml").write_text("a b", encoding="utf-8")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, told in (("wrk.toml", 'Did you mean "work.toml"'), ("work.toml", "line 1"), ("bytes.toml", "UTF-8")):
        with pytest.raises(EvaltoolkitError, match=told):
            read_worksheet(tmp_path / name)
    with pytest.raises(EvaltoolkitError, match=r"\.ods, as \.xlsx"):
        read_worksheet(tmp_path / "w.ods")


def test_what_does_not_hold_together_is_not_written(worksheet, tmp_path):
    test = worksheet.claims[0].tests[0].model_copy(update={"note": "jan@example.be"})
    claim = worksheet.claims[0].model_copy(update={"tests": (test, *worksheet.claims[0].tests[1:])})
    changed = worksheet.model_copy(update={"claims": (claim,)})
    for name in ("w.toml", "w.xlsx"):
        with pytest.raises(FaultsError, match="personal data") as caught:
            write_worksheet(changed, tmp_path / name)
        assert "jan" not in str(caught.value)
        assert not (tmp_path / name).exists()
