"""Several files for the same unit and period: which one counts, and where nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding, Where, nearest
from evaltoolkit.submissions.store import Reason, Store, disagreements, open_store
from evaltoolkit.submissions.store_extras import ACTION

GROUP = ["framework", "unit_kind", "unit", "period"]
_STATES = ("refused", "open", "accepted")
Answers = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class _Version:
    """One of several files for the same unit and period."""

    sha256: str
    state: str
    received: str
    answers: Answers


def replace_versions(store: Store, readings: pd.DataFrame) -> None:
    """Record which files take the place of others.

    A file with errors gives way to a later file for the same unit and period, or to one without errors that came
    together with it. A file with the same answers and the same roster as an earlier one gives way to that. Anything
    else stays open.
    """
    active = readings.loc[(readings["unit"] != "") & ~readings["sha256"].isin(store.replaced())]
    groups = [group for _, group in active.groupby(GROUP, sort=False) if len(group) > 1]
    if not groups:
        return
    # read once: a whole wave may have been sent again
    told = _told(store, pd.concat(groups)["id"])
    for group in groups:
        for old, new, reason in _replacements(_versions(told, group)):
            store.replace(old, new, reason)


def _told(store: Store, readings: pd.Series[int]) -> dict[int, Answers]:
    """Return the answers and the rows of the roster by reading."""
    values, roster = store.values(), store.roster()
    some = {key: _answers(rows) for key, rows in values.loc[values["reading"].isin(readings)].groupby("reading")}
    actions = {key: _actions(rows) for key, rows in roster.loc[roster["reading"].isin(readings)].groupby("reading")}
    nothing: Answers = frozenset()
    return {int(key): some.get(key, nothing) | actions.get(key, nothing) for key in readings}


def _answers(rows: pd.DataFrame) -> Answers:
    columns = ["period", "indicator", "part", "value", "text", "status"]
    return frozenset(tuple(str(cell) for cell in row) for row in rows[columns].itertuples(index=False, name=None))


def _actions(rows: pd.DataFrame) -> Answers:
    """Return what the rows of a roster say, wherever they stand in it."""
    return frozenset(tuple(str(cell) for cell in row) for row in rows[list(ACTION)].itertuples(index=False, name=None))


def _versions(told: Mapping[int, Answers], group: pd.DataFrame) -> list[_Version]:
    return [
        _Version(str(row.sha256), str(row.state), str(row.received), told[int(str(row.id))])
        for row in group.itertuples()
    ]


def _replacements(versions: list[_Version]) -> Iterator[tuple[str, str, Reason]]:
    gone: set[str] = set()
    for old in versions:
        better = [new for new in versions if new.sha256 not in gone and _corrects(new, old)]
        if better:
            gone.add(old.sha256)
            yield old.sha256, better[-1].sha256, "corrected"
    kept: list[_Version] = []
    for late in versions:
        if late.sha256 in gone or late.state == "refused":
            continue
        same = [early for early in kept if early.answers == late.answers and early.state == late.state == "accepted"]
        if same:
            yield late.sha256, same[0].sha256, "same"
        else:
            kept.append(late)


def _corrects(new: _Version, old: _Version) -> bool:
    """Tell whether a file takes the place of one that had errors."""
    if new.state == "refused" or old.state == "accepted" or new.sha256 == old.sha256:
        return False
    cleaner = _STATES.index(new.state) > _STATES.index(old.state)
    return new.received > old.received or (new.received == old.received and cleaner)


def conflict_findings(store: Store, readings: pd.DataFrame) -> list[Finding]:
    """Return a finding for each file that stands beside another one for the same unit and period."""
    active = readings.loc[(readings["state"] != "refused") & ~readings["sha256"].isin(store.replaced())]
    groups = [group for _, group in active.groupby(GROUP, sort=False) if len(group) > 1]
    if not groups:
        return []
    rows = store.values().merge(
        pd.concat(groups)[["id", "sha256", "unit_kind", "unit", "period"]].rename(
            columns={"id": "reading", "period": "form"}
        ),
        on="reading",
    )
    rows["apart"] = disagreements(rows)
    roster = store.roster()
    found = []
    for group in groups:
        actions = [_actions(roster.loc[roster["reading"] == key]) for key in group["id"]]
        apart = int(
            rows.loc[rows["sha256"].isin(group["sha256"]) & rows["apart"]]
            .groupby(["period", "indicator", "part"])
            .ngroups
        ) + len(frozenset.union(*actions) - frozenset.intersection(*actions))
        first = group.iloc[0]
        for row in group.iloc[1:].itertuples():
            where = Where(str(row.file), unit=str(row.unit), period=str(row.period))
            found.append(Finding("file.conflict", "error", where, {"other": str(first["file"]), "count": apart}))
    return found


def decide(folder: str | Path, keep: str) -> tuple[str, ...]:
    """Record in a store which of several files for one unit and period counts.

    Parameters
    ----------
    folder : path
        Of the store.
    keep : str
        As for :func:`choose_file`.

    Returns
    -------
    tuple of str
        Names of the files that gave way now; the same decision again changes nothing.

    Raises
    ------
    EvaltoolkitError
        There is no store, and as :func:`choose_file`.
    """
    if not (Path(folder) / "store.sqlite").is_file():
        raise EvaltoolkitError(f'There is no store in "{Path(folder).name}": name the folder that collect has filled.')
    with open_store(folder) as store:
        before = store.replaced()
        choose_file(store, keep)
        readings = store.readings()
        return tuple(readings.loc[readings["sha256"].isin(store.replaced() - before), "file"].astype(str))


def choose_file(store: Store, keep: str) -> None:
    """Decide a conflict: keep one file, the others for its unit and period give way.

    Parameters
    ----------
    store : Store
    keep : str
        File name as in the finding, or the first characters (at least eight) of the file's SHA-256.

    Raises
    ------
    EvaltoolkitError
        No such file in the store, or several; or the file gave way to another one before.
    """
    readings = store.readings()
    hits = readings.loc[(readings["file"] == keep) | (readings["sha256"].str.startswith(keep) & (len(keep) >= 8))]
    if len(hits) != 1:
        what = "several files" if len(hits) else "no file"
        names = readings["file"].tolist()
        raise EvaltoolkitError(f'The store holds {what} "{keep}"; give the SHA-256.{nearest(keep, names)}')
    kept = hits.iloc[0]
    if kept["sha256"] in store.replaced():
        # else both would give way, and no answer would be left
        raise EvaltoolkitError(
            f'"{kept["file"]}" gave way to another file before, and the store does not change what it holds. '
            "To decide anew, collect into a new store."
        )
    same = (readings[GROUP] == kept[GROUP]).all(axis=1) & (readings["sha256"] != kept["sha256"])
    for old in readings.loc[same & ~readings["sha256"].isin(store.replaced()), "sha256"]:
        store.replace(str(old), str(kept["sha256"]), "chosen")
