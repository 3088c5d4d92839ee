import datetime

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.roster import parse_roster
from evaltoolkit.designs.subset import drop_values, keep_units
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.panels.read import read_panel

FIRST = {"a": "2022", "b": "never", "c": None, "d": "2020", "e": "2023", "f": "never"}


@pytest.fixture
def panel(make_panel):
    made = make_panel(
        list(FIRST), first=list(FIRST.values()), density=[1.0, 2.0, 3.0, 4.0, 5.0, np.nan], zone=[*list("xxyyz"), ""]
    )
    made.data["Y.se"] = 0.5
    return made


def test_units_that_cannot_be_used_are_left_out_with_a_reason(panel):
    design = make_design(panel, "Y", treated_from="first", covariates=["density"])
    assert list(design.units) == ["a", "b", "e"]
    assert list(design.cohort) == [2022, np.inf, 2023]
    assert dict(zip(design.excluded["unit"], design.excluded["reason"], strict=True)) == {
        "c": "excluded.unknown_treatment",
        "d": "excluded.always_treated",
        "f": "excluded.missing_covariate",
    }
    assert design.covariates.tolist() == [[1.0], [2.0], [5.0]]
    assert design.sampling_se.tolist() == [[0.5] * 4] * 3
    assert {name: design.info[name] for name in ("n_treated", "n_never", "n_later", "n_excluded", "rule")} == {
        "n_treated": 2,
        "n_never": 1,
        "n_later": 0,
        "n_excluded": 3,
        "rule": "containing",
    }


def test_a_unit_without_any_outcome_is_left_out_and_its_arm_remembered(panel):
    panel.data.loc["b", "Y"] = np.nan
    design = make_design(panel, "Y", treated_from="first")
    row = design.excluded.set_index("unit").loc["b"]
    assert row["reason"] == "excluded.no_outcome"
    assert row["cohort"] == np.inf


def test_outcome_rows_follow_the_units(panel):
    design = make_design(panel, "Y", treated_from="first")
    assert design.outcome[list(design.units).index("e")].tolist() == [40, 41, 42, 43]
    assert design.times.tolist() == [2020, 2021, 2022, 2023]


def test_clusters_and_weights(panel):
    panel.units["people"] = [10.0, 30.0, 1.0, 1.0, 20.0, 20.0]
    design = make_design(panel, "Y", treated_from="first", cluster="zone", weights="people")
    # a unit without a zone stands alone
    assert list(design.clusters) == ["x", "x", "z", "f"]
    assert design.weights.mean() == pytest.approx(1)
    assert design.weights[1] / design.weights[0] == pytest.approx(3)
    membership = pd.DataFrame({"livc_r": ["L1", "L1", "L2"], "municipality": ["a", "b", "e"]})
    by_cell = make_design(panel, "Y", treated_from="first", cluster="livc_r", membership=membership)
    assert list(by_cell.clusters) == ["L1", "L1", "L2", "f"]


def test_a_measure_as_covariate_is_its_first_value(panel):
    design = make_design(panel, "Y", treated_from="first", covariates=["Y"])
    assert design.covariates[:, 0].tolist() == [0, 10, 40, 50]


@pytest.mark.parametrize(
    ("value", "cohort"),
    [
        (2022, 2022),
        (2022.0, 2022),
        ("2022", 2022),
        (2024, 2024),
        ("Never", np.inf),
        (np.inf, np.inf),
        (pd.Timestamp(2022, 3, 15), 2022),
        (datetime.date(2022, 3, 15), 2022),
        ("2022-03-15", 2022),
        (pd.Period("2022-03", "M"), 2022),
    ],
)
def test_labels_numbers_and_the_word_for_never(panel, value, cohort):
    treated_from = pd.Series({"a": value, "b": "never", "e": "2023"}, dtype=object)
    design = make_design(panel, "Y", treated_from=treated_from)
    assert design.cohort[0] == cohort
    assert list(design.excluded["reason"]) == ["excluded.unknown_treatment"] * 3


def test_another_word_for_never(panel):
    treated_from = pd.Series({"a": 2022, "b": 0, "e": 0})
    design = make_design(panel, "Y", treated_from=treated_from, never="0")
    assert list(design.cohort) == [2022, np.inf, np.inf]


@pytest.mark.parametrize("kind", ["Int64", "int64[pyarrow]"])
def test_nullable_starts_are_unknown_where_missing(panel, kind):
    treated_from = pd.Series({"a": 2022, "b": 0, "e": None}, dtype=kind)
    design = make_design(panel, "Y", treated_from=treated_from, never=0)
    assert list(design.cohort) == [2022, np.inf]
    assert "e" in design.excluded["unit"].tolist()


def test_starts_of_numbered_periods_may_lie_beyond_and_between_them():
    table = pd.DataFrame({"unit": np.repeat(list("abcd"), 3), "t": [1, 2, 4] * 4, "Y": np.arange(12.0)})
    panel = read_panel(table, unit="unit", period="t")
    design = make_design(panel, "Y", treated_from=pd.Series({"a": 2, "b": 3, "c": 9, "d": np.inf}))
    assert list(design.cohort) == [2, 4, 9, np.inf]
    with pytest.raises(EvaltoolkitError, match='pass never="0"'):
        make_design(panel, "Y", treated_from=pd.Series({"a": 2, "b": 0}))


