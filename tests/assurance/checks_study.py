"""How often every check says that something is wrong: where nothing is, and where something is.

    python tests/assurance/checks_study.py [--jobs 2]

Every check has a clean world and a breaking one, each with a stated violation, drawn anew for every study: 160 units,
60 of them treated in two cohorts, six periods, effects of two standard deviations of the noise unless the world says
otherwise. ``reporting`` has two more: one in which the declared range is the truth itself (how often is it contradicted
by chance), and one in which ``quiet`` is the share of studies whose bounds for what happened hold the truth, the naive
effect being up and the truth down. ``response`` is also drawn where a tenth stays silent in both arms: gaps of more
than ten points by chance.

Columns: ``quiet, alarm, nothing``, the shares of verdicts True, False and None. Resumable: a cell that is stored is not
run again; remove its row, or the file, after a change of a check.
"""

import argparse
import importlib.util
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import check
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel

STORED = Path(__file__).with_name("checks.csv")
DRAWS = 2000
KEYS = ["check", "world"]
_SPEC = importlib.util.spec_from_file_location("worlds", Path(__file__).parents[1] / "checks" / "conftest.py")
_WORLDS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_WORLDS)
simulate = _WORLDS.simulate
ROWS = np.arange(160)
SIGNALS = SimpleNamespace(reporting="incidence_recorded")
STREET = {f"{i:05d}": [f"{i + 60:05d}"] for i in range(30)}


def panel_of(design, **columns):
    """The panel a design could have come from; columns are (n, T)."""
    labels = [f"{time:.0f}" for time in design.times]
    index = pd.MultiIndex.from_product([design.units, labels], names=["unit", "period"])
    data = pd.DataFrame({"Y": design.outcome.ravel()} | {name: one.ravel() for name, one in columns.items()}, index)
    units = pd.DataFrame({"name": design.units}, index=pd.Index(design.units, name="unit"))
    return Panel(data, tuple(Period.parse(label) for label in labels), "municipality", units)


def started(design):
    """(n, T) from the own start on."""
    return design.times >= design.cohort[:, None]


def pretrends(seed, broken):
    """The treated move away by 0.6 a year."""
    return simulate(seed, drift=0.6 * broken), {"smallest_relevant": 2.0}


def agreement(seed, broken):
    """The treated move away by 0.6 a year."""
    return simulate(seed, drift=0.6 * broken), {}


def sensitivity(seed, broken):
    """No effect, and the treated move away by 0.6 a year."""
    return (simulate(seed, drift=0.6, effect=0.0) if broken else simulate(seed)), {}


def anticipation(seed, broken):
    """Half of the effect comes one year early."""
    design = simulate(seed)
    soon = (design.times >= design.cohort[:, None] - 1) & ~started(design)
    return replace(design, outcome=design.outcome + 1.0 * broken * soon), {}


def spillover(seed, broken):
    """Half of the effect is lost among the thirty neighbours."""
    design = simulate(seed)
    start = np.full(160, np.inf)
    start[60:90] = design.cohort[:30]
    moved = design.outcome - 1.0 * broken * (design.times >= start[:, None])
    return replace(design, outcome=moved), {"neighbours": STREET}


def composition(seed, broken):
    """Those who answer grow older by one standard deviation among participants, in the clean world nowhere."""
    design, rng = simulate(seed), np.random.default_rng([seed, 4])
    age = 45 + rng.normal(0, 2, (160, 1)) + rng.normal(0, 1, (160, 6)) + 2.0 * broken * started(design)
    return design, {"panel": panel_of(design, age=age), "composition": ["age"]}


def concurrent(seed, broken):
    """A programme in 25 of the treated adds 3; in the clean world half of all units have one that does nothing."""
    design = simulate(seed, effect=0.0 if broken else 2.0)
    had = ROWS < 25 if broken else ROWS % 2 == 0
    outcome = design.outcome + 3.0 * broken * (had[:, None] & started(design))
    design = replace(design, outcome=outcome)
    flag = 1.0 * (had[:, None] & (design.times >= 2022.0))
    return design, {"panel": panel_of(design, programme=flag), "concurrent": ["programme"]}


