"""Can the effect be told from the change, if the arrows are right? Adjustment sets and what may not be held equal.

Estimand: the total effect of the action on the change of the outcome, one row per unit. "No open back door from the
action to the change, given the covariates" is on that table the same statement as conditional parallel trends.
The search for adjustment sets and the test of each set are DoWhy's; d-separation is that of networkx below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, Literal

from evaltoolkit.findings import Fact
from evaltoolkit.graphs.graph import ACTION, OUTCOME, CausalGraph
from evaltoolkit.graphs.quiet import quiet

with quiet():
    import networkx as nx
    from dowhy.causal_identifier.auto_identifier import BackdoorAdjustment, identify_backdoor
    from dowhy.graph import check_dseparation, check_valid_backdoor_set, get_proper_backdoor_graph, is_blocked

Nodes = tuple[str, ...]
Decision = Literal["identified", "change_set", "not_identified"]
Role = Literal["confounder", "collider", "mediator", "post_treatment", "outcome_descendant", "irrelevant"]
REFUSED: tuple[Role, ...] = ("collider", "mediator", "post_treatment", "outcome_descendant")
# DoWhy's exhaustive search stops silently after 100,000 sets; above this many candidates only the smallest are sought
_EXHAUSTIVE = 12
_PATHS = 5000


@dataclass(frozen=True)
class Refusal:
    """What may not be done, as a message id with facts; ``<code>.instead`` says what to do."""

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class Identification:
    """What a graph says about the planned comparison.

    Attributes
    ----------
    decision : ``identified`` with the planned covariates; ``change_set``: with other observed ones; or not at all
    adjustment : nodes to hold equal: the planned ones, or the nearest set that works; empty where nothing does
    sets : every smallest set of observed nodes that closes all back doors (no node of a set can be left out)
    hidden : nodes that would have to be observed; empty unless not identified
    open_path : a back door that stays open, such as ``action <- habit -> outcome``; empty where there is none
    roles : node -> role, for every node but action and outcome
    planned : nodes of the planned covariates
    refusals : one for each planned covariate that may not be held equal
    removed : nodes whose arrow to the outcome the difference takes out
    """

    decision: Decision
    adjustment: Nodes
    sets: tuple[Nodes, ...]
    hidden: Nodes
    open_path: str
    roles: Mapping[str, Role]
    planned: Nodes
    refusals: tuple[Refusal, ...]
    removed: Nodes


def identify_change(graph: CausalGraph, covariates: Sequence[str] = ()) -> Identification:
    """Say whether the planned covariates identify the effect on the change, and what each of them is.

    Assumption: the arrows are right and complete; a missing arrow claims that there is no such influence.

    Parameters
    ----------
    graph : CausalGraph
    covariates : planned covariates, as ``graph.measures`` names them

    References
    ----------
    Pearl (2009), doi:10.1017/CBO9780511803161, for the back-door criterion; Cinelli, Forney and Pearl (2024),
    doi:10.1177/00491241221099552, for covariates that do harm.
    """
    with quiet():
        net = network(graph)
        planned = tuple(dict.fromkeys(node for name in covariates if (node := graph.node_of(name))))
        sets = adjustment_sets(graph, graph.baseline)
        # the causes of the action always close every back door, so there is at least one set among all nodes
        ideal = adjustment_sets(graph, [node for node in graph.nodes if node not in (ACTION, OUTCOME)])
        roles = {node: _role(net, graph, node, ideal) for node in graph.nodes if node not in (ACTION, OUTCOME)}
        refused = [node for node in planned if roles[node] in REFUSED]
        allowed = tuple(node for node in planned if node not in refused)
        decision, adjustment = _decide(net, sets, planned, allowed)
        hidden = _hidden(ideal, graph.baseline) if decision == "not_identified" else ()
        open_path = "" if decision == "identified" else _open_path(net, allowed)
        refusals = tuple(_refusal(net, graph, node, roles[node], ideal) for node in refused)
    removed = tuple(node for node in graph.nodes if node in graph.level_only)
    return Identification(decision, adjustment, sets, hidden, open_path, roles, planned, refusals, removed)


def network(graph: CausalGraph) -> Any:
    """Return the graph of the change as a networkx ``DiGraph``."""
    net = nx.DiGraph()
    net.add_nodes_from(graph.nodes)
    net.add_edges_from(graph.change_edges)
    return net


def adjustment_sets(graph: CausalGraph, observed: Iterable[str]) -> tuple[Nodes, ...]:
    """Return every set of observed nodes that closes all back doors and of which no node can be left out.

    Sorted by size, then by name. Above twelve candidates only the sets of the smallest size are looked for.
    """
    net, candidates = network(graph), sorted(observed)
    how = BackdoorAdjustment.BACKDOOR_EXHAUSTIVE if len(candidates) <= _EXHAUSTIVE else BackdoorAdjustment.BACKDOOR_MIN
    found = identify_backdoor(net, [ACTION], [OUTCOME], candidates, how)
    sets = {frozenset(one.adjustment_variables) for one in found}
    smallest = [one for one in sets if not any(other < one for other in sets)]
    return tuple(sorted((tuple(sorted(one)) for one in smallest), key=lambda one: (len(one), one)))


def _closes(net: Any, nodes: Iterable[str]) -> bool:
    return bool(check_valid_backdoor_set(net, [ACTION], [OUTCOME], set(nodes))["is_dseparated"])


def _decide(net: Any, sets: tuple[Nodes, ...], planned: Nodes, allowed: Nodes) -> tuple[Decision, Nodes]:
    if _closes(net, allowed):
        return ("identified" if allowed == planned else "change_set"), allowed
    if not sets:
        return "not_identified", ()
    nearest_set = min(sets, key=lambda one: (len(set(one) - set(allowed)), len(one), one))
    # what is planned and harmless stays, unless it opens a back door that the set has closed
    both = tuple(dict.fromkeys((*allowed, *nearest_set)))
    return "change_set", both if _closes(net, both) else nearest_set


def _role(net: Any, graph: CausalGraph, node: str, ideal: tuple[Nodes, ...]) -> Role:
    changed = nx.descendants(net, ACTION)
    if node in changed and node in nx.ancestors(net, OUTCOME):
        return "mediator"
    if node in changed:
        return _role_of_follower(net, node, ideal)
    if node in graph.after:
        return "post_treatment"
    if any(node in one for one in ideal) or _common_cause(net, node):
        return "confounder"
    return "collider" if _opened(net, node, ideal) is not None else "irrelevant"


def _role_of_follower(net: Any, node: str, ideal: tuple[Nodes, ...]) -> Role:
    if _opened(net, node, ideal) is not None:
        return "collider"
    return "outcome_descendant" if node in nx.descendants(net, OUTCOME) else "post_treatment"


def _common_cause(net: Any, node: str) -> bool:
    without = net.subgraph([one for one in net.nodes if one != ACTION])
    return node in nx.ancestors(net, ACTION) and node in nx.ancestors(without, OUTCOME)


def _opened(net: Any, node: str, ideal: tuple[Nodes, ...]) -> Nodes | None:
    """Return the first set that closes all back doors alone, but not together with ``node``; None where there is none.

    Looked at in the graph without the first arrows of the ways from action to outcome, so that what is left between
    them is no effect: holding a common effect equal makes its causes move together.
    """
    rest = get_proper_backdoor_graph(net, [ACTION], [OUTCOME])
    for one in ideal:
        if node not in one and not check_dseparation(rest, [ACTION], [OUTCOME], {*one, node}):
            return one
    return None


def _hidden(ideal: tuple[Nodes, ...], observed: Nodes) -> Nodes:
    unseen = [tuple(node for node in one if node not in observed) for one in ideal]
    return min(unseen, key=lambda one: (len(one), one))


def _refusal(net: Any, graph: CausalGraph, node: str, role: Role, ideal: tuple[Nodes, ...]) -> Refusal:
    facts: dict[str, Fact] = {"covariate": graph.measures[node], "node": node}
    if role == "collider":
        rest = get_proper_backdoor_graph(net, [ACTION], [OUTCOME])
        facts["path"] = _first_open(rest, {*(_opened(net, node, ideal) or ()), node})
    elif role == "mediator":
        way = nx.shortest_path(net, ACTION, node)[:-1] + nx.shortest_path(net, node, OUTCOME)
        facts["path"] = " -> ".join(way)
    return Refusal(f"graph.refused.{role}", facts)


def _open_path(net: Any, given: Iterable[str]) -> str:
    backdoor = net.copy()
    backdoor.remove_edges_from(list(net.out_edges(ACTION)))
    return _first_open(backdoor, set(given))


def _first_open(net: Any, given: set[str]) -> str:
    """Return the shortest way between action and outcome that is open given some nodes, as text with arrows."""
    ways = nx.shortest_simple_paths(net.to_undirected(), ACTION, OUTCOME)
    try:
        way = next((one for one in islice(ways, _PATHS) if not is_blocked(net, one, given)), None)
    except nx.NetworkXNoPath:
        return ""
    if way is None:
        return ""
    arrows = [" -> " if net.has_edge(one, other) else " <- " for one, other in pairwise(way)]
    return "".join([way[0], *(f"{arrow}{node}" for arrow, node in zip(arrows, way[1:], strict=True))])
