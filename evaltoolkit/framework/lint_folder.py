"""Every fault of a framework in a folder: file, entry, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evaltoolkit.findings import FaultsError
from evaltoolkit.framework.indicator import Framework, Rule
from evaltoolkit.framework.lint import lint_framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words


def lint_folder(name_or_folder: str | Path) -> tuple[str, ...]:
    """Return what is to be mended in a framework, one English sentence each, beginning with the file.

    First come the faults for which it cannot be loaded; only a framework that loads is looked at more closely.

    Raises
    ------
    EvaltoolkitError
        There is no such framework or folder.
    """
    try:
        framework = load_framework(name_or_folder)
    except FaultsError as error:
        return tuple(error.faults)
    faults = [_with_file(fault, framework) for fault in lint_framework(framework)]
    return tuple(faults + list(_unsaid(framework.rules)))


def _with_file(fault: str, framework: Framework) -> str:
    """Put the file before a fault: indicators stand in a file of their own, rules in one."""
    name, _, rest = fault.partition(": ")
    if name in framework.by_id:
        return f"indicators/{name}.toml: {rest}"
    return f"rules.toml: {fault}"


def _unsaid(rules: Iterable[Rule]) -> Iterable[str]:
    """A broken rule is told in the language of the form, so its sentence must be there in all of them."""
    for rule in rules:
        missing = [f"{lang}: {code}" for lang in LANGUAGES for code in _sentences(rule) if not words(lang).has(code)]
        if missing:
            yield (
                f"rules.toml: {rule.code}: there is no sentence for {', '.join(missing)}; take the code of a rule that "
                "has one, or add the sentence to the catalogues."
            )


def _sentences(rule: Rule) -> tuple[str, str]:
    return rule.code, f"{rule.code}.remedy"
