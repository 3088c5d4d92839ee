"""Tables of the store: rows are only ever added; erasing a person's data is the one exception, and it is recorded."""

from __future__ import annotations

import sqlite3

from evaltoolkit.findings import EvaltoolkitError

# Raise with every change of the tables; kept in the database itself. Stores from before there was one say 0.
VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS reading (
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
CREATE TABLE IF NOT EXISTS value (
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
CREATE TABLE IF NOT EXISTS finding (
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
CREATE TABLE IF NOT EXISTS asked (
    reading INTEGER PRIMARY KEY REFERENCES reading (id),
    form TEXT NOT NULL,
    earlier TEXT NOT NULL,
    agreement INTEGER NOT NULL CHECK (agreement IN (0, 1))
) STRICT;
CREATE TABLE IF NOT EXISTS about (
    reading INTEGER PRIMARY KEY REFERENCES reading (id),
    contact TEXT NOT NULL,
    minutes INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS roster (
    reading INTEGER NOT NULL REFERENCES reading (id),
    line INTEGER NOT NULL,
    action TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    hours REAL,
    decided_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('treated', 'never', 'unknown')),
    sheet TEXT NOT NULL,
    cell TEXT NOT NULL,
    PRIMARY KEY (reading, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replacement (
    old TEXT NOT NULL,
    new TEXT NOT NULL CHECK (new <> old),
    reason TEXT NOT NULL CHECK (reason IN ('corrected', 'same', 'chosen')),
    PRIMARY KEY (old, new)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasure (
    sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    moment TEXT NOT NULL,
    reason TEXT NOT NULL,
    role TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {table}_{action} BEFORE {action} ON {table}
BEGIN SELECT RAISE(ABORT, 'the store is append-only'); END;
"""
# a row goes before the one it points to
_OF_A_FILE = ("value", "finding", "asked", "about", "roster", "reading")
_RECORDED = (*_OF_A_FILE, "replacement", "erasure")


def prepare_tables(connection: sqlite3.Connection) -> None:
    """Make what a new store lacks, or one of an earlier version, in one transaction.

    Raises
    ------
    EvaltoolkitError
        A later version has written the store, or the database is that of another program.
    """
    connection.execute("PRAGMA foreign_keys = ON")
    # what is deleted is overwritten, also in pages that stay in use
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > VERSION:
        raise EvaltoolkitError(
            f"A later version of evaltoolkit has written this store (tables {version}, known {VERSION}): install that "
            "version, or collect the files into a new store."
        )
    if tables and "reading" not in tables:
        raise EvaltoolkitError("store.sqlite is the database of another program: name another folder for the store.")
    connection.execute("PRAGMA journal_mode = WAL")
    if version == VERSION and tables.issuperset(_RECORDED):
        return
    triggers = [_TRIGGER.format(table=table, action=action) for table in _RECORDED for action in ("UPDATE", "DELETE")]
    connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}{''.join(triggers)}PRAGMA user_version = {VERSION};COMMIT;")


def erase_rows(connection: sqlite3.Connection, record: tuple[str, str, str, str]) -> None:
    """Delete every row of a file but that others took its place or it theirs, and record that; all or nothing.

    Parameters
    ----------
    connection : sqlite3.Connection
    record : tuple
        SHA-256, moment, reason and role. Of a file erased before the first record stays.
    """
    digest = record[0]
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR IGNORE INTO erasure VALUES (?, ?, ?, ?)", record)
        for table in _OF_A_FILE:
            connection.execute(f"DROP TRIGGER {table}_DELETE")
            key = "sha256 = ?" if table == "reading" else "reading IN (SELECT id FROM reading WHERE sha256 = ?)"
            connection.execute(f"DELETE FROM {table} WHERE {key}", (digest,))
            connection.execute(_TRIGGER.format(table=table, action="DELETE"))


def rewrite_pages(connection: sqlite3.Connection) -> bool:
    """Write the database anew without free pages, and empty the log; False where another program holds it open."""
    try:
        connection.execute("VACUUM")
        return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError:
        return False
