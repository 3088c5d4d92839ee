"""An evaluator with a roster, two wide Excel files and 60 returned forms, through the command line only."""

import html
import json
import re
import shutil

import numpy as np
import pytest
from story_desk import EFFECT, N, run, sixty_codes, start_years, write_roster

from evaltoolkit.evaluations.inputs import load_inputs
from evaltoolkit.plans.lock import compare_lock

PLAN = """title = "Coaching in sixty municipalities"
question = "Does coaching bring social partners to the table, and does trust grow?"
language = "nl"
unit = "municipality"
vintage = 2025
theory_of_change = ["coaching makes the coordinator invite social partners"]
rival_explanations = ["municipalities that ask for coaching were going to meet more anyway"]

[data]
store = "store"
wide = ["trust.toml"]
roster = "roster.csv"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the municipal council"
why_then = "places came free"
spillover = "unlikely"
"""
GRADED = """
[[outcomes]]
indicator = "COMP-09"
role = "primary"
smallest_relevant = 1.5

[[outcomes]]
indicator = "TRU-01"
role = "secondary"
smallest_relevant = 0.03

[[outcomes]]
indicator = "RGT-07"
role = "guardrail"
not_measurable = true
"""
RARE = """
[[outcomes]]
indicator = "HAR-08"
role = "primary"
smallest_relevant = 0.05
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(returned, tmp_path):
    shutil.copytree(returned, tmp_path / "desk")
    return tmp_path / "desk"


def output(capsys):
    """Return what was printed, in one line, and see that no traceback was among it."""
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return " ".join((captured.out + captured.err).split())


def text_of(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))).split())


def collect(desk, capsys):
    status = run("collect", desk / "returned", "--store", desk / "store", "--findings", desk / "findings.csv")
    said = output(capsys)
    assert status == 0, said
    assert f"{N} files" in said
    assert "0 errors" in said


def test_graded_verdict(desk, capsys):
    plan = desk / "evaluation.toml"
    plan.write_text(PLAN + GRADED, encoding="utf-8")
    # the plan is locked before the forms are read
    assert run("plan", "lock", plan) == 0
    collect(desk, capsys)
    assert run("plan", "check", plan) == 0
    assert run("plan", "feasibility", plan, "--language", "nl") == 0
    said = output(capsys)
    assert "Voer deze vergelijking niet uit" not in said
    assert run("evaluate", plan, "--out", desk / "out", "--language", "nl", "--language", "fr") == 0
    said = output(capsys)
    results = json.loads((desk / "out" / "results.json").read_text(encoding="utf-8"))
    by_name = {outcome["outcome"]: outcome for outcome in results["outcomes"]}
    meetings = by_name["COMP-09"]
    assert meetings["verdict"] == "improved"
    assert meetings["stamp"] == "confirmatory"
    # what participants record themselves is never more than of low certainty
    assert meetings["certainty"] == "low"
    assert "self_recorded" in meetings["grade_reasons"]
    overall = next(row for row in meetings["estimates"] if row["kind"] == "overall")
    assert overall["conf_low"] < EFFECT < overall["conf_high"]
    assert (overall["n_treated"], overall["n_comparison"]) == (24, 36)
    # nothing was done to trust, so it must not be called changed
    assert by_name["TRU-01"]["verdict"] in ("unclear", "no_relevant_effect")
    assert by_name["RGT-07"]["verdict"] == "not_measurable"
    for language, sentence in (("nl", "verdict.improved_higher"), ("fr", "verdict.improved_higher")):
        report = desk / "out" / f"report_{language}.html"
        assert report.name in said.replace(" ", "")
        assert first_words(language, sentence) in text_of(report)
    assert not (desk / "out" / "report_de.html").exists()


def first_words(language, code):
    """Return the part of a sentence after its last placeholder: the part that holds for every number."""
    from importlib import resources

    from babel.messages.pofile import read_po

    file = resources.files("evaltoolkit") / "data" / "locale" / language / "verdict.po"
    with file.open("rb") as handle:
        sentence = read_po(handle)[code].string
    pieces = re.split(r"\{\w+\}", sentence)
    return " ".join(max(pieces, key=len).split())


def test_plan_locked_before_anything_came_back_stays_locked(desk, capsys):
    plan = desk / "evaluation.toml"
    plan.write_text(PLAN.replace('wide = ["trust.toml"]\n', "") + RARE.replace("HAR-08", "COMP-09"), encoding="utf-8")
    assert run("plan", "feasibility", plan) == 2
    assert "They hold: nothing yet" in output(capsys)
    assert run("plan", "lock", plan) == 0
    # a few never answer: that is no change of who was treated
    for code in sixty_codes()[:4]:
        (desk / "returned" / f"{code}_2024_nl.xlsx").unlink()
    assert run("collect", desk / "returned", "--store", desk / "store") == 0
    assert lock_state(plan).deviations == ()
    assert lock_state(plan).stamp("COMP-09") == "confirmatory"
    # another start is one, and it is named
    roster = (desk / "roster.csv").read_text(encoding="utf-8")
    (desk / "roster.csv").write_text(roster.replace("15/03/2022", "15/03/2021", 1), encoding="utf-8")
    assert [code for code, _ in lock_state(plan).deviations] == ["deviation.roster_changed"]
    assert lock_state(plan).stamp("COMP-09") == "deviation"


def lock_state(plan):
    inputs = load_inputs(plan)
    return compare_lock(inputs.file, framework=inputs.framework, panel=inputs.panel, cohorts=inputs.starts())


def test_too_few_treated_and_too_rare_is_refused_with_advice(desk, capsys):
    few = np.where(np.cumsum(np.isfinite(start_years())) <= 6, start_years(), np.inf)
    write_roster(desk / "roster.csv", sixty_codes(), few)
    plan = desk / "evaluation.toml"
    plan.write_text(PLAN.replace('wide = ["trust.toml"]\n', "") + RARE, encoding="utf-8")
    collect(desk, capsys)
    assert run("plan", "feasibility", plan, "-l", "nl") == 1
    said = output(capsys)
    assert "Voer deze vergelijking niet uit" in said
    assert run("plan", "lock", plan) == 0
    assert run("evaluate", plan, "--out", desk / "out", "-l", "nl", "-l", "fr", "-l", "de", "-l", "en") == 1
    output(capsys)
    results = json.loads((desk / "out" / "results.json").read_text(encoding="utf-8"))
    (outcome,) = results["outcomes"]
    assert outcome["verdict"] == "refused"
    assert outcome["estimates"] == []
    assert {"few_treated_clusters", "rare_outcome"} <= set(outcome["feasibility"]["rules"])
    for language in ("nl", "fr", "de", "en"):
        shown = text_of(desk / "out" / f"report_{language}.html")
        assert first_words(language, "verdict.refused") in shown
        # what to do instead stands in the report
        for rule in ("feasibility.few_treated_clusters.instead", "feasibility.rare_outcome.instead"):
            assert words_of(language, rule) in shown


def words_of(language, code):
    from evaltoolkit.i18n import words

    return " ".join(words(language).say(code, treated_clusters=6, threshold=10, events_per_unit_year=0.1).split())
