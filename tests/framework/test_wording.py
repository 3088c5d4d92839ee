"""Versions of definition and wording as one number, and the break they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.framework.indicator import Change, Label
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.framework.wording import code_in, split_code, version_text, wording_code
from evaltoolkit.panels.build import build_panel

LIVC = load_framework("livc-r")
NOTE = Label(nl="n", fr="n", de="n", en="n")


def versioned(version, wording=1, changes=()):
    made = [Change(version=number, period=period, note=NOTE) for number, period in changes]
    return LIVC.by_id["GOV-08"].model_copy(update={"version": version, "wording": wording, "changes": tuple(made)})


@given(st.integers(1, 50), st.integers(1, 99))
def test_a_code_holds_both_and_the_first_is_one(version, wording):
    assert split_code(wording_code(versioned(version, wording))) == (version, wording)
    assert wording_code(versioned(1, 1)) == 1


def test_a_figure_of_others_follows_the_definition_of_its_time():
    indicator = versioned(3, 2, [(2, "2020"), (3, "2023-Q2")])
    codes = {period: split_code(code_in(indicator, period)) for period in ("2019", "2020", "2022", "2023", "2024")}
    assert codes == {"2019": (1, 2), "2020": (2, 2), "2022": (2, 2), "2023": (2, 2), "2024": (3, 2)}
    assert code_in(indicator, "soon") == wording_code(indicator)
    assert code_in(versioned(2), "soon") == 101


def test_metadata_name_both():
    assert version_text(versioned(3, 2)) == "GOV-08=3.2"


@pytest.mark.parametrize(("version", "wording", "broken"), [(1, 1, False), (2, 1, True), (1, 2, True)])
def test_a_change_of_either_breaks_the_series_of_a_panel(version, wording, broken):
    base = {"unit_kind": "livc_r", "unit": "Z01", "indicator": "GOV-08", "text": "", "status": "registered"}
    rows = []
    for period, code in (("2023", 1), ("2024", wording_code(versioned(version, wording)))):
        for part in LIVC.by_id["GOV-08"].parts:
            rows.append({**base, "part": part.id, "period": period, "value": 2.0, "source": "t", "wording": code})
    panel = build_panel(value_table(rows), LIVC, unit="livc_r")
    told = [f for f in panel.findings if f.code == "panel.wording_changed"]
    assert [f.where.period for f in told] == (["2024"] if broken else [])
