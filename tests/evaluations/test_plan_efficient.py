"""The estimator for starts drawn by lot, named in a plan: only after a lot, and then from file to report."""

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


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    table = own_table(starts_of(20, 60))
    return folder, evaluate(folder, table, assignment="randomised", estimation=EFFICIENT)


def test_after_a_lot_the_verdict_rests_on_the_lot_drawn_again(drawn):
    folder, evaluation = drawn
    result = evaluation.outcomes[0]
    overall = estimate(result.design, "efficient").aggregate("overall").to_frame().iloc[0]
    interval = result.headline.interval
    assert interval.estimate == pytest.approx(overall["estimate"])
    assert (result.headline.method, result.headline.chosen) == ("lot", "auto")
    # drawn with an effect of one; twenty are few, and the usual margin is a little too small
    assert interval.low < 1 < interval.high
    assert 1 < (interval.high - interval.low) / (overall["conf_high"] - overall["conf_low"]) < 1.6
    assert result.verdict.kind == "improved"
    usual = estimate(result.design, "group_time").aggregate("overall").to_frame().iloc[0]
    assert overall["std_error"] < usual["std_error"]
    for language in LANGUAGES:
        prose = prose_of(evaluation, language)
        assert prose.number(interval.estimate, 2, signed=True) in estimate_sentence(result, prose)
        assert margin_sentences(result, prose)[0]
    page = write_report(evaluation, folder, language="nl").read_text(encoding="utf-8")
    assert prose_of(evaluation, "nl").say("report.method.efficient") in page


def test_six_drawn_by_lot_have_an_interval_from_the_lot(tmp_path):
    table = own_table(starts_of(6, 60))
    result = evaluate(tmp_path, table, assignment="randomised", estimation=EFFICIENT).outcomes[0]
    assert result.headline.method == "lot"
    assert result.headline.interval.low < 1 < result.headline.interval.high


def test_it_is_no_other_choice_where_nothing_was_drawn(tmp_path):
    result = evaluate(tmp_path, own_table(starts_of(20, 60))).outcomes[0]
    varied = vary_choices(result, Estimation())
    assert "imputation" in set(varied["to"])
    assert "efficient" not in set(varied["to"])
