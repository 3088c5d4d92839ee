"""What every page must have: its language, its switch, its labels. What is missing is a warning, and so an error.

Pages for policymakers and officers exist in four languages; chapters for evaluators, methods and the reference exist
in English and say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

from evaltoolkit_book.labels import book_words, claim_label, simulated_number

log = logging.getLogger(__name__)

ENGLISH_ONLY = ("evaluators/", "reference/")
DATA = ("simulated", "real", "none")
IN_SHORT_LINES = 3
# a number that a reader would ask the source of: a share, a decimal, or larger than twenty and no year
_NUMBER = re.compile(r"\d[\d.,\u00a0\u202f]*\s?%|\d+[.,]\d+|\b(?!(?:19|20)\d\d\b)\d{3,}\b|\b[2-9]\d\b")
_SOURCES = (claim_label, simulated_number, nodes.citation_reference, addnodes.pending_xref)


def is_english_only(docname: str) -> bool:
    """Tell whether a page exists in English only."""
    return docname.startswith(ENGLISH_ONLY)


def _configure(app: Any, config: Any) -> None:
    words = book_words(config.language)
    config.html_title = config.project = words.say("book.title")
    config.html_theme_options["search_bar_text"] = words.say("book.search")
    config.html_context = {
        **config.html_context,
        "book_languages": config.book_languages,
        "book_language_names": {"nl": "Nederlands", "fr": "Français", "de": "Deutsch", "en": "English"},
        "book_language_label": words.say("book.language"),
        "book_home_label": words.say("book.home"),
        "book_pdf": config.book_pdf,
        "book_pdf_title": words.say("book.pdf"),
    }


def _on_read(app: Any, doctree: nodes.document) -> None:
    docname = app.env.docname
    language = app.config.language
    words = book_words(language)
    for toctree in doctree.findall(addnodes.toctree):
        # captions are codes, put into words here
        if toctree.get("caption"):
            toctree["caption"] = words.say(f"book.part.{toctree['caption']}")
    if is_english_only(docname):
        _mark_english(doctree, words.say("book.english_only") if language != "en" else "")
        _label_outputs(app, doctree, docname)
    elif app.builder.name != "gettext":
        if language != "en":
            _require_translation(doctree, docname)
        if docname.startswith("policymakers/"):
            _require_parts(doctree, docname)
            _require_sources(doctree, docname)


def _without_captions(app: Any, env: Any) -> None:
    """Captions of the table of contents are codes: they are no text to translate."""
    if app.builder.name == "gettext":
        for toc in env.tocs.values():
            for toctree in toc.findall(addnodes.toctree):
                toctree.attributes.pop("rawcaption", None)


def _mark_english(doctree: nodes.document, notice: str) -> None:
    """Mark a page as English for screen readers, and say so to who reads another language."""
    if notice:
        note = nodes.admonition("", nodes.paragraph("", notice), classes=["english-only", "note"])
        doctree.insert(0, note)
    doctree.insert(1 if notice else 0, nodes.raw("", '<div lang="en">', format="html"))
    doctree.append(nodes.raw("", "</div>", format="html"))


def _label_outputs(app: Any, doctree: nodes.document, docname: str) -> None:
    """Label every output of a page that computes with simulated data."""
    cells = [c for c in doctree.findall(nodes.container) if "cell" in c.get("classes", [])]
    if not cells:
        return
    kind = app.env.metadata[docname].get("data")
    code = "\n".join(cell.astext() for cell in cells)
    if kind not in DATA:
        log.warning("say in the front matter what the code computes with: data: %s", " | ".join(DATA), location=docname)
    if "simulate_world" in code and kind != "simulated":
        log.warning("this page simulates a world: write data: simulated in its front matter", location=docname)
    if kind != "simulated":
        return
    words = book_words("en")
    title = next(doctree.findall(nodes.title), None)
    banner = nodes.admonition(
        "", nodes.paragraph("", words.say("book.simulated.page")), classes=["simulated-page", "warning"]
    )
    if title is not None:
        title.parent.insert(title.parent.index(title) + 1, banner)
    outputs = (c for c in doctree.findall(nodes.container) if "cell_output" in c.get("classes", []))
    for output in list(outputs):
        output.insert(0, nodes.paragraph("", words.say("book.simulated.output"), classes=["simulated"]))


def _leaves(doctree: nodes.document) -> Iterator[nodes.TextElement]:
    """Every piece of text that somebody wrote for the page."""
    kinds = (nodes.paragraph, nodes.title, nodes.term, nodes.caption, nodes.rubric)
    for node in doctree.findall(lambda one: isinstance(one, kinds)):
        if node.astext().strip() and not _generated(node):
            yield node


def _generated(node: nodes.Node) -> bool:
    while node is not None:
        if isinstance(node, nodes.Element) and ("generated" in node or isinstance(node, nodes.citation)):
            return True
        node = node.parent
    return False


def _require_translation(doctree: nodes.document, docname: str) -> None:
    for node in _leaves(doctree):
        if node.get("translated") is not True:
            log.warning("not translated: %s", node.astext()[:80], location=node if node.line else docname)


def _require_parts(doctree: nodes.document, docname: str) -> None:
    """A page for policymakers begins with three lines, labels its claims and ends with a checklist."""
    boxes = {name: list(_boxes(doctree, name)) for name in ("in-short", "checklist")}
    for name, found in boxes.items():
        if len(found) != 1:
            log.warning("the page needs one box of class %s, it has %d", name, len(found), location=docname)
    for box in boxes["in-short"]:
        lines = len(list(box.findall(nodes.list_item)))
        if lines != IN_SHORT_LINES:
            log.warning("in short: %d lines, write %d", lines, IN_SHORT_LINES, location=docname)
    if not list(doctree.findall(claim_label)):
        log.warning("no claim on this page is labelled with its certainty", location=docname)


def _boxes(doctree: nodes.document, name: str) -> Iterator[nodes.Element]:
    return (box for box in doctree.findall(nodes.Admonition) if name in box.get("classes", []))


def _require_sources(doctree: nodes.document, docname: str) -> None:
    """A number on a page for policymakers comes from the demonstration or stands in a claim whose base is named."""
    for node in doctree.findall(nodes.paragraph):
        if _generated(node) or any("in-short" in p.get("classes", []) for p in _parents(node)):
            continue
        bare = "".join(text.astext() for text in node.findall(nodes.Text) if not _inside(text, simulated_number, node))
        row = next((p for p in _parents(node) if isinstance(p, nodes.row)), node)
        if _NUMBER.search(bare) and not any(isinstance(n, _SOURCES) for n in row.findall()):
            log.warning("a number without its source: %s", node.astext()[:80], location=node if node.line else docname)


def _parents(node: nodes.Node) -> Iterator[nodes.Element]:
    parent = node.parent
    while isinstance(parent, nodes.Element):
        yield parent
        parent = parent.parent


def _inside(node: nodes.Node, kind: type[nodes.Node], stop: nodes.Node) -> bool:
    return any(isinstance(parent, kind) for parent in _parents(node) if parent is not stop)


def _without_thebe(app: Any, _: Any) -> None:
    """Jupyter Book always loads sphinx-thebe, which names a script on the web; nothing here runs in the browser."""
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [one for one in listeners if not one.handler.__module__.startswith("sphinx_thebe")]
    app.registry.css_files = [one for one in app.registry.css_files if "thebe" not in str(one[0])]


def _name_summaries(app: Any, _pagename: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """The theme unfolds parts of its navigation with a summary that has no name; a screen reader needs one."""
    draw = context.get("generate_toctree_html")
    if draw is not None:
        name = book_words(app.config.language).say("book.unfold")
        context["generate_toctree_html"] = lambda *given, **options: str(draw(*given, **options)).replace(
            "<summary>", f'<summary aria-label="{escape(name)}">'
        )


def setup(app: Any) -> None:
    """Connect the checks."""
    app.add_config_value("book_languages", [], "env", [list, str])
    app.add_config_value("book_pdf", False, "html", [bool])
    app.connect("config-inited", _configure, priority=900)
    app.connect("doctree-read", _on_read, priority=900)
    app.connect("env-updated", _without_captions)
    app.connect("html-page-context", _name_summaries, priority=900)
    app.connect("config-inited", _without_thebe, priority=901)
