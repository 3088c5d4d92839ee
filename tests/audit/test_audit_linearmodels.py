"""The engine that is always installed says the same as every estimator that it can re-estimate."""

from dataclasses import replace

import numpy as np
import pytest
from audit_designs import TIMES, make_design, with_gaps

from evaltoolkit.audit import with_linearmodels
from evaltoolkit.audit.audit import audit_design
from evaltoolkit.audit.question import ask

ALWAYS = [with_linearmodels.ENGINE]
BY_THREE = np.array([f"c{i % 30}" for i in range(90)])
UNEQUAL = np.tile([0.5, 1.0, 1.5], 30)


def controls():
    return {"controls": np.random.default_rng(5).normal(size=(90, 7, 1)), "control_names": ("z",)}


def stopping():
    treatment = ((np.arange(90) % 3 == 0)[:, None] & (TIMES >= 2017) & (TIMES < 2020)).astype(float)
    return make_design(treatment=treatment, cohort=np.where(treatment.any(axis=1), 2017.0, np.inf))


CASES = {
    "plain": (make_design(), ("group_time", "two_way", "sun_abraham", "extended_two_way", "imputation")),
    "not yet treated": (
        make_design(comparison="not_yet_treated"),
        ("group_time", "two_way", "sun_abraham", "extended_two_way", "imputation"),
    ),
    "weights": (make_design(weights=UNEQUAL), ("group_time", "two_way", "sun_abraham", "imputation")),
    "clusters": (make_design(clusters=BY_THREE), ("group_time", "two_way", "sun_abraham", "extended_two_way")),
    "anticipation": (
        make_design(anticipation=1),
        ("group_time", "two_way", "sun_abraham", "extended_two_way", "imputation"),
    ),
    "gaps": (
        with_gaps(make_design(weights=UNEQUAL, clusters=BY_THREE)),
        ("group_time", "two_way", "sun_abraham", "extended_two_way"),
    ),
    "covariate and control": (with_gaps(make_design(x=True, **controls())), ("two_way", "sun_abraham")),
    "stopping": (stopping(), ("two_way",)),
    "irregular waves": (
        replace(make_design(), times=np.array([2014.0, 2015, 2017, 2018, 2019, 2020, 2023])),
        ("group_time", "two_way", "sun_abraham", "extended_two_way", "imputation"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_method_agrees(case):
    design, methods = CASES[case]
    table = audit_design(design, methods, engines=ALWAYS)
    assert table.count("unexplained") == table.count("engine failed") == table.count("explained") == 0
    agreed = table.rows[table.rows["verdict"] == "agrees"].groupby("method").size()
    assert set(agreed.index) == set(methods)
    # nine cohorts and periods are treated; two_way has one coefficient, and imputation no standard error to compare
    assert (agreed >= [{"two_way": 2, "imputation": 9}.get(name, 18) for name in agreed.index]).all()
    assert table.rows["relative"].abs().max() < 1e-8


@pytest.mark.parametrize(
    ("method", "options", "errors"),
    [
        ("group_time", {"base": "universal"}, True),
        ("group_time", {"adjust": "reg", "base": "universal"}, False),
        ("two_way", {"form": "event"}, True),
        ("two_way", {"effects": "cluster_period"}, True),
        ("two_way", {"form": "event", "effects": "cluster_period"}, True),
    ],
)
def test_options(method, options, errors):
    zones = np.array([f"zone {i // 15}" for i in range(90)])
    design = make_design(clusters=zones) if "effects" in options else make_design()
    design = make_design(x=True) if "adjust" in options else design
    table = audit_design(design, {method: options}, engines=ALWAYS)
    assert table.sound
    assert set(table.rows["verdict"]) <= {"agrees", "not comparable"}
    assert ("std_error" in set(table.rows.loc[table.rows["verdict"] == "agrees", "quantity"])) == errors


@pytest.mark.parametrize(
    ("method", "options", "code"),
    [
        ("group_time", {"adjust": "dr"}, "option_not_offered"),
        ("extended_two_way", {}, "cannot_use:covariates"),
        ("imputation", {}, "cannot_use:covariates"),
        ("two_way", {"effects": "unit_trends"}, "option_not_offered"),
    ],
)
def test_what_it_cannot_take_it_leaves(method, options, code):
    table = audit_design(make_design(x=True), {method: options}, engines=ALWAYS)
    assert table.rows["explanation"].tolist() == [code]
    assert not table.sound


def test_a_wrong_answer_of_ours_would_be_seen():
    """The regressions are its own: with another outcome in the question nothing agrees any more."""
    question = ask(make_design(), "group_time", {})
    moved = replace(question, effects=replace(question.effects, estimate=question.effects.estimate + 1e-4))
    figures = ALWAYS[0].tasks["group_time"].answer(moved, ALWAYS[0].load())
    cells = [one for one in figures if one.quantity == "estimate" and one.label.startswith("ATT")]
    assert len(cells) == 18
    assert all(abs(one.theirs - one.ours) > 9e-5 for one in cells)


def test_all_methods_that_fit_are_put_by_default():
    table = audit_design(make_design(), engines=ALWAYS)
    assert set(table.rows["method"]) == {
        "efficient", "group_time", "two_way", "sun_abraham", "extended_two_way", "imputation", "switchers",
        "synthetic_did",
    }  # fmt: skip
    summary = table.summary()
    assert summary["agrees"].sum() == table.count("agrees")
    assert (summary["largest"] <= 1e-6).all()
