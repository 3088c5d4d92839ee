"""Intervals from tests."""

import math

import pytest

from evaltoolkit.inference.invert import invert_test


def test_ends_are_where_rejection_begins():
    low, high = invert_test(lambda effect: 1.0 if -1 < effect < 3 else 0.01, 1.0, 0.3, 0.95)
    assert (low, high) == (pytest.approx(-1), pytest.approx(3))
    assert invert_test(lambda effect: 1.0 if effect > -1 else 0.0, 1.0, 0.3, 0.95) == (pytest.approx(-1), math.inf)


@pytest.mark.parametrize("sign", [1, -1])
def test_no_effect_is_inside_if_and_only_if_it_is_not_rejected(sign):
    def stretch_of_rejection(effect):
        return 0.02 if -0.2 < sign * effect < 0.6 or not -5 < sign * effect < 9 else 0.5

    ends = invert_test(stretch_of_rejection, sign * 2.0, 4.0, 0.95)
    assert sorted(abs(one) for one in ends) == [pytest.approx(0.6), pytest.approx(9)]

    def island_of_acceptance(effect):
        return 0.5 if -1 < sign * effect < 0.5 or 1.5 < sign * effect < 4 else 0.02

    ends = invert_test(island_of_acceptance, sign * 2.0, 0.1, 0.95)
    assert sorted(sign * one for one in ends) == [pytest.approx(-1), pytest.approx(4)]
