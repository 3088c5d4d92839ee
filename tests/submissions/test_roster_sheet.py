"""Roster, role and minutes: read by name, never a name of a person, unknown is not never."""

import datetime as dt

import pandas as pd
import pytest
from fill_sample import fill

from evaltoolkit.designs import roster as designs_roster
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions import roster_sheet
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.extras import CONTACT_ROLES, DECIDERS, ROSTER_ROWS, STATES
from evaltoolkit.submissions.form import open_form
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.layout import FormMeta, layout_form
from evaltoolkit.submissions.roster_sheet import read_about, read_roster_sheet
from evaltoolkit.submissions.rosters import collect_roster

LIVC = load_framework("livc-r")
ACTION = {lang: LIVC.by_id["CAP-05"].part("kinds").options[0].label.in_(lang) for lang in LANGUAGES}


def meta(language="nl", unit="Z01", period="2025"):
    return FormMeta(LIVC.name, LIVC.version, "starter", "livc_r", unit, ("11001",), "2025", period, (), language)


def row(line, **cells):
    return {f"etk.roster.r{line}.{key}.v": value for key, value in cells.items()}


def read(tmp_path, cells, language="nl"):
    fill(LIVC, meta(language), tmp_path / "form.xlsx", cells)
    return open_form(guard_workbook(tmp_path / "form.xlsx"), LIVC)


def codes(findings):
    return [(finding.code, finding.severity, finding.where.cell) for finding in findings]


@pytest.mark.parametrize("language", LANGUAGES)
def test_rows_come_back_as_a_roster(tmp_path, language):
    say = words(language).say
    cells = row(
        1,
        action=ACTION[language],
        start=dt.date(2023, 3, 1),
        end=dt.date(2024, 2, 29),
        hours=12.5,
        decided_by=say("form.roster.by.livc_r"),
        state=say("form.roster.state.treated"),
    )
    cells |= row(2, action=ACTION[language], start="01/09/2024")
    cells |= row(5, action=ACTION[language], state=say("form.roster.state.unknown"))
    cells |= row(6, action=ACTION[language], state=say("form.roster.state.never"))
    form = read(tmp_path, cells, language)
    table, findings = read_roster_sheet(form)
    assert findings == ()
    assert tuple(table.columns) == designs_roster.COLUMNS == roster_sheet.COLUMNS
    assert set(table["unit"]) == {"Z01"}
    assert set(table["action"]) == {"coaching"}
    assert list(table["state"]) == ["treated", "treated", "unknown", "never"]
    assert list(table["start"][:2]) == [pd.Timestamp(2023, 3, 1), pd.Timestamp(2024, 9, 1)]
    assert table["start"][2:].isna().all()
    assert table["end"][0] == pd.Timestamp(2024, 2, 29)
    assert table["hours"][0] == 12.5
    assert table["hours"][1:].isna().all()
    assert list(table["decided_by"]) == ["livc_r", "", "", ""]
    title = form.layout.titles["roster"]
    assert table["source"][2] == f"form:{form.scan.sha256}/{title}!B8"
    # what the design room makes of it is the same
    parsed = designs_roster.parse_roster(table.drop(index=3))
    assert list(parsed["state"]) == ["treated", "treated", "unknown"]


def test_states_are_those_of_the_designs():
    assert STATES == designs_roster.STATES


@pytest.mark.parametrize(
    ("cells", "found", "left"),
    [
        ({"start": "soon"}, [("roster.not_a_date", "error", "C4")], 0),
        ({"start": "31/02/2025"}, [("roster.not_a_date", "error", "C4")], 0),
        ({"start": 2025}, [("roster.not_a_date", "error", "C4")], 0),
        ({"start": dt.date(2025, 3, 1), "action": None}, [("roster.no_action", "error", "B4")], 0),
        ({"start": "2025-03", "action": "Jan Peeters"}, [("value.unknown_option", "error", "B4")], 0),
        ({"start": "2025-03", "decided_by": "Jan Peeters"}, [("value.unknown_option", "error", "F4")], 0),
        ({"start": "2025-03", "end": "2025-02"}, [("roster.end_before_start", "error", "D4")], 0),
        ({"start": "2025-03", "state": "nooit gekregen"}, [("roster.never_with_start", "error", "G4")], 0),
        ({"start": "2025-03", "hours": -1}, [("value.not_a_number", "error", "E4")], 0),
        ({"start": "2025-03", "hours": "12,5"}, [], 1),
        ({}, [("roster.no_start", "question", "C4")], 1),
        ({"state": "gekregen"}, [("roster.no_start", "question", "C4")], 1),
    ],
)
def test_faults_are_told_with_their_cell_and_without_what_was_typed(tmp_path, cells, found, left):
    table, findings = read_roster_sheet(read(tmp_path, row(1, **{"action": ACTION["nl"], **cells})))
    assert codes(findings) == found
    assert len(table) == left
    assert all("Jan" not in str(finding) for finding in findings)
    if left and found:
        assert list(table["state"]) == ["unknown"]
    for finding in findings:
        for language in LANGUAGES:
            assert words(language).say(f"{finding.code}.remedy")


