"""Roster, role and minutes in the store: added once, purged, exported, traced; stores of earlier versions."""

import datetime as dt
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from fill_sample import fill

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import words
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.erase import erase_file
from evaltoolkit.submissions.history import history, trace
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.rosters import collect_about, collect_roster
from evaltoolkit.submissions.schema import VERSION
from evaltoolkit.submissions.store import load_store, open_store

LIVC = load_framework("livc-r")
ACTION = LIVC.by_id["CAP-05"].part("kinds").options[0].label.in_("nl")
TABLES = ("about", "roster")


def row(line, **cells):
    return {f"etk.roster.r{line}.{key}.v": value for key, value in cells.items()}


def form(folder, name, unit="Z01", period="2025", start=dt.date(2023, 3, 1), minutes=45):
    meta = FormMeta("livc-r", LIVC.version, "starter", "livc_r", unit, ("11001",), "2025", period, (), "nl")
    say = words("nl").say
    cells = row(1, action=ACTION, start=start, hours=12.5, decided_by=say("form.roster.by.livc_r"))
    cells |= row(4, action=ACTION, state=say("form.roster.state.never"))
    about = {"etk.about.form.contact.v": say("form.contact.police"), "etk.about.form.minutes.v": minutes}
    folder.mkdir(exist_ok=True)
    fill(LIVC, meta, folder / name, cells | about | {f"etk.GOV_08.case.{period}.v": 3})


@pytest.fixture
def store(tmp_path):
    form(tmp_path / "in", "a.xlsx")
    form(tmp_path / "in", "b.xlsx", unit="Z02", minutes=None)
    collect_folder(tmp_path / "in", store=tmp_path / "store", framework=LIVC)
    return tmp_path / "store"


def digests(store):
    with open_store(store) as opened:
        return opened.readings().set_index("file")["sha256"]


def change(store, script):
    with closing(sqlite3.connect(store / "store.sqlite")) as connection:
        connection.executescript(script)


def test_the_roster_comes_from_the_store_and_not_from_the_originals(store):
    first = collect_roster(store, LIVC)
    assert first[["unit", "action", "state", "decided_by", "hours"]].fillna(-1).values.tolist() == [
        ["Z01", "coaching", "treated", "livc_r", 12.5],
        ["Z01", "coaching", "never", "", -1.0],
        ["Z02", "coaching", "treated", "livc_r", 12.5],
        ["Z02", "coaching", "never", "", -1.0],
    ]
    assert first["start"].dt.date.tolist()[0] == dt.date(2023, 3, 1)
    for original in (store / "originals").iterdir():
        original.unlink()
    pd.testing.assert_frame_equal(collect_roster(store, LIVC), first)


def test_role_and_minutes_are_kept(store):
    about = collect_about(store, LIVC)
    assert about[["unit", "period", "contact"]].values.tolist() == [
        ["Z01", "2025", "police"],
        ["Z02", "2025", "police"],
    ]
    assert about["minutes"].tolist() == [45, pd.NA]
    assert about["sha256"].tolist() == digests(store)[["a.xlsx", "b.xlsx"]].tolist()


def test_the_tables_are_append_only_and_strict(store):
    with closing(sqlite3.connect(store / "store.sqlite")) as connection:
        for table, column in zip(TABLES, ("contact", "action"), strict=True):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = 'x'"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    connection.execute(statement)
            assert connection.execute(f"SELECT strict FROM pragma_table_list('{table}')").fetchone() == (1,)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO roster VALUES (1, 99, 'a', '', '', NULL, '', 'odd', 's', 'c')")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO about VALUES (1, 'police', 'a while')")


def test_a_correction_makes_a_revision_and_history_tells_it(store, tmp_path):
    form(tmp_path / "in", "c.xlsx", start=dt.date(2024, 1, 1), minutes=20)
    collect_folder(tmp_path / "in", store=store, framework=LIVC, keep=["c.xlsx"])
    told = history(store, "Z01")
    assert told[["file", "contact", "minutes", "actions"]].values.tolist() == [
        ["a.xlsx", "police", 45, 2],
        ["c.xlsx", "police", 20, 2],
    ]
    of_unit = collect_roster(store, LIVC).query("unit == 'Z01' and state == 'treated'")
    assert of_unit["start"].dt.year.tolist() == [2024]
    first = collect_roster(store, LIVC, revision=digests(store)["a.xlsx"][:10])
    assert first.query("state == 'treated'")["start"].dt.year.tolist() == [2023]
    with pytest.raises(EvaltoolkitError, match="holds no file"):
        collect_roster(store, LIVC, revision="0" * 12)


def test_files_that_differ_in_the_roster_alone_are_a_conflict(store, tmp_path):
    form(tmp_path / "in", "c.xlsx", start=dt.date(2024, 1, 1))
    collection = collect_folder(tmp_path / "in", store=store, framework=LIVC)
    (conflict,) = collection.errors
    assert (conflict.code, conflict.facts["count"]) == ("file.conflict", 2)
    # only the row that stands in both counts
    assert collect_roster(store, LIVC).query("unit == 'Z01'")["state"].tolist() == ["never"]
    # another number of minutes alone is no other answer
    form(tmp_path / "in", "d.xlsx", unit="Z02", minutes=10)
    assert collect_folder(tmp_path / "in", store=store, framework=LIVC).errors == collection.errors


