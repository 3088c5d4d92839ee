"""The draw against enumeration, closed forms and simulated worlds; its files against tampering."""

import datetime as dt
import itertools
import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltoolkit.cli import main
from evaltoolkit.designs.allocation import (
    Mechanism,
    _find_cycle,
    _shift_along,
    draw_admissible,
    draw_candidates,
    draw_first,
    find_threshold,
    measure_distance,
    whiten,
)
from evaltoolkit.designs.rollout import draw_rollout
from evaltoolkit.designs.rollout_files import verify_rollout, write_rollout
from evaltoolkit.designs.rollout_rules import parse_sizes
from evaltoolkit.designs.roster import read_roster
from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.prose import say_finding

THREE = {"2027-01": 10, "2027-07": 10, "never": 10}


def towns(n=30, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "nis": np.arange(11001, 11001 + n),
            "region": rng.choice(["north", "south", "east"], n),
            "population": np.round(np.exp(rng.normal(9.8, 0.7, n))),
            "past": rng.poisson(4, n).astype(float),
        }
    )


def draw(table=None, **changed):
    given_ = {
        "unit": "nis",
        "action": "coaching",
        "cohorts": THREE,
        "seed": 7,
        "strata": "region",
        "balance": ["population", "past"],
        **changed,
    }
    return draw_rollout(towns() if table is None else table, **given_)


def mechanism_of(in_stratum, sizes, values=None, accept=0.1):
    strata = np.repeat(np.arange(len(in_stratum)), in_stratum)
    scores = np.empty((len(strata), 0)) if values is None else whiten(values)
    made = Mechanism(strata, np.array(sizes), scores)
    return replace(made, threshold=find_threshold(draw_first(made, [1, 0], 2000)[1], accept))


# --- the lot ---------------------------------------------------------------------------------------------------


@st.composite
def tables(draw_):
    in_stratum = draw_(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    total = sum(in_stratum)
    assume(total > 1)
    n_arms = draw_(st.integers(2, min(4, total)))
    cuts = sorted(draw_(st.sets(st.integers(1, total - 1), min_size=n_arms - 1, max_size=n_arms - 1)))
    return in_stratum, np.diff([0, *cuts, total]).tolist()


@given(tables(), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_each_stratum_gives_its_share_rounded_down_or_up_and_arms_are_full(table, seed):
    in_stratum, sizes = table
    mechanism = Mechanism(np.repeat(np.arange(len(in_stratum)), in_stratum), np.array(sizes), np.empty((sum(sizes), 0)))
    arms = draw_candidates(mechanism, np.random.default_rng(seed).random((5, mechanism.width)))
    share = np.outer(in_stratum, sizes) / sum(sizes)
    for row in arms:
        assert np.bincount(row, minlength=len(sizes)).tolist() == sizes
        counts = np.zeros(share.shape)
        np.add.at(counts, (mechanism.strata, row), 1)
        assert (np.abs(counts - share) < 1).all()


def expected_table(left, total):
    """Exact expectation of the rounded table: both outcomes of each lot, weighted by their exact probabilities."""
    cycle = _find_cycle(left, total)
    if not cycle:
        return [[Fraction(cell, total) for cell in row] for row in left]
    up, down = ([row[:] for row in left] for _ in range(2))
    _shift_along(up, cycle, total, 0.0)
    _shift_along(down, cycle, total, 1 - 2**-53)
    (i, j) = cycle[0]
    rise, fall = up[i][j] - left[i][j], left[i][j] - down[i][j]
    assert rise > 0
    assert fall > 0
    chance = Fraction(fall, rise + fall)
    # the lot goes up below that chance and down above it
    for lot, outcome in ((float(chance) - 1e-9, up), (float(chance) + 1e-9, down)):
        moved = [row[:] for row in left]
        _shift_along(moved, cycle, total, lot)
        assert moved == outcome
    both = zip(expected_table(up, total), expected_table(down, total), strict=True)
    return [[chance * a + (1 - chance) * b for a, b in zip(*rows, strict=True)] for rows in both]


@pytest.mark.parametrize(("in_stratum", "sizes"), [((4, 7, 2), (5, 3, 5)), ((1, 1, 5, 6), (6, 7)), ((7, 3), (1, 2, 7))])
def test_the_expected_number_is_the_exact_share(in_stratum, sizes):
    total = sum(sizes)
    rest = [[m * n % total for n in sizes] for m in in_stratum]
    assert expected_table(rest, total) == [[Fraction(cell, total) for cell in row] for row in rest]


def test_before_balancing_every_unit_has_the_same_chance_of_each_start():
    mechanism = mechanism_of((4, 7, 2, 1), (7, 3, 4))
    draws = 20_000
    arms = draw_candidates(mechanism, np.random.default_rng(11).random((draws, mechanism.width)))
    seen = np.stack([(arms == arm).sum(axis=0) for arm in range(3)], axis=1)
    wanted = draws * mechanism.sizes / 14
    worst = ((seen - wanted) ** 2 / wanted).sum(axis=1).max()
    # the largest of 14 chi-square statistics with 2 degrees of freedom
    assert worst < stats.chi2.isf(0.0027 / 14, 2)


def test_arms_of_equal_size_are_interchangeable_in_the_lot():
    """Equal chances after balancing rest on it: which two of four arms a stratum of two goes to has no favourites."""
    mechanism = mechanism_of((1, 2, 3, 6), (3, 3, 3, 3))
    arms = draw_candidates(mechanism, np.random.default_rng(12).random((20_000, mechanism.width)))
    pairs = pd.Series([(min(a, b), max(a, b)) for a, b in arms[:, 1:3].tolist()]).value_counts()
    assert len(pairs) == 6
    assert stats.chisquare(pairs.to_numpy()).pvalue > 0.0027


# --- balance ---------------------------------------------------------------------------------------------------


def test_the_distance_of_two_arms_is_that_of_morgan_and_rubin():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 3)) + 5
    mechanism = mechanism_of((20,), (8, 12), values)
    arms, distances = draw_first(mechanism, [5], 50)
    inverse = np.linalg.inv(np.cov(values.T))
    for row, distance in zip(arms, distances, strict=True):
        gap = values[row == 0].mean(axis=0) - values[row == 1].mean(axis=0)
        assert distance == pytest.approx(8 * 12 / 20 * gap @ inverse @ gap, abs=1e-8)


