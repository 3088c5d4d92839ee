import io

import openpyxl
import pytest
from forms_sample import ANSWERS, TEXT, edit_cell, write_form

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.erase import erase_file
from evaltoolkit.submissions.history import history, revision_values, trace
from evaltoolkit.submissions.store import Reading, StoredValue, load_store, open_store

CASE = ("GOV-08", "case", "2025")


@pytest.fixture
def store(tmp_path, framework):
    """Three files of one respondent: a fault, its correction, a third that disagrees; and one for another year."""
    returned = tmp_path / "returned"
    path, layout = write_form(framework, returned, name="first.xlsx")
    edit_cell(path, layout, CASE, TEXT, "veel")
    collect_folder(returned, store=tmp_path / "store", framework=framework)
    path.unlink()
    write_form(framework, returned, {**ANSWERS, ("CAP-01", "hours"): 20}, name="second.xlsx")
    collect_folder(returned, store=tmp_path / "store", framework=framework)
    fewer = {key: answer for key, answer in ANSWERS.items() if key[0] != "COMP-01"}
    write_form(framework, returned, fewer, name="third.xlsx")
    write_form(framework, returned, name="before.xlsx", period="2024", earlier=("2023",))
    collect_folder(returned, store=tmp_path / "store", framework=framework)
    return tmp_path / "store"


def test_revisions_say_when_what_became_of_them_and_how_many_answers_changed(store):
    told = history(store, "11002", "2025")
    assert told["file"].tolist() == ["first.xlsx", "second.xlsx", "third.xlsx"]
    assert told["revision"].tolist() == [1, 2, 3]
    assert told["state"].tolist() == ["open", "accepted", "accepted"]
    assert told["replaced_by"].tolist() == [told["sha256"][1], "", ""]
    assert told["reason"].tolist() == ["corrected", "", ""]
    assert told["received"].is_monotonic_increasing
    total = 2 * len(ANSWERS)
    # two periods are asked: the hours changed in both, the members and the chair of the cell are gone from both
    assert told["answers"].tolist() == [total - 1, total, total - 4]
    assert told[["added", "changed", "dropped"]].to_numpy().tolist() == [[total - 1, 0, 0], [1, 2, 0], [0, 2, 4]]
    assert told["indicators"].tolist()[1:] == ["CAP-01;GOV-08", "CAP-01;COMP-01"]
    assert "12.5" not in told.to_csv()


def test_all_periods_are_told_each_with_numbers_of_its_own(store):
    told = history(store, "11002")
    assert told.groupby("period")["revision"].apply(list).to_dict() == {"2024": [1], "2025": [1, 2, 3]}


def test_a_refused_file_changes_nothing(store, tmp_path, framework):
    path, layout = write_form(framework, tmp_path / "returned", name="fourth.xlsx")
    edit_cell(path, layout, CASE, TEXT, "jan@example.org")
    collect_folder(tmp_path / "returned", store=store, framework=framework)
    last = history(store, "11002", "2025").iloc[-1]
    assert (last["state"], last["answers"], last["dropped"]) == ("refused", 0, 0)
    with pytest.raises(EvaltoolkitError, match="was refused"):
        revision_values(store, last["sha256"])


def test_any_revision_can_be_had_again(store):
    told = history(store, "11002", "2025").set_index("file")
    hours = {}
    for file, row in told.iterrows():
        values = revision_values(store, row["sha256"][:12])
        assert len(values) == row["answers"]
        assert values["source"].str.startswith(f"xlsx:{row['sha256']}/").all()
        assert list(values.columns) == list(load_store(store).columns)
        hours[file] = values.query("indicator == 'CAP-01' and period == '2025'")["value"].tolist()
    assert hours == {"first.xlsx": [12.5], "second.xlsx": [20.0], "third.xlsx": [12.5]}


def test_every_value_leads_to_the_cell_of_a_kept_file(store):
    for row in load_store(store).itertuples():
        found = trace(store, row.source)
        assert found.intact
        assert (found.unit, found.original.name) == ("11002", found.sha256)
        if row.indicator in ("GOV-08", "CAP-01"):
            book = openpyxl.load_workbook(io.BytesIO(found.original.read_bytes()))
            assert book[found.sheet][found.cell].value == row.value
    # one byte more, and it is told
    original = found.original
    original.write_bytes(original.read_bytes() + b"x")
    assert not trace(store, row.source).intact
    original.unlink()
    assert not trace(store, row.source).intact


def test_what_a_web_form_saved_is_traced_to_the_answer(tmp_path):
    answer = StoredValue("2023-03-01/2023-05-31", "GOV-08", "case", 4.0, "", "registered", "", "GOV-08.case.a/b", 1)
    about = {"unit_kind": "municipality", "unit": "11001", "period": "2025", "answers": (answer,)}
    with open_store(tmp_path) as store:
        store.add([(Reading("a" * 64, "sample 1", "form.json", "accepted", **about), b"x")], "now")
    (source,) = load_store(tmp_path)["source"]
    found = trace(tmp_path, source)
    assert (found.file, found.sheet, found.cell, found.intact) == ("form.json", "", "GOV-08.case.a/b", False)


def test_unknown_words_are_refused_with_the_nearest(store, tmp_path):
    wrong = [
        (lambda: history(store, "11003"), r'no file of "11003"\. Did you mean "11002"'),
        (lambda: history(store, "11002", "2026"), r'for "2026", only for 2024, 2025\. Did you mean'),
        (lambda: history(tmp_path / "nowhere", "11002"), "no store"),
        (lambda: trace(store, "A7"), "does not say where"),
        (lambda: trace(store, "xlsx:" + "f" * 64 + "/A!C7"), "no file with the SHA-256"),
        (lambda: revision_values(store, "zzzzzzzz"), "no file with the SHA-256"),
    ]
    for call, said in wrong:
        with pytest.raises(EvaltoolkitError, match=said):
            call()
    assert not (tmp_path / "nowhere").exists()


def test_of_an_erased_file_it_is_said_that_it_was_erased(store):
    digest = history(store, "11002", "2025").iloc[0]["sha256"]
    erase_file(store, digest)
    assert history(store, "11002", "2025")["file"].tolist() == ["second.xlsx", "third.xlsx"]
    for call in (lambda: revision_values(store, digest), lambda: trace(store, f"xlsx:{digest}/Antwoorden!C7")):
        with pytest.raises(EvaltoolkitError, match="was erased"):
            call()


def test_a_file_that_is_named_like_a_formula_is_text_in_a_csv(tmp_path, framework):
    from evaltoolkit.submissions.values_csv import write_values

    write_form(framework, tmp_path / "in", name="=cmd.xlsx")
    collect_folder(tmp_path / "in", store=tmp_path / "store", framework=framework)
    written = write_values(history(tmp_path / "store", "11002"), tmp_path / "history.csv").read_text("utf-8")
    assert ",'=cmd.xlsx," in written
    # numbers below zero stay numbers, and codes stay as they are
    values = revision_values(tmp_path / "store", history(tmp_path / "store", "11002")["sha256"][0])
    values.loc[0, "value"] = -2.5
    text = write_values(values, tmp_path / "values.csv").read_text("utf-8")
    assert ",-2.5," in text
    assert "'" not in text
