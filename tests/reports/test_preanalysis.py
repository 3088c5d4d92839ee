"""The pre-analysis plan on one page: what it must say, in four languages."""

import datetime as dt
import html
import json
import re
import tomllib
from dataclasses import asdict

import pytest
from report_sample import PLAN

from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.canonical import canonical_plan, plan_digest
from evaltoolkit.plans.lock import Lock, lock_path
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.rules import feasibility_rules
from evaltoolkit.plans.template import plan_template
from evaltoolkit.reports.pages import render_report
from evaltoolkit.reports.preanalysis import outcome_row, rule_phrases, write_plan_page
from evaltoolkit.reports.prose import Prose, names_of

FRAMEWORK = load_framework()


def prose(language="en"):
    return Prose(words(language), names_of(FRAMEWORK.indicators, language))


@pytest.fixture
def plan(tmp_path):
    """The path of the example plan, with what it names beside it."""

    def make(language="en", **changes):
        for name in ("roster.csv", "cells.csv"):
            (tmp_path / name).touch()
        text = plan_template(language)
        for before, after in changes.values():
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "evaluation.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def lock_of(path, day, *, seen=0):
    plan = Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    lock = Lock(
        locked_on=day.isoformat(),
        plan=canonical_plan(plan),
        plan_digest=plan_digest(plan),
        framework_digest="",
        data_digest="",
        treatment_digest="",
        indicators={},
        pre_period={},
        post_periods_seen=seen,
    )
    place = lock_path(path)
    earlier = json.loads(place.read_text(encoding="utf-8"))["locks"] if place.exists() else []
    place.write_text(json.dumps({"locks": [*earlier, asdict(lock)]}), encoding="utf-8")
    return lock.plan_digest


def text_of(page):
    """What is read on the page."""
    body = page.read_text(encoding="utf-8").split("</style>")[1]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_all_of_the_plan(plan, language):
    path = plan(language)
    page = write_plan_page(path, language=language)
    assert page == path.resolve().with_name(f"evaluation_{language}.html")
    said, written = text_of(page), Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    say = prose(language).say
    for line in (written.title, written.question, *written.theory_of_change, *written.assumptions):
        assert " ".join(line.split()) in said.replace("\xa0", " ")
    for line in (*written.rival_explanations, *written.decision_rule, *written.periods, written.data.source):
        assert " ".join(line.split()) in said.replace("\xa0", " ")
    for outcome in written.outcomes:
        assert FRAMEWORK.by_id[outcome.indicator].text.in_(language).name in said
    for code in ("compared.never_treated", "unit.livc_r", "spillover.unlikely", "method.group_time", "checks.all"):
        assert " ".join(say(f"preanalysis.{code}").split()) in said
    for code in ("feasibility.stop", "feasibility.adapt", "size.not_measurable", "lock.none", "rules.outcome_moved"):
        assert " ".join(say(f"preanalysis.{code}").split()) in said
    assert say("report.plan.assigned.voluntary") in said
    assert words(language).say("preanalysis.missing") not in said
    assert words(language).say("report.simulated") not in said
    assert not re.search(r"\{\w+\}|\bnan\b|None", said)


def test_sizes_are_shown_in_the_units_people_know(plan):
    said = text_of(write_plan_page(plan("nl"), language="nl"))
    assert "minder dan 3 procentpunten slechter" in said
    assert "effect van minstens 1 (vergaderingen)" in said
    row = outcome_row(
        PLAN.outcomes[2].model_copy(update={"detection_range": (0.8, 1.25)}), FRAMEWORK.by_id["DET-02"], prose("de")
    )
    assert row.size == "Wirkung: mindestens 1 (Signale)"
    assert row.detection == "0,8 bis 1,25-mal so viel"


def test_a_recorded_outcome_without_a_range_is_told_and_others_are_not_asked():
    told = [outcome_row(outcome, FRAMEWORK.by_id[outcome.indicator], prose()).detection for outcome in PLAN.outcomes]
    undeclared = words("en").say("preanalysis.detection.undeclared")
    assert told == ["–", undeclared, undeclared, "–", "–", "–"]


