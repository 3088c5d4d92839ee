"""More recorded signals can mean more noticing: relabelling the indicator must not turn that into good or bad news."""

import json
import shutil
from importlib import resources

import numpy as np
import pytest
from story_desk import YEARS, N, run, sixty_codes, start_years, write_roster

PLAN = """title = "Signals"
question = "Does coaching lower the number of recorded signals?"
language = "en"
framework = "own"
unit = "municipality"
vintage = 2025

[data]
csv = ["signals.csv"]
roster = "roster.csv"
source = "made up for a test"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the mayor"
why_then = "places came free"
spillover = "unlikely"

[[outcomes]]
indicator = "DET-02"
role = "{role}"
{number} = 2
"""


def write_signals(path, codes, ratio):
    rng = np.random.default_rng(3)
    lines = ["unit,period,indicator,part,value"]
    for code, start in zip(codes, start_years(), strict=True):
        level = rng.uniform(18, 26)
        for year in reversed(YEARS):
            mean = level * (ratio if int(year) >= start else 1)
            lines.append(f"{code},{year},DET-02,value,{rng.poisson(mean)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_framework(folder, direction):
    """Copy the packaged framework and relabel which way is better."""
    with resources.as_file(resources.files("evaltoolkit") / "data" / "framework" / "livc_r") as packaged:
        shutil.copytree(packaged, folder)
    file = folder / "indicators" / "DET-02.toml"
    text = file.read_text(encoding="utf-8")
    assert 'direction = "ambiguous"' in text
    file.write_text(text.replace('direction = "ambiguous"', f'direction = "{direction}"'), encoding="utf-8")


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize(("ratio", "way"), [(1.6, "higher"), (0.5, "lower")])
def test_undeclared_detection_keeps_the_verdict_open(tmp_path, capsys, direction, ratio, way):
    codes = sixty_codes()
    assert len(codes) == N
    write_framework(tmp_path / "own", direction)
    write_signals(tmp_path / "signals.csv", codes, ratio)
    write_roster(tmp_path / "roster.csv", codes, start_years())
    (tmp_path / "plan.toml").write_text(
        PLAN.format(role="primary", number="smallest_relevant") + f'better = "{direction}"\n', encoding="utf-8"
    )
    assert run("evaluate", tmp_path / "plan.toml", "--out", tmp_path / "out", "-l", "en") == 0
    said = " ".join(capsys.readouterr().out.split())
    (outcome,) = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["outcomes"]
    assert outcome["verdict"] == way
    assert outcome["certainty"] == "very_low"
    assert "detection_undeclared" in outcome["grade_reasons"]
    for word in ("improved", "worsened", "better than", "worse than"):
        assert word not in said