def fidelity(seed, broken):
    """A third of the planned hours is delivered, in the clean world nine tenths, units differing."""
    share = np.random.default_rng(seed).gamma(9.0, (0.3 if broken else 0.9) / 9.0, 60)
    units = [f"{i:05d}" for i in range(60)]
    rows = {"unit": units, "action": "coaching", "planned_hours": 20.0, "hours": 20.0 * share}
    return simulate(seed), {"roster": pd.DataFrame(rows)}


def leave_one_out(seed, broken):
    """No effect, but one unit jumps by 300."""
    if not broken:
        return simulate(seed), {}
    design = simulate(seed, effect=0.0)
    return replace(design, outcome=design.outcome + 300.0 * ((ROWS == 0)[:, None] & started(design))), {}


def response(seed, broken):
    """A third of the comparison stays silent from the third year on; else two in a hundred, anywhere."""
    return _silent(seed, 0.02, broken)


def _silent(seed, share, broken):
    design = simulate(seed)
    gone = np.random.default_rng(seed).random(design.outcome.shape) < share
    gone[60:93, 2:] |= broken
    return replace(design, outcome=np.where(gone, np.nan, design.outcome)), {}


def missing_answers(seed, broken):
    """A twentieth is missing anywhere; else no effect, and half of the treated are silent, those whom it hurt most."""
    return _WORLDS.silenced(seed, broken=broken), {}


def attrition(seed, broken):
    """A tenth stops answering a year after the start, and so do twenty treated with whom it went the other way."""
    return _WORLDS.left(seed, broken=broken), {}


def dormant(seed, broken):
    """A seventh does not meet; else no effect, and sixty of the comparison it went worst with fall asleep."""
    design, status = _WORLDS.asleep(seed, broken=broken)
    return design, {"panel": panel_of(design, **{"Y.status": status})}


def reconstructed(seed, broken):
    """Half of the treated filled in their years before the start from minutes, 5 too low; else a quarter, rightly."""
    design = simulate(seed, effect=0.0 if broken else 2.0)
    late = np.where(design.treated, design.cohort, 2022.0)[:, None]
    filled = (ROWS < 30 if broken else ROWS % 4 == 0)[:, None] & (design.times < late)
    design = replace(design, outcome=design.outcome - 5.0 * broken * filled)
    status = np.where(filled, "reconstructed", "registered").astype(object)
    return design, {"panel": panel_of(design, **{"Y.status": status})}


def merged(seed, broken):
    """Twenty treated places merge and jump by 9; else every eighth place merges and nothing happens."""
    design, rows = _jump(seed, broken)
    panel = panel_of(design)
    return design, {"panel": replace(panel, units=panel.units.assign(merged=rows))}


def shared_cells(seed, broken):
    """Twenty treated places share a cell and jump by 9; else every eighth place shares one and nothing happens."""
    design, rows = _jump(seed, broken)
    return replace(design, clusters=np.where(rows, "shared", design.units)), {}


def _jump(seed, broken):
    design, rows = simulate(seed), ROWS < 20 if broken else ROWS % 8 == 0
    return replace(design, outcome=design.outcome + 9.0 * broken * (rows[:, None] & (design.times >= 2023))), rows


def refuters(seed, broken):
    """One of 20 treated carries the result: the others move the other way."""
    if not broken:
        return simulate(seed), {"simulations": 30}
    design = simulate(seed, n=300, n_treated=20, effect=-0.5, noise=0.3)
    carried = design.outcome.copy()
    carried[0] += 100.0 * (design.times >= design.cohort[0])
    return replace(design, outcome=carried), {"simulations": 30}


