import csv

import pytest
from markupsafe import escape

from evaltoolkit.findings import EvaltoolkitError, Finding, Where
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.findings_page import write_findings
from evaltoolkit.reports.prose import say_finding

FACTS = {"left": 5, "right": 4}
FINDINGS = (
    Finding("rule.social_above_attendances", "question", Where("b.xlsx", "Form", "D7", "COMP-02"), FACTS),
    Finding("rule.attended_above_invited", "error", Where("=evil.xlsx", "Form", "D6", "COMP-02"), FACTS),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_shows_place_message_and_remedy_errors_first(tmp_path, language):
    html = write_findings(FINDINGS, tmp_path / "findings.html", language=language).read_text(encoding="utf-8")
    for finding in FINDINGS:
        assert escape(say_finding(finding, language)[0]) in html
        assert finding.where.cell in html
    assert html.index("=evil.xlsx") < html.index("b.xlsx")
    assert f'lang="{language}"' in html
    assert words(language).say("report.simulated") not in html


def test_csv_is_tidy_and_harmless(tmp_path):
    path = write_findings(FINDINGS, tmp_path / "new" / "findings.csv", language="nl")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["severity"] for row in rows] == ["fout", "vraag"]
    assert rows[0]["file"] == "'=evil.xlsx"
    assert rows[0]["code"] == "rule.attended_above_invited"
    assert rows[0]["remedy"]


def test_nothing_found_is_said(tmp_path):
    html = write_findings((), tmp_path / "findings.html", language="en").read_text(encoding="utf-8")
    assert "Nothing to report" in html


def test_simulated_is_called_so(tmp_path):
    html = write_findings(FINDINGS, tmp_path / "findings.html", language="en", simulated=True).read_text(
        encoding="utf-8"
    )
    assert html.count("SIMULATED DATA") == 3


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(EvaltoolkitError, match=r"\.html or \.csv"):
        write_findings(FINDINGS, tmp_path / "findings.xlsx", language="en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_of_an_own_framework_without_a_sentence_is_said_by_its_fields(tmp_path, language):
    rule = "OWN-01.attended <= OWN-01.invited"
    own = Finding("rule.of_our_own", "error", Where("a.xlsx", "Form", "D6", "OWN-01"), {**FACTS, "rule": rule})
    what, remedy = say_finding(own, language)
    assert rule in what
    assert "5" in what
    assert remedy
    # as an earlier version has stored it, and where nothing is known but the code
    for facts in (FACTS, {}):
        assert "rule.of_our_own" in say_finding(Finding("rule.of_our_own", "error", Where(), facts), language)[0]
    assert "OWN-01.invited" in write_findings([own], tmp_path / "f.csv", language=language).read_text("utf-8")


def test_the_general_sentence_differs_by_language():
    own = Finding("rule.of_our_own", "error", Where(), FACTS)
    assert len({say_finding(own, language) for language in LANGUAGES}) == len(LANGUAGES)
