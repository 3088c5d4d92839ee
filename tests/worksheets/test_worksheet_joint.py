"""Numbers and evidence side by side: every row of the rule table, and the display."""

from itertools import product
from typing import get_args

import pytest
from worksheet_sample import make_claim, make_test, make_worksheet

from evaltoolkit.evaluations.evaluation import Verdict
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.worksheets.joint import (
    EvidenceSays,
    Fit,
    NumbersRow,
    NumbersSay,
    evidence_says,
    fit_of,
    joint_display,
    numbers_say,
)
from evaltoolkit.worksheets.judge import judge_worksheet
from evaltoolkit.worksheets.rules import CONCLUSIONS, worksheet_rules

# every kind of verdict, as evaluations/evaluation.py lists them
KINDS = (
    *("improved", "worsened", "higher", "lower", "unclear", "no_relevant_effect", "within_margin", "harm_possible"),
    *("too_weak", "not_measurable", "refused", "not_estimable"),
)


def expected(numbers, evidence):
    if evidence == "silent":
        return "both_silent" if numbers == "silent" else "evidence_silent"
    if numbers == "silent":
        return "adds"
    if numbers == "open":
        return "side_by_side"
    return "confirms" if numbers == evidence else "contradicts"


def test_the_table_over_all_pairs():
    pairs = list(product(get_args(NumbersSay), get_args(EvidenceSays)))
    found = {pair: fit_of(*pair) for pair in pairs}
    assert found == {pair: expected(*pair) for pair in pairs}
    assert set(found.values()) == set(get_args(Fit))


def test_every_verdict_and_conclusion_has_its_reading():
    assert set(worksheet_rules()["numbers"]) == set(KINDS)
    # the list above is the one of the result type
    assert all(kind in (Verdict.__doc__ or "") for kind in KINDS)
    # where the direction may not be named, and where nothing was found out, numbers say neither yes nor no
    assert {kind for kind in KINDS if numbers_say(kind) == "for"} == {"improved"}
    assert {numbers_say(kind) for kind in ("unclear", "refused", "too_weak")} == {"silent"}
    assert [evidence_says(one) for one in CONCLUSIONS] == [
        *("silent", "against", "silent", "against", "silent", "for", "for")
    ]
    with pytest.raises(EvaltoolkitError, match='Did you mean "improved"'):
        numbers_say("improvd")


def test_claims_come_first_and_no_outcome_is_lost():
    claims = [
        make_claim(make_test("a", "likely", "hardly_ever"), id="a", outcome="COMP-09"),
        make_claim(make_test("b", "almost_certain", "even", "not_found"), id="b", outcome="DET-08"),
        make_claim(make_test("d", evidence="not_looked"), id="d", outcome="TRU-01"),
        make_claim(make_test("e", "likely", "hardly_ever"), id="e"),
    ]
    numbers = [
        NumbersRow("TRU-01", "no_relevant_effect", "No change that matters.", "Low"),
        NumbersRow("HAR-08", "refused", "Do not run.", "Not graded"),
        NumbersRow("COMP-09", "improved", "It rose.", "Moderate"),
        NumbersRow("DET-08", "improved", "It rose.", "Low"),
    ]
    rows = joint_display(numbers, judge_worksheet(make_worksheet(*claims)))
    told = [(row.claim and row.claim.claim.id, row.numbers and row.numbers.outcome, row.fit) for row in rows]
    assert told == [
        ("a", "COMP-09", "confirms"),
        ("b", "DET-08", "contradicts"),
        ("d", "TRU-01", "evidence_silent"),
        ("e", None, "adds"),
        (None, "HAR-08", "both_silent"),
    ]
