"""Words by which data about a person are found, as data of the package: headings, months, organisations, names."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from evaltoolkit.submissions.look_alikes import skeleton

# Kinds of personal data that a heading can ask for; the first that is named counts.
KINDS = ("national_number", "birth_date", "email", "phone", "address", "name")
BARE = "bare_name"
_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]")
_WORD = re.compile(r"[^\W_]+")
# a birth in French; without its accent the word is a negation, or "no" in Dutch
_BORN = re.compile(r"(?<!\w)née?s?(?:\(e\))?(?!\w)")
_LONGEST = 80


@dataclass(frozen=True)
class Words:
    """The lists of ``data/personal.toml``."""

    birth: tuple[str, ...]
    months: tuple[str, ...]
    headings: dict[str, str]
    bare: frozenset[str]
    person: frozenset[str]
    filler: frozenset[str]
    organisations: frozenset[str]
    pieces: tuple[str, ...]
    given: frozenset[str]


@cache
def load_words() -> Words:
    """Return the lists."""
    told = tomllib.loads((resources.files("evaltoolkit") / "data" / "personal.toml").read_text("utf-8"))
    return Words(
        birth=tuple(told["birth"]["words"]),
        months=tuple(told["months"]["words"]),
        headings={word: kind for kind in reversed(KINDS) for word in told["headings"][kind]},
        bare=frozenset(told["bare"]["name"]),
        person=frozenset(told["bare"]["person"]),
        filler=frozenset(told["filler"]["words"]),
        organisations=frozenset(told["organisation"]["words"]),
        pieces=tuple(told["organisation"]["pieces"]),
        given=frozenset(told["given"]["names"]),
    )


def flatten(text: str) -> str:
    """Return a text in small letters without accents, full-width forms and invisible marks."""
    if text.isascii():
        return text.lower()
    wide = unicodedata.normalize("NFKD", text)
    return "".join(char for char in wide if unicodedata.category(char) not in ("Mn", "Cf")).casefold()


@lru_cache(maxsize=50_000)
def heading_kind(text: str) -> str:
    """Return which data about a person a heading asks for: one of :data:`KINDS`, :data:`BARE`, or empty.

    Every word of the heading must be known, so that "name of the municipality" or a sentence is none.
    """
    if not text or len(text) > _LONGEST:
        return ""
    lists = load_words()
    # "né(e)" is one word; other brackets hold a remark
    born = _BORN.sub("naissance", unicodedata.normalize("NFC", text).casefold())
    # letters of other alphabets that look the same hide nothing
    flat = flatten(born) if born.isascii() else skeleton(born)
    flat = flat.replace("(e)", "").replace("e-mail", "email").replace("e mail", "email")
    found = _WORD.findall(_BRACKETS.sub(" ", flat))
    words = [word for word in found if word not in lists.filler and not word.isdigit()]
    named = [word for word in words if word in lists.bare]
    others = [word for word in words if word not in lists.bare]
    kinds = {lists.headings[word] for word in others if word in lists.headings}
    unknown = [word for word in others if word not in lists.headings and word not in lists.person]
    if not words or unknown:
        return ""
    if kinds:
        return next(kind for kind in KINDS if kind in kinds)
    return "" if not named else "name" if others else BARE


def is_organisation(text: str) -> bool:
    """Tell whether a name has a word that only organisations and places have."""
    lists = load_words()
    words = _WORD.findall(flatten(text))
    return any(word in lists.organisations or any(piece in word for piece in lists.pieces) for word in words)


def has_given_name(text: str) -> bool:
    """Tell whether two to five words, each with a capital, begin or end with a common given name."""
    words = re.split(r"[\s,]+", text.strip(" ,"))
    if not 1 < len(words) < 6 or not all(word[:1].isupper() for word in (words[0], words[-1])):
        return False
    return any(flatten(word).partition("-")[0] in load_words().given for word in (words[0], words[-1]))
