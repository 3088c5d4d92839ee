"""The worked worksheet of one invented municipality: what it concludes, and that every way in gives the same."""

from pathlib import Path

import pytest

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.worksheets.files import inspect_worksheet, read_worksheet, write_worksheet
from evaltoolkit.worksheets.judge import judge_worksheet

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "one_small_municipality"


@pytest.fixture(scope="module")
def judgement():
    return judge_worksheet(read_worksheet(EXAMPLE / "worksheet.toml"))


def test_it_says_that_it_is_invented(judgement):
    assert judgement.worksheet.invented
    assert "does not exist" in (EXAMPLE / "README.md").read_text(encoding="utf-8")


def test_its_conclusions(judgement):
    assert {one.claim.id: one.conclusion for one in judgement.claims} == {
        "coaching": "supported",
        "rules": "strongly_supported",
        "partners": "strongly_supported",
        "worries": "not_decided",
        "trust": "not_examined",
    }
    assert judgement.reach == 3


def test_one_claim_by_hand(judgement):
    rules = judgement.claims[1]
    # after-start (0.95/0.70, 0.99/0.30), draft (0.70/0.05, 0.95/0.01), model text (0.30/0.99, 0.70/0.95)
    network = rules.rivals[1].ratio
    assert network.low == pytest.approx(0.95 / 0.70 * 0.70 / 0.05 * 0.30 / 0.99)
    assert network.high == pytest.approx(0.99 / 0.30 * 0.95 / 0.01 * 0.70 / 0.95)
    # its weaker rival sets the lower limit
    assert rules.reader.low == pytest.approx(network.low / (1 + network.low))


def test_what_would_change_it(judgement):
    worries = judgement.claims[3]
    (note,) = worries.open_tests
    assert (note.test.id, note.if_found, note.if_not_found) == ("dated-note", "strongly_supported", "weakened")
    (own,) = judgement.claims[4].open_tests
    assert (own.if_found, own.if_not_found) == ("supported", "rejected")


def test_the_only_note_is_what_was_seen_before_the_test(judgement):
    findings = inspect_worksheet(EXAMPLE / "worksheet.toml").findings
    assert [(one.code, one.where.cell) for one in findings] == [
        ("worksheet.exploratory", "[[claims]] 1 [[claims.tests]] 2 stated_on")
    ]
    assert "exploratory" in judgement.claims[0].caps


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_gives_the_same_worksheet(judgement, language, tmp_path):
    own = judgement.worksheet.model_copy(update={"language": language})
    assert read_worksheet(write_worksheet(own, tmp_path / "w.xlsx")) == own


def test_the_chapter_of_the_book_holds_the_same_worksheet():
    page = (EXAMPLE.parents[1] / "book" / "evaluators" / "one-small-municipality.md").read_text(encoding="utf-8")
    assert page.partition('WORKSHEET = """\n')[2].partition('"""')[0].strip() == (
        (EXAMPLE / "worksheet.toml").read_text(encoding="utf-8").strip()
    )
