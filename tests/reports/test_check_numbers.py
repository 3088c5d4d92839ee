"""A check that estimates again on part of the data shows both numbers, unless they would tell somebody's value."""

from dataclasses import replace

import pandas as pd
import pytest

from evaltoolkit.checks.registry import Check
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.prose import prose_of
from evaltoolkit.reports.sections import section_of


def merged(left_out, again=0.031):
    table = pd.DataFrame({"data": ["all", "reduced"], "estimate": [0.0482, again], "left_out": [0, left_out]})
    facts = {"left_out": left_out, "percent": 10}
    return Check("merged", "assumption.comparable_mergers", True, "check.merged.same", facts, table)


def said(evaluation, outcome, check, language="en"):
    result = next(one for one in evaluation.outcomes if one.outcome.indicator == outcome)
    return section_of(replace(result, checks=(check,)), evaluation, prose_of(evaluation, language)).checks[0].saw


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_estimates_stand_in_the_unit_of_the_outcome(evaluation, language):
    told = said(evaluation, "TRU-01", merged(12), language)
    point = "." if language == "en" else ","
    assert f"+4{point}8" in told
    assert f"+3{point}1" in told


def test_nothing_is_added_where_there_is_no_second_estimate(evaluation):
    assert "+4.8" not in said(evaluation, "TRU-01", merged(12, again=float("nan")))


def test_few_units_of_a_sensitive_measure_are_not_told_apart(evaluation):
    indicator = evaluation.outcomes[0].indicator.model_copy(update={"sensitivity": "high"})
    outcomes = (replace(evaluation.outcomes[0], indicator=indicator), *evaluation.outcomes[1:])
    guarded = replace(evaluation, outcomes=outcomes)
    name = indicator.id
    assert "+4.8" not in said(guarded, name, merged(2))
    assert "+4.8" in said(guarded, name, merged(12))
