"""Adjustment sets and roles: planted cases, all small graphs by brute force, and exact linear worlds."""

import brute
import numpy as np
import pytest

from evaltoolkit.graphs.graph import ACTION, OUTCOME, CausalGraph, read_graph
from evaltoolkit.graphs.identify import REFUSED, adjustment_sets, identify_change

EFFECT = "action -> outcome"


def ask(edges, observed=(), covariates=None, **more):
    """The answer for arrows; observed nodes are measured by a covariate of their own name in capitals."""
    measures = {node: node.upper() for node in observed}
    planned = [measures[node] for node in (observed if covariates is None else covariates)]
    return identify_change(read_graph(edges, measures, covariates=planned, **more), planned)


def codes(answer):
    return [(one.code.removeprefix("graph.refused."), one.facts["covariate"]) for one in answer.refusals]


def test_a_common_cause_is_held_equal():
    answer = ask([EFFECT, "x -> action", "x -> outcome"], ["x"])
    assert (answer.decision, answer.adjustment, answer.roles["x"]) == ("identified", ("x",), "confounder")
    assert answer.refusals == ()
    assert answer.open_path == ""


def test_an_observed_common_cause_that_is_not_planned_is_asked_for():
    answer = ask([EFFECT, "x -> action", "x -> outcome"], ["x"], covariates=[])
    assert (answer.decision, answer.adjustment) == ("change_set", ("x",))
    assert answer.open_path == "action <- x -> outcome"


def test_a_proxy_on_the_way_of_a_hidden_cause_closes_it():
    answer = ask([EFFECT, "u -> action", "u -> x", "x -> outcome"], ["x"])
    assert (answer.decision, answer.roles["x"]) == ("identified", "confounder")


def test_planted_mediator():
    answer = ask(["action -> m", "m -> n", "n -> outcome"], ["m"])
    assert codes(answer) == [("mediator", "M")]
    assert answer.refusals[0].facts["path"] == "action -> m -> n -> outcome"
    assert (answer.decision, answer.adjustment) == ("change_set", ())


def test_planted_collider():
    answer = ask([EFFECT, "action -> x", "outcome -> x"], ["x"])
    assert codes(answer) == [("collider", "X")]
    assert answer.refusals[0].facts["path"] == "action -> x <- outcome"
    # also where the second arrow comes from another cause of the outcome
    other = ask([EFFECT, "action -> x", "u -> x", "u -> outcome"], ["x"])
    assert codes(other) == [("collider", "X")]
    assert other.refusals[0].facts["path"] == "action -> x <- u -> outcome"


def test_m_bias_a_collider_from_before_the_start():
    edges = [EFFECT, "u -> action", "u -> x", "v -> x", "v -> outcome"]
    answer = ask(edges, ["x"])
    assert codes(answer) == [("collider", "X")]
    assert answer.refusals[0].facts["path"] == "action <- u -> x <- v -> outcome"
    assert (answer.decision, answer.adjustment) == ("change_set", ())
    assert ask(edges, ["x"], covariates=[]).decision == "identified"


def test_butterfly_a_collider_that_is_also_a_common_cause_needs_one_of_its_causes():
    edges = [EFFECT, "u -> action", "u -> x", "v -> x", "v -> outcome", "x -> action", "x -> outcome"]
    assert (ask(edges, ["x"]).decision, ask(edges, ["x"]).hidden) == ("not_identified", ("u",))
    answer = ask(edges, ["x", "v"])
    assert (answer.decision, answer.refusals) == ("identified", ())


def test_what_follows_from_the_outcome_or_the_action_and_what_is_measured_late():
    assert codes(ask([EFFECT, "outcome -> x"], ["x"])) == [("outcome_descendant", "X")]
    assert codes(ask([EFFECT, "action -> x"], ["x"])) == [("post_treatment", "X")]
    assert codes(ask(["action -> m", "m -> outcome", "m -> x"], ["x"])) == [("post_treatment", "X")]
    late = ask([EFFECT, "x -> action", "x -> outcome"], ["x"], after=["x"])
    assert codes(late) == [("post_treatment", "X")]
    assert (late.decision, late.hidden) == ("not_identified", ("x",))


def test_an_unobserved_common_cause_is_named():
    answer = ask([EFFECT, "x -> action", "x -> outcome", "habit -> action", "habit -> outcome"], ["x"])
    assert (answer.decision, answer.adjustment, answer.hidden) == ("not_identified", (), ("habit",))
    assert answer.open_path == "action <- habit -> outcome"


