"""Lint: the packaged framework is clean; each kind of slip is named."""

import re

import pytest

from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.lint import OPTION_LIMIT, TEXT_LIMITS, lint_framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words


@pytest.fixture(scope="module")
def framework():
    return load_framework()


def changed(framework, name, change):
    data = framework.by_id[name].model_dump(mode="json")
    change(data)
    return Framework(name="own", version="1", indicators=(Indicator.model_validate(data),))


def test_packaged_framework_is_clean(framework):
    assert lint_framework(framework) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_stand_in_every_language(framework, language):
    for indicator in framework.indicators:
        texts = indicator.text.in_(language)
        for name in ("name", "definition", "counted", "not_counted", "pitfalls", "unit"):
            assert 0 < len(getattr(texts, name)) <= TEXT_LIMITS[name], (indicator.id, name)
        assert len(texts.definition) >= 80, indicator.id
        assert texts.counted != texts.not_counted


def test_french_and_german_names_of_the_cell(framework):
    for indicator in framework.indicators:
        assert "LIVC" not in str(indicator.text.fr.model_dump()), indicator.id
        assert "CSIL" not in str(indicator.text.de.model_dump()), indicator.id
        assert "OCMW" not in str(indicator.text.fr.model_dump()), indicator.id


def test_no_language_is_left_in_another(framework):
    """Telltale words: a German text with Dutch words (or the reverse) was copied, not written."""
    telltale = {"nl": r"\b(und|der|nicht|the|les|est)\b", "de": r"\b(het|een|niet|voor|the|les)\b",
                "fr": r"\b(het|een|und|der|nicht|the)\b", "en": r"\b(het|een|und|der|nicht|les|est)\b"}  # fmt: skip
    for indicator in framework.indicators:
        for language, pattern in telltale.items():
            for text in indicator.text.in_(language).model_dump().values():
                assert not re.search(pattern, text), (indicator.id, language, text)


SLIPS = [
    ("COMP-09", lambda d: d["text"]["nl"].update(definition="x" * 401), "text.nl.definition: 401 characters"),
    ("COMP-09", lambda d: d["text"]["fr"].update(pitfalls="TODO"), "text.fr.pitfalls: this is empty or a filler"),
    ("COMP-09", lambda d: d["text"]["de"].update(counted=""), "text.de.counted: this is empty or a filler"),
    ("COMP-02", lambda d: d["text"]["en"].update(denominator=""), "text.en.denominator: this is empty"),
    ("COMP-09", lambda d: d["text"]["de"].update(definition=d["text"]["en"]["definition"]), "de and en are the same"),
    ("COMP-09", lambda d: d["parts"][0]["label"].update(nl="x" * 91), 'part "value" label.nl: 91 characters'),
    ("GOV-02", lambda d: d["parts"][0]["options"][0]["label"].update(de="x" * (OPTION_LIMIT + 1)), 'option "own".de'),
    ("GOV-02", lambda d: d["parts"][0]["options"][0].update(code="shared"), 'code "shared" stands twice'),
    ("GOV-02", lambda d: d["parts"][0]["options"][0]["label"].update(en="No LIVC-R"), "could not tell them apart"),
    ("COMP-09", lambda d: d["parts"][0].update(minimum=5, maximum=4), "minimum 5 lies above maximum 4"),
    ("COMP-09", lambda d: d["parts"][0].update(maximum=None), "a count needs a minimum and a maximum"),
    ("DET-01", lambda d: d["parts"][0].update(maximum=1), "a yes_no has no minimum or maximum"),
    ("COMP-09", lambda d: d.update(seed_facts=["S19"]), '"S19" is not known'),
    ("COMP-09", lambda d: d.update(conversion="ratio"), '"ratio" does not fit the value "single"'),
    ("TRU-01", lambda d: d.update(parts=[p for p in d["parts"] if p["id"] != "n"]), "a mean needs the part n"),
    ("DET-02", lambda d: d.update(direction="down"), "direction: what is recorded also rises"),
    ("DET-02", lambda d: d.update(self_recorded=False), "self_recorded: an outcome on the form"),
]


@pytest.mark.parametrize(("name", "slip", "sentence"), SLIPS, ids=[s[2][:30] for s in SLIPS])
def test_each_slip_is_named(framework, name, slip, sentence):
    faults = lint_framework(changed(framework, name, slip))
    assert any(sentence in fault and fault.startswith(name) for fault in faults), faults


def test_sum_without_counts(framework):
    def only_scores(data):
        for part in data["parts"]:
            part["type"] = "score"

    assert any(
        "at least one part of type count" in f for f in lint_framework(changed(framework, "GOV-08", only_scores))
    )


def test_ids_and_rules_used_twice(framework):
    twice = Framework(
        name="own", version="1", indicators=framework.indicators[:1] * 2, rules=(framework.rules[1], framework.rules[1])
    )
    faults = lint_framework(twice)
    assert any("this id is used 2 times" in fault for fault in faults)
    assert any("this rule stands 2 times" in fault for fault in faults)
    assert any('there is no indicator "CAP-01"' in fault for fault in faults)


def test_rule_sentences_in_four_languages(framework):
    for rule in framework.rules:
        for code in (rule.code, f"{rule.code}.remedy"):
            fields = set()
            for language in LANGUAGES:
                # private use: a marker shows which placeholders the sentence has
                text = words(language)._catalogue.gettext(code)
                assert text != code, (language, code)
                fields.add(frozenset(re.findall(r"\{(\w+)\}", text)))
            assert len(fields) == 1, code
            assert fields.pop() <= {"left", "right"}, code


def test_rule_sentences_say_their_numbers(framework):
    assert "Anwesenheiten: 1.200. Einladungen: 3." in words("de").say("rule.attended_above_invited", left=1200, right=3)
