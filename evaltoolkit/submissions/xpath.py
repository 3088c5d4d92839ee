"""Conditions of a framework in the language of XLSForm (XPath): rules, limits, statuses."""

from __future__ import annotations

import re
from collections.abc import Collection

from evaltoolkit.framework.indicator import Framework, Rule
from evaltoolkit.framework.references import condition_of, terms_of
from evaltoolkit.submissions.entries import limits
from evaltoolkit.submissions.xlsform_fields import NONE_CODE, Question, field_name

_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_OPERATORS = {"<=": "<=", ">=": ">=", "==": "="}


def fields_of(rule: Rule) -> tuple[str, ...]:
    """Return the fields of a rule, ``GOV-08.case``, in the order in which they stand."""
    condition = condition_of(rule)
    terms = [*terms_of(rule.left), *terms_of(rule.right), *([condition[0]] if condition else [])]
    return tuple(dict.fromkeys(term for term in terms if not _NUMBER.match(term)))


def names_in(rule: Rule, period: str) -> tuple[str, ...]:
    """Return the names of a rule's questions in a period."""
    return tuple(_name(field, period) for field in fields_of(rule))


def broken_when(rule: Rule, period: str, framework: Framework, own: str = "") -> str:
    """Return when a rule is broken; never where one of its fields is empty.

    ``own`` is the name of the question at which the condition stands: there it is called ``.``.
    """
    condition = condition_of(rule)
    sums = [*terms_of(rule.left), *terms_of(rule.right)]
    pieces = [f"{_refer(_name(term, period), own)} != ''" for term in dict.fromkeys(sums) if not _NUMBER.match(term)]
    if condition:
        pieces.append(_holds(condition, period, framework, own))
    left, right = (_sum(side, period, own) for side in (rule.left, rule.right))
    return " and ".join([*pieces, f"not({left} {_OPERATORS[rule.op]} {right})"])


def shown_sum(side: str, period: str) -> str:
    """Return a side of a rule as it can stand in a sentence, each field replaced by its answer."""
    return " + ".join(term if _NUMBER.match(term) else f"${{{_name(term, period)}}}" for term in terms_of(side))


def limits_of(question: Question) -> str:
    """Return the condition that an answer itself must fulfil; empty where there is none."""
    part = question.part
    if part.type == "month":
        return r"regex(., '^[0-9]{4}-(0[1-9]|1[0-2])$')"
    if part.type == "multi":
        return f"not(selected(., '{NONE_CODE}') and count-selected(.) > 1)"
    low, high = limits(part) if part.type in ("count", "number", "score") else (None, None)
    bounds = [f". >= {low:.15g}"] if low is not None else []
    return " and ".join(bounds + ([f". <= {high:.15g}"] if high is not None else []))


def status_fits(question: Question) -> str:
    """Return the condition on a status: only a reconstructed one goes with an answer, and it needs one."""
    return f"(${{{question.name}}} = '') != (. = 'reconstructed')"


def not_nothing(base: str) -> str:
    """Return when a share is asked: not where its denominator is zero."""
    return f"${{{base}}} = '' or ${{{base}}} != 0"


def bearer(rule: Rule, period: str, order: Collection[str]) -> str:
    """Return the name of the rule's question that comes last: there all answers are known."""
    names = set(names_in(rule, period))
    return [name for name in order if name in names][-1]


def _holds(condition: tuple[str, str], period: str, framework: Framework, own: str) -> str:
    field, code = condition
    indicator, _, part = field.partition(".")
    name = _refer(_name(field, period), own)
    if framework.by_id[indicator].part(part).type == "multi":
        return f"selected({name}, '{code}')"
    return f"{name} = '{code}'"


def _sum(side: str, period: str, own: str) -> str:
    terms = [term if _NUMBER.match(term) else _refer(_name(term, period), own) for term in terms_of(side)]
    return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"


def _name(field: str, period: str) -> str:
    indicator, _, part = field.partition(".")
    return field_name(indicator, part, period)


def _refer(name: str, own: str) -> str:
    return "." if name == own else f"${{{name}}}"
