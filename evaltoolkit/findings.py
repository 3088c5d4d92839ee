"""What went wrong, where, as data: codes and facts, no sentences.

The sentence for a code stands in the catalogues (``evaltoolkit.i18n``), in four languages.

Exception tree::

    EvaltoolkitError
    ├── FaultsError        several faults of one input, raised together
    └── RefusedError       the input is well formed, but the method must not be run on it
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "question", "note"]
Fact = str | int | float


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a finding; what does not apply stays empty."""

    file: str = ""
    sheet: str = ""
    cell: str = ""
    indicator: str = ""
    unit: str = ""
    period: str = ""

    def __str__(self) -> str:
        sheet_cell = "!".join(part for part in (self.sheet, self.cell) if part)
        return " · ".join(part for part in (self.file, sheet_cell, self.indicator, self.unit, self.period) if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person must know about an input.

    Parameters
    ----------
    code : str
        ``"room.what"``, for example ``"value.above_maximum"``; message id of the catalogues
        (``<code>`` what is wrong, ``<code>.remedy`` what to do).
    severity : {"error", "question", "note"}
        An error keeps the value out; a question is asked and the value kept; a note informs.
    where : Where
    facts : mapping
        Numbers and names for the sentence. Never free text that was typed into a form.
    """

    code: str
    severity: Severity
    where: Where = field(default_factory=Where)
    facts: Mapping[str, Fact] = field(default_factory=dict)


class EvaltoolkitError(Exception):
    """Root of every error the toolkit raises on purpose."""


class FaultsError(EvaltoolkitError):
    """All faults of one input at once; each is one English sentence with place and remedy."""

    def __init__(self, faults: Sequence[str], what: str = "The input") -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        head = f"{what} has {count} fault{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *(f"  - {fault}" for fault in self.faults)]))


class RefusedError(EvaltoolkitError):
    """The method must not be run on this input; the message says why and what to do instead."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``' Did you mean "x"?'`` for the nearest known word, or an empty string."""
    names = list(known)
    lower = {name.lower(): name for name in names}
    hits = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f' Did you mean "{lower[hits[0]]}"?' if hits else ""
