"""Commands for whoever writes indicators, and those around the forms."""

import csv
import json

import openpyxl
import pytest

from evaltoolkit.cli import main
from evaltoolkit.framework.load import load_framework

RESPONDENTS = "unit_kind,unit,name,members,language\nlivc_r,Z01,LIVC-R Noord,11001;11002,nl\n"


def run(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def respondents(tmp_path):
    path = tmp_path / "respondents.csv"
    path.write_text(RESPONDENTS, encoding="utf-8")
    return path


def test_lint_tells_faults_and_ends_with_one(tmp_path, capsys):
    assert run("framework", "lint", "livc-r") == 0
    assert "0 faults found." in capsys.readouterr().out
    (tmp_path / "own").mkdir()
    assert run("framework", "lint", tmp_path / "own") == 1
    assert "framework.toml: this file is missing; add it." in capsys.readouterr().out
    assert run("framework", "lint", tmp_path / "nowhere") == 2


def test_schema_goes_to_the_screen_or_into_a_file(tmp_path, capsys):
    assert run("framework", "schema") == 0
    shown = json.loads(capsys.readouterr().out)
    assert run("framework", "schema", "indicator", "--out", tmp_path / "i.json") == 0
    assert json.loads((tmp_path / "i.json").read_text(encoding="utf-8")) == shown
    assert run("framework", "schema", "rule") == 2
    assert run("framework", "schema", "indicator", "--out", tmp_path / "i.toml") == 2


def test_checklist_and_codebook_are_written(tmp_path):
    assert run("framework", "checklist", tmp_path / "list.html", "-l", "fr") == 0
    assert 'lang="fr"' in (tmp_path / "list.html").read_text(encoding="utf-8")
    assert run("codebook", tmp_path / "book", "-l", "de", "-l", "en") == 0
    found = sorted(path.name for path in (tmp_path / "book").iterdir())
    assert found == ["codebook_de.html", "codebook_de.xlsx", "codebook_en.html", "codebook_en.xlsx"]
    assert run("codebook", tmp_path / "book", "-l", "es") == 2


def test_template_asks_small_counts_only_under_an_agreement(tmp_path, respondents):
    for name, options in {"with": ["--agreement"], "without": [], "switch": ["--switch"]}.items():
        out = tmp_path / name
        assert run("template", respondents, out, "--period", 2025, "--form", "core", "--earlier", 0, *options) == 0
    names = {
        name: set(openpyxl.load_workbook(tmp_path / name / "Z01_2025_nl.xlsx").defined_names)
        for name in ("with", "without", "switch")
    }
    exact = "etk.CASE_04.numerator.2025.v"
    assert exact in names["with"] - names["without"]
    assert "etk_language" in names["switch"] - names["without"]


def test_a_form_for_kobo_goes_out_and_its_export_comes_in(tmp_path, respondents, capsys):
    assert run("xlsform", respondents, tmp_path / "form.xlsx", "--period", 2025) == 0
    survey = openpyxl.load_workbook(tmp_path / "form.xlsx")["survey"]
    names = [row[1] for row in survey.iter_rows(min_row=2, values_only=True)]
    assert "GOV_08__case__2025" in names
    metadata = {
        row[1]: row[[cell.value for cell in survey[1]].index("calculation")].strip("'")
        for row in survey.iter_rows(min_row=2, values_only=True)
        if row[0] == "calculate" and row[1].startswith("etk_")
    }
    export = tmp_path / "export.csv"
    columns = {**metadata, "etk_unit": "livc_r.Z01", "GOV_08__case__2025": "3"}
    with export.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=";").writerows([columns.keys(), columns.values()])
    assert run("kobo", export, tmp_path / "values.csv") == 0
    assert "1 value written" in capsys.readouterr().out
    assert "livc_r,Z01,2025,GOV-08,case,3,,registered" in (tmp_path / "values.csv").read_text(encoding="utf-8")
    export.write_text("Label;Unit\n3;Z01\n", encoding="utf-8")
    assert run("kobo", export, tmp_path / "values.csv") == 1


def test_rosters_of_the_forms_become_one_file(tmp_path, respondents):
    assert run("template", respondents, tmp_path / "forms", "--period", 2025, "--earlier", 0) == 0
    path = tmp_path / "forms" / "Z01_2025_nl.xlsx"
    book = openpyxl.load_workbook(path)
    label = load_framework("livc-r").by_id["CAP-05"].part("kinds").options[0].label.nl
    for name, value in {"etk.roster.r1.action.v": label, "etk.roster.r1.start.v": "01/03/2023"}.items():
        ((title, cell),) = book.defined_names[name].destinations
        book[title][cell.replace("$", "")] = value
    book.save(path)
    run("collect", tmp_path / "forms", "--store", tmp_path / "store")
    assert run("datapackage", tmp_path / "package", "--store", tmp_path / "store") == 0
    assert (tmp_path / "package" / "datapackage.json").is_file()
    assert run("datapackage", tmp_path / "package", "--store", tmp_path / "nowhere") == 2
    assert run("roster", "--store", tmp_path / "store", "--out", tmp_path / "roster.csv") == 0
    (row,) = csv.DictReader((tmp_path / "roster.csv").read_text(encoding="utf-8").splitlines())
    assert (row["unit"], row["action"], row["start"], row["state"]) == ("Z01", "coaching", "2023-03-01", "treated")
