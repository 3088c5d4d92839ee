import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.designs.cohorts import cohort_from_roster, first_treated_time
from evaltoolkit.designs.roster import parse_roster
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.periods import Period

YEARS = tuple(Period.parse(year) for year in range(2020, 2024))
WAVES = tuple(Period.parse(w) for w in ("2020-03-01/2020-05-31", "2023-03-01/2023-05-31"))


def roster_of(*rows):
    return parse_roster(
        pd.DataFrame([(u, "coaching", s, n) for u, s, n in rows], columns=["unit", "action", "start", "state"])
    )


@pytest.mark.parametrize(
    ("day", "rule", "time"),
    [
        ("2022-01-01", "containing", 2022),
        ("2022-01-01", "first_full", 2022),
        ("2022-12-31", "containing", 2022),
        ("2022-01-02", "first_full", 2023),
        ("2019-05-01", "containing", 2020),
        ("2024-03-01", "containing", 2024),
        ("2023-03-01", "first_full", 2024),
    ],
)
def test_days_become_years_by_the_stated_rule(day, rule, time):
    assert first_treated_time(pd.Timestamp(day), YEARS, rule) == time


def test_between_waves_the_next_wave_is_the_first_treated():
    assert first_treated_time(pd.Timestamp("2021-06-15"), WAVES) == WAVES[1].time
    # a start during the fieldwork: part of the wave was treated
    assert first_treated_time(pd.Timestamp("2023-04-01"), WAVES, "containing") == WAVES[1].time
    assert first_treated_time(pd.Timestamp("2023-04-01"), WAVES, "first_full") > WAVES[1].time


@given(st.dates(min_value=pd.Timestamp("2018-01-01").date(), max_value=pd.Timestamp("2026-12-31").date()))
def test_containing_is_never_later_than_first_full(day):
    early = first_treated_time(pd.Timestamp(day), YEARS, "containing")
    late = first_treated_time(pd.Timestamp(day), YEARS, "first_full")
    assert early <= late <= early + 1


def test_unknown_is_not_never_and_is_listed(make_panel):
    panel = make_panel(["a", "b", "c", "d"])
    roster = roster_of(("a", "2022-05-01", ""), ("b", "", "never"), ("c", "", "unknown"))
    cohort, excluded, notes = cohort_from_roster(panel, roster)
    assert cohort["a"] == 2022
    assert cohort["b"] == math.inf
    assert math.isnan(cohort["c"])
    assert math.isnan(cohort["d"])
    assert excluded.to_dict("list") == {"unit": ["c", "d"], "reason": ["excluded.unknown_treatment"] * 2}
    assert notes == ()


def test_the_earliest_start_of_the_named_action_counts(make_panel):
    rows = pd.DataFrame(
        [
            ("a", "coaching", "2023-02-01"),
            ("a", "coaching", "2021-02-01"),
            ("a", "training", "2020-02-01"),
            ("b", "training", "2022-01-01"),
        ],
        columns=["unit", "action", "start"],
    )
    panel = make_panel(["a", "b"])
    cohort, _, _ = cohort_from_roster(panel, parse_roster(rows), action="coaching")
    assert cohort["a"] == 2021
    assert math.isnan(cohort["b"])
    with pytest.raises(EvaltoolkitError, match="several actions"):
        cohort_from_roster(panel, parse_roster(rows))
    with pytest.raises(EvaltoolkitError, match='Did you mean "coaching"'):
        cohort_from_roster(panel, parse_roster(rows), action="coachng")
    with pytest.raises(EvaltoolkitError, match='Did you mean "first_full"'):
        cohort_from_roster(panel, parse_roster(rows), action="coaching", rule="first_ful")


