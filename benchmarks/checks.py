"""Time every check on 581 municipalities, twelve years and five outcomes, 999 draws where a check draws.

The simulated world gives every check something to answer: mergers in 2019, cells that municipalities share, zones, a
roster with days of decision and with planned and delivered hours, figures worked out afterwards, answers that are
missing, units that stop answering, attendance where nobody met, other programmes, a measure of detection and a control
category. Each outcome is built from the table of values, estimated, and given to each check in turn.

Fails where a check answers (True or False) for none of the outcomes, or where all of it takes longer than --limit
seconds of the clock.

    python benchmarks/checks.py [--limit 60] [--simulations 999] [--seed 1]
"""

import argparse
import os
import sys
import time

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import check, list_checks
from evaltoolkit.designs.build import make_design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import COLUMNS
from evaltoolkit.panels.build import build_panel
from evaltoolkit.territory.membership import read_membership
from evaltoolkit.territory.mergers import crosswalk

YEARS = range(2012, 2024)
# indicator -> smallest effect that matters
OUTCOMES = {"COMP-09": 0.8, "DET-02": 3.0, "TRU-01": 0.03, "RGT-07": 0.02, "COMP-02": 0.05}
# DET-02: noticed half as much again, a fifth less happens
DETECTION, CONTROL, PROGRAMME = "DET-05", "HAR-08", "CTX-08"
WORDS = {True: "nothing against it", False: "speaks against it", None: "no answer"}


