"""Ten thousand damaged workbooks: each is accepted or refused with a code, soon, within memory, and nothing crashes.

    python tests/assurance/fuzz_study.py [--count 10000]

A form of our own, as ``.xlsx`` and as ``.ods``, is changed one to three times at the level of the container, of the
XML or of a cell; every file follows from its number alone. It goes the way of a returned form: guard, reading in its
own process, typed reading, store. Columns: ``digest`` of the changed file, ``outcome`` (a file's first code, or
accepted or open), ``seconds`` on the machine that ran it (the lesser of two where the first took long), ``megabytes``
most memory of a reading process so far, ``broken`` the number of reading processes that had to be replaced. Resumable:
a stored file is not made again.
"""

import argparse
import csv
import hashlib
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "submissions"))
from attacks import unpack
from forms_sample import write_form
from framework_sample import sample_framework
from fuzz_mutations import mutate
from ods_sample import ods_parts

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import words
from evaltoolkit.submissions import isolation
from evaltoolkit.submissions.collect import read_workbook
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.scan import FORM_CELLS
from evaltoolkit.submissions.store import open_store

STORED = Path(__file__).with_name("fuzz.csv")
COLUMNS = ("number", "kind", "level", "digest", "outcome", "seconds", "megabytes", "broken")
COUNT, BATCH = 10_000, 100
SECONDS, MEGABYTES = 2.0, 512.0


@cache
def base():
    """Return (framework, parts by kind, address of an input cell)."""
    framework = sample_framework()
    with tempfile.TemporaryDirectory() as folder:
        path, layout = write_form(framework, Path(folder))
        content = path.read_bytes()
    ods = ods_parts(guard_bytes(content, "form.xlsx"))
    return framework, {"xlsx": unpack(content), "ods": ods}, layout.cells["etk.GOV_08.case.2025.v"][1]


def judge(number, framework):
    """Return the row of a file and its reading with the bytes to keep."""
    kind, level, content = mutate(number, *base()[1:])
    before = isolation.count_stopped()
    reading, outcome, seconds = go_through(content, f"{number}.{kind}", framework)
    if seconds > SECONDS / 4:
        # other work on the machine is not the file's fault
        seconds = min(seconds, go_through(content, f"{number}.{kind}", framework)[2])
    row = {
        "number": number,
        "kind": kind,
        "level": level,
        "digest": hashlib.sha256(content).hexdigest()[:12],
        "outcome": outcome,
        "seconds": f"{seconds:.3f}",
        "megabytes": f"{isolation.most_memory():.0f}",
        "broken": isolation.count_stopped() - before,
    }
    return row, reading


def go_through(content, name, framework):
    """Return the reading with the bytes to keep, the outcome, and the seconds that it took."""
    start = time.perf_counter()
    try:
        reading = read_workbook(guard_bytes(content, "form", cells=FORM_CELLS), framework, name)
        seconds = time.perf_counter() - start
        check_told(reading[0].findings)
    except Exception as error:  # what the study looks for
        return None, f"crash {type(error).__name__}", time.perf_counter() - start
    outcome = reading[0].findings[0].code if reading[0].state == "refused" else reading[0].state
    return reading, outcome, seconds


def check_told(findings):
    """Every finding has a sentence and a remedy in the language of its reader; those of rules are the framework's."""
    for finding in (finding for finding in findings if not finding.code.startswith("rule.")):
        say = words(str(finding.facts["language"]))
        facts = {name: fact for name, fact in finding.facts.items() if name != "language"}
        for code in (finding.code, f"{finding.code}.remedy"):
            if not say.say(code, **facts):
                raise EvaltoolkitError(f"{finding.code} has no sentence.")


def run(numbers, store):
    """Judge files and put what is to be kept into a store; yield the rows batch by batch."""
    framework = base()[0]
    for first in range(0, len(numbers), BATCH):
        judged = [judge(number, framework) for number in numbers[first : first + BATCH]]
        with open_store(store) as opened:
            opened.add([reading for _, reading in judged if reading], "2026-01-01T00:00:00")
        yield [row for row, _ in judged]


def read_stored():
    if not STORED.exists():
        return []
    with STORED.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    wanted = range(parser.parse_args().count)
    done = {int(row["number"]) for row in read_stored()}
    left = [number for number in wanted if number not in done]
    with tempfile.TemporaryDirectory() as folder:
        for rows in run(left, Path(folder) / "store"):
            new = not STORED.exists()
            with STORED.open("a", encoding="utf-8", newline="") as handle:
                writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerows(rows)
            print(f"{rows[-1]['number'] + 1} of {wanted.stop}", flush=True)
        outside = [path.name for path in Path(folder).iterdir() if path.name != "store"]
    stored = read_stored()
    crashes = sum(row["outcome"].startswith("crash") for row in stored)
    refused = sum(row["outcome"] not in ("accepted", "open") for row in stored) - crashes
    slowest = max(float(row["seconds"]) for row in stored)
    most = max(float(row["megabytes"]) for row in stored)
    broken = sum(int(row["broken"]) for row in stored)
    print(
        f"{len(stored)} files: {refused} refused, {len(stored) - refused - crashes} read, {crashes} crashes; "
        f"slowest {slowest:.2f} s; most memory {most:.0f} MB; reading processes replaced: {broken}; "
        f"written outside the store: {len(outside)}"
    )


if __name__ == "__main__":
    main()
