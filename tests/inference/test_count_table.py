from dataclasses import replace

import numpy as np
import pytest
from count_worlds import estimate_overall, make_count_table, make_counts

from evaltoolkit.estimators.counts import rate_ratio
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.count_table import count_table, fit_path
from evaltoolkit.inference.count_test import count_ratio


def test_the_path_solves_the_likelihood_equations():
    rng = np.random.default_rng(1)
    events, exposure = rng.poisson(3, (20, 5)).astype(float), rng.uniform(0.5, 2, (20, 5))
    exposure[3, 2] = events[3, 2] = 0
    mean = exposure * fit_path(events, exposure)
    fitted = mean * (events.sum(axis=1) / mean.sum(axis=1))[:, None]
    np.testing.assert_allclose(fitted.sum(axis=0), events.sum(axis=0), rtol=1e-8)


def test_scores_are_those_of_the_conditional_likelihood():
    # the derivative of the multinomial log-likelihood of one unit's counts, given their total, in the log ratio
    design = make_counts(np.random.default_rng(2), never=12)
    table = make_count_table(design)
    path = fit_path(table.events, table.exposure)
    scores = table.scores()

    def likelihood(unit, log_ratio):
        mean = table.exposure[unit] * path * np.exp(log_ratio * table.after[0])
        return np.sum(table.events[unit] * np.log(mean / mean.sum()))

    for unit in (0, 7, 13):
        slope = (likelihood(unit, 1e-5) - likelihood(unit, -1e-5)) / 2e-5
        curve = (likelihood(unit, 1e-3) - 2 * likelihood(unit, 0) + likelihood(unit, -1e-3)) / 1e-6
        assert scores.score[unit, 0] == pytest.approx(slope, abs=1e-6)
        assert scores.information[unit, 0] == pytest.approx(-curve, rel=1e-4)
        assert scores.total[unit, 0] == table.events[unit].sum()


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_the_ratio_is_that_of_four_totals(comparison):
    growth = np.linspace(1, 1.3, 6)[None, :]
    design = make_counts(np.random.default_rng(3), ratio=0.6, comparison=comparison, growth=growth)
    events, treated = design.outcome, design.treated
    before = slice(2, 3) if comparison == "never_treated" else slice(0, 3)
    after, earlier = events[:, 3:].sum(axis=1), events[:, before].sum(axis=1)
    by_hand = after[treated].sum() / earlier[treated].sum() * earlier[~treated].sum() / after[~treated].sum()
    table = make_count_table(design)
    # with never-treated comparison the periods before enter the path only, and only there by the treated's own share
    assert count_ratio(table) == pytest.approx(by_hand, rel=1e-9 if comparison == "not_yet_treated" else 0.03)
    fitted = rate_ratio(estimate_overall(design))["estimate"].iloc[0]
    assert count_ratio(table) == pytest.approx(fitted, rel=1e-7 if comparison == "not_yet_treated" else 0.03)


def test_nothing_counted_gives_the_ends():
    design = make_counts(np.random.default_rng(4), treated=(1,))
    outcome = design.outcome.copy()
    outcome[-1, 3:] = 0
    assert count_ratio(make_count_table(replace(design, outcome=outcome))) == 0
    outcome = design.outcome.copy()
    outcome[-1, :3] = 0
    assert count_ratio(make_count_table(replace(design, outcome=outcome))) == np.inf


def test_gaps_take_their_exposure_with_them():
    design = make_counts(np.random.default_rng(5), ratio=0.5, mean=40.0)
    outcome = design.outcome.copy()
    outcome[:4, 1] = outcome[-1, 4] = outcome[5] = np.nan
    table = make_count_table(replace(design, outcome=outcome))
    # the unit without any value is not in the estimate
    assert table.exposure.shape == (29, 6)
    assert (table.exposure == 0).sum() == 4 + 1
    assert table.events[table.exposure == 0].sum() == 0
    assert count_ratio(table) == pytest.approx(0.5, rel=0.25)


def test_clusters_have_the_sums_of_their_units():
    design = make_counts(np.random.default_rng(6), treated=(3,), never=10, zone=2)
    apart = make_count_table(replace(design, clusters=design.units)).scores()
    together = make_count_table(design).scores()
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other.reshape(13, 2, 2).sum(axis=1), atol=1e-10)


def test_what_it_cannot_take_is_refused():
    design = make_counts(np.random.default_rng(7), zone=2)
    weights = np.linspace(0.5, 1.5, len(design.units))
    with pytest.raises(EvaltoolkitError, match="neither covariates nor weights"):
        count_table(replace(design, weights=weights), estimate_overall(design))
    mixed = replace(design, clusters=np.roll(design.clusters, 1))
    with pytest.raises(EvaltoolkitError, match="several cohorts"):
        make_count_table(mixed)