def reporting(seed, broken):
    """A fifth less happens, half as much again is noticed; the plan thought 0.9 to 1.1 possible, else 1.4 to 1.6."""
    return _recorded(seed, (0.9, 1.1) if broken else (1.4, 1.6))


def _recorded(seed, declared):
    rng = np.random.default_rng(seed)
    design = simulate(seed, noise=0.0, effect=0.0)
    level = 20.0 * rng.gamma(20.0, 1 / 20.0, (160, 1)) * 1.02 ** np.arange(6)
    counts = rng.poisson(level * np.where(started(design), 0.8 * 1.5, 1.0)).astype(float)
    noticed = rng.poisson(60.0 * 1.01 ** np.arange(6) * np.where(started(design), 1.5, 1.0)).astype(float)
    design = replace(design, outcome=counts)
    context = {"indicator": SIGNALS, "detection_range": declared, "detection": "noticed"}
    return design, context | {"panel": panel_of(design, noticed=noticed)}


WORLDS = {
    one.__name__: one
    for one in (
        agreement, anticipation, attrition, composition, concurrent, dormant, fidelity, leave_one_out, merged,
        missing_answers, pretrends, reconstructed, refuters, reporting, response, sensitivity, shared_cells, spillover,
    )
}  # fmt: skip
# further worlds: name -> how a study is made
MORE = {
    ("reporting", "range is the truth"): lambda seed: _recorded(seed, (1.5, 1.5)),
    ("response", "a tenth silent"): lambda seed: _silent(seed, 0.1, False),
}


# further cells that look at another part of what a check says than its verdict
HOLDS = {("reporting", "bounds hold the truth"): lambda seed: _recorded(seed, (1.4, 1.6))}


def list_cells():
    """Name every cell."""
    both = [{"check": name, "world": world} for name in WORLDS for world in ("clean", "broken")]
    return [*both, *({"check": name, "world": world} for name, world in (*MORE, *HOLDS))]


def _holds(done):
    """Whether the bounds for incidence hold a fall by a fifth, while the naive ratio is above one."""
    rows = done.table.set_index("quantity")
    low, high = rows.loc["incidence_ratio", ["conf_low", "conf_high"]]
    return bool(low <= 0.8 <= high and rows.loc["recorded_ratio", "estimate"] > 1)


def run_cell(cell, draws=None):
    """Verdicts of one check in one world."""
    name, world = cell["check"], cell["world"]
    n = draws or DRAWS
    found = []
    for draw in range(n):
        # not the seeds of the tests, and other ones for every cell
        seed = zlib.crc32(f"{name} {world} {draw}".encode())
        make = (MORE | HOLDS).get((name, world))
        design, context = make(seed) if make else WORLDS[name](seed, world == "broken")
        done = check(design, estimate(design), [name], **context)[0]
        found.append(_holds(done) if (name, world) in HOLDS else done.verdict)
    shares = {word: np.mean([one is verdict for one in found]) for word, verdict in _WORDS.items()}
    return {**cell, "draws": n, **shares}


_WORDS = {"quiet": True, "alarm": False, "nothing": None}


def main():
    """Run what is not stored yet, and store cell by cell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    done = pd.read_csv(STORED) if STORED.exists() else pd.DataFrame(columns=KEYS)
    known = set(done[KEYS].itertuples(index=False, name=None))
    order = {tuple(cell.values()): place for place, cell in enumerate(list_cells())}
    missing = [cell for cell in list_cells() if tuple(cell.values()) not in known]
    with ProcessPoolExecutor(jobs) as pool:
        for row in pool.map(run_cell, missing):
            done = pd.DataFrame([*done.to_dict("records"), row])
            # in the order of the list, whichever came first
            place = [order[key] for key in done[KEYS].itertuples(index=False, name=None)]
            done = done.iloc[np.argsort(place)].reset_index(drop=True)
            done.to_csv(STORED, index=False, float_format="%.6g")
            print(row, flush=True)


if __name__ == "__main__":
    main()
