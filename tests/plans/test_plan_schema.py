"""The schema for editors and the model say the same about the same plan."""

import copy
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from evaltoolkit.demo.files import PLAN
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.schema import plan_schema, schema_text, stored_schema
from evaltoolkit.plans.template import plan_template

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*/evaluation.toml"))
VALIDATOR = jsonschema.Draft202012Validator(plan_schema())


def accepted(content):
    return VALIDATOR.is_valid(content)


def as_model(content):
    """Whether the model takes it; years in a file are texts by then."""
    content = copy.deepcopy(content)
    if isinstance(content.get("periods"), list):
        content["periods"] = [str(period) for period in content["periods"]]
    try:
        Plan.model_validate(content)
    except ValidationError:
        return False
    return True


@pytest.fixture
def content():
    return tomllib.loads(plan_template("en"))


def test_stored_schema_is_what_the_model_generates():
    # where this fails: evaltoolkit plan schema evaltoolkit/data/plan.schema.json
    assert stored_schema() == schema_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(stored_schema()))


def test_every_entry_is_described_in_english():
    schema = plan_schema()
    for name, part in {"plan": schema, **schema["$defs"]}.items():
        for entry, meaning in part["properties"].items():
            assert len(meaning.get("description", "").split()) > 2, (
                f"{name}.{entry}: add plan_new.field.* in four languages"
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_template_is_valid_and_names_the_schema(language):
    text = plan_template(language)
    assert text.splitlines()[0] == "#:schema ./plan.schema.json"
    VALIDATOR.validate(tomllib.loads(text))


def test_examples_and_the_demonstration_are_valid():
    assert len(EXAMPLES) >= 2
    for path in EXAMPLES:
        VALIDATOR.validate(tomllib.loads(path.read_text(encoding="utf-8")))
    VALIDATOR.validate(tomllib.loads(PLAN.format(seed=1)))


def _set(*path, to):
    def change(content):
        here = content
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = to

    return change


def _drop(*path):
    def change(content):
        here = content
        for step in path[:-1]:
            here = here[step]
        del here[path[-1]]

    return change


WRONG = {
    "unknown key": _set("questio", to="x"),
    "unknown key inside": _set("estimation", "metod", to="group_time"),
    "missing question": _drop("question"),
    "missing table": _drop("treatment"),
    "missing why": _drop("treatment", "why_then"),
    "no outcome": _set("outcomes", to=[]),
    "word not allowed": _set("treatment", "assignment", to="volontary"),
    "role not allowed": _set("outcomes", 0, "role", to="primry"),
    "check not known": _set("checks", to=["pretrend"]),
    "language not offered": _set("language", to="nd"),
    "negative": _set("outcomes", 0, "smallest_relevant", to=-1),
    "zero margin": _set("outcomes", 1, "margin", to=0),
    "level": _set("estimation", "level", to=2),
    "anticipation": _set("estimation", "anticipation", to=-1),
    "seed in words": _set("estimation", "seed", to="a"),
    "list expected": _set("theory_of_change", to="one step"),
    "one ratio": _set("outcomes", 0, "detection_range", to=[1.2]),
    "three ratios": _set("outcomes", 0, "detection_range", to=[1, 1.2, 1.4]),
    "primary without size": _drop("outcomes", 0, "smallest_relevant"),
    "guardrail without margin": _drop("outcomes", 1, "margin"),
    "guardrail denied": _set("outcomes", 2, "not_measurable", to=False),
    "two sources": _set("data", "panel", to="own.csv"),
    "no source": _drop("data", "store"),
    "empty source": _set("data", "store", to=" "),
    "two starts": _set("data", "treated_from", to="first"),
    "no starts": _drop("data", "roster"),
}
RIGHT = {
    "years as numbers": _set("periods", to=[2020, 2021, "2022"]),
    "all checks but one": _set("checks", to=["pretrends", "response"]),
    "a break": _set("outcomes", 0, "wording_break", to="2022"),
    "a range": _set("outcomes", 0, "detection_range", to=[0.8, 1.2]),
    "another source": lambda content: content["data"].update(store="", csv=["values.csv"]),
    "own words": _set("decision_rule", to=["better: go on"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_planted_faults_are_faults_to_both(content, name):
    WRONG[name](content)
    assert not as_model(content)
    assert not accepted(content)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_right_to_both(content, name):
    RIGHT[name](content)
    assert as_model(content)
    assert accepted(content)
