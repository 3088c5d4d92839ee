import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sensitivity_cases import golden_study, random_study

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.sensitivity.restrictions import Assumed
from evaltoolkit.sensitivity.sets import EMPTY, keeps_value, original_set, robust_sets
from evaltoolkit.sensitivity.vector import SINGULAR, TOO_FEW_PERIODS, make_vector

STEPS, LINE = Assumed("relative_magnitudes"), Assumed("smoothness")
CASES = [
    (STEPS, "hybrid", 1.0),
    (STEPS, "conditional", 1.0),
    (Assumed("relative_smoothness"), "hybrid", 0.5),
    (LINE, "hybrid", 0.05),
    (LINE, "conditional", 0.05),
    (LINE, "hybrid_fixed_length", 0.05),
    (LINE, "fixed_length", 0.05),
    (Assumed("relative_magnitudes", sign="negative"), "hybrid", 1.0),
]


def ends(study, assumed, method, amount, **options):
    one = robust_sets(*study, [amount], assumed=assumed, method=method, **options)[0]
    assert one.reason == ""
    return np.array([one.low, one.high])


@pytest.mark.parametrize(("assumed", "method", "amount"), CASES)
def test_ends_are_where_the_test_turns(assumed, method, amount):
    study = golden_study()
    low, high = ends(study, assumed, method, amount)
    if method == "fixed_length":
        return
    vector, tiny = make_vector(*study, None), 1e-7
    for value, kept in [(low + tiny, True), (low - tiny, False), (high - tiny, True), (high + tiny, False)]:
        assert keeps_value(vector, value, amount, assumed, method, 0.95, "post") is kept


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 50))
@pytest.mark.parametrize(("assumed", "method", "amount"), CASES)
def test_sets_scale_with_the_unit_of_the_outcome(assumed, method, amount, scale, seed):
    study = random_study(seed)
    scaled = study._replace(beta=scale * study.beta, sigma=scale**2 * study.sigma)
    unit = scale if assumed.restriction == "smoothness" else 1.0
    one = robust_sets(*study, [amount], assumed=assumed, method=method)[0]
    other = robust_sets(*scaled, [unit * amount], assumed=assumed, method=method)[0]
    assert other.reason == one.reason
    if not one.reason:
        assert (other.low, other.high) == pytest.approx((scale * one.low, scale * one.high), rel=1e-5, abs=1e-5 * scale)


@pytest.mark.parametrize(("assumed", "method", "amount"), CASES[:7])
def test_turning_signs_round_turns_the_set_round(assumed, method, amount):
    study = golden_study()
    low, high = ends(study, assumed, method, amount)
    turned = ends(study._replace(beta=-study.beta), assumed, method, amount)
    # the pieces change places, and with them the draws behind their critical values
    drawn = 0.005 * make_vector(*study, None).std_error if method == "hybrid" else 1e-6
    assert turned == pytest.approx([-high, -low], abs=drawn)


def test_the_sign_of_the_bias_turns_round_too():
    study = golden_study()
    low, high = ends(study, Assumed("smoothness", sign="positive", shape="increasing"), "hybrid", 0.05)
    other = Assumed("smoothness", sign="negative", shape="decreasing")
    turned = ends(study._replace(beta=-study.beta), other, "hybrid", 0.05)
    assert turned == pytest.approx([-high, -low], abs=0.005 * make_vector(*study, None).std_error)


@pytest.mark.parametrize(("assumed", "method", "amount"), CASES)
def test_more_violation_never_makes_the_set_smaller(assumed, method, amount):
    study = golden_study()
    found = robust_sets(*study, np.linspace(0, 3 * amount, 7), assumed=assumed, method=method)
    lows, highs = np.array([one.low for one in found]), np.array([one.high for one in found])
    error = make_vector(*study, None).std_error
    # the critical value is simulated; with a sign, pieces are kept near ties, which come and go with the amount
    slack = (0.01 if assumed.sign is None else 0.1) * error
    assert (np.diff(lows) <= slack).all()
    assert (np.diff(highs) >= -slack).all()