class World:
    """581 municipalities of 2019 in cells and zones, a third of the cells with an action from 2017 to 2020."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.forward = crosswalk(2018, 2019)
        self.codes = np.array(sorted(set(self.forward)))
        # one municipality in six shares the cell of the one before it
        shared = np.arange(len(self.codes)) % 6 == 1
        self.cell = np.cumsum(~shared) - 1
        cells = self.cell.max() + 1
        start = np.where(rng.random(cells) < 1 / 3, rng.choice([2017, 2018, 2019, 2020], cells), 9999)
        self.start = start[self.cell]
        self.zone = self.cell // 3

    @property
    def after(self):
        """(n, T) whether the action has begun."""
        return np.array(YEARS) >= self.start[:, None]

    def membership(self):
        before = self.forward.rename_axis("municipality").reset_index(name="now")
        before = before.assign(valid_from="2012-01-01", valid_to="2018-12-31")
        now = pd.DataFrame({"municipality": self.codes, "now": self.codes, "valid_from": "2019-01-01", "valid_to": ""})
        table = pd.concat([before, now], ignore_index=True)
        place = pd.Series(np.arange(len(self.codes)), index=self.codes)[table["now"]].to_numpy()
        cells = [f"L{number:03d}" for number in self.cell[place]]
        return read_membership(table.assign(livc_r=cells, zone=[f"Z{number:03d}" for number in self.zone[place]]))

    def roster(self):
        treated = self.start < 9999
        start = pd.Series(pd.to_datetime([f"{year}-06-01" if year < 9999 else None for year in self.start]))
        planned = np.where(treated, 24.0, np.nan)
        return pd.DataFrame(
            {
                "unit": self.codes, "action": "coaching", "start": start, "end": pd.NaT, "source": "simulated",
                "planned_hours": planned, "hours": np.where(treated, self.rng.integers(14, 25, len(treated)), np.nan),
                "decided_by": "council", "why": "", "decided_on": start - pd.Timedelta(days=300),
                "state": np.where(treated, "treated", "never"),
            }
        )  # fmt: skip

    def values(self):
        """The long table of values, with codes of before the mergers until 2018."""
        rng, n, shape = self.rng, len(self.codes), (len(self.codes), len(YEARS))
        level, drift = rng.normal(0, 1, (n, 1)), 0.05 * np.arange(len(YEARS))
        meetings = rng.poisson(np.clip(3 + 0.5 * level + drift + 1.5 * self.after, 0.2, None)).astype(float)
        signals = rng.poisson(30 * np.exp(0.2 * level + drift / 10) * np.where(self.after, 0.8 * 1.5, 1))
        invited = 4.0 * meetings
        trust = np.clip(0.55 + 0.04 * level + rng.normal(0, 0.02, shape) + 0.05 * self.after, 0.1, 0.9)
        unequal = np.clip(0.2 + 0.02 * level + rng.normal(0, 0.02, shape) - 0.03 * self.after, 0.02, 0.9)
        asked = np.full(shape, 400.0)
        parts = {
            ("COMP-09", "value"): meetings,
            ("DET-02", "value"): signals.astype(float),
            (DETECTION, "value"): rng.poisson(40 * np.where(self.after, 1.5, 1), shape).astype(float),
            (CONTROL, "value"): rng.poisson(20 * np.where(self.after, 1.5, 1), shape).astype(float),
            ("COMP-02", "denominator"): invited,
            ("COMP-02", "numerator"): rng.binomial(invited.astype(int), 0.5 + 0.15 * self.after).astype(float),
            ("TRU-01", "value"): trust, ("TRU-01", "n"): asked, ("RGT-07", "value"): unequal, ("RGT-07", "n"): asked,
        }  # fmt: skip
        missing = self._missing(shape)
        tables = [self._rows(name, part, figures, missing) for (name, part), figures in parts.items()]
        had = np.where((rng.random((n, 1)) < 0.15) & (np.array(YEARS) >= 2016), "regional_subsidy", "none")
        tables.append(self._rows(PROGRAMME, "kinds", np.full(shape, np.nan), missing, text=had))
        return pd.concat(tables, ignore_index=True).astype(COLUMNS)

    def _missing(self, shape):
        """Status of every answer: some are missing, some units stop, some early years are worked out afterwards."""
        rng = self.rng
        status = np.full(shape, "registered", dtype=object)
        status[(rng.random((shape[0], 1)) < 0.25) & (np.array(YEARS) < 2015)] = "reconstructed"
        draw = rng.random(shape)
        for word, (low, high) in {"DK": (0, 0.01), "RF": (0.01, 0.015), "": (0.015, 0.04)}.items():
            status[(draw >= low) & (draw < high)] = word
        status[(rng.random((shape[0], 1)) < 0.06) & (np.array(YEARS) > 2021)] = ""
        return status

    def _rows(self, indicator, part, figures, status, text=None):
        """Rows of one part; until 2018 a merged municipality answers as its parts, each with a share of a count."""
        now = pd.Series(np.arange(len(self.codes)), index=self.codes)
        old = now[self.forward].to_numpy()
        size = np.bincount(old)[old]
        early = [(str(code), place, k) for code, place, k in zip(self.forward.index, old, size, strict=True)]
        late = [(str(code), place, 1) for place, code in enumerate(self.codes)]
        kinds = {"COMP-09", "DET-02", "COMP-02", DETECTION, CONTROL}
        rows = []
        for column, year in enumerate(YEARS):
            for code, place, k in early if year < 2019 else late:
                word = status[place, column]
                if word == "":
                    continue
                value = figures[place, column] if word in ("registered", "reconstructed") else np.nan
                value = np.floor(value / k) if indicator in kinds and k > 1 else value
                chosen = "" if text is None or not word.startswith("re") else text[place, column]
                rows.append(("municipality", code, str(year), indicator, part, value, chosen, word, "simulated", 1))
        return pd.DataFrame(rows, columns=list(COLUMNS))


def time_checks(world, simulations):
    """Return one row per outcome and step: seconds and verdict."""
    framework, values = load_framework("livc-r"), world.values()
    membership, roster = world.membership(), world.roster()
    begun = time.perf_counter()
    panel = build_panel(values[values["indicator"] != PROGRAMME], framework, unit="municipality", membership=membership)
    rows = [("all", "build the panel", time.perf_counter() - begun, "")]
    for name, relevant in OUTCOMES.items():
        begun = time.perf_counter()
        design = make_design(
            panel, name, treated_from=roster, action="coaching", cluster="livc_r", membership=membership
        )
        effects = estimate(design)
        rows.append((name, "estimate", time.perf_counter() - begun, f"{len(design.units)} x {len(design.times)}"))
        recorded = {"detection_range": (1.4, 1.6), "detection": DETECTION, "control_category": CONTROL}
        context = {
            "panel": panel.observed(name), "indicator": framework.by_id[name], "smallest_relevant": relevant,
            "roster": roster, "membership": membership, "values": values, "concurrent": (PROGRAMME,),
            "simulations": simulations, "seed": 1,
        } | (recorded if name == "DET-02" else {})  # fmt: skip
        for one in list_checks():
            begun = time.perf_counter()
            (done,) = check(design, effects, [one], **context)
            rows.append((name, one, time.perf_counter() - begun, (done.verdict, done.code)))
    return rows


def main():
    """Print each check's time and verdict, and fail where one has no answer or the whole takes too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--simulations", type=int, default=999)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    world = World(given.seed)
    list_checks()
    load, begun, spent = os.getloadavg()[0], time.perf_counter(), time.process_time()
    rows = time_checks(world, given.simulations)
    whole, spent = time.perf_counter() - begun, time.process_time() - spent
    for outcome, step, seconds, said in rows:
        told = said if isinstance(said, str) else f"{WORDS[said[0]]} ({said[1]})"
        print(f"{outcome:8s} {step:16s} {seconds:7.2f} s  {told}")
    answered = {step for _, step, _, said in rows if isinstance(said, tuple) and said[0] is not None}
    silent = sorted(set(list_checks()) - answered)
    cores = os.cpu_count()
    print(f"all {whole:.1f} s by the clock, {spent:.1f} s of processor time; {cores} cores, load {load:.1f} before")
    print(f"checks without an answer: {', '.join(silent) or 'none'}")
    sys.exit(bool(silent) or whole > given.limit)


if __name__ == "__main__":
    main()
