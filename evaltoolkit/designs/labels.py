"""Labels as tables hold them: codes, periods, dates and numbers of any type, and what they mean on the axis of time."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.labels import as_day, label_text, plain_quarter

_MOST_LISTED = 5
# far below a day in a year, far above the rounding of a year
_SAME = 1e-6


def as_number(text: str) -> float | None:
    """Return the number that a text is, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def time_of(label: Any) -> float:
    """Return where a period begins: a number as it is; a date, a period or its label in years.

    Raises
    ------
    EvaltoolkitError
        It is none of them, or infinite.
    """
    if (day := as_day(label)) is not None:
        return _time_of_day(day)
    text = label_text(label)
    number = as_number(text)
    if number is None:
        return Period.parse(plain_quarter(text)).time
    if not np.isfinite(number):
        raise EvaltoolkitError(f'"{text}" is no period: periods are numbers, dates, or labels such as 2023-Q2.')
    return number


def _time_of_day(day: pd.Timestamp) -> float:
    """Years; the first days of months stand where :attr:`Period.time` has them."""
    length = calendar.monthrange(day.year, day.month)[1]
    within = (day.day - 1 + (day.hour + day.minute / 60) / 24) / length
    return float(day.year + (day.month - 1 + within) / 12)


def calendar_step(times: Array) -> float:
    """Return the length of years, quarters or months on which all times begin; 0 where they begin on none."""
    for step in (1.0, 1 / 4, 1 / 12):
        if (np.abs(times / step - np.round(times / step)) < _SAME).all():
            return step
    return 0.0


def on_periods(first: Array, times: Array) -> Array:
    """Return starts that are a period but for rounding as that period; others stay what they are."""
    if (times % 1 == 0).all():
        return first
    place = np.minimum(np.searchsorted(times, first - _SAME), len(times) - 1)
    return np.where(np.abs(first - times[place]) < _SAME, times[place], first)


def listed(items: Iterable[Any]) -> str:
    """Return the first few, and how many more there are."""
    names = [str(one) for one in items]
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
