"""The sentences of plan new and of the page: every language, the same places to fill in, none without use."""

import io
import re
import string
from importlib import resources
from typing import get_args

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.plan import CheckName
from evaltoolkit.plans.rules import feasibility_rules

PACKAGE = resources.files("evaltoolkit")


def catalogue(name, language):
    path = PACKAGE / "data" / "locale" / language / f"{name}.po"
    messages = [m for m in read_po(io.BytesIO(path.read_bytes()), locale=language) if m.id]
    return {
        m.id if isinstance(m.id, str) else m.id[0]: [m.string] if isinstance(m.string, str) else list(m.string)
        for m in messages
    }


def places(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["plan_new", "preanalysis"])
def test_every_language_has_every_sentence_with_the_same_places(name, language):
    english, here = catalogue(name, "en"), catalogue(name, language)
    assert here.keys() == english.keys()
    for code, texts in here.items():
        for text in texts:
            assert text.strip(), code
            assert places(text) == places(english[code][0]), code
    assert not re.search(r"bewijs|bewez|prouv|preuve|beweis|\bprov(e|es|en)\b", str(here).lower())


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
@pytest.mark.parametrize("name", ["plan_new", "preanalysis"])
def test_no_sentence_is_left_in_english(name, language):
    english, here = catalogue(name, "en"), catalogue(name, language)
    long = {code for code, texts in english.items() if len(re.sub(r"\{\w+\}", "", texts[0]).split()) > 2}
    assert long
    assert [code for code in long if here[code] == english[code]] == []


@pytest.mark.parametrize("name", ["plan_new", "preanalysis"])
def test_french_and_polite_forms(name):
    for code, texts in catalogue(name, "fr").items():
        for text in texts:
            assert not re.search(r"[^\s\u00a0][;?!»](?!\w)|«\S", text), code
            assert "'" not in text, code
    assert not re.search(r"\b(je|jij|jouw|jullie)\b", str(catalogue(name, "nl").values()), re.IGNORECASE)
    assert not re.search(r"\b(du|dein\w*|dich|dir)\b", str(catalogue(name, "de").values()), re.IGNORECASE)
    assert not re.search(r"\b(tu|toi|ton|tes)\b", str(catalogue(name, "fr").values()), re.IGNORECASE)


def test_no_sentence_is_without_use():
    files = [*(PACKAGE / "plans").iterdir(), *(PACKAGE / "reports").iterdir(), *(PACKAGE / "data" / "pages").iterdir()]
    sources = "\n".join(one.read_text("utf-8") for one in files if one.name.endswith((".py", ".j2")))
    parts = (
        "field.",
        "choice.",
        "example.",
        "wrong.",
        "column.",
        "unit.",
        "spillover.",
        "compared.",
        "rule.",
        "method.",
        "inference.",
    )
    parts = (*parts, "adjust.", "size.")
    composed = re.compile("|".join(rf"(plan_new|preanalysis)\.{re.escape(part)}" for part in parts))
    used = {f"preanalysis.rules.{rule.id}" for rule in feasibility_rules()}
    used |= {f"preanalysis.check.{name}" for name in get_args(CheckName)}
    for code in [*catalogue("plan_new", "en"), *catalogue("preanalysis", "en")]:
        short = code.removeprefix("plan_new.")
        known = code in used or f'"{code}"' in sources or f'"{short}"' in sources or f"'{short}'" in sources
        asked = code.startswith("plan_new.ask.") and f'"{code.rpartition(".")[2]}"' in sources
        assert known or asked or composed.match(code), code
