"""Sampling errors of survey shares."""

import numpy as np
import pytest

from evaltoolkit.panels.measures import share_se


def test_se_carries_the_design_effect():
    assert share_se(0.5, 100, 1.0) == pytest.approx(0.05)
    assert share_se(0.5, 100, 2.25) == pytest.approx(0.075)
    assert share_se(0.5, 100, np.nan) == pytest.approx(0.05 * np.sqrt(1.5))
    assert share_se(0.5, 100) == share_se(0.5, 100, np.nan)


def test_empty_and_full_cells_are_not_certain():
    # 150 respondents count as 100: (0 + 2) / (100 + 4)
    p = 2 / 104
    expected = np.sqrt(p * (1 - p) / 100)
    np.testing.assert_allclose(share_se([0.0, 1.0], [150, 150]), [expected, expected])


def test_without_respondents_there_is_no_se():
    assert np.isnan(share_se([0.5, 0.5, np.nan], [0, np.nan, 10])).all()


def test_se_against_repeated_sampling():
    rng = np.random.default_rng(5)
    p, n, effect = 0.3, 400, 2.0
    shares = rng.binomial(int(n / effect), p, 4000) / (n / effect)
    # three Monte Carlo standard errors of a standard deviation
    assert abs(shares.std() / float(share_se(p, n, effect)) - 1) < 3 / np.sqrt(2 * 4000)
