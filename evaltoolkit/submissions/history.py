"""What a store remembers: the revisions of one respondent, the values of any of them, and where a value came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.values import COLUMNS, value_table
from evaltoolkit.submissions.erase import find_digest
from evaltoolkit.submissions.store import Store, answer_texts, open_store, source_of

HISTORY = (
    "revision", "unit_kind", "unit", "period", "sha256", "file", "state", "received", "replaced_by", "reason",
    "answers", "added", "changed", "dropped", "indicators", "contact", "minutes", "actions",
)  # fmt: skip
_NO_EXTRAS: dict[str, object] = {"contact": "", "minutes": "", "actions": ""}
_CELL = ["period", "indicator", "part"]
_KINDS = ("xlsx", "json", "form")


@dataclass(frozen=True)
class Trace:
    """Where a value came from.

    Attributes
    ----------
    sha256 : str
    file : str
        Name under which it came.
    sheet, cell : str
        Of the answer; what a web form saved has no sheets, and its cell is the id of the answer.
    unit, period, state, received : str
        Of the form.
    original : Path
        The kept file.
    intact : bool
        The kept file still has this digest.
    """

    sha256: str
    file: str
    sheet: str
    cell: str
    unit: str
    period: str
    state: str
    received: str
    original: Path
    intact: bool


def history(folder: str | Path, unit: str, period: str = "") -> pd.DataFrame:
    """Return the revisions of a respondent, in the order in which they came; counts of cells, never values.

    Parameters
    ----------
    folder : path
        Of the store.
    unit : str
        Code of the respondent.
    period : str
        Reporting period; empty for all.

    Returns
    -------
    DataFrame
        One row per file: ``revision`` (1, 2, ... within kind, unit and period), ``unit_kind, unit, period, sha256,
        file, state, received``; ``replaced_by`` and ``reason`` where another file took its place; ``answers`` and, held
        against the revision before that was not refused, how many were ``added``, ``changed`` and ``dropped``, and in
        which ``indicators`` (ids joined by ``;``); ``contact`` (role of who filled in), ``minutes`` of work and the
        number of ``actions`` in its roster, empty where an earlier version has not kept them. Of a refused file
        nothing is held against another. An erased file is not in it: nothing says whose it was.

    Raises
    ------
    EvaltoolkitError
        No store, or the respondent has no file in it (for that period); names the nearest.
    """
    with _opened(folder) as store:
        readings = store.readings()
        own = readings.loc[readings["unit"] == unit]
        if own.empty:
            raise EvaltoolkitError(f'The store has no file of "{unit}".{nearest(unit, _words(readings["unit"]))}')
        chosen = own.loc[own["period"] == period] if period else own
        if chosen.empty:
            periods = _words(own["period"])
            near = nearest(period, periods)
            raise EvaltoolkitError(f'"{unit}" has no file for "{period}", only for {", ".join(periods)}.{near}')
        gave_way = store.replacements().drop_duplicates("old").set_index("old")
        answers = {int(str(key)): rows for key, rows in _answers(store).groupby("reading")}
        extras = _extras(store)
    rows: list[dict[str, object]] = []
    for _, group in chosen.groupby(["unit_kind", "period"], sort=False):
        rows += [{**one, **extras.get(key, _NO_EXTRAS)} for key, one in _revisions(group, answers, gave_way)]
    return pd.DataFrame(rows, columns=list(HISTORY))


def revision_values(folder: str | Path, sha: str) -> pd.DataFrame:
    """Return the values of one revision, also of one whose place was taken by another.

    Parameters
    ----------
    folder : path
        Of the store.
    sha : str
        SHA-256 of the file, or at least its first eight characters.

    Returns
    -------
    DataFrame
        Table of values (:mod:`evaltoolkit.framework.values`).

    Raises
    ------
    EvaltoolkitError
        No store, no such file or several, or one that was refused or erased: nothing of it is kept.
    """
    with _opened(folder) as store:
        readings = store.readings()
        digest = known_digest(store, readings, sha)
        about = readings.loc[readings["sha256"] == digest].iloc[0]
        if about["state"] == "refused":
            raise EvaltoolkitError(
                f"The file {digest[:12]} was refused, and no value of it was kept. Name another file."
            )
        rows = store.values()
    rows = rows.loc[rows["reading"] == about["id"]]
    rows = rows.assign(sha256=digest, unit_kind=about["unit_kind"], unit=about["unit"], text=rows["text"].fillna(""))
    rows["source"] = source_of(rows)
    rows = rows.sort_values(["period", "indicator", "part"], kind="stable", ignore_index=True)
    return value_table() if rows.empty else rows[list(COLUMNS)].astype(COLUMNS)


def trace(folder: str | Path, source: str) -> Trace:
    """Return file, sheet, cell and kept original of a value.

    Parameters
    ----------
    folder : path
        Of the store.
    source : str
        As it stands in a table of values, ``xlsx:<sha256>/<sheet>!<cell>`` or ``json:<sha256>/<answer>``, or in a
        roster, ``form:<sha256>/<sheet>!<cell>``.

    Raises
    ------
    EvaltoolkitError
        No store, not such a text, or a file that the store does not hold (any more).
    """
    kind, _, rest = source.partition(":")
    sha, _, place = rest.partition("/")
    if kind not in _KINDS or not place:
        raise EvaltoolkitError(
            f'"{source}" does not say where a value came from: give the text of the column source, for example '
            "xlsx:<sha256>/Answers!C7."
        )
    sheet, _, cell = place.rpartition("!") if kind != "json" else ("", "", place)
    with _opened(folder) as store:
        readings = store.readings()
        digest = known_digest(store, readings, sha)
        about = readings.loc[readings["sha256"] == digest].iloc[0]
        original = store.folder / "originals" / digest
    intact = original.is_file() and hashlib.sha256(original.read_bytes()).hexdigest() == digest
    unit, period, state, received = (str(about[name]) for name in ("unit", "period", "state", "received"))
    return Trace(digest, str(about["file"]), sheet, cell, unit, period, state, received, original, intact)


def _opened(folder: str | Path) -> AbstractContextManager[Store]:
    if not (Path(folder) / "store.sqlite").is_file():
        raise EvaltoolkitError(f'There is no store in "{Path(folder).name}": name the folder that collect has filled.')
    return open_store(folder)


def known_digest(store: Store, readings: pd.DataFrame, sha: str) -> str:
    """Return the digest of a file that is kept; EvaltoolkitError where none begins so, several do, or it was erased."""
    erased = store.erasures().set_index("sha256")
    digest = find_digest(sha, {*readings["sha256"], *erased.index})
    if digest in erased.index:
        moment = str(erased["moment"].loc[digest])
        raise EvaltoolkitError(f"The file {digest[:12]} was erased from the store ({moment}): nothing of it is left.")
    return digest


def _words(column: pd.Series[str]) -> list[str]:
    return sorted({str(word) for word in column if word})


def _answers(store: Store) -> pd.DataFrame:
    rows = store.values()
    return rows[["reading", *_CELL]].assign(answer=answer_texts(rows))


def _extras(store: Store) -> dict[int, dict[str, object]]:
    """Return role, minutes and number of actions by reading."""
    actions = store.roster()["reading"].value_counts()
    return {
        int(key): {
            "contact": contact,
            "minutes": "" if pd.isna(minutes) else int(minutes),
            "actions": int(actions.get(key, 0)),
        }
        for key, contact, minutes in store.about().itertuples(index=False, name=None)
    }


def _revisions(
    group: pd.DataFrame, answers: dict[int, pd.DataFrame], gave_way: pd.DataFrame
) -> Iterable[tuple[int, dict[str, object]]]:
    """Number the files for one respondent and period, and count what each changed."""
    before: dict[tuple[str, ...], str] = {}
    for number, (_, row) in enumerate(group.iterrows(), 1):
        digest = str(row["sha256"])
        about = {
            name: str(row[name]) for name in ("unit_kind", "unit", "period", "sha256", "file", "state", "received")
        }
        place = gave_way.loc[digest] if digest in gave_way.index else None
        about |= {"replaced_by": "" if place is None else str(place["new"])}
        about |= {"reason": "" if place is None else str(place["reason"])}
        now = _by_cell(answers.get(int(row["id"])))
        # of a refused file nothing is held against another
        refused = row["state"] == "refused"
        compared = _compare({}, {}) if refused else _compare(before, now)
        yield int(row["id"]), {"revision": number, **about, "answers": len(now), **compared}
        before = before if refused else now


def _by_cell(rows: pd.DataFrame | None) -> dict[tuple[str, ...], str]:
    if rows is None:
        return {}
    keys = rows[_CELL].astype(str).itertuples(index=False, name=None)
    return dict(zip(keys, rows["answer"].astype(str), strict=True))


def _compare(before: dict[tuple[str, ...], str], now: dict[tuple[str, ...], str]) -> dict[str, object]:
    added, dropped = now.keys() - before.keys(), before.keys() - now.keys()
    changed = {key for key in now.keys() & before.keys() if now[key] != before[key]}
    indicators = sorted({key[1] for key in added | dropped | changed})
    return {
        "added": len(added), "changed": len(changed), "dropped": len(dropped), "indicators": ";".join(indicators)
    }  # fmt: skip
