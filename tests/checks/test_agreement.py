from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks.agreement import check_agreement
from evaltoolkit.designs.subset import keep_periods
from evaltoolkit.estimators.registry import estimate


def check(design, method="group_time", **options):
    return check_agreement(design, estimate(design, method, **options))


def test_two_estimators_agree_where_trends_were_parallel(world):
    done = check(world())
    assert (done.verdict, done.code) == (True, "check.agreement.same")
    assert done.table["method"].tolist() == ["group_time", "imputation", "difference"]
    assert done.table["before"].tolist() == ["last", "all", ""]
    overall = estimate(world(), "imputation").aggregate("overall").estimate[0]
    assert done.table["estimate"].iloc[1] == pytest.approx(overall)
    difference = done.table["estimate"].iloc[0] - done.table["estimate"].iloc[1]
    assert done.table["estimate"].iloc[2] == pytest.approx(difference)


def test_they_part_where_something_moved_before(world):
    done = check(world(drift=0.6))
    assert (done.verdict, done.code) == (False, "check.agreement.different")
    assert done.facts["errors"] > 2


@pytest.mark.parametrize(
    ("method", "options", "other"),
    [
        ("imputation", {}, "group_time"),
        ("extended_two_way", {}, "imputation"),
        ("sun_abraham", {}, "imputation"),
    ],
)
def test_the_second_measures_from_other_periods(world, method, options, other):
    done = check(world(), method, **options)
    assert done.verdict is True
    assert done.table["method"].iloc[1] == other
    assert done.table["std_error"].iloc[2] > 0


def test_fixed_treated_units_are_compared_as_sampled_ones(world):
    # both see the same noise: the joint error does not depend on which came first
    forth, back = check(world()), check(world(), "imputation")
    assert forth.table["std_error"].iloc[2] == pytest.approx(back.table["std_error"].iloc[2], rel=1e-6)
    fixed = check(world(), "extended_two_way", averages="fixed")
    assert fixed.table["std_error"].iloc[2] == pytest.approx(forth.table["std_error"].iloc[2], rel=1e-6)


def test_the_difference_is_nominal_when_trends_are_parallel(world):
    done = [check(world(seed=seed)) for seed in range(200)]
    wrong = np.mean([one.verdict is False for one in done])
    # two standard errors: 4.6 %, within three Monte Carlo standard errors
    assert abs(wrong - 0.0455) < 3 * np.sqrt(0.0455 * 0.9545 / 200)


def test_units_are_matched_by_code(world):
    design = world()
    turned = np.arange(160)[::-1].copy()
    names = ("units", "outcome", "cohort", "covariates", "weights", "clusters")
    back = replace(design, **{name: getattr(design, name)[turned] for name in names})
    assert check(back).table["std_error"].iloc[2] == pytest.approx(check(design).table["std_error"].iloc[2])


def test_cells_that_only_one_can_estimate_are_counted(world):
    design = world()
    outcome = design.outcome.copy()
    # the last period before treatment was not observed for one cohort: imputation has others to go by
    outcome[design.cohort == 2022.0, 2] = np.nan
    done = check(replace(design, outcome=outcome))
    assert done.table["left_out"].iloc[1] > 0
    assert done.table["n_cells"].iloc[0] == 2


def test_one_period_before_and_other_scales(world):
    design = world()
    late = replace(design, cohort=np.where(design.treated, 2022.0, np.inf))
    short = keep_periods(late, np.arange(2, 6))
    assert check(short).code == "check.agreement.same_not_applicable"
    counts = replace(design, outcome=np.exp(design.outcome / 10))
    assert check(counts, "extended_two_way", family="poisson").code == "check.agreement.not_applicable"
    assert check(counts, "synthetic_did").code == "check.agreement.not_applicable"
    dosed = replace(design, dose=np.where(design.treated, 1.0, 0.0))
    assert check_agreement(dosed, estimate(design)).code == "check.agreement.not_possible"
    few = check(world(n_treated=8))
    assert (few.verdict, few.code) == (None, "check.agreement.few_clusters")
