"""No two languages say the same, but for words that are the same in both: named here, so that none slips in."""

from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES

TEXTS = ("name", "definition", "counted", "not_counted", "pitfalls", "unit", "numerator", "denominator", "why", "use")
# nouns that two languages have in common, and places
SAME = {
    "actions", "dossiers", "Euro", "euros", "Klasse", "points", "Police", "Population", "Presse",
    "Antwerpen", "Eupen", "Hainaut", "Leuven", "Liège", "Limburg", "Luxembourg", "Luxemburg", "Namur",
}  # fmt: skip


def labels(framework):
    for indicator in framework.indicators:
        for name in TEXTS:
            yield {language: getattr(indicator.text.in_(language), name) for language in LANGUAGES}
        for part in indicator.parts:
            for label in (part.label, *(option.label for option in part.options)):
                yield {language: label.in_(language) for language in LANGUAGES}
    for composite in framework.composites:
        for label in (composite.name, composite.note):
            yield {language: label.in_(language) for language in LANGUAGES}


def test_only_the_named_words_are_the_same_in_two_languages():
    shared = set()
    for texts in labels(load_framework()):
        folded = [text.casefold() for text in texts.values() if len(text) > 3]
        shared |= {text for text in folded if folded.count(text) > 1}
    assert shared == {word.casefold() for word in SAME}