def test_an_infinite_outcome_is_refused(panel):
    panel.data.loc[("b", "2021"), "Y"] = np.inf
    with pytest.raises(EvaltoolkitError, match='"Y" is infinite for b: leave it empty'):
        make_design(panel, "Y", treated_from="first")


def test_one_covariate_needs_no_brackets(panel):
    assert make_design(panel, "Y", treated_from="first", covariates="density").covariate_names == ("density",)


def test_a_roster_gives_the_same_design_as_labels(panel):
    roster = parse_roster(
        pd.DataFrame(
            [
                ("a", "x", "2022-04-01", ""),
                ("b", "x", "", "never"),
                ("d", "x", "2019-01-01", ""),
                ("e", "x", "2023-01-01", ""),
                ("f", "x", "", "never"),
            ],
            columns=["unit", "action", "start", "state"],
        )
    )
    one = make_design(panel, "Y", treated_from=roster)
    two = make_design(panel, "Y", treated_from="first")
    np.testing.assert_array_equal(one.cohort, two.cohort)
    np.testing.assert_array_equal(one.units, two.units)
    assert one.info["action"] == "x"
    assert make_design(panel, "Y", treated_from=roster, rule="first_full").cohort[0] == 2023


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcome": "y"}, 'no measure "y".*Did you mean "Y"'),
        ({"treated_from": "frist"}, 'no column "frist".*Did you mean "first"'),
        ({"treated_from": "Y"}, "changes within a unit"),
        ({"comparison": "never_treatd"}, 'Did you mean "never_treated"'),
        ({"rule": "first-full"}, 'Did you mean "first_full"'),
        ({"covariates": ["densty"]}, 'Did you mean "density"'),
        ({"covariates": ["zone"]}, "is not a number"),
        ({"cluster": "zon"}, 'Did you mean "zone"'),
        ({"cluster": "livc_r"}, "membership file"),
        ({"anticipation": -1}, "anticipation counts periods"),
        ({"anticipation": 0.5}, "anticipation counts periods"),
        ({"treated_from": {"a": 2022}}, "this is a dict"),
        ({"treated_from": pd.DataFrame({"unit": ["a"]})}, "without the columns action, start, state"),
        ({"treated_from": pd.Series({"zz": 2022})}, "No unit of treated_from"),
        ({"treated_from": pd.Series({"a": "soon"})}, 'Period "soon" is not.*Never treated is written "never"'),
        ({"treated_from": pd.Series([2022, 2023], index=["a", "a"])}, "a unit twice"),
    ],
)
def test_bad_input_gets_a_clear_answer(panel, change, message):
    options = {"outcome": "Y", "treated_from": "first", **change}
    with pytest.raises(EvaltoolkitError, match=message):
        make_design(panel, options.pop("outcome"), **options)


def test_negative_weights_are_refused(panel):
    panel.units["people"] = -1.0
    with pytest.raises(EvaltoolkitError, match="positive"):
        make_design(panel, "Y", treated_from="first", weights="people")


def test_nothing_left_is_refused(panel):
    with pytest.raises(RefusedError, match="6 unknown_treatment"):
        make_design(panel, "Y", treated_from=pd.Series({"a": None, "b": np.nan}, dtype=object))


def test_subsets_leave_the_design_alone(panel):
    design = make_design(panel, "Y", treated_from="first")
    before = design.outcome.copy()
    fewer = keep_units(design, design.cohort != 2022)
    assert list(fewer.units) == ["b", "e", "f"]
    assert fewer.weights.mean() == pytest.approx(1)
    holes = drop_values(design, design.outcome == design.outcome[0, 0])
    assert np.isnan(holes.outcome).sum() == 1
    np.testing.assert_array_equal(design.outcome, before)


@pytest.mark.parametrize(
    ("labels", "clock"),
    [
        (("2020", "2021", "2022"), "time"),
        (("2020-Q1", "2020-Q2", "2020-Q3"), "time"),
        (("2018-03-01/2018-05-31", "2020-03-01/2020-05-31", "2023-03-01/2023-05-31"), "periods"),
    ],
)
def test_event_time_counts_in_waves_where_waves_are_uneven(make_panel, labels, clock):
    panel = make_panel(["a", "b"], labels=labels)
    treated_from = pd.Series({"a": labels[-1], "b": "never"})
    assert make_design(panel, "Y", treated_from=treated_from).info["event_clock"] == clock


def test_exposure_holds_on_until_its_next_value():
    frame = pd.DataFrame(
        {
            "unit": np.repeat(["a", "b", "c"], 4),
            "year": np.tile([2020, 2021, 2022, 2023], 3),
            "events": np.arange(12.0),
            "people": np.repeat([100.0, 200.0, 300.0], 4),
            "first": np.repeat(["2022", "never", "never"], 4),
        }
    )
    frame.loc[frame["year"].isin([2021, 2023]), "people"] = np.nan
    frame.loc[frame["year"] == 2022, "people"] += 10
    panel = read_panel(frame, unit="unit", period="year")
    design = make_design(panel, "events", treated_from="first", exposure="people")
    np.testing.assert_array_equal(design.exposure[0], [100, 100, 110, 110])
    frame["people"] = frame["people"].where(frame["unit"] != "b", 0)
    with pytest.raises(EvaltoolkitError, match="above zero wherever the outcome is known; it is not for b"):
        make_design(read_panel(frame, unit="unit", period="year"), "events", treated_from="first", exposure="people")
