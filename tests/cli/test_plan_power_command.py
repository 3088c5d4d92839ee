import shutil
from pathlib import Path

import pytest

import evaltoolkit as et
from evaltoolkit.cli import main

STUDY = Path(__file__).resolve().parents[2] / "examples" / "study.toml"


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_the_example_study_is_answered(capsys):
    assert run("plan", "power", STUDY, "--draws", 400) == 0
    said = capsys.readouterr().out
    assert "Smallest effect that this design would find in 8 out of 10 cases" in said
    mde = et.power_from_study(et.read_study(STUDY), draws=400).mde
    assert f"{mde:.4g}" in said


def test_too_few_units_are_told_with_the_reason(tmp_path, capsys):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.read_text(encoding="utf-8").replace("comparison_units = 60", "comparison_units = 6"))
    assert run("plan", "power", path) == 1
    assert "too few" in capsys.readouterr().out.lower()


def test_faults_of_a_study_are_told_together(tmp_path, capsys):
    path = tmp_path / "study.toml"
    shutil.copy(STUDY, path)
    text = path.read_text(encoding="utf-8").replace("level = 0.56", "level = 56").replace("respondents", "respondent")
    path.write_text(text, encoding="utf-8")
    assert run("plan", "power", path) == 2
    said = capsys.readouterr().err
    assert "level" in said
    assert 'Did you mean "respondents"?' in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("language", "word"), [("nl", "Kleinste effect"), ("fr", "Plus petit effet")])
def test_power_is_said_in_words(language, word):
    found = et.power_from_study(et.read_study(STUDY), (), draws=200)
    assert et.say(found, language)[0].startswith(word)


def test_the_page_is_written_in_the_language_asked_for(tmp_path, capsys):
    page = tmp_path / "deep" / "power.html"
    assert run("plan", "power", STUDY, "--draws", 100, "--page", page, "--language", "nl") == 0
    assert str(page) in capsys.readouterr().out.replace("\n", "")
    assert '<html lang="nl">' in page.read_text(encoding="utf-8")
    assert run("plan", "power", STUDY, "--draws", 100, "--page", page, "--language", "it") == 2
    assert "choose one of nl, fr, de, en" in capsys.readouterr().err
