import dataclasses

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.stack import estimate_overall_stack
from evaltoolkit.findings import EvaltoolkitError


def make_design(*, cohorts, sizes, draws=6, weighted=False, anticipation=0, zone=1):
    rng = np.random.default_rng(3)
    cohort = np.repeat(np.array(cohorts, dtype=float), sizes)
    n, periods = len(cohort), 7
    outcome = rng.normal(size=(n, 1, draws)) + rng.normal(size=(n, periods, draws)).cumsum(axis=1)
    weights = rng.lognormal(0, 0.7, n) if weighted else np.ones(n)
    units = np.arange(n).astype(str)
    return Design(
        units=units,
        times=np.arange(2018, 2018 + periods, dtype=float),
        outcome=outcome,
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=weights / weights.mean(),
        clusters=(np.arange(n) % (n // zone)).astype(str),
        anticipation=anticipation,
    )


CASES = {
    "one cohort": {"cohorts": (2021, np.inf), "sizes": (13, 22)},
    "staggered": {"cohorts": (2020, 2021, 2023, np.inf), "sizes": (11, 14, 12, 20)},
    "weighted": {"cohorts": (2020, 2022, np.inf), "sizes": (12, 15, 25), "weighted": True},
    "later than the panel": {"cohorts": (2021, 2030, np.inf), "sizes": (12, 9, 16)},
    "treated from the first period": {"cohorts": (2018, 2021, np.inf), "sizes": (5, 12, 16)},
    "zones across the arms": {"cohorts": (2020, 2022, np.inf), "sizes": (12, 15, 25), "weighted": True, "zone": 4},
    "anticipation": {"cohorts": (2021, 2023, np.inf), "sizes": (12, 14, 16), "anticipation": 1},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_stack_gives_what_one_estimation_per_outcome_gives(case):
    design = make_design(**case)
    stacked = estimate_overall_stack(design)
    for draw in range(design.outcome.shape[2]):
        alone = estimate(dataclasses.replace(design, outcome=design.outcome[:, :, draw])).aggregate("overall")
        assert stacked.estimate[draw] == pytest.approx(alone.estimate[0], abs=1e-11)
        assert stacked.std_error[draw] == pytest.approx(std_errors(alone)[0], rel=1e-10)


def test_order_of_units_and_scale_change_nothing_else():
    design = make_design(**CASES["staggered"])
    order = np.random.default_rng(1).permutation(len(design.units))
    shuffled = dataclasses.replace(
        design, units=design.units[order], cohort=design.cohort[order], outcome=10 * design.outcome[order]
    )
    first, second = estimate_overall_stack(design), estimate_overall_stack(shuffled)
    np.testing.assert_allclose(second.estimate, 10 * first.estimate, rtol=1e-10)
    np.testing.assert_allclose(second.std_error, 10 * first.std_error, rtol=1e-10)


def test_what_cannot_be_stacked_is_refused_with_every_reason():
    design = make_design(**CASES["one cohort"])
    holes = design.outcome.copy()
    holes[0, 0, 0] = np.nan
    wrong = dataclasses.replace(
        design,
        outcome=holes,
        covariates=np.ones((len(design.units), 1)),
        comparison="not_yet_treated",
    )
    with pytest.raises(EvaltoolkitError, match="not yet treated; it has covariates; outcomes are missing"):
        estimate_overall_stack(wrong)
