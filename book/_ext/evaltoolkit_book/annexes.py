"""Annexes made from the toolkit's own definitions, in the language of the page.

``{indicators} GOV``, ``{finding-codes}``, ``{words}``, ``{report-words}``: four languages.
``{methods}``, ``{api}``: English.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

import evaltoolkit as et
from evaltoolkit.checks.registry import list_checks
from evaltoolkit.estimators.registry import list_estimators
from evaltoolkit.framework.codebook import indicator_row, question_rows
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.i18n import LANGUAGES, Words
from evaltoolkit.plans.rules import feasibility_rules
from evaltoolkit.reports.quality import GLOSSARY
from evaltoolkit_book.labels import book_words

EXAMPLES = Path(__file__).with_name("finding_examples.toml")
_FIELD = re.compile(r"^(Estimands?|Assumptions?|Not when): (.*)", re.DOTALL)


class _Generated(SphinxDirective):
    """A directive whose text comes from the toolkit (``markdown()`` of each kind): never extracted for translation."""

    optional_arguments = 1

    @property
    def words(self) -> Words:
        return book_words(str(self.config.language))

    def run(self) -> list[nodes.Node]:
        """Parse the generated Markdown where the directive stands."""
        if self.env.app.builder.name == "gettext":
            return []
        self.env.note_reread()
        holder = nodes.section()
        holder.document = self.state.document
        written = {id(node) for node in self.state.document.findall(nodes.Element)}
        lines = StringList(self.markdown().splitlines(), source=self.env.docname)
        self.state.nested_parse(lines, self.content_offset, holder, match_titles=True)
        # the parser puts sections into the page itself, and what comes before the first heading into the holder
        for root in (self.state.document, holder):
            for node in root.findall(nodes.Element):
                if id(node) not in written:
                    node["generated"] = True
        return list(holder.children)


class IndicatorsDirective(_Generated):
    """Sheets of all indicators of a dimension."""

    required_arguments = 1
    optional_arguments = 0

    def markdown(self) -> str:
        """Return one sheet per indicator."""
        chosen = [i for i in et.load_framework("livc-r").indicators if i.dimension == self.arguments[0]]
        return "\n\n".join(_sheet(indicator, self.words) for indicator in chosen)


def _sheet(indicator: Indicator, words: Words) -> str:
    row = indicator_row(et.load_framework("livc-r"), indicator, words)
    row["questions"] = "<br>".join(_plain(one["part"]) for one in question_rows(indicator, words))
    body = [
        f"| {words.say(f'codebook.field.{name}')} | {text if name == 'questions' else _plain(text)} |"
        for name, text in row.items()
        if name not in ("id", "name", "dimension")
    ]
    head = f"| {words.say('book.sheet.what')} | {words.say('book.sheet.text')} |\n|---|---|"
    anchor = f"({indicator.id.lower()})="
    return "\n".join([anchor, f"## {indicator.id} · {row['name']}", "", head, *body])


def _plain(text: str) -> str:
    """Text in a table cell: nothing in it is markup."""
    return re.sub(r"([|*_`\[\]{}])", r"\\\1", text)


class FindingCodesDirective(_Generated):
    """Every message of collection, rules and panels: code, example, remedy."""

    def markdown(self) -> str:
        """Return one table per group of codes."""
        words = self.words
        groups: dict[str, list[str]] = {}
        for code in finding_codes():
            groups.setdefault(code.partition(".")[0], []).append(code)
        return "\n\n".join(_code_table(group, codes, words) for group, codes in groups.items())


def finding_codes() -> tuple[str, ...]:
    """Return the codes that have a remedy, in the order of the catalogues."""
    folder = resources.files("evaltoolkit") / "data" / "locale" / "en"
    found: list[str] = []
    for name in ("findings.po", "form.po", "web_form.po", "xlsform.po", "rules.po", "panels.po"):
        text = (folder / name).read_text(encoding="utf-8")
        found += re.findall(r'^msgid "([a-z_.]+)\.remedy"$', text, re.MULTILINE)
    return tuple(found)


def _code_table(group: str, codes: Sequence[str], words: Words) -> str:
    lines = [
        f"## {words.say('book.codes.' + group)}",
        "",
        f"| {words.say('book.codes.code')} | {words.say('book.codes.example')} | {words.say('book.codes.remedy')} |",
        "|---|---|---|",
    ]
    for code in codes:
        remedy = f"{code}.remedy"
        lines.append(f"| `{code}` | {_plain(say_example(code, words))} | {_plain(say_example(remedy, words))} |")
    return "\n".join(lines)


def say_example(code: str, words: Words) -> str:
    """Return a message with the example facts of ``finding_examples.toml`` filled in."""
    examples = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    facts = {**examples["default"], **examples.get(code.removesuffix(".remedy"), {})}
    chosen = {
        name: value if isinstance(value, int | float) else _in(value, words.language) for name, value in facts.items()
    }
    return words.say(code, **chosen)


def _in(value: str | dict[str, str], language: str) -> str:
    return value[language] if isinstance(value, dict) else value


class WordsDirective(_Generated):
    """The fixed word for each thing in four languages."""

    def markdown(self) -> str:
        """Return the table."""
        text = (resources.files("evaltoolkit") / "data" / "glossary.toml").read_text(encoding="utf-8")
        terms = sorted(tomllib.loads(text)["term"], key=lambda term: str(term[self.words.language]).casefold())
        order = [self.words.language, *(one for one in LANGUAGES if one != self.words.language)]
        head = "| " + " | ".join(self.words.say(f"book.language.{one}") for one in order) + " |"
        rows = ["| " + " | ".join(_plain(term[one]) for one in order) + " |" for term in terms]
        return "\n".join([head, "|---" * len(order) + "|", *rows])


class ReportWordsDirective(_Generated):
    """The words of the report with their meaning."""

    def markdown(self) -> str:
        """Return a definition list."""
        say = self.words.say
        entries = [(say(f"report.glossary.{one}"), say(f"report.glossary.{one}.means")) for one in GLOSSARY]
        return "\n\n".join(f"{term}\n: {meaning}" for term, meaning in entries)


class MethodsDirective(_Generated):
    """Every estimator and check: estimand, assumption, when not; read from its own documentation."""

    def markdown(self) -> str:
        """Return a section per method."""
        estimators = [
            _method(one.name, one.run, [("Options", _options(one.options)), ("Source", one.citation)], one.title)
            for one in list_estimators().values()
        ]
        checks = [_method(name, function, []) for name, function in list_checks().items()]
        rules = [
            f"| `{rule.id}` | {self.words.say('feasibility.' + rule.id, **_FACTS)} |" for rule in feasibility_rules()
        ]
        return "\n\n".join(
            [
                "## Estimators",
                *estimators,
                "## Checks",
                *checks,
                "## When a difference-in-differences is refused or limited",
                "\n".join(["| rule | what it says |", "|---|---|", *rules]),
            ]
        )


# facts for a sentence that is shown without a case
_FACTS = {name: "…" for rule in feasibility_rules() for name in (rule.statistic, *rule.facts, "threshold", "mde_ratio")}


def _options(options: dict[str, tuple[Any, ...]]) -> str:
    return "; ".join(f"`{name}`: {', '.join(f'`{value}`' for value in values)}" for name, values in options.items())


def _method(name: str, function: Callable[..., Any], more: Iterable[tuple[str, str]], title: str = "") -> str:
    documentation = inspect.getdoc(function) or ""
    summary, *paragraphs = documentation.split("\n\n")
    fields = [(m[1], " ".join(m[2].split())) for p in paragraphs for m in _FIELD.finditer(p)]
    found = {field.rstrip("s") for field, _ in fields}
    if not {"Assumption", "Not when"} <= found:
        raise ValueError(f"{name}: its documentation needs paragraphs that begin with Assumption: and Not when:")
    source = re.findall(r"(?:doi:|https://doi\.org/)(\S+?)[,.;]?(?:\s|$)", documentation.partition("References")[2])
    fields += [(label, text) for label, text in more if text]
    if source and not any(label == "Source" for label, _ in more):
        fields.append(("Source", ", ".join(f"doi:{doi}" for doi in source)))
    lines = [f"- **{label}.** {_dedoc(text)}" for label, text in fields]
    head = f"### `{name}`" + (f": {title}" if title else "")
    return "\n".join([head, "", _dedoc(" ".join(summary.split())), "", *lines])


def _dedoc(text: str) -> str:
    """Turn the markup of docstrings into that of pages."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`").replace("*and*", "and")


class ApiDirective(_Generated):
    """The public face: every name of ``evaltoolkit``."""

    def markdown(self) -> str:
        """Return an autodoc directive per name."""
        lines = []
        for name in et.__all__:
            kind = _kind(getattr(et, name))
            members = "\n   :members:" if kind == "autoclass" else ""
            lines.append(f"## {name}\n\n```{{eval-rst}}\n.. {kind}:: evaltoolkit.{name}{members}\n```")
        return "\n\n".join(lines)


def _kind(found: object) -> str:
    if not inspect.isclass(found):
        return "autofunction"
    return "autoexception" if issubclass(found, Exception) else "autoclass"


def setup(app: Any) -> None:
    """Register the directives."""
    for name, directive in {
        "indicators": IndicatorsDirective,
        "finding-codes": FindingCodesDirective,
        "words": WordsDirective,
        "report-words": ReportWordsDirective,
        "methods": MethodsDirective,
        "api": ApiDirective,
    }.items():
        app.add_directive(name, directive)
