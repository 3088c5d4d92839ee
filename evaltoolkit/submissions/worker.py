"""The reading process: takes bytes, gives plain data back, one task after another, until its input ends.

It is started with limits and has no way to write a file. Whatever it says is JSON; what a task cannot do is a fault
with a code. It imports no more than it needs, so that it starts at once and its memory is that of the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.compare import check_same
from evaltoolkit.submissions.delimited import read_delimited
from evaltoolkit.submissions.judge import judge_workbook, refused_scan
from evaltoolkit.submissions.plain import encode_rows, encode_sheet
from evaltoolkit.submissions.records import read_records
from evaltoolkit.submissions.sheets import load_sheets

LENGTH = struct.Struct(">II")


def read_workbook(content: bytes, cells: int) -> dict[str, Any]:
    """Judge a workbook, read it, and hold the two against each other."""
    scan = judge_workbook(content, "", cells)
    rows: dict[str, Any] = {}
    if not scan.refused:
        try:
            rows = load_sheets(content, scan.sheets)
            check_same(scan.sheets, rows, date1904=scan.date1904)
        except UnsafeError as fault:
            scan = refused_scan("", "", fault)
    if scan.refused:
        finding = scan.findings[0]
        where = finding.where
        return {"fault": _fault(finding.code, finding.facts, where.sheet, where.cell)}
    return {
        "fault": None,
        "sheets": [encode_sheet(sheet) for sheet in scan.sheets.values()],
        "names": scan.names,
        "repeated_names": sorted(scan.repeated_names),
        "date1904": scan.date1904,
        "comments": scan.comments,
        "beside": scan.beside,
        "rows": {name: encode_rows(lines) for name, lines in rows.items()},
    }


def read_text(content: bytes, name: str, cells: int) -> dict[str, Any]:
    """Read a text file with columns."""
    return _said(lambda: read_delimited(content, name, cells))


def read_document(content: bytes, name: str, cells: int) -> dict[str, Any]:
    """Read a JSON document with records."""
    return _said(lambda: read_records(content, name, cells))


def _said(read: Callable[[], list[list[Any]]]) -> dict[str, Any]:
    try:
        return {"fault": None, "rows": read()}
    except EvaltoolkitError as error:
        return {"fault": str(error)}


def tell_memory(_content: bytes) -> dict[str, Any]:
    """Return the most memory that the process has held so far, in megabytes; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        # what the operating system says of the process alone: the usual call counts the one that started it as well
        told = next(line for line in status.read_text("ascii", "replace").splitlines() if line.startswith("VmHWM"))
        return {"megabytes": int(told.split()[1]) * 1024 / 1_000_000}
    try:
        import resource
    except ImportError:
        return {"megabytes": float("nan")}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"megabytes": peak / (1_000_000 if sys.platform == "darwin" else 1_000)}


TASKS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "workbook": read_workbook,
    "text": read_text,
    "document": read_document,
    "memory": tell_memory,
}


def _fault(code: str, facts: Mapping[str, Any], sheet: str, cell: str) -> dict[str, Any]:
    return {"code": code, "facts": dict(facts), "sheet": sheet, "cell": cell}


def limit_process(memory: int) -> None:
    """Limit memory and forbid files and core dumps, where the system can; Windows cannot."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # macOS maps more than that into every process, and refuses the first limit
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (allowed, allowed))


def serve(memory: int) -> None:
    """Answer requests from standard input until it ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # whatever a library prints must not end up among the answers
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    load_sheets_reader()
    limit_process(memory)
    answer(sink, {"ready": True})
    while (head := source.read(LENGTH.size)) and len(head) == LENGTH.size:
        size, length = LENGTH.unpack(head)
        request = json.loads(source.read(size))
        content = source.read(length)
        answer(sink, TASKS[request.pop("task")](content, **request))


def load_sheets_reader() -> None:
    """Load the value reader before the limits are set."""
    import python_calamine  # noqa: F401


def answer(sink: BinaryIO, told: Mapping[str, Any]) -> None:
    """Write one answer."""
    data = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()
    sink.write(LENGTH.pack(len(data), 0))
    sink.write(data)
    sink.flush()
