"""The reading process: it may die, hang or swell, and nothing else does."""

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from attacks import ATTACKS, unpack
from forms_sample import write_form

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions import isolation
from evaltoolkit.submissions.collect import collect_folder
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.isolation import BrokenOffError, run_isolated

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "import evaltoolkit.submissions.worker as worker; {}; worker.serve(int(sys.argv[2]))"
)
TASK = "worker.TASKS = {{'workbook': lambda content, cells: {}}}"
NO_LIMITS = sys.platform != "linux"


@pytest.fixture
def worker(monkeypatch):
    """Start reading processes anew, with what a test puts into them."""
    isolation.stop_workers()

    def put(code):
        isolation.stop_workers()
        monkeypatch.setattr(isolation, "_COMMAND", START.format(code))

    yield put
    isolation.stop_workers()


@pytest.fixture
def form(framework, tmp_path):
    path, layout = write_form(framework, tmp_path / "in")
    return path.read_bytes(), layout


def code_of(scan):
    return [finding.code for finding in scan.findings]


def test_a_reader_that_aborts_is_a_finding_and_the_next_file_is_read(worker, form):
    """The guard switched off, one cell in the last corner ends the interpreter that reads it."""
    content, layout = form
    far = ATTACKS["06 cell in the last corner"][0](unpack(content), "")
    worker(
        "from evaltoolkit.submissions.guard import Scan; worker.judge_workbook = lambda content, file, cells: "
        f"Scan(file, '', sheets=dict.fromkeys({[*layout.titles.values(), '_lists', '_etk']!r}))"
    )
    before = isolation.count_stopped()
    assert code_of(guard_bytes(far, "far.xlsx")) == ["file.reader_failed"]
    # once may have been the machine's fault
    assert isolation.count_stopped() == before + 2
    worker("pass")
    assert code_of(guard_bytes(content, "form.xlsx")) == []


def test_what_takes_too_long_is_ended(worker, form, monkeypatch):
    monkeypatch.setattr(isolation, "SECONDS", 0.3)
    worker("import time; " + TASK.format("time.sleep(60)"))
    scan = guard_bytes(form[0], "form.xlsx")
    assert [(f.code, dict(f.facts)) for f in scan.findings] == [("file.took_too_long", {"limit": 0})]
    assert not scan.content


@pytest.mark.skipif(NO_LIMITS, reason="only Linux limits the memory of a process")
def test_what_needs_too_much_memory_is_ended(worker, form):
    worker(TASK.format("{'size': len(bytearray(700_000_000))}"))
    assert code_of(guard_bytes(form[0], "form.xlsx")) == ["file.reader_failed"]


@pytest.mark.skipif(NO_LIMITS, reason="Windows has no such limit")
def test_the_process_cannot_write_a_file(worker, tmp_path):
    target = tmp_path / "written.txt"
    worker(TASK.format(f"{{'size': open({str(target)!r}, 'w').write('x' * 100_000)}}"))
    with pytest.raises(BrokenOffError):
        run_isolated("workbook", b"", cells=1)
    assert not target.exists() or target.stat().st_size == 0


def test_the_process_knows_nothing_of_the_environment(worker, monkeypatch):
    monkeypatch.setenv("SOME_PASSWORD", "secret")
    worker("import os; " + TASK.format("dict(os.environ)"))
    told = run_isolated("workbook", b"", cells=1)
    assert "PATH" in told
    assert "secret" not in told.values()


def test_a_module_among_the_files_is_not_imported(worker, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert run_isolated("memory", b"")["megabytes"] > 0


def test_one_process_reads_many_files(worker, form):
    worker("import os; " + TASK.format("{'pid': os.getpid()}"))
    assert len({run_isolated("workbook", form[0], cells=1)["pid"] for _ in range(5)}) == 1


def test_a_killed_process_is_replaced_and_the_file_read(worker, form):
    worker("import os; worker.TASKS = {**worker.TASKS, 'pid': lambda content: {'pid': os.getpid()}}")
    first = run_isolated("pid", b"")["pid"]
    os.kill(first, signal.SIGTERM)
    assert code_of(guard_bytes(form[0], "form.xlsx")) == []
    assert run_isolated("pid", b"")["pid"] != first


def test_several_files_at_once(worker, form):
    good = form[0]
    bad = ATTACKS["16 macro"][0](unpack(good), "")
    with ThreadPoolExecutor(6) as threads:
        codes = list(threads.map(lambda content: code_of(guard_bytes(content, "x.xlsx")), [good, bad] * 20))
    assert codes == [[], ["file.macro"]] * 20


@pytest.mark.parametrize("answer", ["print('noise')", "sys.stdout.buffer.write(b'x' * 100)"])
def test_what_a_library_prints_does_not_disturb_the_answer(worker, answer):
    worker("import os; " + TASK.format(f"[{answer}, {{'size': 3}}][1]"))
    assert run_isolated("workbook", b"", cells=1) == {"size": 3}


def test_an_answer_that_is_no_answer_is_a_broken_reading(worker, form):
    worker(TASK.format("[1, 2]"))
    assert code_of(guard_bytes(form[0], "form.xlsx")) == ["file.reader_failed"]


def test_a_process_that_cannot_start_is_said_in_words(monkeypatch, form):
    isolation.stop_workers()
    monkeypatch.setattr(isolation, "_COMMAND", "raise SystemExit")
    with pytest.raises(EvaltoolkitError, match="cannot be started"):
        guard_bytes(form[0], "form.xlsx")
    isolation.stop_workers()


def test_answers_are_plain_data(form):
    told = run_isolated("workbook", form[0], cells=10_000)
    assert json.loads(json.dumps(told)) == told


def test_a_folder_with_a_file_that_ends_every_reader_is_collected(worker, framework, form, tmp_path):
    (tmp_path / "in" / "deadly.xlsx").write_bytes(b"PK\x03\x04 deadly")
    worker(
        "import os; read = worker.read_workbook; worker.TASKS = {'workbook': lambda content, cells: "
        "os.abort() if b'deadly' in content else read(content, cells)}"
    )
    collection = collect_folder(tmp_path / "in", store=tmp_path / "store", framework=framework)
    assert [(f.code, f.where.file) for f in collection.errors] == [("file.reader_failed", "deadly.xlsx")]
    assert sorted(collection.files["state"]) == ["accepted", "refused"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "store"]