def test_distances_do_not_hang_on_units_of_measurement_or_doubled_columns():
    values = np.random.default_rng(4).normal(size=(18, 2))
    other = np.column_stack([values @ [[1e6, 2.0], [0.0, -3e-4]] + 9, values[:, 0] * 7])
    arms, distances = draw_first(mechanism_of((10, 8), (6, 6, 6), values), [5], 100)
    assert measure_distance(mechanism_of((10, 8), (6, 6, 6), other), arms) == pytest.approx(distances, abs=1e-7)


def test_redraws_are_uniform_over_the_admissible_allocations_found_by_enumeration():
    values = np.array([[1.0], [2.0], [4.0], [7.0], [11.0], [30.0]])
    mechanism = mechanism_of((6,), (3, 3), values, accept=0.3)
    admissible = []
    for chosen in itertools.combinations(range(6), 3):
        row = np.ones(6, dtype=int)
        row[list(chosen)] = 0
        gap = values[row == 0].mean() - values[row == 1].mean()
        if 9 / 6 * gap**2 / values.var(ddof=1) <= mechanism.threshold + 1e-8:
            admissible.append(tuple(row))
    assert 4 <= len(admissible) <= 8
    drawn = draw_admissible(mechanism, [9, 2], 4000)
    seen = pd.Series(list(map(tuple, drawn))).value_counts()
    assert set(seen.index) == set(admissible)
    assert stats.chisquare(seen.to_numpy()).pvalue > 0.0027


def test_the_best_share_is_what_is_admitted():
    rollout = draw(accept=0.05, candidates=400)
    assert rollout.info["accepted"] == 20
    assert rollout.info["accepted_share"] == pytest.approx(0.05)
    assert rollout.info["distance"] <= rollout.info["threshold"]
    redrawn = np.array(rollout.rules.labels).searchsorted(rollout.redraw(200, seed=1).to_numpy().T)
    assert measure_distance(rollout.mechanism, redrawn).max() <= rollout.info["threshold"]


