"""plan new, plan schema and plan page on the command line."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
import tomllib

import pytest

from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.plans.schema import schema_text
from evaltoolkit.plans.template import plan_template


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Run the command line in an empty folder; return its status and all it said, on one line."""
    from evaltoolkit.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return stopped.value.code or 0, " ".join((said.out + said.err).split())

    return run


@pytest.fixture
def terminal(monkeypatch):
    """Pretend that somebody sits at a terminal and types these answers."""

    def sit(*answers):
        waiting = list(answers)

        def type_in(_):
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr("builtins.input", type_in)
        monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)})())
        monkeypatch.setattr("evaltoolkit.cli.plan.sys.stdout.isatty", lambda: True, raising=False)
        return waiting

    return sit


ANSWERS = [
    "Titel",
    "Vraag?",
    "",
    "coaching",
    "",
    "raad",
    "plaats",
    "",
    "",
    "COMP-09",
    "",
    "1,5",
    "",
    "2",
    "-",
    "-",
    "7",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_terminal_an_example_is_written(command, tmp_path, language):
    status, said = command("plan", "new", "plan.toml", "--language", language)
    assert (status, (tmp_path / "plan.toml").read_text(encoding="utf-8")) == (0, plan_template(language))
    assert "evaltoolkit plan check plan.toml" in said


def test_a_dialogue_is_written_and_can_be_checked(command, terminal, tmp_path):
    waiting = terminal(*ANSWERS)
    status, said = command("plan", "new", "plan.toml", "-l", "nl")
    assert (status, waiting) == (0, [])
    assert words("nl").say("plan_new.ask.intro") in said
    plan = tomllib.loads((tmp_path / "plan.toml").read_text(encoding="utf-8"))
    assert [outcome["indicator"] for outcome in plan["outcomes"]] == ["COMP-09", "RGT-07", "RGT-01", "TRU-01"]
    assert plan["estimation"]["seed"] == 7
    # what is still missing is told with its remedy
    status, said = command("plan", "check", "plan.toml")
    assert status == 2
    assert '[data] roster: "roster.csv" does not exist' in said
    assert '[data] membership: "cells.csv" does not exist' in said


def test_blank_asks_nothing_even_at_a_terminal(command, terminal, tmp_path):
    waiting = terminal("not asked")
    assert command("plan", "new", "plan.toml", "--blank", "-l", "fr")[0] == 0
    assert waiting == ["not asked"]
    assert (tmp_path / "plan.toml").read_text(encoding="utf-8") == plan_template("fr")


def test_answers_that_end_early_write_nothing(command, terminal, tmp_path):
    terminal(*ANSWERS[:5])
    status, said = command("plan", "new", "plan.toml")
    assert (status, "nothing was written" in said) == (2, True)
    assert not (tmp_path / "plan.toml").exists()


def test_what_cannot_be_written_is_told_before_the_questions(command, terminal, tmp_path):
    (tmp_path / "plan.toml").write_text("mine", encoding="utf-8")
    waiting = terminal("not asked")
    status, said = command("plan", "new", "plan.toml")
    assert (status, "exists already" in said) == (2, True)
    status, said = command("plan", "new", "missing/plan.toml")
    assert (status, 'The folder "missing" does not exist' in said) == (2, True)
    assert command("plan", "new", "new.toml", "-l", "nd")[0] == 2
    assert waiting == ["not asked"]
    assert (tmp_path / "plan.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.slow
def test_a_real_terminal_is_asked(tmp_path):
    leader, follower = pty.openpty()
    arguments = [sys.executable, "-m", "evaltoolkit", "plan", "new", "plan.toml", "-l", "de"]
    with subprocess.Popen(arguments, stdin=follower, stdout=follower, stderr=follower, cwd=tmp_path) as process:
        os.close(follower)
        os.write(leader, ("\n".join(ANSWERS) + "\n").encode())
        said, end = b"", time.monotonic() + 60
        # reading from a terminal that nobody holds any more is an error: the program is done
        with contextlib.suppress(OSError):
            while time.monotonic() < end:
                if select.select([leader], [], [], 0.2)[0]:
                    said += os.read(leader, 65536)
        assert process.wait(timeout=5) == 0
    os.close(leader)
    assert words("de").say("plan_new.ask.question") in said.decode()
    assert tomllib.loads((tmp_path / "plan.toml").read_text(encoding="utf-8"))["title"] == "Titel"


def test_schema_is_written_and_no_plan_is_overwritten(command, tmp_path):
    assert command("plan", "schema", "plan.schema.json")[0] == 0
    text = (tmp_path / "plan.schema.json").read_text(encoding="utf-8")
    assert text == schema_text()
    assert json.loads(text)["additionalProperties"] is False
    (tmp_path / "plan.toml").write_text("mine", encoding="utf-8")
    for arguments in (("schema", "plan.toml"), ("page", "plan.toml", "--out", "plan.toml")):
        status, said = command("plan", *arguments)
        assert (status, "does not end in" in said) == (2, True)
    assert (tmp_path / "plan.toml").read_text(encoding="utf-8") == "mine"


def test_page_is_written_beside_the_plan_in_its_language(command, tmp_path):
    command("plan", "new", "plan.toml", "-l", "fr")
    for name in ("roster.csv", "cells.csv"):
        (tmp_path / name).touch()
    assert command("plan", "page", "plan.toml")[0] == 0
    assert '<html lang="fr">' in (tmp_path / "plan_fr.html").read_text(encoding="utf-8")
    assert command("plan", "page", "plan.toml", "-l", "de", "--out", "pages/plan.html")[0] == 0
    assert '<html lang="de">' in (tmp_path / "pages" / "plan.html").read_text(encoding="utf-8")


def test_page_of_a_faulty_plan_tells_the_faults(command, tmp_path):
    command("plan", "new", "plan.toml")
    status, said = command("plan", "page", "plan.toml")
    assert status == 2
    assert '"roster.csv" does not exist' in said
    assert not list(tmp_path.glob("*.html"))
