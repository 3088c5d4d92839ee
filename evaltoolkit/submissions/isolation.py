"""Other people's files are read in processes of their own, which may be killed at any moment without loss.

The processes are started anew (never forked, so they hold nothing of the parent's memory), with a small environment,
are used again for the next file, and are replaced after a crash, a full memory or a time that ran out. On Linux they
have at most :data:`MEMORY` bytes of address space and may not write files; macOS keeps the second limit; on Windows
there is isolation and the time limit only.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaltoolkit.findings import EvaltoolkitError, Fact

MEMORY = 512 * 1024 * 1024
SECONDS = 20.0
WORKERS = 2
_MOST_ANSWER = 256 * 1024 * 1024
_START_SECONDS = 60.0
_LENGTH = struct.Struct(">II")
_ROOT = str(Path(__file__).resolve().parents[2])
_COMMAND = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "import evaltoolkit.submissions.worker as worker; worker.serve(int(sys.argv[2]))"
)
# What an interpreter needs to start; nothing else of the environment is handed on.
_KEPT = (
    "PATH",
    "SYSTEMROOT",
    "WINDIR",
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "VIRTUAL_ENV",
)


class BrokenOffError(Exception):
    """Reading a file ended the process or took too long; becomes a finding of the same code."""

    def __init__(self, code: str, **facts: Fact) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def run_isolated(task: str, content: bytes, **options: Fact) -> dict[str, Any]:
    """Run one task of :mod:`evaltoolkit.submissions.worker` on the bytes of a file.

    May be called from several threads; there are at most :data:`WORKERS` processes.

    Raises
    ------
    BrokenOffError
        The process ended or had to be ended, twice: once may have been the machine's fault.
    EvaltoolkitError
        No such process can be started.
    """
    pool = _pool()
    try:
        return pool.run(task, content, options)
    except BrokenOffError:
        return pool.run(task, content, options)


class _Worker:
    """One process, started with its first task."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._late = False

    @property
    def started(self) -> bool:
        """There is a process."""
        return self._process is not None

    def run(self, request: Mapping[str, Any], content: bytes, seconds: float) -> dict[str, Any]:
        if self._process is None:
            self._start()
        head = json.dumps(request).encode()
        try:
            return self._ask(_LENGTH.pack(len(head), len(content)) + head, content, seconds)
        except (OSError, ValueError, EOFError):
            late = self._late
            self.stop()
            _STOPPED.append(request["task"])
            if late:
                raise BrokenOffError("file.took_too_long", limit=round(seconds)) from None
            raise BrokenOffError("file.reader_failed") from None

    def _start(self) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        # -P: a module that lies among the files to be read must not be imported
        command = [sys.executable, "-P", "-B", "-X", "utf8", "-c", _COMMAND, _ROOT, str(MEMORY)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
            self._ask(b"", b"", _START_SECONDS)
        except (OSError, ValueError, EOFError):
            self.stop()
            raise EvaltoolkitError(
                "The process that reads files cannot be started. Check that this Python "
                f"({sys.executable or 'unknown'}) may start another one, and that memory is free."
            ) from None

    def _ask(self, head: bytes, content: bytes, seconds: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self._late = False
        # killing the process ends every wait for it, on every system
        timer = threading.Timer(seconds, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(head)
            process.stdin.write(content)
            process.stdin.flush()
            size, _ = _LENGTH.unpack(_read(process.stdout, _LENGTH.size))
            if size > _MOST_ANSWER:
                raise EOFError
            answer = json.loads(_read(process.stdout, size))
        finally:
            timer.cancel()
        if not isinstance(answer, dict):
            raise EOFError
        return answer

    def _give_up(self) -> None:
        self._late = True
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # what was still to be written cannot be
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _read(source: Any, size: int) -> bytes:
    data: bytes = source.read(size)
    if len(data) < size:
        raise EOFError
    return data


class _Pool:
    """A fixed number of workers; a task waits until one is free."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.workers = [_Worker() for _ in range(WORKERS)]
        # last in, first out: a single caller starts a single process
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for worker in self.workers:
            self._free.put(worker)

    def most_memory(self) -> float:
        """Ask every started worker; none may be at work."""
        told = [worker.run({"task": "memory"}, b"", SECONDS) for worker in self.workers if worker.started]
        return max((float(one["megabytes"]) for one in told), default=0.0)

    def run(self, task: str, content: bytes, options: Mapping[str, Fact]) -> dict[str, Any]:
        worker = self._free.get()
        try:
            return worker.run({"task": task, **options}, content, SECONDS)
        finally:
            self._free.put(worker)


_LOCK = threading.Lock()
# tasks during which a process ended or was ended
_STOPPED: list[str] = []
_POOLS: list[_Pool] = []


def _pool() -> _Pool:
    with _LOCK:
        # a forked child must not talk to its parent's processes
        if not _POOLS or _POOLS[0].process != os.getpid():
            _POOLS[:] = [_Pool()]
        return _POOLS[0]


def count_stopped() -> int:
    """Return how many reading processes ended, or had to be ended, during a task."""
    return len(_STOPPED)


def most_memory() -> float:
    """Return the most memory that a reading process has held, in megabytes; not while files are read."""
    return _pool().most_memory()


@atexit.register
def stop_workers() -> None:
    """End all reading processes; the next file starts new ones."""
    with _LOCK:
        for pool in _POOLS:
            for worker in pool.workers if pool.process == os.getpid() else ():
                worker.stop()
        _POOLS.clear()
