"""Every code of this room has its sentence in four languages, with the facts it is given."""

import re
from importlib import resources

import pytest

from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.rules import feasibility_rules

DEVIATIONS = {
    "not_locked": {},
    "lock_edited": {},
    "field_changed": {"field": "estimation.adjust", "locked": "dr", "now": "reg"},
    "text_changed": {"field": "question"},
    "outcome_added": {"indicator": "TRU-01"},
    "outcome_removed": {"indicator": "TRU-01"},
    "override_changed": {"indicator": "TRU-01"},
    "framework_changed": {"indicator": "TRU-01"},
    "data_changed": {"indicator": "TRU-01"},
    "data_gone": {"indicator": "TRU-01"},
    "roster_changed": {},
    "locked_after_data": {"n": 2},
    "relocked": {"n": 1, "last": "2026-05-01"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_its_sentences(language):
    say = words(language).say
    for rule in feasibility_rules():
        facts = dict.fromkeys((rule.statistic, *rule.facts), 12) | {"threshold": 10}
        for code in (f"feasibility.{rule.id}", f"feasibility.{rule.id}.instead"):
            sentence = say(code, **facts)
            assert sentence.endswith(".")
            assert "{" not in sentence
        for name in rule.alternatives:
            assert say(f"alternative.{name}").endswith(".")


@pytest.mark.parametrize("language", LANGUAGES)
def test_decisions_reasons_and_deviations(language):
    say = words(language).say
    sentences = [say(f"decision.{name}") for name in ("go", "go_with", "do_not_run")]
    sentences += [say(f"mde.{name}") for name in ("few_clusters", "no_source", "undefined")]
    sentences += [say("excluded.one_pre_period"), say("feasibility.no_units"), say("feasibility.no_units.instead")]
    for name, facts in DEVIATIONS.items():
        sentence = say(f"deviation.{name}", locked_on="2026-01-02", **facts)
        assert all(str(fact) in sentence for fact in facts.values())
        sentences.append(sentence)
    assert len(set(sentences)) == len(sentences)


def test_one_and_many_differ():
    say = words("en").say
    assert "1 period with" in say("deviation.locked_after_data", locked_on="d", n=1)
    assert "2 periods with" in say("deviation.locked_after_data", locked_on="d", n=2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_ever_proven(language):
    text = (resources.files("evaltoolkit") / "data" / "locale" / language / "plan.po").read_text(encoding="utf-8")
    assert not re.search(r"bewijs|bewez|prouv|preuve|beweis|bewies|\bprov(e|es|en)\b", text.lower())
