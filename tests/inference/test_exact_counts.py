from dataclasses import replace

import numpy as np
import pytest
from count_worlds import make_count_table, make_counts

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.exact_counts import exact_test


def fourfold(design):
    after, before = design.outcome[:, 3:].sum(axis=1), design.outcome[:, :3].sum(axis=1)
    own = design.treated
    return np.array([[after[own].sum(), before[own].sum()], [after[~own].sum(), before[~own].sum()]]).astype(int)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_odds_ratio_of_scipy(seed):
    from scipy.stats.contingency import odds_ratio

    growth = np.linspace(1, 1.5, 6)[None, :]
    design = make_counts(np.random.default_rng(seed), treated=(1,), never=15, ratio=0.4, growth=growth)
    found, known = exact_test(make_count_table(design)), odds_ratio(fourfold(design))
    interval = known.confidence_interval(0.95)
    assert found.ratio == pytest.approx(known.statistic, rel=1e-6)
    assert (found.low, found.high) == (pytest.approx(interval.low, rel=1e-6), pytest.approx(interval.high, rel=1e-6))


def test_p_value_and_attainable_level_are_sums_of_the_hypergeometric():
    from scipy.stats import hypergeom

    design = make_counts(np.random.default_rng(3), treated=(1,), never=12, mean=1.5)
    (a, b), (c, d) = fourfold(design)
    law = hypergeom(a + b + c + d, a + c, a + b)
    numbers = np.arange(max(0, a + c - c - d), min(a + b, a + c) + 1)
    p_values = np.minimum(1, 2 * np.minimum(law.cdf(numbers), law.sf(numbers - 1)))
    found = exact_test(make_count_table(design))
    assert found.p_value == pytest.approx(p_values[numbers == a][0])
    assert found.attainable == pytest.approx(law.pmf(numbers)[p_values <= 0.05].sum())
    assert found.smallest_p == pytest.approx(p_values.min())
    assert found.attainable < 0.05


def test_exposures_that_move_apart_enter_as_odds():
    # the treated unit doubles after the start, and so do its events: no effect
    growth = np.ones((60, 6))
    growth[-1, 3:] = 2.0
    design = make_counts(np.random.default_rng(4), treated=(1,), never=59, mean=200.0, growth=growth)
    assert exact_test(make_count_table(design)).ratio == pytest.approx(1, abs=0.15)


def test_nothing_after_or_before():
    design = make_counts(np.random.default_rng(5), treated=(1,), mean=6.0)
    outcome = design.outcome.copy()
    outcome[-1, 3:] = 0
    gone = exact_test(make_count_table(replace(design, outcome=outcome)))
    assert (gone.ratio, gone.low) == (0, 0)
    assert gone.high < 1


def test_it_keeps_its_level_for_poisson_counts_and_not_for_others():
    draws = 600
    rejected = {}
    for name, shape in (("poisson", None), ("gamma", 2.0)):
        p_values = []
        for seed in range(draws):
            design = make_counts(np.random.default_rng([6, seed]), treated=(1,), mean=5.0, shape=shape)
            p_values.append(exact_test(make_count_table(design)).p_value)
        rejected[name] = np.mean(np.array(p_values) <= 0.05)
    assert rejected["poisson"] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
    assert rejected["gamma"] > 0.15


def test_amounts_and_several_cohorts_are_refused():
    design = make_counts(np.random.default_rng(7), treated=(1, 1), starts=(2020.0, 2022.0))
    with pytest.raises(EvaltoolkitError, match="one starting date"):
        exact_test(make_count_table(design))
    amounts = make_counts(np.random.default_rng(7), treated=(1,))
    with pytest.raises(EvaltoolkitError, match="whole numbers"):
        exact_test(make_count_table(replace(amounts, outcome=amounts.outcome + 0.5)))
