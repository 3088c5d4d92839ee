"""What the cross-field rules of a framework refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from evaltoolkit.findings import nearest
from evaltoolkit.framework.indicator import Indicator, Part, Rule

_FIELD = re.compile(r"^([A-Z]{3,4}-\d{2})\.([a-z][a-z0-9_]*)$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_ADDABLE = ("count", "number", "score")


def terms_of(side: str) -> tuple[str, ...]:
    """Return the terms of one side of a rule: fields (``GOV-08.case``) and numbers, which are added."""
    return tuple(term.strip() for term in side.split("+"))


def condition_of(rule: Rule) -> tuple[str, str] | None:
    """Return the field and the code of a rule's condition, or None where it has none."""
    field, mark, code = rule.when.partition("==")
    return (field.strip(), code.strip()) if mark else None


def rule_faults(rules: Iterable[Rule], indicators: Mapping[str, Indicator | None]) -> list[str]:
    """Return what rules refer to that is not there; an indicator that is None is there but could not be read."""
    return [f'rule "{rule.code}" {fault}' for rule in rules for fault in _faults(rule, indicators)]


def _faults(rule: Rule, indicators: Mapping[str, Indicator | None]) -> Iterator[str]:
    for name, side in (("left", rule.left), ("right", rule.right)):
        for term in terms_of(side):
            if not _NUMBER.match(term):
                yield from (f"{name}: {fault}" for fault in _term_faults(term, indicators))
    if rule.when:
        yield from (f"when: {fault}" for fault in _condition_faults(rule, indicators))


def _term_faults(term: str, indicators: Mapping[str, Indicator | None]) -> Iterator[str]:
    part = _part(term, indicators)
    if isinstance(part, str):
        yield part
    elif part is not None and part.type not in _ADDABLE:
        yield f'"{term}" is a {part.type} and cannot be added or compared; name a count or a number.'


def _condition_faults(rule: Rule, indicators: Mapping[str, Indicator | None]) -> Iterator[str]:
    condition = condition_of(rule)
    if condition is None:
        yield f'"{rule.when}" is not a condition; write FIELD == code, such as GOV-03.value == dormant.'
        return
    field, code = condition
    part = _part(field, indicators)
    if isinstance(part, str):
        yield part
    elif part is not None:
        codes = [option.code for option in part.options]
        if part.type != "choice":
            yield f'"{field}" is a {part.type}; a condition needs a choice.'
        elif code not in codes:
            yield f'"{code}" is not an answer to {field}; write one of {", ".join(codes)}.{nearest(code, codes)}'


def _part(field: str, indicators: Mapping[str, Indicator | None]) -> Part | str | None:
    """Return the part a field names, what is wrong with it, or None where its indicator could not be read."""
    match = _FIELD.match(field)
    if match is None:
        return f'"{field}" is not a field or a number; write INDICATOR.part, such as COMP-02.numerator.'
    name, part_id = match.groups()
    if name not in indicators:
        return f'there is no indicator "{name}".{nearest(name, indicators)}'
    indicator = indicators[name]
    if indicator is None:
        return None
    if part_id not in indicator.part_ids:
        known = ", ".join(indicator.part_ids)
        return f'{name} has no part "{part_id}"; it has {known}.{nearest(part_id, indicator.part_ids)}'
    return indicator.part(part_id)