def test_older_municipality_codes_are_carried_through_a_merger(make_panel):
    # Puurs (12030) and Sint-Amands (12034) became 12041 in 2019
    panel = make_panel(["12041", "11001"], vintage=2019)
    same = roster_of(("12030", "2022-05-01", ""), ("12034", "2022-08-01", ""), ("11001", "", "never"))
    cohort, excluded, notes = cohort_from_roster(panel, same)
    assert cohort["12041"] == 2022
    assert excluded.empty
    assert [(note.code, note.facts["n"]) for note in notes] == [("roster.carried_forward", 2)]


@pytest.mark.parametrize("other", [("12034", "2023-08-01", ""), ("12034", "", "never"), ("12034", "", "unknown")])
def test_parts_that_differ_are_mixed_not_treated(other, make_panel):
    panel = make_panel(["12041", "11001"], vintage=2019)
    cohort, excluded, _ = cohort_from_roster(
        panel, roster_of(("12030", "2022-05-01", ""), other, ("11001", "", "never"))
    )
    assert math.isnan(cohort["12041"])
    assert excluded.to_dict("records") == [{"unit": "12041", "reason": "excluded.mixed_by_merger"}]


def test_a_part_without_a_row_makes_the_merged_municipality_mixed(make_panel):
    panel = make_panel(["12041", "11001"], vintage=2019)
    _, excluded, _ = cohort_from_roster(panel, roster_of(("12030", "2022-05-01", ""), ("11001", "", "never")))
    assert list(excluded["reason"]) == ["excluded.mixed_by_merger"]


def test_antwerpen_keeps_its_code_through_its_merger(make_panel):
    # 11002 absorbed Borsbeek (11007) in 2025: in a roster of 2025 it stands for both
    panel = make_panel(["11002", "12041"], vintage=2025)
    now, _, _ = cohort_from_roster(panel, roster_of(("11002", "2022-05-01", ""), ("12041", "", "never")))
    assert now["11002"] == 2022
    # in a roster of 2019 (which names 11007) it does not
    old = roster_of(("11002", "2022-05-01", ""), ("11007", "", "never"), ("12041", "", "never"))
    _, excluded, _ = cohort_from_roster(panel, old)
    assert list(excluded["reason"]) == ["excluded.mixed_by_merger"]


def test_cells_take_their_own_row_or_that_of_all_members(make_panel):
    panel = make_panel(
        ["A", "B", "C"], unit_kind="livc_r", vintage=2025, members=["11001", "11004;11005", "11008;11009"]
    )
    rows = roster_of(
        ("A", "2021-01-01", ""),
        ("11004", "2022-01-01", ""),
        ("11005", "2022-03-01", ""),
        ("11008", "2022-01-01", ""),
        ("11009", "", "never"),
    )
    cohort, excluded, _ = cohort_from_roster(panel, rows)
    assert cohort["A"] == 2021
    assert cohort["B"] == 2022
    assert excluded.to_dict("records") == [{"unit": "C", "reason": "excluded.mixed_in_cell"}]


def test_members_may_come_from_a_membership_with_codes_of_two_divisions(make_panel):
    panel = make_panel(["A", "B"], unit_kind="livc_r", vintage=2025)
    membership = pd.DataFrame({"livc_r": ["A", "A", "A", "B"], "municipality": ["11002", "11007", "11004", "11005"]})
    rows = roster_of(("11002", "2022-01-01", ""), ("11004", "2022-01-01", ""), ("11005", "", "never"))
    cohort, excluded, _ = cohort_from_roster(panel, rows, membership=membership)
    assert cohort["A"] == 2022
    assert excluded.empty


def test_a_roster_of_other_units_is_an_error_and_strangers_a_note(make_panel):
    panel = make_panel(["a", "b"])
    with pytest.raises(EvaltoolkitError, match="No unit of the roster is in the panel"):
        cohort_from_roster(panel, roster_of(("x", "2022-01-01", "")))
    _, _, notes = cohort_from_roster(panel, roster_of(("a", "2025-01-01", ""), ("x", "2022-01-01", "")))
    assert {note.code: note.facts["n"] for note in notes} == {"roster.not_in_panel": 1, "roster.starts_after_panel": 1}
