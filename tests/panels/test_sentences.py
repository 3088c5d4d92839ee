"""Every finding of the panels can be said in every language."""

import re
from pathlib import Path

import pytest

import evaltoolkit.panels
from evaltoolkit.i18n import LANGUAGES, words

FACTS = {
    "missing": 1,
    "needed": 2,
    "count": 3,
    "units": "11001",
    "periods": "2020",
    "old": "a.b",
    "new": "a_b",
    "column": "c",
    "cells": 9,
}
# codes that are put together from the kind of unit and the reason
JOINED = {
    f"panel.{kind}_{why}" for kind in ("municipality", "livc_r") for why in ("outside", "divided", "needs_membership")
}


def codes():
    folder = Path(evaltoolkit.panels.__file__).parent
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py")))
    return sorted(set(re.findall(r'"(panel\.[a-z_]+)"', text)) | JOINED)


def test_codes_are_found():
    assert len(codes()) == 18


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_sentence_and_remedy(language):
    for code in codes():
        assert "{" not in words(language).say(code, **FACTS)
        assert words(language).say(f"{code}.remedy", **FACTS)
