"""What the book needs of Sphinx: numbers and figures from the toolkit, generated annexes, four languages, labels."""

from __future__ import annotations

from typing import Any

from evaltoolkit_book import annexes, citations, figures, labels, mathml, pages, story

__all__ = ["setup"]


def setup(app: Any) -> dict[str, bool]:
    """Register everything with Sphinx."""
    for part in (story, labels, figures, annexes, pages, citations, mathml):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
