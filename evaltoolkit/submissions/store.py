"""The store: a folder with ``store.sqlite`` and ``originals/<sha256>``; written once, never changed but for erasing.

A file is known by the SHA-256 of its bytes. What was read from it is a *reading*: by this reader version, for this
framework. Readings, values and findings are only ever added; triggers refuse to change or delete them. That another
file takes the place of one is a row of its own, and so is that a file was erased (:mod:`.erase`).
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
from evaltoolkit.submissions.personal import mask_personal
from evaltoolkit.submissions.schema import erase_rows, prepare_tables, rewrite_pages
from evaltoolkit.submissions.store_extras import Extras, insert_extras, select_about, select_roster

# Raise when files must be read anew because reading has changed.
READER = 3
State = Literal["accepted", "open", "refused"]
Reason = Literal["corrected", "same", "chosen"]


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
    # what was asked, so that the form can be written anew; no form where that is not known
    form: str = ""
    earlier: tuple[str, ...] = ()
    agreement: bool = False
    # None of a file that was refused
    extras: Extras | None = None


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
        erased = self.erased()
        batch = [(reading, content) for reading, content in readings if reading.sha256 not in erased]
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

    def erased(self) -> set[str]:
        """Return the digests of files that were erased and are never taken again."""
        return {row[0] for row in self._connection.execute("SELECT sha256 FROM erasure")}

    def erasures(self) -> pd.DataFrame:
        """Return one row per erased file: ``sha256, moment, reason, role``."""
        return pd.read_sql_query("SELECT * FROM erasure ORDER BY moment, sha256", self._connection)

    def erase(self, digest: str, moment: str, reason: str, role: str) -> bool:
        """Erase a file for good; see :func:`~evaltoolkit.submissions.erase.erase_file`.

        Returns False where another program has the store open, so that its log may still hold what was erased.
        """
        erase_rows(self._connection, (digest, moment, reason, role))
        for name in (digest, f"{digest}.part"):
            (self.folder / "originals" / name).unlink(missing_ok=True)
        return rewrite_pages(self._connection)

    def replacements(self) -> pd.DataFrame:
        """Return which file took the place of which: ``old, new, reason``."""
        return pd.read_sql_query("SELECT * FROM replacement ORDER BY old, new", self._connection)

    def readings(self, framework: str | None = None) -> pd.DataFrame:
        """Return one row per file, in order of arrival: the newest reading of it."""
        query = "SELECT * FROM reading WHERE id IN (SELECT max(id) FROM reading {} GROUP BY sha256) ORDER BY id"
        where, parameters = ("WHERE framework = ?", [framework]) if framework else ("", [])
        return pd.read_sql_query(query.format(where), self._connection, params=parameters)

    def asked(self) -> pd.DataFrame:
        """Return what the form of each reading asked: ``reading, form, earlier, agreement``."""
        return pd.read_sql_query("SELECT * FROM asked", self._connection)

    def about(self) -> pd.DataFrame:
        """Return who filled in and the minutes of work: ``reading, contact, minutes``."""
        return select_about(self._connection)

    def roster(self) -> pd.DataFrame:
        """Return the rows of all rosters: key ``reading`` and the fields of an action."""
        return select_roster(self._connection)

    def add_extras(self, reading: int, extras: Extras) -> None:
        """Add to a reading of an earlier version what was not kept then; the same again changes nothing."""
        with self._connection:
            insert_extras(self._connection, reading, extras)

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
        # what a file calls itself is free text, and whoever sent it may have put anything there
        file, unit, vintage, members = map(
            mask_personal, (reading.file, reading.unit, reading.vintage, ";".join(reading.members))
        )
        known = (reading.sha256, reading.framework, READER)
        told = (reading.language, reading.state, received)
        cursor = self._connection.execute(
            "INSERT INTO reading (sha256, framework, reader, file, unit_kind, unit, period, members, vintage, "
            "language, state, received) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (*known, file, reading.unit_kind, unit, reading.period, members, vintage, *told),
        )
        if not cursor.rowcount:
            return
        key = int(cursor.lastrowid or 0)
        self._connection.executemany(
            "INSERT INTO value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            # a NaN becomes NULL in SQLite
            [(key, *_VALUE_COLUMNS(answer)) for answer in reading.answers],
        )
        self._connection.executemany(
            "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(key, number, *_as_row(finding)) for number, finding in enumerate(reading.findings)],
        )
        if reading.form:
            form = mask_personal(reading.form)
            asked = (key, form, ";".join(reading.earlier), int(reading.agreement))
            self._connection.execute("INSERT INTO asked VALUES (?, ?, ?, ?)", asked)
        if reading.extras is not None:
            insert_extras(self._connection, key, reading.extras)

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
            prepare_tables(connection)
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
    rows["source"] = source_of(rows)
    rows = rows.sort_values(["unit_kind", "unit", "period", "indicator", "part"], kind="stable", ignore_index=True)
    return value_table() if rows.empty else rows[list(COLUMNS)].astype(COLUMNS)


def source_of(rows: pd.DataFrame) -> pd.Series[str]:
    """Return file and place of each value, from the columns ``sha256``, ``sheet`` and ``cell``."""
    workbook = "xlsx:" + rows["sha256"] + "/" + rows["sheet"] + "!" + rows["cell"]
    # what a web form saved has no sheets
    return workbook.where(rows["sheet"] != "", "json:" + rows["sha256"] + "/" + rows["cell"])


def disagreements(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell for each value whether another file for the same unit and form period answers otherwise or not at all."""
    key = ["unit_kind", "unit", "form", "period", "indicator", "part"]
    files = rows.groupby(["unit_kind", "unit", "form"])["sha256"].transform("nunique")
    if not (files > 1).any():
        return pd.Series(False, index=rows.index)
    groups = rows.assign(answer=answer_texts(rows)).groupby(key)
    return (groups["answer"].transform("nunique") > 1) | (groups["sha256"].transform("nunique") < files)


def answer_texts(rows: pd.DataFrame) -> pd.Series[str]:
    """Return value, text and status of each answer as one text, for comparing; a missing value is a word too."""
    # astype(str) would leave NaN missing, and two different texts would count as the same
    return rows["value"].map(str) + "|" + rows["text"].fillna("") + "|" + rows["status"]


def _agreed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.loc[~disagreements(rows)].copy()


def _as_row(finding: Finding) -> tuple[str, ...]:
    where = finding.where
    masked = {name: mask_personal(fact) if isinstance(fact, str) else fact for name, fact in finding.facts.items()}
    facts = json.dumps(masked, sort_keys=True)
    return finding.code, finding.severity, mask_personal(where.sheet), where.cell, where.indicator, where.period, facts


def _as_finding(row: tuple[object, ...], about: object) -> Finding:
    _, _, code, severity, sheet, cell, indicator, period, facts = row
    where = Where(about.file, str(sheet), str(cell), str(indicator), about.unit, str(period))  # type: ignore[attr-defined]
    return Finding(str(code), severity, where, json.loads(str(facts)))  # type: ignore[arg-type]
