"""One number or text against the part it answers: whole, within limits, among the options."""

from __future__ import annotations

import math

from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Part
from evaltoolkit.submissions.numbers import parse_month

TEXT_TYPES = ("choice", "multi", "month")
Fault = tuple[str, dict[str, Fact]]


def check_number(part: Part, value: float) -> list[Fault]:
    """Return (code, facts) for each limit that a number breaks; none for a part that takes text."""
    if not math.isfinite(value):
        return [("value.not_finite", {})]
    faults: list[Fault] = []
    if part.type == "count" and value != round(value):
        faults.append(("value.not_whole", {"value": value}))
    if part.type == "yes_no" and value not in (0, 1):
        faults.append(("value.not_yes_no", {}))
    minimum = 0.0 if part.type == "count" and part.minimum is None else part.minimum
    if minimum is not None and value < minimum:
        faults.append(("value.below_minimum", {"value": value, "limit": minimum}))
    if part.maximum is not None and value > part.maximum:
        faults.append(("value.above_maximum", {"value": value, "limit": part.maximum}))
    return faults


def check_text(part: Part, text: str) -> list[Fault]:
    """Return (code, facts) where option codes joined by ``;`` or a month do not fit the part."""
    if part.type == "month":
        return [] if parse_month(text) == text else [("value.not_month", {})]
    codes = text.split(";")
    known = {option.code for option in part.options}
    if not set(codes) <= known or len(set(codes)) != len(codes) or (part.type == "choice" and len(codes) > 1):
        return [("value.unknown_option", {})]
    return []
