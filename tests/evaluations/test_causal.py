"""A plan's causal graph held against its data: before there are any, before the start, and afterwards."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.evaluations.causal import assess_graph
from evaltoolkit.evaluations.run import assess_plan, lock, run_plan
from evaltoolkit.findings import EvaltoolkitError, RefusedError

PLAN = """
title = "Coaching"
question = "Did coaching raise trust?"
unit = "cell"
theory_of_change = ["Cells meet.", "Residents notice."]
rival_explanations = ["A campaign."]

[data]
panel = "own.csv"
treated_from = "first"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "places were free"

[[outcomes]]
indicator = "trust"
role = "primary"
smallest_relevant = 0.05

[estimation]
covariates = [{covariates}]
{graph}
"""
GRAPH = """
[graph]
edges = ["size -> action", "size -> outcome", "action -> outcome", "culture -> action", "culture -> outcome",
  "action -> meetings", "meetings -> outcome"]
nodes = { size = "log(population)", culture = "culture", meetings = "meetings" }
level_only = ["culture"]
"""


def table(n=120, seed=3, *, years=range(2019, 2025), gap=0.8, culture_moves=0.0):
    """Trust of cells: culture acts on its level (where told so also on its change), size and coaching on its change."""
    rng = np.random.default_rng(seed)
    size, culture = rng.normal(size=n), rng.normal(size=n)
    treated = rng.random(n) < 1 / (1 + np.exp(0.4 - gap * size - 0.7 * culture))
    rows = []
    for unit in range(n):
        for year in years:
            after = year >= 2022
            trust = 0.5 + 0.1 * culture[unit] + rng.normal(0, 0.03)
            trust += after * (0.03 * size[unit] + 0.05 * treated[unit] + culture_moves * culture[unit])
            first = "2022" if treated[unit] else "never"
            row = (f"u{unit:03}", year, first, trust, np.exp(size[unit]), culture[unit], 3 + after + rng.normal())
            rows.append(row)
    return pd.DataFrame(rows, columns=["unit", "period", "first", "trust", "population", "culture", "meetings"])


@pytest.fixture
def ask(tmp_path):
    """Write plan and table and ask the graph."""

    def run(frame, covariates='"log(population)"', graph=GRAPH):
        frame.to_csv(tmp_path / "own.csv", index=False)
        path = tmp_path / "plan.toml"
        path.write_text(PLAN.replace("{covariates}", covariates).replace("{graph}", graph), encoding="utf-8")
        return assess_graph(path)

    return run


def test_a_sound_plan_with_data(ask):
    answer = ask(table())
    assert answer.sound
    assert (answer.identification.decision, answer.identification.removed) == ("identified", ("culture",))
    (evidence,) = answer.evidence
    assert (evidence.outcome, evidence.verdict, evidence.overlap.verdict) == ("trust", "holds", "good")
    claims = {
        frozenset(pair): given
        for pair, given in zip(evidence.tests[["one", "other"]].values.tolist(), evidence.tests["given"], strict=True)
    }
    # "acts on the level only" is a claim, and data speak about it
    assert claims[frozenset(("culture", "outcome"))] == ("action", "size")
    assert (evidence.tests["n"] == 120).all()


def test_a_cause_said_to_act_on_the_level_only_that_acts_on_the_change(ask):
    answer = ask(table(culture_moves=0.05))
    assert answer.identification.decision == "identified"
    assert answer.evidence[0].verdict == "fails"
    assert not answer.sound


def test_a_mediator_among_the_planned_covariates_is_refused(ask):
    answer = ask(table(), '"log(population)", "meetings"')
    assert [one.code for one in answer.refusals] == ["graph.refused.mediator"]
    assert (answer.identification.decision, answer.identification.adjustment) == ("change_set", ("size",))
    assert not answer.sound


def test_nothing_is_run_or_locked_with_a_covariate_that_the_graph_forbids(ask, tmp_path):
    ask(table(), '"log(population)", "meetings"')
    for run in (run_plan, assess_plan, lambda path: lock(path, today=dt.date(2026, 1, 2))):
        with pytest.raises(RefusedError, match=r"meetings: do not hold this equal.*action -> meetings -> outcome"):
            run(tmp_path / "plan.toml")
    assert not list(tmp_path.glob("*.lock.json"))
    ask(table())
    assert lock(tmp_path / "plan.toml", today=dt.date(2026, 1, 2)).exists()
    assert run_plan(tmp_path / "plan.toml").outcomes[0].outcome.indicator == "trust"


def test_no_overlap_is_refused(ask):
    frame = table()
    treated = frame["first"] == "2022"
    frame.loc[treated, "population"] *= np.exp(10)
    answer = ask(frame)
    assert [one.code for one in answer.refusals] == ["graph.refused.no_overlap"]
    assert answer.refusals[0].facts["node"] == "size"
    assert not answer.sound


def test_before_the_start_action_and_covariates_are_looked_at(ask):
    answer = ask(table(years=range(2019, 2022)))
    (evidence,) = answer.evidence
    assert evidence.overlap.verdict == "good"
    reasons = {frozenset((row.one, row.other)): row.reason for row in evidence.tests.itertuples()}
    assert reasons[frozenset(("culture", "outcome"))] == "no_data"
    assert reasons[frozenset(("size", "culture"))] == ""


def test_a_covariate_first_measured_after_the_start(ask):
    frame = table()
    # a value that differs from year to year: one that does not is a fixed characteristic
    frame["culture"] = (frame["culture"] + 0.01 * frame["period"]).where(frame["period"] >= 2022)
    graph = GRAPH.replace('level_only = ["culture"]', "")
    answer = ask(frame, '"log(population)", "culture"', graph)
    assert [one.code for one in answer.refusals] == ["graph.refused.measured_late"]
    assert answer.identification.decision == "identified"
    assert not answer.sound


def test_without_values_only_the_arrows_are_asked(ask):
    answer = ask(table().drop(columns="trust"), graph=GRAPH)
    assert answer.evidence == ()
    assert answer.sound


def test_a_plan_without_a_graph_and_a_measure_that_is_not_there(ask):
    with pytest.raises(EvaltoolkitError, match=r"draws no causal graph: add a table \[graph\]"):
        ask(table(), graph="")
    with pytest.raises(EvaltoolkitError, match='Did you mean "culture"'):
        ask(
            table(), graph=GRAPH.replace('"culture",', '"cultur",').replace('culture = "culture"', 'culture = "cultur"')
        )


def test_row_order_does_not_matter(ask):
    one, other = ask(table()), ask(table().sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.evidence[0].tests, other.evidence[0].tests)
    assert one.evidence[0].overlap.outside == other.evidence[0].overlap.outside
