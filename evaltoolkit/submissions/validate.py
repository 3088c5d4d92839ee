"""Rules over the answers of one form: sums that must fit, and numbers unlike those of earlier years."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from math import isnan
from statistics import median

from evaltoolkit.findings import Fact, Finding, Where
from evaltoolkit.framework.indicator import Framework, Rule
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.references import YES_NO, condition_of, terms_of
from evaltoolkit.i18n import words
from evaltoolkit.submissions.store import StoredValue

RELATIONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
# A number is asked about when it is so many times the usual one (or the reverse) and so far from it.
MAX_TIMES = 5.0
MAX_APART = 10.0

_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_TOLERANCE = 1e-9

Key = tuple[str, str]
Answers = Mapping[Key, StoredValue]


def check_rules(
    values: Iterable[StoredValue], framework: Framework, where: Where
) -> tuple[tuple[Finding, ...], set[tuple[str, str, str]]]:
    """Check the cross-field rules of a framework, period by period.

    Parameters
    ----------
    values : iterable of StoredValue
        Answers of one form.
    framework : Framework
    where : Where
        File and unit of the form.

    Returns
    -------
    findings : tuple of Finding
        Each at the cell of the rule's first field on the left.
    faulty : set of (period, indicator, part)
        Answers that take part in a broken rule of severity error: nobody can tell which of them is wrong.
    """
    findings: list[Finding] = []
    faulty: set[tuple[str, str, str]] = set()
    for period, answers in _by_period(values).items():
        for rule in framework.rules:
            broken = _broken(rule, answers)
            if broken is None:
                continue
            first = next(answers[key] for key in _fields(rule) if key in answers)
            at = Where(where.file, first.sheet, first.cell, first.indicator, where.unit, period)
            findings.append(Finding(rule.code, rule.severity, at, broken | _in_fields(rule)))
            if rule.severity == "error":
                faulty |= {(period, *key) for key in _fields(rule)}
    return tuple(findings), faulty


def check_plausibility(values: Iterable[StoredValue], period: str, where: Where) -> tuple[Finding, ...]:
    """Ask about numbers of the reporting period that are far from the median of earlier periods.

    Values below one count as one in the ratio, so that a first case after years of none is no alarm.
    """
    start = Period.parse(period).start
    now: dict[Key, StoredValue] = {}
    before: dict[Key, list[float]] = {}
    for answer in values:
        if isnan(answer.value):
            continue
        key = (answer.indicator, answer.part)
        if answer.period == period:
            now[key] = answer
        elif Period.parse(answer.period).start < start:
            before.setdefault(key, []).append(answer.value)
    return tuple(_unlike(now, before, where))


def _unlike(now: Answers, before: Mapping[Key, list[float]], where: Where) -> Iterator[Finding]:
    for key, answer in now.items():
        if key not in before:
            continue
        usual = float(median(before[key]))
        high, low = max(answer.value, usual), min(answer.value, usual)
        if high - low > MAX_APART and high > MAX_TIMES * max(low, 1.0):
            at = Where(where.file, answer.sheet, answer.cell, answer.indicator, where.unit, answer.period)
            yield Finding(
                "value.unlike_earlier", "question", at, {"value": _plain(answer.value), "usual": _plain(usual)}
            )


def _by_period(values: Iterable[StoredValue]) -> dict[str, dict[Key, StoredValue]]:
    periods: dict[str, dict[Key, StoredValue]] = {}
    for answer in values:
        periods.setdefault(answer.period, {})[answer.indicator, answer.part] = answer
    return periods


def _broken(rule: Rule, answers: Answers) -> dict[str, Fact] | None:
    """Return both sides of a broken rule; None where it holds or cannot be judged."""
    if not _applies(rule, answers):
        return None
    left, right = _total(rule.left, answers), _total(rule.right, answers)
    if left is None or right is None or RELATIONS[rule.op](left, right):
        return None
    # 0.1 + 0.2 <= 0.3 must hold
    if abs(left - right) <= _TOLERANCE * max(abs(left), abs(right), 1.0):
        return None
    return {"left": _plain(left), "right": _plain(right)}


@cache
def _in_fields(rule: Rule) -> dict[str, Fact]:
    """Return the rule as it is written where it is one of an own framework, for which no catalogue has a sentence."""
    if words("en").has(rule.code):
        return {}
    when = f" ({rule.when})" if rule.when else ""
    return {"rule": f"{rule.left} {rule.op} {rule.right}{when}"}


def _applies(rule: Rule, answers: Answers) -> bool:
    condition = condition_of(rule)
    if condition is None:
        return True
    answer = answers.get(_key(condition[0]))
    if answer is None:
        return False
    if answer.text:
        return condition[1] in answer.text.split(";")
    code = condition[1]
    wanted = YES_NO[code] if code in YES_NO else float(code) if _NUMBER.match(code) else None
    return wanted is not None and answer.value == wanted


def _total(side: str, answers: Answers) -> float | None:
    """Return the sum of a side; None where one of its fields has no number."""
    total = 0.0
    for term in terms_of(side):
        if _NUMBER.match(term):
            total += float(term)
            continue
        answer = answers.get(_key(term))
        if answer is None or isnan(answer.value):
            return None
        total += answer.value
    return total


def _fields(rule: Rule) -> list[Key]:
    terms = [*terms_of(rule.left), *terms_of(rule.right)]
    condition = condition_of(rule)
    fields = [_key(term) for term in terms if not _NUMBER.match(term)]
    return fields + ([_key(condition[0])] if condition else [])


def _key(field: str) -> Key:
    indicator, _, part = field.partition(".")
    return indicator, part


def _plain(value: float) -> Fact:
    return int(value) if value.is_integer() else value
