"""Sensitivity to violations of parallel trends against R `HonestDiD` 0.2.6: all entries; and the Medicaid expansion."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from r_draws import r_normals

from evaltoolkit.sensitivity import fixed_length as fixed
from evaltoolkit.sensitivity.restrictions import Assumed
from evaltoolkit.sensitivity.sets import original_set, robust_sets
from evaltoolkit.sensitivity.vector import make_vector

HERE = Path(__file__).parent / "r"
ENTRIES = {one["id"]: one for one in json.loads((HERE / "expected_honest.json").read_text(encoding="utf-8"))["entries"]}
STEPS, LINE = Assumed("relative_magnitudes"), Assumed("smoothness")
# R's solver stops at 1e-8; at the least standard error itself (M = 0) its weights are known to the root of that only
AS_SOLVED = {0: 1e-5, 0.05: 1e-8}
# by hand from the HonestDiD documentation, three digits: (Mbar, low, high) by C-LF, (M, low, high) by FLCI
MEDICAID_STEPS = [(0.5, 0.0241, 0.0673), (1.0, 0.0171, 0.0720), (1.5, 0.00859, 0.0796), (2.0, -0.00107, 0.0883)]
MEDICAID_LINE = [
    (0.0, 0.0259, 0.0607),
    (0.01, 0.0132, 0.0787),
    (0.02, 0.00286, 0.0907),
    (0.03, -0.00714, 0.101),
    (0.04, -0.0171, 0.111),
    (0.05, -0.0271, 0.121),
]


def given(entry):
    extra = entry["extra"]
    size = len(extra["betahat"])
    sigma = np.reshape(extra["sigma"], (size, size))
    return (extra["betahat"], sigma, extra["numPrePeriods"], extra["numPostPeriods"])


def entries(part):
    return [name for name in ENTRIES if part in name]


def distance(entry, method, assumed=STEPS):
    """How far the ends are from R's, in steps of R's grid, (4, 2)."""
    extra, result = entry["extra"], entry["result"]
    found = robust_sets(*given(entry), result["Mbar"], assumed=assumed, l_vec=extra["l_vec"], method=method)
    ends = np.array([(one.low, one.high) for one in found])
    expected = np.column_stack([result["lb"], result["ub"]])
    return np.abs(ends - expected) / (2 * extra["grid_ub"] / (extra["grid_points"] - 1))


def test_every_entry_is_used():
    parts = {"original": 4, "rm_C-LF": 4, "rm_Conditional": 4, "sd_FLCI": 2}
    assert {part: len(entries(part)) for part in parts} == parts
    assert len(ENTRIES) == 14


@pytest.mark.parametrize("name", entries("original"))
def test_original(name):
    entry = ENTRIES[name]
    found = original_set(make_vector(*given(entry), entry["extra"]["l_vec"]))
    assert (found.low, found.high) == pytest.approx((entry["result"]["lb"], entry["result"]["ub"]), rel=1e-12)


@pytest.mark.parametrize("name", entries("rm_Conditional"))
def test_conditional_within_one_step_of_the_grid(name):
    """R's ends are the outermost grid points inside: never more than a step further in, and never further out."""
    assert distance(ENTRIES[name], "conditional").max() < 1


@pytest.mark.parametrize("name", entries("rm_C-LF"))
def test_hybrid_within_two_steps_of_the_grid(name):
    """R draws its critical value 1,000 times: a step more."""
    assert distance(ENTRIES[name], "hybrid").max() < 2


@pytest.mark.parametrize("name", entries("sd_FLCI"))
def test_fixed_length(name):
    """R's quantile is drawn: half-lengths agree to 0.3 per cent. Its ends are those of the next test."""
    entry = ENTRIES[name]
    result = entry["result"]
    vector = make_vector(*given(entry), entry["extra"]["l_vec"])
    found = fixed.fixed_length(vector, result["M"], 0.95)
    assert found.half_length == pytest.approx((result["ub"] - result["lb"]) / 2, rel=0.003)


@pytest.mark.parametrize("name", entries("sd_FLCI"))
def test_fixed_length_with_the_draws_and_the_search_of_r(name):
    """R draws the quantile a million times and takes the best of a hundred standard errors: its ends are reached."""
    entry = ENTRIES[name]
    amount, extra = entry["result"]["M"], entry["extra"]
    vector = make_vector(*given(entry), extra["l_vec"])
    draws = r_normals(1_000_000)
    assert draws[0] == pytest.approx(1.262954284880793, abs=1e-12)
    frontier = Frontier(vector, amount)

    def length(error):
        shift = frontier.at(error)[0] / error
        return error * np.quantile(np.abs(draws + shift), 0.95)

    error = min(np.linspace(*frontier.ends, 100), key=length)
    centre = float(frontier.at(error)[1] @ vector.beta)
    ends = (centre - length(error), centre + length(error))
    assert ends == pytest.approx((entry["result"]["lb"], entry["result"]["ub"]), abs=AS_SOLVED[amount])


