"""Time the collection of one filled form for each municipality: guard, reading in processes, checks, store.

    python benchmarks/collection.py [--limit 30] [--output FILE]

The forms are filled as in the demonstration, in four languages. Shown are seconds by the clock and files per second
for all files new, for the same folder again, and for all as ``.ods``; then the most memory of this process and of the
reading processes. The command fails where all files new take longer than the limit, or where one has an error.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "submissions"))

import pandas as pd
from ods_sample import as_ods

from evaltoolkit.demo.answers import ROUNDS, draw_answers
from evaltoolkit.framework.load import load_framework
from evaltoolkit.panels.simulate import simulate_world
from evaltoolkit.submissions import isolation
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.write import write_templates
from evaltoolkit.territory.municipalities import municipality_codes

VINTAGE, ROUND, LANGUAGES = 2019, "2024", ("nl", "fr", "de", "en")


def write_forms(framework, folder):
    """Write a filled form for every municipality of the division of 2019."""
    units = sorted(municipality_codes(VINTAGE))
    world = simulate_world(2026)
    answers = dict(tuple(draw_answers(world, framework, ROUND).groupby("unit")))
    cells = list(answers)
    values = pd.concat(
        answers[cells[i % len(cells)]].assign(unit=unit, unit_kind="municipality") for i, unit in enumerate(units)
    )
    languages = [LANGUAGES[i % len(LANGUAGES)] for i in range(len(units))]
    respondents = pd.DataFrame({"unit_kind": "municipality", "unit": units, "members": "", "language": languages})
    return write_templates(
        framework,
        folder,
        period=ROUND,
        language="nl",
        respondents=respondents,
        earlier=ROUNDS[ROUND],
        vintage=VINTAGE,
        values=values,
    )


def timed(folder, store, framework):
    start = time.perf_counter()
    collection = collect_folder(folder, store=store, framework=framework)
    seconds = time.perf_counter() - start
    return seconds, len(list(folder.iterdir())), collection


def run_benchmark(out):
    """Return the lines to show, the seconds of the first run and the errors found."""
    framework = load_framework("livc-r")
    paths = write_forms(framework, out / "forms")
    (out / "ods").mkdir()
    for path in paths:
        (out / "ods" / path.with_suffix(".ods").name).write_bytes(as_ods(guard_workbook(path)))
    isolation.stop_workers()
    before = peak()
    lines, errors, first = [], 0, 0.0
    for what, folder, store in (("new", "forms", "a"), ("again", "forms", "a"), ("as .ods", "ods", "b")):
        seconds, count, collection = timed(out / folder, out / store, framework)
        errors += len(collection.errors)
        first = first or seconds
        lines.append(f"{count} workbooks, {what}: {seconds:.1f} s, {count / seconds:.0f} per second")
        lines.append(f"  {len(collection.values)} values, {len(collection.errors)} errors")
    reading = isolation.most_memory()
    lines.append(
        f"most memory: this process {peak():.0f} MB ({before:.0f} MB before), a reading process {reading:.0f} MB"
    )
    lines.append(f"{os.cpu_count()} cores, {isolation.WORKERS} reading processes, load {os.getloadavg()[0]:.1f}")
    return lines, first, errors


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=30.0)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines, seconds, errors = run_benchmark(Path(folder))
    lines.append(f"limit {arguments.limit:.0f} s: {'kept' if seconds < arguments.limit else 'missed'}")
    print("\n".join(lines))
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(seconds >= arguments.limit or errors > 0)


if __name__ == "__main__":
    sys.exit(main())
