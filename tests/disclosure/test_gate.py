"""The gate refuses by default."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.disclosure.gate import Gate
from evaltoolkit.disclosure.rules import Column, Rules, column_of, default_rules
from evaltoolkit.disclosure.text import neutralise
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.framework.load import load_framework

LABEL, CODE, PERSONS, OTHER = Column("label"), Column("code"), Column("count_persons"), Column("count_other")


def test_undeclared_column_is_refused_by_name():
    frame = pd.DataFrame({"unit": ["a", "b"], "note": ["x", "y"]})
    with pytest.raises(RefusedError, match='column "note" has no declared kind; declare it as one of label, code'):
        Gate().release("results", frame, {"unit": CODE})


def test_index_cannot_smuggle_data():
    frame = pd.DataFrame({"n": [10, 20]}, index=["Person A", "Person B"])
    with pytest.raises(RefusedError, match="index holds data"):
        Gate().release("results", frame, {"n": PERSONS})


def test_every_reason_at_once():
    frame = pd.DataFrame({"unit": [1, 2], "cases": [1.0, 2.0], "rate": [10.0, 20.0], "mean": [1.0, 2.0]})
    kinds = {
        "unit": LABEL,
        "cases": Column("code"),
        "rate": Column("share", denominator="residents"),
        "mean": Column("statistic", n_units="unts"),
        "absent": OTHER,
    }
    with pytest.raises(RefusedError) as caught:
        Gate().release("results", frame, kinds)
    message = str(caught.value)
    for part in (
        'column "unit" is declared a label but holds numbers',
        'column "cases" is declared a code but holds decimals',
        'refers to "residents", which is not a declared column',
        "is not between 0 and 1; divide percentages by 100",
        'refers to "unts", which is not a declared column. Did you mean "unit"?',
        'column "absent" is declared but not there',
    ):
        assert part in message


def test_counts_are_suppressed_and_written_sup():
    frame = pd.DataFrame({"unit": ["a", "b", "c"], "n": [3, 40, 9], "meetings": [1, 2, 3]})
    release = Gate().release("results", frame, {"unit": CODE, "n": PERSONS, "meetings": OTHER}, dims=["unit"])
    assert np.isnan(release.data["n"]).tolist() == [True, False, True]
    assert release.data["meetings"].tolist() == [1, 2, 3]
    assert (release.primary, release.secondary) == (1, 1)
    assert release.to_csv() == "unit,n,meetings\na,SUP,1\nb,40,2\nc,SUP,3\n"
    assert frame["n"].tolist() == [3, 40, 9]


def test_shares_of_few_persons_and_shares_that_give_a_count_back():
    frame = pd.DataFrame(
        {"share": [0.5, 0.5, 0.02, 0.97, 0.0, 1.0, 0.5], "persons": [4, 400, 100, 100, 100, 100, np.nan]}
    )
    release = Gate().release("s", frame, {"share": Column("share", denominator="persons"), "persons": OTHER})
    assert release.suppressed["share"].tolist() == [True, False, True, True, False, False, True]
    # the number of persons is no count of persons here and stays
    assert not release.suppressed["persons"].any()


def test_share_goes_with_its_suppressed_denominator():
    frame = pd.DataFrame({"unit": list("abc"), "share": [0.5, 0.5, 0.5], "persons": [3, 90, 12]})
    kinds = {"unit": CODE, "share": Column("share", denominator="persons"), "persons": PERSONS}
    release = Gate().release("s", frame, kinds, dims=["unit"])
    assert release.suppressed["persons"].tolist() == [True, False, True]
    assert release.suppressed["share"].tolist() == [True, False, True]


def test_statistics_need_three_units_and_a_known_number():
    frame = pd.DataFrame({"mean": [1.0, 2.0, 3.0], "units": [2, 3, np.nan]})
    release = Gate().release("s", frame, {"mean": Column("statistic", n_units="units"), "units": OTHER})
    assert release.suppressed["mean"].tolist() == [True, False, True]
    fixed = Gate().release("s", frame[["mean"]], {"mean": Column("statistic", n_units=12)})
    assert not fixed.suppressed.to_numpy().any()
    unsaid = Gate().release("s", frame[["mean"]], {"mean": Column("statistic")})
    assert unsaid.suppressed["mean"].all()


@pytest.mark.parametrize("level", ["municipality", "livc_r", "zone"])
def test_high_sensitivity_stays_at_the_region(level):
    frame = pd.DataFrame({"n": [50, 60]})
    kinds = {"n": Column("count_persons", sensitivity="high")}
    with pytest.raises(RefusedError, match=f"may not be shown per {level}; give it per region"):
        Gate().release("s", frame, kinds, level=level)
    assert not Gate().release("s", frame, kinds, level="region").suppressed.to_numpy().any()


def test_unknown_level_and_kind_name_the_nearest():
    with pytest.raises(RefusedError, match='Did you mean "region"'):
        Gate().release("s", pd.DataFrame({"n": [50]}), {"n": OTHER}, level="regio")
    with pytest.raises(EvaltoolkitError, match='Did you mean "count_persons"'):
        Column("count_person")
    with pytest.raises(EvaltoolkitError, match="denominator"):
        Column("share")


def test_missing_is_empty_and_not_sup():
    frame = pd.DataFrame({"unit": ["a", "b"], "n": [np.nan, 8.0]})
    release = Gate().release("s", frame, {"unit": CODE, "n": PERSONS}, dims=["unit"])
    assert release.to_csv() == "unit,n\na,\nb,8\n"
    assert release.primary == release.secondary == 0


def test_rules_come_from_the_file_and_weak_ones_are_refused():
    assert default_rules() == Rules(threshold=5, min_units=3, lowest_level={"high": "region"})
    with pytest.raises(EvaltoolkitError, match="protects nobody"):
        Rules(threshold=1)
    with pytest.raises(EvaltoolkitError, match='Did you mean "region"'):
        Rules(lowest_level={"high": "regoin"})


def test_columns_of_indicators():
    framework = load_framework()
    assert column_of(framework.by_id["COMP-09"]).kind == "count_other"
    assert column_of(framework.by_id["CASE-01"]).kind == "count_persons"
    assert column_of(framework.by_id["TRU-01"], denominator="n") == Column("share", denominator="n")
    with pytest.raises(EvaltoolkitError, match="denominator"):
        column_of(framework.by_id["HAR-01"])


@pytest.mark.parametrize(
    "lead", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", " =", "\ufeff=", "\u00a0="]
)
def test_formulas_are_neutralised(lead):
    assert neutralise(f"{lead}1+1") == f"'{lead}1+1"


def test_formulas_do_not_leave_the_gate():
    frame = pd.DataFrame({"name": ["=HYPERLINK(1)", "Aalst, stad"], "n": [-5, 12]})
    written = Gate().release("s", frame, {"name": LABEL, "n": OTHER}).to_csv()
    back = pd.read_csv(io.StringIO(written))
    assert back["name"].tolist() == ["'=HYPERLINK(1)", "Aalst, stad"]
    assert back["n"].tolist() == [-5, 12]


@given(st.text())
def test_neutralising_twice_is_once(text):
    once = neutralise(text)
    assert neutralise(once) == once
    assert not once.lstrip(" \u00a0\ufeff").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
