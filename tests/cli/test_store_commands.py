import csv
import sys
from pathlib import Path

import pytest

from evaltoolkit.cli import main
from evaltoolkit.framework.load import load_framework
from evaltoolkit.submissions.collect import collect_folder

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "submissions"))

from forms_sample import TEXT, edit_cell, write_form

MEETINGS = {("GOV-08", "case"): 5, ("GOV-08", "strategic"): 4}


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture
def store(tmp_path):
    framework = load_framework("livc-r")
    path, layout = write_form(framework, tmp_path / "returned", MEETINGS, earlier=())
    edit_cell(path, layout, ("GOV-08", "case", "2025"), TEXT, "veel")
    collect_folder(tmp_path / "returned", store=tmp_path / "store", framework=framework)
    return tmp_path / "store"


def rows_of(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def digest_of(store):
    (original,) = (store / "originals").iterdir()
    return original.name


def test_respondents_are_answered(store, tmp_path, capsys):
    assert run("answer", store, tmp_path / "out", "--language", "fr") == 0
    assert "1 respondent answered" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["11002_2025_fr.html", "11002_2025_fr.xlsx"]
    assert run("answer", store, tmp_path / "out", "--language", "xx") == 2


def test_history_export_and_trace_lead_from_a_value_to_its_file(store, tmp_path, capsys):
    assert run("history", store, "11002", "--out", tmp_path / "history.csv") == 0
    (row,) = rows_of(tmp_path / "history.csv")
    assert (row["sha256"], row["state"], row["revision"]) == (digest_of(store), "open", "1")
    assert run("history", store, "11002") == 0
    assert run("export", store, tmp_path / "values.csv", "--revision", row["sha256"][:10]) == 0
    values = rows_of(tmp_path / "values.csv")
    # the faulty answer is left out
    assert [(value["part"], value["value"]) for value in values] == [("strategic", "4")]
    assert row["answers"] == "1"
    capsys.readouterr()
    assert run("trace", store, values[0]["source"]) == 0
    assert f"sha256: {row['sha256']}" in capsys.readouterr().out
    (store / "originals" / row["sha256"]).write_bytes(b"other")
    assert run("trace", store, values[0]["source"]) == 1
    assert run("history", store, "11003") == 2


def test_a_file_is_erased_by_a_command_of_its_own_or_before_collecting(store, tmp_path, capsys):
    digest = digest_of(store)
    assert run("collect", "--store", store) == 2
    assert run("purge", store, "0" * 64) == 2
    assert run("purge", store, digest[:8], "--reason", "request", "--role", "respondent") == 0
    assert f"{digest} is erased (request, respondent" in capsys.readouterr().out.replace("\n", "")
    assert run("collect", tmp_path / "returned", "--store", store) == 1
    assert "erased" in capsys.readouterr().out
    assert run("collect", "--purge", digest, "--store", store) == 0
    assert list((store / "originals").iterdir()) == []


def test_a_conflict_is_decided_by_a_command(tmp_path, capsys):
    framework = load_framework("livc-r")
    for name, meetings in (("a.xlsx", 5), ("b.xlsx", 6)):
        write_form(framework, tmp_path / "in", {("GOV-08", "case"): meetings}, name=name, earlier=())
    store = tmp_path / "store"
    assert run("collect", tmp_path / "in", "--store", store, "-l", "en") == 1
    assert "choose" in capsys.readouterr().out
    assert run("choose", store, "c.xlsx") == 2
    assert run("choose", tmp_path / "nowhere", "b.xlsx") == 2
    assert run("choose", store, "b.xlsx") == 0
    assert "1 file gave way: a.xlsx." in capsys.readouterr().out
    assert run("collect", tmp_path / "in", "--store", store) == 0
    assert run("export", store, tmp_path / "values.csv") == 0
    assert [row["value"] for row in rows_of(tmp_path / "values.csv")] == ["6"]
    assert run("choose", store, "a.xlsx") == 2
    assert run("choose", store, "b.xlsx") == 0
    assert "0 files gave way" in capsys.readouterr().out


def test_role_minutes_and_rosters_are_written_from_the_store(store, tmp_path):
    assert run("export", store, tmp_path / "about.csv", "--about") == 0
    (row,) = rows_of(tmp_path / "about.csv")
    assert (row["unit"], row["contact"], row["minutes"]) == ("11002", "", "")
    assert run("export", store, tmp_path / "about.csv", "--about", "--revision", row["sha256"][:9]) == 2
    assert run("roster", "--store", store, "--out", tmp_path / "roster.csv", "--revision", row["sha256"][:9]) == 0
    assert rows_of(tmp_path / "roster.csv") == []
