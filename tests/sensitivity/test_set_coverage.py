"""Simulated coverage at the largest violation that is allowed: nominal within three Monte Carlo errors, or more."""

import numpy as np
import pytest
from sensitivity_cases import golden_study

from evaltoolkit.sensitivity.restrictions import Assumed
from evaltoolkit.sensitivity.sets import keeps_value, robust_set
from evaltoolkit.sensitivity.vector import make_vector

DRAWS = 400
ERROR = np.sqrt(0.05 * 0.95 / DRAWS)
STEPS, LINE = Assumed("relative_magnitudes"), Assumed("smoothness")


def share_kept(assumed, amount, method, violation, away=0.0):
    """Share of draws that keep the truth (plus ``away``) under a violation of parallel trends (6,)."""
    study = golden_study()
    rng = np.random.default_rng(2026)
    effects = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    draws = rng.multivariate_normal(effects + violation, study.sigma, DRAWS)
    kept = 0
    for beta in draws:
        vector = make_vector(beta, study.sigma, 3, 3, [1, 0, 0])
        value = 1.0 + away
        if method == "fixed_length":
            one = robust_set(vector, amount, assumed, method, 0.95)
            kept += one.low <= value <= one.high
        else:
            kept += keeps_value(vector, value, amount, assumed, method, 0.95, "post")
    return kept / DRAWS


# twice the largest change before treatment, which is far above the noise; a bend of M in the reference period
JUMP = np.array([-3.4, -0.4, -0.2, 6.0, 6.0, 6.0])
BEND = np.array([-0.9, -0.6, -0.3, 1.3, 2.6, 3.9])


@pytest.mark.parametrize("method", ["hybrid", "conditional"])
def test_relative_magnitudes_cover_at_the_edge_and_not_beyond(method):
    edge = share_kept(STEPS, 2.0, method, JUMP)
    # one change stands out: no undercoverage, and no idle width
    assert edge == pytest.approx(0.95, abs=3 * ERROR)
    assert share_kept(STEPS, 1.5, method, JUMP) < 0.5


@pytest.mark.parametrize("method", ["hybrid", "conditional", "hybrid_fixed_length", "fixed_length"])
def test_smoothness_covers_at_the_edge_and_not_beyond(method):
    edge = share_kept(LINE, 1.0, method, BEND)
    assert edge >= 0.95 - 3 * ERROR
    assert share_kept(LINE, 0.2, method, BEND) < 0.5


@pytest.mark.parametrize("method", ["hybrid", "conditional"])
def test_no_violation_and_noise_before_treatment(method):
    """With nothing but noise before treatment the set covers more than it must."""
    assert share_kept(STEPS, 1.0, method, np.zeros(6)) >= 0.95 - 3 * ERROR


def test_the_test_has_power():
    assert share_kept(STEPS, 0.0, "hybrid", np.zeros(6), away=1.0) < 0.05
