"""Words that look the same and are not: letters of other alphabets, invisible marks, compatibility forms.

What only looks like a known word is never taken for it; the known word is suggested.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from evaltoolkit.submissions.numbers import fold

# Letters of the Cyrillic and Greek alphabets that cannot be told from Latin ones, capitals by their own shape.
_LETTERS = str.maketrans(
    "АВЕКМНОРСТУХІЈЅҮԚԜаеорсухіјѕһԁԛԝқмтнвк" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορνικτυχ" + "ıɑɡ",
    "ABEKMHOPCTYXIJSYQWaeopcyxijshdqwkmthbk" + "ABEZHIKMNOPTYXaopviktux" + "iag",
)


def show(text: str) -> str:
    """Return a text as it looks: compatibility forms undone, invisible marks left out."""
    return "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")


def skeleton(text: str) -> str:
    """Return what texts have in common that look the same; for comparing only."""
    return fold(show(text).translate(_LETTERS))


def look_alike(text: str, known: Iterable[str]) -> str:
    """Return the known word that a text looks like without being it, or an empty text."""
    shape = skeleton(text)
    return next((word for word in known if skeleton(word) == shape and fold(word) != fold(text)), "")
