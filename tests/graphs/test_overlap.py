"""Overlap: against statsmodels where the groups overlap, by construction where they do not."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from evaltoolkit.graphs.evidence import hold_against_data
from evaltoolkit.graphs.graph import ACTION, read_graph
from evaltoolkit.graphs.overlap import measure_overlap, share_outside, standardised_difference, treatment_score


def sample(gap=0.5, n=300, seed=1):
    rng = np.random.default_rng(seed)
    treated = rng.random(n) < 0.4
    return treated, rng.normal(size=(n, 2)) + np.outer(treated, [gap, 0.0])


def test_score_against_statsmodels():
    treated, covariates = sample()
    fit = sm.Logit(treated.astype(float), sm.add_constant(covariates)).fit(disp=0)
    expected = sm.add_constant(covariates) @ fit.params
    # the ridge is too small to see
    np.testing.assert_allclose(treatment_score(treated, covariates), expected, atol=2e-3)


def test_overlapping_groups_and_their_numbers():
    treated, covariates = sample()
    found = measure_overlap(treated, covariates, ["size", "age"])
    assert (found.verdict, found.n_treated, found.n_comparison) == ("good", treated.sum(), (~treated).sum())
    score, rest = found.score[treated], found.score[~treated]
    assert found.outside == np.mean((score < rest.min()) | (score > rest.max()))
    row = found.by_covariate.set_index("covariate").loc["size"]
    some, other = covariates[treated, 0], covariates[~treated, 0]
    pooled = np.sqrt((some.var(ddof=1) + other.var(ddof=1)) / 2)
    assert row["difference"] == pytest.approx((some.mean() - other.mean()) / pooled)


def test_planted_no_overlap_is_refused_with_the_covariate_that_separates():
    treated, covariates = sample(gap=12.0)
    found = measure_overlap(treated, covariates, ["size", "age"])
    assert (found.verdict, found.outside) == ("none", 1.0)
    frame = pd.DataFrame(covariates, columns=["size", "age"]).assign(**{ACTION: treated.astype(int)})
    graph = read_graph(
        ["size -> action", "size -> outcome", "age -> action", "age -> outcome", "action -> outcome"],
        {"size": "S", "age": "A"},
    )
    evidence = hold_against_data(graph, ["size", "age"], frame)
    assert [one.code for one in evidence.refusals] == ["graph.refused.no_overlap"]
    assert dict(evidence.refusals[0].facts) == {"share": 100, "node": "size"}
    # not held equal, it is no reason to refuse
    assert hold_against_data(graph, ["age"], frame).refusals == ()


def test_separated_by_a_combination_only():
    rng = np.random.default_rng(2)
    covariates = rng.normal(size=(200, 2))
    treated = covariates.sum(axis=1) > 1
    found = measure_overlap(treated, covariates, ["a", "b"])
    assert (found.verdict, found.outside) == ("none", 1.0)
    assert found.by_covariate["outside"].max() < 0.5


def test_some_without_a_counterpart():
    treated, covariates = sample(gap=0.0)
    lifted = covariates.copy()
    rows = np.flatnonzero(treated)[: int(0.3 * treated.sum())]
    lifted[rows, 0] += 20
    found = measure_overlap(treated, lifted, ["a", "b"])
    assert found.verdict == "partly"
    assert found.outside == pytest.approx(0.3, abs=0.05)


def test_groups_that_do_not_differ_lie_outside_as_often_as_chance_says():
    rng = np.random.default_rng(3)
    treated = np.arange(60) < 40
    shares = [share_outside(rng.normal(size=60), treated) for _ in range(1000)]
    error = np.std(shares) / np.sqrt(1000)
    assert np.mean(shares) == pytest.approx(2 / 21, abs=3 * error)


def test_order_units_and_superfluous_columns_do_not_matter():
    treated, covariates = sample()
    plain = measure_overlap(treated, covariates, ["a", "b"])
    order = np.random.default_rng(4).permutation(len(treated))
    moved = measure_overlap(treated[order], 1e5 * covariates[order] + 3, ["a", "b"])
    assert moved.outside == plain.outside
    np.testing.assert_allclose(moved.score, plain.score[order], atol=1e-7)
    more = np.column_stack([covariates, np.ones(len(treated)), 2 * covariates[:, 0] - covariates[:, 1]])
    assert measure_overlap(treated, more, list("abcd")).outside == plain.outside


def test_nothing_to_compare():
    treated, covariates = sample(n=20)
    assert measure_overlap(treated, np.empty((20, 0)), []).verdict == "not_asked"
    assert measure_overlap(np.ones(20, bool), covariates, ["a", "b"]).verdict == "no_data"
    same = measure_overlap(treated, np.ones((20, 1)), ["a"])
    assert (same.verdict, same.outside) == ("good", 0.0)
    assert np.isnan(same.by_covariate["difference"].iloc[0])
    assert np.isnan(standardised_difference(np.arange(3.0), np.array([True, False, False])))