def test_balancing_shrinks_imbalance_as_much_as_theory_says():
    """Morgan and Rubin (2012), theorem 3.1: each variance is multiplied by P(chi2_{p+2} < a) / P(chi2_p < a)."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(200, 2))
    mechanism = mechanism_of((200,), (100, 100), values)
    free = replace(mechanism, threshold=math.inf)
    draws = 4000

    def gaps(made):
        arms = draw_admissible(made, [6], draws)
        return np.array([values[row == 0].mean(axis=0) - values[row == 1].mean(axis=0) for row in arms])

    ratio = (gaps(mechanism) ** 2).mean(axis=0) / (gaps(free) ** 2).mean(axis=0)
    a = mechanism.threshold
    theory = stats.chi2.cdf(a, 4) / stats.chi2.cdf(a, 2)
    # relative error of a ratio of two mean squares of (at most normal) gaps, and of the estimated threshold
    error = theory * math.sqrt(2 / draws + 2 / draws + 1 / (0.1 * 2000))
    assert theory < 0.06
    assert np.abs(ratio - theory).max() < 3 * error


def test_the_balance_table_agrees_with_a_computation_by_hand():
    table = towns()
    rollout = draw(table)
    balance = rollout.balance.set_index(["variable", "start"])
    start = rollout.allocation.set_axis(table.index)
    for label, name in itertools.product(THREE, ["population", "past"]):
        inside, outside = table.loc[start == label, name], table.loc[start != label, name]
        row = balance.loc[(name, label)]
        assert row["n"] == 10
        assert row["mean"] == pytest.approx(inside.mean())
        assert row["after"] == pytest.approx((inside.mean() - outside.mean()) / table[name].std())
        assert 0.2 < row["before"] < 0.6
    means = rollout.balance[rollout.balance["variable"].isin(["population", "past"])]
    assert (means["after"] ** 2).mean() < (means["before"] ** 2).mean() / 2
    shares = balance.loc["stratum=north", "mean"] * 10
    assert shares.sum() == (table["region"] == "north").sum()


# --- chances, estimates and p-values in simulated worlds -------------------------------------------------------


def skewed(n, sigma=1.5):
    rng = np.random.default_rng(2)
    return pd.DataFrame({"nis": np.arange(n) + 100, "population": np.exp(rng.normal(0, sigma, n))})


def test_with_equal_sizes_balancing_leaves_chances_equal():
    rollout = draw(skewed(18), strata=(), balance="population", cohorts={"2027": 6, "2028": 6, "never": 6})
    chances = rollout.chances(20_000, seed=5)
    assert rollout.info["equal_chances"] == 1
    statistic = (20_000 * (chances - 1 / 3) ** 2 / (1 / 3)).sum(axis=1).max()
    assert statistic < stats.chi2.isf(0.0027 / 18, 2)


def test_with_unequal_sizes_the_unit_kept_out_most_is_told():
    table = skewed(18)
    settings_ = {"strata": (), "balance": "population", "cohorts": {"2027": 4, "never": 14}}
    rollout = draw(table, **settings_)
    facts = {finding.code: dict(finding.facts) for finding in rollout.findings}["rollout.unequal_chances"]
    largest = str(table.loc[table["population"].idxmax(), "nis"])
    assert facts == {"unit": largest, "start": "2027", "chance": 0, "wanted": 22}
    assert rollout.info["equal_chances"] == 0
    assert (rollout.redraw(500, seed=1).loc[largest] == "never").all()
    # without balancing nobody is kept out, and nothing is told
    plain = draw(table, **{**settings_, "balance": ()})
    assert plain.info["equal_chances"] == 1
    assert "rollout.unequal_chances" not in [finding.code for finding in plain.findings]


def test_chances_give_the_weights_that_mend_unequal_sizes():
    table = skewed(18, sigma=0.5)
    rollout = draw(table, strata=(), balance="population", cohorts={"2027": 4, "never": 14}, accept=0.5)
    draws = 20_000
    chance = rollout.chances(draws, seed=5)["2027"]
    error = math.sqrt(4 / 18 * 14 / 18 / draws)
    assert chance.mean() == pytest.approx(4 / 18)
    largest = str(table.loc[table["population"].idxmax(), "nis"])
    assert 0.01 < chance[largest] < 4 / 18 - 3 * error
    outcome = pd.Series(table["population"].to_numpy(), index=chance.index)
    treated = rollout.redraw(draws, seed=8) == "2027"
    plain = treated.mul(outcome, axis=0).sum() / 4
    weighted = treated.mul(outcome / chance, axis=0).sum() / 18
    assert plain.mean() < outcome.mean() - 3 * plain.std() / math.sqrt(draws)
    # of the redraws, and of the chances that were estimated
    of_chances = math.sqrt((outcome**2 * (1 - chance) / chance).sum() / draws) / 18
    assert abs(weighted.mean() - outcome.mean()) < 3 * math.hypot(weighted.std() / math.sqrt(draws), of_chances)


def test_the_difference_in_means_is_unbiased_and_balancing_makes_it_sharper():
    table = towns(60, seed=5)
    rng = np.random.default_rng(6)
    untreated = 0.0004 * table["population"].to_numpy() + table["past"].to_numpy() + rng.normal(size=60)
    effect = 1 + 0.5 * table["past"].to_numpy()
    sizes = {"2027": 30, "never": 30}
    spreads = {}
    for name, balance in (("balanced", ["population", "past"]), ("plain", [])):
        rollout = draw(table, cohorts=sizes, balance=balance)
        treated = (rollout.redraw(3000, seed=3) == "2027").to_numpy()
        estimates = np.where(treated, (untreated + effect)[:, None], -untreated[:, None]).sum(axis=0) / 30
        spreads[name] = estimates.std(ddof=1)
        assert abs(estimates.mean() - effect.mean()) < 3 * spreads[name] / math.sqrt(3000)
    assert spreads["balanced"] < 0.6 * spreads["plain"]


@pytest.mark.slow
def test_p_values_from_redraws_are_valid_and_those_that_ignore_balancing_are_not():
    table = towns(24, seed=9)
    rng = np.random.default_rng(10)
    worlds, draws = 400, 39
    p_values, naive = np.empty(worlds), np.empty(worlds)
    for world in range(worlds):
        outcome = stats.zscore(table["population"].to_numpy()) + table["past"].to_numpy() / 2 + rng.normal(size=24) / 2
        rollout = draw(table, seed=world, cohorts={"2027": 12, "never": 12}, candidates=200, accept=0.2)

        def gap(starts, outcome=outcome):
            treated = starts == "2027"
            return np.abs(outcome @ (treated / 12 - ~treated / 12))

        observed = gap(rollout.allocation.to_numpy())
        again = gap(rollout.redraw(draws, seed=world).to_numpy())
        shuffled = [gap(rng.permutation(rollout.allocation.to_numpy())) for _ in range(draws)]
        # equal up to rounding counts as at least as large: mirrored allocations have the same gap
        p_values[world] = (1 + (again >= observed - 1e-9).sum()) / (1 + draws)
        naive[world] = (1 + (np.array(shuffled) >= observed - 1e-9).sum()) / (1 + draws)
    for level in (0.05, 0.2, 0.5):
        error = math.sqrt(level * (1 - level) / worlds)
        assert abs((p_values <= level).mean() - level) < 3 * error
    assert (naive <= 0.2).mean() < 0.2 - 3 * math.sqrt(0.2 * 0.8 / worlds)


# --- what may not matter ---------------------------------------------------------------------------------------


def test_order_of_rows_columns_and_starts_changes_nothing():
    table = towns()
    wanted = draw(table).allocation
    shuffled = table.sample(frac=1, random_state=3)[["past", "region", "population", "nis"]]
    turned = dict(reversed(THREE.items()))
    other = draw(shuffled, cohorts=turned, balance=["past", "population"])
    pd.testing.assert_series_equal(other.allocation, wanted)
    assert other.units.digest == draw(table).units.digest


def test_names_and_scales_change_nothing_in_who_gets_what():
    table = towns()
    wanted = draw(table).allocation
    renamed = table.assign(
        region=table["region"].map({"north": "z", "south": "m", "east": "a"}),
        population=table["population"] / 1000,
        past=5 - 2 * table["past"],
    )
    assert draw(renamed).allocation.tolist() == wanted.tolist()
    later = draw(table, cohorts={"2030": 10, "2031-Q3": 10, "waiting": 10}).allocation
    names = {"2030": "2027-01", "2031-Q3": "2027-07", "waiting": "never"}
    assert later.map(names).tolist() == wanted.tolist()
    # codes that keep their order
    assert draw(table.assign(nis=table["nis"] + 5000)).allocation.tolist() == wanted.tolist()


def test_the_seed_decides():
    assert draw().allocation.equals(draw().allocation)
    different = {tuple(draw(seed=seed).allocation) for seed in range(20)}
    assert len(different) == 20
    assert draw().redraw(3, seed=7).iloc[:, :2].equals(draw().redraw(2, seed=7))
    assert not draw().redraw(1, seed=7)[0].equals(draw().allocation)


def test_a_file_gives_the_same_draw_as_a_table(tmp_path):
    table = towns()
    table.loc[3, "past"] = np.nan
    table.to_csv(tmp_path / "units.csv", index=False)
    table.to_csv(tmp_path / "comma.csv", index=False, sep=";", decimal=",")
    wanted = draw(table)
    for name, mark in (("units.csv", "."), ("comma.csv", ",")):
        read = draw(tmp_path / name, decimal=mark)
        assert read.allocation.equals(wanted.allocation)
        assert read.units.digest == wanted.units.digest


# --- clusters, missing values, faults --------------------------------------------------------------------------


def test_units_of_a_cluster_start_together_and_sizes_count_clusters():
    table = towns(30).assign(cell=[f"cell {i // 3}" if i < 24 else None for i in range(30)], region="north")
    rollout = draw(table, cluster="cell", cohorts={"2027": 7, "never": 7})
    starts = rollout.allocation.set_axis(table.index)
    assert (starts[:24].groupby(table["cell"][:24]).nunique() == 1).all()
    assert np.bincount(rollout.arms).tolist() == [7, 7]
    assert rollout.units.names == ("population", "past", "cluster.units")
    renamed = table.assign(cell=table["cell"].map({f"cell {i}": f"x{9 - i}" for i in range(8)}))
    again = draw(renamed, cluster="cell", cohorts={"2027": 7, "never": 7})
    assert again.allocation.equals(rollout.allocation)
    # a unit that stands alone is not the cluster of that name
    alone = towns(4).assign(cell=["11004", "11004", "x", None], region="r")
    assert len(draw(alone, cluster="cell", cohorts={"2027": 1, "never": 2}, balance=[]).arms) == 3


def test_a_cluster_across_strata_is_a_fault():
    table = towns(6).assign(cell=["a", "a", "b", "b", "c", "c"], region=["n", "s", "n", "n", "s", "s"])
    with pytest.raises(FaultsError, match='cluster "a" has units in several strata'):
        draw(table, cluster="cell", cohorts={"2027": 1, "never": 2}, balance=[])


def test_missing_values_take_the_median_and_are_balanced_and_told():
    table = towns()
    table.loc[[2, 8, 9], "past"] = np.nan
    rollout = draw(table)
    column = dict(zip(rollout.units.names, rollout.units.values.T, strict=True))
    assert column["past"][[2, 8, 9]].tolist() == [table["past"].median()] * 3
    assert np.flatnonzero(column["past.missing"]).tolist() == [2, 8, 9]
    told = [finding for finding in rollout.findings if finding.code == "rollout.missing_balance"]
    assert [dict(finding.facts) for finding in told] == [{"n": 3, "column": "past"}]


def test_small_strata_and_few_admissible_allocations_are_told():
    table = towns(6).assign(region=list("aaaabc"))
    rollout = draw(table, cohorts={"2027": 2, "2028": 2, "never": 2}, balance="population")
    facts = {finding.code: dict(finding.facts) for finding in rollout.findings}
    assert facts["rollout.small_stratum"] == {"n": 2, "starts": 3}
    assert facts["rollout.few_allocations"]["n"] == rollout.info["different"] < 40
    clean = draw(towns(60).assign(region="a"), cohorts={"2027": 30, "never": 30})
    assert clean.findings == ()


def test_all_faults_at_once():
    table = towns(6).astype({"past": object})
    table.loc[1, "nis"] = 11001
    table.loc[2, "past"] = "many"
    table.loc[4, "region"] = None
    with pytest.raises(FaultsError) as caught:
        draw(table.assign(flat=1.0), cohorts={"2027-01": 3, "2027": 2, "nevr": 2}, seed=-1, accept=2, action=" ",
             balance=["population", "past", "flat"])  # fmt: skip
    text = str(caught.value)
    for part in (
        '"2027-01" and "2027" begin on the same day',
        'Did you mean "never"?',
        "seed -1",
        "accept 2",
        "action is empty",
        'unit "11001" stands 2 times',
        'column "region" is empty for unit 11005',
        "the starts have 7 places for 5 units: 2 too many",
        'column "past" is not a number for unit 11003',
        'column "flat" has the same value everywhere',
    ):
        assert part in text, part
    assert len(caught.value.faults) == 10


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"unit": "nsi"}, 'no column "nsi". Did you mean "nis"?'),
        ({"balance": "populaton", "strata": "regoin"}, 'no column "regoin". Did you mean "region"?'),
        ({"cohorts": {"2027": 30}}, "at least two starts"),
        ({"cohorts": {"2027": 0, "never": 30}}, '"2027": 0 is not a number of units'),
        ({"cohorts": {"2027-13-01": 15, "never": 15}}, "2027-13-01"),
        ({"cohorts": {"2027": 14, "never": 15}}, "29 places for 30 units: 1 too few"),
        ({"balance": "nothing"}, 'column "nothing" has no value at all'),
        ({"balance": "endless"}, 'column "endless" holds an infinite number'),
        ({"candidates": 0}, "candidates 0"),
    ],
)
def test_each_fault_names_place_and_remedy(changed, sentence):
    table = towns().assign(nothing=np.nan, endless=[math.inf, *range(29)])
    with pytest.raises(FaultsError) as caught:
        draw(table, **changed)
    assert sentence in str(caught.value)


def test_too_many_columns_and_dangerous_codes_are_faults():
    rng = np.random.default_rng(1)
    table = towns(4).assign(a=rng.random(4), b=rng.random(4), c=rng.random(4))
    with pytest.raises(FaultsError, match="3 balance columns are too many for 4"):
        draw(table, balance=["a", "b", "c"], cohorts={"2027": 2, "never": 2})
    with pytest.raises(FaultsError, match='column "a" stands more than once'):
        draw(pd.concat([table, table[["a"]]], axis=1), balance=["a"], cohorts={"2027": 2, "never": 2})
    with pytest.raises(FaultsError, match="read as a formula"):
        draw(table.assign(nis=["=1", "b", "c", "d"]), balance=[], cohorts={"2027": 2, "never": 2})


def test_sizes_from_the_command_line():
    assert parse_sizes(["2027-01 = 10", "never=3"]) == {"2027-01": 10, "never": 3}
    with pytest.raises(FaultsError) as caught:
        parse_sizes(["2027", "=4", "never=x", "2028=1", "2028=2"])
    assert len(caught.value.faults) == 4


# --- files and audit -------------------------------------------------------------------------------------------


def test_the_roster_reads_back_and_days_are_first_days(tmp_path):
    sizes = {"2027-Q2": 10, "2028-01-15": 8, "never": 6, "waiting": 6}
    rollout = draw(cohorts=sizes)
    read = read_roster(write_rollout(rollout, tmp_path)[0])
    pd.testing.assert_frame_equal(read.reset_index(drop=True), rollout.roster, check_dtype=False)
    days = read.groupby(rollout.allocation.to_numpy())["start"].agg(lambda starts: set(starts.dt.date.dropna()))
    assert days.to_dict() == {
        "2027-Q2": {dt.date(2027, 4, 1)},
        "2028-01-15": {dt.date(2028, 1, 15)},
        "never": set(),
        "waiting": set(),
    }
    assert rollout.allocation.value_counts().to_dict() == sizes
    assert (read["state"] == "never").sum() == 12


def test_the_record_is_complete_without_a_clock_and_is_never_overwritten(tmp_path):
    rollout = draw()
    paths = write_rollout(rollout, tmp_path / "a")
    record = json.loads(paths[2].read_text(encoding="utf-8"))
    assert record["seed"] == 7
    assert record["input_sha256"] == rollout.units.digest
    assert record["method"]["accepted_share"] == 0.1
    assert {row["unit"]: row["start"] for row in record["allocation"]} == rollout.allocation.to_dict()
    again = write_rollout(draw(), tmp_path / "b")
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in paths]
    write_rollout(draw(), tmp_path / "a")
    with pytest.raises(EvaltoolkitError, match="not overwritten"):
        write_rollout(draw(seed=8), tmp_path / "a")


def codes(findings):
    return [(finding.code, finding.where.unit) for finding in findings]


def test_an_untouched_draw_is_verified_from_any_order_of_rows(tmp_path):
    write_rollout(draw(cluster=None), tmp_path)
    assert verify_rollout(tmp_path, towns().iloc[::-1]) == ()


def test_whoever_moves_a_unit_is_found(tmp_path):
    rollout = draw()
    roster, _, record = write_rollout(rollout, tmp_path)
    allocation = rollout.allocation
    never, early = allocation.index[allocation == "never"][0], allocation.index[allocation == "2027-01"][0]
    text = roster.read_text(encoding="utf-8")
    moved = text.replace(f"{never},coaching,,", f"{never},coaching,2027-01-01,")
    lines = [line[: -len("never")] + "treated" if line.startswith(f"{never},") else line for line in moved.splitlines()]
    roster.write_text("\n".join(line for line in lines if not line.startswith(f"{early},")) + "\n", encoding="utf-8")
    found = verify_rollout(tmp_path, towns())
    assert sorted(codes(found)) == sorted([("rollout.unit_differs", never), ("rollout.unit_differs", early)])
    assert {f.where.unit: f.facts["listed"] for f in found} == {never: "2027-01", early: "@rollout.label.nowhere"}
    roster.write_text(text, encoding="utf-8")
    data = json.loads(record.read_text(encoding="utf-8"))
    data["allocation"][4]["start"] = "2027-07" if data["allocation"][4]["start"] != "2027-07" else "never"
    record.write_text(json.dumps(data), encoding="utf-8")
    assert codes(verify_rollout(tmp_path, towns())) == [("rollout.unit_differs", data["allocation"][4]["unit"])]


def test_a_changed_table_or_version_is_told(tmp_path):
    record = write_rollout(draw(), tmp_path)[2]
    table = towns()
    table.loc[0, "past"] += 1
    assert ("rollout.input_changed", "") in codes(verify_rollout(tmp_path, table))
    data = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**data, "version": "9"}), encoding="utf-8")
    assert codes(verify_rollout(tmp_path, towns())) == [("rollout.other_version", "")]


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "evaltoolkit/rollout/1"}', '{"schema": "other"}'])
def test_a_record_that_is_none_is_said_plainly(tmp_path, text):
    with pytest.raises(EvaltoolkitError, match=r"There is no \"rollout.json\""):
        verify_rollout(tmp_path, towns())
    (tmp_path / "rollout.json").write_text(text, encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match="not the complete record"):
        verify_rollout(tmp_path, towns())


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = towns(8).assign(region=list("aaaaaabc"))
    table.loc[1, "past"] = np.nan
    table.to_csv("units.csv", index=False)
    return tmp_path


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    said = capsys.readouterr()
    return stopped.value.code, " ".join((said.out + said.err).split())


DRAW = [
    *("plan", "draw", "units.csv", "out", "--unit", "nis", "--action", "coaching", "--seed", "4"),
    *("--stratum", "region", "--balance", "past", "--start", "2027-01=3"),
]


def test_the_commands_draw_and_verify(desk, capsys):
    assert command(capsys, *DRAW, "--start", "never=5")[0] == 0
    assert len(read_roster("out/roster.csv")) == 8
    code, said = command(capsys, "plan", "verify-draw", "out", "units.csv")
    assert (code, said[:13]) == (0, "0 differences")
    roster = (desk / "out" / "roster.csv").read_text(encoding="utf-8")
    (desk / "out" / "roster.csv").write_text(roster.replace("11002,", "11009,"), encoding="utf-8")
    code, said = command(capsys, "plan", "verify-draw", "out", "units.csv")
    assert code == 1
    assert "11002" in said
    assert "11009" in said
    code, said = command(capsys, *DRAW, "--start", "never=6")
    assert code == 2
    assert "9 places for 8 units" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_sentence(desk, language):
    rollout = draw("units.csv", cohorts={"2027": 3, "never": 5}, balance="past")
    write_rollout(rollout, "out")
    record = json.loads((desk / "out" / "rollout.json").read_text(encoding="utf-8"))
    record["allocation"][0]["start"] = "waiting"
    (desk / "out" / "rollout.json").write_text(json.dumps({**record, "numpy": "1", "input_sha256": ""}))
    found = [*rollout.findings, *verify_rollout("out", "units.csv")]
    assert len({finding.code for finding in found}) == 7
    for finding in found:
        what, remedy = say_finding(finding, language)
        assert what
        assert remedy
        assert "rollout." not in what + remedy
        assert "{" not in what + remedy
