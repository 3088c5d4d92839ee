"""The questions of plan new: scripted people in four languages, wrong answers asked again."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.dialogue import ask_plan, suitable_outcomes
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.reading import check_plan, load_plan
from evaltoolkit.plans.template import plan_text

FRAMEWORK = load_framework()
SUITABLE = suitable_outcomes(FRAMEWORK)
# title, question, unit, action, assignment, decided by, why then, moved, spill-over
START = ['Coaching "nu" \\ Ça', "Werkt het, echt waar?", "", "coaching", "1", "raad", "plaatsen vrij", "", "1"]


class Person:
    """Somebody with prepared answers, who keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, prompt):
        self.asked.append(prompt)
        return self.answers.pop(0)


def number_of(indicator):
    return str([one.id for one in SUITABLE].index(indicator) + 1)


def talk(*answers, language="nl", framework=FRAMEWORK):
    person = Person(*answers)
    content = ask_plan(person, language=language, framework=framework)
    assert person.answers == []
    return content, person.asked


def full(language="nl"):
    """A primary and a recorded secondary outcome, one guardrail with a margin and one not measurable."""
    return talk(
        *START,
        *(number_of("COMP-09"), "", "1,5"),
        *(number_of("DET-02"), "", "2", "0.8", "1,25"),
        *("", "2", "-", "-", "42"),
        language=language,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_whole_dialogue_gives_the_plan_that_was_meant(language, tmp_path):
    content, asked = full(language)
    text = plan_text(content, language, FRAMEWORK)
    assert tomllib.loads(text) == content
    (tmp_path / "roster.csv").touch()
    (tmp_path / "cells.csv").touch()
    path = tmp_path / "evaluation.toml"
    path.write_text(text, encoding="utf-8")
    plan = load_plan(path)
    assert check_plan(plan, FRAMEWORK) == []
    assert (plan.title, plan.language, plan.unit) == (START[0], language, "livc_r")
    assert (plan.treatment.assignment, plan.treatment.spillover) == ("randomised", "unlikely")
    assert not plan.treatment.started_because_outcome_moved
    assert [(o.indicator, o.role, o.smallest_relevant, o.margin) for o in plan.outcomes] == [
        ("COMP-09", "primary", 1.5, None),
        ("DET-02", "secondary", 2.0, None),
        ("RGT-07", "guardrail", None, 0.02),
        ("RGT-01", "guardrail", None, None),
        ("TRU-01", "guardrail", None, None),
    ]
    assert plan.outcomes[1].detection_range == (0.8, 1.25)
    assert plan.outcomes[3].not_measurable
    assert plan.outcomes[4].not_measurable
    assert plan.estimation.seed == 42
    say = words(language).say
    assert say("plan_new.ask.intro") in asked[0]
    assert say("plan_new.ask.assignment") in asked[4]
    assert FRAMEWORK.by_id["TRU-01"].text.in_(language).name in asked[-2]
    assert sum(say("plan_new.ask.guardrails") in prompt for prompt in asked) == 1


def test_the_languages_ask_different_questions_in_the_same_order():
    asked = [full(language)[1] for language in LANGUAGES]
    assert len({len(prompts) for prompts in asked}) == 1
    for prompts in zip(*asked, strict=True):
        assert len(set(prompts)) == len(LANGUAGES)


def test_answers_may_be_a_number_a_code_or_the_words_shown():
    label = words("fr").say("plan_new.choice.treatment.assignment.by_need")
    content, _ = talk(
        *("t", "q", "COMMUNE", "a", label.upper(), "c", "w", "oui", "everywhere"),
        *("TRU-01", "secondary", "2", FRAMEWORK.by_id["COH-05"].text.fr.name, "", "1"),
        *("", "3", "-", ""),
        language="fr",
    )
    assert content["unit"] == "municipality"
    assert "membership" not in content["data"]
    assert content["treatment"]["assignment"] == "by_need"
    assert content["treatment"]["started_because_outcome_moved"] is True
    assert content["treatment"]["spillover"] == "everywhere"
    # trust was chosen as an outcome: it is not asked again as a guardrail
    assert [outcome["indicator"] for outcome in content["outcomes"]] == ["TRU-01", "COH-05", "RGT-07", "RGT-01"]


# place, answer, what is wrong with it, facts of that sentence
WRONG = {
    "no title": (0, "", "empty", {}),
    "cannot be saved": (0, "a\udcff", "characters", {}),
    "unit 3": (2, "3", "choice", {"given": "3", "last": 2}),
    "assignment": (4, "volontary", "choice", {"given": "volontary", "last": 5}),
    "moved": (7, "perhaps", "choice", {"given": "perhaps", "last": 2}),
    "outcome number": (9, "99", "choice", {"given": "99", "last": len(SUITABLE)}),
    "no outcome at all": (9, "", "empty", {}),
    "no size": (11, "", "empty", {}),
    "size in words": (11, "two", "number", {"given": "two", "example": 2.5}),
    "negative size": (11, "-2", "number", {"given": "-2", "example": 2.5}),
    "size of zero": (11, "0,0", "positive", {}),
    "thousands or decimals": (11, "1.500", "thousands", {"given": "1.500"}),
    "same outcome": (12, number_of("COMP-09"), "twice", {}),
    "no margin": (13, "", "empty", {}),
    "margin of 120 points": (13, "120", "too_large", {"given": "120", "most": 100}),
    "half a seed": (16, "1.5", "whole", {"given": "1.5"}),
    "negative seed": (16, "-1", "whole", {"given": "-1"}),
}
PLAIN = [*START, number_of("COMP-09"), "", "1.5", "", "2", "-", "3", "1"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_asked_again_and_said(name, language):
    place, wrong, code, facts = WRONG[name]
    if code == "twice":
        facts = {"name": FRAMEWORK.by_id["COMP-09"].text.in_(language).name}
    clean, asked = talk(*PLAIN, language=language)
    content, again = talk(*PLAIN[:place], wrong, *PLAIN[place:], language=language)
    assert content == clean
    assert len(again) == len(asked) + 1
    told = again[place + 1].strip().splitlines()
    assert told[0] == words(language).say(f"plan_new.wrong.{code}", **facts)
    # the question follows whole, without what is told once
    assert told[1:] == asked[place].strip().splitlines()[-len(told) + 1 :]


def test_the_higher_ratio_is_not_below_the_lower_one():
    recorded = (number_of("DET-02"), "", "1")
    content, asked = talk(*START, *recorded, "0,9", "0,5", "0,9", "", "-", "-", "-", "1", language="de")
    assert content["outcomes"][0]["detection_range"] == [0.9, 0.9]
    assert words("de").say("plan_new.wrong.order", low=0.9) in asked[14]
    unknown, _ = talk(*START, *recorded, "", "", "-", "-", "-", "1")
    assert "detection_range" not in unknown["outcomes"][0]


def test_a_plan_needs_an_outcome_that_answers_the_question():
    say = words("en").say
    content, asked = talk(
        *START, number_of("COH-05"), "2", "2", "", number_of("COMP-09"), "", "1", "", "-", "-", "-", "1", language="en"
    )
    assert say("plan_new.wrong.no_primary") in asked[13]
    # the role offered first is the one that is missing
    assert [outcome["role"] for outcome in content["outcomes"]][:2] == ["secondary", "primary"]


def test_harm_is_asked_about_where_the_framework_can_see_it():
    content, asked = talk(*PLAIN[:13], "1", "2", "", "3", "1")
    assert [outcome["indicator"] for outcome in content["outcomes"]] == ["COMP-09", "RGT-07", "RGT-01", "TRU-01"]
    assert [outcome.get("margin") for outcome in content["outcomes"]] == [None, 0.01, 0.02, 0.03]
    # what depends on who records it asks how much that can change
    assert FRAMEWORK.by_id["RGT-01"].text.nl.name in asked[14]
    fewer = [one for one in FRAMEWORK.indicators if one.id != "RGT-01"]
    narrow = Framework(name="livc-r", version="1", indicators=tuple(fewer))
    content, _ = talk(*START, "COMP-09", "", "1.5", "", "1", "3", "1", framework=narrow)
    assert [outcome["indicator"] for outcome in content["outcomes"]] == ["COMP-09", "RGT-07", "TRU-01"]


def test_an_outcome_may_be_a_check_for_harm_itself():
    content, _ = talk(*START, number_of("COMP-09"), "", "1", number_of("RGT-07"), "3", "-", "", "-", "4", "1")
    assert content["outcomes"][1] == {"indicator": "RGT-07", "role": "guardrail", "not_measurable": True}
    assert content["outcomes"][3] == {"indicator": "TRU-01", "role": "guardrail", "margin": 0.04}


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",))), st.sampled_from(LANGUAGES))
def test_whatever_is_typed_as_words_is_kept_but_for_blanks(typed, language):
    wanted = " ".join(typed.split())
    content, _ = talk(*([typed] if wanted else ["", "t"]), *PLAIN[1:], language=language)
    assert content["title"] == (wanted or "t")
    plan = Plan.model_validate(tomllib.loads(plan_text(content, language, FRAMEWORK)))
    assert plan.title == (wanted or "t").strip()
