"""The situations of situations.toml: what is said, and what is offered instead, in four languages."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from evaltoolkit.findings import Finding, Where
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.feasibility import assess_feasibility
from evaltoolkit.plans.rules import feasibility_rules
from evaltoolkit.reports.prose import Prose, say_feasibility, words

PLACE = Path(__file__).parent / "situations.toml"
SITUATIONS = {one["id"]: one for one in tomllib.loads(PLACE.read_text(encoding="utf-8"))["situations"]}


def build(worlds, case):
    """Panel, design, plan, indicator and cohorts of a situation."""
    panel, design = worlds["world"](**case.get("world", {}))
    plan = worlds["plan"](case.get("outcome"), treatment=case.get("treatment", {}))
    indicator = worlds["indicator"](**case.get("indicator", {}))
    cohorts = worlds["cohorts_of"](design)
    if "recorded" in case:
        counts = np.random.default_rng(1).poisson(case["recorded"], design.outcome.shape).astype(float)
        indicator = worlds["recorded"]()
        design = worlds["replace"](design, outcome=counts)
        panel = worlds["panel_of"](design)
    if "shared" in case:
        lost = Finding("panel.livc_r_divided", "question", Where(indicator="TRU-01"), {"count": case["shared"]})
        panel = worlds["replace"](panel, findings=(lost,))
    if "silent" in case:
        outcome = design.outcome.copy()
        outcome[: case["silent"]] = np.nan
        panel = worlds["panel_of"](worlds["replace"](design, outcome=outcome))
        design = worlds["take"](design, np.arange(case["silent"], len(design.units)))
    return panel, design, plan, indicator, cohorts


def ask(worlds, case):
    panel, design, plan, indicator, cohorts = build(worlds, case)
    # nothing is handed over: the smallest effect is computed from the panel, as for a user
    return assess_feasibility(design, panel, plan.outcomes[0], plan, indicator=indicator, cohorts=cohorts, draws=100)


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation_gets_its_verdict_and_its_alternatives(worlds, name):
    case = SITUATIONS[name]
    answer = ask(worlds, case)
    assert answer.decision == case["decision"]
    assert [trigger.rule for trigger in answer.triggers] == case["rules"]
    assert [one for trigger in answer.triggers for one in trigger.alternatives] == case["alternatives"]
    texts = {language: say_feasibility(answer, language) for language in LANGUAGES}
    for language, lines in texts.items():
        say = Prose(words(language)).say
        text = "\n".join(lines)
        assert say(f"decision.{case['decision']}") in lines[0]
        for trigger in answer.triggers:
            for code in (f"feasibility.{trigger.rule}", f"feasibility.{trigger.rule}.instead"):
                assert say(code, trigger.facts) in text
            for alternative in trigger.alternatives:
                assert say(f"alternative.{alternative}", trigger.facts) in text
        assert "{" not in text
    assert len({"\n".join(lines) for lines in texts.values()}) == len(LANGUAGES)


def test_there_are_twelve_and_a_clean_one():
    assert len(SITUATIONS) == 13
    assert [name for name, case in SITUATIONS.items() if case["decision"] == "go"] == ["clean"]
    stops = {rule.id for rule in feasibility_rules() if rule.weight == "stop"}
    covered = {rule for case in SITUATIONS.values() for rule in case["rules"]}
    # a start that has not come yet, a staggered design compared with nobody, and covariates that no comparison unit
    # shares are variants tested beside the rules
    assert stops - covered == {"no_comparison", "not_started", "no_overlap"}
