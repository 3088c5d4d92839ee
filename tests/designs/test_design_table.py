import re

import numpy as np
import pandas as pd
import pytest
from design_tables import FIRST, NAMES, make_table

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.table import design_from_table
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError
from evaltoolkit.panels.read import read_panel


def test_it_is_the_design_that_the_panel_gives():
    table = make_table()
    short = design_from_table(table, "y", **FIRST, covariates=["x"], weights="people", cluster="zone")
    labels = table.drop_duplicates("unit").set_index(table["unit"].drop_duplicates().astype(str))["first"]
    long = make_design(
        read_panel(table, unit="unit", period="year"),
        "y",
        treated_from=labels.replace(0, np.inf),
        covariates=["x"],
        weights="people",
        cluster="zone",
    )
    for name in ("units", "times", "outcome", "cohort", "covariates", "weights", "clusters"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name), err_msg=name)
    assert short.info["n_treated"] == long.info["n_treated"] == 40
    np.testing.assert_array_equal(estimate(short).estimate, estimate(long).estimate)


def test_neither_order_nor_labels_matter():
    table = make_table()
    first = design_from_table(table, "y", **FIRST)
    mixed = design_from_table(table.sample(frac=1, random_state=1), "y", **FIRST)
    np.testing.assert_array_equal(mixed.outcome, first.outcome)
    named = table.assign(
        unit="u" + table["unit"].astype(str),
        year=table["year"].astype(str),
        first=table["first"].astype(str).replace("0", "never"),
    )
    texts = design_from_table(named, "y", unit="unit", period="year", treated_from="first")
    np.testing.assert_array_equal(texts.outcome, first.outcome)
    np.testing.assert_array_equal(texts.cohort, first.cohort)


