"""The register: counts, closure, and the one real check of the crosswalk."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError
from evaltoolkit.territory import mergers, neighbours
from evaltoolkit.territory.municipalities import load_municipalities, municipality_codes

COUNTS = {2018: (589, 308, 262), 2019: (581, 300, 262), 2025: (565, 285, 261)}


@pytest.mark.parametrize(("vintage", "counts"), COUNTS.items())
def test_counts_per_vintage_and_region(vintage, counts):
    codes = municipality_codes(vintage)
    region = load_municipalities().loc[list(codes), "region_code"]
    assert (len(codes), (region == "02000").sum(), (region == "03000").sum()) == counts
    assert (region == "04000").sum() == 19
    assert list(codes) == sorted(codes)


def test_register_holds_text_codes_and_numbers():
    register = load_municipalities()
    assert len(register) == 620
    assert set(register.index.str.len()) == {5}
    assert register["lon"].between(2, 7).all()
    assert register["in_2025"].sum() == 565
    assert register[["name_nl", "name_fr", "region_code", "languages"]].ne("").all().all()


def test_load_returns_a_copy():
    mine = load_municipalities()
    mine.loc["11002", "name_nl"] = "X"
    assert load_municipalities().loc["11002", "name_nl"] == "Antwerpen"


def test_unknown_vintage_is_refused():
    with pytest.raises(EvaltoolkitError, match="choose one of 2018, 2019, 2025"):
        municipality_codes(2020)


@pytest.mark.parametrize(("start", "end"), [(2018, 2019), (2019, 2025), (2018, 2025), (2019, 2019)])
def test_crosswalk_is_total_and_closes(start, end):
    forward = mergers.crosswalk(start, end)
    assert tuple(forward.index) == municipality_codes(start)
    assert tuple(sorted(set(forward))) == municipality_codes(end)


def test_crosswalk_composes():
    direct = mergers.crosswalk(2018, 2025)
    composed = mergers.crosswalk(2018, 2019).map(mergers.crosswalk(2019, 2025))
    pd.testing.assert_series_equal(direct, composed, check_names=False)


def test_backward_is_refused():
    with pytest.raises(RefusedError, match="forward to 2025"):
        mergers.crosswalk(2025, 2019)


def test_convert_codes_keeps_order_and_names_strangers():
    assert list(mergers.convert_codes(["44083", "11007", "11002"], 2019, 2025)) == ["44083", "11002", "11002"]
    with pytest.raises(FaultsError) as caught:
        mergers.convert_codes(["44011", "99999", "11002"], 2019, 2025)
    assert len(caught.value.faults) == 2
    assert "44011" in str(caught.value)
    assert "99999" in str(caught.value)


def test_antwerp_is_a_merger_in_2025():
    assert mergers.nature("11002", 2019, 2025) == "merger"
    assert mergers.nature("11002", 2018, 2019) == "unchanged"
    assert mergers.predecessors("11002", 2019, 2025) == ("11002", "11007")


def test_natures_count():
    first = mergers.natures(2018, 2019).value_counts()
    assert (first["recode"], first["merger"]) == (11, 7)
    second = mergers.natures(2019, 2025).value_counts()
    assert second["merger"] == 14
    assert "recode" not in second.index


def test_zwijndrecht_changes_province():
    rows = mergers.load_mergers().set_index("code_old")
    assert rows.loc["11056", "moves_to_other"] == "province"
    assert rows.loc["11056", "code_new"] == "46030"


def test_bastogne_came_a_month_early():
    dates = mergers.merger_dates()
    assert dates["82039"] == dt.date(2024, 12, 2)
    assert dates["37022"] == dt.date(2025, 1, 1)
    assert "11001" not in dates
    assert len(dates) == 7 + 14


def test_no_code_outlives_its_successor():
    register = load_municipalities()
    rows = mergers.load_mergers()
    # 11002 is the one new municipality that bears an old code
    changed = rows[rows["code_new"] != "11002"]
    last = pd.to_datetime(register.loc[changed["code_old"], "valid_to"]).to_numpy()
    first = pd.to_datetime(register.loc[changed["code_new"], "valid_from"]).to_numpy()
    assert (first - last == np.timedelta64(1, "D")).all()


@pytest.mark.parametrize(("vintage", "pairs"), [(2018, 1656), (2019, 1632), (2025, 1584)])
def test_neighbour_pairs(vintage, pairs):
    every = neighbours.neighbours(vintage, minimum_border_m=0)
    assert len(every) == pairs
    assert (every["code_a"] < every["code_b"]).all()
    assert not every.duplicated(["code_a", "code_b"]).any()
    assert set(every["code_a"]) | set(every["code_b"]) == set(municipality_codes(vintage))


def test_neighbour_lists_are_symmetric_without_self():
    lists = neighbours.neighbour_lists(2025)
    assert set(lists) == set(municipality_codes(2025))
    assert all(code in lists[other] for code, others in lists.items() for other in others)
    assert all(code not in others for code, others in lists.items())
    assert "11001" in lists["11002"]


def test_corner_contacts_do_not_count():
    assert len(neighbours.neighbours(2025)) == (neighbours.neighbours(2025, 0)["shared_border_m"] >= 100).sum()
    assert len(neighbours.neighbours(2025)) < 1584


@pytest.mark.shared
def test_population_of_2019_summed_forward_is_exact(shared):
    population = pd.read_csv(shared / "real" / "population.csv", dtype={"code": str})
    of_2019 = population[population["year"] == 2019]
    old = of_2019[of_2019["vintage"] == 2018].set_index("code")["population"]
    new = of_2019[of_2019["vintage"] == 2019].set_index("code")["population"]
    summed = old.groupby(mergers.convert_codes(old.index, 2018, 2019).to_numpy()).sum()
    assert len(old) == 589
    assert len(new) == 581
    assert (summed == new.reindex(summed.index)).sum() == 581


@pytest.mark.shared
def test_crosswalk_equals_the_published_map(shared):
    published = pd.read_csv(shared / "real" / "crosswalk_2018_2019_2025.csv", dtype=str).set_index("code_2018")
    assert (mergers.crosswalk(2018, 2019) == published["code_2019"]).all()
    assert (mergers.crosswalk(2018, 2025) == published["code_2025"]).all()
