"""A plan may name its checks; leaving one out can never raise the grade."""

import pytest

from evaltoolkit.checks.registry import list_checks
from evaltoolkit.evaluations.facts import GRADING, left_out_facts
from evaltoolkit.evaluations.run import checks_to_run, run_plan
from evaltoolkit.plans.plan import Plan

CONTENT = {
    "title": "t",
    "question": "q",
    "data": {"store": "store", "roster": "roster.csv"},
    "treatment": {"action": "a", "assignment": "voluntary", "decided_by": "c", "why_then": "w"},
    "outcomes": [{"indicator": "TRU-01", "role": "primary", "smallest_relevant": 0.05}],
}


def plan_of(checks=(), **outcome):
    return Plan.model_validate(CONTENT | {"checks": checks, "outcomes": [CONTENT["outcomes"][0] | outcome]})


def chosen(checks, **outcome):
    plan = plan_of(checks, **outcome)
    return checks_to_run(plan, plan.outcomes[0])


def test_no_names_means_all_and_names_mean_those():
    assert chosen(()) is None
    assert chosen(("response", "pretrends")) == ("response", "pretrends")


def test_the_verdict_keeps_the_check_it_rests_on():
    assert chosen(("response",), detection_range=(0.8, 1.2)) == ("response", "reporting")
    assert chosen(("reporting",), detection_range=(0.8, 1.2)) == ("reporting",)
    assert chosen((), detection_range=(0.8, 1.2)) is None


@pytest.mark.parametrize("left_out", sorted(list_checks()))
def test_leaving_out_a_check_that_can_lower_the_grade_lowers_it(left_out):
    kept = [name for name in list_checks() if name != left_out]
    assert left_out_facts(plan_of(kept)) == {"checks_left_out": float(left_out in GRADING)}


def test_all_checks_named_or_none_is_the_same():
    assert left_out_facts(plan_of()) == left_out_facts(plan_of(list(list_checks()))) == {"checks_left_out": 0.0}


TABLE_PLAN = """title = "t"
question = "q"
unit = "unit"
{checks}
[data]
panel = "own.csv"
treated_from = "first"
[treatment]
action = "a"
assignment = "randomised"
decided_by = "council"
why_then = "by lot"
spillover = "unlikely"
[[outcomes]]
indicator = "y"
name = "y"
role = "primary"
better = "up"
smallest_relevant = 0.5
"""


def evaluate(folder, checks=""):
    import numpy as np

    rng = np.random.default_rng(5)
    rows = ["unit,period,first,y"]
    for unit in range(60):
        first = 2022 if unit < 25 else "never"
        base = rng.normal()
        rows += [
            f"u{unit},{year},{first},{base + rng.normal(0, 0.3) + (year >= 2022 and unit < 25):.4f}"
            for year in range(2018, 2025)
        ]
    (folder / "own.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    path = folder / "evaluation.toml"
    path.write_text(TABLE_PLAN.format(checks=checks), encoding="utf-8")
    return run_plan(path).outcomes[0]


def test_only_the_named_checks_are_made_and_the_grade_says_so(tmp_path):
    result = evaluate(tmp_path, 'checks = ["response", "pretrends"]')
    assert [check.name for check in result.checks] == ["response", "pretrends"]
    assert "checks_left_out" in [reason.rule for reason in result.grade.reasons]
    assert result.grade.certainty in ("low", "very_low")
