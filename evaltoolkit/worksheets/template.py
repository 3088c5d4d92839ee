"""A worksheet as a commented TOML file, in the worksheet's language; and a new one, to be filled in."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from evaltoolkit.i18n import Words, words
from evaltoolkit.validation import bare, type_at
from evaltoolkit.worksheets.worksheet import MAX_RIVALS, Claim, Test, Worksheet

TOP = ("unit", "period", "question", "language", "invented")
_ALWAYS = {"unit", "period", "question", "language"}
CLAIM = tuple(name for name in Claim.model_fields if name != "tests")
TEST = tuple(Test.model_fields)
_WIDTH = 110
# an example needs dates; these are in the past for every reader
_STATED, _LOOKED = dt.date(2026, 1, 12), dt.date(2026, 2, 16)
Content = dict[str, Any]


def content_of(worksheet: Worksheet) -> Content:
    """Return a worksheet as plain tables, without the entries that are not given."""
    content: Content = _plain(worksheet.model_dump(exclude_defaults=True))
    for claim, written in zip(worksheet.claims, content["claims"], strict=True):
        for test, one in zip(claim.tests, written["tests"], strict=True):
            # that nobody has looked yet is an answer, and said
            one["evidence"] = test.evidence
    return content | {"language": worksheet.language}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def new_content(language: str, steps: Sequence[str] = (), rivals: Sequence[str] = ()) -> Content:
    """Return the tables of a new worksheet.

    Parameters
    ----------
    language : {"nl", "fr", "de", "en"}
    steps : sequence of str
        Steps of the plan's theory of change; each becomes a claim without tests. Without steps the content is an
        example with two tests.
    rivals : sequence of str
        The plan's other explanations; each claim starts with them, five at most.
    """
    say = words(language)
    head = {"unit": "", "period": "", "question": "", "language": language}
    if not steps:
        return head | {"claims": [_example(say)]}
    own = list(rivals[:MAX_RIVALS]) or [say.say("worksheet.example.rival")]
    claims = [
        {"id": f"step-{number}", "step": str(number), "statement": step, "rivals": own, "tests": []}
        for number, step in enumerate(steps, 1)
    ]
    return head | {"claims": claims}


def _example(say: Words) -> Content:
    tests = [
        {
            "id": name,
            "expectation": say.say(f"worksheet.example.{name}"),
            "if_true": if_true,
            "rivals": [1],
            "if_rival": if_rival,
            "stated_on": _STATED,
            "evidence": "found",
            "looked_on": _LOOKED,
            "source": "minutes",
        }
        for name, if_true, if_rival in (
            ("hoop", "almost_certain", "unlikely"),
            ("smoking-gun", "likely", "hardly_ever"),
        )
    ]
    claim = {"id": "example", "step": "1", "statement": say.say("worksheet.example.statement")}
    return claim | {"rivals": [say.say("worksheet.example.rival")], "tests": tests}


def worksheet_text(content: Mapping[str, Any]) -> str:
    """Return a worksheet as a commented TOML file; reading it gives the content again.

    A claim without a test gets an empty one to fill in.
    """
    say = words(content["language"])
    lines = [*_comment(say.say("worksheet.head")), *_comment(say.say("worksheet.privacy.text"))]
    lines += _entries(content, TOP, "", say, always=_ALWAYS, told=set())
    told: set[str] = set()
    for claim in content["claims"]:
        lines += ["", *(() if "claims" in told else _comment(say.say("worksheet.field.claims"))), "[[claims]]"]
        told.add("claims")
        lines += _entries(claim, CLAIM, "claims.", say, always=set(), told=told)
        for test in claim["tests"] or [_blank_test(claim)]:
            lines += ["", *(() if "tests" in told else _comment(say.say("worksheet.field.tests")))]
            told.add("tests")
            lines += ["[[claims.tests]]", *_entries(test, TEST, "tests.", say, always=set(), told=told)]
    return "\n".join(lines) + "\n"


def _blank_test(claim: Mapping[str, Any]) -> Content:
    wanted = dict.fromkeys(("id", "expectation", "if_true", "rivals", "if_rival", "stated_on", "evidence"), "")
    return wanted | {"rivals": list(range(1, len(claim["rivals"]) + 1)), "evidence": "not_looked"}


def _entries(
    content: Mapping[str, Any],
    names: Sequence[str],
    section: str,
    say: Words,
    *,
    always: set[str],
    told: set[str],
) -> Iterator[str]:
    for name in names:
        if name not in content and name not in always:
            continue
        place = f"{section}{name}"
        if place not in told:
            # each entry is explained where it stands first
            told.add(place)
            yield from _meaning(place, name, say)
        yield _assigned(name, content.get(name, ""))


def _meaning(place: str, name: str, say: Words) -> Iterator[str]:
    yield from _comment(say.say(f"worksheet.field.{place}"))
    for word in choices(name) if place.startswith("tests.") else ():
        yield from _comment(f"  {word}: {say.say(f'worksheet.{family(name)}.{word}')}")


def choices(field: str) -> tuple[str, ...]:
    """Return the words that an entry of a test allows; none where it is free."""
    kind = bare(type_at(Worksheet, ("claims", 0, "tests", 0, field)))
    return get_args(kind) if field in _FAMILIES else ()


_FAMILIES = {"if_true": "scale", "if_rival": "scale", "kind": "kind", "evidence": "result", "source": "source"}


def family(field: str) -> str:
    """Return the name of the list that an entry takes its words from."""
    return _FAMILIES[field]


def _comment(text: str) -> list[str]:
    indent = "#   " if text.startswith("  ") else "# "
    return textwrap.wrap(
        text.strip(),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _assigned(name: str, value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(part, str) for part in value):
        return "\n".join([f"{name} = [", *(f"  {toml(part)}," for part in value), "]"])
    return f"{name} = {toml(value)}"


def toml(value: Any) -> str:
    """Return a text, number, date, yes or no, or a list of them, as TOML writes it."""
    if isinstance(value, str):
        # a basic string of TOML is a string of JSON, but for the one control character that JSON lets stand
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    return "[" + ", ".join(toml(part) for part in value) + "]"
