"""``evaltoolkit audit``: what an evaluator reads, and the exit status."""

import numpy as np
import pandas as pd
import pytest
from audit_designs import make_design

from evaltoolkit.audit import audit as room
from evaltoolkit.audit import with_linearmodels
from evaltoolkit.audit.engine import Engine, Task
from evaltoolkit.audit.rows import cell_rows, compare
from evaltoolkit.cli import main

PLAN = """
title = "A test"
question = "Does it work?"
language = "en"
unit = "club"
theory_of_change = ["It is done.", "The score rises."]

[data]
panel = "panel.csv"
panel_unit = "club"
panel_period = "year"
treated_from = "first"
never = "never"

[treatment]
action = "an action"
assignment = "voluntary"
decided_by = "the council"
why_then = "by turns"

[[outcomes]]
indicator = "score"
name = "Score"
unit = "points"
role = "primary"
better = "up"
smallest_relevant = 0.2

[[outcomes]]
indicator = "other"
name = "Other"
unit = "points"
role = "secondary"
better = "up"
smallest_relevant = 0.2

[estimation]
method = "group_time"
comparison = "never_treated"
base = "universal"
"""


@pytest.fixture
def plan(tmp_path):
    design = make_design()
    unit, period = np.indices(design.outcome.shape)
    table = pd.DataFrame(
        {
            "club": design.units[unit.ravel()],
            "year": design.times[period.ravel()].astype(int),
            "first": [str(int(one)) if np.isfinite(one) else "never" for one in design.cohort[unit.ravel()]],
            "score": design.outcome.ravel(),
            "other": -design.outcome.ravel(),
        }
    )
    table.to_csv(tmp_path / "panel.csv", index=False)
    path = tmp_path / "evaluation.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture
def command(capsys):
    """Run ``evaltoolkit audit``; return its status and all it said, on one line."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["audit", *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return stopped.value.code or 0, " ".join((said.out + said.err).split())

    return run


@pytest.fixture
def always(monkeypatch):
    """Only the engine that is always there, whatever else is installed."""
    monkeypatch.setattr(room, "ENGINES", (with_linearmodels.ENGINE,))


@pytest.mark.usefixtures("always")
def test_a_plan_is_audited(command, plan):
    status, said = command(plan)
    assert status == 0
    assert "score: " in said
    assert "other: " in said
    assert "Engines: linearmodels" in said
    assert said.count("0 differ without explanation") == 2


@pytest.mark.usefixtures("always")
def test_one_outcome_and_every_number_as_csv(command, plan, tmp_path):
    out = tmp_path / "audit.csv"
    status, said = command(plan, "--outcome", "score", "--out", out)
    assert status == 0
    assert "other:" not in said
    rows = pd.read_csv(out)
    assert set(rows["outcome"]) == {"score"}
    assert list(rows.columns[1:]) == list(room.COLUMNS)
    # the plan's base is universal: six periods against the last before treatment, in three cohorts
    cells = rows[(rows["method"] == "group_time") & rows["label"].str.startswith("ATT").fillna(False)]
    assert (cells["quantity"] == "estimate").sum() == 18
    assert "ATT(2018, 2015)" in set(cells["label"])


def test_an_unexplained_difference_is_shown_and_ends_with_one(command, plan, monkeypatch):
    def off(question, package):
        ours = cell_rows(question)
        theirs = {key: (float(one) + 0.5, np.nan) for key, one in zip(ours.keys, ours.estimate, strict=True)}
        return compare(question, ours, theirs)

    def broken(question, package):
        raise RuntimeError("no idea")

    accepts = frozenset({"covariates"})
    engine = Engine("numpy", "numpy", {"group_time": Task(off, accepts), "imputation": Task(broken, accepts)})
    monkeypatch.setattr(room, "ENGINES", (engine,))
    status, said = command(plan, "--outcome", "score")
    assert status == 1
    assert "Unexplained" in said
    assert "18 differ without explanation" in said
    assert "RuntimeError: no idea" in said


def test_without_an_engine_nothing_is_sound(command, plan, monkeypatch):
    monkeypatch.setattr(room, "ENGINES", (Engine("absent", "no_such_package_anywhere", {}),))
    status, said = command(plan, "--outcome", "score")
    assert status == 1
    assert "the engine is not installed" in said
    assert "Nothing was compared" in said


def test_faults_are_told_with_the_nearest_word(command, plan, tmp_path):
    status, said = command(plan, "--outcome", "scor")
    assert status == 2
    assert 'Did you mean "score"?' in said
    status, said = command(plan, "--out", plan)
    assert status == 2
    assert "does not end in .csv" in said
    assert plan.read_text(encoding="utf-8") == PLAN
    status, said = command(tmp_path / "none.toml")
    assert status == 2
