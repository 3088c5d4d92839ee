"""What a check returns, the list of checks, and the runner."""

from __future__ import annotations

import inspect
import math
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError, Fact, nearest


@dataclass(frozen=True)
class Check:
    """One assumption, what was done, what was seen.

    Attributes
    ----------
    name : for example ``pretrends``
    assumption : message id of the assumption it speaks to
    verdict : True (nothing against it seen), False (something against it seen), None (information only)
    code : message id of the sentence that says what was seen
    facts : numbers for that sentence
    table : the numbers behind it
    figure : figure data (name -> array or frame), drawn by the reports
    did : message id of what was done, where it is not always the same; else ``check.<name>.did``
    p_value : of the test that the verdict rests on, two-sided; NaN where it rests on a rule that is no such test
    """

    name: str
    assumption: str
    verdict: bool | None
    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    figure: Mapping[str, Any] = field(default_factory=dict)
    did: str = ""
    p_value: float = math.nan


@cache
def list_checks() -> dict[str, Callable[..., Check]]:
    """Return every check by name: file ``checks/x.py`` holds ``check_x(design, effects, *, ...)``."""
    package = import_module("evaltoolkit.checks")
    found = {}
    for entry in pkgutil.iter_modules(package.__path__):
        if entry.name.startswith("_") or entry.name == "registry":
            continue
        module = import_module(f"evaltoolkit.checks.{entry.name}")
        found[entry.name] = getattr(module, f"check_{entry.name}")
    return found


def check(design: Design, effects: Effects, names: Iterable[str] | None = None, /, **context: Any) -> tuple[Check, ...]:
    """Run checks on a design and its effects.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    names : iterable of str, optional
        Which checks, in order; default all.
    **context
        What checks may need beside: ``panel``, ``indicator``, ``smallest_relevant``, ``detection_range``, ``level``,
        ``seed``. Each check takes what it knows.

    Returns
    -------
    tuple of Check

    Raises
    ------
    EvaltoolkitError
        Unknown check or context, with the nearest valid word.
    """
    known = list_checks()
    chosen = list(known) if names is None else list(names)
    for name in chosen:
        if name not in known:
            raise EvaltoolkitError(f'There is no check "{name}"; choose from {", ".join(known)}.{nearest(name, known)}')
    takes = {name: _options(function) for name, function in known.items()}
    every = sorted({option for options in takes.values() for option in options})
    for word in context:
        if word not in every:
            raise EvaltoolkitError(f'No check takes "{word}"; they take {", ".join(every)}.{nearest(word, every)}')
    return tuple(
        known[name](design, effects, **{word: value for word, value in context.items() if word in takes[name]})
        for name in chosen
    )


def _options(function: Callable[..., Check]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
