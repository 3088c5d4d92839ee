"""Catalogues of tables and of the page for a municipality: whole in every language, used, and never a ranking."""

import io
import re
import string
from importlib import resources

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES

ROOT = resources.files("evaltoolkit")
NAMES = ("tables", "municipality")


def catalogue(name, language):
    path = ROOT / "data" / "locale" / language / f"{name}.po"
    return {m.id: m.string for m in read_po(io.BytesIO(path.read_bytes()), locale=language) if m.id}


def forms(entry):
    """Singular and plural, or the one text there is."""
    return entry if isinstance(entry, tuple) else (entry,)


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def names_of(entry):
    return entry[0] if isinstance(entry, tuple) else entry


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_language_has_every_sentence_with_the_same_placeholders(name, language):
    english = {names_of(code): entry for code, entry in catalogue(name, "en").items()}
    own = {names_of(code): entry for code, entry in catalogue(name, language).items()}
    assert own.keys() == english.keys()
    for code, entry in own.items():
        for text, other in zip(forms(entry), forms(english[code]), strict=True):
            assert text.strip(), code
            assert placeholders(text) == placeholders(other), code


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_is_left_in_english(name, language):
    english, own = catalogue(name, "en"), catalogue(name, language)
    assert [code for code in own if len(forms(english[code])[0].split()) > 3 and own[code] == english[code]] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_proven_starred_or_won(name, language):
    forbidden = re.compile(
        r"\b(prove[sn]?|bewijst|bewezen|prouve|prouvé|beweist|bewiesen|signifi[ck]ant\w*|beste?|l\w+ meilleure?s?)\b",
        re.I,
    )
    texts = [text for entry in catalogue(name, language).values() for text in forms(entry)]
    assert [text for text in texts if forbidden.search(text)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_sentence_is_used(name):
    sources = [p.read_text("utf-8") for p in (ROOT / "reports").iterdir() if p.name.endswith(".py")]
    sources += [p.read_text("utf-8") for p in (ROOT / "data" / "pages").iterdir() if p.name.endswith(".j2")]
    text = "\n".join(sources)
    # a code may be put together from its beginning and a word: "municipality.place." and "within"
    prefixes = tuple(set(re.findall(r'"((?:publication|results|municipality)\.(?:[a-z_]+\.)*(?:n_)?)\{', text)))
    unused = [
        code for code in map(names_of, catalogue(name, "en")) if code not in text and not code.startswith(prefixes)
    ]
    assert unused == []
