"""Time one tool on one workload, in this process alone; lines of JSON go to standard output. Called by ``run.py``.

    python benchmarks/call.py WORKLOAD TOOL PANEL.pickle CALLS SECONDS

The operating system ends the process when a call takes longer than SECONDS, whatever code is running.
"""

import contextlib
import gc
import importlib
import json
import math
import signal
import sys
import time
import warnings
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# after this many seconds of calls the figures are good enough, and a first call this long stays the only one
ENOUGH_SECONDS, LONG_SECONDS = 6, 20


def _memory(name):
    """A line of the process's own status in megabytes; NaN where the system has none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return math.nan
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), math.nan)


def _reset_peak():
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _load(workload, tool):
    import own
    import peers

    if tool in peers.MODULES:
        importlib.import_module(peers.MODULES[tool])
        return peers.RUNS[workload][tool]
    return own.RUNS[workload][tool]


def _points(table):
    """Estimates and standard errors by label, as JSON can hold them."""
    labels = [
        " ".join(f"{one:g}" if isinstance(one, float | int) else str(one) for one in _parts(row)) for row in table.index
    ]
    return {
        column: dict(zip(labels, table[column].astype(float).tolist(), strict=True))
        for column in ("estimate", "std_error")
        if column in table
    }


def _parts(label):
    return label if isinstance(label, tuple) else (label,)


def time_calls(workload, tool, panel, calls, limit):
    warnings.simplefilter("ignore")
    frame = pd.read_pickle(panel)
    begin = time.perf_counter()
    run = _load(workload, tool)
    print(json.dumps({"import": time.perf_counter() - begin}), flush=True)
    spent = 0.0
    for number in range(calls + 1):
        given = frame.copy()
        gc.collect()
        before = _memory("VmRSS")
        _reset_peak()
        signal.alarm(limit)
        begin, work = time.perf_counter(), time.process_time()
        table = run(given)
        seconds, work = time.perf_counter() - begin, time.process_time() - work
        signal.alarm(0)
        line = {"seconds": seconds, "work": work, "peak": _memory("VmHWM") - before}
        print(json.dumps(line | ({} if number else {"table": _points(table)})), flush=True)
        spent += seconds
        if spent > (ENOUGH_SECONDS if number else LONG_SECONDS):
            break


if __name__ == "__main__":
    chosen = sys.argv[1:]
    time_calls(chosen[0], chosen[1], chosen[2], int(chosen[3]), int(chosen[4]))
