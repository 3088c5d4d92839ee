"""Codes, days and periods as tables hold them, of any type, and the label that a panel gives them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}([T ].*)?$")
# as pandas and spreadsheets write it
_QUARTER = re.compile(r"^(\d{4}) ?-?[Qq]([1-4])$")


def label_text(label: object) -> str:
    """Write a code or a period as text: 2003.0 and 2003 are the same."""
    whole = isinstance(label, float | np.floating) and float(label).is_integer()
    return str(int(label) if whole else label).strip()  # type: ignore[call-overload]


def as_day(label: Any) -> pd.Timestamp | None:
    """Return the day, or first day, that a date, a pandas period or a text such as 2023-05-31 is; None otherwise."""
    if isinstance(label, pd.Period):
        return label.start_time
    if isinstance(label, np.datetime64 | dt.date):
        return pd.Timestamp(label)
    text = label_text(label)
    if not _DAY.match(text):
        return None
    day = pd.to_datetime(text, errors="coerce")
    return None if pd.isna(day) else day


def plain_quarter(text: str) -> str:
    """Write 2018Q2 and 2018 q2 as 2018-Q2, and leave everything else."""
    return _QUARTER.sub(r"\1-Q\2", text)


def period_labels(column: pd.Series) -> pd.Series[str]:
    """Return the periods of a column as a panel labels them; empty where there is none.

    Days that are all the first, or all the last, of years, quarters or months stand for these; others stay days, which
    are no periods, and other texts stay what they are.
    """
    known = [label for label in column.unique() if not pd.isna(label)]
    days = {label: day for label in known if (day := as_day(label)) is not None}
    names = {label: plain_quarter(label_text(label)) for label in known} | _calendar(days)
    return column.map(lambda label: "" if pd.isna(label) else names[label]).astype("str")


def _calendar(days: dict[Any, pd.Timestamp]) -> dict[Any, str]:
    """The period that each day opens or closes, the longest kind that fits all; the day where none does."""
    last = all(day.is_month_end for day in days.values())
    if not last and not all(day.is_month_start for day in days.values()):
        return {label: f"{day:%Y-%m-%d}" for label, day in days.items()}
    months = {day.month for day in days.values()}
    if months <= ({12} if last else {1}):
        return {label: f"{day:%Y}" for label, day in days.items()}
    if months <= ({3, 6, 9, 12} if last else {1, 4, 7, 10}):
        return {label: f"{day:%Y}-Q{day.quarter}" for label, day in days.items()}
    return {label: f"{day:%Y-%m}" for label, day in days.items()}
