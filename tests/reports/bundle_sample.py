"""Two small projects on disk: one with an own table, one with a store of returned forms."""

import hashlib

import numpy as np

from evaltoolkit.submissions.store import Reading, StoredValue, open_store
from evaltoolkit.territory.municipalities import load_municipalities

YEARS = (2018, 2019, 2020, 2021, 2022, 2023)
N = 48
TREATED = 20

HEAD = """title = "A small evaluation"
question = "Does coaching bring partners to the table?"
language = "en"

[treatment]
action = "coaching"
assignment = "voluntary"
decided_by = "the council"
why_then = "places came free"
spillover = "unlikely"
"""
GUARD = """
[[outcomes]]
indicator = "RGT-07"
role = "guardrail"
not_measurable = true
"""


def _figures(seed):
    rng = np.random.default_rng(seed)
    year = np.array(YEARS)
    treated = np.arange(N)[:, None] < TREATED
    return rng.poisson(8 + rng.normal(0, 1, (N, 1)) + 3 * (treated & (year >= 2021)))


def lay_out_table(folder):
    """Write a project with an own table; returns the plan."""
    folder.mkdir(parents=True)
    lines = ["place,year,from,meetings,size"]
    for row, numbers in enumerate(_figures(3).tolist()):
        start = "2021" if row < TREATED else "never"
        lines += [
            f"P{row:02d},{year},{start},{number},{1000 + row}" for year, number in zip(YEARS, numbers, strict=True)
        ]
    (folder / "data").mkdir()
    (folder / "data" / "meetings.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    plan = folder / "plan" / "evaluation.toml"
    plan.parent.mkdir()
    plan.write_text(
        'checks = ["pretrends", "leave_one_out", "response", "reconstructed"]\n'
        + HEAD
        + """
[data]
panel = "../data/meetings.csv"
panel_unit = "place"
panel_period = "year"
treated_from = "from"
source = "made up"

[[outcomes]]
indicator = "meetings"
name = "Meetings"
unit = "meetings"
role = "primary"
better = "up"
smallest_relevant = 2.5
"""
        + GUARD,
        encoding="utf-8",
        newline="\n",
    )
    return plan


def flemish_codes():
    register = load_municipalities()
    known = register[(register["in_2025"].astype(int) == 1) & (register["region_code"] == "02000")]
    return [str(code) for code in known.index[:N]]


def lay_out_store(folder):
    """Write a project with a store and a roster; returns the plan."""
    folder.mkdir(parents=True)
    codes = flemish_codes()
    rows = [f"{code},coaching,2021-03-01,register,treated" for code in codes[:TREATED]]
    rows += [f"{code},coaching,,register,never" for code in codes[TREATED:]]
    (folder / "roster.csv").write_text("unit,action,start,source,state\n" + "\n".join(rows) + "\n", encoding="utf-8")
    fill_store(folder / "store", codes, _figures(3))
    plan = folder / "evaluation.toml"
    plan.write_text(
        'unit = "municipality"\nvintage = 2025\n'
        + HEAD
        + """
[data]
store = "store"
roster = "roster.csv"

[[outcomes]]
indicator = "COMP-09"
role = "primary"
smallest_relevant = 2.5

[[outcomes]]
indicator = "HAR-08"
role = "secondary"
smallest_relevant = 0.5
"""
        + GUARD,
        encoding="utf-8",
        newline="\n",
    )
    return plan


def fill_store(folder, codes, figures, changed=()):
    """Fill a store as collecting would: one form per municipality; ``changed`` maps (code, year) to another number."""
    changed = dict(changed)
    with open_store(folder) as store:
        store.add([(_reading(code, row, changed), b"") for code, row in zip(codes, figures.tolist(), strict=True)], "")


def _reading(code, numbers, changed):
    answers = []
    for place, (year, number) in enumerate(zip(YEARS, numbers, strict=True)):
        told = float(changed.get((code, year), number))
        answers += [
            StoredValue(str(year), "COMP-09", "value", told, "", "registered", "Answers", f"C{place + 10}", 1),
            # often nothing happened
            StoredValue(str(year), "HAR-08", "value", told % 3, "", "registered", "Answers", f"D{place}", 1),
            # not asked by the plan: nothing of it belongs into a bundle
            StoredValue(str(year), "GOV-08", "case", 77.0, "", "registered", "Answers", f"E{place}", 1),
        ]
    digest = hashlib.sha256(f"form {code}".encode()).hexdigest()
    return Reading(
        digest,
        "livc-r 1",
        f"{code}.xlsx",
        "accepted",
        "municipality",
        code,
        "2023",
        (code,),
        "2025",
        "nl",
        tuple(answers),
    )
