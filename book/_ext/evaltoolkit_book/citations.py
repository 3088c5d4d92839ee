"""The list of sources by author and year, in the markup of an ordinary list."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style as UnsrtStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.writers.html5 import HTML5Translator


class NoLabels(BaseLabelStyle):
    """Authors and year stand in the entry itself, so it needs no label."""

    def format_labels(self, sorted_entries: Any) -> Any:
        """Return an empty label per entry."""
        for _ in sorted_entries:
            yield ""


class BookStyle(UnsrtStyle):
    """Sorted by author and year, without labels."""

    default_sorting_style = "author_year_title"
    default_label_style = NoLabels


def _visit_citation(self: HTML5Translator, node: nodes.citation) -> None:
    # docutils writes role="list" around role="doc-biblioentry", which is no list item: axe calls that critical
    self.body.append(self.starttag(node, "div", CLASS="source"))


def _depart_citation(self: HTML5Translator, _: nodes.citation) -> None:
    self.body.append("</div>\n")


def _visit_label(_: HTML5Translator, __: nodes.label) -> None:
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Register the style and the markup."""
    register_plugin("pybtex.style.formatting", "book", BookStyle)
    app.add_node(
        nodes.citation, override=True, html=(_visit_citation, _depart_citation)
    )
    app.add_node(nodes.label, override=True, html=(_visit_label, None))
