"""Shortcuts over whole columns say what the long way says."""

import numpy as np
import pytest

from evaltoolkit.designs.quick import all_finite, as_text, constant_within

CODES = {
    "every length": np.r_[np.arange(0, 1101), 99_999, 100_000, 10**9 - 1, 10**9, 10**17],
    "zero alone": np.array([0]),
    "one byte": np.array([7, 255], dtype=np.uint8),
    "not sorted": np.array([3, 1, 20]),
    "below zero": np.array([-12, 3]),
    "too large": np.array([5, 2**63], dtype=np.uint64),
    "fractions": np.array([1.5, 2.0]),
    "text": np.array(["a", "bc"]),
    "nobody": np.array([], dtype=int),
}


@pytest.mark.parametrize("case", CODES)
def test_codes_as_text(case):
    found = as_text(CODES[case])
    assert found.dtype.kind == "U"
    assert found.tolist() == CODES[case].astype(str).tolist()


def test_numbers_that_are_missing_or_infinite():
    values = np.ones((3, 4))
    assert all_finite(values)
    # a sum beyond all numbers is not the end of it
    assert all_finite(np.full(3, 1e308))
    for bad in (np.nan, np.inf, -np.inf):
        values[1, 2] = bad
        assert not all_finite(values)
    values[0, 0] = np.inf
    assert not all_finite(values)


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ([1, 1, 2, 2, 2, 2], True),
        ([1, 1, 1, 1, 1, 1], True),
        ([1, 2, 2, 2, 2, 2], False),
        ([1, 1, 2, 1, 1, 1], False),
        ([np.nan, np.nan, 1, 1, 1, 1], False),
    ],
)
def test_what_is_constant_within_a_stretch(values, same):
    assert constant_within(np.array(values), 2) is same
