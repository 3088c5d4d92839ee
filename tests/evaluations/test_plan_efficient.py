"""The estimator for starts drawn by lot, named in a plan: only after a lot, and then from file to report."""

import math

import pytest
from headline_worlds import evaluate, own_table, starts_of

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.evaluations.specifications import vary_choices
from evaltoolkit.findings import FaultsError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.plan import Estimation
from evaltoolkit.reports.margins import estimate_sentence, margin_sentences
from evaltoolkit.reports.pages import write_report
from evaltoolkit.reports.prose import prose_of

EFFICIENT = 'method = "efficient"'


def test_without_a_lot_it_is_a_fault_of_the_plan(tmp_path):
    with pytest.raises(FaultsError, match='needs assignment = "randomised"'):
        evaluate(tmp_path, own_table(starts_of(20, 60)), estimation=EFFICIENT)


def test_after_a_lot_the_verdict_rests_on_its_own_interval(tmp_path):
    evaluation = evaluate(tmp_path, own_table(starts_of(20, 60)), assignment="randomised", estimation=EFFICIENT)
    result = evaluation.outcomes[0]
    overall = estimate(result.design, "efficient").aggregate("overall").to_frame().iloc[0]
    interval = result.headline.interval
    assert (interval.estimate, interval.low, interval.high) == (
        overall["estimate"],
        overall["conf_low"],
        overall["conf_high"],
    )
    # drawn with an effect of one
    assert interval.low < 1 < interval.high
    assert result.verdict.kind == "improved"
    usual = estimate(result.design, "group_time").aggregate("overall").to_frame().iloc[0]
    assert overall["std_error"] < usual["std_error"]
    for language in LANGUAGES:
        prose = prose_of(evaluation, language)
        assert prose.number(interval.estimate, 2, signed=True) in estimate_sentence(result, prose)
        assert margin_sentences(result, prose)[0]
    page = write_report(evaluation, tmp_path, language="nl").read_text(encoding="utf-8")
    assert prose_of(evaluation, "nl").say("report.method.efficient") in page


def test_below_ten_it_says_nothing_of_chance(tmp_path):
    table = own_table(starts_of(6, 60))
    result = evaluate(tmp_path, table, assignment="randomised", estimation=EFFICIENT).outcomes[0]
    assert math.isnan(result.headline.interval.low)
    assert result.verdict.kind == "not_estimable"


def test_it_is_no_other_choice_where_nothing_was_drawn(tmp_path):
    result = evaluate(tmp_path, own_table(starts_of(20, 60))).outcomes[0]
    varied = vary_choices(result, Estimation())
    assert "imputation" in set(varied["to"])
    assert "efficient" not in set(varied["to"])
