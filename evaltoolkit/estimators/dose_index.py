"""May this index be a dose: an index that holds the outcome, or what leads to it, explains nothing."""

from __future__ import annotations

from collections.abc import Sequence

from evaltoolkit.findings import RefusedError
from evaltoolkit.graphs.graph import ACTION, OUTCOME, CausalGraph, downstream


def check_dose(
    name: str,
    outcome: str,
    parts: Sequence[str],
    *,
    mediators: Sequence[str] = (),
    graph: CausalGraph | None = None,
) -> None:
    """Refuse a dose that contains the outcome, a mediator of it or a consequence of it.

    A dose must be what was delivered. An index of how well an institution works, measured after the start, holds what
    the action was meant to change: its association with the outcome is then partly the outcome with itself.

    Parameters
    ----------
    name : str
        The dose: a measure or an index, for the message.
    outcome : str
        Indicator of the outcome.
    parts : sequence of str
        Indicators of which the index is made; for a dose that is one measure, that measure. ``HAR-01.cases`` is a part
        of indicator ``HAR-01``.
    mediators : sequence of str
        Indicators on the way from the action to the outcome, as declared.
    graph : CausalGraph, optional
        Of the plan. Nodes between ``action`` and ``outcome`` are mediators, nodes after ``outcome`` consequences;
        ``graph.measures`` says for which indicator a node stands.

    Raises
    ------
    RefusedError
        With every part that must not be there, and why.

    Examples
    --------
    >>> check_dose("coaching", "HAR-01", ["sessions", "hours"])
    """
    measured, between, after = {} if graph is None else graph.measures, set[str](), set[str]()
    if graph is not None:
        after = set(downstream(graph.edges, OUTCOME))
        between = {node for node in downstream(graph.edges, ACTION) if OUTCOME in downstream(graph.edges, node)}
    held = {_indicator(measured.get(node, node)): "is a mediator in the graph" for node in between}
    held |= {_indicator(measured.get(node, node)): "is a consequence of the outcome in the graph" for node in after}
    held |= {_indicator(one): "is declared a mediator" for one in mediators}
    held |= {_indicator(one): "is the outcome" for one in (outcome, measured.get(OUTCOME, outcome))}
    faults = [f"{part} {held[_indicator(part)]}" for part in parts or (name,) if _indicator(part) in held]
    if faults:
        raise RefusedError(
            f'"{name}" cannot be the dose for {outcome}: {"; ".join(faults)}. Take these parts out, or use what was '
            "delivered (sessions, hours) as dose; as it stands, the index describes, it does not explain."
        )


def _indicator(code: str) -> str:
    return code.split(".")[0].strip().casefold()
