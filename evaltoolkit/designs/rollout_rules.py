"""What a randomised roll-out is told: which starts, how many of each, from which columns, with which seed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.periods import Period

# arms without a start: never, or on a waiting list without a date yet
WITHOUT_START = ("waiting", "never")


@dataclass(frozen=True)
class Rules:
    """Settings of a draw; ``sizes`` maps the label of each start to the number of units (or clusters) it gets."""

    unit: str
    action: str
    sizes: Mapping[str, int]
    seed: int
    strata: tuple[str, ...] = ()
    balance: tuple[str, ...] = ()
    cluster: str | None = None
    candidates: int = 1000
    accept: float = 0.1
    decimal: str = "."

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the starts, the earliest first, then waiting and never: the order never hangs on the caller's."""
        return tuple(sorted(self.sizes, key=lambda label: (first_day(label) or dt.date.max, label == "never")))


def first_day(label: str) -> dt.date | None:
    """Return the first day of a start (``2027``, ``2027-Q1``, ``2027-01``, ``2027-01-15``); None for waiting, never.

    Raises
    ------
    EvaltoolkitError
        The label is none of these.
    """
    if label in WITHOUT_START:
        return None
    try:
        return dt.date.fromisoformat(label) if len(label) == len("2027-01-15") else Period.parse(label).start
    except ValueError:
        raise EvaltoolkitError(f'"{label}" is not a day of the calendar.') from None


def parse_sizes(texts: Iterable[str]) -> dict[str, int]:
    """Read ``["2027-01=10", "never=10"]``, as the command line gives them.

    Raises
    ------
    FaultsError
        Every text that is not a start, an equals sign and a whole number, and every start given twice.
    """
    sizes: dict[str, int] = {}
    faults = []
    for text in texts:
        label, _, size = (part.strip() for part in text.partition("="))
        if not label or not (size.isascii() and size.isdigit()):
            faults.append(f'"{text}" is not understood: write a start and a number, for example 2027-01=10.')
        elif label in sizes:
            faults.append(f'the start "{label}" stands twice; add the numbers up.')
        else:
            sizes[label] = int(size)
    if faults:
        raise FaultsError(faults, "The list of starts")
    return sizes


def as_names(names: Sequence[str] | str) -> tuple[str, ...]:
    """Return column names, each once; a single name may stand without brackets."""
    return tuple(dict.fromkeys([names] if isinstance(names, str) else names))


def check_rules(rules: Rules) -> list[str]:
    """Return every fault of the settings themselves, one English sentence with its remedy each."""
    faults = [*_size_faults(rules.sizes), *_label_faults(rules.sizes)]
    if not rules.action.strip():
        faults.append("action is empty: name what starts, as the roster will name it.")
    if isinstance(rules.seed, bool) or not isinstance(rules.seed, int) or rules.seed < 0:
        faults.append(f"seed {rules.seed!r}: write a whole number from 0 on, fixed in public before the draw.")
    if isinstance(rules.candidates, bool) or not isinstance(rules.candidates, int) or rules.candidates < 1:
        faults.append(f"candidates {rules.candidates!r}: write a whole number from 1 on.")
    if not (isinstance(rules.accept, int | float) and 0 < rules.accept <= 1):
        faults.append(f"accept {rules.accept!r}: write a share above 0 and up to 1, such as 0.1.")
    if rules.decimal not in (".", ","):
        faults.append(f'decimal {rules.decimal!r}: write "." or ",".')
    return faults


def _size_faults(sizes: Mapping[str, int]) -> list[str]:
    faults = [
        f'"{label}": {size!r} is not a number of units; write a whole number from 1 on.'
        for label, size in sizes.items()
        if isinstance(size, bool) or not isinstance(size, int) or size < 1
    ]
    if len(sizes) < 2:
        faults.append('at least two starts are needed to draw between; one of them may be "never".')
    return faults


def _label_faults(sizes: Mapping[str, int]) -> list[str]:
    faults, days = [], dict[dt.date, str]()
    for label in sizes:
        try:
            day = first_day(label)
        except EvaltoolkitError as problem:
            hint = nearest(label, WITHOUT_START)
            faults.append(f'{problem} A group without a start is written "never" or "waiting".{hint}')
            continue
        if day in days:
            faults.append(f'"{days[day]}" and "{label}" begin on the same day; add the numbers up.')
        elif day is not None:
            days[day] = label
    return faults
