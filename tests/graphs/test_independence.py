"""What a graph claims, by definition; the tests of it, against statsmodels and scipy and in simulated worlds."""

from itertools import combinations

import brute
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests

from evaltoolkit.graphs.evidence import hold_against_data
from evaltoolkit.graphs.graph import ACTION, OUTCOME, CausalGraph, read_graph
from evaltoolkit.graphs.independence import claims_table, fisher_p, holm, implied_independencies, partial_correlation

CHAIN = ["far -> near", "near -> action", "near -> outcome", "action -> outcome"]
OBSERVED = {"far": "FAR", "near": "NEAR"}


def world(n=400, seed=1, leak=0.0):
    """The chain above with binary action; ``leak`` is an arrow from far to the change that the graph denies."""
    rng = np.random.default_rng(seed)
    far = rng.normal(size=n)
    near = 0.8 * far + rng.normal(size=n)
    action = (rng.random(n) < 1 / (1 + np.exp(0.5 - near))).astype(int)
    change = 0.5 * action + 0.7 * near + leak * far + rng.normal(size=n)
    table = {ACTION: action, OUTCOME: change, "far": far, "near": near}
    return pd.DataFrame(table, index=[f"u{i}" for i in range(n)])


def test_claims_of_the_chain():
    claims = implied_independencies(read_graph(CHAIN, OBSERVED))
    assert {(one, other, given) for one, other, given in claims} == {
        ("far", "action", ("near",)),
        ("far", "outcome", ("near",)),
    }
    # what the difference takes out is a claim that can be tested
    more = implied_independencies(read_graph([*CHAIN, "far -> outcome"], OBSERVED, level_only=["far"]))
    assert set(more) == set(claims)


def test_a_graph_that_joins_everything_cannot_be_tested():
    full = read_graph([*CHAIN, "far -> action", "far -> outcome"], OBSERVED)
    assert implied_independencies(full) == ()
    evidence = hold_against_data(full, ["near"], world())
    assert (evidence.verdict, len(evidence.tests)) == ("saturated", 0)
    # neither can one whose only claims are about what nobody measures
    assert implied_independencies(read_graph([*CHAIN, "u -> far", "u -> outcome"], {"near": "N"})) == ()


def test_values_from_before_the_start_say_nothing_about_what_follows_the_action():
    graph = read_graph(["action -> m", "m -> outcome", "late -> outcome"], {"m": "M", "late": "L"}, after=["late"])
    assert implied_independencies(graph) == ()


def test_claims_against_the_definition():
    rng = np.random.default_rng(5)
    for _ in range(120):
        edges = brute.random_graph(rng)
        nodes = {node for edge in edges for node in edge}
        graph = CausalGraph(tuple(edges), {node: node for node in nodes - {ACTION, OUTCOME} if rng.random() < 0.7})
        tested = {ACTION, OUTCOME, *graph.baseline}
        found = {frozenset((one, other)): given for one, other, given in implied_independencies(graph)}
        for one, other in combinations(sorted(tested), 2):
            sets = [s for s in brute.subsets(tested - {one, other}) if brute.separated(set(edges), one, other, s)]
            key = frozenset((one, other))
            assert (key in found) == bool(sets)
            if sets:
                assert found[key] in brute.smallest(sets)


def test_partial_correlation_against_statsmodels_and_scipy():
    rng = np.random.default_rng(2)
    n = 60
    given = rng.normal(size=(n, 2))
    one = given @ [1.0, -0.5] + rng.normal(size=n)
    other = 0.4 * one + given @ [0.3, 0.8] + rng.normal(size=n)
    got = partial_correlation(one, other, given)
    rows = sm.add_constant(given)
    left = [sm.OLS(values, rows).fit().resid for values in (one, other)]
    assert got == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-12)
    # the t of the coefficient and the partial correlation are two forms of one number
    fit = sm.OLS(other, np.column_stack([rows, one])).fit()
    t, free = fit.tvalues[-1], fit.df_resid
    assert got == pytest.approx(t / np.sqrt(t**2 + free), abs=1e-12)
    # Fisher's approximation lies close to the exact p-value
    assert fisher_p(got, n - 2 - 3) == pytest.approx(fit.pvalues[-1], rel=0.05)
    plain = partial_correlation(one, other, np.empty((n, 0)))
    assert plain == pytest.approx(scipy.stats.pearsonr(one, other)[0], abs=1e-12)
    z = np.arctanh(plain) * np.sqrt(n - 3)
    assert fisher_p(plain, n - 3) == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-12)


