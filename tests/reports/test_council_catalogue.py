"""The sentences of the page for the council: every language, the same places, none without use, none in English."""

import io
import re
import string
from importlib import resources

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES

PACKAGE = resources.files("evaltoolkit")


def catalogue(language):
    path = PACKAGE / "data" / "locale" / language / "council.po"
    messages = [m for m in read_po(io.BytesIO(path.read_bytes()), locale=language) if m.id]
    return {
        m.id if isinstance(m.id, str) else m.id[0]: [m.string] if isinstance(m.string, str) else list(m.string)
        for m in messages
    }


CATALOGUES = {language: catalogue(language) for language in LANGUAGES}


def places(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_places(language):
    assert CATALOGUES[language].keys() == CATALOGUES["en"].keys()
    for code, texts in CATALOGUES[language].items():
        for text in texts:
            assert text.strip(), code
            assert places(text) == places(CATALOGUES["en"][code][0]), code


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_no_sentence_is_left_in_english(language):
    english = CATALOGUES["en"]
    said = {code for code, texts in english.items() if re.search("[a-z]", re.sub(r"\{\w+\}", "", texts[0]))}
    assert [code for code in said if CATALOGUES[language][code] == english[code]] == []


def test_french_signs_and_polite_forms():
    for code, texts in CATALOGUES["fr"].items():
        for text in texts:
            assert not re.search(r"[^\s\u00a0][;?!:»](?!\w)|«\S", text), code
            assert "'" not in text, code
    assert not re.search(r"\b(je|jij|jouw|jullie)\b", str(CATALOGUES["nl"].values()), re.IGNORECASE)
    assert not re.search(r"\b(tu|ton|tes|toi)\b", str(CATALOGUES["fr"].values()), re.IGNORECASE)
    assert not re.search(r"\b(du|dein\w*|dich|dir)\b", str(CATALOGUES["de"].values()), re.IGNORECASE)


def test_every_sentence_is_used():
    folder = PACKAGE / "reports"
    sources = [p.read_text("utf-8") for p in folder.iterdir() if p.name.endswith(".py")]
    sources += [p.read_text("utf-8") for p in (PACKAGE / "data" / "pages").iterdir() if p.name.endswith(".j2")]
    text = "\n".join(sources)
    starts = {match.rsplit("{")[0] for match in re.findall(r'"(council\.[a-z_.]*)\{', text)}
    prefixes = tuple(start for start in starts if start.endswith(".") and start != "council.")
    assert [
        code
        for code in CATALOGUES["en"]
        if not re.search(f"[\"']{re.escape(code)}[\"']", text) and not code.startswith(prefixes)
    ] == [
        # council.more.percent and its like: both parts are put together
        code
        for code in CATALOGUES["en"]
        if re.fullmatch(r"council\.(more|less)\.(percent|per_10000|other)", code)
    ]
