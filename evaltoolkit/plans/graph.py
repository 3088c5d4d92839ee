"""The ``[graph]`` of a plan: from the text of the file to arrows, and its faults at their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaltoolkit.graphs.graph import CausalGraph, graph_faults, read_graph
from evaltoolkit.plans.plan import Plan


def graph_of(plan: Plan) -> CausalGraph | None:
    """Return the causal graph of a plan; None where it draws none.

    Raises
    ------
    FaultsError
        The graph has faults; a plan read from a file was asked already.
    """
    if plan.graph is None:
        return None
    drawn = plan.graph
    return read_graph(
        drawn.edges,
        drawn.nodes,
        after=drawn.after,
        level_only=drawn.level_only,
        covariates=plan.estimation.covariates,
    )


def raw_graph_faults(raw: Mapping[str, Any]) -> list[str]:
    """Return the faults of a graph as it stands in a file; entries of the wrong kind are told by the validator."""
    table = raw.get("graph")
    if not isinstance(table, dict) or not _texts(table.get("edges")):
        return []
    nodes, estimation = table.get("nodes"), raw.get("estimation")
    named = nodes.items() if isinstance(nodes, dict) else ()
    return graph_faults(
        _texts(table.get("edges")),
        {node: measure for node, measure in named if isinstance(measure, str)},
        after=_texts(table.get("after")),
        level_only=_texts(table.get("level_only")),
        covariates=_texts(estimation.get("covariates")) if isinstance(estimation, dict) else (),
    )


def _texts(entry: object) -> list[str]:
    return [one for one in entry if isinstance(one, str)] if isinstance(entry, list) else []