def test_a_row_of_the_roster_is_traced_to_its_cell(store):
    source = collect_roster(store, LIVC)["source"].iloc[0]
    found = trace(store, source)
    assert (found.file, found.cell, found.unit, found.intact) == ("a.xlsx", "B4", "Z01", True)
    assert found.sheet in source


def test_erasing_takes_them_too(store):
    digest = digests(store)["a.xlsx"]
    erase_file(store, digest)
    assert set(collect_roster(store, LIVC)["unit"]) == set(collect_about(store, LIVC)["unit"]) == {"Z02"}
    with closing(sqlite3.connect(store / "store.sqlite")) as connection:
        left = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM roster")
    assert left == [1, 2]


def test_collecting_again_changes_nothing(store, tmp_path):
    with open_store(store) as opened:
        before = opened.dump()
    collect_folder(tmp_path / "in", store=store, framework=LIVC)
    collect_roster(store, LIVC)
    with open_store(store) as opened:
        assert opened.dump() == before


def make_old(store):
    """Take the store back to what an earlier version made: without the tables, their triggers and a number."""
    change(store, "BEGIN; DROP TABLE about; DROP TABLE roster; PRAGMA user_version = 0; COMMIT;")


def test_a_store_of_an_earlier_version_is_upgraded_and_its_forms_are_read_once_more(store):
    first, about, values = collect_roster(store, LIVC), collect_about(store, LIVC), load_store(store)
    make_old(store)
    assert load_store(store).equals(values)
    with closing(sqlite3.connect(store / "store.sqlite")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("SELECT count(*) FROM about").fetchone() == (0,)
    pd.testing.assert_frame_equal(collect_roster(store, LIVC), first)
    pd.testing.assert_frame_equal(collect_about(store, LIVC), about)
    for original in (store / "originals").iterdir():
        original.unlink()
    pd.testing.assert_frame_equal(collect_roster(store, LIVC), first)


def test_an_old_form_whose_original_was_changed_is_named(store):
    make_old(store)
    original = store / "originals" / digests(store)["a.xlsx"]
    original.write_bytes(b"changed")
    with pytest.raises(EvaltoolkitError, match=f"{original.name[:12]}… is missing or was changed"):
        collect_roster(store, LIVC)


def test_an_upgrade_that_fails_leaves_the_old_store(store):
    make_old(store)
    # a table of the same name, but of another kind, stops the upgrade after the first new table
    change(store, "CREATE TABLE other (x); CREATE VIEW roster AS SELECT * FROM other;")
    with pytest.raises(EvaltoolkitError, match="cannot be used"):
        load_store(store)
    with closing(sqlite3.connect(store / "store.sqlite")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'about'").fetchone() == (0,)


def test_a_store_of_a_later_version_and_another_program_are_refused_with_what_to_do(store, tmp_path):
    change(store, f"PRAGMA user_version = {VERSION + 1};")
    with pytest.raises(EvaltoolkitError, match=r"later version of evaltoolkit .* install that version"):
        load_store(store)
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / "store.sqlite")) as connection:
        connection.execute("CREATE TABLE music (x)")
    with pytest.raises(EvaltoolkitError, match="another program: name another folder"):
        load_store(tmp_path / "other")


def test_a_file_taken_by_an_earlier_version_that_holds_personal_data_is_told(store, tmp_path, monkeypatch):
    """The reading before did not know dates of birth; the original lies in the store until somebody erases it."""
    import openpyxl

    from evaltoolkit.submissions import personal_cells
    from evaltoolkit.submissions import store as stores

    path = tmp_path / "in" / "d.xlsx"
    form(tmp_path / "in", "d.xlsx", unit="Z03")
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["H40"] = "geboren op 12/03/1985"
    book.save(path)
    with monkeypatch.context() as earlier:
        earlier.setattr(stores, "READER", stores.READER - 1)
        earlier.setattr(personal_cells, "_text_kind", lambda text: None)
        assert collect_folder(tmp_path / "in", store=store, framework=LIVC).errors == ()
    collection = collect_folder(tmp_path / "in", store=store, framework=LIVC)
    told = {finding.code: finding for finding in collection.errors}
    assert set(told) == {"personal.birth_date", "file.kept_before"}
    assert "Z03" not in set(collection.values["unit"])
    digest = digests(store)["d.xlsx"]
    assert told["file.kept_before"].facts["sha"] == digest[:12]
    erase_file(store, told["file.kept_before"].facts["sha"])
    path.unlink()
    assert collect_folder(tmp_path / "in", store=store, framework=LIVC).errors == ()
    assert not (store / "originals" / digest).exists()
