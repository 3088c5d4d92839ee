"""Twelve situations: the verdict and the certainty that were written down before the rules were coded."""

import tomllib
from html import unescape
from pathlib import Path

import pytest
from situation_worlds import evaluate_situation

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.pages import render_report
from evaltoolkit.reports.prose import prose_of, say_answers

SITUATIONS = tomllib.loads((Path(__file__).parent / "situations.toml").read_text(encoding="utf-8"))["situations"]


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda one: one["id"])
def situation(request, tmp_path_factory):
    return request.param, evaluate_situation(tmp_path_factory.mktemp(request.param["id"]), **request.param["world"])


def results_of(evaluation):
    return {result.outcome.indicator: result for result in evaluation.outcomes}


def test_there_are_twelve():
    assert len(SITUATIONS) == len({one["id"] for one in SITUATIONS}) == 12


def test_verdict_and_certainty_are_as_expected(situation):
    expected, evaluation = situation
    found = {
        name: (result.verdict.kind, result.grade.certainty if result.grade else "none")
        for name, result in results_of(evaluation).items()
        if name in expected["expected"]
    }
    assert found == {name: (one["verdict"], one["certainty"]) for name, one in expected["expected"].items()}


def test_the_reasons_and_the_sentences_are_there(situation):
    expected, evaluation = situation
    for name, one in expected["expected"].items():
        result = results_of(evaluation)[name]
        reasons = [reason.rule for reason in result.grade.reasons] if result.grade else []
        said = [code.removeprefix("verdict.") for code, _ in result.verdict.sentences]
        assert set(one.get("because", ())) <= set(reasons)
        assert set(one.get("says", ())) <= set(said)


def test_it_is_said_in_four_languages(situation):
    expected, evaluation = situation
    told = {language: say_answers(evaluation, language) for language in LANGUAGES}
    assert len({tuple(lines) for lines in told.values()}) == len(LANGUAGES)
    for language, lines in told.items():
        assert not any("{" in line or "@" in line for line in lines)
        for name, one in expected["expected"].items():
            line = next(line for line in lines if line.startswith(first_words(evaluation, name, language)))
            assert one["certainty"] == "none" or certainty_words(evaluation, one, language).lower() in line


def test_the_report_says_the_same(situation):
    expected, evaluation = situation
    # one language each: the pages of all four are tested by themselves
    language = LANGUAGES[SITUATIONS.index(expected) % len(LANGUAGES)]
    page = unescape(render_report(evaluation, language))
    for name, one in expected["expected"].items():
        assert first_words(evaluation, name, language) in page
        # where nothing was estimated nothing is graded
        assert one["certainty"] == "none" or certainty_words(evaluation, one, language) in page


def first_words(evaluation, name, language):
    return prose_of(evaluation, language).say(*results_of(evaluation)[name].verdict.sentences[0])


def certainty_words(evaluation, one, language):
    return prose_of(evaluation, language).say(f"report.certainty.{one['certainty']}")