@pytest.mark.parametrize(
    "options", [{"respondents": "answers"}, {"respondents": "answers", "design_effect": 2.0}, {"outcome_se": "error"}]
)
def test_survey_numbers_mean_what_they_mean_in_a_panel(options):
    table = make_table().assign(error=lambda t: 0.03 + 0.001 * (t.index % 7), answers=lambda t: t["people"] // 9)
    # 0 and 1 are among the shares, where the simple formula knows of no error
    table["y"] = (table["y"] - table["y"].min()) / np.ptp(table["y"])
    first = table.drop_duplicates("unit").set_index("unit")["first"].rename(str).replace(0, np.inf)
    short = design_from_table(table, "y", **FIRST, **options)
    long = make_design(read_panel(table, unit="unit", period="year"), "y", treated_from=first, **options)
    np.testing.assert_array_equal(short.sampling_se, long.sampling_se)
    assert (short.sampling_se > 0).all()
    assert short.info["sampling_from"] == long.info["sampling_from"]


def test_without_survey_numbers_there_is_no_sampling_error():
    table = make_table().assign(error=0.03)
    plain = design_from_table(table, "y", **FIRST)
    assert plain.sampling_se is None
    assert "sampling_from" not in plain.info
    assert (design_from_table(table, "y", **FIRST, sampling_se="error").sampling_se == 0.03).all()


def test_units_that_are_never_treated_need_no_dose():
    table = make_table().assign(dose=lambda t: np.where(t["first"] > 0, 2.5, np.nan))
    design = design_from_table(table, "y", **FIRST, dose="dose")
    assert len(design.units) == 60
    assert set(design.dose) == {0.0, 2.5}


def test_rows_that_are_not_there_are_gaps():
    table = make_table().drop(index=[3, 40, 41])
    design = design_from_table(table, "y", **FIRST)
    assert design.info["n_gaps"] == 3
    assert np.isnan(design.outcome[0, 3])
    assert np.isfinite(design.outcome).sum() == len(table)


@pytest.mark.parametrize("empty", [2018, 2019, 2021, 2023])
def test_periods_without_any_outcome_are_no_periods(empty):
    table = make_table().assign(se=0.3)
    silent = table.assign(y=table["y"].where(table["year"] != empty))
    more = {"controls": ["moving"], "exposure": "people", "outcome_se": "se"}
    one = design_from_table(silent, "y", **FIRST, **more)
    other = design_from_table(table[table["year"] != empty], "y", **FIRST, **more)
    for name in ("times", "outcome", "cohort", "sampling_se", "exposure", "controls"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    path = design_from_table(silent.assign(on=table["on"] * (table["year"] != 2022)), "y", **NAMES, treatment="on")
    assert path.treatment.shape == path.outcome.shape == (60, 5)


def test_treatment_in_every_row_gives_the_same_and_keeps_what_falls():
    table = make_table()
    by_row = design_from_table(table, "y", **NAMES, treatment="on")
    np.testing.assert_array_equal(by_row.cohort, design_from_table(table, "y", **FIRST).cohort)
    assert by_row.treatment is None
    table.loc[(table["unit"] == 1002) & (table["year"] == 2022), "on"] = 0
    stops = design_from_table(table, "y", **NAMES, treatment="on")
    assert stops.treatment[1].tolist() == [0, 0, 1, 1, 0, 1]
    assert stops.cohort[1] == 2020
    with pytest.raises(EvaltoolkitError, match="stops and restarts"):
        estimate(stops)


def test_where_treatment_stops_who_began_treated_stays_and_gaps_stay_gaps():
    table = make_table()
    table.loc[(table["unit"] == 1002) & (table["year"] == 2022), "on"] = 0
    table.loc[table["unit"] == 1003, "on"] = [1, 1, 0, 0, 0, 0]
    gone = table[(table["unit"] != 1004) | (table["year"] > 2019)]
    design = design_from_table(gone, "y", **NAMES, treatment="on")
    assert design.excluded.empty
    assert design.cohort[2] == 2018
    np.testing.assert_array_equal(design.treatment[3], [np.nan, np.nan, 0, 0, 0, 0])


def test_who_is_treated_when_first_seen_is_treated_from_the_start():
    table = make_table()
    late = table[(table["unit"] != 1002) | (table["year"] > 2019)]
    design = design_from_table(late, "y", **NAMES, treatment="on")
    assert design.excluded["reason"].tolist() == ["excluded.always_treated"]
    table.loc[3, "on"] = -1
    with pytest.raises(FaultsError, match='"on" is below zero for 1001'):
        design_from_table(table, "y", **NAMES, treatment="on")


def test_everything_else_reaches_its_place():
    table = make_table().assign(dose=lambda t: np.where(t["first"] > 0, 2.5, 0.0), se=0.3)
    design = design_from_table(
        table, "y", **FIRST, controls=["moving"], exposure="people", dose="dose", sampling_se="se", anticipation=1
    )
    assert design.controls.shape == (60, 6, 1)
    assert design.control_names == ("moving",)
    np.testing.assert_array_equal(design.exposure[:, 0], table.drop_duplicates("unit")["people"])
    assert set(design.dose) == {0.0, 2.5}
    assert (design.sampling_se == 0.3).all()
    assert design.anticipation == 1


def test_who_is_left_out_is_listed_with_the_reason():
    table = make_table().astype({"first": float})
    table.loc[table["unit"] == 1002, "first"] = np.nan
    table.loc[table["unit"] == 1003, "first"] = 2018
    table.loc[table["unit"] == 1004, "y"] = np.nan
    table.loc[table["unit"] == 1005, "x"] = np.nan
    design = design_from_table(table, "y", **FIRST, covariates=["x"])
    assert dict(zip(design.excluded["unit"], design.excluded["reason"], strict=True)) == {
        "1002": "excluded.unknown_treatment",
        "1003": "excluded.always_treated",
        "1004": "excluded.no_outcome",
        "1005": "excluded.missing_covariate",
    }
    assert len(design.units) == 56
    with pytest.raises(RefusedError, match="60 no_outcome"):
        design_from_table(table.assign(y=np.nan, first=0), "y", **FIRST)


def changed(column, row, value):
    return lambda table: table.assign(**{column: table[column].astype(object).where(table.index != row, value)})


FAULTS = {
    "not a number": (changed("y", 5, "a lot"), {}, "holds what is no number: a lot"),
    "infinite": (changed("y", 5, np.inf), {}, "infinite"),
    "start changes": (changed("first", 8, 2021), {}, "changes within 1002"),
    "never after a start": (changed("first", 8, 0), {}, "changes within 1002"),
    "cluster changes": (changed("zone", 8, "z9"), {"cluster": "zone"}, '"zone" .*changes within 1002'),
    "weights change": (changed("people", 8, 1), {"weights": "people"}, '"people" .*changes within 1002'),
    "no exposure": (changed("people", 8, 0), {"exposure": "people"}, "above zero.*1002"),
    "zero is never": (lambda table: table, {"never": None}, "say never=0"),
    "doubled": (lambda table: pd.concat([table, table.iloc[[3]]]), {}, "more than one row: 1001/2021"),
    "no unit": (changed("unit", 4, None), {}, "is empty in row 5"),
    "no period": (lambda table: changed("year", 4, "soon")(table.astype({"year": str})), {}, "soon"),
    "no such column": (lambda table: table, {"covariates": ["xs"]}, 'no column "xs".*"x"'),
    "no rows": (lambda table: table.iloc[:0], {}, "it has no rows"),
    "zero may be never": (
        lambda t: t.assign(year=t["year"] - 2018, first=(t["first"] - 2018).clip(0)),
        {"never": None},
        'say never=0; if it is the first period, say never="never"',
    ),
    "minus one is never": (lambda table: table.replace({"first": {0: -1}}), {}, "say never=-1"),
    "several words for never": (lambda table: table, {"never": [0, 9999]}, "one number or one word"),
    "true and false": (lambda table: table.assign(first=table["first"] > 0), {}, 'give it as "treatment"'),
    "no label": (lambda table: table.assign(unit=[[1]] * len(table)), {}, '"unit" holds lists'),
    "blank unit": (changed("unit", 4, " "), {}, "is empty in row 5"),
    "infinite period": (changed("year", 4, np.inf), {}, '"inf" is no period'),
    "two labels of a period": (changed("year", 0, "2018-Q1"), {}, "periods 2018 and 2018-Q1 begin at the same time"),
    "dates as outcome": (lambda table: table.assign(y=pd.Timestamp(2020, 1, 1)), {}, '"y" is of type datetime64'),
    "complex outcome": (lambda table: table.assign(y=table["y"] + 1j), {}, '"y" is of type complex'),
    "lists as outcome": (lambda table: table.assign(y=[[1]] * len(table)), {}, r"no number: \[1\]"),
    "weights below zero": (
        lambda t: t.assign(w=np.where(t["unit"] == 1003, -1, 1)),
        {"weights": "w"},
        '"w" is for 1003',
    ),
    "no weight": (lambda table: table.assign(w=0), {"weights": "w"}, "above zero for no unit"),
    "covariate twice": (lambda table: table, {"covariates": ["x", "x"]}, 'covariates name "x" twice'),
    "unit and period": (lambda table: table, {"period": "unit"}, "is named as unit and as period"),
    "half a period": (lambda table: table, {"anticipation": 0.5}, "anticipation counts periods"),
    "in the index": (lambda table: table.set_index("unit"), {}, "reset_index"),
    "a cluster with the name of a unit": (
        lambda table: table.assign(zone=table["zone"].replace("z1", "1001").where(table["unit"] != 1001)),
        {"cluster": "zone"},
        '"zone" is empty for 1001, which is also a label',
    ),
    "no error": (lambda table: table.assign(se=0.0), {"outcome_se": "se"}, '"se" must be above zero.*1001'),
    "no share": (lambda table: table, {"respondents": "people"}, "y is no share between 0 and 1"),
    "design effect": (lambda table: table, {"respondents": "people", "design_effect": 0.5}, "effect is 1 or more"),
    "both survey numbers": (lambda table: table, {"respondents": "people", "outcome_se": "people"}, "not both"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_with_their_place(name):
    change, options, message = FAULTS[name]
    with pytest.raises(FaultsError) as told:
        design_from_table(change(make_table()), "y", **(FIRST | options))
    assert re.search(message, str(told.value))


def test_what_is_no_table_is_told():
    with pytest.raises(EvaltoolkitError, match=r"this is a dict: pass pandas.DataFrame"):
        design_from_table({"y": [1]}, "y", **FIRST)


def test_faults_of_table_and_choices_are_told_together():
    table = make_table().assign(w=-1.0)
    table.loc[8, "first"] = 2021
    with pytest.raises(FaultsError) as told:
        design_from_table(table, "y", **FIRST, weights="w", comparison="never", anticipation=-1)
    assert len(told.value.faults) == 4
    # a word instead of a number is one fault, not one more for being empty
    words = make_table().assign(on="yes")
    with pytest.raises(FaultsError) as told:
        design_from_table(words, "y", **NAMES, treatment="on")
    assert len(told.value.faults) == 1


def test_faults_are_told_together():
    table = make_table()
    table.loc[8, ["people", "first"]] = [0, 2021]
    with pytest.raises(FaultsError) as told:
        design_from_table(table, "y", **FIRST, exposure="people", weights="people")
    assert len(told.value.faults) == 3


def test_periods_may_begin_at_zero():
    table = make_table()
    counted = table.assign(year=table["year"] - 2018, first=(table["first"] - 2018).clip(0))
    design = design_from_table(counted, "y", **FIRST)
    assert sorted(set(design.cohort)) == [2, 4, np.inf]
    began = design_from_table(counted, "y", **NAMES, treated_from="first", never="never")
    assert set(began.excluded["reason"]) == {"excluded.always_treated"}


def test_a_unit_with_a_blank_cluster_stands_alone():
    table = make_table().assign(zone=lambda t: t["zone"].where(t["unit"] > 1003, " "))
    design = design_from_table(table, "y", **FIRST, cluster="zone")
    assert design.clusters[:4].tolist() == ["1001", "1002", "1003", "z1"]


def test_one_way_to_say_who_is_treated():
    with pytest.raises(EvaltoolkitError, match="Give either"):
        design_from_table(make_table(), "y", **FIRST, treatment="on")
    with pytest.raises(EvaltoolkitError, match='Did you mean "never_treated"'):
        design_from_table(make_table(), "y", **FIRST, comparison="never_treaded")
    table = make_table()
    table.loc[9, "on"] = None
    with pytest.raises(FaultsError, match="write 0 where nothing was done"):
        design_from_table(table, "y", **NAMES, treatment="on")
