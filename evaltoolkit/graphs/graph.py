"""A causal graph as people write it: arrows between named things, and what each name stands for.

The node ``outcome`` is the *change* of the outcome from before to after, not its level: a difference-in-differences
compares changes. A cause that acts on the level and stays the same over time adds the same amount before and after, so
the difference takes it out. Whether a cause does only that is knowledge about the field and no finding from data;
``level_only`` lets the evaluator say it, and the default is the cautious one: an arrow to ``outcome`` acts on the
change (Zeldow and Hatfield 2021, doi:10.1111/1475-6773.13666).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from evaltoolkit.findings import FaultsError, nearest

ACTION, OUTCOME = "action", "outcome"
Edge = tuple[str, str]
_ARROW = re.compile(r"\s*([\w-]+)\s*->\s*([\w-]+)\s*")


@dataclass(frozen=True)
class CausalGraph:
    """Arrows between nodes, without a circle.

    Attributes
    ----------
    edges : (cause, effect) as written
    measures : node -> covariate or measure; a node that is not here is not observed
    after : nodes measured after the start
    level_only : nodes that act on the level of the outcome but not on its change
    """

    edges: tuple[Edge, ...]
    measures: Mapping[str, str] = field(default_factory=dict)
    after: frozenset[str] = frozenset()
    level_only: frozenset[str] = frozenset()

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes, in the order in which they are first named."""
        return nodes_of(self.edges)

    @property
    def change_edges(self) -> tuple[Edge, ...]:
        """The arrows that are left once the difference has taken out what acts on the level only."""
        return tuple(edge for edge in self.edges if not (edge[0] in self.level_only and edge[1] == OUTCOME))

    @property
    def baseline(self) -> tuple[str, ...]:
        """Observed nodes that the action cannot have touched: the only ones that may be held equal."""
        touched = downstream(self.edges, ACTION) | self.after
        return tuple(node for node in self.nodes if node in self.measures and node not in touched)

    def node_of(self, covariate: str) -> str:
        """Return the node that a covariate stands for; empty where no node names it."""
        return next((node for node, name in self.measures.items() if _plain(name) == _plain(covariate)), "")


def read_graph(
    edges: Sequence[str],
    measures: Mapping[str, str] | None = None,
    *,
    after: Iterable[str] = (),
    level_only: Iterable[str] = (),
    covariates: Sequence[str] = (),
) -> CausalGraph:
    """Read a causal graph; every fault is reported at once.

    Parameters
    ----------
    edges : ``"cause -> effect"``; ``action`` and ``outcome`` must be among the names
    measures : node -> covariate or measure
    after, level_only : see :class:`CausalGraph`
    covariates : planned covariates; each needs a node, or nothing can be said about it

    Raises
    ------
    FaultsError
        Malformed arrows, circles, unknown nodes and what else :func:`graph_faults` finds.
    """
    measures, after, level_only = measures or {}, tuple(after), tuple(level_only)
    if faults := graph_faults(edges, measures, after=after, level_only=level_only, covariates=covariates):
        raise FaultsError(faults, what="The causal graph")
    return CausalGraph(tuple(_arrows(edges)), dict(measures), frozenset(after), frozenset(level_only))


def graph_faults(
    edges: Sequence[str],
    measures: Mapping[str, str],
    *,
    after: Sequence[str] = (),
    level_only: Sequence[str] = (),
    covariates: Sequence[str] = (),
) -> list[str]:
    """Return what is wrong with a graph as written, each with its place and remedy; see :func:`read_graph`."""
    arrows = list(_arrows(edges))
    known = nodes_of(arrows)
    return [
        *_edge_faults(edges),
        *_shape_faults(arrows),
        *_name_faults(known, {"nodes": list(measures), "after": after, "level_only": level_only}),
        *_measure_faults(measures),
        *_level_faults(arrows, after, level_only),
        *_covariate_faults(measures, covariates),
    ]


def nodes_of(edges: Iterable[Edge]) -> tuple[str, ...]:
    """Return the nodes of arrows, in the order in which they are first named."""
    return tuple(dict.fromkeys(node for edge in edges for node in edge))


