"""The [graph] of a plan: faults at their place, and what it means for the lock."""

import datetime as dt

import pytest

from evaltoolkit.findings import FaultsError
from evaltoolkit.plans.canonical import canonical_plan, plan_digest
from evaltoolkit.plans.graph import graph_of
from evaltoolkit.plans.lock import compare_lock, lock_plan
from evaltoolkit.plans.reading import load_plan

TEXT = """
title = "t"
question = "q"

[data]
panel = "own.csv"
treated_from = "first"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "places were free"

[[outcomes]]
indicator = "TRU-01"
role = "primary"
smallest_relevant = 0.05

[estimation]
covariates = ["log(CTX-01)"]
"""
GRAPH = """
[graph]
edges = ["size -> action", "size -> outcome", "action -> outcome"]
nodes = { size = "log(CTX-01)" }
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "own.csv").write_text("unit,period\n", encoding="utf-8")

    def write(text):
        path = tmp_path / "evaluation.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_plan_may_draw_a_graph(written):
    graph = graph_of(load_plan(written(TEXT + GRAPH)))
    assert graph.nodes == ("size", "action", "outcome")
    assert graph.measures == {"size": "log(CTX-01)"}
    assert graph_of(load_plan(written(TEXT))) is None


def test_faults_of_the_graph_stand_among_the_others(written):
    broken = (
        GRAPH.replace("size -> action", "size > action")
        .replace("{ size", "{ sise")
        .replace("[graph]", "[graph]\nafer = []")
    )
    with pytest.raises(FaultsError) as caught:
        load_plan(written(TEXT.replace('"voluntary"', '"volontary"') + broken))
    faults = caught.value.faults
    assert len(faults) == 4
    assert any(fault.startswith("[treatment] assignment") for fault in faults)
    assert any(fault.startswith("[graph] afer") and 'Did you mean "after"' in fault for fault in faults)
    assert any(fault.startswith("[graph] edges entry 1") for fault in faults)
    assert any(fault.startswith("[graph] nodes") and 'Did you mean "size"' in fault for fault in faults)


def test_a_graph_of_the_wrong_kind_is_a_fault_and_no_crash(written):
    for table in ("[graph]\nedges = []", "[graph]\nnodes = 3", '[graph]\nedges = [1, "a"]', 'graph = "x"'):
        text = f"{table}\n{TEXT}" if table.startswith("graph") else f"{TEXT}\n{table}"
        with pytest.raises(FaultsError) as caught:
            load_plan(written(text))
        assert all("graph" in fault for fault in caught.value.faults)


def test_digest_is_that_of_the_arrows_and_not_of_their_order(written):
    plain = plan_digest(load_plan(written(TEXT)))
    assert "graph" not in canonical_plan(load_plan(written(TEXT)))
    one = plan_digest(load_plan(written(TEXT + GRAPH)))
    turned = GRAPH.replace('"size -> action", "size -> outcome"', '"size -> outcome", "size -> action"')
    assert plan_digest(load_plan(written(TEXT + turned))) == one
    others = [GRAPH.replace("[graph]", '[graph]\nlevel_only = ["size"]'), GRAPH.replace('"size -> action", ', "")]
    assert len({plain, one, *(plan_digest(load_plan(written(TEXT + other))) for other in others)}) == 4


def test_an_arrow_changed_after_the_lock_is_named_and_changes_no_number(written, worlds):
    panel, design = worlds["world"]()
    facts = {
        "framework": worlds["framework"],
        "panel": panel,
        "cohorts": dict.fromkeys(worlds["cohorts_of"](design), 2099.0),
    }
    path = written(TEXT + GRAPH)
    lock_plan(path, today=dt.date(2026, 1, 2), **facts)
    assert compare_lock(path, **facts).deviations == ()
    for text in (TEXT + GRAPH.replace('"size -> action", ', ""), TEXT):
        after = compare_lock(written(text), **facts)
        assert [(code, fact["field"]) for code, fact in after.deviations] == [("deviation.text_changed", "graph")]
        assert after.stamp("TRU-01") == "confirmatory"
