import io
import re
import string
from importlib import resources

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES

# the same word in two languages: names, loanwords, and Dutch-English or French-English twins
TWINS = 0.06


def _catalogue(language):
    path = resources.files("evaltoolkit") / "data" / "locale" / language / "report.po"
    return {m.id: m.string for m in read_po(io.BytesIO(path.read_bytes()), locale=language) if m.id}


CATALOGUES = {language: _catalogue(language) for language in LANGUAGES}


def _placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_placeholders(language):
    assert CATALOGUES[language].keys() == CATALOGUES["en"].keys()
    for code, text in CATALOGUES[language].items():
        assert text.strip(), code
        assert _placeholders(text) == _placeholders(CATALOGUES["en"][code]), code


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_no_sentence_is_left_in_english(language):
    long = [code for code, text in CATALOGUES["en"].items() if len(text.split()) > 2]
    assert [code for code in long if CATALOGUES[language][code] == CATALOGUES["en"][code]] in (
        [],
        ["report.paths.alt.group"],
    )
    same = [code for code, text in CATALOGUES[language].items() if text == CATALOGUES["en"][code]]
    assert len(same) < TWINS * len(CATALOGUES["en"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_ever_proven(language):
    forbidden = re.compile(r"\b(prove[sn]?|bewijst|bewezen|prouve|prouvé|beweist|bewiesen|signifi[ck]ant\w*)\b", re.I)
    assert [text for text in CATALOGUES[language].values() if forbidden.search(text)] == []


def test_every_sentence_is_used():
    folder = resources.files("evaltoolkit")
    sources = [p.read_text("utf-8") for p in (folder / "reports").iterdir() if p.name.endswith(".py")]
    sources += [(folder / "framework" / "scales.py").read_text("utf-8")]
    sources += [p.read_text("utf-8") for p in (folder / "data" / "pages").iterdir() if p.name.endswith(".j2")]
    text = "\n".join(sources)
    # a code may be put together from its beginning and a word: "report.arm." and "treated"
    starts = {match.rsplit("{")[0] for match in re.findall(r'"((?:report|unit)\.[a-z_.]*)["{]', text)}
    starts |= set(re.findall(r'"(report\.[a-z_.]*\.)" ~', text))
    prefixes = tuple(start for start in starts if start.endswith("."))
    unused = [
        code
        for code in CATALOGUES["en"]
        if code not in text and not code.startswith(prefixes) and code != "report.scope.livc_r"
    ]
    assert unused == []
