"""Fields that plans learned later: old digests stay, and adding one after the lock is told."""

import datetime as dt

import pytest

from evaltoolkit.findings import FaultsError
from evaltoolkit.plans.canonical import canonical_plan, plan_digest
from evaltoolkit.plans.deviations import Lookback, changes_between
from evaltoolkit.plans.reading import plan_from_text

# taken with the version of 2026 that knew neither assumptions nor checks nor a decision rule
SMALL = "32dc4e7b265063ad95ece6a25c7f12ab7a608cf7602815c424a2ed133d8f3da8"
TRANSLATED = "70edb303477ea8eb899a13144809459b4d135cf4376330700ffd851135b689a1"
TRANSLATION = {"nl": {"title": "t", "question": "q", "theory_of_change": ["a", "b"]}}
NEW = {
    "assumptions": ["partners have time"],
    "decision_rule": ["better: go on", "worse: stop"],
    "checks": ["response", "pretrends"],
}


def changes(before, now):
    seen = Lookback(dt.date(2026, 1, 15).isoformat())
    changes_between(canonical_plan(before), canonical_plan(now), seen)
    names = frozenset(outcome.indicator for outcome in before.outcomes)
    return [(code, facts["field"]) for code, facts in seen.deviations], seen.touched_of(names)


def test_plans_without_the_new_fields_keep_their_digests(worlds):
    assert plan_digest(worlds["plan"]()) == SMALL
    assert plan_digest(worlds["plan"](translations=TRANSLATION)) == TRANSLATED


@pytest.mark.parametrize("name", NEW)
def test_each_new_field_enters_the_content_when_given(worlds, name):
    plain, given = worlds["plan"](), worlds["plan"](**{name: NEW[name]})
    assert plan_digest(given) != plan_digest(plain)
    assert plan_digest(worlds["plan"](**{name: []})) == plan_digest(plain)


def test_a_translation_of_the_new_words_enters_too(worlds):
    words = {"title": "t", "question": "q"}
    plain = worlds["plan"](translations={"nl": words})
    assert "assumptions" not in canonical_plan(plain)["translations"]["nl"]
    given = worlds["plan"](translations={"nl": words | {"decision_rule": ["beter: doorgaan"]}})
    assert plan_digest(given) != plan_digest(plain)
    assert given.said_in("nl").decision_rule == ("beter: doorgaan",)


def test_the_order_of_checks_does_not_count(worlds):
    forth, back = (worlds["plan"](checks=order) for order in (NEW["checks"], NEW["checks"][::-1]))
    assert plan_digest(forth) == plan_digest(back)


def test_words_added_after_the_lock_are_told_but_touch_no_estimate(worlds):
    now = worlds["plan"](assumptions=NEW["assumptions"], decision_rule=NEW["decision_rule"])
    told = [("deviation.text_changed", "assumptions"), ("deviation.text_changed", "decision_rule")]
    assert changes(worlds["plan"](), now) == (told, frozenset())
    assert changes(now, worlds["plan"]()) == (told, frozenset())


def test_choosing_checks_after_the_lock_is_a_deviation_for_every_outcome(worlds):
    told, touched = changes(worlds["plan"](), worlds["plan"](checks=["response"]))
    assert told == [("deviation.field_changed", "checks")]
    assert touched == {"TRU-01"}


PLAN = """title = "t"
question = "q"
checks = ["pretrend", "response", "response"]
[data]
store = "store"
roster = "roster.csv"
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "places were free"
[[outcomes]]
indicator = "TRU-1"
role = "primary"
smallest_relevant = 0.05
[[outcomes]]
indicator = "CTX-01"
role = "secondary"
smallest_relevant = 1
"""


def faults_of(text, tmp_path):
    (tmp_path / "roster.csv").touch()
    with pytest.raises(FaultsError) as caught:
        plan_from_text(text, tmp_path / "evaluation.toml")
    return caught.value.faults


def test_an_unknown_check_gets_the_nearest_and_the_framework_speaks_with_it(tmp_path):
    faults = faults_of(PLAN, tmp_path)
    assert any('checks entry 1: "pretrend" is not allowed' in f and 'Did you mean "pretrends"?' in f for f in faults)
    assert '[[outcomes]] 1 indicator: "TRU-1" is not an indicator of livc-r. Did you mean "TRU-01"?' in faults
    assert any("CTX-01" in fault and "cannot be an outcome" in fault for fault in faults)


def test_a_check_twice(tmp_path):
    (fault,) = faults_of(
        PLAN.replace('"pretrend", ', "").replace("TRU-1", "TRU-01").replace("CTX-01", "COH-05"), tmp_path
    )
    assert fault == 'A check stands twice under "checks".'
