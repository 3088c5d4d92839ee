"""Columns of any type, periods and starts as dates: the same design as from plain numbers."""

import numpy as np
import pandas as pd
import pytest
from design_tables import FIRST, NAMES, make_table

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.estimators.registry import estimate

WHOLE = {"covariates": ["x"], "weights": "people", "cluster": "zone", "controls": ["moving"], "exposure": "people"}
DATES = {
    "datetimes": lambda year: pd.to_datetime(year.astype(str) + "-01-01"),
    "with a time zone": lambda year: pd.to_datetime(year.astype(str) + "-01-01").dt.tz_localize("Europe/Brussels"),
    "days": lambda year: pd.to_datetime(year.astype(str) + "-01-01").dt.date,
    "days as text": lambda year: year.astype(str) + "-01-01",
    "pandas periods": lambda year: pd.Series(pd.PeriodIndex(year.astype(str), freq="Y"), index=year.index),
    "numbers and text": lambda year: year.astype(object).where(year.index % 2 == 0, year.astype(str)),
    "fractions": lambda year: year.astype(float),
    "categories out of order": lambda year: pd.Series(
        pd.Categorical(year, categories=sorted(set(year), reverse=True), ordered=True), index=year.index
    ),
}
TYPES = {
    "nullable": lambda table: table.convert_dtypes(),
    "pyarrow": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda table: table.astype({"unit": "category", "zone": "category", "first": "category"}),
    "objects": lambda table: table.astype(object),
    "units with fractions": lambda table: table.astype({"unit": float}),
    "units with spaces": lambda table: table.assign(
        unit=table["unit"].astype(str) + np.where(table.index % 2, " ", "")
    ),
    "another index": lambda table: table.set_index(np.zeros(len(table), dtype=int)),
}


def assert_same(one, other):
    for name in ("units", "times", "outcome", "cohort", "covariates", "weights", "clusters", "controls", "exposure"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", TYPES)
def test_columns_may_be_of_any_type(name, mixed):
    table = make_table()
    other = TYPES[name](table)
    other = other.sample(frac=1, random_state=3) if mixed else other
    assert_same(design_from_table(other, "y", **FIRST, **WHOLE), design_from_table(table, "y", **FIRST, **WHOLE))


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", DATES)
def test_periods_may_be_dates(name, mixed):
    table = make_table()
    dated = table.assign(year=DATES[name](table["year"]))
    dated = dated.sample(frac=1, random_state=3) if mixed else dated
    assert_same(design_from_table(dated, "y", **FIRST, **WHOLE), design_from_table(table, "y", **FIRST, **WHOLE))


def test_starts_may_be_dates():
    table = make_table()
    plain = design_from_table(table, "y", **FIRST)
    day = pd.to_datetime(table["first"].replace(0, 2099).astype(str) + "-03-15").where(table["first"] > 0)
    for first in (day, day.dt.date, day.dt.to_period("D"), day.dt.to_period("M")):
        # the year that holds the day is treated; a missing day is never only where that is said
        dated = design_from_table(table.assign(first=first), "y", **NAMES, treated_from="first", never=np.nan)
        np.testing.assert_array_equal(dated.cohort, plain.cohort)
        left = design_from_table(table.assign(first=first), "y", **NAMES, treated_from="first")
        assert set(left.excluded["reason"]) == {"excluded.unknown_treatment"}
        assert len(left.excluded) == 20


def test_quarters_of_pandas_are_quarters():
    table = make_table()
    quarter = pd.PeriodIndex.from_ordinals(table["year"] - 2018 + 192, freq="Q")
    first = pd.PeriodIndex.from_ordinals(table["first"].clip(2018) - 2018 + 192, freq="Q").astype(object)
    first = pd.Series(first).where(table["first"] > 0, "never")
    plain = design_from_table(table, "y", **FIRST)
    for when in (pd.Series(quarter), pd.Series(quarter.astype(str)), pd.Series(quarter.to_timestamp())):
        design = design_from_table(table.assign(year=when, first=first), "y", **NAMES, treated_from="first")
        np.testing.assert_allclose(design.times, 2018 + np.arange(6) / 4)
        np.testing.assert_array_equal(design.cohort, 2018 + (plain.cohort - 2018) / 4)


def test_what_lies_between_two_periods_acts_in_the_later_one():
    table = make_table(years=range(2010, 2022, 2)).assign(first=lambda t: t["first"].replace({2020: 2013, 2022: 2018}))
    design = design_from_table(table, "y", **FIRST)
    assert sorted(set(design.cohort)) == [2013, 2018, np.inf]
    later = design_from_table(table.replace({"first": {2013: 2014}}), "y", **FIRST)
    np.testing.assert_array_equal(estimate(design).estimate, estimate(later).estimate)


def test_a_start_that_is_a_period_but_for_rounding_is_that_period():
    table = make_table(years=range(6)).assign(year=lambda t: 2018 + t["year"] / 12, first=lambda t: t["unit"] % 3)
    rounded = table.assign(first=table["first"].replace({1: 2018.166667, 2: 2018.333333}))
    design = design_from_table(rounded, "y", **FIRST)
    assert sorted(set(design.cohort)) == [2018 + 2 / 12, 2018 + 4 / 12, np.inf]


def test_never_may_be_a_missing_value_or_a_number_in_text():
    table = make_table()
    plain = design_from_table(table, "y", **FIRST)
    empty = table["first"].where(table["first"] > 0)
    for never, first in (
        (np.nan, empty),
        (pd.NA, empty.astype("Int64")),
        (pd.NaT, empty),
        (0, table["first"].astype(float).astype(str)),
    ):
        design = design_from_table(table.assign(first=first), "y", **NAMES, treated_from="first", never=never)
        np.testing.assert_array_equal(design.cohort, plain.cohort)


def test_one_column_needs_no_brackets():
    design = design_from_table(make_table(), "y", **FIRST, covariates="x", controls="moving")
    assert design.covariate_names == ("x",)
    assert design.control_names == ("moving",)
