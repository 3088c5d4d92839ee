"""Time the estimators against the peers that are installed: every tool in a process of its own, one thread.

From a long table to the table of results; tools take turns, and the one that begins changes from round to round.
Estimates are compared before any time is shown: a tool that is further than 1e-6 from the toolkit is marked.

    python benchmarks/run.py [--only group_time bootstrap] [--rounds 3] [--calls 5] [--limit 60] [--output FILE]
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import own  # noqa: E402
import peers  # noqa: E402
from workloads import WORKLOADS, make_panel  # noqa: E402

ONE_THREAD = dict.fromkeys(
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"], "1"
)
AGREES = 1e-6
STEPS = "evaltoolkit (steps)"
# a tool as slow as this is not run again in later rounds
SLOW_SECONDS = 5
HEAD = f"  {'':20s} {'first':>8s} {'median':>8s} {'minimum':>8s} {'work':>8s}   {'ratios':^23s} {'MB':>6s}  agreement"


class Times(NamedTuple):
    """What the processes of one tool gave: seconds of first calls (with import), of later ones by the clock and of the
    processor, megabytes, a table."""

    first: list[float]
    warm: list[float]
    work: list[float]
    peak: float
    table: dict[str, Any]
    failure: str

    @property
    def figures(self):
        """Median and minimum by the clock, minimum of the processor."""
        return statistics.median(self.warm or self.first), min(self.warm or self.first), min(self.work)


NOTHING = Times([], [], [], 0.0, {}, "")


def run_tool(workload, tool, panel, calls, limit):
    """One process: what it gave, also where it was ended for taking too long."""
    command = [sys.executable, str(HERE / "call.py"), workload, tool, str(panel), str(calls), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    timed = [line for line in lines if "seconds" in line]
    failure = ""
    if done.returncode == -signal.SIGALRM:
        failure = f"over {limit} s"
    elif done.returncode:
        failure = "failed: " + (done.stderr.strip().splitlines() or ["no message"])[-1][:100]
    if not timed:
        return NOTHING._replace(failure=failure)
    return Times(
        [lines[0]["import"] + timed[0]["seconds"]],
        [line["seconds"] for line in timed[1:]],
        [line["work"] for line in timed[1:] or timed],
        max(line["peak"] for line in timed),
        timed[0]["table"],
        failure,
    )


def merge(one, other):
    return Times(
        one.first + other.first,
        one.warm + other.warm,
        one.work + other.work,
        max(one.peak, other.peak),
        one.table or other.table,
        one.failure or other.failure,
    )


def installed_tools(workload):
    found = [tool for tool in peers.RUNS[workload] if importlib.util.find_spec(peers.MODULES[tool].split(".")[0])]
    return [*own.RUNS[workload], *found]


def measure(workload, panel, options):
    tools = installed_tools(workload)
    times = dict.fromkeys(tools, NOTHING)
    for turn in range(options.rounds):
        for place in range(len(tools)):
            tool = tools[(place + turn) % len(tools)]
            before = times[tool]
            if turn and (before.failure or before.figures[0] > SLOW_SECONDS):
                continue
            times[tool] = merge(before, run_tool(workload, tool, panel, options.calls, options.limit))
    return times


def compare(ours, theirs):
    """Number of common estimates, largest difference of estimates, and of standard errors as a share."""
    points, others = ours["estimate"], theirs["estimate"]
    common = [label for label in points if label in others and points[label] is not None]
    gaps = [abs(points[label] - others[label]) for label in common]
    errors = [[one.get("std_error", {}).get(label, math.nan) for one in (ours, theirs)] for label in common]
    shares = [abs(a / b - 1) for a, b in errors if math.isfinite(a) and math.isfinite(b) and b > 0]
    known = [gap for gap in gaps if math.isfinite(gap)]
    return len(known), max(known, default=math.nan), max(shares, default=math.nan)


def describe_agreement(ours, theirs):
    if not (ours and theirs):
        return ""
    count, gap, error = compare(ours, theirs)
    mark = "" if gap <= AGREES else "DIFFERS: "
    errors = "" if math.isnan(error) else f", standard errors {error:.0e} relative"
    return f"{mark}{gap:.0e} in {count} estimates{errors}"


def ratios_of(times, ours):
    return [one / other for one, other in zip(times.figures, ours.figures, strict=True)]


def show_row(name, times, ours, reference):
    if not times.first:
        return f"  {name:20s} {times.failure or 'no result'}"
    cells = f"{times.first[0]:8.2f} " + " ".join(f"{one:8.4f}" for one in times.figures)
    ratios = " ".join(f"{ratio:7.1f}" for ratio in ratios_of(times, ours)) if ours.first else " " * 23
    about = ["" if times is ours else describe_agreement(reference.table, times.table), times.failure]
    about.append("" if times.warm else "first call only")
    return f"  {name:20s} {cells}   {ratios} {times.peak:6.0f}  {'; '.join(one for one in about if one)}"


def judge(case, times):
    """Whether the goal is reached against the fastest peer, in seconds of the processor: others share the cores."""
    ours = times["evaltoolkit"]
    others = {tool: one for tool, one in times.items() if tool in peers.MODULES}
    finished = {tool: one for tool, one in others.items() if one.first}
    late = [tool for tool, one in others.items() if not one.first]
    if not (ours.first and finished):
        return "no comparison" + (f" ({', '.join(late)} without result)" if late else "")
    fastest = min(finished, key=lambda tool: finished[tool].figures[2])
    by_median, by_minimum, ratio = ratios_of(finished[fastest], ours)
    parts = [f"{ratio:.1f} times as fast as {fastest} (by the clock {by_median:.1f} and {by_minimum:.1f})"]
    if case.goal:
        parts.append(f"goal {case.goal:g}: {'reached' if ratio >= case.goal else 'MISSED'}")
    if case.memory_goal:
        parts.append(
            f"{ours.peak:.0f} MB, goal {case.memory_goal:g}: {'reached' if ours.peak <= case.memory_goal else 'MISSED'}"
        )
    return "; ".join(parts)


def describe_run():
    versions = []
    for name in ("evaltoolkit", "numpy", "pandas", *peers.MODULES):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    return [
        "Two shared cores, one thread per tool, every tool in processes of its own that take turns. Seconds, from a",
        "long table to the table of results. first: import and first call; median, minimum: later calls by the clock;",
        "work: least processor time, which others on the cores disturb less, and the one that goals are held against.",
        "Ratios: tool over evaltoolkit, of median, minimum and work. MB: peak above the table handed over, first call",
        "included. Agreement: largest difference from evaltoolkit. Read ratios, not seconds: the machine is noisy.",
        f"Python {platform.python_version()}, {', '.join(versions)}",
    ]


def run_benchmark():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=5, help="calls per process after the first")
    parser.add_argument("--limit", type=int, default=60, help="seconds that a call may take")
    parser.add_argument("--most-units", type=int, default=10**9, help="leave larger panels out")
    parser.add_argument("--output", type=Path, help="write the table to this file too")
    options = parser.parse_args()
    lines, verdicts = [], []

    def say(text):
        lines.append(text)
        print(text, flush=True)

    for line in describe_run():
        say(line)
    for name in options.only:
        workload = WORKLOADS[name]
        say(f"\n{workload.title}")
        for note in workload.notes:
            say(f"  ({note})")
        for case in (one for one in workload.cases if one.size[0] <= options.most_units):
            size = " x ".join(f"{side:,}" for side in case.size[:2])
            with tempfile.TemporaryDirectory() as folder:
                panel = Path(folder) / "panel.pickle"
                make_panel(name, case.size).to_pickle(panel)
                times = measure(name, panel, options)
            say(f"\n  {size}\n{HEAD}")
            for tool, one in times.items():
                ours = times["evaltoolkit"]
                # peers are held against ours with their own stopping rule, where there is such a row
                say(show_row(tool, one, ours, times.get(STEPS, ours) if tool in peers.MODULES else ours))
            verdicts.append((name, size, judge(case, times)))
            say(f"  -> {verdicts[-1][2]}")
    say("\nAgainst the fastest peer, whether it agrees or not")
    for name, size, verdict in verdicts:
        say(f"  {name:14s} {size:>14s}  {verdict}")
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    run_benchmark()
