"""What the audit makes of engines that agree, differ, fail, chatter or are absent."""

import logging
import sys
import warnings

import numpy as np
import pytest
from audit_designs import make_design

from evaltoolkit.audit.audit import AuditTable, audit_design, judge
from evaltoolkit.audit.conventions import small_sample_factor
from evaltoolkit.audit.engine import Engine, Task
from evaltoolkit.audit.explanations import explain
from evaltoolkit.audit.rows import Figure, Way, cell_rows, compare, with_factor
from evaltoolkit.findings import EvaltoolkitError

ALL = frozenset({"covariates", "weights", "gaps", "no_never_treated", "anticipation"})
RANK = 25


def engine(answer, accepts=ALL, module="numpy"):
    """An engine under the name of a package that is installed."""
    return Engine("numpy", module, {"group_time": Task(answer, accepts)})


def one(answer, design=None, **options):
    table = audit_design(design or make_design(), {"group_time": {}}, engines=[engine(answer, **options)])
    assert isinstance(table, AuditTable)
    return table


def theirs(question, point=lambda value: value, error=lambda value: value):
    ours = cell_rows(question)
    return {key: (point(e), error(s)) for key, e, s in zip(ours.keys, ours.estimate, ours.std_error, strict=True)}


def answer_with(point=lambda value: value, error=lambda value: value):
    def answer(question, package):
        ours = cell_rows(question)
        factor = small_sample_factor(question, RANK)
        ways = with_factor(ours, (), "small_sample_factor", factor)
        return compare(question, ours, theirs(question, point, error), ways)

    return answer


def factor(rank):
    """sqrt(G / (G - 1) (N - 1) / (N - K)) of the design, written out."""
    return np.sqrt(90 / 89 * (630 - 1) / (630 - rank))


def test_the_same_numbers_agree():
    table = one(answer_with())
    assert set(table.rows["verdict"]) == {"agrees"}
    assert table.sound
    # three cohorts, six periods against the one before, estimate and error
    assert len(table.rows) == 3 * 6 * 2
    assert "36 numbers were held against numpy: 36 agree" in str(table)


@pytest.mark.parametrize(("gap", "verdict"), [(9e-7, "agrees"), (2e-6, "unexplained")])
def test_the_tolerance_is_a_millionth_of_the_error(gap, verdict):
    table = one(answer_with(error=lambda value: value * (1 + gap)))
    errors = table.rows[table.rows["quantity"] == "std_error"]
    assert set(errors["verdict"]) == {verdict}
    np.testing.assert_allclose(errors["relative"], gap, rtol=1e-6)


def test_a_factor_explains_only_where_it_closes_the_gap():
    right = one(answer_with(error=lambda value: value * factor(RANK)))
    errors = right.rows[right.rows["quantity"] == "std_error"]
    assert set(errors["verdict"]) == {"explained"}
    assert set(errors["explanation"]) == {"small_sample_factor"}
    assert right.sound
    wrong = one(answer_with(error=lambda value: value * factor(RANK + 1)))
    assert set(wrong.rows.loc[wrong.rows["quantity"] == "std_error", "verdict"]) == {"unexplained"}
    assert not wrong.sound


@pytest.mark.parametrize(("gap", "verdict"), [(5e-6, "explained"), (2e-5, "unexplained")])
def test_a_declared_bound_explains_up_to_the_bound(gap, verdict):
    def answer(question, package):
        ours = cell_rows(question)
        return compare(
            question, ours, theirs(question, error=lambda v: v * (1 + gap)), [Way("stops_early", ours, 1e-5)]
        )

    rows = one(answer).rows
    assert set(rows.loc[rows["quantity"] == "std_error", "verdict"]) == {verdict}
    assert set(rows.loc[rows["quantity"] == "estimate", "verdict"]) == {"agrees"}


def test_a_wrong_estimate_is_unexplained_and_unsound():
    table = one(answer_with(point=lambda value: value + 1e-3))
    points = table.rows[table.rows["quantity"] == "estimate"]
    assert set(points["verdict"]) == {"unexplained"}
    assert not table.sound
    assert "look into it" in points["sentence"].iloc[0]


def test_verdicts_do_not_depend_on_the_unit_of_the_outcome():
    base = make_design()
    for scale in (1e-9, 1e9):
        design = make_design(outcome=base.outcome * scale)
        same = one(answer_with(error=lambda value: value * factor(RANK)), design)
        assert same.sound
        assert same.count("explained") == 18
        off = one(answer_with(point=lambda value, by=scale: value + 1e-3 * by), design)
        assert off.count("unexplained") == 18


