"""A lot drawn again for an estimate whose weights depend on the outcome: how far an estimate may stray by chance."""

from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.choose import infer
from evaltoolkit.inference.reassigned import Reassigned


def draws(statistics, *, exact=False):
    """Drawn assignments whose statistics are given, the real one first."""
    numbers = np.array(statistics, dtype=float)
    return Reassigned(numbers, np.full(len(numbers), np.nan), None, None, exact)


@pytest.mark.parametrize("exact", [False, True])
def test_what_reaches_further_is_rejected_and_nothing_else_is(exact):
    others = np.r_[0.0, np.random.default_rng(1).normal(size=198)]
    reach = draws([0.0, *others], exact=exact).reach(0.95)
    for own in (reach * 1.001, reach * 0.999):
        drawn = [own, *(np.r_[own, others[1:]] if exact else others)]
        assert (draws(drawn, exact=exact).p_value() <= 0.05) == (own > reach)


def test_too_few_draws_rule_nothing_out():
    assert draws([1.0, *np.linspace(0, 1, 10)]).reach(0.95) == np.inf
    assert draws([1.0, *np.linspace(0, 1, 19)]).reach(0.95) == 1.0


def make_design(seed, effect, n=50, n_treated=12):
    rng = np.random.default_rng(seed)
    times = np.arange(2018.0, 2024.0)
    cohort = np.full(n, np.inf)
    cohort[rng.permutation(n)[:n_treated]] = 2021.0
    outcome = rng.normal(size=(n, 1)) + rng.normal(size=(n, len(times))) + effect * (times >= cohort[:, None])
    units = np.array([f"u{i:02d}" for i in range(n)])
    return Design(
        units=units, times=times, outcome=outcome, cohort=cohort, covariates=np.empty((n, 0)), covariate_names=(),
        weights=np.ones(n), clusters=units, outcome_name="Y",
    )  # fmt: skip


def test_the_interval_holds_the_effect_and_agrees_with_the_exact_test():
    held, excluded, rejected = [], [], []
    for seed in range(60):
        design = make_design(seed, 0.4)
        overall = estimate(design, "efficient").aggregate("overall")
        found = infer(design, overall, by_lot=True, draws=99, seed=seed)
        assert found.method == "lot"
        held.append(found.low <= 0.4 <= found.high)
        excluded.append(not found.low <= 0 <= found.high)
        rejected.append(found.p_value <= 0.05)
    # what the exact test does not reject is never left out
    assert not any(out and not small for out, small in zip(excluded, rejected, strict=True))
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 60)
    assert any(excluded)


def test_the_interval_moves_with_the_outcome():
    design = make_design(3, 0.4)
    moved = replace(design, outcome=10 * design.outcome)
    one, ten = (
        infer(each, estimate(each, "efficient").aggregate("overall"), by_lot=True, draws=99, seed=2)
        for each in (design, moved)
    )
    assert (ten.low, ten.high) == pytest.approx((10 * one.low, 10 * one.high), rel=1e-6)


@pytest.mark.parametrize("exact", [True, False])
def test_draws_without_an_estimate_can_never_be_beaten(exact):
    statistics = np.r_[9.0, np.arange(1.0, 39.0), np.nan, np.nan]
    found = draws(statistics, exact=exact)
    # the two that could not be estimated count against any finding
    assert found.smallest_p == pytest.approx(3 / 40 if exact else 3 / 41)
    assert found.p_value() >= 2 / 40
