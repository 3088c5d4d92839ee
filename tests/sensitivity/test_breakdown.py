import math

import numpy as np
import pytest
from scipy.optimize import linprog
from sensitivity_cases import golden_study, random_study

from evaltoolkit.sensitivity.identified import ALREADY, NEVER, breakdown, identified_set
from evaltoolkit.sensitivity.restrictions import Assumed, list_pieces
from evaltoolkit.sensitivity.sets import EMPTY, robust_sets
from evaltoolkit.sensitivity.vector import TOO_FEW_PERIODS

STEPS, LINE = Assumed("relative_magnitudes"), Assumed("smoothness")
CASES = [
    (STEPS, "hybrid"),
    (STEPS, "conditional"),
    (LINE, "hybrid"),
    (LINE, "hybrid_fixed_length"),
    (LINE, "fixed_length"),
    (Assumed("relative_smoothness"), "conditional"),
]


@pytest.mark.parametrize(("assumed", "method"), CASES)
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_the_set_first_holds_the_value_there(assumed, method, value):
    study = golden_study()
    found = breakdown(*study, assumed=assumed, method=method, value=value, l_vec=[1, 0, 0])
    assert 0 < found.amount < math.inf
    amounts = [found.amount * 0.999, found.amount * 1.001]
    before, after = robust_sets(*study, amounts, assumed=assumed, method=method, l_vec=[1, 0, 0])
    assert before.low > value >= after.low


def test_a_value_far_outside_a_fixed_length_interval_is_rejected_without_a_fault():
    found = breakdown(*golden_study(), assumed=LINE, method="hybrid_fixed_length", value=100.0)
    assert found == (math.inf, NEVER)


def test_scale_of_the_outcome():
    study = golden_study()
    scaled = study._replace(beta=100 * study.beta, sigma=1e4 * study.sigma)
    assert breakdown(*scaled, assumed=STEPS).amount == pytest.approx(breakdown(*study, assumed=STEPS).amount, rel=1e-5)
    line = breakdown(*study, assumed=LINE, method="fixed_length").amount
    assert breakdown(*scaled, assumed=LINE, method="fixed_length").amount == pytest.approx(100 * line, rel=1e-5)


def test_what_has_no_breakdown_value_says_why():
    study = golden_study()
    small = study._replace(beta=np.where(np.arange(6) < 3, study.beta, 0.01))
    assert breakdown(*small, assumed=STEPS) == (0.0, ALREADY)
    # the bias can only have made the effect smaller
    sure = breakdown(*study, assumed=Assumed("smoothness", sign="negative"), l_vec=[1, 0, 0])
    assert sure == (math.inf, NEVER)
    none = breakdown(study.beta[3:], study.sigma[3:, 3:], 0, 3, assumed=STEPS)
    assert (math.isnan(none.amount), none.reason) == (True, TOO_FEW_PERIODS)


@pytest.mark.parametrize(
    ("assumed", "amount"),
    [
        (STEPS, 0.7),
        (Assumed("relative_magnitudes", sign="positive"), 0.7),
        (LINE, 5.0),
        (Assumed("smoothness", sign="negative"), 5.0),
        (Assumed("relative_smoothness"), 0.4),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_identified_set_by_linear_programmes(assumed, amount, seed):
    study = random_study(seed)
    weights = np.array([0.2, -0.5, 1.0])
    ends = []
    for piece in list_pieces(3, 3, amount, assumed):
        for sign in (1.0, -1.0):
            done = linprog(
                sign * np.append(np.zeros(3), weights),
                A_ub=piece.matrix,
                b_ub=piece.bound,
                A_eq=np.eye(6)[:3],
                b_eq=study.beta[:3],
                bounds=(None, None),
            )
            if done.status == 0:
                ends.append(weights @ study.beta[3:] - sign * done.fun)
    found = identified_set(study.beta, 3, 3, amount, assumed=assumed, l_vec=weights)
    assert (found.low, found.high) == pytest.approx((min(ends), max(ends)), abs=1e-7)


def test_identified_set_can_be_empty():
    beta = np.array([1.0, -1.0, 1.0, 0.0, 0.0, 0.0])
    found = identified_set(beta, 3, 3, 0.1, assumed=LINE)
    assert (math.isnan(found.low), found.reason) == (True, EMPTY)
    assert identified_set(np.zeros(6), 3, 3, 0.0, assumed=LINE)[1:3] == pytest.approx((0, 0), abs=1e-12)
