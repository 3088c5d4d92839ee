"""The list of sources by author and year, in the markup of an ordinary list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sphinxcontrib.bibtex.plugin
from docutils import nodes
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style as UnsrtStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.writers.html5 import HTML5Translator
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle


class NoLabels(BaseLabelStyle):
    """Authors and year stand in the entry itself: its label, the key, is not shown."""

    def format_labels(self, sorted_entries: Any) -> Any:
        """Return the key of each entry."""
        return (entry.key for entry in sorted_entries)


class BookStyle(UnsrtStyle):
    """Sorted by author and year, without labels."""

    default_sorting_style = "author_year_title"
    default_label_style = NoLabels
    default_name_style = "lastfirst"


def _round() -> BracketStyle:
    return BracketStyle(left="(", right=")")


@dataclass
class RoundReferenceStyle(AuthorYearReferenceStyle):
    """Author and year in round brackets."""

    bracket_parenthetical: BracketStyle = field(default_factory=_round)
    bracket_textual: BracketStyle = field(default_factory=_round)
    bracket_author: BracketStyle = field(default_factory=_round)
    bracket_label: BracketStyle = field(default_factory=_round)
    bracket_year: BracketStyle = field(default_factory=_round)


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
    sphinxcontrib.bibtex.plugin.register_plugin("sphinxcontrib.bibtex.style.referencing", "round", RoundReferenceStyle)
    app.add_node(nodes.citation, override=True, html=(_visit_citation, _depart_citation))
    app.add_node(nodes.label, override=True, html=(_visit_label, None))
