"""A written plan reads as what was meant, whatever a person typed."""

import tomllib
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.plan import CheckName, Plan
from evaltoolkit.plans.template import example_content, plan_template, plan_text, toml_value

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NUMBER = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))


@given(st.one_of(TEXT, NUMBER, st.booleans(), st.lists(TEXT), st.lists(NUMBER)))
def test_every_value_comes_back(value):
    assert tomllib.loads(f"key = {toml_value(value)}")["key"] == value


@settings(deadline=None)
@given(st.lists(TEXT, min_size=8, max_size=8), st.sampled_from(LANGUAGES))
def test_a_plan_comes_back_whatever_was_typed(typed, language):
    content = example_content(words(language))
    content |= {"title": typed[0], "question": typed[1], "theory_of_change": typed[2:5]}
    content["treatment"] |= {"action": typed[5], "decided_by": typed[6], "why_then": typed[7]}
    assert tomllib.loads(plan_text(content, language, load_framework())) == content


@pytest.mark.parametrize("language", LANGUAGES)
def test_template_is_a_plan_in_its_language(language):
    text = plan_template(language)
    plan = Plan.model_validate(tomllib.loads(text))
    assert plan.language == language
    assert plan.theory_of_change
    assert plan.assumptions
    assert plan.decision_rule
    say = words(language).say
    comments = " ".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))
    for name in ("title", "treatment.assignment", "outcomes.role", "estimation.adjust", "decision_rule"):
        assert say(f"plan_new.field.{name}") in comments
    assert f"#   voluntary: {say('plan_new.choice.treatment.assignment.voluntary')}\n" in text
    assert max(len(line) for line in text.splitlines() if line.startswith("#")) <= 120


def test_sizes_stand_beside_what_people_say():
    assert "margin = 0.03  # 0.03 = 3 percentage points\n" in plan_template("en")
    assert "margin = 0.03  # 0.03 = 3 Prozentpunkte\n" in plan_template("de")
    assert "smallest_relevant = 1  # meetings\n" in plan_template("en")


def test_what_is_not_given_can_be_switched_on_by_taking_the_sign_away():
    content = example_content(words("en"))
    for name in ("periods", "theory_of_change", "assumptions", "rival_explanations", "decision_rule"):
        del content[name]
    del content["data"]["source"]
    text = plan_text(content, "en", load_framework())
    for key in (
        "periods = [",
        "theory_of_change = [",
        "decision_rule = [",
        "checks = [",
        "covariates = [",
        "source = ",
    ):
        assert f"\n# {key}" in text
    start = text.index("# checks = [")
    end = text.index("# ]\n", start) + 4
    text = text[:start] + text[start:end].replace("# ", "") + text[end:]
    lines = [line[2:] if line.startswith(("# periods = ", "# covariates")) else line for line in text.splitlines()]
    plan = Plan.model_validate(tomllib.loads("\n".join(lines)))
    assert plan.checks == get_args(CheckName)
    assert plan.estimation.covariates == ("log(CTX-01)",)


def test_a_value_that_toml_has_not_is_no_silent_loss():
    with pytest.raises(TypeError, match="NoneType"):
        toml_value(None)
