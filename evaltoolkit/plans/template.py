"""A plan as a commented file, in the plan's language; what is not given yet stands there as a comment."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.i18n import Words, words
from evaltoolkit.plans.plan import Dose, Estimation, Outcome, Plan, Treatment
from evaltoolkit.plans.schema import SCHEMA_NAME
from evaltoolkit.validation import type_at

_MODELS: dict[str, Any] = {"dose": Dose, "treatment": Treatment, "outcomes": Outcome, "estimation": Estimation}
_TABLES = ("data", "treatment", "outcomes", "estimation")
_UNITS = ("municipality", "livc_r")
# sentences of the plan, with the number of examples in the catalogues
_SENTENCES = {"theory_of_change": 3, "assumptions": 1, "rival_explanations": 1, "decision_rule": 3}
# the entries of a new plan in order, with what stands there as a comment while it is not given
_TOP: dict[str, Any] = {
    "title": "",
    "question": "",
    "language": "",
    "unit": "",
    "periods": ["2019", "2020", "2021", "2022", "2023", "2024"],
    **dict.fromkeys(_SENTENCES, ()),
    "checks": [],
}
_DATA = {"store": "", "roster": "", "membership": "cells.csv", "source": ""}
# instead of collected forms: what stands there as a comment in every plan that has no own table
_OWN_TABLE = {
    "panel": "own.csv",
    "panel_unit": "unit",
    "panel_period": "period",
    "treated_from": "first_period",
    "never": "never",
}
_OWN_OUTCOME: dict[str, Any] = {
    "indicator": "trust",
    "role": "primary",
    "name": "",
    "unit": "%",
    "better": "up",
    "smallest_relevant": 2,
}
_DOSE: dict[str, Any] = {"measure": "sessions", "rule": "total", "unit": ""}
_TREATMENT: dict[str, Any] = {
    **dict.fromkeys(Treatment.model_fields, ""),
    "concurrent": ["CTX-07", "CTX-08"],
    "rollout": "rollout",
    "rollout_units": "units.csv",
    "spending": 25000,
    "currency": "EUR",
}
_ESTIMATION: dict[str, Any] = {
    "method": "",
    "adjust": "",
    "comparison": "",
    "covariates": ["log(CTX-01)"],
    "anticipation": "",
    "level": "",
    "seed": "",
}
_WIDTH = 110
_TIE = "\u00a0"
# French puts a blank before a high sign, which must not begin a line
_HIGH_SIGN = re.compile(r" (?=[:;?!»])|(?<=«) ")


def plan_template(language: str = "en") -> str:
    """Return the text of a commented example plan, ready to be edited and read with ``load_plan``."""
    return plan_text(example_content(words(language)), language, load_framework())


def example_content(say: Words) -> dict[str, Any]:
    """Return the content of the example plan, its words in a language."""
    lines = {name: [example(f"{name}.{n + 1}", say) for n in range(count)] for name, count in _SENTENCES.items()}
    return {
        **{name: example(name, say) for name in ("title", "question")},
        "language": say.language,
        "unit": "livc_r",
        "periods": _TOP["periods"],
        **lines,
        "data": {"store": "store", "roster": "roster.csv", "membership": "cells.csv", "source": example("source", say)},
        "treatment": {
            "action": example("action", say),
            "assignment": "voluntary",
            **{name: example(name, say) for name in ("decided_by", "why_then")},
            "rule": "containing",
            "started_because_outcome_moved": False,
            "spillover": "unlikely",
        },
        "outcomes": [
            {"indicator": "COMP-09", "role": "primary", "smallest_relevant": 1},
            {"indicator": "TRU-01", "role": "guardrail", "margin": 0.03},
            {"indicator": "RGT-07", "role": "guardrail", "not_measurable": True},
        ],
        "estimation": default_estimation(),
    }


def default_estimation(seed: int = 1) -> dict[str, Any]:
    """Return how a new plan estimates, written out."""
    settings = Estimation()
    shown = ("method", "adjust", "comparison", "anticipation", "level")
    return {**{name: getattr(settings, name) for name in shown}, "seed": seed}


def example(name: str, say: Words) -> str:
    """Return an example of an entry."""
    return say.say(f"plan_new.example.{name}")


def plan_text(content: Mapping[str, Any], language: str, framework: Framework) -> str:
    """Return a plan as a commented TOML file; reading it gives ``content`` again.

    Parameters
    ----------
    content : what ``tomllib.loads`` would give: entries, the tables ``data``, ``treatment`` and ``estimation``, and the
        list ``outcomes``
    language : {"nl", "fr", "de", "en"}
        Of the comments.
    framework : gives the names and units of the outcomes
    """
    say = words(language)
    lines = [f"#:schema ./{SCHEMA_NAME}", *_head(say), ""]
    lines += _entries(content, _TOP, "", say)
    lines += ["", *_section("data", say), *_entries(content["data"], _DATA, "data", say)]
    lines += [] if "panel" in content["data"] else _own_table(say)
    lines += ["", *_section("treatment", say), *_entries(content["treatment"], _TREATMENT, "treatment", say)]
    lines += _outcomes(content["outcomes"], framework, say)
    lines += ["", *_section("estimation", say), *_entries(content["estimation"], _ESTIMATION, "estimation", say)]
    lines += ["", *_section("dose", say, commented=True), *_dose(say)]
    return "\n".join(lines) + "\n"


def _head(say: Words) -> list[str]:
    # commands stay in one piece
    check, schema = (f"evaltoolkit plan {command}".replace(" ", _TIE) for command in ("check", f"schema {SCHEMA_NAME}"))
    texts = [
        say.say("plan_new.head"),
        say.say("plan_new.next", command=check),
        say.say("plan_new.editor", command=schema),
    ]
    return [line for text in texts for line in _comment(text)]


def _section(name: str, say: Words, *, commented: bool = False) -> list[str]:
    return [*_comment(say.say(f"plan_new.field.{name}")), f"{'# ' if commented else ''}[{name}]"]


def _own_table(say: Words) -> Iterator[str]:
    yield from _comment(say.say("plan_new.own_table"))
    yield from _commented("data", _OWN_TABLE, say)


def _own_outcome(say: Words) -> Iterator[str]:
    yield from ("", *_comment(say.say("plan_new.own_outcome")), "# [[outcomes]]")
    # what stands above with the other outcomes is not explained again
    yield from _commented("outcomes", {**_OWN_OUTCOME, "name": example("own_name", say)}, say, told=("role",))


def _dose(say: Words) -> Iterator[str]:
    yield from _commented("dose", {**_DOSE, "unit": example("dose_unit", say)}, say)


def _commented(section: str, entries: Mapping[str, Any], say: Words, told: Sequence[str] = ()) -> Iterator[str]:
    """Entries that can be switched on by taking the sign away, each with its meaning."""
    for name, value in entries.items():
        yield from () if name in told else _meaning(section, name, say)
        yield f"# {_assigned(name, value)}"


def _entries(content: Mapping[str, Any], outline: Mapping[str, Any], section: str, say: Words) -> Iterator[str]:
    for name in [*outline, *(name for name in content if name not in outline)]:
        if name in _TABLES:
            continue
        yield from _meaning(section, name, say)
        if name in content:
            yield _assigned(name, content[name])
        else:
            shown = _assigned(name, _shown(name, outline[name], say))
            yield from (f"# {line}" for line in shown.splitlines())


def _shown(name: str, given: Any, say: Words) -> Any:
    """Return what stands in the comment of an entry that is not given."""
    if name in _SENTENCES:
        return [example(f"{name}.{n + 1}", say) for n in range(_SENTENCES[name])]
    if name == "checks":
        return list(_words_of(Plan, "checks"))
    return given or example(name, say)


def _outcomes(outcomes: Sequence[Mapping[str, Any]], framework: Framework, say: Words) -> Iterator[str]:
    yield from ("", *_comment(say.say("plan_new.field.outcomes")))
    told: set[str] = {"indicator"}
    for number, outcome in enumerate(outcomes):
        indicator = framework.by_id.get(outcome["indicator"])
        yield from [""] if number else []
        yield "[[outcomes]]"
        for name, value in outcome.items():
            # each entry is explained where it stands first
            yield from _meaning("outcomes", name, say) if name not in told else ()
            told.add(name)
            note = _note(name, value, indicator, say)
            yield _assigned(name, value) + (f"  # {note}" if note else "")
    yield from _own_outcome(say)


def _note(name: str, value: Any, indicator: Indicator | None, say: Words) -> str:
    """Return what stands behind an entry of an outcome: the indicator's name, a size in the unit it is shown in."""
    if indicator is None or name not in ("indicator", "smallest_relevant", "margin"):
        return ""
    if name == "indicator":
        return _one_line(indicator.text.in_(say.language).name)
    unit, factor = _one_line(unit_words(indicator, say)), scale_of(indicator).factor
    # as the file has it, and as people say it
    shown = round(value * factor, 10)
    return unit if factor == 1 else say.say("plan_new.stored", stored=toml_value(value), shown=shown, unit=unit)