class Frontier:
    """Least worst-case bias for a standard error, along the toolkit's path."""

    def __init__(self, vector, amount):
        bends = np.diff(fixed.changes(vector.n_pre, vector.n_post), axis=0)
        self.rest = np.linalg.solve(bends[vector.n_pre - 1 :, vector.n_pre :].T, vector.weights)
        self.cross, self.amount, self.bends = bends @ vector.sigma @ bends.T, amount, bends
        free = vector.n_pre - 1
        self.path = fixed._path(self.cross[:free, :free], self.cross[:free, free:] @ self.rest)
        # R's least bias moves the whole weight to the last period before the reference
        self.ends = (self.measure(0.0)[2], self.measure(self.path[0].upper)[2])

    def measure(self, penalty):
        return fixed._measure(self.path, self.rest, self.cross, self.amount, penalty)

    def at(self, error):
        from scipy.optimize import brentq

        top = self.path[0].upper
        low, high = self.ends
        if error <= low or error >= high:
            penalty = 0.0 if error <= low else top
        else:
            penalty = brentq(lambda one: self.measure(one)[2] - error, 0, top, xtol=1e-15)
        shares, bias, _ = self.measure(penalty)
        return bias, self.bends.T @ shares


@pytest.mark.parametrize("name", entries("rm_C-LF"))
def test_a_naive_fixed_length_interval_is_not_the_hybrid(name):
    """Worst bias plus normal quantile, as a peer has it: outside the tolerance, so that the test tells them apart."""
    entry = ENTRIES[name]
    beta, _, n_pre, _ = given(entry)
    extra, result = entry["extra"], entry["result"]
    vector = make_vector(*given(entry), extra["l_vec"])
    moves = np.abs(np.diff([*beta[:n_pre], 0.0])).max()
    worst = moves * np.abs(np.cumsum(vector.weights[::-1])).sum()
    half = np.array(result["Mbar"]) * worst + 1.959964 * vector.std_error
    naive = np.column_stack([vector.estimate - half, vector.estimate + half])
    gap = np.abs(naive - np.column_stack([result["lb"], result["ub"]]))
    assert (gap > 2 * 2 * extra["grid_ub"] / (extra["grid_points"] - 1)).any(axis=1).sum() >= 3


@pytest.mark.parametrize("name", entries("sd_FLCI"))
def test_fixed_length_interval_fails_as_hybrid(name):
    """Under smoothness the two are different procedures: ends apart by more than a tenth of a standard error."""
    entry = ENTRIES[name]
    vector = make_vector(*given(entry), entry["extra"]["l_vec"])
    found = {}
    for method in ("fixed_length", "hybrid"):
        one = robust_sets(
            *given(entry), [entry["result"]["M"]], assumed=LINE, l_vec=entry["extra"]["l_vec"], method=method
        )[0]
        found[method] = np.array([one.low, one.high])
    assert (np.abs(found["fixed_length"] - found["hybrid"]) > 0.1 * vector.std_error).all()


@pytest.fixture(scope="module")
def medicaid(shared):
    """Event study of insurance cover, states that expanded in 2014 against those that had not by 2015."""
    frame = pd.read_csv(shared / "golden" / "published" / "ehec_data.csv")
    frame = frame[(frame["year"] < 2016) & (frame["yexp2"].isna() | (frame["yexp2"] != 2015))]
    state = pd.factorize(frame["stfips"])[0]
    year = frame["year"].to_numpy()
    treated = (frame["yexp2"] == 2014).to_numpy(float)
    columns = [np.eye(state.max() + 1)[state]]
    columns += [(year == one)[:, None].astype(float) for one in range(2009, 2016)]
    columns += [((year == one) * treated)[:, None] for one in range(2008, 2016) if one != 2013]
    x, y = np.hstack(columns), frame["dins"].to_numpy()
    inverse = np.linalg.inv(x.T @ x)
    coefficients = inverse @ x.T @ y
    scores = np.array([x[state == one].T @ (y - x @ coefficients)[state == one] for one in np.unique(state)])
    count, rows = len(scores), len(y)
    # fixest's default: year effects are counted, state effects within clusters are not
    factor = count / (count - 1) * (rows - 1) / (rows - 15)
    return coefficients[-7:], (factor * inverse @ scores.T @ scores @ inverse)[-7:, -7:]


@pytest.mark.shared
def test_medicaid_relative_magnitudes(medicaid):
    beta, sigma = medicaid
    amounts = [one[0] for one in MEDICAID_STEPS]
    found = robust_sets(beta, sigma, 5, 2, amounts, assumed=STEPS, l_vec=[1, 0])
    # two of a thousand grid points over forty standard errors, for the critical value is drawn 1,000 times
    step = 40 * np.sqrt(sigma[5, 5]) / 999
    for one, (_, low, high) in zip(found, MEDICAID_STEPS, strict=True):
        assert (one.low, one.high) == pytest.approx((low, high), abs=2 * step)


@pytest.mark.shared
def test_medicaid_smoothness(medicaid):
    beta, sigma = medicaid
    amounts = [one[0] for one in MEDICAID_LINE]
    found = robust_sets(beta, sigma, 5, 2, amounts, assumed=LINE, l_vec=[1, 0], method="fixed_length")
    for one, (_, low, high) in zip(found, MEDICAID_LINE, strict=True):
        assert (one.low, one.high) == pytest.approx((low, high), abs=3e-4)
