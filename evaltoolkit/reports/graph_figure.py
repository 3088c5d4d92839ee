"""The causal graph beside the theory of change, as one SVG file that says in words what it shows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from evaltoolkit.evaluations.causal import GraphAnswer
from evaltoolkit.graphs.graph import ACTION, OUTCOME
from evaltoolkit.reports.causal import GraphProse, graph_prose, say_decision, say_refusal
from evaltoolkit.reports.graphviz import dot_label, run_dot

_SVG = "http://www.w3.org/2000/svg"
# what a colour says is also written in the box
_FILL = {"main": "#dbe8f2", "held": "#e2f1e4", "refused": "#fbe3de", "plain": "#ffffff", "rival": "#fdf6e3"}
_DOT = """digraph causal {{
rankdir=TB; bgcolor="white"; nodesep=0.35; ranksep=0.45; newrank=true; fontname="DejaVu Sans"; fontsize=14;
label={finding}; labelloc=b; labeljust=l;
node [shape=box, style="rounded,filled", fillcolor="{plain}", color="#35607f", fontname="DejaVu Sans", fontsize=12];
edge [color="#35607f", arrowsize=0.7, fontname="DejaVu Sans", fontsize=10];
{body}
}}"""


def write_graph(answer: GraphAnswer, path: str | Path, *, language: str) -> Path:
    """Write graph and theory of change as SVG; its folder is made where it does not exist.

    Parameters
    ----------
    answer : GraphAnswer
    path : file to write
    language : {"nl", "fr", "de", "en"}

    Raises
    ------
    EvaltoolkitError
        Graphviz is not installed.
    """
    path = Path(path)
    text = draw_graph(answer, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def draw_graph(answer: GraphAnswer, language: str) -> str:
    """Return graph and theory of change as the text of an SVG file, with title and description."""
    names = graph_prose(answer, language)
    body = [*_graph_cluster(answer, names), *_theory_cluster(names)]
    ET.register_namespace("", _SVG)
    finding = dot_label(*say_decision(answer.identification, names), width=100, end="\\l")
    root = ET.fromstring(run_dot(_DOT.format(finding=finding, body="\n".join(body), **_FILL)))
    _drop_titles(root)
    root.attrib |= {"role": "img", "lang": language, "aria-labelledby": "graph-title graph-description"}
    texts = {
        "title": names.prose.say("graph.figure.title", title=names.said.title),
        "desc": describe_graph(answer, names),
    }
    for place, (tag, text) in enumerate(texts.items()):
        child = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"graph-{'title' if tag == 'title' else 'description'}"})
        child.text, child.tail = text, "\n"
        root.insert(place, child)
    return ET.tostring(root, encoding="unicode") + "\n"


def describe_graph(answer: GraphAnswer, names: GraphProse) -> str:
    """Return the drawing in words: the finding first, then the arrows and the theory of change."""
    say, graph = names.prose.say, answer.graph
    arrows = "; ".join(f"{names.node(cause)} → {names.node(effect)}" for cause, effect in graph.edges)
    refused = [say_refusal(one, names)[0] for one in answer.refusals]
    parts = [*say_decision(answer.identification, names), *refused, say("graph.figure.arrows", arrows=arrows)]
    if names.said.theory_of_change:
        steps = " → ".join(step.rstrip(".") for step in names.said.theory_of_change)
        parts.append(say("graph.figure.steps", steps=steps))
    if names.said.rival_explanations:
        rivals = "; ".join(rival.rstrip(".") for rival in names.said.rival_explanations)
        parts.append(say("graph.figure.rivals", rivals=rivals))
    return " ".join(parts)


def _drop_titles(root: ET.Element) -> None:
    """Graphviz names every shape by its code, which no reader knows."""
    for parent in list(root.iter()):
        for title in parent.findall(f"{{{_SVG}}}title"):
            parent.remove(title)


def _graph_cluster(answer: GraphAnswer, names: GraphProse) -> list[str]:
    graph = answer.graph
    ids = {node: f"n{place}" for place, node in enumerate(graph.nodes)}
    lines = [_box(node, ids[node], answer, names) for node in graph.nodes]
    for cause, effect in graph.edges:
        on_level = cause in graph.level_only and effect == OUTCOME
        lines.append(f"{ids[cause]} -> {ids[effect]}{' [style=dotted]' if on_level else ''};")
    return _cluster("graph", names.prose.say("graph.figure.graph"), lines)


def _box(node: str, code: str, answer: GraphAnswer, names: GraphProse) -> str:
    graph, found, say = answer.graph, answer.identification, names.prose.say
    notes, fill = [], "plain"
    if node in (ACTION, OUTCOME):
        return f'{code} [label={dot_label(names.node(node))}, fillcolor="{_FILL["main"]}", penwidth=2];'
    if node in found.planned and any(one.facts.get("node") == node for one in found.refusals):
        notes, fill = [say(f"graph.figure.refused.{found.roles[node]}")], "refused"
    elif node in found.adjustment:
        notes, fill = [say("graph.figure.held")], "held"
    if node not in graph.measures:
        notes.append(say("graph.figure.not_measured"))
    if node in graph.after:
        notes.append(say("graph.figure.after"))
    if node in graph.level_only:
        notes.append(say("graph.figure.level_only"))
    dashed = "" if node in graph.measures else ', style="rounded,filled,dashed"'
    label = dot_label(names.node(node), *(f"({note})" for note in notes))
    return f'{code} [label={label}, fillcolor="{_FILL[fill]}"{dashed}];'


def _theory_cluster(names: GraphProse) -> list[str]:
    steps, rivals = names.said.theory_of_change, names.said.rival_explanations
    if not steps and not rivals:
        return []
    end = "t_end"
    codes = [*(f"t{place}" for place in range(len(steps))), end]
    texts = [*steps, names.node(OUTCOME)]
    lines = [f"{code} [label={dot_label(text)}];" for code, text in zip(codes, texts, strict=True)]
    lines += [f"{one} -> {following};" for one, following in pairwise(codes)]
    for place, rival in enumerate(rivals):
        label = dot_label(names.prose.say("graph.figure.rival"), rival)
        lines += [f'r{place} [label={label}, fillcolor="{_FILL["rival"]}"];', f"r{place} -> {end} [style=dashed];"]
    return _cluster("theory", names.prose.say("report.plan.theory"), lines)


def _cluster(code: str, title: str, lines: list[str]) -> list[str]:
    label = f"label={dot_label(title, width=60)}; labelloc=t; labeljust=c;"
    head = f'subgraph cluster_{code} {{ {label} color="#c5d0d8"; style=rounded; margin=16;'
    return [head, *lines, "}"]
