import re

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.table import design_from_table
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError
from evaltoolkit.panels.read import read_panel


def make_table(n=60, years=range(2018, 2024), seed=0):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(1001, 1001 + n), len(years))
    year = np.tile(list(years), n)
    first = np.repeat(np.resize([0, 2020, 2022], n), len(years))
    on = (first > 0) & (year >= first)
    return pd.DataFrame(
        {
            "unit": unit,
            "year": year,
            "first": first,
            "on": on.astype(int),
            "y": rng.normal(size=len(unit)) + on,
            "x": np.repeat(rng.normal(size=n), len(years)),
            "moving": rng.normal(size=len(unit)),
            "people": np.repeat(rng.integers(500, 9000, n), len(years)),
            "zone": np.repeat([f"z{i // 3}" for i in range(n)], len(years)),
        }
    )


NAMES = {"unit": "unit", "period": "year"}
FIRST = NAMES | {"treated_from": "first", "never": 0}


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


def test_rows_that_are_not_there_are_gaps():
    table = make_table().drop(index=[3, 40, 41])
    design = design_from_table(table, "y", **FIRST)
    assert design.info["n_gaps"] == 3
    assert np.isnan(design.outcome[0, 3])
    assert np.isfinite(design.outcome).sum() == len(table)


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
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named_with_their_place(name):
    change, options, message = FAULTS[name]
    with pytest.raises(FaultsError) as told:
        design_from_table(change(make_table()), "y", **(FIRST | options))
    assert re.search(message, str(told.value))


def test_faults_are_told_together():
    table = make_table()
    table.loc[8, ["people", "first"]] = [0, 2021]
    with pytest.raises(FaultsError) as told:
        design_from_table(table, "y", **FIRST, exposure="people", weights="people")
    assert len(told.value.faults) == 3


def test_one_way_to_say_who_is_treated():
    with pytest.raises(EvaltoolkitError, match="Give either"):
        design_from_table(make_table(), "y", **FIRST, treatment="on")
    with pytest.raises(EvaltoolkitError, match='Did you mean "never_treated"'):
        design_from_table(make_table(), "y", **FIRST, comparison="never_treaded")
    table = make_table()
    table.loc[9, "on"] = None
    with pytest.raises(FaultsError, match="write 0 where nothing was done"):
        design_from_table(table, "y", **NAMES, treatment="on")