def test_partial_correlation_does_not_depend_on_units_order_or_sign():
    rng = np.random.default_rng(3)
    one, other, given = rng.normal(size=50), rng.normal(size=50), rng.normal(size=(50, 2))
    value = partial_correlation(one, other, given)
    order = rng.permutation(50)
    assert partial_correlation(other[order], one[order], given[order][:, ::-1]) == pytest.approx(value, abs=1e-12)
    assert partial_correlation(1e6 * one + 7, -1e-4 * other, 1e5 * given - 3) == pytest.approx(-value, abs=1e-9)
    assert np.isnan(partial_correlation(np.ones(50), other, given))
    assert np.isnan(partial_correlation(given[:, 0], other, given))
    assert partial_correlation(one, one, np.empty((50, 0))) == pytest.approx(1)
    assert fisher_p(1.0, 40) == 0.0


def test_holm_against_statsmodels():
    rng = np.random.default_rng(4)
    for size in (1, 2, 7):
        p = rng.random(size) ** 3
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-12)
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.5])), [0.02, np.nan, 0.5])
    assert holm(np.empty(0)).shape == (0,)


def test_a_claim_that_holds_and_one_that_fails():
    graph = read_graph(CHAIN, OBSERVED)
    sound = hold_against_data(graph, ["near"], world(), outcome="TRU-01")
    assert (sound.verdict, sound.outcome, sound.refusals) == ("holds", "TRU-01", ())
    assert (sound.tests["n"] == 400).all()
    broken = hold_against_data(graph, ["near"], world(leak=0.5))
    assert broken.verdict == "fails"
    wrong = broken.tests[broken.tests["p_holm"] < 0.05]
    assert wrong[["one", "other"]].values.tolist() == [["far", "outcome"]]
    assert wrong["correlation"].iloc[0] > 0.2


def test_false_alarms_and_the_share_found_are_what_is_promised():
    claims = implied_independencies(read_graph(CHAIN, OBSERVED))
    studies = 400
    alarms = sum(
        bool((claims_table(claims, world(n=120, seed=seed))["p_holm"] < 0.05).any()) for seed in range(studies)
    )
    assert alarms / studies <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)
    # at the correlation called detectable, a single test finds it in 80 % of studies
    rng = np.random.default_rng(9)
    one = claims_table(claims[:1], world(n=120)).iloc[0]
    found = 0
    for _ in range(2000):
        pair = rng.multivariate_normal([0, 0], [[1, one["detectable"]], [one["detectable"], 1]], size=one["n"])
        found += fisher_p(partial_correlation(pair[:, 0], pair[:, 1], np.empty((len(pair), 0))), one["n"] - 4) < 0.05
    assert found / 2000 == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 2000))


def test_what_cannot_be_tested_has_a_reason():
    claims = implied_independencies(read_graph(CHAIN, OBSERVED))
    frame = world(n=50)
    table = claims_table(claims, frame.drop(columns=OUTCOME)).set_index(["one", "other"])
    assert table.loc[("far", "outcome"), "reason"] == "no_data"
    assert table.loc[("far", "action"), "reason"] == ""
    assert np.isfinite(table.loc[("far", "action"), "p_holm"])
    assert set(claims_table(claims, frame.assign(far=1.0))["reason"]) == {"constant"}
    assert set(claims_table(claims, frame.head(4))["reason"]) == {"too_few"}
    assert hold_against_data(read_graph(CHAIN, OBSERVED), [], frame.head(4)).verdict == "no_data"
    gaps = frame.assign(far=frame["far"].where(frame.index != "u3"))
    assert (claims_table(claims, gaps)["n"] == 49).all()


def test_a_frame_of_units_and_years_is_refused_with_the_reason():
    frame = world(n=60)
    evidence = hold_against_data(read_graph(CHAIN, OBSERVED), ["near"], pd.concat([frame] * 3))
    assert [one.code for one in evidence.refusals] == ["graph.refused.unit_period"]
    assert dict(evidence.refusals[0].facts) == {"rows": 180, "units": 60}
    assert evidence.tests.empty
    assert evidence.overlap.verdict == "no_data"
