"""The store: a folder with ``store.sqlite`` and ``originals/<sha256>``; written once, never changed.

A file is known by the SHA-256 of its bytes. What was read from it is a *reading*: by this reader version, for this
framework. Readings, values and findings are only ever added; triggers refuse to change or delete them. That another
file takes the place of one is a row of its own.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Literal

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding, Where
from evaltoolkit.framework.values import COLUMNS, value_table

# Raise when files must be read anew because reading has changed.
READER = 2
State = Literal["accepted", "open", "refused"]
Reason = Literal["corrected", "same", "chosen"]

_TABLES = """
CREATE TABLE reading (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    framework TEXT NOT NULL,
    reader INTEGER NOT NULL,
    file TEXT NOT NULL,
    unit_kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    period TEXT NOT NULL,
    members TEXT NOT NULL,
    vintage TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('accepted', 'open', 'refused')),
    received TEXT NOT NULL,
    UNIQUE (sha256, framework, reader)
) STRICT;
CREATE TABLE value (
    reading INTEGER NOT NULL REFERENCES reading (id),
    period TEXT NOT NULL,
    indicator TEXT NOT NULL,
    part TEXT NOT NULL,
    value REAL,
    text TEXT NOT NULL,
    status TEXT NOT NULL,
    sheet TEXT NOT NULL,
    cell TEXT NOT NULL,
    wording INTEGER NOT NULL,
    PRIMARY KEY (reading, period, indicator, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE finding (
    reading INTEGER NOT NULL REFERENCES reading (id),
    number INTEGER NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('error', 'question', 'note')),
    sheet TEXT NOT NULL,
    cell TEXT NOT NULL,
    indicator TEXT NOT NULL,
    period TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (reading, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE replacement (
    old TEXT NOT NULL,
    new TEXT NOT NULL CHECK (new <> old),
    reason TEXT NOT NULL CHECK (reason IN ('corrected', 'same', 'chosen')),
    PRIMARY KEY (old, new)
) STRICT, WITHOUT ROWID;
"""
_TRIGGER = """
CREATE TRIGGER {table}_{action} BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, 'the store is append-only'); END;
"""
_RECORDED = ("reading", "value", "finding", "replacement")


@dataclass(frozen=True)
class StoredValue:
    """One typed answer and the cell it came from."""

    period: str
    indicator: str
    part: str
    value: float
    text: str
    status: str
    sheet: str
    cell: str
    wording: int


_VALUE_COLUMNS = attrgetter(*(entry.name for entry in fields(StoredValue)))


@dataclass(frozen=True)
class Reading:
    """What was read from one file."""

    sha256: str
    framework: str
    file: str
    state: State
    unit_kind: str = ""
    unit: str = ""
    period: str = ""
    members: tuple[str, ...] = ()
    vintage: str = ""
    language: str = "en"
    answers: tuple[StoredValue, ...] = ()
    findings: tuple[Finding, ...] = ()


class Store:
    """An open store; use :func:`open_store`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    def known(self, framework: str) -> set[str]:
        """Return the digests of files that this reader has read for a framework."""
        rows = self._connection.execute(
            "SELECT sha256 FROM reading WHERE framework = ? AND reader = ?", (framework, READER)
        )
        return {row[0] for row in rows}

    def add(self, readings: Iterable[tuple[Reading, bytes]], received: str) -> None:
        """Add readings with their originals in one transaction; an empty original is not kept.

        ``received`` is the moment of the run, the same for all files that came together.
        """
        batch = list(readings)
        for reading, content in batch:
            if content:
                self._keep_original(reading.sha256, content)
        with self._connection:
            for reading, _ in batch:
                self._insert(reading, received)

    def replace(self, old: str, new: str, reason: Reason) -> None:
        """Record that a file takes the place of another; the same again changes nothing."""
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO replacement VALUES (?, ?, ?)", (old, new, reason))

    def replaced(self) -> set[str]:
        """Return the digests of files whose place was taken by another."""
        return {row[0] for row in self._connection.execute("SELECT old FROM replacement")}

    def readings(self, framework: str | None = None) -> pd.DataFrame:
        """Return one row per file, in order of arrival: the newest reading of it."""
        query = "SELECT * FROM reading WHERE id IN (SELECT max(id) FROM reading {} GROUP BY sha256) ORDER BY id"
        where, parameters = ("WHERE framework = ?", [framework]) if framework else ("", [])
        return pd.read_sql_query(query.format(where), self._connection, params=parameters)

    def values(self) -> pd.DataFrame:
        """Return all values: key ``reading`` and the fields of :class:`StoredValue`."""
        return pd.read_sql_query("SELECT * FROM value", self._connection)

    def findings(self, readings: pd.DataFrame) -> list[Finding]:
        """Return the findings of these readings, in order."""
        about = {int(str(row.id)): row for row in readings.itertuples()}
        rows = self._connection.execute("SELECT * FROM finding ORDER BY reading, number")
        return [_as_finding(row, about[row[0]]) for row in rows if row[0] in about]

    def dump(self) -> str:
        """Return the whole content as SQL, for comparing two states."""
        return "\n".join(self._connection.iterdump())

    def _insert(self, reading: Reading, received: str) -> None:
        row = (reading.sha256, reading.framework, READER, reading.file, reading.unit_kind, reading.unit, reading.period)
        cursor = self._connection.execute(
            "INSERT INTO reading (sha256, framework, reader, file, unit_kind, unit, period, members, vintage, "
            "language, state, received) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*row, ";".join(reading.members), reading.vintage, reading.language, reading.state, received),
        )
        if not cursor.rowcount:
            return
        key = cursor.lastrowid
        self._connection.executemany(
            "INSERT INTO value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            # a NaN becomes NULL in SQLite
            [(key, *_VALUE_COLUMNS(answer)) for answer in reading.answers],
        )
        self._connection.executemany(
            "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(key, number, *_as_row(finding)) for number, finding in enumerate(reading.findings)],
        )

    def _keep_original(self, digest: str, content: bytes) -> None:
        """Write under a temporary name first: after a crash the file is whole or not there."""
        target = self.folder / "originals" / digest
        if target.exists():
            return
        temporary = target.with_suffix(".part")
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(target)


@contextmanager
def open_store(folder: str | Path) -> Iterator[Store]:
    """Open a store folder, made if it is not there.

    Raises
    ------
    EvaltoolkitError
        The folder cannot be made or its database is not a store.
    """
    folder = Path(folder)
    try:
        (folder / "originals").mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(folder / "store.sqlite")) as connection:
            _prepare(connection)
            yield Store(folder, connection)
    except (OSError, sqlite3.DatabaseError) as error:
        raise EvaltoolkitError(
            f'The store "{folder.name}" cannot be used: {error}. Name another folder, or free this one.'
        ) from error


def load_store(folder: str | Path) -> pd.DataFrame:
    """Return the values of a store that count: of files not refused and not replaced.

    Returns
    -------
    DataFrame
        Table of values (:mod:`evaltoolkit.framework.values`), one row per unit, period, indicator and part. Where
        forms of several years tell about the same period, a registered value comes before a reconstructed one, and
        then the later form before the earlier. Where two files stand against each other for the same unit and
        period, only the answers on which they agree.

    Raises
    ------
    EvaltoolkitError
        There is no store in the folder.
    """
    if not (Path(folder) / "store.sqlite").is_file():
        raise EvaltoolkitError(
            f'There is no store in "{Path(folder).name}": run collect first, or name the right folder.'
        )
    with open_store(folder) as store:
        return current_values(store, store.readings())


def load_findings(folder: str | Path) -> tuple[Finding, ...]:
    """Return what collecting had to tell about the files of a store that were not replaced; none without a store."""
    if not (Path(folder) / "store.sqlite").is_file():
        return ()
    with open_store(folder) as store:
        readings = store.readings()
        return tuple(store.findings(readings.loc[~readings["sha256"].isin(store.replaced())]))


def current_values(store: Store, readings: pd.DataFrame) -> pd.DataFrame:
    """Return the values that count among some readings; see :func:`load_store`."""
    active = readings.loc[(readings["state"] != "refused") & ~readings["sha256"].isin(store.replaced())]
    about = active.rename(columns={"id": "reading", "period": "form"})
    rows = store.values().merge(about[["reading", "sha256", "unit_kind", "unit", "form"]], on="reading")
    rows["text"] = rows["text"].fillna("")
    rows = _agreed(rows)
    rows["late"] = rows["status"] == "reconstructed"
    rows = rows.sort_values(["late", "form"], ascending=[True, False], kind="stable")
    rows = rows.drop_duplicates(["unit_kind", "unit", "period", "indicator", "part"])
    workbook = "xlsx:" + rows["sha256"] + "/" + rows["sheet"] + "!" + rows["cell"]
    # what a web form saved has no sheets
    rows["source"] = workbook.where(rows["sheet"] != "", "json:" + rows["sha256"] + "/" + rows["cell"])
    rows = rows.sort_values(["unit_kind", "unit", "period", "indicator", "part"], kind="stable", ignore_index=True)
    return value_table() if rows.empty else rows[list(COLUMNS)].astype(COLUMNS)


def disagreements(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell for each value whether another file for the same unit and form period answers otherwise or not at all."""
    key = ["unit_kind", "unit", "form", "period", "indicator", "part"]
    files = rows.groupby(["unit_kind", "unit", "form"])["sha256"].transform("nunique")
    if not (files > 1).any():
        return pd.Series(False, index=rows.index)
    answer = rows["value"].astype(str) + "|" + rows["text"] + "|" + rows["status"]
    groups = rows.assign(answer=answer).groupby(key)
    return (groups["answer"].transform("nunique") > 1) | (groups["sha256"].transform("nunique") < files)


def _agreed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.loc[~disagreements(rows)].copy()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'reading'").fetchone()[0]:
        return
    triggers = [_TRIGGER.format(table=table, action=action) for table in _RECORDED for action in ("UPDATE", "DELETE")]
    connection.executescript("BEGIN;" + _TABLES + "".join(triggers) + "COMMIT;")


def _as_row(finding: Finding) -> tuple[str, ...]:
    where = finding.where
    facts = json.dumps(dict(finding.facts), sort_keys=True)
    return finding.code, finding.severity, where.sheet, where.cell, where.indicator, where.period, facts


def _as_finding(row: tuple[object, ...], about: object) -> Finding:
    _, _, code, severity, sheet, cell, indicator, period, facts = row
    where = Where(about.file, str(sheet), str(cell), str(indicator), about.unit, str(period))  # type: ignore[attr-defined]
    return Finding(str(code), severity, where, json.loads(str(facts)))  # type: ignore[arg-type]
