"""The sentences of worksheets: every language, the same places to fill in, none without use."""

import io
import re
import string
from importlib import resources
from typing import get_args

import pytest
from babel.messages.pofile import read_po

from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.worksheets.joint import Fit
from evaltoolkit.worksheets.layout import CLAIM_COLUMNS, RIVALS, SHEETS, TEST_COLUMNS, heading
from evaltoolkit.worksheets.rules import CONCLUSIONS
from evaltoolkit.worksheets.worksheet import Kind, Likelihood, Result, Source

PACKAGE = resources.files("evaltoolkit")


def catalogue(language):
    path = PACKAGE / "data" / "locale" / language / "worksheet.po"
    return {m.id: m.string for m in read_po(io.BytesIO(path.read_bytes()), locale=language) if m.id}


CATALOGUES = {language: catalogue(language) for language in LANGUAGES}


def places(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_places(language):
    assert CATALOGUES[language].keys() == CATALOGUES["en"].keys()
    for code, text in CATALOGUES[language].items():
        assert text.strip(), code
        assert places(text) == places(CATALOGUES["en"][code]), code


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_no_sentence_is_left_in_english(language):
    long = [code for code, text in CATALOGUES["en"].items() if len(re.sub(r"\{\w+\}", "", text).split()) > 2]
    assert [code for code in long if CATALOGUES[language][code] == CATALOGUES["en"][code]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_ever_proven(language):
    forbidden = re.compile(r"bewijs|bewez|prouv|preuve|beweis|\bpro(ve[sn]?|of)\b|signifi[ck]ant", re.IGNORECASE)
    assert [text for text in CATALOGUES[language].values() if forbidden.search(text)] == []


def test_french_and_polite_forms():
    for code, text in CATALOGUES["fr"].items():
        assert not re.search(r"[^\s\u00a0][;?!»](?!\w)|«\S|\w:\s", text), code
        assert "'" not in text, code
    assert not re.search(r"\b(je|jij|jouw|jullie)\b", str(CATALOGUES["nl"].values()), re.IGNORECASE)
    assert not re.search(r"\b(du|dein\w*|dich|dir)\b", str(CATALOGUES["de"].values()), re.IGNORECASE)
    assert not re.search(r"\b(tu|toi|ton|tes)\b", str(CATALOGUES["fr"].values()), re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_and_words_of_a_list_differ(language):
    for sheet, columns in (("claims", CLAIM_COLUMNS), ("tests", TEST_COLUMNS)):
        assert len({heading(sheet, column, language) for column in columns}) == len(columns)
    say = words(language).say
    assert all(len(say(f"worksheet.sheet.{sheet}")) <= 31 for sheet in SHEETS)
    for name, codes in (("scale", Likelihood), ("kind", Kind), ("result", Result), ("source", Source)):
        texts = {say(f"worksheet.{name}.{code}").partition(" (")[0].casefold() for code in get_args(codes)}
        assert len(texts) == len(get_args(codes))


def test_every_sentence_is_used():
    files = [entry for room in ("worksheets", "reports") for entry in (PACKAGE / room).iterdir()]
    files += list((PACKAGE / "data" / "pages").iterdir())
    sources = "\n".join(one.read_text("utf-8") for one in files if one.name.endswith((".py", ".j2")))
    families = {
        "scale": get_args(Likelihood),
        "kind": get_args(Kind),
        "result": get_args(Result),
        "source": get_args(Source),
        "conclusion": CONCLUSIONS,
        "against": CONCLUSIONS,
        "fit": get_args(Fit),
        "sheet": SHEETS,
        "hint": ("claims", "tests"),
        "worth": ("for", "against"),
    }
    composed = {f"worksheet.{family}.{name}" for family, names in families.items() for name in names}
    composed |= {
        f"worksheet.{family}.{name}.means" for family in ("kind", "conclusion", "fit") for name in families[family]
    }
    composed |= {f"worksheet.kind.{name}.example" for name in get_args(Kind)}
    columns = [
        *(("claims", one) for one in CLAIM_COLUMNS if one not in RIVALS),
        *(("tests", one) for one in TEST_COLUMNS),
    ]
    composed |= {f"worksheet.{family}.{sheet}.{column}" for family in ("label", "field") for sheet, column in columns}
    composed |= {f"worksheet.label.{name}" for name in ("unit", "period", "question")}
    composed |= {f"worksheet.field.{name}" for name in ("unit", "period", "question", "language", "invented")}
    composed |= {"worksheet.field.claims.rivals"}

    def used(code):
        tail = code.rpartition(".")[2]
        if code in composed or f'"{code}"' in sources or f"'{code}'" in sources:
            return True
        if tail == "remedy":
            return f'"{code.removesuffix(".remedy")}"' in sources
        # the last word stands in a list that a code is put together from
        family = code.removesuffix(tail)
        begins = f'"{family}' in sources or f"f'{family}" in sources or f'"{family}" ~' in sources
        return begins and (f'"{tail}"' in sources)

    assert [code for code in CATALOGUES["en"] if not used(code)] == []
