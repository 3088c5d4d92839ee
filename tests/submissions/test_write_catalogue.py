"""The sentences of a form: complete, with the same facts in every language."""

import string
from importlib import resources

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES


def sentences(language):
    path = resources.files("evaltoolkit") / "data" / "locale" / language / "form.po"
    with path.open("rb") as handle:
        return {message.id: message.string for message in read_po(handle, locale=language) if message.id}


def facts(text):
    plural = text if isinstance(text, tuple | list) else (text,)
    return {name for one in plural for _, name, _, _ in string.Formatter().parse(one) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_facts(language):
    own, english = sentences(language), sentences("en")
    assert own.keys() == english.keys()
    for code, text in own.items():
        assert all(text) if isinstance(text, tuple | list) else text.strip()
        assert facts(text) == facts(english[code]), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_status_words_never_hold_the_dash_that_ends_the_code(language):
    own = sentences(language)
    labels = [own[code] for code in map(str, own) if code.startswith("form.status.") and not code.endswith(".help")]
    assert len(labels) == 7
    assert not any("–" in label for label in labels)
    assert len(set(labels)) == 7