def unit_words(indicator: Indicator, say: Words) -> str:
    """Return what a difference in an indicator is counted in."""
    kind, _, rest = scale_of(indicator).difference.removeprefix("@").partition(":")
    return indicator.text.in_(say.language).unit if rest else say.say(kind)


def _meaning(section: str, name: str, say: Words) -> Iterator[str]:
    place = f"{section}.{name}" if section else name
    code = f"plan_new.field.{place}"
    yield from _comment(say.say(code)) if say.has(code) else ()
    for word in _UNITS if place == "unit" else _words_of(_MODELS.get(section, Plan), name):
        if say.has(choice := f"plan_new.choice.{place}.{word}"):
            yield f"#   {word}: {say.say(choice)}"


def _words_of(model: Any, name: str) -> tuple[str, ...]:
    """Return the words that an entry allows; none where it is free."""
    kind = type_at(model, (name, 0)) if name == "checks" else type_at(model, (name,))
    return get_args(kind) if get_origin(kind) is Literal else ()


def _comment(text: str) -> list[str]:
    tied = _HIGH_SIGN.sub(_TIE, text)
    wrapped = textwrap.wrap(tied, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"# {line}".replace(_TIE, " ") for line in wrapped]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _assigned(name: str, value: Any) -> str:
    line = f"{name} = {toml_value(value)}"
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    if listed and (len(line) > _WIDTH or any(len(str(part)) > 30 for part in value)):
        return "\n".join([f"{name} = [", *(f"  {toml_value(part)}," for part in value), "]"])
    return line


def toml_value(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, str):
        # a basic string of TOML is a string of JSON, but for the one control character that JSON lets stand
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, Sequence):
        raise TypeError(f"a plan holds texts, numbers, yes or no, and lists of them, not {type(value).__name__}")
    return "[" + ", ".join(toml_value(part) for part in value) + "]"
