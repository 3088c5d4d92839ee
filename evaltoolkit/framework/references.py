"""What the cross-field rules of a framework refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from evaltoolkit.findings import nearest
from evaltoolkit.framework.indicator import Composite, Indicator, Part, Rule

_FIELD = re.compile(r"^([A-Z]{3,4}-\d{2})\.([a-z][a-z0-9_]*)$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
# of a checklist in a composite: how many of its entries hold
ANY_CODE = "*"
# codes of a condition on a question of yes or no, with the number that is stored
YES_NO = {"yes": 1.0, "no": 0.0}
_ADDABLE = ("count", "number", "score")


def terms_of(side: str) -> tuple[str, ...]:
    """Return the terms of one side of a rule: fields (``GOV-08.case``) and numbers, which are added."""
    return tuple(term.strip() for term in side.split("+"))


def signed_terms(formula: str) -> tuple[tuple[int, str], ...]:
    """Return the terms of a formula of fields with their signs: ``A - B`` gives ``(1, A), (-1, B)``."""
    marked = re.split(r"\s([+-])\s", f" + {formula.strip()}")[1:]
    return tuple((1 if sign == "+" else -1, term.strip()) for sign, term in zip(marked[::2], marked[1::2], strict=True))


def condition_of(rule: Rule) -> tuple[str, str] | None:
    """Return the field and the code of a rule's condition, or None where it has none."""
    field, mark, code = rule.when.partition("==")
    return (field.strip(), code.strip()) if mark else None


def rule_faults(rules: Iterable[Rule], indicators: Mapping[str, Indicator | None]) -> list[str]:
    """Return what rules refer to that is not there; an indicator that is None is there but could not be read."""
    return [f'rule "{rule.code}" {fault}' for rule in rules for fault in _faults(rule, indicators)]


def derived_faults(indicator: Indicator | None, indicators: Mapping[str, Indicator | None]) -> list[str]:
    """Return what the formulas of a derived indicator refer to that is not there."""
    formulas = {} if indicator is None else indicator.derived
    terms = ((part, term) for part, formula in formulas.items() for _, term in signed_terms(formula))
    return [f"derived.{part}: {fault}" for part, term in terms for fault in _term_faults(term, indicators)]


def sources_of(indicator: Indicator) -> frozenset[str]:
    """Return the ids of the indicators from whose answers a derived one follows."""
    terms = (term for formula in indicator.derived.values() for _, term in signed_terms(formula))
    return frozenset(term.partition(".")[0] for term in terms)


def composite_faults(composites: Iterable[Composite], indicators: Mapping[str, Indicator | None]) -> list[str]:
    """Return what composites refer to that is not there, and scales without a width."""
    faults: list[str] = []
    for composite in composites:
        for component in composite.components:
            place = f'composite "{composite.id}": {component.indicator}'
            if component.indicator not in indicators:
                faults.append(f"{place}: there is no such indicator.{nearest(component.indicator, indicators)}")
            elif component.part:
                found = _part(f"{component.indicator}.{component.part}", indicators)
                faults += [f"{place}: {found}"] if isinstance(found, str) else []
                codes = [] if isinstance(found, str) or found is None else [option.code for option in found.options]
                if codes and component.code not in (*codes, ANY_CODE):
                    faults.append(f'{place}: "{component.code}" is no answer to it.{nearest(component.code, codes)}')
            if component.low == component.high:
                faults.append(f"{place}: low and high are the same; give the values that become 0 and 1.")
    return faults


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
        codes = list(YES_NO) if part.type == "yes_no" else [option.code for option in part.options]
        if part.type not in ("choice", "yes_no"):
            yield f'"{field}" is a {part.type}; a condition needs a choice or yes and no.'
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