def downstream(edges: Iterable[Edge], start: str) -> frozenset[str]:
    """Return every node that arrows lead to from ``start``, itself not included."""
    arrows, found, todo = list(edges), set[str](), [start]
    while todo:
        cause = todo.pop()
        new = {effect for one, effect in arrows if one == cause} - found
        found |= new
        todo += new
    return frozenset(found)


def _arrows(edges: Iterable[str]) -> Iterable[Edge]:
    return ((match[1], match[2]) for edge in edges if (match := _ARROW.fullmatch(edge)))


def _edge_faults(edges: Sequence[str]) -> list[str]:
    faults, seen = [], set[Edge]()
    for number, edge in enumerate(edges, 1):
        place, match = f"[graph] edges entry {number}", _ARROW.fullmatch(edge)
        if match is None:
            faults.append(
                f'{place}: "{edge}" is no arrow; write one arrow between two names without blanks, "cause -> effect".'
            )
        elif match[1] == match[2]:
            faults.append(f'{place}: "{match[1]}" points at itself; take the arrow out.')
        elif match.groups() in seen:
            faults.append(f'{place}: "{match[1]} -> {match[2]}" stands twice; write it once.')
        else:
            seen.add((match[1], match[2]))
    return faults


def _shape_faults(arrows: Sequence[Edge]) -> list[str]:
    known = nodes_of(arrows)
    faults = []
    for name, what in ((ACTION, "what is evaluated"), (OUTCOME, "the change of the outcome")):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f' "{close[0]}" comes near: write "{name}" there.' if close else ""
            faults.append(f'[graph] edges: no arrow names "{name}", the word for {what}; add it.{hint}')
    if circle := _circle(arrows):
        faults.append(f"[graph] edges: {' -> '.join(circle)} is a circle; a cause comes before its effect.")
    elif not faults and OUTCOME not in downstream(arrows, ACTION):
        faults.append(
            f'[graph] edges: no chain of arrows leads from "{ACTION}" to "{OUTCOME}"; draw how the action should work.'
        )
    return faults


def _circle(arrows: Sequence[Edge]) -> tuple[str, ...]:
    proper = sorted(edge for edge in set(arrows) if edge[0] != edge[1])
    causes: dict[str, list[str]] = {}
    for cause, effect in proper:
        causes.setdefault(effect, []).append(cause)
    try:
        TopologicalSorter(causes).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def _name_faults(known: Sequence[str], named: Mapping[str, Sequence[str]]) -> list[str]:
    faults = []
    for key, names in named.items():
        for name in names:
            if name in (ACTION, OUTCOME):
                faults.append(f'[graph] {key}: "{name}" says itself what it is; take it out here.')
            elif name not in known:
                faults.append(f'[graph] {key}: no arrow names "{name}".{nearest(name, known)}')
    return faults


def _measure_faults(measures: Mapping[str, str]) -> list[str]:
    faults, owner = [], dict[str, str]()
    for node, measure in measures.items():
        plain = _plain(measure)
        if not plain:
            faults.append(f"[graph] nodes {node}: this is empty; name a measure, or take the line out: not observed.")
        elif plain in owner:
            faults.append(f'[graph] nodes {node}: "{measure}" belongs to "{owner[plain]}"; one node per measure.')
        else:
            owner[plain] = node
    return faults


def _level_faults(arrows: Sequence[Edge], after: Sequence[str], level_only: Sequence[str]) -> list[str]:
    changed = downstream(arrows, ACTION)
    faults = []
    for name in (name for name in level_only if name in nodes_of(arrows) and name not in (ACTION, OUTCOME)):
        if (name, OUTCOME) not in arrows:
            faults.append(f'[graph] level_only: "{name}" has no arrow to "{OUTCOME}" of its own; take it out here.')
        if name in changed or name in after:
            faults.append(
                f'[graph] level_only: "{name}" comes after the start or follows from the action, so it does not stay '
                "the same over time; take it out here."
            )
    return faults


def _covariate_faults(measures: Mapping[str, str], covariates: Sequence[str]) -> list[str]:
    known = {_plain(measure): measure for measure in measures.values()}
    return [
        f'[graph] nodes: the covariate "{name}" of [estimation] has no node; add it, for example size = "{name}", with '
        f"its arrows.{nearest(name, known.values())}"
        for name in covariates
        if _plain(name) not in known
    ]


def _plain(name: str) -> str:
    return "".join(name.split())
