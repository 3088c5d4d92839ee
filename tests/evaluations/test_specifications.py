"""The estimate under other choices: each row is what estimating that way gives, and the plan's is among them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaltoolkit.checks.registry import Check
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.evaluations.specifications import vary_choices
from evaltoolkit.plans.plan import Estimation

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))


@pytest.fixture(scope="module")
def results():
    from report_sample import make_evaluation

    return {one.outcome.indicator: one for one in make_evaluation().outcomes}


SETTINGS = Estimation(adjust="reg")


def _row(table, change, to=""):
    found = table[(table["change"] == change) & (table["to"] == to)]
    assert len(found) == 1
    return found.iloc[0]


def test_the_planned_row_is_the_answer_and_rows_are_sorted(results):
    result = results["TRU-01"]
    table = vary_choices(result, SETTINGS)
    expected = result.overall.to_frame(level=0.95).iloc[0]
    for name in ("estimate", "std_error", "conf_low", "conf_high", "n_treated"):
        assert _row(table, "planned")[name] == expected[name]
    assert table["estimate"].is_monotonic_increasing


def test_every_choice_gives_what_estimating_that_way_gives(results):
    design = results["TRU-01"].design
    table = vary_choices(results["TRU-01"], SETTINGS)
    ways = {
        ("comparison", "not_yet_treated"): (
            replace(design, comparison="not_yet_treated"),
            "group_time",
            {"adjust": "reg"},
        ),
        ("anticipation", "1"): (replace(design, anticipation=1), "group_time", {"adjust": "reg"}),
        ("method", "imputation"): (design, "imputation", {"pretrends": "cohort"}),
        ("method", "sun_abraham"): (design, "sun_abraham", {}),
    }
    for (change, to), (other, method, options) in ways.items():
        expected = estimate(other, method, **options).aggregate("overall").to_frame().iloc[0]
        assert _row(table, change, to)["estimate"] == pytest.approx(expected["estimate"], rel=1e-12)
        assert _row(table, change, to)["conf_low"] == pytest.approx(expected["conf_low"], rel=1e-12)
    # without covariates there is nothing to leave out, and no other way for them to enter
    assert not set(table["change"]) & {"covariates", "adjust"}
    # methods that do not take gaps, and the diagnostic regression, stand nowhere
    assert not set(table["to"]) & {"synthetic_did", "two_way", "dose", "switchers"}


def test_covariates_are_left_out_and_enter_in_other_ways(results):
    result = results["TRU-01"]
    rng = np.random.default_rng(2)
    design = replace(
        result.design, covariates=rng.normal(size=(len(result.design.units), 1)), covariate_names=("density",)
    )
    overall = estimate(design, adjust="reg").aggregate("overall")
    table = vary_choices(replace(result, design=design, overall=overall), SETTINGS)
    assert set(table.loc[table["change"] == "adjust", "to"]) == {"dr", "ipw"}
    # without them it is the estimate of the design that never had them
    assert _row(table, "covariates", "none")["estimate"] == pytest.approx(float(result.overall.estimate[0]), rel=1e-12)


def test_few_treated_have_no_interval_in_any_row(results):
    table = vary_choices(results["COMP-09"], SETTINGS)
    assert len(table) > 3
    assert table["estimate"].notna().all()
    assert table[["conf_low", "conf_high"]].isna().all(axis=None)
    assert set(table["reason"]) == {"fewer than 10 treated clusters"}


def test_checks_that_left_data_out_are_rows_without_interval_and_undefined_ones_come_last(results):
    import pandas as pd

    def made(name, value):
        table = pd.DataFrame({"data": ["all", "reduced"], "estimate": [0.05, value], "left_out": [0, 3]})
        return Check(name, "assumption.reliable_values", True, f"check.{name}.same", {}, table)

    checks = (made("merged", 0.01), made("reconstructed", float("nan")), results["TRU-01"].checks[0])
    table = vary_choices(replace(results["TRU-01"], checks=checks), SETTINGS)
    assert _row(table, "merged")["estimate"] == 0.01
    assert np.isnan(_row(table, "merged")["conf_low"])
    assert table["change"].tolist()[-1] == "reconstructed"


def test_what_cannot_be_estimated_is_a_row_that_says_so(results):
    result = results["TRU-01"]
    # nobody stays untreated: the plan compares with those that start later, the other choice is not possible
    design = replace(
        result.design,
        cohort=np.where(np.isinf(result.design.cohort), 2024.0, result.design.cohort),
        comparison="not_yet_treated",
    )
    overall = estimate(design, adjust="reg").aggregate("overall")
    table = vary_choices(replace(result, design=design, overall=overall), SETTINGS)
    row = _row(table, "comparison", "never_treated")
    assert np.isnan(row["estimate"])
    assert row["reason"]


def test_a_refused_outcome_has_no_rows(results):
    assert vary_choices(results["HAR-08"], SETTINGS).empty
