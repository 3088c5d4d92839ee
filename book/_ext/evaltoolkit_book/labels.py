"""The book's own words, and the roles that label a claim or a number.

``{claim}`moderate:read```
    how certain a claim is, and what that rests on.
``{number}`TRU-01.estimate```
    a number of the demonstration, computed by this build and labelled as simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.framework.scales import decimals_for, scale_of
from evaltoolkit.i18n import Words
from evaltoolkit.panels.simulate import DETECTION_RATIO
from evaltoolkit.reports.prose import Prose
from evaltoolkit_book import story

log = logging.getLogger(__name__)

LOCALE = Path(__file__).resolve().parents[2] / "locale"
DEGREES = ("high", "moderate", "low", "very_low")
BASES = ("law", "read", "recalled", "computed", "reasoned")


class simulated_number(nodes.inline):  # noqa: N801 - docutils names nodes so
    """A number of the simulated demonstration."""


class claim_label(nodes.inline):  # noqa: N801
    """How certain a claim is."""


@cache
def book_words(language: str) -> Words:
    """Return the toolkit's words of a language with those of the book."""
    return Words(language, extra=LOCALE / language)


@cache
def book_prose(language: str) -> Prose:
    """Return sentences of a language with the names of the demonstration's outcomes."""
    from evaltoolkit.reports.prose import prose_of

    known = prose_of(story.evaluation(), language)
    return Prose(book_words(language), known.names)


class ClaimRole(SphinxRole):
    """Label a claim: degree of certainty and what it rests on."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the label."""
        degree, _, basis = self.text.partition(":")
        if degree not in DEGREES or basis not in BASES:
            log.warning(
                "a claim is labelled %r: write one of %s, a colon, and one of %s",
                self.text,
                ", ".join(DEGREES),
                ", ".join(BASES),
                location=self.get_location(),
            )
        words = book_words(self.config.language)
        text = words.say(
            "book.claim", degree=words.say(f"book.degree.{degree}"), basis=words.say(f"book.basis.{basis}")
        )
        return [claim_label("", text, classes=["claim", f"claim-{degree}"])], []


class NumberRole(SphinxRole):
    """A number of the demonstration, in the language of the page, with the label that it is simulated."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number and its label."""
        words = book_words(self.config.language)
        try:
            text = number_text(self.text, words)
        except (KeyError, StopIteration):
            log.warning("there is no number %r in the demonstration", self.text, location=self.get_location())
            text = self.text
        label = nodes.inline("", words.say("book.simulated"), classes=["simulated"])
        return [simulated_number("", "", nodes.Text(text), nodes.Text(" "), label, classes=["figure-of-demo"])], []


def number_text(name: str, words: Words) -> str:
    """Return a number of the demonstration as text: ``TRU-01.estimate``, ``world.detection_percent``."""
    subject, _, what = name.partition(".")
    if subject == "world":
        return words.number(_WORLD[what]())
    result = story.result_of(subject)
    value, digits = _shown(result, what)
    return words.number(value, digits)


_WORLD: dict[str, Callable[[], float]] = {
    "detection_percent": lambda: round(100 * (DETECTION_RATIO - 1)),
    "units": lambda: len(story.evaluation().panel.units),
}


def _shown(result: OutcomeResult, what: str) -> tuple[float, int]:
    """Return a value in shown units with the decimals it is shown with."""
    if what in ("treated", "comparison"):
        assert result.overall is not None
        return int(result.overall.to_frame().iloc[0][f"n_{what}"]), 0
    scale = scale_of(result.indicator, result.outcome.unit)
    value = _stored(result, what)
    return float(scale.factor * value), decimals_for(scale.factor * value, most=scale.decimals)


def _stored(result: OutcomeResult, what: str) -> float:
    if what in ("smallest_relevant", "margin"):
        return float(getattr(result.outcome, what))
    if what == "mde":
        return result.feasibility.mde
    if what == "truth":
        from evaltoolkit.demo.truth import true_overall

        assert result.effects is not None
        return true_overall(result.effects, result.outcome.indicator)
    if result.headline is None:
        return math.nan
    interval = result.headline.interval
    known = {"estimate": interval.estimate, "size": abs(interval.estimate), "low": interval.low, "high": interval.high}
    return known[what]


def setup(app: Any) -> None:
    """Register roles and nodes."""
    plain = (lambda self, node: self.visit_inline(node), lambda self, node: self.depart_inline(node))
    for node in (claim_label, simulated_number):
        app.add_node(node, html=plain)
    app.add_role("claim", ClaimRole())
    app.add_role("number", NumberRole())
