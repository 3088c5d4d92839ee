"""Rules that apply where a question of yes or no was answered one way."""

import pytest

from evaltoolkit.findings import Where
from evaltoolkit.framework.indicator import Rule
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.references import rule_faults
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.submissions.validate import check_rules

LIVC = load_framework("livc-r")
HERE = Where("form.xlsx", unit="11001", period="2025")


def broken(**answers):
    values = [
        StoredValue("2025", name.replace("_", "-"), part, value, "", "registered", "Form", "C1", 1)
        for name, parts in answers.items()
        for part, value in parts.items()
    ]
    return {finding.code: dict(finding.facts) for finding in check_rules(values, LIVC, HERE)[0]}


@pytest.mark.parametrize(("said", "counted", "told"), [(0.0, 3.0, True), (0.0, 0.0, False), (1.0, 3.0, False)])
def test_no_signals_but_signals_counted(said, counted, told):
    found = broken(DET_01={"value": said}, DET_02={"value": counted})
    assert found == ({"rule.no_signals_but_counted": {"left": 3, "right": 0}} if told else {})


@pytest.mark.parametrize(("said", "met", "told"), [(0.0, 2.0, True), (0.0, 0.0, False), (1.0, 2.0, False)])
def test_meetings_of_what_was_not_established(said, met, told):
    found = broken(GOV_01={"value": said}, GOV_08={"case": met, "strategic": 1.0 if met else 0.0})
    assert found == ({"rule.not_established_with_meetings": {"left": 3, "right": 0}} if told else {})


def test_a_condition_on_yes_or_no_is_checked_when_the_framework_is_read():
    def faults(when):
        rule = Rule(code="rule.x", severity="error", left="DET-02.value", op="==", right="0", when=when)
        return rule_faults([rule], LIVC.by_id)

    assert faults("DET-01.value == no") == []
    assert ['"maybe" is not an answer to DET-01.value' in fault for fault in faults("DET-01.value == maybe")] == [True]
    assert ["a condition needs a choice or yes and no" in fault for fault in faults("DET-02.value == no")] == [True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_of_the_framework_has_its_sentences(language):
    for rule in LIVC.rules:
        assert words(language).say(rule.code, left=3, right=0)
        assert words(language).say(f"{rule.code}.remedy")