def test_a_month_means_its_first_day_and_at_the_end_its_last(tmp_path):
    table, _ = read_roster_sheet(read(tmp_path, row(1, action=ACTION["nl"], start="2024-02", end="2024-02")))
    assert (table["start"][0], table["end"][0]) == (pd.Timestamp(2024, 2, 1), pd.Timestamp(2024, 2, 29))


def test_role_and_minutes_are_read_and_never_needed(tmp_path):
    assert read_about(read(tmp_path, {})) == (roster_sheet.About(), ())
    cells = {"etk.about.form.contact.v": "Informatieambtenaar", "etk.about.form.minutes.v": 45}
    about, findings = read_about(read(tmp_path, cells))
    assert (about, findings) == (roster_sheet.About("information", 45), ())


def test_a_name_in_the_place_of_a_role_is_refused_and_not_repeated(tmp_path):
    form = read(tmp_path, {"etk.about.form.contact.v": "Jan Peeters", "etk.about.form.minutes.v": "an hour"})
    about, findings = read_about(form)
    assert about == roster_sheet.About()
    assert codes(findings) == [("contact.not_a_role", "error", "C3"), ("value.not_a_number", "error", "C4")]
    assert "Peeters" not in str(findings)


def test_an_address_there_refuses_the_whole_form(tmp_path):
    (tmp_path / "in").mkdir()
    fill(LIVC, meta(), tmp_path / "in" / "form.xlsx", {"etk.about.form.contact.v": "jan.peeters@example.org"})
    collected = collect_folder(tmp_path / "in", store=tmp_path / "store", framework=LIVC)
    assert [finding.code for finding in collected.findings] == ["personal.email"]
    assert list(collected.files["state"]) == ["refused"]


def test_words_of_every_list_differ_within_all_languages():
    for start, listed in (("contact", CONTACT_ROLES), ("roster.by", DECIDERS), ("roster.state", STATES)):
        said = {}
        for language in LANGUAGES:
            for code in listed:
                said.setdefault(words(language).say(f"form.{start}.{code}").casefold(), set()).add(code)
        assert all(len(found) == 1 for found in said.values())


def test_collecting_tells_faults_and_gathers_the_rosters_of_all_forms(tmp_path):
    (tmp_path / "in").mkdir()
    started = row(1, action=ACTION["nl"], start=dt.date(2023, 3, 1))
    answer = {"etk.GOV_08.case.2025.v": 3}
    fill(LIVC, meta(), tmp_path / "in" / "a.xlsx", answer | started | row(2, action=ACTION["nl"], start="soon"))
    later = {"etk.GOV_08.case.2026.v": 4} | started
    fill(LIVC, meta(period="2026"), tmp_path / "in" / "b.xlsx", later)
    fill(LIVC, meta("fr", "Z02"), tmp_path / "in" / "c.xlsx", answer | row(3, action=ACTION["fr"], start="2024-01"))
    collected = collect_folder(tmp_path / "in", store=tmp_path / "store", framework=LIVC)
    assert "roster.not_a_date" in {finding.code for finding in collected.findings}
    roster = collect_roster(tmp_path / "store", LIVC)
    assert list(zip(roster["unit"], roster["action"], roster["start"].dt.year, strict=True)) == [
        ("Z01", "coaching", 2023),
        ("Z02", "coaching", 2024),
    ]
    # the row that stands in both forms comes from the later one
    files = collected.files.set_index("file")["sha256"]
    assert roster["source"].iloc[0].startswith(f"form:{files['b.xlsx']}/")
    assert len(designs_roster.parse_roster(roster)) == 2


def test_a_form_that_asks_no_action_has_no_roster():
    sample = LIVC.model_copy(
        update={"indicators": tuple(i for i in LIVC.indicators if i.did != "treatment")},
    )
    sample.__dict__.pop("by_id", None)
    layout = layout_form(sample, meta())
    assert "roster" not in layout.titles
    assert layout.actions == ()
    assert len([extra for extra in layout_form(LIVC, meta()).extras if extra.line]) == 6 * ROSTER_ROWS
