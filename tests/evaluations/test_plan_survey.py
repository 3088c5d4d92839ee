"""A survey outcome in a plan: respondents, design effect, shares at zero, and who answered, from file to report."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.design import NEVER
from evaltoolkit.evaluations.inputs import load_inputs
from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.findings import FaultsError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.panels.measures import share_se
from evaltoolkit.reports.prose import prose_of

PLAN = """title = "t"
question = "q"
unit = "unit"
checks = ["composition", "response"]
[data]
panel = "own.csv"
treated_from = "first"
[treatment]
action = "a"
assignment = "voluntary"
decided_by = "council"
why_then = "w"
spillover = "unlikely"
[[outcomes]]
indicator = "trust"
name = "trust"
role = "primary"
better = "up"
smallest_relevant = 0.05
{outcome}
[overrides]
trust = "the council wants to know"
"""


def survey(level=0.4, move=0.0, n=100, treated=45, seed=2):
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(n):
        for year in range(2016, 2024):
            on = place < treated and year >= 2020
            asked = int(rng.integers(60, 140))
            share = rng.binomial(
                asked, np.clip(level + 0.1 * on * (level > 0) + rng.normal(0, 0.02) * (level > 0), 0, 1)
            )
            first = 2020 if place < treated else "never"
            rows.append((f"u{place:03d}", year, first, share / asked, asked, 45 + place % 9 + rng.normal() + move * on))
    return pd.DataFrame(rows, columns=["unit", "period", "first", "trust", "asked", "age"])


def write(folder, table, outcome='respondents = "asked"\ncomposition = ["age"]'):
    table.to_csv(folder / "own.csv", index=False)
    path = folder / "evaluation.toml"
    path.write_text(PLAN.format(outcome=outcome), encoding="utf-8")
    return path


def test_respondents_and_design_effect_reach_the_design(tmp_path):
    table = survey()
    inputs = load_inputs(write(tmp_path, table, 'respondents = "asked"\ndesign_effect = 2.0'))
    design = inputs.design(inputs.plan.outcomes[0])
    wide = table.pivot_table(index="unit", columns="period", values=["trust", "asked"])
    np.testing.assert_allclose(design.sampling_se, share_se(wide["trust"], wide["asked"], 2.0))
    assert design.info["sampling_from"] == "respondents"
    assert (design.cohort == NEVER).sum() == 55


def test_a_survey_effect_is_found_and_the_convention_is_told(tmp_path):
    (result,) = run_plan(write(tmp_path, survey())).outcomes
    assert result.headline.interval.low < 0.1 < result.headline.interval.high
    assert "never less than sampling alone" in result.overall.info["sampling"]
    assert (result.verdict.kind, result.checks[0].code) == ("improved", "check.composition.steady")
    # the smallest effect that would be noticed rests on the same noise, sampling included
    error = float(result.overall.to_frame()["std_error"].iloc[0])
    assert result.feasibility.mde == pytest.approx(2.8 * error, rel=0.35)


def test_who_answered_changed_in_one_arm(tmp_path):
    evaluation = run_plan(write(tmp_path, survey(move=3.0)))
    (result,) = evaluation.outcomes
    check = next(one for one in result.checks if one.name == "composition")
    assert (check.verdict, check.facts["names"]) == (False, "@list:@indicator:age")
    said = {prose_of(evaluation, language).say(check.code, check.facts) for language in LANGUAGES}
    assert len(said) == 4
    assert all("age" in one for one in said)


def test_nobody_anywhere_says_yes_and_the_interval_is_not_a_point(tmp_path):
    (result,) = run_plan(write(tmp_path, survey(level=0.0))).outcomes
    interval = result.headline.interval
    assert interval.estimate == 0
    assert interval.low < 0 < interval.high
    assert interval.high < 0.01
    # some two times ten thousand people asked: no relevant effect can hide there
    assert result.verdict.kind == "no_relevant_effect"


def test_a_standard_error_and_respondents_together_are_a_fault(tmp_path):
    with pytest.raises(FaultsError, match='either "respondents" or "outcome_se"'):
        load_inputs(write(tmp_path, survey(), 'respondents = "asked"\noutcome_se = "age"'))
