"""Periods in which an action ran, from start and end of the rows of a roster, or from a column."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.paths import cohorts_of_path, path_from_roster
from evaltoolkit.designs.roster import parse_roster
from evaltoolkit.findings import EvaltoolkitError


def roster_of(*rows):
    columns = ["unit", "start", "end", "state"]
    return parse_roster(pd.DataFrame(rows, columns=columns).assign(action="coaching"))


def ran(panel, *rows, rule="containing", unit="a", **options):
    path = path_from_roster(panel, roster_of(*rows), rule=rule, **options)
    return path.ran[panel.unit_codes.index(unit)].tolist()


@pytest.mark.parametrize(
    ("rows", "containing", "full"),
    [
        ([("a", "2021-03-01", "2022-06-30", "")], [0, 1, 1, 0], [0, 0, 0, 0]),
        ([("a", "2021-01-01", "2022-12-31", "")], [0, 1, 1, 0], [0, 1, 1, 0]),
        ([("a", "2021-03-01", "", "")], [0, 1, 1, 1], [0, 0, 1, 1]),
        ([("a", "2020-12-31", "2021-01-01", ""), ("a", "2023-01-01", "", "")], [1, 1, 0, 1], [0, 0, 0, 1]),
        ([("a", "", "", "never")], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_days_become_periods_by_the_stated_rule(make_panel, rows, containing, full):
    panel = make_panel(["a", "b"])
    assert ran(panel, *rows) == containing
    assert ran(panel, *rows, rule="first_full") == full


def test_unknown_stays_unknown(make_panel):
    panel = make_panel(["a", "b"])
    path = path_from_roster(panel, roster_of(("a", "2021-01-01", "", ""), ("b", "", "", "unknown")))
    assert np.isnan(path.ran[1]).all()
    assert path.excluded.set_index("unit")["reason"].to_dict() == {"b": "excluded.unknown_treatment"}


def test_parts_of_a_merged_municipality_must_have_the_same_periods(make_panel):
    panel = make_panel(["12041", "11001"], vintage=2019)
    same = [(part, "2021-01-01", "2021-12-31", "") for part in ("12030", "12034")]
    assert ran(panel, *same, ("11001", "", "", "never"), unit="12041") == [0, 1, 0, 0]
    other = [same[0], ("12034", "2021-01-01", "2022-12-31", ""), ("11001", "", "", "never")]
    path = path_from_roster(panel, roster_of(*other))
    assert path.excluded.set_index("unit")["reason"].to_dict() == {"12041": "excluded.mixed_by_merger"}


STOPS = (
    ("a", "2021-05-01", "2021-10-31", ""),
    ("b", "2022-01-01", "", ""),
    ("c", "", "", "never"),
    ("d", "2019-01-01", "2021-06-30", ""),
)


def test_a_design_keeps_the_path_where_it_is_asked_to_and_something_stops(make_panel):
    panel = make_panel(["a", "b", "c", "d"])
    plain = make_design(panel, "Y", treated_from=roster_of(*STOPS))
    assert plain.treatment is None
    design = make_design(panel, "Y", treated_from=roster_of(*STOPS), reversals=True)
    assert design.units.tolist() == ["a", "b", "c"]
    assert design.treatment.tolist() == [[0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    assert design.cohort.tolist() == [2021, 2022, np.inf]
    # begun before the panel: nobody saw what it was like without the action
    assert design.excluded.set_index("unit")["reason"].to_dict() == {"d": "excluded.always_treated"}
    goes_on = make_design(panel, "Y", treated_from=roster_of(*STOPS[1:3]), reversals=True)
    assert goes_on.treatment is None


def test_an_action_between_two_waves_is_neither_treated_nor_untreated(make_panel):
    panel = make_panel(["a", "b", "c"], labels=("2018", "2020", "2023"))
    rows = (("a", "2021-03-01", "2022-06-30", ""), ("b", "2021-03-01", "", ""), ("c", "", "", "never"))
    design = make_design(panel, "Y", treated_from=roster_of(*rows), reversals=True)
    assert design.units.tolist() == ["b", "c"]
    assert design.excluded.set_index("unit")["reason"].to_dict() == {"a": "excluded.action_between_periods"}


def with_column(panel, values):
    return replace(panel, data=panel.data.assign(on=np.ravel(values)))


def test_a_column_gives_what_start_and_end_give(make_panel):
    panel = make_panel(["a", "b", "c"])
    path = [[0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    own = make_design(with_column(panel, path), "Y", treatment="on")
    roster = make_design(panel, "Y", treated_from=roster_of(*STOPS[:3]), reversals=True)
    np.testing.assert_array_equal(own.treatment, roster.treatment)
    np.testing.assert_array_equal(own.cohort, roster.cohort)
    steady = make_design(with_column(panel, [[0, 0, 1, 1]] + [[0] * 4] * 2), "Y", treatment="on")
    assert steady.treatment is None
    assert steady.cohort.tolist() == [2022, np.inf, np.inf]


def test_a_column_with_holes_or_an_unknown_name_is_told(make_panel):
    panel = with_column(make_panel(["a", "b"]), [[0, np.nan, 1, 1], [0, 0, 0, 0]])
    with pytest.raises(EvaltoolkitError, match=r"wherever Y is given; it is not for a: write 0"):
        make_design(panel, "Y", treatment="on")
    with pytest.raises(EvaltoolkitError, match=r'no column "onn".*Did you mean "on"'):
        make_design(panel, "Y", treatment="onn")
    with pytest.raises(EvaltoolkitError, match='Give either "treated_from"'):
        make_design(panel, "Y", treatment="on", treated_from="first")
    empty = with_column(make_panel(["a", "b"]), [[0, 0, 1, 1], [np.nan] * 4])
    assert make_design(empty, "Y", treatment="on").excluded["reason"].tolist() == ["excluded.unknown_treatment"]


def test_the_first_period_of_a_path():
    path = np.array([[0, 2.0, 0], [0, 0, 0], [np.nan] * 3])
    np.testing.assert_array_equal(cohorts_of_path(path, np.array([1.0, 2.0, 3.0])), [2.0, np.inf, np.nan])