def test_an_engine_that_fails_is_told_and_costs_nobody_else_a_turn():
    def broken(question, package):
        raise KeyError("column of their own")

    def silent(question, package):
        raise ValueError

    table = audit_design(
        make_design(), {"group_time": {}}, engines=[engine(broken), engine(silent), engine(answer_with())]
    )
    failed = table.rows[table.rows["verdict"] == "engine failed"]
    assert failed["detail"].tolist() == ["KeyError: 'column of their own'", "ValueError: without a message"]
    assert table.count("agrees") == 36
    assert table.sound
    assert "2 times an engine failed" in str(table)


def test_an_engine_that_chatters_is_not_heard(capsys, caplog):
    def loud(question, package):
        print("progress")
        print("trouble", file=sys.stderr)
        warnings.warn("a warning", stacklevel=1)
        logging.getLogger("loud").error("an error in a log")
        np.random.seed(3)  # noqa: NPY002
        np.float64(1) / np.float64(0)
        return answer_with()(question, package)

    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    assert one(loud).sound
    assert np.random.random() == expected  # noqa: NPY002
    assert capsys.readouterr() == ("", "")
    assert not caplog.records


def test_an_engine_that_is_absent_says_so():
    table = one(answer_with(), module="no_such_package_anywhere")
    assert table.rows["explanation"].tolist() == ["not_installed"]
    assert not table.sound
    assert str(table).startswith("Nothing was compared")


def test_a_feature_that_an_engine_cannot_use_is_named():
    table = one(answer_with(), make_design(x=True), accepts=frozenset())
    assert table.rows["explanation"].tolist() == ["cannot_use:covariates"]
    assert table.rows["sentence"].tolist() == ["the engine's method cannot use covariates"]


def test_one_treated_cluster_has_no_error_to_compare():
    cohort = np.where(np.arange(90) == 0, 2019.0, np.inf)
    table = one(answer_with(error=lambda value: 0.1), make_design(cohort=cohort))
    errors = table.rows[table.rows["quantity"] == "std_error"]
    assert set(errors["explanation"]) == {"no_error_here"}
    assert set(errors["detail"]) == {"one treated cluster: no standard error"}
    assert table.count("agrees") == 6


def test_rows_that_an_engine_leaves_out_are_counted():
    def half(question, package):
        ours = cell_rows(question)
        some = dict(list(theirs(question).items())[:4])
        return compare(question, ours, some)

    row = one(half).rows.iloc[-1]
    assert row["explanation"] == "not_given"
    assert row["label"].startswith("14 of 18 rows")


def test_dates_between_the_same_two_periods_cannot_be_told_apart():
    cohort = np.resize([2018.0, 2017.5, np.inf], 90)
    assert one(answer_with(), make_design(cohort=cohort)).rows["explanation"].tolist() == ["shared_period"]


def test_units_that_start_later_cannot_be_told_where_treatment_is_anticipated():
    cohort = np.resize([2018.0, 2022.0, np.inf], 90)
    assert one(answer_with(), make_design(cohort=cohort)).sound
    late = one(answer_with(), make_design(cohort=cohort, anticipation=1))
    assert late.rows["explanation"].tolist() == ["late_starters"]


def test_wrong_words_are_answered_with_the_nearest():
    design = make_design()
    with pytest.raises(EvaltoolkitError, match='Did you mean "group_time"'):
        audit_design(design, ["grouptime"])
    with pytest.raises(EvaltoolkitError, match='Did you mean "adjust"'):
        audit_design(design, {"group_time": {"adjusted": "dr"}})
    with pytest.raises(EvaltoolkitError, match="needs a dose"):
        audit_design(design, ["dose"])


def test_what_the_toolkit_refuses_is_told():
    negative = make_design(outcome=np.full((90, 7), -1.0))
    table = audit_design(negative, {"extended_two_way": {"family": "poisson"}}, engines=[engine(answer_with())])
    assert table.rows["explanation"].tolist() == ["toolkit_refuses"]
    assert "0 or more" in table.rows["detail"].iloc[0]


def test_conventions_that_act_together_are_both_told():
    sentence = explain("weighted_by_rows+small_sample_factor")
    assert explain("weighted_by_rows") in sentence
    assert explain("small_sample_factor") in sentence


def test_a_missing_number_is_never_agreement():
    assert judge(Figure("estimate", "x", 1.0, np.nan, 1.0)) == ("unexplained", "unexplained")
