"""Suppression, against intruders written independently of it."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from evaltoolkit.disclosure.audit import cell_bounds, table_with_margins
from evaltoolkit.disclosure.suppress import suppress_table
from evaltoolkit.findings import EvaltoolkitError


def with_totals(counts):
    """Long table of a matrix with its totals, marked T."""
    rows, columns = counts.shape
    full = np.zeros((rows + 1, columns + 1))
    full[:rows, :columns] = counts
    full[:rows, columns], full[rows, :columns], full[rows, columns] = counts.sum(1), counts.sum(0), counts.sum()
    names = [*map(str, range(rows)), "T"], [*map(str, range(columns)), "T"]
    frame = pd.DataFrame(list(itertools.product(*names)), columns=["r", "c"])
    return frame.assign(n=full.ravel()), full


def intruder_ranges(full, hidden, lowest):
    """Least and greatest value of each hidden cell, from the shown cells and the additions of the table alone."""
    rows, columns = full.shape
    index = {cell: k for k, cell in enumerate(zip(*np.nonzero(hidden), strict=True))}
    sums = [([(r, c) for c in range(columns - 1)], (r, columns - 1)) for r in range(rows)]
    sums += [([(r, c) for r in range(rows - 1)], (rows - 1, c)) for c in range(columns)]
    left, right = [], []
    for cells, total in sums:
        line, constant = np.zeros(len(index)), 0.0
        for cell, sign in [*((cell, 1.0) for cell in cells), (total, -1.0)]:
            if cell in index:
                line[index[cell]] += sign
            else:
                constant -= sign * full[cell]
        left.append(line)
        right.append(constant)
    ranges = {}
    for cell, k in index.items():
        aim = np.eye(len(index))[k]
        ends = [linprog(s * aim, A_eq=left, b_eq=right, bounds=(lowest, 10_000)).fun * s for s in (1, -1)]
        ranges[cell] = tuple(ends)
    return ranges


SMALL = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 9, 20, 60])
TABLES = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(lambda s: arrays(int, s, elements=SMALL))


@settings(max_examples=80, deadline=None)
@given(TABLES)
def test_no_small_count_can_be_worked_out(counts):
    frame, full = with_totals(counts)
    found = suppress_table(frame, "n", ["r", "c"], total="T")
    hidden = found.mask.reshape(full.shape)
    small = (full > 0) & (full < 5)
    assert (found.primary.reshape(full.shape) == small).all()
    assert not hidden[full == 0].any()
    for lowest in (0, 1):
        for cell, (low, high) in intruder_ranges(full, hidden, lowest).items():
            if small[cell]:
                assert high - low > 0.99, (counts, cell, lowest)


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_same_cells_are_hidden_when_totals_do_not_stand_in_the_table(counts):
    frame, _ = with_totals(counts)
    inner = frame[(frame["r"] != "T") & (frame["c"] != "T")].reset_index(drop=True)
    with_ = suppress_table(frame, "n", ["r", "c"], total="T").mask[
        ((frame["r"] != "T") & (frame["c"] != "T")).to_numpy()
    ]
    assert (suppress_table(inner, "n", ["r", "c"]).mask == with_).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(SMALL, min_size=1, max_size=6))
def test_one_way_by_trying_every_completion(counts):
    """All whole completions of the hidden cells, by enumeration."""
    frame = pd.DataFrame({"unit": [*map(str, range(len(counts))), "T"], "n": [*counts, sum(counts)]})
    mask = suppress_table(frame, "n", ["unit"], total="T").mask
    if mask[-1] or not mask.any():
        # a total goes only where it is small, or no other count is left to hide (five ones with the sum five)
        assert not mask[-1] or sum(counts) < 5 or mask[:-1][np.array(counts) > 0].all()
        return
    unknown = np.flatnonzero(mask)
    rest = int(sum(np.array(counts)[unknown]))
    completions = [c for c in itertools.product(range(1, 6), repeat=len(unknown) - 1) if rest - sum(c) >= 1]
    for k, cell in enumerate(unknown):
        if counts[cell] < 5:
            values = {(*c, rest - sum(c))[k] for c in completions}
            assert len(values) > 1, (counts, cell)


def test_a_lone_small_count_takes_a_second_one_with_it():
    frame = pd.DataFrame({"unit": list("abc"), "n": [3, 40, 9]})
    found = suppress_table(frame, "n", ["unit"])
    assert found.primary.tolist() == [True, False, False]
    assert found.secondary.tolist() == [False, False, True]


def test_two_ones_are_not_left_alone_with_their_sum():
    # 1 + 1 = 2 would be known to a reader who knows that zeros are shown
    found = suppress_table(pd.DataFrame({"n": [1, 1, 0, 8, 30]}), "n")
    assert found.mask.tolist() == [True, True, False, True, False]


def test_ones_whose_sum_gives_them_away_take_the_total_with_them():
    frame = pd.DataFrame({"unit": [*"abcde", "T"], "n": [1, 1, 1, 1, 1, 5]})
    assert suppress_table(frame, "n", ["unit"], total="T").mask.all()


def test_a_bridge_between_two_rectangles_is_found():
    """Every row and column has two hidden cells or none, and still one cell would be known."""
    counts = np.array([[1, 9, 50, 50], [9, 9, 3, 50], [50, 50, 9, 9], [50, 50, 9, 9]])
    hidden = counts < 50
    full = with_totals(counts)[1]
    padded = np.pad(hidden, ((0, 1), (0, 1)))
    low, high = intruder_ranges(full, padded, 1)[(1, 2)]
    assert high - low < 1e-6
    table = table_with_margins(counts.astype(float))
    assert np.allclose(cell_bounds(table, padded.ravel(), 7, lowest=1), (3, 3))
    frame = with_totals(counts)[0]
    mask = suppress_table(frame, "n", ["r", "c"], total="T").mask.reshape(full.shape)
    low, high = intruder_ranges(full, mask, 1)[(1, 2)]
    assert high - low > 0.99


def test_missing_counts_stay_out():
    frame = pd.DataFrame({"unit": list("abc"), "n": [3, np.nan, 9]})
    assert suppress_table(frame, "n", ["unit"]).mask.tolist() == [True, False, True]


def test_nothing_small_nothing_hidden():
    assert not suppress_table(pd.DataFrame({"n": [0, 5, 12]}), "n").mask.any()


def test_threshold_is_a_setting():
    frame = pd.DataFrame({"n": [7, 12, 20]})
    assert suppress_table(frame, "n", threshold=10).primary.tolist() == [True, False, False]


def test_input_is_not_changed():
    frame = pd.DataFrame({"unit": list("abc"), "n": [3, 40, 9]})
    before = frame.copy()
    suppress_table(frame, "n", ["unit"])
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("frame", "dims", "total", "sentence"),
    [
        (pd.DataFrame({"m": [1]}), [], None, 'no column "n"'),
        (pd.DataFrame({"n": [1.5]}), [], None, "whole numbers"),
        (pd.DataFrame({"n": [-1]}), [], None, "whole numbers"),
        (pd.DataFrame({"n": ["many"]}), [], None, "whole numbers"),
        (pd.DataFrame({"n": [1, 2], "u": ["a", "a"]}), ["u"], None, "stands twice"),
        (pd.DataFrame({"n": [9, 9, 9], "u": ["a", "b", "T"]}), ["u"], "T", "not the sum"),
        (pd.DataFrame({"n": [1], "a": "x", "b": "x", "c": "x"}), ["a", "b", "c"], None, "at most two dimensions"),
    ],
)
def test_bad_tables_are_refused(frame, dims, total, sentence):
    with pytest.raises(EvaltoolkitError, match=sentence):
        suppress_table(frame, "n", dims, total=total)


def test_a_panel_of_rare_incidents_is_suppressed_in_time():
    rng = np.random.default_rng(7)
    counts = rng.poisson(0.15, (285, 6)) * rng.integers(1, 9, (285, 6))
    frame, full = with_totals(counts)
    mask = suppress_table(frame, "n", ["r", "c"], total="T").mask.reshape(full.shape)
    assert mask[(full > 0) & (full < 5)].all()
    assert not mask[full == 0].any()
