"""One word per thing and language: the avoided words of the glossary occur nowhere that people read."""

import re
import tomllib
from importlib import resources

import pytest

from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES

DATA = resources.files("evaltoolkit") / "data"
TERMS = tomllib.loads((DATA / "glossary.toml").read_text(encoding="utf-8"))["term"]


_SENTENCE = re.compile(r'^msgstr(?:\[\d\])? "(.*)"$', re.MULTILINE)


def texts(language):
    for entry in (DATA / "locale" / language).iterdir():
        if entry.name.endswith(".po"):
            yield entry.name, "\n".join(_SENTENCE.findall(entry.read_text(encoding="utf-8")))
    for indicator in load_framework("livc-r").indicators:
        shown = indicator.text.in_(language).model_dump()
        yield indicator.id, "\n".join([*shown.values(), *(part.label.in_(language) for part in indicator.parts)])


def test_every_term_has_every_language():
    for term in TERMS:
        assert all(term[language] for language in LANGUAGES), term["id"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_avoided_words_occur_nowhere(language):
    avoided = [word for term in TERMS for word in term.get(f"avoid_{language}", [])]
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, avoided)) + r")\b", re.IGNORECASE)
    found = [(name, match[0]) for name, text in texts(language) if (match := pattern.search(text))]
    assert not found
