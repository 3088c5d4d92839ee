"""A folder of returned workbooks in; values, findings and a store that remembers out."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding, Where
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.submissions.form import RefusedFormError, open_form
from evaltoolkit.submissions.guard import Scan, guard_bytes, read_content
from evaltoolkit.submissions.isolation import WORKERS
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.personal import mask_personal
from evaltoolkit.submissions.read import AnswerReader
from evaltoolkit.submissions.roster_sheet import read_extras
from evaltoolkit.submissions.scan import FORM_CELLS
from evaltoolkit.submissions.store import Reading, State, Store, current_values, open_store
from evaltoolkit.submissions.validate import check_plausibility, check_rules
from evaltoolkit.submissions.versions import choose_file, conflict_findings, replace_versions
from evaltoolkit.submissions.web_answers import read_web_form

# Files that programs leave beside the real ones.
IGNORED_NAMES = (".ds_store", "thumbs.db", "desktop.ini")
IGNORED_STARTS = ("~$", ".~lock", "._", ".")
# files that are read, held and stored together
_BATCH = 32

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Collection:
    """What a folder of returned workbooks holds.

    Attributes
    ----------
    values : DataFrame
        Table of values (:mod:`evaltoolkit.framework.values`) of everything in the store that counts.
    findings : tuple of Finding
        Of every file that still counts or was refused in this folder, and conflicts between files.
    files : DataFrame
        One row per file: ``file, sha256, state`` (accepted, open, refused), ``unit_kind, unit, period, members,
        vintage, language, errors, questions, replaced``.
    """

    values: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    files: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings for which a person is needed; while there are any, the collection is not done."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def collect_folder(
    folder: str | Path,
    *,
    store: str | Path,
    framework: Framework,
    progress: Progress | None = None,
    keep: Sequence[str] = (),
) -> Collection:
    """Collect returned workbooks: guard, read, check, store.

    A file that the store knows is not read again. Of a file that is refused as a whole nothing is stored but its
    digest and the findings; of a file with faults in some cells the other answers are kept. A file that was erased
    from the store is not taken again.

    Parameters
    ----------
    folder : path
        Searched with its subfolders.
    store : path
        Folder of the store; made if it is not there.
    framework : Framework
    progress : callable, optional
        Called with (files done, files in all).
    keep : sequence of str
        Files that count where several for one unit and period disagree; see
        :func:`~evaltoolkit.submissions.versions.choose_file`.

    Returns
    -------
    Collection

    Raises
    ------
    EvaltoolkitError
        The folder is not there or holds no file; the store cannot be used; a file to keep is not known.
    """
    folder = Path(folder)
    paths = _list_files(folder, Path(store))
    name = f"{framework.name} {framework.version}"
    received = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    with open_store(store) as opened:
        seen = _add_files(opened, paths, folder, framework, (received, progress))
        readings = opened.readings(name)
        replace_versions(opened, readings)
        for file in keep:
            choose_file(opened, file)
        return _assemble(opened, readings, seen)


def _list_files(folder: Path, store: Path) -> list[Path]:
    if not folder.is_dir():
        raise EvaltoolkitError(f'There is no folder "{folder.name}". Name the folder with the returned workbooks.')
    inside = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_ignored(path, folder)]
    paths = [path for path in inside if store.resolve() not in path.resolve().parents]
    if not paths:
        raise EvaltoolkitError(f'The folder "{folder.name}" holds no workbook: put the returned .xlsx files there.')
    return paths


def _is_ignored(path: Path, folder: Path) -> bool:
    return any(
        part.lower() in IGNORED_NAMES or part.startswith(IGNORED_STARTS) for part in path.relative_to(folder).parts
    )


def _add_files(
    store: Store, paths: list[Path], folder: Path, framework: Framework, run: tuple[str, Progress | None]
) -> dict[str, str]:
    """Read what the store does not know yet; return the name of every file by its digest."""
    received, progress = run
    known = store.known(f"{framework.name} {framework.version}") | store.erased()
    seen: dict[str, str] = {}
    with ThreadPoolExecutor(WORKERS) as threads:
        for first in range(0, len(paths), _BATCH):
            some = paths[first : first + _BATCH]
            batch: list[tuple[Reading, bytes]] = []
            looks = threads.map(partial(_look, known), some)
            for number, (path, (digest, found)) in enumerate(zip(some, looks, strict=True), first + 1):
                name = path.relative_to(folder).as_posix()
                if isinstance(found, bytes) and digest not in seen:
                    batch.append(read_web_form(found, framework, name))
                elif isinstance(found, Scan) and digest not in seen:
                    batch.append(read_workbook(found, framework, name))
                seen.setdefault(digest, name)
                if progress is not None:
                    progress(number, len(paths))
            store.add(batch, received)
    return seen


def _look(known: Set[str], path: Path) -> tuple[str, Scan | bytes | None]:
    """Return a file's digest and, where the store does not know it, what the gate makes of it.

    What a web form saved is JSON: its bytes, for it is read within limits of its own.
    """
    content = read_content(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest in known:
        return digest, None
    return digest, content if path.suffix.lower() == ".json" else guard_bytes(content, path.name, cells=FORM_CELLS)


def read_workbook(scan: Scan, framework: Framework, file: str) -> tuple[Reading, bytes]:
    """Read one scanned workbook; second, the bytes to keep, empty where nothing may be kept.

    ``file`` is the name under which findings point to it.
    """
    name = f"{framework.name} {framework.version}"
    try:
        form = open_form(scan, framework)
    except RefusedFormError as refusal:
        return _reading(scan, name, file, refusal.meta, refusal.findings), b""
    reader = AnswerReader(form, framework)
    reader.read()
    extras, beside = read_extras(form)
    where = Where(file, unit=form.meta.unit, period=form.meta.period)
    rule_findings, faulty = check_rules(reader.answers, framework, where)
    answers = tuple(a for a in reader.answers if (a.period, a.indicator, a.part) not in faulty)
    findings = (*reader.findings, *beside, *rule_findings, *check_plausibility(answers, form.meta.period, where))
    state: State = "open" if any(finding.severity == "error" for finding in findings) else "accepted"
    reading = _reading(scan, name, file, form.meta, findings)
    return replace(reading, state=state, answers=answers, extras=extras), scan.content


def _reading(scan: Scan, framework: str, file: str, meta: FormMeta | None, findings: tuple[Finding, ...]) -> Reading:
    if meta is None:
        return Reading(scan.sha256, framework, file, "refused", findings=_told(findings, file, "en"))
    return Reading(
        scan.sha256,
        framework,
        file,
        "refused",
        meta.unit_kind,
        meta.unit,
        meta.period,
        meta.members,
        meta.vintage,
        meta.language,
        findings=_told(findings, file, meta.language),
        form=meta.form,
        earlier=meta.earlier,
        agreement=meta.agreement,
    )


def _told(findings: Iterable[Finding], file: str, language: str) -> tuple[Finding, ...]:
    """Return findings under the name the user knows, with the language in which to tell them."""
    return tuple(
        Finding(found.code, found.severity, replace(found.where, file=file), {**found.facts, "language": language})
        for found in findings
    )


def _assemble(store: Store, readings: pd.DataFrame, seen: dict[str, str]) -> Collection:
    replaced = store.replaced()
    gone = readings["sha256"].isin(replaced) | ((readings["state"] == "refused") & ~readings["sha256"].isin(list(seen)))
    findings = store.findings(readings.loc[~gone]) + conflict_findings(store, readings)
    findings += [
        Finding("file.erased", "error", Where(mask_personal(seen[d]))) for d in sorted(store.erased() & seen.keys())
    ]
    findings += _kept_before(store, readings)
    files = readings.drop(columns=["id", "framework", "reader", "received"]).assign(
        errors=_count(readings, findings, "error"),
        questions=_count(readings, findings, "question"),
        replaced=readings["sha256"].isin(replaced),
    )
    return Collection(current_values(store, readings), tuple(findings), files)


def _kept_before(store: Store, readings: pd.DataFrame) -> list[Finding]:
    """Tell which files that are refused now for personal data an earlier version has taken and still keeps."""
    refused = readings.loc[readings["state"] == "refused"]
    personal = {found.where.file for found in store.findings(refused) if found.code.startswith("personal.")}
    return [
        Finding("file.kept_before", "error", Where(str(row.file), unit=str(row.unit)), {"sha": str(row.sha256)[:12]})
        for row in refused.itertuples()
        if row.file in personal and (store.folder / "originals" / str(row.sha256)).is_file()
    ]


def _count(readings: pd.DataFrame, findings: list[Finding], severity: str) -> list[int]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.where.file] = counts.get(finding.where.file, 0) + (finding.severity == severity)
    return [counts.get(str(file), 0) for file in readings["file"]]
