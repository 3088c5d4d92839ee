"""Sentences, numbers and dates in a language: the one door to gettext and babel.

Message ids are stable codes; every language, English included, has its catalogue in
``data/locale/<language>/*.po``. A missing id is an error, never a silent fallback.
"""

from __future__ import annotations

import datetime as dt
import gettext
import io
import math
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from evaltoolkit.findings import EvaltoolkitError, Fact, nearest

LANGUAGES = ("nl", "fr", "de", "en")
_LOCALES = {"nl": "nl_BE", "fr": "fr_BE", "de": "de_BE", "en": "en_GB"}


class Words:
    """The catalogue of one language, with its number and date formats.

    ``extra`` is a folder with further catalogues, such as those of the guidance book.
    """

    def __init__(self, language: str, extra: Path | None = None) -> None:
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise EvaltoolkitError(
                f'Language "{language}" is not offered; choose one of {known}.{nearest(language, LANGUAGES)}'
            )
        self.language = language
        self.locale = _LOCALES[language]
        self._catalogue = _catalogue(language, extra)

    def has(self, code: str) -> bool:
        """Tell whether the catalogue holds this message id."""
        return self._catalogue.gettext(code) != code

    def say(self, code: str, **facts: Fact) -> str:
        """Return the sentence of a code, its facts formatted for the language.

        A message with a plural form chooses by the fact ``n``.
        """
        if isinstance(facts.get("n"), int):
            text = self._catalogue.ngettext(code, code, int(facts["n"]))
        else:
            text = self._catalogue.gettext(code)
        if text == code:
            raise EvaltoolkitError(f'No {self.language} sentence for "{code}": add it to data/locale/{self.language}/.')
        return text.format(**{name: self._format(value) for name, value in facts.items()})

    def _format(self, value: Fact) -> str:
        return value if isinstance(value, str) else self.number(value)

    def number(self, value: float, digits: int | None = None) -> str:
        """Format a number; with ``digits``, exactly that many decimals."""
        from babel.numbers import format_decimal

        if isinstance(value, float) and not math.isfinite(value):
            return "∞" if value == math.inf else "−∞" if value == -math.inf else "–"
        pattern = "#,##0.###" if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.locale).replace("-", "−")

    def date(self, value: dt.date) -> str:
        """Format a date, long form."""
        from babel.dates import format_date

        return format_date(value, format="long", locale=self.locale)


@cache
def words(language: str) -> Words:
    """Return the words of a language (``nl``, ``fr``, ``de`` or ``en``)."""
    return Words(language)


@cache
def _catalogue(language: str, extra: Path | None) -> gettext.GNUTranslations:
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    merged = Catalog(locale=language)
    packaged = resources.files("evaltoolkit") / "data" / "locale" / language
    folders: list[Traversable] = [packaged] if extra is None else [packaged, extra]
    entries = [entry for folder in folders for entry in folder.iterdir() if entry.name.endswith(".po")]
    for entry in sorted(entries, key=lambda path: path.name):
        for message in read_po(io.BytesIO(entry.read_bytes()), locale=language):
            if not message.id:
                continue
            if merged.get(message.id) is not None:
                raise EvaltoolkitError(f'Message id "{message.id}" stands twice in the {language} catalogues.')
            merged.add(message.id, message.string, flags=message.flags)
    buffer = io.BytesIO()
    write_mo(buffer, merged)
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)
