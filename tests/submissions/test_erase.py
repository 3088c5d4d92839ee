import sqlite3
from contextlib import closing

import openpyxl
import pytest
from forms_sample import ANSWERS, TEXT, edit_cell, write_form

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.erase import erase_file
from evaltoolkit.submissions.store import Reading, load_store, open_store

CASE = ("GOV-08", "case", "2025")
# the check digits are right, the person does not exist
NATIONAL = "85.07.30-033.28"
MARK = "onmiskenbare-bestandsnaam"


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "returned", tmp_path / "store"


def collect(folders, framework):
    return collect_folder(folders[0], store=folders[1], framework=framework)


def every_byte(folder):
    return b"\n".join(path.name.encode() + path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_value_about_a_person_is_nowhere_in_the_store(folders, framework):
    path, layout = write_form(framework, folders[0])
    edit_cell(path, layout, CASE, TEXT, NATIONAL)
    with open_store(folders[1]):
        # the log of the database is there as long as the store is open
        collection = collect(folders, framework)
        kept = every_byte(folders[1])
        assert any(entry.name == "store.sqlite-wal" for entry in folders[1].iterdir())
    assert [finding.code for finding in collection.errors] == ["personal.national_number"]
    assert collection.files["sha256"].tolist()[0].encode() in kept
    for secret in (NATIONAL, NATIONAL.replace(".", "").replace("-", "")):
        assert secret.encode() not in kept
        assert secret not in repr(collection.findings)
        assert secret.encode("utf-16-le") not in kept


def test_what_a_file_calls_itself_is_masked(tmp_path):
    from evaltoolkit.findings import Finding

    finding = Finding("form.other_framework", "error", facts={"form": NATIONAL, "framework": "sample 1"})
    reading = Reading(
        "a" * 64, "sample 1", f"{NATIONAL}.xlsx", "refused", "municipality", NATIONAL, members=(NATIONAL,),
        vintage=NATIONAL, findings=(finding,), form=NATIONAL,
    )  # fmt: skip
    with open_store(tmp_path) as store:
        store.add([(reading, b"")], "now")
        assert store.readings().loc[0, ["file", "unit", "members", "vintage"]].tolist() == ["…"] * 4
        assert dict(store.findings(store.readings())[0].facts) == {"form": "…", "framework": "sample 1"}
    assert NATIONAL.encode() not in every_byte(tmp_path)


def test_an_erased_file_is_gone_to_the_last_byte_and_only_that_is_recorded(folders, framework):
    write_form(framework, folders[0], name=f"{MARK}.xlsx")
    write_form(framework, folders[0], unit="11001")
    answers = collect(folders, framework)
    digest = answers.files.set_index("file").loc[f"{MARK}.xlsx", "sha256"]
    assert MARK.encode() in every_byte(folders[1])
    erased = erase_file(folders[1], digest[:10], reason="request", role="data_protection")
    assert (erased.sha256, erased.reason, erased.role, erased.others) == (digest, "request", "data_protection", ())
    assert MARK.encode() not in every_byte(folders[1])
    assert not (folders[1] / "originals" / digest).exists()
    assert set(load_store(folders[1])["unit"]) == {"11001"}
    with closing(sqlite3.connect(folders[1] / "store.sqlite")) as connection:
        rows = connection.execute("SELECT sha256, reason, role FROM erasure").fetchall()
        assert rows == [(digest, "request", "data_protection")]
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_values_of_an_erased_file_are_in_no_page_and_no_log(tmp_path):
    secrets = [f"geheim-{number:04d}-woord" for number in range(400)]
    from evaltoolkit.submissions.store import StoredValue

    answers = tuple(
        StoredValue("2025", f"X-{n}", "case", 1.0, secret, "registered", "Form", "C5", 1)
        for n, secret in enumerate(secrets)
    )
    about = {"unit_kind": "municipality", "unit": "11001", "period": "2025", "state": "accepted"}
    with open_store(tmp_path) as store:
        store.add([(Reading("a" * 64, "sample 1", "form.xlsx", answers=answers, **about), b"original")], "now")
        assert secrets[7].encode() in every_byte(tmp_path)
    erase_file(tmp_path, "a" * 64)
    with open_store(tmp_path):
        kept = every_byte(tmp_path)
    assert not [secret for secret in secrets if secret.encode() in kept]
    assert b"original" not in kept.replace(b"originals", b"")


def test_erasing_twice_keeps_the_first_record_and_the_store_stays_append_only(folders, framework):
    path, layout = write_form(framework, folders[0])
    edit_cell(path, layout, CASE, TEXT, "veel")
    digest = collect(folders, framework).files["sha256"][0]
    first = erase_file(folders[1], digest, reason="mistake")
    with open_store(folders[1]) as store:
        state = store.dump()
    again = erase_file(folders[1], digest, reason="request")
    assert again == first
    with open_store(folders[1]) as store:
        assert store.dump() == state
    path, layout = write_form(framework, folders[0], unit="11001")
    edit_cell(path, layout, CASE, TEXT, "veel")
    collect(folders, framework)
    with closing(sqlite3.connect(folders[1] / "store.sqlite")) as connection:
        for table in ("reading", "value", "finding", "asked", "erasure"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"DELETE FROM {table}")


def test_a_killed_erasing_is_completed_by_the_next(folders, framework):
    write_form(framework, folders[0])
    digest = collect(folders, framework).files["sha256"][0]
    original = folders[1] / "originals" / digest
    content = original.read_bytes()
    erase_file(folders[1], digest)
    # as after a kill between the tables and the folder
    original.write_bytes(content)
    original.with_suffix(".part").write_bytes(content)
    erase_file(folders[1], digest)
    assert list((folders[1] / "originals").iterdir()) == []


def test_the_same_file_is_not_taken_again_and_a_corrected_one_is(folders, framework):
    path, _ = write_form(framework, folders[0], name="first.xlsx")
    digest = collect(folders, framework).files["sha256"][0]
    erase_file(folders[1], digest)
    for _ in range(2):
        collection = collect(folders, framework)
        assert [(f.code, f.where.file) for f in collection.errors] == [("file.erased", "first.xlsx")]
        assert collection.values.empty
        assert not list((folders[1] / "originals").iterdir())
    path.unlink()
    write_form(framework, folders[0], {**ANSWERS, ("GOV-08", "case"): 3}, name="second.xlsx")
    collection = collect(folders, framework)
    assert collection.errors == ()
    assert len(collection.values) == 2 * len(ANSWERS)


def test_files_that_may_hold_the_same_data_are_named(folders, framework):
    path, _ = write_form(framework, folders[0], name="first.xlsx")
    openpyxl.load_workbook(path).save(folders[0] / "second.xlsx")
    digests = collect(folders, framework).files["sha256"].tolist()
    assert erase_file(folders[1], digests[0]).others == (digests[1],)


def test_what_does_not_name_one_file_is_refused_with_the_nearest(tmp_path):
    about = {"framework": "sample 1", "file": "form.xlsx", "state": "accepted"}
    with open_store(tmp_path / "store") as store:
        store.add([(Reading("abcdef01" + end * 56, **about), b"x") for end in "23"], "now")
    wrong = {
        "abcdef01": "Several files begin with",
        "abcdef11222": r'no file with the SHA-256 "abcdef11222"\. Did you mean "abcdef01222"',
        "abc": "too short",
        "": "too short",
        "%%%%%%%%%": "no file",
    }
    for sha, said in wrong.items():
        with pytest.raises(EvaltoolkitError, match=said):
            erase_file(tmp_path / "store", sha)
    with pytest.raises(EvaltoolkitError, match=r'reason "personal" must be one of .* Did you mean "personal_data"'):
        erase_file(tmp_path / "store", "abcdef012", reason="personal")
    with pytest.raises(EvaltoolkitError, match="no store"):
        erase_file(tmp_path / "nowhere", "abcdef012")
    assert not (tmp_path / "nowhere").exists()
    assert len(list((tmp_path / "store" / "originals").iterdir())) == 2


def test_while_another_program_reads_the_store_it_is_said_that_the_log_is_not_empty(tmp_path):
    with open_store(tmp_path) as store:
        store.add([(Reading("a" * 64, "sample 1", "form.xlsx", "accepted"), b"x")], "now")
        with closing(sqlite3.connect(tmp_path / "store.sqlite")) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM reading").fetchall()
            with pytest.raises(EvaltoolkitError, match="erase the file again"):
                erase_file(tmp_path, "a" * 64)
        assert erase_file(tmp_path, "a" * 64).reason == "personal_data"


def test_a_store_of_an_earlier_version_gets_what_it_lacks(folders, framework):
    write_form(framework, folders[0])
    first = collect(folders, framework)
    with closing(sqlite3.connect(folders[1] / "store.sqlite")) as connection:
        connection.executescript("DROP TABLE erasure; DROP TABLE asked;")
    assert collect(folders, framework).values.equals(first.values)
    erase_file(folders[1], first.files["sha256"][0])
    assert load_store(folders[1]).empty
