"""Periods with dates: calendar years, quarters, months and survey waves of any length."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from evaltoolkit.findings import EvaltoolkitError

_YEAR = re.compile(r"^\d{4}$")
_QUARTER = re.compile(r"^(\d{4})-Q([1-4])$")
_MONTH = re.compile(r"^(\d{4})-(\d{2})$")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A reporting period or survey wave: first day, last day, and the label it is written with."""

    start: dt.date
    end: dt.date
    label: str

    @classmethod
    def parse(cls, label: str | int) -> Period:
        """Read ``2023``, ``2023-Q2``, ``2023-05`` or an ISO 8601 interval ``2023-03-01/2023-06-30``."""
        text = str(label).strip()
        try:
            return _parse(text)
        except ValueError:
            raise EvaltoolkitError(
                f'Period "{text}" is not understood: write a year (2023), a quarter (2023-Q2), a month (2023-05) '
                "or two dates (2023-03-01/2023-06-30)."
            ) from None

    @property
    def time(self) -> float:
        """Position on the time axis in years: the first day's year plus its months' share."""
        return self.start.year + (self.start.month - 1) / 12

    def __str__(self) -> str:
        return self.label


def _parse(text: str) -> Period:
    if _YEAR.match(text):
        return Period(dt.date(int(text), 1, 1), dt.date(int(text), 12, 31), text)
    if match := _QUARTER.match(text):
        year, quarter = int(match[1]), int(match[2])
        return Period(dt.date(year, 3 * quarter - 2, 1), _month_end(year, 3 * quarter), text)
    if match := _MONTH.match(text):
        return Period(dt.date(int(match[1]), int(match[2]), 1), _month_end(int(match[1]), int(match[2])), text)
    first, _, last = text.partition("/")
    period = Period(dt.date.fromisoformat(first), dt.date.fromisoformat(last), text)
    if period.end < period.start:
        raise ValueError(text)
    return period


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])
