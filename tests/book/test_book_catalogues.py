"""The translations of the book: complete, with the same marks as the English text, in the fixed words."""

import io
import re
import string
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES

BOOK = Path(__file__).resolve().parents[2] / "book"
OTHERS = [language for language in LANGUAGES if language != "en"]
PAGES = ("annexes", "index", "paper", "policymakers")
TERMS = tomllib.loads((BOOK.parent / "evaltoolkit" / "data" / "glossary.toml").read_text(encoding="utf-8"))["term"]
ROLE = re.compile(r"\{[a-z:]+\}`[^`]*`")
LINK = re.compile(r"\]\(([^)]*)\)")


def messages(path, language):
    return [m for m in read_po(io.BytesIO(path.read_bytes()), locale=language) if m.id]


def translated(language):
    return [m for page in PAGES for m in messages(BOOK / "locale" / language / "LC_MESSAGES" / f"{page}.po", language)]


def labels(language):
    return {m.id: m.string for m in messages(BOOK / "locale" / language / "book.po", language)}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_with_its_marks(language):
    for message in translated(language):
        assert message.string.strip(), message.id
        assert not message.fuzzy, message.id
        assert Counter(ROLE.findall(message.id)) == Counter(ROLE.findall(message.string)), message.id
        assert Counter(LINK.findall(message.id)) == Counter(LINK.findall(message.string)), message.id
        if len(message.id.split()) > 4:
            assert message.string != message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_label_with_its_placeholders(language):
    english, own = labels("en"), labels(language)
    assert own.keys() == english.keys()
    for code, text in own.items():
        assert text.strip(), code
        assert _names(text) == _names(english[code]), code


def _names(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_and_pages_keep_to_the_glossary(language):
    avoided = [word for term in TERMS for word in term.get(f"avoid_{language}", [])]
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, avoided)) + r")\b", re.IGNORECASE)
    texts = list(labels(language).values())
    if language != "en":
        texts += [message.string for message in translated(language)]
    assert [(found[0], text[:80]) for text in texts if (found := pattern.search(ROLE.sub("", text)))] == []
