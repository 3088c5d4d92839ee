"""The interval a verdict rests on: by rule with many, otherwise by what holds with few treated; overrides are told."""

import math
from typing import get_args

import pandas as pd
import pytest
from headline_worlds import evaluate, own_table, starts_of

from evaltoolkit.designs.rollout import draw_rollout
from evaltoolkit.designs.rollout_files import write_rollout
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.plan import MethodName
from evaltoolkit.reports.margins import estimate_sentence, headline_row, margin_sentences
from evaltoolkit.reports.prose import prose_of
from evaltoolkit.reports.tables import describe_results, result_rows


def usual_of(result):
    row = result.overall.to_frame().iloc[0]
    return row["conf_low"], row["conf_high"]


def test_with_forty_on_each_side_the_usual_interval_stays(tmp_path):
    result = evaluate(tmp_path, own_table(starts_of(40, 80))).outcomes[0]
    assert (result.headline.method, result.headline.chosen, result.headline.inference) == ("usual", "auto", None)
    assert (result.headline.interval.low, result.headline.interval.high) == usual_of(result)
    assert result.headline.effective == pytest.approx(40)


def test_few_that_decide_count_as_few(tmp_path):
    """Sixty treated, of which fifty-five begin in the last year and enter with a single period."""
    starts = {f"u{i:03d}": 2020 if i < 5 else 2024 if i < 60 else "never" for i in range(120)}
    result = evaluate(tmp_path, own_table(starts)).outcomes[0]
    assert result.headline.effective < 40 <= 60
    assert result.headline.method != "usual"


def test_with_fifteen_units_change_places(tmp_path):
    result = evaluate(tmp_path, own_table(starts_of(15, 60))).outcomes[0]
    assert (result.headline.method, result.headline.chosen) == ("studentised", "auto")
    interval = result.headline.interval
    assert interval.estimate == pytest.approx(result.overall.estimate[0], rel=1e-12)
    assert interval.low < interval.estimate < interval.high
    assert (interval.low, interval.high) != usual_of(result)
    assert result.verdict.kind == "improved"


def test_a_figure_with_gaps_of_fifteen_is_answered_as_it_is(tmp_path):
    result = evaluate(tmp_path, own_table(starts_of(15, 60), gap=True)).outcomes[0]
    assert (result.headline.method, result.headline.same_estimate) == ("studentised", True)
    assert result.headline.interval.estimate == result.overall.estimate[0]


