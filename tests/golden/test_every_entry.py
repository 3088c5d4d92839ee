"""Every golden entry of the R run is either tested here or named with the reason why not."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.shared

FOLDER = Path(__file__).parent / "r"
NOT_REACHED = {
    "fepois_3_twfe": "Poisson two-way fixed effects: another model than extended_two_way, not offered",
    "fepois_3_twfe_x": "as fepois_3_twfe",
    "fepois_3_eventstudy": "as fepois_3_twfe",
    "fepois_3_nooffset": "as fepois_3_twfe, without exposure",
    "staggered_1_simple": "Roth and Sant'Anna's efficient estimator under random timing: not offered",
    "staggered_1_cohort": "as staggered_1_simple",
    "staggered_1_calendar": "as staggered_1_simple",
    "staggered_1_eventstudy": "as staggered_1_simple",
}


def test_every_entry_is_tested_or_named(shared):
    every = {one["id"]: one for one in json.loads((shared / "golden/r/expected.json").read_text("utf-8"))["entries"]}
    held = {}
    for path in FOLDER.glob("expected_*.json"):
        held |= {one["id"]: one for one in json.loads(path.read_text(encoding="utf-8"))["entries"]}
    assert set(every) - set(held) == {name for name in NOT_REACHED if name.startswith("fepois")}
    assert set(NOT_REACHED) <= set(every)
    for name, entry in held.items():
        assert entry["result"] == every[name]["result"], name
