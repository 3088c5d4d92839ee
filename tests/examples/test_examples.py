"""The examples run, and state figures that other programs find too."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("castle_doctrine", "wage_panel")
# read from the kernel after the last cell
PROBE = """
import json
print(json.dumps({"stated": stated.reset_index().to_dict("records"), "more": %s}))
"""
MORE = {
    "castle_doctrine": '{"wrong": wrong.to_dict(), "by_hand": by_hand}',
    "wage_panel": '{"textbook": textbook.params.to_dict(), "se": textbook.std_errors.to_dict(), "refusal": refusal, '
    '"paths": paths.to_dict(), "n": len(design.units)}',
}


@pytest.fixture(scope="module", params=NAMES)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A copy of one example, as somebody else would have it: without data."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp("examples") / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("*.csv", "results", "__pycache__"))
    return name, folder


@pytest.fixture(scope="module")
def executed(example: tuple[str, Path]) -> tuple[str, Path, dict[str, Any], str]:
    """Run the notebook; return its name, folder, figures and everything it printed."""
    name, folder = example
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE % MORE[name]))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    figures = json.loads(outputs[-1].text)
    return name, folder, figures, "".join(output.get("text", "") for output in outputs[:-1])


def wide_table(path: Path, unit: str, outcome: str, start: str) -> tuple[pd.DataFrame, pd.Series]:
    table = pd.read_csv(path, dtype={start: str})
    return table.pivot_table(index=unit, columns="year", values=outcome), table.groupby(unit)[start].first()


def group_time_by_hand(outcome: pd.DataFrame, start: pd.Series) -> tuple[float, float]:
    """The overall effect and its standard error from differences of means, influence functions included."""
    y, years = outcome.to_numpy(), outcome.columns.to_numpy()
    start = start.reindex(outcome.index)
    never = (start == "never").to_numpy()
    n = len(y)
    points, scores, sizes, cohorts = [], [], [], []
    for year in sorted(set(start) - {"never"}):
        treated = (start == year).to_numpy()
        base = list(years).index(int(year) - 1)
        for later in range(base + 1, len(years)):
            change = y[:, later] - y[:, base]
            points.append(change[treated].mean() - change[never].mean())
            score = np.zeros(n)
            score[treated] = (change[treated] - change[treated].mean()) / treated.mean()
            score[never] = -(change[never] - change[never].mean()) / never.mean()
            scores.append(score)
            sizes.append(treated.mean())
            cohorts.append(treated)
    effects, share = np.array(points), np.array(sizes)
    weights = share / share.sum()
    overall = float(weights @ effects)
    psi = np.array(scores).T @ weights
    # the shares of the cohorts are estimated too
    for effect, size, member in zip(effects, share, cohorts, strict=True):
        psi += (member - size) * (effect - overall) / share.sum()
    return overall, float(np.sqrt((psi**2).mean() / n))


def two_way_by_hand(outcome: pd.DataFrame, start: pd.Series) -> float:
    """Dummies for every unit and year, least squares."""
    start = start.reindex(outcome.index)
    first = pd.to_numeric(start, errors="coerce").fillna(np.inf).to_numpy()
    n, periods = outcome.shape
    treated = (outcome.columns.to_numpy()[None, :] >= first[:, None]).astype(float)
    unit, period = np.repeat(np.eye(n), periods, axis=0), np.tile(np.eye(periods), (n, 1))[:, 1:]
    design = np.column_stack([treated.ravel(), unit, period])
    return float(np.linalg.lstsq(design, outcome.to_numpy().ravel(), rcond=None)[0][0])


def figures_by_hand(name: str, folder: Path) -> dict[str, float]:
    if name == "castle_doctrine":
        outcome, start = wide_table(folder / "castle.csv", "state", "l_homicide", "treated_from")
    else:
        outcome, start = wide_table(folder / "joiners.csv", "nr", "lwage", "union_from")
        outcome = outcome[start.reindex(outcome.index) != "1980"]
    overall, error = group_time_by_hand(outcome, start[start.index.isin(outcome.index)])
    return {"overall": overall, "overall, s.e.": error, "two-way regression": two_way_by_hand(outcome, start)}


@pytest.mark.slow
def test_a_notebook_finds_the_figures_that_it_states(executed: tuple[str, Path, dict[str, Any], str]) -> None:
    name, folder, figures, _ = executed
    rows = {row["figure"]: row for row in figures["stated"]}
    for figure, row in rows.items():
        # one figure is published with four digits, the others with all
        digits = 5e-5 if name == "castle_doctrine" and figure == "two-way regression" else 1e-12
        assert abs(row["here"] - row["stated"]) < digits, figure
    for figure, value in figures_by_hand(name, folder).items():
        assert rows[figure]["here"] == pytest.approx(value, abs=1e-10), figure
    assert (folder / "results" / "report_en.html").stat().st_size > 20_000


@pytest.mark.slow
def test_what_only_one_notebook_says(executed: tuple[str, Path, dict[str, Any], str]) -> None:
    name, _, figures, printed = executed
    more = figures["more"]
    if name == "castle_doctrine":
        right = next(row["here"] for row in figures["stated"] if row["figure"] == "overall")
        assert more["by_hand"] == pytest.approx(right, abs=1e-12)
        assert more["wrong"]["year before the first full year"] == pytest.approx(0.0818, abs=5e-5)
        assert all(abs(more["wrong"][word] - 0.0818) > 1e-3 for word in ("post", "leads and lags"))
        # five starting groups of four states on average count as few: the interval holds harm and none
        assert "too_weak" in printed
        return
    # CRV1: linearmodels with person clusters, as published; 6 digits of another program
    assert [more["textbook"][word] for word in ("expersq", "union", "married")] == pytest.approx(
        [-0.005185, 0.080002, 0.046680], abs=5e-7
    )
    assert "changes within a unit" in more["refusal"]
    assert more["paths"] == {"never": 265, "came_and_went": 201, "joined": 45, "always": 34}
    assert more["n"] == 310


@pytest.mark.slow
def test_the_plan_runs_from_the_command_line(example: tuple[str, Path]) -> None:
    name, folder = example
    subprocess.run([sys.executable, "make_data.py", "."], cwd=folder, check=True, capture_output=True)
    command = [sys.executable, "-m", "evaltoolkit", "evaluate", "evaluation.toml", "--out", "from_cli", "-l", "nl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = (folder / "from_cli" / "report_nl.html").read_text(encoding="utf-8")
    names = {"castle_doctrine": "Homicide (logarithm of the rate)", "wage_panel": "Hourly wage (logarithm)"}
    assert names[name] in report
    assert "log points" in report
    results = pd.read_csv(folder / "from_cli" / "results.csv")
    assert len(results) > 10


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    notebook = nbformat.read(EXAMPLES / name / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
