"""evaltoolkit plan graph: sentences, a drawing, and a status that tells whether the comparison can stand."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.cli import main

PLAN = """
title = "Coaching"
question = "q"
unit = "cell"

[data]
panel = "own.csv"
treated_from = "first"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "places were free"

[[outcomes]]
indicator = "trust"
role = "primary"
smallest_relevant = 0.05

[estimation]
covariates = ["size", "seen"]

[graph]
edges = ["size -> action", "size -> outcome", "action -> outcome", "action -> seen", "outcome -> seen"]
nodes = { size = "size", seen = "seen" }
"""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    rows = []
    for unit in range(60):
        size, treated = rng.normal(), unit < 25
        for year in range(2019, 2025):
            rows.append((unit, year, "2022" if treated else "never", rng.normal() + size, size, rng.normal()))
    columns = ["unit", "period", "first", "trust", "size", "seen"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "own.csv", index=False)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["plan", "graph", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return stopped.value.code or 0, " ".join((said.out + said.err).split())

    return run


@pytest.mark.parametrize(
    ("language", "refused"),
    [
        ("en", "seen: do not hold this equal. Two arrows meet in it"),
        ("nl", "seen: houd dit niet gelijk. Twee pijlen"),
        ("fr", "seen : ne le tenez pas égal. Deux flèches"),
        ("de", "seen: Halten Sie dies nicht gleich. Zwei Pfeile"),
    ],
)
def test_a_planted_collider_is_refused_in_four_languages(desk, command, language, refused):
    status, said = command("plan.toml", "-l", language)
    assert status == 1
    assert refused in said
    assert (desk / f"plan.graph.{language}.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_plan_check_refuses_it_too(desk, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["plan", "check", "plan.toml"])
    assert stopped.value.code == 1
    assert "seen: do not hold this equal" in capsys.readouterr().err


def test_a_sound_graph_is_told_so_and_a_graph_that_joins_everything_cannot_be_tested(desk, command):
    text = PLAN.replace('["size", "seen"]', '["size"]')
    (desk / "plan.toml").write_text(text, encoding="utf-8")
    status, said = command("plan.toml", "--out", "figures/graph.svg")
    assert status == 0
    assert said.startswith("Yes. If the arrows are right")
    assert "The arrows cannot be tested" in said
    assert (desk / "figures" / "graph.svg").exists()


def test_faults_of_the_graph_come_all_at_once(desk, command):
    text = PLAN.replace("action -> seen", "action = seen").replace("{ size", "{ sise")
    (desk / "plan.toml").write_text(text, encoding="utf-8")
    status, said = command("plan.toml")
    assert status == 2
    assert "has 2 faults" in said
    assert 'Did you mean "size"?' in said


def test_without_a_graph_or_without_graphviz(desk, command, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert command("plan.toml")[0] == 2
    assert "install the package graphviz" in command("plan.toml")[1]
    (desk / "plan.toml").write_text(PLAN.split("[graph]")[0], encoding="utf-8")
    status, said = command("plan.toml")
    assert status == 2
    assert "draws no causal graph" in said
