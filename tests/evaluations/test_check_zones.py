"""Zones of the user's membership file reach the check on spillover, and the report says who counted as a neighbour."""

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.sections import check_row
from evaltoolkit.territory.municipalities import municipality_codes

YEARS = range(2016, 2025)
PLAN = """title = "t"
question = "q"
unit = "municipality"
checks = ["spillover"]
[data]
panel = "own.csv"
roster = "roster.csv"
membership = "cells.csv"
[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "council"
why_then = "w"
[[outcomes]]
indicator = "visits"
name = "visits"
role = "primary"
smallest_relevant = 2
[estimation]
seed = 3
[overrides]
visits = "the council wants to know"
"""


def spillover(folder, *, zones, harm):
    """Sixty treated of 300; those of one zone are neighbours, and lose what the treated gain where ``harm``."""
    rng = np.random.default_rng(5)
    codes = sorted(municipality_codes(2025))[:300]
    place = np.arange(300)
    zone = np.where(place < 120, place % 60, place)
    rows = []
    for number, code in enumerate(codes):
        for year in YEARS:
            late = year >= 2021
            moved = 3.0 * (number < 60) * late - harm * (60 <= number < 120) * late
            rows.append((code, year, 20 + moved + rng.normal()))
    pd.DataFrame(rows, columns=["unit", "period", "visits"]).to_csv(folder / "own.csv", index=False)
    roster = pd.DataFrame({"unit": codes, "action": "coaching", "start": np.where(place < 60, "2021-03-01", "")})
    state = np.where(place < 60, "treated", "never")
    roster.assign(state=state).to_csv(folder / "roster.csv", index=False)
    cells = pd.DataFrame({"livc_r": codes, "municipality": codes})
    cells = cells.assign(zone=[f"police {one}" for one in zone]) if zones else cells
    cells.to_csv(folder / "cells.csv", index=False)
    (folder / "evaluation.toml").write_text(PLAN, encoding="utf-8")
    (result,) = run_plan(folder / "evaluation.toml").outcomes
    (done,) = result.checks
    return done


@pytest.mark.parametrize(("harm", "verdict"), [(0.0, True), (2.0, False)])
def test_units_of_one_zone_are_neighbours(tmp_path, harm, verdict):
    done = spillover(tmp_path, zones=True, harm=harm)
    assert (done.verdict, done.facts["near"]) == (verdict, 60)
    assert done.figure["neighbours"] == "zones"
    for language in LANGUAGES:
        row = check_row(done, Prose(words(language)))
        assert row.did == Prose(words(language)).say("check.spillover.did_zones")
        assert row.blind


def test_without_zones_nobody_knows_who_is_a_neighbour_here(tmp_path):
    done = spillover(tmp_path, zones=False, harm=2.0)
    assert done.verdict is None or done.figure["neighbours"] == "borders"
    row = check_row(done, Prose(words("en")))
    assert row.did != Prose(words("en")).say("check.spillover.did_zones")
