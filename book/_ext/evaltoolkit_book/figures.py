"""Figures and extracts of the demonstration's report, in the language of the page.

``{picture} TRU-01 paths``, ``{picture} TRU-01 event_study`` and every other kind of ``draw_figure``
    a figure with caption, text for screen readers and the table behind it.
``{answer} TRU-01``
    what the report answers to one question: sentences, certainty, what lowered it and what would lift it.
``{theory}``
    the theory of change of the demonstration's plan, steps and rival explanations, drawn by Graphviz.
"""

from __future__ import annotations

import itertools
from html import escape
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.reports.answers import answer_of
from evaltoolkit.reports.draw import draw_figure
from evaltoolkit.reports.graphviz import dot_label, run_dot
from evaltoolkit.reports.pages import render_part
from evaltoolkit.reports.svg import inline_svg
from evaltoolkit_book import story
from evaltoolkit_book.labels import book_prose

COLOURS = {"step": "#eef3f7", "rival": "#fdf6e3", "line": "#35607f"}


class demo_output(nodes.container):  # noqa: N801 - docutils names nodes so
    """Something of the simulated demonstration: it must say so."""


class _Demo(SphinxDirective):
    """A directive that shows something of the demonstration."""

    @property
    def language(self) -> str:
        return str(self.config.language)

    def wrap(self, html: str) -> list[nodes.Node]:
        label = nodes.paragraph("", book_prose(self.language).say("book.simulated.from_demo"), classes=["simulated"])
        label["generated"] = True
        box = demo_output("", label, nodes.raw("", html, format="html"), classes=["from-demo"])
        self.set_source_info(box)
        return [box]


class PictureDirective(_Demo):
    """A figure of one outcome."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        outcome, kind = self.arguments
        try:
            picture = draw_figure(kind, story.evaluation(), outcome=outcome, language=self.language).picture
        except EvaltoolkitError as problem:
            raise self.error(str(problem)) from problem
        prose = book_prose(self.language)
        # the box says that it is simulated
        return self.wrap(render_part("figure.html.j2", prose, picture=picture, simulated=False))


class AnswerDirective(_Demo):
    """The answer to one question, as the report gives it."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"brief": directives.flag}

    def run(self) -> list[nodes.Node]:
        """Return the extract."""
        prose = book_prose(self.language)
        answer = answer_of(story.result_of(self.arguments[0]), story.evaluation(), prose)
        html = render_part("answer.html.j2", prose, answer=answer, brief="brief" in self.options)
        return self.wrap(html)


class TheoryDirective(SphinxDirective):
    """The theory of change of the demonstration's plan as a drawing."""

    def run(self) -> list[nodes.Node]:
        """Return the drawing with the text that says what it shows."""
        language = str(self.config.language)
        prose = book_prose(language)
        plan = story.evaluation().plan.said_in(language)
        steps, rivals = list(plan.theory_of_change), list(plan.rival_explanations)
        svg = inline_svg(
            run_dot(_dot(steps, rivals, prose.say("book.theory.rival"), prose.say("book.theory.outcome"))),
            name="theory",
            title=prose.say("book.theory.caption"),
            description=prose.say("book.theory.alt", steps=", ".join(steps), rivals=", ".join(rivals)),
        )
        caption = escape(prose.say("book.theory.caption"))
        html = f'<figure class="theory">{svg}<figcaption>{caption}</figcaption></figure>'
        return [nodes.raw("", html, format="html")]


_DOT = """digraph theory {{
rankdir=TB; bgcolor="transparent"; nodesep=0.25; ranksep=0.3;
node [shape=box, style="rounded,filled", fillcolor="{step}", color="{line}", fontname="DejaVu Sans", fontsize=12];
edge [color="{line}", arrowsize=0.7];
{body}
}}"""


def _dot(steps: list[str], rivals: list[str], rival: str, outcome: str) -> str:
    """Steps from top to bottom; rival explanations point, dashed, at the same outcome."""
    names = [*(f"s{i}" for i in range(len(steps))), "out"]
    body = [f"{name} [label={dot_label(text)}];" for name, text in zip(names, [*steps, outcome], strict=True)]
    body += [f"{one} -> {next_one};" for one, next_one in itertools.pairwise(names)]
    for i, text in enumerate(rivals):
        body.append(f'r{i} [label={dot_label(f"{rival} {text}")}, fillcolor="{COLOURS["rival"]}"];')
        body.append(f"r{i} -> out [style=dashed];")
    return _DOT.format(step=COLOURS["step"], line=COLOURS["line"], body="\n".join(body))


def _open_box(self: Any, node: demo_output) -> None:
    self.body.append(self.starttag(node, "div", ""))


def _close_box(self: Any, _: demo_output) -> None:
    self.body.append("</div>\n")


def setup(app: Any) -> None:
    """Register the directives."""
    app.add_node(demo_output, html=(_open_box, _close_box))
    app.add_directive("picture", PictureDirective)
    app.add_directive("answer", AnswerDirective)
    app.add_directive("theory", TheoryDirective)