def test_a_sign_that_is_known_shortens_the_set_on_its_side():
    study = golden_study()
    low, high = ends(study, LINE, "hybrid", 0.05)
    up = ends(study, Assumed("smoothness", sign="positive"), "hybrid", 0.05)
    down = ends(study, Assumed("smoothness", sign="negative"), "hybrid", 0.05)
    assert up[1] < high - 0.1
    assert down[0] > low


def test_the_order_of_weights_and_periods_matters_and_the_default_is_the_average():
    study = golden_study()
    first = ends(study, STEPS, "hybrid", 1.0, l_vec=[1, 0, 0])
    last = ends(study, STEPS, "hybrid", 1.0, l_vec=[0, 0, 1])
    # a violation adds up from period to period
    assert last[1] - last[0] > 1.5 * (first[1] - first[0])
    plain = ends(study, STEPS, "hybrid", 1.0)
    assert plain == pytest.approx(ends(study, STEPS, "hybrid", 1.0, l_vec=np.ones(3) / 3))
    assert ends(study, STEPS, "hybrid", 1.0, l_vec=[2, 0, 0]) == pytest.approx(2 * first, abs=1e-6)


def test_hybrid_after_a_fixed_length_interval_lies_within_it():
    study = golden_study()
    inner = ends(study, LINE, "hybrid_fixed_length", 0.05)
    outer = ends(study, LINE, "fixed_length", 0.05, level=0.995)
    assert outer[0] <= inner[0]
    assert inner[1] <= outer[1]


def test_original_set_is_the_usual_interval():
    vector = make_vector(*golden_study(), [0, 1, 0])
    found = original_set(vector, 0.9)
    half = stats.norm.isf(0.05) * math.sqrt(vector.sigma[4, 4])
    assert (found.low, found.high) == pytest.approx((vector.beta[4] - half, vector.beta[4] + half))


def test_moments_before_treatment_can_rule_everything_out():
    study = golden_study()
    bent = study._replace(beta=study.beta + np.array([3.0, -3.0, 3.0, 0, 0, 0]))
    found = robust_sets(*bent, [0.01], assumed=LINE, rows="all")[0]
    assert math.isnan(found.low)
    assert found.reason == EMPTY


def test_undefined_has_a_reason():
    study = golden_study()
    none = robust_sets(study.beta[3:], study.sigma[3:, 3:], 0, 3, [1.0], assumed=STEPS)[0]
    assert (math.isnan(none.low), none.reason) == (True, TOO_FEW_PERIODS)
    short = robust_sets(study.beta[2:], study.sigma[2:, 2:], 1, 3, [1.0], assumed=Assumed("relative_smoothness"))[0]
    assert (math.isnan(short.high), short.reason) == (True, TOO_FEW_PERIODS)
    flat = robust_sets(study.beta, np.ones((6, 6)), 3, 3, [1.0], assumed=STEPS)[0]
    assert (math.isnan(flat.low), flat.reason) == (True, SINGULAR)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"assumed": Assumed("smoothnes")}, 'Did you mean "smoothness"'),
        ({"assumed": Assumed("smoothness", sign="positiv")}, 'Did you mean "positive"'),
        ({"method": "hibrid"}, 'Did you mean "hybrid"'),
        ({"method": "fixed_length", "assumed": STEPS}, "would be infinite"),
        ({"method": "fixed_length", "assumed": Assumed("smoothness", sign="positive")}, "no use of a sign"),
        ({"level": 95}, "between 0 and 1"),
        ({"amounts": [-1.0]}, "0 or more"),
        ({"l_vec": [1, 0]}, "n_post = 3"),
        ({"l_vec": [0, 0, 0]}, "not all zero"),
        ({"betahat": np.ones(5)}, "n_pre \\+ n_post = 6"),
        ({"betahat": np.full(6, np.nan)}, "leave undefined event times out"),
    ],
)
def test_faults_say_what_to_do(change, message):
    study = golden_study()
    arguments = {"betahat": study.beta, "sigma": study.sigma, "n_pre": 3, "n_post": 3, "amounts": [1.0]}
    with pytest.raises(EvaltoolkitError, match=message):
        robust_sets(**{**arguments, "assumed": LINE, **change})
