"""How much of an action a unit got: by the hours of a roster, a column or a measure; unknown is never zero."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.roster import parse_roster
from evaltoolkit.findings import EvaltoolkitError


def roster_of(*rows):
    columns = ["unit", "start", "end", "hours", "state"]
    return parse_roster(pd.DataFrame(rows, columns=columns).assign(action="coaching"))


ROWS = (
    ("a", "2021-03-01", "2021-12-31", 10, ""),
    ("a", "2023-01-01", "", 5, ""),
    ("b", "2022-01-01", "", 8, ""),
    ("c", "", "", "", "never"),
)


def dose_of(panel, rows=ROWS, rule="total", name="hours", **options):
    design = make_design(panel, "Y", treated_from=roster_of(*rows), dose=name, dose_rule=rule, **options)
    return dict(zip(design.units.tolist(), design.dose.tolist(), strict=True)), design


def test_hours_add_up_in_total_or_per_period_in_which_it_ran(make_panel):
    panel = make_panel(["a", "b", "c"])
    assert dose_of(panel)[0] == {"a": 15.0, "b": 8.0, "c": 0.0}
    # a ran in 2021 and 2023, b in 2022 and 2023
    assert dose_of(panel, rule="per_period")[0] == {"a": 7.5, "b": 4.0, "c": 0.0}


def test_what_begins_after_the_panel_does_not_count(make_panel):
    panel = make_panel(["a", "b", "c"])
    later = (*ROWS, ("a", "2024-02-01", "", 100, ""), ("b", "2024-02-01", "", "", ""))
    assert dose_of(panel, later)[0] == {"a": 15.0, "b": 8.0, "c": 0.0}


def test_hours_that_nobody_knows_leave_the_unit_out(make_panel):
    panel = make_panel(["a", "b", "c"])
    rows = (*ROWS[:1], ("a", "2023-01-01", "", "", ""), *ROWS[2:])
    found, design = dose_of(panel, rows)
    assert found == {"b": 8.0, "c": 0.0}
    assert design.excluded.set_index("unit")["reason"].to_dict() == {"a": "excluded.missing_dose"}


def test_parts_of_a_merged_municipality_add_up(make_panel):
    panel = make_panel(["12041", "11001"], vintage=2019)
    parts = [(part, "2021-01-01", "", hours, "") for part, hours in (("12030", 3), ("12034", 4))]
    assert dose_of(panel, (*parts, ("11001", "", "", "", "never")))[0] == {"12041": 7.0, "11001": 0.0}


def test_hours_of_a_cell_are_nobodys_in_particular(make_panel):
    panel = make_panel(["11005", "11013", "11035"], vintage=2025)
    membership = pd.DataFrame({"livc_r": ["A", "A", "B"], "municipality": ["11005", "11013", "11035"]})
    rows = (("A", "2021-01-01", "", 30, ""), ("B", "", "", "", "never"))
    found, design = dose_of(panel, rows, membership=membership)
    assert found == {"11035": 0.0}
    assert set(design.excluded["reason"]) == {"excluded.missing_dose"}


def test_a_measure_counts_from_the_start_on(make_panel):
    panel = make_panel(["a", "b", "c"])
    sessions = [[9.0, 1, 2, 3], [9, 9, 4, np.nan], [0, 0, 0, 0]]
    panel = replace(panel, data=panel.data.assign(sessions=np.ravel(sessions)))
    found, design = dose_of(panel, name="sessions")
    assert found == {"a": 6.0, "c": 0.0}
    assert design.excluded["unit"].tolist() == ["b"]
    # two periods in which a's action ran
    assert dose_of(panel, name="sessions", rule="per_period")[0] == {"a": 3.0, "c": 0.0}


def test_a_fixed_column_is_taken_as_it_is(make_panel):
    panel = make_panel(["a", "b", "c"], sessions=[4.0, 6.0, np.nan])
    assert dose_of(panel, name="sessions")[0] == {"a": 4.0, "b": 6.0, "c": 0.0}
    labels = make_panel(["a", "b", "c"], first=["2021", "2022", "never"], sessions=[4.0, 6.0, 0.0])
    own = make_design(labels, "Y", treated_from="first", dose="sessions")
    assert own.dose.tolist() == [4.0, 6.0, 0.0]


def test_wrong_words_are_told(make_panel):
    panel = make_panel(["a", "b", "c"], sessions=[4.0, 6.0, 0.0], word=["x", "y", "z"])
    for name, rule, what in (
        ("sesions", "total", 'no column "sesions" for the dose.*Did you mean "sessions"'),
        ("word", "total", 'Column "word" is not a number'),
        ("sessions", "sum", "choose total or per_period"),
    ):
        with pytest.raises(EvaltoolkitError, match=what):
            dose_of(panel, name=name, rule=rule)
