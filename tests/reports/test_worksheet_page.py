"""The page of a worksheet and the joint section of a report, in four languages."""

import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.pages import render_report
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.worksheet_page import render_worksheet, say_worksheet, write_worksheet_page
from evaltoolkit.reports.worksheet_words import claim_part, reader_sentence
from evaltoolkit.worksheets.files import read_worksheet
from evaltoolkit.worksheets.judge import judge_claim, judge_worksheet
from evaltoolkit.worksheets.rules import Span

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "worksheets"))
from worksheet_sample import make_claim, make_test, make_worksheet

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "one_small_municipality" / "worksheet.toml"


@pytest.fixture(scope="module")
def example():
    return read_worksheet(EXAMPLE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_everything_and_loads_nothing(language, example):
    html = render_worksheet(judge_worksheet(example), language)
    page = BeautifulSoup(html, "html.parser")
    say = words(language)
    text = page.get_text(" ", strip=True)
    for claim in example.claims:
        assert claim.statement in text
        assert all(rival in text for rival in claim.rivals)
        assert all(test.expectation in text for test in claim.tests)
    for conclusion in ("supported", "strongly_supported", "not_decided", "not_examined"):
        assert say.say(f"worksheet.conclusion.{conclusion}") in text
        assert say.say(f"worksheet.conclusion.{conclusion}.means") in text.replace("\u00a0", " ")
    assert say.say("worksheet.invented") in text
    assert page.html["lang"] == language
    assert not page.find_all(["script", "img", "link", "iframe"])
    assert "@" not in page.main.get_text()
    assert "{" not in text
    # every table has a caption and named columns; every heading that is linked to is there
    assert all(table.caption and table.find("th", scope="col") for table in page.find_all("table"))
    ids = {tag["id"] for tag in page.find_all(id=True)}
    assert {link["href"][1:] for link in page.find_all("a", href=lambda one: one.startswith("#"))} <= ids


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_keeps_a_claim_down_is_said(language):
    prose = Prose(words(language))
    gun = make_test("gun", "likely", "hardly_ever")
    later = make_test("later", "almost_certain", "even", "not_looked", rivals=(2,))
    reading = judge_claim(make_claim(gun, later, rivals=("@One.", "Second thing.")))
    part = claim_part(1, reading, (), prose)
    told = " ".join(part.sentences)
    assert prose.say("worksheet.cap.rival_not_examined", rivals="2. Second thing") in told
    assert prose.say("worksheet.page.reader", low=50, high=99) in told
    early = judge_claim(make_claim(make_test("gun", "likely", "hardly_ever", stated_on="2026-05-01")))
    part = claim_part(1, early, (), prose)
    assert prose.say("worksheet.cap.exploratory") in part.sentences
    assert prose.say("worksheet.page.change_exploratory") in part.changes
    fallen = judge_claim(make_claim(make_test("rival", "even", "almost_certain", "not_found")))
    assert prose.say("worksheet.cap.no_own_trace") in claim_part(1, fallen, (), prose).sentences


def test_the_worth_of_a_result_is_said_with_its_limits():
    prose = Prose(words("en"))
    claim = make_claim(
        make_test("gun", "likely", "hardly_ever"),
        make_test("hoop", "almost_certain", "even", "not_found", source_group="g"),
        make_test("weak", "likely", "unlikely", "not_found", source_group="g"),
        make_test("partly", "likely", "unlikely", "partly"),
        make_test("open", "likely", "unlikely", "not_looked"),
    )
    tests = claim_part(1, judge_claim(claim), (), prose).tests
    assert tests[0].worth == "For the claim: 14 to 95 times as likely as under the other explanation."
    # 0.30 / 0.05 and 0.70 / 0.01
    assert tests[1].worth == "Against the claim: 6.0 to 70 times as likely under the other explanation."
    assert tests[2].worth.endswith("a more telling test of the same source counts already.")
    assert (tests[3].worth, tests[4].worth) == ("Says nothing either way.", "–")


def test_the_reader_s_limits_are_rounded_outwards_and_never_certain():
    prose = Prose(words("en"))
    assert "between 1 and 99 of 100" in reader_sentence(Span(0.001, 0.9999), prose)
    assert "between 50 and 77 of 100" in reader_sentence(Span(0.5, 0.767), prose)


def test_conclusions_as_lines_of_text(example):
    lines = say_worksheet(judge_worksheet(example), "en")
    assert len(lines) == len(example.claims) + 1
    assert lines[0].startswith("The coaching took place, with the members of the cell. – Supported. ")
    assert lines[-1] == "The evidence carries the chain down to claim 3 of 5, and no further."


def test_a_step_by_number_gets_the_plan_s_words():
    claim = make_claim(make_test("a"), step="2")
    prose = Prose(words("en"))
    reading = judge_claim(claim)
    assert claim_part(1, reading, ("First.", "@Second."), prose).step == "Step 2: \u2060@Second."
    assert claim_part(1, reading, ("First.",), prose).step == "Step 2"


def test_what_was_typed_is_text_never_markup(tmp_path):
    claim = make_claim(make_test("a", note="<script>x</script>"), statement="<b>bold</b> & @report.title {x}")
    path = write_worksheet_page(make_worksheet(claim, language="fr"), tmp_path / "new" / "page.html")
    html = path.read_text(encoding="utf-8")
    assert "<script>" not in html
    assert "<b>bold" not in html
    assert 'lang="fr"' in html
    assert "{x}" in html
    with pytest.raises(EvaltoolkitError, match=r"does not end in \.html"):
        write_worksheet_page(make_worksheet(claim), tmp_path / "worksheet.toml")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_with_a_worksheet_has_the_joint_section(language, evaluation, example):
    html = render_report(evaluation, language, example)
    page = BeautifulSoup(html, "html.parser")
    section = page.find(id="joint").parent
    say = words(language)
    rows = section.find("tbody").find_all("tr")
    by_step = {row.th.get_text(): row.get_text(" ", strip=True) for row in rows}
    partners = next(text for step, text in by_step.items() if step.startswith("Partners come to the table"))
    # COMP-09 has no interval in the sample: the numbers are silent, the evidence is not
    assert say.say("worksheet.fit.adds") in partners
    assert say.say("worksheet.conclusion.strongly_supported") in partners
    coaching = next(text for step, text in by_step.items() if step.startswith("The coaching takes place"))
    assert say.say("worksheet.joint.no_numbers") in coaching
    trust = next(text for step, text in by_step.items() if step.startswith("Residents' trust grows"))
    assert say.say("worksheet.fit.evidence_silent") in trust
    # outcomes that no claim speaks of follow
    assert sum(say.say("worksheet.joint.no_claim") in text for text in by_step.values()) == 4
    assert say.say("worksheet.invented") in section.get_text()
    assert page.find("a", href="#joint")


def test_a_report_without_a_worksheet_is_as_before(evaluation):
    assert 'id="joint"' not in render_report(evaluation, "en")
