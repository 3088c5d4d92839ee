import hashlib
import io

import openpyxl
import pytest
from forms_sample import ANSWERS, NUMBER, TEXT, edit_cell, write_form

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.personal_words import KINDS
from evaltoolkit.submissions.store import load_store, open_store
from evaltoolkit.submissions.versions import choose_file

CASE = ("GOV-08", "case", "2025")


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "returned", tmp_path / "store"


def collect(folders, framework):
    return collect_folder(folders[0], store=folders[1], framework=framework)


def dump(folders):
    with open_store(folders[1]) as store:
        return store.dump()


def digest(folders):
    """The whole store as one digest: what is in the tables, and every original by name and bytes."""
    kept = b"".join(path.name.encode() + path.read_bytes() for path in sorted((folders[1] / "originals").iterdir()))
    return hashlib.sha256(dump(folders).encode() + kept).hexdigest()


def originals(folders):
    return sorted(path.name for path in (folders[1] / "originals").iterdir())


def value_of(collection, key=("GOV-08", "case"), period="2025"):
    rows = collection.values.set_index(["indicator", "part", "period"])
    return rows.loc[[(*key, period)], "value"].tolist()


def test_collect_twice_changes_nothing(folders, framework):
    for unit in ("11002", "11001", "11004"):
        write_form(framework, folders[0] / "deep", unit=unit)
    (folders[0] / "~$11001_2025_nl.xlsx").write_bytes(b"lock")
    (folders[0] / ".DS_Store").write_bytes(b"x")
    seen = []
    first = collect_folder(
        folders[0], store=folders[1], framework=framework, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert (len(first.files), first.errors) == (3, ())
    assert len(first.values) == 3 * 2 * len(ANSWERS)
    state, kept = digest(folders), originals(folders)
    # ten times in all
    for _ in range(9):
        again = collect(folders, framework)
        assert again.values.equals(first.values)
        assert again.findings == first.findings
        assert digest(folders) == state
    assert originals(folders) == kept == sorted(first.files["sha256"])
    assert load_store(folders[1]).equals(first.values)


def test_every_value_is_traced_to_a_cell_that_holds_it(folders, framework):
    write_form(framework, folders[0])
    values = collect(folders, framework).values
    book = openpyxl.load_workbook(io.BytesIO((folders[1] / "originals" / originals(folders)[0]).read_bytes()))
    for row in values.itertuples():
        digest, _, place = row.source.removeprefix("xlsx:").partition("/")
        assert digest == originals(folders)[0]
        sheet, _, cell = place.rpartition("!")
        raw = book[sheet][cell].value
        if row.indicator in ("GOV-08", "CAP-01"):
            assert raw == row.value
        else:
            assert raw is not None or row.part == "members"


def test_the_store_refuses_change(folders, framework):
    import sqlite3
    from contextlib import closing

    path, layout = write_form(framework, folders[0])
    edit_cell(path, layout, CASE, TEXT, "veel")
    collect(folders, framework)
    with open_store(folders[1]) as store:
        store.replace("a", "b", "chosen")
    with closing(sqlite3.connect(folders[1] / "store.sqlite")) as connection:
        for table in ("reading", "value", "finding", "replacement"):
            column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    connection.execute(statement)


def test_faulty_cell_is_left_out_and_a_corrected_file_takes_over(folders, framework):
    path, layout = write_form(framework, folders[0])
    edit_cell(path, layout, CASE, TEXT, "veel")
    first = collect(folders, framework)
    assert [f.code for f in first.errors] == ["value.not_a_number"]
    assert first.files["state"].tolist() == ["open"]
    assert len(first.values) == 2 * len(ANSWERS) - 1
    path.unlink()
    write_form(framework, folders[0], {**ANSWERS, ("GOV-08", "case"): 3}, name="corrected.xlsx")
    second = collect(folders, framework)
    assert second.errors == ()
    assert value_of(second) == [3.0]
    assert second.files["replaced"].tolist() == [True, False]
    assert len(originals(folders)) == 2


def test_faulty_and_clean_version_in_one_folder(folders, framework):
    write_form(framework, folders[0], name="a_clean.xlsx")
    path, layout = write_form(framework, folders[0], name="b_faulty.xlsx")
    edit_cell(path, layout, CASE, TEXT, "veel")
    collection = collect(folders, framework)
    assert collection.errors == ()
    assert value_of(collection) == [5.0]


def test_two_different_clean_files_are_a_conflict_until_one_is_chosen(folders, framework):
    write_form(framework, folders[0], name="first.xlsx")
    write_form(framework, folders[0], {**ANSWERS, ("GOV-08", "case"): 4}, name="second.xlsx")
    collection = collect(folders, framework)
    # the answer is asked for 2025 and 2024, and both differ
    assert [(f.code, f.where.file, f.facts["other"], f.facts["count"]) for f in collection.errors] == [
        ("file.conflict", "second.xlsx", "first.xlsx", 2)
    ]
    assert len(collection.values) == 2 * len(ANSWERS) - 2
    with open_store(folders[1]) as store:
        with pytest.raises(EvaltoolkitError, match=r'Did you mean "second\.xlsx"'):
            choose_file(store, "secnd.xlsx")
        choose_file(store, "second.xlsx")
    settled = collect(folders, framework)
    assert settled.errors == ()
    assert value_of(settled) == [4.0]


def test_two_files_that_differ_in_a_chosen_text_are_a_conflict_too(folders, framework):
    write_form(framework, folders[0], name="first.xlsx")
    write_form(framework, folders[0], {**ANSWERS, ("COMP-01", "members"): "mayor;social"}, name="second.xlsx")
    collection = collect(folders, framework)
    assert [(f.code, f.facts["count"]) for f in collection.errors] == [("file.conflict", 2)]
    assert len(collection.values) == 2 * len(ANSWERS) - 2
    assert "members" not in set(collection.values["part"])


def test_same_answers_saved_again_are_no_conflict(folders, framework):
    path, _ = write_form(framework, folders[0], name="first.xlsx")
    book = openpyxl.load_workbook(path)
    book.save(folders[0] / "second.xlsx")
    collection = collect(folders, framework)
    assert collection.findings == ()
    assert len(collection.values) == 2 * len(ANSWERS)


def test_registered_comes_before_reconstructed(folders, framework):
    write_form(framework, folders[0], period="2024", earlier=("2023",))
    later = {**ANSWERS, ("GOV-08", "case"): 3}
    write_form(framework, folders[0], later, period="2025", earlier=("2024", "2023"))
    collection = collect(folders, framework)
    assert collection.errors == ()
    assert not collection.values.duplicated(["unit", "period", "indicator", "part"]).any()
    assert [value_of(collection, period=year) for year in ("2025", "2024", "2023")] == [[3.0], [5.0], [3.0]]


def test_refused_files_leave_nothing_but_their_digest(folders, framework):
    path, layout = write_form(framework, folders[0])
    edit_cell(path, layout, CASE, TEXT, "jan@example.org")
    (folders[0] / "page.xlsx").write_text("<html><body>x</body></html>")
    collection = collect(folders, framework)
    assert sorted(f.code for f in collection.errors) == ["file.not_xlsx", "personal.email"]
    assert collection.values.empty
    assert originals(folders) == []
    assert "example.org" not in dump(folders)
    path.unlink()
    (folders[0] / "page.xlsx").unlink()
    write_form(framework, folders[0], name="again.xlsx")
    assert collect(folders, framework).errors == ()


@pytest.mark.shared
def test_hostile_folder_is_refused_whole(folders, framework, shared):
    collection = collect_folder(shared / "threats", store=folders[1], framework=framework)
    assert set(collection.files["state"]) == {"refused"}
    assert len(collection.files) == 23
    assert {f.severity for f in collection.findings} == {"error"}
    assert collection.values.empty
    assert originals(folders) == []


def test_correct_set_has_no_error(folders, framework):
    for i, unit in enumerate(("11001", "62063", "63023", "21004", "11002")):
        write_form(framework, folders[0], unit=unit, language=LANGUAGES[i % 4])
    collection = collect(folders, framework)
    assert collection.errors == ()
    assert set(collection.files["language"]) == set(LANGUAGES)


def test_wrong_folders(tmp_path, framework):
    (tmp_path / "empty").mkdir()
    for folder, said in ((tmp_path / "empty", "holds no workbook"), (tmp_path / "nowhere", "no folder")):
        with pytest.raises(EvaltoolkitError, match=said):
            collect_folder(folder, store=tmp_path / "store", framework=framework)
    with pytest.raises(EvaltoolkitError, match="no store"):
        load_store(tmp_path / "nowhere")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "store.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(EvaltoolkitError, match="cannot be used"):
        load_store(tmp_path / "bad")


def test_every_finding_is_said_in_four_languages_with_the_same_facts():
    import re
    from importlib import resources

    root = resources.files("evaltoolkit")
    sources = [entry.read_text("utf-8") for entry in (root / "submissions").iterdir() if entry.name.endswith(".py")]
    codes = set(re.findall(r'"((?:file|value|status|row|column)\.[a-z_]+)"', "\n".join(sources)))
    codes |= set(re.findall(r'(?:Finding|_refusal|code =)[^"\n]*"(form\.[a-z_]+)"', "\n".join(sources)))
    codes.add("value.rule_broken")
    codes |= {f"personal.{kind}" for kind in (*KINDS, "comment", "beside")}
    assert len(codes) > 55
    facts = dict.fromkeys(
        ("limit", "left", "right", "count", "rows", "columns", "value", "usual", "row", "first", "vintage"), 3
    ) | dict.fromkeys(
        ("other", "version", "form", "framework", "status", "column", "nearest", "word", "language", "sha", "rule"), "x"
    )
    for code in sorted(codes):
        for suffix in ("", ".remedy"):
            said = {language: words(language).say(code + suffix, **facts) for language in LANGUAGES}
            assert len(set(said.values())) == 4, code


def test_a_rule_takes_out_all_answers_that_take_part(folders, framework):
    path, layout = write_form(framework, folders[0])
    edit_cell(path, layout, CASE, NUMBER, "300")
    collection = collect(folders, framework)
    assert [f.code for f in collection.errors] == ["rule.meetings_add_up"]
    gone = {(a, b) for a, b in ANSWERS if a == "GOV-08"}
    kept = set(zip(*(collection.values.query("period == '2025'")[c] for c in ("indicator", "part")), strict=True))
    assert kept == set(ANSWERS) - gone


def test_the_choice_between_two_files_is_made_while_collecting(folders, framework):
    write_form(framework, folders[0], name="first.xlsx")
    write_form(framework, folders[0], {**ANSWERS, ("GOV-08", "case"): 4}, name="second.xlsx")
    settled = collect_folder(folders[0], store=folders[1], framework=framework, keep=["second.xlsx"])
    assert settled.errors == ()
    assert value_of(settled) == [4.0]
    # the same again changes nothing; the other one would leave no answer at all
    assert value_of(collect_folder(folders[0], store=folders[1], framework=framework, keep=["second.xlsx"])) == [4.0]
    with pytest.raises(EvaltoolkitError, match="gave way to another file before"):
        collect_folder(folders[0], store=folders[1], framework=framework, keep=["first.xlsx"])
    assert value_of(collect(folders, framework)) == [4.0]


def test_extra_sheet_is_told_in_the_language_of_the_form_and_given_way_to_a_corrected_file(folders, framework):
    path, _ = write_form(framework, folders[0], name="first.xlsx")
    book = openpyxl.load_workbook(path)
    book.create_sheet("Nota")
    book.save(path)
    (refusal,) = collect(folders, framework).errors
    assert (refusal.code, refusal.facts["language"], refusal.where.period) == ("file.unknown_sheets", "nl", "2025")
    write_form(framework, folders[0], name="second.xlsx")
    assert collect(folders, framework).errors == ()
