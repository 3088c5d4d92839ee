"""A written plan reads as what was meant, whatever a person typed."""

import re
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


def switched_on(text, start, end=None):
    """Take the sign away from every entry between two lines of a template."""
    head, _, rest = text.partition(start)
    body, mark, tail = rest.partition(end) if end else (rest, "", "")
    lines = [line.removeprefix("# ") if re.match(r"# (\w+ = |\[)", line) else line for line in body.splitlines()]
    return head + "\n".join(lines) + "\n" + mark + tail


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_own_table_and_a_dose_can_be_switched_on(language):
    text, say = plan_template(language), words(language).say
    # own table instead of collected forms
    text = re.sub(r"(?m)^(store|roster|membership) = .*\n", "", text)
    text = switched_on(text, say("plan_new.own_table"), "[treatment]").replace("# [[outcomes]]", "[[outcomes]]")
    text = switched_on(text, say("plan_new.own_outcome"), "[estimation]")
    text = switched_on(text, "seed = 1\n").replace('method = "group_time"', 'seed = 1\nmethod = "dose"')
    plan = Plan.model_validate(tomllib.loads(text))
    assert (plan.data.panel, plan.data.treated_from) == ("own.csv", "first_period")
    own = plan.outcomes[-1]
    assert (own.indicator, own.unit, own.better) == ("trust", "%", "up")
    assert own.name == say("plan_new.example.own_name")
    assert plan.dose is not None
    assert (plan.dose.measure, plan.dose.unit) == ("sessions", say("plan_new.example.dose_unit"))
    for field in ("data.panel", "data.treated_from", "outcomes.unit", "outcomes.better", "dose", "dose.unit"):
        assert say(f"plan_new.field.{field}").split()[0] in text