def test_twelve_in_six_cohorts_have_no_usual_interval(tmp_path):
    starts = starts_of(12, 60) | {f"u{place:03d}": 2019 + place // 2 for place in range(12)}
    evaluation = evaluate(tmp_path, own_table(starts))
    result = evaluation.outcomes[0]
    assert (result.headline.method, result.headline.same_estimate) == ("sized", True)
    assert [row["kind"] for row in result_rows(evaluation) if row["p_value"] is not None] == ["headline"]


@pytest.mark.parametrize("gap", [False, True])
def test_five_treated_get_an_interval_that_holds_and_no_usual_one_anywhere(tmp_path, gap):
    evaluation = evaluate(tmp_path, own_table(starts_of(5, 60), gap=gap))
    result = evaluation.outcomes[0]
    assert result.feasibility.decision == "do_not_run"
    assert (result.headline.method, result.headline.same_estimate) == ("sized", True)
    assert math.isfinite(result.headline.interval.low)
    assert math.isfinite(result.headline.interval.high)
    rows = list(result_rows(evaluation))
    assert [row["kind"] for row in rows if row["conf_low"] is not None] == ["headline"]
    assert [row["kind"] for row in rows if row["p_value"] is not None] == ["headline"]
    for language in LANGUAGES:
        said = margin_sentences(result, prose_of(evaluation, language))
        # five that weigh as much as five are not told
        assert len(said) == 1
        assert "(5)" in said[0]
        assert "999" in said[0]


def test_one_treated_has_a_rank_and_an_interval_and_no_p_value(tmp_path):
    evaluation = evaluate(tmp_path, own_table(starts_of(1, 40), effect=3.0))
    result = evaluation.outcomes[0]
    assert result.headline.method == "donors"
    row = headline_row(result)
    assert math.isnan(row["p_value"])
    assert row["conf_low"] > 0
    said = {language: " ".join(margin_sentences(result, prose_of(evaluation, language))) for language in LANGUAGES}
    assert "0 %" in said["nl"].replace("\u00a0", " ")
    assert len(set(said.values())) == 4


def test_one_treated_beyond_the_sizes_of_the_others_gets_none(tmp_path):
    table = own_table(starts_of(1, 40), effect=3.0)
    table.loc[table["unit"] == "u000", "people"] = 10**6
    evaluation = evaluate(tmp_path, table, estimation='sizes = "people"')
    result = evaluation.outcomes[0]
    assert (result.headline.method, result.verdict.kind) == ("", "not_estimable")
    assert "larger or smaller" in estimate_sentence(result, prose_of(evaluation, "en"))
    assert margin_sentences(result, prose_of(evaluation, "en")) == ()


def test_few_comparison_units_are_named_as_the_reason(tmp_path):
    evaluation = evaluate(tmp_path, own_table(starts_of(12, 18)))
    result = evaluation.outcomes[0]
    assert result.headline.method == ""
    assert "too few units to compare with (6;" in estimate_sentence(result, prose_of(evaluation, "en"))


def test_an_interval_open_at_both_ends_is_told_in_words(tmp_path):
    """Three units of six drawn by lot: no p-value below 0.1 is possible, so every effect fits at 95 %."""
    evaluation = evaluate(
        tmp_path, own_table(starts_of(2, 13)), assignment="randomised", estimation='level = 0.99\ninference = "lot"'
    )
    result = evaluation.outcomes[0]
    assert result.headline.inference.smallest_p > 0.01
    assert (result.headline.interval.low, result.headline.interval.high) == (-math.inf, math.inf)
    assert result.verdict.kind == "not_estimable"
    assert "every effect fits" in estimate_sentence(result, prose_of(evaluation, "en"))
    assert "ruled out" in " ".join(margin_sentences(result, prose_of(evaluation, "en")))
    describe_results(evaluation)


def drawn(folder):
    units = pd.DataFrame({"unit": [f"u{i:03d}" for i in range(40)], "province": ["A", "B"] * 20})
    units.to_csv(folder / "units.csv", index=False)
    rollout = draw_rollout(
        folder / "units.csv",
        unit="unit",
        action="a",
        cohorts={"2021": 6, "2022": 6, "never": 28},
        strata=["province"],
        seed=11,
    )
    write_rollout(rollout, folder / "rollout")
    return {unit: start if start == "never" else int(start) for unit, start in rollout.allocation.items()}


ROLLOUT = 'rollout = "rollout"\nrollout_units = "units.csv"'


def test_a_recorded_lot_is_drawn_again_as_it_was(tmp_path):
    starts = drawn(tmp_path)
    table = own_table(starts)
    given = evaluate(tmp_path, table, assignment="randomised", treatment=ROLLOUT).outcomes[0].headline
    plain = evaluate(tmp_path, table, assignment="randomised").outcomes[0].headline
    assert given.method == plain.method == "lot"
    # strata bind the recorded lot, so that its draws differ from those of a lot without strata
    assert given.inference.low != plain.inference.low
    assert given.inference.p_value <= 0.05


def test_a_lot_that_the_data_contradict_is_refused(tmp_path):
    starts = drawn(tmp_path)
    moved = next(unit for unit, start in starts.items() if start == 2021)
    with pytest.raises(EvaltoolkitError, match=f"1 started at another time than drawn .{moved}"):
        evaluate(tmp_path, own_table(starts | {moved: 2022}), assignment="randomised", treatment=ROLLOUT)


def test_a_choice_of_the_plan_is_recorded_and_told(tmp_path):
    evaluation = evaluate(tmp_path, own_table(starts_of(15, 60)), estimation='inference = "sized"')
    result = evaluation.outcomes[0]
    assert (result.headline.method, result.headline.chosen) == ("sized", "override")
    assert describe_results(evaluation)["outcomes"][0]["inference"]["chosen"] == "override"
    assert "The plan itself chose" in " ".join(margin_sentences(result, prose_of(evaluation, "en")))


def test_asking_for_the_usual_interval_does_not_bring_one_below_the_threshold(tmp_path):
    result = evaluate(tmp_path, own_table(starts_of(5, 60)), estimation='inference = "usual"').outcomes[0]
    assert (result.headline.method, result.headline.chosen) == ("", "override")
    assert math.isnan(result.headline.interval.low)


# a dose needs more than a start: test_plan_dose_switchers.py; "efficient" needs a lot: test_plan_efficient.py
@pytest.mark.parametrize("method", [name for name in get_args(MethodName) if name not in ("dose", "efficient")])
def test_every_method_a_plan_may_name_answers_the_plan(tmp_path, method):
    table = own_table(starts_of(40, 80))
    result = evaluate(tmp_path, table, estimation=f'method = "{method}"').outcomes[0]
    assert result.effects.info["method"] == method
    assert result.headline.interval.estimate == pytest.approx(1.0, abs=0.25)
    assert {check.name for check in result.checks} >= {"pretrends", "leave_one_out"}


def test_counts_in_inhabitants_are_estimated_as_counts(tmp_path):
    table = own_table(starts_of(40, 80), effect=0.4, counts=True)
    outcome = 'method = "extended_two_way"\nfamily = "poisson"\nexposure = "people"'
    result = evaluate(tmp_path, table, outcome=outcome).outcomes[0]
    assert result.effects.info["family"] == "poisson"
    after = table[(table["first"] == 2022) & (table["period"] >= 2022)]
    truth = after["y"].mean() * (1 - math.exp(-0.4))
    assert result.headline.interval.low < truth < result.headline.interval.high
    assert result.headline.interval.estimate == pytest.approx(truth, rel=0.15)
