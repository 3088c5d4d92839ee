"""What a causal graph says about a plan, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from evaltoolkit.evaluations.causal import GraphAnswer
from evaltoolkit.findings import Fact
from evaltoolkit.graphs.graph import ACTION, OUTCOME
from evaltoolkit.i18n import words
from evaltoolkit.plans.plan import Translation
from evaltoolkit.reports.prose import Prose, names_of, own_names

if TYPE_CHECKING:
    from evaltoolkit.graphs.evidence import Evidence
    from evaltoolkit.graphs.identify import Identification, Refusal

_ARROWS = re.compile(r" (->|<-) ")


@dataclass(frozen=True)
class GraphProse:
    """The words of one language for one graph: what its nodes are called."""

    answer: GraphAnswer
    prose: Prose
    said: Translation

    def node(self, node: str) -> str:
        """Return what readers call a node."""
        if node in self.said.nodes:
            return self.said.nodes[node]
        if node == ACTION:
            return self.said.action or self.prose.say("graph.node.action")
        if node == OUTCOME:
            return self.prose.say("graph.node.change", name=self.prose.text(f"@list:{';'.join(self._outcomes())}"))
        measure = self.answer.graph.measures.get(node)
        return self.prose.covariate(measure) if measure else node.replace("_", " ")

    def nodes(self, nodes: Iterable[str]) -> str:
        """Return several nodes as a list in words."""
        # a name may hold a semicolon, which the list would take for a comma
        return self.prose.text("@list:" + ";".join(self.node(node).replace(";", ",") for node in nodes))

    def path(self, path: str) -> str:
        """Return a way through the graph, such as ``action <- habit -> outcome``, in the names of readers."""
        parts = _ARROWS.split(path)
        return "".join({"->": " → ", "<-": " ← "}.get(part) or self.node(part) for part in parts)

    def _outcomes(self) -> list[str]:
        plan = self.answer.inputs.plan
        primary = [one.indicator for one in plan.outcomes if one.role == "primary"]
        return [self.prose.name(name).replace(";", ",") for name in primary or [plan.outcomes[0].indicator]]


def graph_prose(answer: GraphAnswer, language: str) -> GraphProse:
    """Return the words of a language for the answer of a graph."""
    inputs = answer.inputs
    names = names_of(inputs.framework.indicators, language) | own_names(inputs.plan, language)
    return GraphProse(answer, Prose(words(language), names), inputs.plan.said_in(language))


def say_graph(answer: GraphAnswer, language: str) -> list[str]:
    """Return what graph and data say about the planned comparison, as lines of text.

    Parameters
    ----------
    answer : GraphAnswer
    language : {"nl", "fr", "de", "en"}
    """
    names = graph_prose(answer, language)
    lines = [*say_decision(answer.identification, names), *_say_planned(answer, names)]
    for one in answer.identification.refusals:
        lines += say_refusal(one, names)
    for part in answer.evidence:
        lines += _say_evidence(part, names)
    if not answer.evidence:
        lines.append(names.prose.say("graph.evidence.none"))
    return [*lines, names.prose.say("graph.only_if")]


def say_decision(found: Identification, names: GraphProse) -> list[str]:
    """Return the answer, what stays open and what to do about it."""
    say = names.prose.say
    if found.decision == "not_identified":
        lines = [say("graph.decision.not_identified", nodes=names.nodes(found.hidden))]
        lines.append(say("graph.decision.not_identified.instead"))
    elif found.adjustment:
        lines = [say(f"graph.decision.{found.decision}", set=names.nodes(found.adjustment))]
    else:
        lines = [say(f"graph.decision.{found.decision}_without")]
    if found.open_path:
        lines.append(say("graph.open_path", path=names.path(found.open_path)))
    if found.removed:
        lines.append(say("graph.removed", nodes=names.nodes(found.removed)))
    return lines


def say_refusal(refusal: Refusal, names: GraphProse) -> list[str]:
    """Return why something is refused and what to do instead."""
    facts = _named(refusal.facts, names)
    return [names.prose.say(refusal.code, facts), f"  {names.prose.say(f'{refusal.code}.instead', facts)}"]


def _named(facts: Mapping[str, Fact], names: GraphProse) -> dict[str, Fact]:
    out = dict(facts)
    if "covariate" in facts:
        node = names.answer.graph.node_of(str(facts["covariate"]))
        out["covariate"] = names.node(node) if node else names.prose.covariate(str(facts["covariate"]))
    if "node" in facts:
        out["node"] = names.node(str(facts["node"]))
    if "path" in facts:
        out["path"] = names.path(str(facts["path"]))
    return out


def _say_planned(answer: GraphAnswer, names: GraphProse) -> list[str]:
    found = answer.identification
    fine = [node for node in found.planned if found.roles[node] in ("confounder", "irrelevant")]
    return [names.prose.say(f"graph.role.{found.roles[node]}", covariate=names.node(node)) for node in fine]


def _say_evidence(part: Evidence, names: GraphProse) -> list[str]:
    lines = [names.prose.name(part.outcome)]
    for one in part.refusals:
        lines += say_refusal(one, names)
    lines += _say_claims(part, names)
    if part.overlap.verdict in ("good", "partly", "no_data"):
        share = 0 if part.overlap.verdict == "no_data" else round(100 * part.overlap.outside)
        lines.append(names.prose.say(f"graph.overlap.{part.overlap.verdict}", share=share))
    return lines


def _say_claims(part: Evidence, names: GraphProse) -> list[str]:
    tested = part.tests[part.tests["p_value"].notna()] if len(part.tests) else part.tests
    if tested.empty:
        return [names.prose.say(f"graph.claims.{part.verdict}")]
    unseen = names.prose.number(float(tested["detectable"].max()), 2)
    lines = [names.prose.say(f"graph.claims.{part.verdict}", count=len(tested), detectable=unseen)]
    if part.verdict == "fails":
        level = names.answer.inputs.plan.estimation.level
        lines += [_say_claim(row, names) for row in _rows(tested[tested["p_holm"] < 1 - level])]
        lines.append(f"  {names.prose.say('graph.claims.fails.instead')}")
    return lines


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _say_claim(row: Mapping[str, object], names: GraphProse) -> str:
    given = [str(node) for node in row["given"]]  # type: ignore[attr-defined]
    facts = {
        "one": names.node(str(row["one"])),
        "other": names.node(str(row["other"])),
        "correlation": names.prose.number(float(str(row["correlation"])), 2),
    }
    if given:
        return "  " + names.prose.say("graph.claim.fails_given", facts, given=names.nodes(given))
    return "  " + names.prose.say("graph.claim.fails", facts)
