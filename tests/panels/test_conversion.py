"""Forward conversion of municipality values by kind."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.findings import FaultsError, RefusedError
from evaltoolkit.framework.values import value_table
from evaltoolkit.panels.build import build_panel
from evaltoolkit.territory.mergers import base_codes, crosswalk

# Tielt (37022, 2025) was Meulebeke (37007) and Tielt (37015)
NEW = "37022"


def municipal(values, framework, **options):
    return build_panel(values, framework, unit="municipality", **options)


def codes_of(panel):
    return [finding.code for finding in panel.findings]


def test_counts_are_summed_to_the_newest_vintage(framework, rows):
    panel = municipal(
        rows(
            ("37007", "2024", "DET-01", "value", 3),
            ("37015", "2024", "DET-01", "value", 4, {"status": "reconstructed"}),
            (NEW, "2025", "DET-01", "value", 9),
        ),
        framework,
    )
    assert panel.vintage == 2025
    assert panel.unit_codes == [NEW]
    assert panel.wide("DET-01").tolist() == [[7.0, 9.0]]
    assert list(panel.data["DET-01.status"]) == ["reconstructed", "registered"]
    assert panel.units.loc[NEW].to_dict() == {"name": "Tielt", "members": NEW, "n_members": 1.0, "merged": True}
    assert list(panel.sources["source"]) == ["csv:abc/row 2", "csv:abc/row 3", "csv:abc/row 4"]
    assert panel.findings == ()


def test_sum_of_parts_is_missing_when_a_part_is(framework, rows):
    panel = municipal(
        rows(
            ("11001", "2024", "GOV-08", "case", 3),
            ("11001", "2024", "GOV-08", "strategic", 4),
            ("11004", "2024", "GOV-08", "case", 3),
            ("11004", "2024", "GOV-08", "strategic", np.nan, {"status": "DK"}),
            ("11005", "2024", "GOV-08", "case", 3),
        ),
        framework,
    )
    np.testing.assert_array_equal(panel.wide("GOV-08")[:, 0], [7, np.nan, np.nan])
    assert list(panel.data["GOV-08.status"]) == ["registered", "DK", ""]


def test_ratio_is_rebuilt_from_its_parts(framework, rows):
    panel = municipal(
        rows(
            ("37007", "2024", "COMP-02", "numerator", 1),
            ("37007", "2024", "COMP-02", "denominator", 2),
            ("37015", "2024", "COMP-02", "numerator", 2),
            ("37015", "2024", "COMP-02", "denominator", 18),
        ),
        framework,
        vintage=2025,
    )
    assert panel.wide("COMP-02")[0, 0] == pytest.approx(3 / 20)
    assert panel.wide("COMP-02.numerator")[0, 0] == 3
    assert panel.wide("COMP-02.n")[0, 0] == 20
    assert not panel.units.loc[NEW, "merged"]


def test_ratio_without_denominator_is_not_applicable(framework, rows):
    panel = municipal(
        rows(("11001", "2024", "COMP-02", "numerator", 0), ("11001", "2024", "COMP-02", "denominator", 0)), framework
    )
    assert np.isnan(panel.wide("COMP-02")[0, 0])
    assert list(panel.data["COMP-02.status"]) == ["NAP"]
    assert codes_of(panel) == ["panel.zero_denominator"]


def survey(rows, *entries):
    parts = []
    for unit, period, share, n in entries:
        parts.append((unit, period, "TRU-01", "value", share))
        parts += [(unit, period, "TRU-01", "n", n)] if n else []
    return rows(*parts)


def test_mean_is_weighted_by_its_own_respondents(framework, rows):
    panel = municipal(survey(rows, ("37007", "2024", 0.5, 100), ("37015", "2024", 0.8, 300)), framework, vintage=2025)
    assert panel.wide("TRU-01")[0, 0] == pytest.approx(0.725)
    assert panel.wide("TRU-01.n")[0, 0] == 400
    assert panel.wide("TRU-01.se")[0, 0] == pytest.approx(np.sqrt(0.725 * 0.275 * 1.5 / 400))


def test_mean_without_respondents_is_missing_never_unweighted(framework, rows):
    panel = municipal(survey(rows, ("37007", "2024", 0.5, 100), ("37015", "2024", 0.8, None)), framework, vintage=2025)
    assert np.isnan(panel.wide("TRU-01")[0, 0])
    assert codes_of(panel) == ["panel.weight_missing"]


def test_recode_needs_no_respondents(framework, rows):
    panel = municipal(survey(rows, ("54007", "2018", 0.5, None)), framework, vintage=2019)
    assert panel.unit_codes == ["57096"]
    assert panel.wide("TRU-01")[0, 0] == 0.5
    assert np.isnan(panel.wide("TRU-01.se")[0, 0])
    assert panel.findings == ()


@pytest.mark.parametrize(("second", "result", "codes"), [(1, 1.0, []), (0, np.nan, ["panel.parts_disagree"])])
def test_yes_no_is_kept_only_where_all_agree(framework, rows, second, result, codes):
    panel = municipal(
        rows(("37007", "2024", "PREV-01", "value", 1), ("37015", "2024", "PREV-01", "value", second)),
        framework,
        vintage=2025,
    )
    np.testing.assert_array_equal(panel.wide("PREV-01"), [[result]])
    assert codes_of(panel) == codes


@pytest.mark.parametrize("absent", [True, False])
def test_missing_predecessor_gives_missing(framework, rows, absent):
    given = [("37007", "2024", "DET-01", "value", 3)]
    if not absent:
        given.append(("37015", "2024", "DET-01", "value", np.nan, {"status": "NR"}))
    panel = municipal(rows(*given), framework, vintage=2025)
    assert np.isnan(panel.wide("DET-01")[0, 0])
    assert list(panel.data["DET-01.status"]) == ["" if absent else "NR"]
    (finding,) = panel.findings
    assert (finding.code, dict(finding.facts)) == ("panel.part_missing", {"missing": 1, "needed": 2})
    assert (finding.where.unit, finding.where.period, finding.where.indicator) == (NEW, "2024", "DET-01")


def test_antwerp_before_2025_needs_borsbeek(framework, rows):
    before = rows(("11002", "2024", "DET-01", "value", 50), ("11007", "2023", "DET-01", "value", 1))
    panel = municipal(before, framework, vintage=2025)
    assert np.isnan(panel.wide("DET-01")).all()
    whole = municipal(rows(("11002", "2025", "DET-01", "value", 50)), framework)
    assert whole.wide("DET-01").tolist() == [[50.0]]


def test_series_already_in_2025_codes_is_left_as_it_is(framework, rows):
    panel = municipal(rows(("11002", "2020", "DET-01", "value", 50), (NEW, "2020", "DET-01", "value", 5)), framework)
    assert panel.vintage == 2025
    assert panel.wide("DET-01").tolist() == [[50.0], [5.0]]


def test_mixed_and_unknown_codes_are_refused_together(framework, rows):
    values = rows(
        ("44011", "2020", "DET-01", "value", 1),
        ("44083", "2020", "DET-01", "value", 1),
        ("99999", "2021", "DET-01", "value", 1),
    )
    with pytest.raises(FaultsError) as caught:
        municipal(values, framework)
    message = str(caught.value)
    assert "DET-01 2020: 44011 Deinze exists in 2018 only" in message
    assert 'DET-01 2021: "99999" is no municipality code' in message
    assert len(caught.value.faults) == 3


def test_backward_is_refused(framework, rows):
    with pytest.raises(RefusedError, match="converted back to 2019"):
        municipal(rows((NEW, "2025", "DET-01", "value", 1)), framework, vintage=2019)


def test_later_form_may_look_back_beyond_the_merger(framework, rows):
    back = {"status": "reconstructed", "source": "xlsx:f00/sheet!C3"}
    values = rows(
        ("37007", "2024", "DET-01", "value", 3),
        ("37015", "2024", "DET-01", "value", 4),
        (NEW, "2024", "DET-01", "value", 8, back),
        (NEW, "2023", "DET-01", "value", 6, back),
    )
    panel = municipal(values, framework)
    assert panel.wide("DET-01").tolist() == [[6.0, 7.0]]
    assert list(panel.data["DET-01.status"]) == ["reconstructed", "registered"]
    assert codes_of(panel) == ["panel.registered_preferred"]
    assert "xlsx:f00/sheet!C3" not in set(panel.sources.loc[panel.sources["period"] == "2024", "source"])


def test_bastogne_in_december_2024(framework, rows):
    values = rows(
        ("82003", "2024-11", "DET-01", "value", 1),
        ("82005", "2024-11", "DET-01", "value", 2),
        ("37015", "2024-11", "DET-01", "value", 1),
        ("37007", "2024-11", "DET-01", "value", 1),
        ("82039", "2024-12", "DET-01", "value", 5),
        ("37015", "2024-12", "DET-01", "value", 1),
        ("37007", "2024-12", "DET-01", "value", 2),
    )
    panel = municipal(values, framework)
    assert panel.unit_codes == [NEW, "82039"]
    assert panel.wide("DET-01").tolist() == [[2.0, 3.0], [3.0, 5.0]]
    assert panel.units["merged"].tolist() == [False, True]


def all_counts(vintage, numbers, period="2018"):
    codes = crosswalk(vintage, vintage).index
    return value_table(
        {
            "unit_kind": "municipality",
            "unit": code,
            "period": period,
            "indicator": "DET-01",
            "part": "value",
            "value": number,
            "text": "",
            "wording": 1,
            "status": "registered",
            "source": f"csv:a/row {i}",
        }
        for i, (code, number) in enumerate(zip(codes, numbers, strict=True))
    )


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), target=st.sampled_from([2018, 2019, 2025]))
def test_totals_are_conserved_and_order_does_not_matter(framework, seed, target):
    rng = np.random.default_rng(seed)
    values = all_counts(2018, rng.poisson(20, 589))
    panel = municipal(values, framework, vintage=target)
    assert len(panel.units) == {2018: 589, 2019: 581, 2025: 565}[target]
    assert panel.wide("DET-01").sum() == values["value"].sum()
    by_hand = values["value"].groupby(base_codes(target).to_numpy()).sum()
    assert (panel.data["DET-01"].to_numpy() == by_hand.to_numpy()).all()
    shuffled = municipal(values.sample(frac=1, random_state=seed % 1000), framework, vintage=target)
    pd.testing.assert_frame_equal(shuffled.data, panel.data)
    pd.testing.assert_frame_equal(shuffled.sources, panel.sources)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_one_missing_predecessor_makes_its_target_missing_only(framework, seed):
    rng = np.random.default_rng(seed)
    values = all_counts(2018, rng.poisson(20, 589))
    lost = int(rng.integers(589))
    panel = municipal(values.drop(index=lost), framework, vintage=2025)
    target = base_codes(2025)[values.loc[lost, "unit"]]
    missing = panel.data["DET-01"].isna()
    alone = (base_codes(2025) == target).sum() == 1
    assert missing.sum() == (0 if alone else 1)
    assert alone or missing[(target, "2018")]
    assert (target in panel.unit_codes) == (not alone)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=3, max_size=3))
def test_weighted_rate_is_rate_of_sums(framework, rows, pairs):
    codes = ("44036", "44072", "44080")
    parts = [
        (code, "2018", "COMP-02", part, number)
        for code, pair in zip(codes, pairs, strict=True)
        for part, number in zip(("numerator", "denominator"), pair, strict=True)
    ]
    panel = municipal(rows(*parts), framework, vintage=2019)
    total = np.sum(pairs, axis=0)
    assert panel.unit_codes == ["44085"]
    assert panel.wide("COMP-02")[0, 0] == pytest.approx(total[0] / total[1])


@pytest.mark.shared
def test_population_of_2019_through_the_panel(framework, shared):
    population = pd.read_csv(shared / "real" / "population.csv", dtype={"code": str})
    of_2019 = population[population["year"] == 2019].sort_values("code")
    old, new = (of_2019[of_2019["vintage"] == v].set_index("code")["population"] for v in (2018, 2019))
    panel = municipal(all_counts(2018, old.to_numpy(), "2019"), framework, vintage=2019)
    assert (panel.data["DET-01"].droplevel("period") == new).sum() == 581
