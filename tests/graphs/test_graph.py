"""A causal graph as written: what is right is read, what is wrong is told all at once."""

import pytest

from evaltoolkit.findings import FaultsError
from evaltoolkit.graphs.graph import downstream, graph_faults, read_graph

GOOD = ["size -> action", "size->outcome", " action  ->  outcome ", "past -> outcome"]


def only_fault(edges=(), measures=None, **more):
    faults = graph_faults([*GOOD, *edges], measures or {}, **more)
    assert len(faults) == 1, faults
    return faults[0]


def test_a_good_graph_is_read():
    graph = read_graph(GOOD, {"size": "log(CTX-01)"}, level_only=["past"], covariates=["log( CTX-01 )"], after=["size"])
    assert graph.nodes == ("size", "action", "outcome", "past")
    assert graph.edges[1] == ("size", "outcome")
    assert ("past", "outcome") not in graph.change_edges
    assert len(graph.change_edges) == 3
    assert graph.node_of("log(CTX-01)") == graph.node_of("log( CTX-01)") == "size"
    assert graph.node_of("CTX-01") == ""
    assert downstream(graph.edges, "size") == {"action", "outcome"}


def test_only_what_the_action_cannot_have_touched_may_be_held_equal():
    edges = [*GOOD, "action -> m", "m -> outcome", "late -> outcome"]
    graph = read_graph(edges, {"size": "a", "m": "b", "late": "c"}, after=["late"])
    assert graph.baseline == ("size",)


@pytest.mark.parametrize("edge", ["size - action", "size -> action -> outcome", "-> action", "town size -> action", ""])
def test_a_malformed_arrow(edge):
    assert only_fault([edge]) == (
        f'[graph] edges entry 5: "{edge}" is no arrow; write one arrow between two names without blanks, '
        '"cause -> effect".'
    )


def test_shape_of_the_graph():
    assert "entry 5" in only_fault(["size -> size"])
    assert "points at itself" in only_fault(["size -> size"])
    assert "stands twice" in only_fault(["size ->  action"])
    circle = only_fault(["outcome -> habit", "habit -> size"])
    assert "is a circle; a cause comes before its effect" in circle
    assert circle.count("size") == 2 or circle.count("outcome") == 2
    assert "no chain of arrows" in graph_faults(["action -> x", "outcome -> x"], {})[0]


def test_action_and_outcome_must_be_there_with_the_word_that_comes_near():
    faults = graph_faults(["acton -> outcom"], {})
    assert len(faults) == 2
    assert '"acton" comes near: write "action" there' in faults[0]
    assert '"outcom" comes near: write "outcome" there' in faults[1]


def test_names_and_measures():
    assert 'Did you mean "size"?' in only_fault(measures={"sise": "X"})
    assert '[graph] after: no arrow names "x"' in only_fault(after=["x"])
    assert "says itself what it is" in only_fault(measures={"action": "X"})
    assert "this is empty" in only_fault(measures={"size": " "})
    assert 'belongs to "size"' in only_fault(measures={"size": "log(X)", "past": "log( X )"})
    missing = only_fault(measures={"size": "log(CTX-01)"}, covariates=["log(CTX-02)"])
    assert 'the covariate "log(CTX-02)" of [estimation] has no node' in missing
    assert 'Did you mean "log(CTX-01)"?' in missing


def test_what_stays_the_same_over_time_cannot_follow_from_the_action():
    assert "no arrow to" in only_fault(["far -> size"], level_only=["far"])
    assert "does not stay the same" in only_fault(["action -> habit", "habit -> outcome"], level_only=["habit"])
    assert "does not stay the same" in only_fault(after=["past"], level_only=["past"])


def test_every_fault_at_once():
    with pytest.raises(FaultsError) as caught:
        read_graph(
            ["size = action", "action -> outcome", "outcome -> action"],
            {"siz": "X"},
            after=["y"],
            level_only=["z"],
            covariates=["W"],
        )
    assert len(caught.value.faults) == 6
    assert all(fault.startswith("[graph]") for fault in caught.value.faults)