def test_a_plan_that_lacks_its_reasons_says_so(plan):
    path = plan()
    text = re.sub(r"(?ms)^(assumptions|decision_rule) = \[.*?^\]\n", "", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    assert text_of(write_plan_page(path)).count(words("en").say("preanalysis.missing")) == 2


def test_simulated_data_are_labelled(plan):
    page = write_plan_page(plan(simulated=('store = "store"', 'store = "store"\nsimulated = true')), language="de")
    assert words("de").say("report.simulated") in text_of(page)
    title = f"{words('en').say('plan_new.example.title')} – {words('de').say('report.simulated')}"
    assert f"<title>{title}</title>" in page.read_text(encoding="utf-8")


def test_what_was_changed_in_the_plan_changes_the_page(plan):
    path = plan(
        comparison=('comparison = "never_treated"', 'comparison = "not_yet_treated"'),
        covariates=('# covariates = ["log(CTX-01)"]', 'covariates = ["log(CTX-01)"]'),
        adjust=('adjust = "dr"', 'adjust = "ipw"'),
        level=("level = 0.95", "level = 0.9"),
        anticipation=("anticipation = 0", "anticipation = 2"),
        moved=("started_because_outcome_moved = false", "started_because_outcome_moved = true"),
        checks=("# checks = [", 'checks = ["leave_one_out", "merged", "pretrends"]\n# ['),
    )
    said = text_of(write_plan_page(path))
    assert "compared with units that do not have it yet, or never have it" in said
    assert "Made comparable on Population (on a log scale), by weights." in said
    assert "The main effect gets a 90 % interval, unless" in said.replace("\xa0", " ")
    assert "may have an effect 2 periods before the start" in said
    assert words("en").say("preanalysis.moved") in said
    assert "leaving out one unit at a time, without merged municipalities" in said
    assert words("en").say("preanalysis.checks.all") not in said


def test_the_lock_is_told_with_its_day_and_digest(plan):
    path = plan()
    digest = lock_of(path, dt.date(2026, 3, 1))
    said = text_of(write_plan_page(path, language="fr"))
    assert "Verrouillé le 1 mars 2026." in said
    assert digest in said
    assert words("fr").say("preanalysis.lock.changed") not in said
    assert words("fr").say("preanalysis.lock.none") not in said


def test_a_change_after_the_lock_and_a_late_lock_are_told(plan):
    path = plan()
    lock_of(path, dt.date(2026, 3, 1), seen=2)
    # a second lock made late does not count
    lock_of(path, dt.date(2026, 4, 1), seen=3)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("margin = 0.03", "margin = 0.05"), encoding="utf-8")
    said = text_of(write_plan_page(path))
    assert "Locked on 1 March 2026." in said
    assert words("en").say("preanalysis.lock.changed") in said
    assert words("en").say("preanalysis.lock.late") in said


def test_the_same_plan_gives_the_same_bytes_that_load_nothing(plan):
    path = plan()
    first = write_plan_page(path).read_bytes()
    assert first == write_plan_page(path).read_bytes()
    assert not re.search(rb"<script|<img|<link|https?://|url\(|@import|@font-face|\son\w+=", first)


def test_what_a_plan_says_is_text_and_never_markup(plan):
    path = plan(title=("Coaching of LIVC-Rs and trust", "<script>alert(1)</script> & trust"))
    page = write_plan_page(path).read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; trust" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_that_can_be_asked_has_its_phrase(language):
    phrases = [*rule_phrases(PLAN, "stop", prose(language)), *rule_phrases(PLAN, "adapt", prose(language))]
    assert len(set(phrases)) == len(phrases) == len(feasibility_rules())
    # a plan with guardrails only is not asked how weak the design is
    harm = PLAN.model_copy(update={"outcomes": PLAN.outcomes[4:]})
    asked = sum("guardrail" in rule.roles for rule in feasibility_rules())
    assert sum(len(rule_phrases(harm, weight, prose(language))) for weight in ("stop", "adapt")) == asked < len(phrases)


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_shows_assumptions_and_decision_rule(evaluation, language):
    plain = render_report(evaluation, language)
    say = words(language).say
    assert say("report.plan.decision") not in plain
    update = {"assumptions": ("Partners <have> time.",), "decision_rule": ("Better: go on.", "Unclear: wait.")}
    evaluation = type(evaluation)(**{**vars(evaluation), "plan": evaluation.plan.model_copy(update=update)})
    shown = render_report(evaluation, language)
    assert say("report.plan.assumptions") in shown
    assert "<li>Partners &lt;have&gt; time.</li>" in shown
    assert "<li>Better: go on.</li><li>Unclear: wait.</li>" in shown