def test_the_difference_takes_out_what_acts_on_the_level_only():
    edges = [EFFECT, "culture -> action", "culture -> outcome"]
    assert ask(edges).decision == "not_identified"
    answer = ask(edges, level_only=["culture"])
    assert (answer.decision, answer.removed) == ("identified", ("culture",))
    # only its own arrow to the outcome is taken out, not a way through something that changes
    longer = ask([*edges, "culture -> habit", "habit -> outcome"], level_only=["culture"])
    assert (longer.decision, longer.hidden) == ("not_identified", ("culture",))


def test_what_plays_no_part_may_stay_and_harmless_covariates_are_kept():
    answer = ask([EFFECT, "x -> outcome", "c -> action", "c -> outcome"], ["x", "c"], covariates=["x"])
    assert answer.roles["x"] == "irrelevant"
    assert (answer.decision, answer.adjustment) == ("change_set", ("x", "c"))


def test_the_order_of_arrows_and_covariates_and_the_names_do_not_matter():
    edges = [EFFECT, "u -> action", "u -> x", "v -> x", "v -> outcome", "c -> action", "c -> outcome"]
    one, other = ask(edges, ["c", "x"]), ask(edges[::-1], ["x", "c"])
    assert (one.decision, one.sets, one.roles, set(one.refusals[0].facts.items())) == (
        other.decision,
        other.sets,
        other.roles,
        set(other.refusals[0].facts.items()),
    )
    renamed = ask([edge.replace("c ", "town ") for edge in edges], ["town", "x"])
    assert renamed.sets == (("town",),)
    assert one.sets == (("c",),)


def check_by_brute_force(edges, observed):
    observed = [node for node in observed if any(node in edge for edge in edges)]
    graph = CausalGraph(tuple(edges), {node: node.upper() for node in observed})
    free = set(graph.baseline)
    valid = [one for one in brute.subsets(free) if brute.closes_back_doors(set(edges), one)]
    assert sorted(adjustment_sets(graph, free)) == brute.smallest(valid)
    answer = identify_change(graph, [node.upper() for node in observed])
    assert (answer.decision == "not_identified") == (not valid)
    if valid:
        assert brute.closes_back_doors(set(edges), answer.adjustment)
    planned = set(observed)
    assert (answer.decision == "identified") == (planned in valid)
    # a refusal is never made of what is from before the start and closes the back doors with the rest
    assert not (planned in valid and answer.refusals)
    if answer.open_path:
        assert answer.decision != "identified"


def test_every_graph_of_four_nodes_against_the_definition():
    graphs = brute.all_graphs(brute.NAMES[:4])
    for number, edges in enumerate(graphs):
        check_by_brute_force(edges, [("x", "y"), ("x",), ("y",)][number % 3])


def test_random_graphs_of_five_nodes_against_the_definition():
    rng = np.random.default_rng(20261125)
    for _ in range(200):
        edges = brute.random_graph(rng)
        check_by_brute_force(edges, [node for node in ("x", "y", "z") if rng.random() < 0.7])


def test_roles_against_exact_linear_worlds():
    """A set that closes the back doors gives the effect; a refused covariate spoils it, an irrelevant one does not."""
    rng = np.random.default_rng(11)
    seen = dict.fromkeys((*REFUSED, "confounder", "irrelevant"), 0)
    for _ in range(250):
        edges = brute.random_graph(rng)
        world = brute.LinearWorld(edges, rng)
        graph = CausalGraph(tuple(edges))
        everything = [node for node in graph.nodes if node not in (ACTION, OUTCOME)]
        ideal = adjustment_sets(graph, everything)
        for one in ideal:
            assert world.slope(one) == pytest.approx(world.effect, abs=1e-9)
        for node, role in identify_change(graph).roles.items():
            seen[role] += 1
            off = [abs(world.slope({*one, node}) - world.effect) > 1e-7 for one in ideal if node not in one]
            if role in ("mediator", "collider", "outcome_descendant"):
                assert any(off), (edges, node, role)
            if role == "irrelevant":
                assert not any(off), (edges, node)
            if role == "confounder":
                assert any(node in one for one in ideal) or not all(off)
    assert min(seen.values()) >= 10, seen


def test_many_candidates_are_searched_from_the_smallest_set():
    names = [f"c{i}" for i in range(14)]
    edges = [EFFECT, *(f"{name} -> outcome" for name in names), "c0 -> action", "c1 -> action"]
    answer = ask(edges, names)
    assert answer.sets == (("c0", "c1"),)
    assert answer.decision == "identified"
