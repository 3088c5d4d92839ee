"""Everything that is defined about indicators, as texts of one language: what a codebook shows.

Each function returns rows: mappings from the code of a column (``codebook.field.<code>`` in the catalogues) to text.
"""

from __future__ import annotations

from collections.abc import Iterator

from evaltoolkit.framework.checklist import checklist
from evaltoolkit.framework.indicator import FULL, Component, Composite, Framework, Indicator, Part, Rule
from evaltoolkit.framework.references import ANY_CODE, condition_of, terms_of
from evaltoolkit.i18n import Words

Row = dict[str, str]
_CODED = ("measure", "chain", "level", "source")
_USED = ("direction", "reporting", "did")
_TEXTS = ("definition", "counted", "not_counted", "pitfalls", "why")


def indicator_row(framework: Framework, indicator: Indicator, words: Words) -> Row:
    """Return every field of an indicator that has something to say, in reading order."""
    texts = indicator.text.in_(words.language)
    row = {"id": indicator.id, "name": texts.name, "dimension": words.say(f"form.dimension.{indicator.dimension}")}
    row |= {name: getattr(texts, name) for name in _TEXTS}
    row["seen"] = words.say(f"seen.{indicator.sensitivity}")
    row["entry"] = words.say(f"entry.{indicator.entry}") if indicator.source == "form" else ""
    row |= {"unit": texts.unit, "numerator": texts.numerator, "denominator": texts.denominator}
    row["value"] = words.say(f"codebook.value.{indicator.value}")
    row["derived"] = "; ".join(f"{part} = {formula}" for part, formula in indicator.derived.items())
    row["scale"] = words.say(f"codebook.scale.{indicator.scale}") if indicator.value != "none" else ""
    row["frequency"] = words.say(f"frequency.{indicator.frequency}")
    row |= {name: words.say(f"codebook.{name}.{getattr(indicator, name)}") for name in (*_CODED, *_USED)}
    row["use"] = texts.use
    row["self_recorded"] = _yes_no(indicator.self_recorded, words)
    row["conversion"] = words.say(f"codebook.conversion.{indicator.conversion}")
    row["seed_facts"] = ", ".join(indicator.seed_facts)
    row["emmascan"] = ", ".join(map(str, indicator.emmascan))
    row["basis"] = "; ".join(_basis(code, words) for code in indicator.basis)
    row["forms"] = ", ".join(_forms(framework, indicator, words))
    row["composites"] = "; ".join(_parts_of(framework, indicator, words))
    row["rules"] = "; ".join(rule.code for rule in framework.rules if indicator.id in _indicators_of(rule))
    row["versions"] = _versions(indicator, words)
    return {name: text for name, text in row.items() if text}


def question_rows(indicator: Indicator, words: Words) -> list[Row]:
    """Return one row for each part of an indicator."""
    return [
        {
            "id": f"{indicator.id}.{part.id}",
            "part": part.label.in_(words.language),
            "type": words.say(f"codebook.type.{part.type}"),
            "minimum": "" if part.minimum is None else words.number(part.minimum),
            "maximum": "" if part.maximum is None else words.number(part.maximum),
            "options": _options(part, words),
            "earlier_years": _yes_no(part.earlier_years, words),
        }
        for part in indicator.parts
    ]


def rule_rows(framework: Framework, words: Words) -> list[Row]:
    """Return the rules between answers, as formula and, where the catalogues have it, as sentence."""
    return [
        {
            "rule": rule.code,
            "severity": words.say(f"codebook.severity.{rule.severity}"),
            "formula": formula_of(rule),
            "sentence": words.say(rule.code, left=rule.left, right=rule.right) if words.has(rule.code) else "",
            "remedy": words.say(f"{rule.code}.remedy") if words.has(f"{rule.code}.remedy") else "",
        }
        for rule in framework.rules
    ]


def composite_rows(framework: Framework, words: Words) -> list[Row]:
    """Return the composite measures with their formula and what happens where parts are missing."""
    return [
        {
            "name": composite.name.in_(words.language),
            "formula": words.say(
                "codebook.composite.formula", parts="; ".join(_component(c, words) for c in composite.components)
            ),
            "missing": words.say("codebook.composite.missing", share=round(100 * composite.missing_at_most, 6)),
            "note": composite.note.in_(words.language),
        }
        for composite in framework.composites
    ]


def checklist_rows(words: Words) -> list[Row]:
    """Return the checklist for data protection."""
    return [
        {name: getattr(item, name).in_(words.language) for name in ("question", "why", "where")} for item in checklist()
    ]


def formula_of(rule: Rule) -> str:
    """Return a rule as one line: ``A <= B``, with its condition."""
    formula = f"{rule.left} {rule.op} {rule.right}"
    return f"{formula} [{rule.when}]" if rule.when else formula


def _options(part: Part, words: Words) -> str:
    return "; ".join(f"{option.code} = {option.label.in_(words.language)}" for option in part.options)


def _forms(framework: Framework, indicator: Indicator, words: Words) -> Iterator[str]:
    for form in framework.forms.values():
        if indicator.id in form.indicators:
            yield form.label.in_(words.language)
    if indicator in framework.form(FULL):
        yield words.say("codebook.form.all")


def _parts_of(framework: Framework, indicator: Indicator, words: Words) -> Iterator[str]:
    for composite in framework.composites:
        if indicator.id in _members(composite):
            yield composite.name.in_(words.language)


def _members(composite: Composite) -> set[str]:
    return {component.indicator for component in composite.components}


def _component(component: Component, words: Words) -> str:
    name = f"{component.indicator}.{component.part}" if component.part else component.indicator
    if component.code:
        code = words.say("codebook.component.any") if component.code == ANY_CODE else component.code
        name = f"{name} = {code}"
    if component.code and component.code != ANY_CODE:
        return name
    return f"{name} ({words.say('codebook.component.scale', low=component.low, high=component.high)})"


def _indicators_of(rule: Rule) -> set[str]:
    condition = condition_of(rule)
    terms = [*terms_of(rule.left), *terms_of(rule.right), *([condition[0]] if condition else [])]
    return {term.partition(".")[0] for term in terms}


def _basis(code: str, words: Words) -> str:
    # a framework of somebody's own may rest on what no catalogue knows
    return words.say(f"basis.{code}") if words.has(f"basis.{code}") else code


def _versions(indicator: Indicator, words: Words) -> str:
    texts = [words.say("codebook.version.text", version=indicator.version, wording=indicator.wording)]
    for change in indicator.changes:
        note = change.note.in_(words.language)
        texts.append(words.say("codebook.version.change", period=change.period, note=note))
    return "; ".join(texts)


def _yes_no(value: bool, words: Words) -> str:
    return words.say("codebook.yes" if value else "codebook.no")
