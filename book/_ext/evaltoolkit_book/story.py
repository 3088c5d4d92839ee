"""The demonstration that the policymaker pages tell of: run once per state of the toolkit, read by every build.

Its folder is named after a digest of the toolkit's own files: whatever changes there, a default included, changes
the numbers of the book.
"""

from __future__ import annotations

import hashlib
import pickle
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import evaltoolkit
from evaltoolkit.demo.run import run_demo
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult

SEED = 1
_FOLDER: dict[str, Path] = {}


@cache
def toolkit_digest() -> str:
    """Return a digest of every file of the toolkit."""
    root = Path(evaltoolkit.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def evaluation() -> Evaluation:
    """Return the demonstration's evaluation."""
    folder = _FOLDER["story"] / toolkit_digest()
    kept = folder / "evaluation.pickle"
    if not kept.exists():
        if folder.parent.exists():
            shutil.rmtree(folder.parent)
        _write(folder, kept)
    found = pickle.loads(kept.read_bytes())
    if not isinstance(found, Evaluation):  # pragma: no cover - a file of ours
        raise TypeError(f"{kept} does not hold an evaluation")
    return found


def _write(folder: Path, kept: Path) -> None:
    from rich.console import Console

    folder.mkdir(parents=True)
    done = run_demo(folder / "demo", seed=SEED, console=Console(quiet=True))
    kept.write_bytes(pickle.dumps(done))
    # only the evaluation is read again
    shutil.rmtree(folder / "demo")


def result_of(outcome: str) -> OutcomeResult:
    """Return what the evaluation says of one outcome."""
    return next(result for result in evaluation().outcomes if result.outcome.indicator == outcome)


def _prepare(app: Any, config: Any) -> None:
    build = Path(app.srcdir) / "_build"
    _FOLDER["story"] = build / "story"
    # a notebook's cache knows its code, not the toolkit it ran with
    config.nb_execution_cache_path = str(build / "executed" / toolkit_digest())


def setup(app: Any) -> None:
    """Say where the demonstration is kept."""
    app.connect("config-inited", _prepare, priority=100)
