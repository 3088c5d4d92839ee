"""Worksheets from the command line: new, check, report, and beside an evaluation."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evaltoolkit.cli import app

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "one_small_municipality" / "worksheet.toml"
PLAN = """
title = "T"
question = "Q"
language = "nl"
unit = "cell"
theory_of_change = ["De cel vergadert.", "Partners komen."]
rival_explanations = ["Een verkiezingsjaar."]
[data]
panel = "cells.csv"
treated_from = "from"
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the mayor"
why_then = "a place came free"
[[outcomes]]
indicator = "COMP-09"
role = "primary"
smallest_relevant = 1
"""


def run(*arguments):
    return CliRunner().invoke(app, ["worksheet", *map(str, arguments)])


@pytest.mark.parametrize("ending", ["toml", "xlsx"])
def test_a_new_one_is_checked_and_says_what_is_missing(ending, tmp_path):
    path = tmp_path / f"new.{ending}"
    assert run("new", path, "--language", "de").exit_code == 0
    done = run("check", path)
    assert done.exit_code == 1
    assert "Füllen Sie ihn aus" in " ".join(done.output.split())
    assert run("new", path).exception is not None


def test_a_plan_gives_its_steps_rivals_and_language(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "cells.csv").write_text("unit,period,from\n", encoding="utf-8")
    done = run("new", tmp_path / "w.toml", "--plan", tmp_path / "plan.toml")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "w.toml").read_text(encoding="utf-8")
    assert 'statement = "Partners komen."' in text
    assert '"Een verkiezingsjaar."' in text
    assert 'language = "nl"' in text


def test_the_example_is_checked_and_reported(tmp_path):
    path = shutil.copy(EXAMPLE, tmp_path / "worksheet.toml")
    done = run("check", path)
    assert done.exit_code == 0, done.output
    assert "down to claim 3 of 5" in " ".join(done.output.split())
    assert run("report", path, tmp_path / "page.html", "--language", "fr").exit_code == 0
    assert 'lang="fr"' in (tmp_path / "page.html").read_text(encoding="utf-8")
    # the worksheet itself is never overwritten by its page
    assert run("report", path, path).exception is not None
    assert path.read_bytes() == EXAMPLE.read_bytes()


def test_a_worksheet_with_faults_has_no_report(tmp_path):
    path = tmp_path / "w.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8").replace("almost_certain", "certain"), encoding="utf-8")
    assert run("check", path).exit_code == 1
    assert run("report", path, tmp_path / "page.html").exception is not None
    assert not (tmp_path / "page.html").exists()
