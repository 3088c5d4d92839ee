"""Collecting killed at fifty random moments: the store is the old one or the new one, and the next run completes it."""

import hashlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from forms_sample import TEXT, edit_cell, write_form

from evaltoolkit.submissions import collect as collecting
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.store import open_store
from evaltoolkit.territory.municipalities import municipality_codes

FILES, BATCH, KILLS = 12, 2, 50
# one process that has everything loaded and makes a new one for each run, so that a run is nothing but collecting
STARTER = """
import os, sys
sys.path[:0] = sys.argv[3:]
from framework_sample import sample_framework
from evaltoolkit.submissions import collect
collect._BATCH = int(sys.argv[2])
framework = sample_framework()
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            collect.collect_folder(sys.argv[1], store=line.strip(), framework=framework)
        finally:
            os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no process of a process"),
]


@pytest.fixture(scope="module")
def returned(framework, tmp_path_factory):
    """Forms of which one has a fault and one is refused."""
    folder = tmp_path_factory.mktemp("returned")
    for unit in list(municipality_codes(2025))[:FILES]:
        path, layout = write_form(framework, folder, unit=unit, name=f"{unit}.xlsx")
    edit_cell(path, layout, ("GOV-08", "case", "2025"), TEXT, "veel")
    (folder / "aaa.xlsx").write_bytes(b"<html>")
    return folder


@pytest.fixture(scope="module")
def starter(returned):
    command = [sys.executable, "-c", STARTER, str(returned), str(BATCH), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def run(starter, store, after=None):
    """Collect into a store, killed after some seconds; returns the seconds that it took."""
    starter.stdin.write(f"{store}\n")
    starter.stdin.flush()
    child = int(starter.stdout.readline())
    start = time.perf_counter()
    if after is not None:
        time.sleep(after)
        # it may have ended by itself
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    assert starter.stdout.readline() == "ended\n"
    return time.perf_counter() - start


def content(store):
    """Everything in the tables, without the moment of the run."""
    with open_store(store) as opened:
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "now", opened.dump())


def check_whole(store, expected):
    """Every batch is there with all its rows or not at all, and every original of a reading is whole."""
    with closing(sqlite3.connect(store / "store.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'reading'").fetchone()[0]:
            return 0
        readings = connection.execute("SELECT id, sha256, file, state FROM reading ORDER BY id").fetchall()
        values = dict(connection.execute("SELECT reading, count(*) FROM value GROUP BY reading").fetchall())
        about = {row[0] for row in connection.execute("SELECT reading FROM about")}
    assert len(readings) % BATCH == 0 or len(readings) == len(expected)
    assert [row[2] for row in readings] == list(expected)[: len(readings)]
    for key, digest, file, state in readings:
        assert (state, values.get(key, 0)) == expected[file]
        original = store / "originals" / digest
        if state == "refused":
            assert not original.exists()
        else:
            assert hashlib.sha256(original.read_bytes()).hexdigest() == digest
            assert key in about
    return len(readings)


def test_killed_at_fifty_random_moments(returned, starter, framework, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "_BATCH", BATCH)
    seconds = max(run(starter, tmp_path / "whole") for _ in range(2))
    seconds = max(seconds, run(starter, tmp_path / "again"))
    whole = content(tmp_path / "whole")
    assert content(tmp_path / "again") == whole
    collection = collect_folder(returned, store=tmp_path / "whole", framework=framework)
    with open_store(tmp_path / "whole") as opened:
        values = opened.values()["reading"].value_counts()
        told = opened.readings()[["id", "file", "state"]].itertuples(index=False, name=None)
        expected = {file: (state, int(values.get(key, 0))) for key, file, state in told}
    assert len(expected) == FILES + 1
    assert set(collection.files["state"]) == {"accepted", "open", "refused"}
    rng = random.Random(20261126)
    reached = set()
    for number in range(KILLS):
        store = tmp_path / f"killed{number}"
        run(starter, store, after=rng.uniform(0, seconds))
        if (store / "store.sqlite").is_file():
            reached.add(check_whole(store, expected))
        collect_folder(returned, store=store, framework=framework)
        assert content(store) == whole
        assert not list((store / "originals").glob("*.part"))
        check_whole(store, expected)
    # the moments lie before, within and behind the writing
    assert len(reached) > 2
