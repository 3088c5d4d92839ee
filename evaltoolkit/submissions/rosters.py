"""The rosters of all forms in a store, as one roster; and who filled in, with the minutes of work."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.submissions.form import RefusedFormError, open_form
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.history import known_digest
from evaltoolkit.submissions.roster_sheet import read_extras, roster_table
from evaltoolkit.submissions.scan import FORM_CELLS
from evaltoolkit.submissions.store import Store, open_store
from evaltoolkit.submissions.store_extras import ACTION, Extras
from evaltoolkit.submissions.web_answers import read_web_form

ABOUT = ("unit_kind", "unit", "period", "sha256", "contact", "minutes")


def collect_roster(store: str | Path, framework: Framework, revision: str = "") -> pd.DataFrame:
    """Return the rows of the roster sheets of every form that counts, from the store.

    A row that stands alike in the forms of several years is given once, from the latest. Where two files stand against
    each other for the same unit and period, only the rows on which they agree.

    Parameters
    ----------
    store : path
        Folder into which :func:`~evaltoolkit.submissions.collect.collect_folder` collected.
    framework : Framework
    revision : str
        SHA-256 of one form, or at least its first eight characters, also of one whose place was taken by another;
        default: all that count.

    Returns
    -------
    DataFrame
        A roster as :func:`evaltoolkit.designs.roster.read_roster` gives it: the columns ``unit, action, start, end,
        hours, source, decided_by, why, state``. ``source`` is ``form:<sha256>/<sheet>!<first cell>``.

    Raises
    ------
    EvaltoolkitError
        There is no store in the folder; no such revision; a form was collected by an earlier version, and its original
        is not what it was.
    """
    with _opened(store) as opened:
        readings = _readings(opened, framework, revision)
        complete_extras(opened, readings, framework)
        rows = opened.roster().merge(readings, left_on="reading", right_on="id", suffixes=("", "_of_form"))
    if rows.empty:
        return roster_table()
    rows = _agreed(rows, readings).sort_values("period", ascending=False, kind="stable")
    rows["source"] = "form:" + rows["sha256"] + "/" + rows["sheet"] + "!" + rows["cell"]
    for day in ("start", "end"):
        rows[day] = pd.to_datetime(rows[day].where(rows[day] != ""), format="%Y-%m-%d")
    empty = roster_table()
    roster = rows.assign(why="").reindex(columns=empty.columns).astype(empty.dtypes.to_dict())
    same = [column for column in roster.columns if column != "source"]
    roster = roster.drop_duplicates(same).sort_values(["unit", "action", "start"], kind="stable", ignore_index=True)
    # counted as a file with one line of heads would be
    return roster.set_axis(pd.RangeIndex(2, len(roster) + 2, name="row"))


def collect_about(store: str | Path, framework: Framework) -> pd.DataFrame:
    """Return who filled in, as a role, and the minutes of work of every form that counts.

    Returns
    -------
    DataFrame
        ``unit_kind, unit, period, sha256, contact`` (code, empty where not said), ``minutes`` (missing where not
        recorded), one row per form.

    Raises
    ------
    EvaltoolkitError
        As :func:`collect_roster`.
    """
    with _opened(store) as opened:
        readings = _readings(opened, framework)
        complete_extras(opened, readings, framework)
        rows = opened.about().merge(readings, left_on="reading", right_on="id")
    return rows.sort_values(["unit_kind", "unit", "period"], kind="stable", ignore_index=True)[list(ABOUT)]


def complete_extras(store: Store, readings: pd.DataFrame, framework: Framework) -> None:
    """Read again what a reading of an earlier version did not keep, and add it to the store."""
    lacking = readings.loc[~readings["id"].isin(store.about()["reading"])]
    for key, digest in lacking[["id", "sha256"]].itertuples(index=False, name=None):
        store.add_extras(int(key), _extras_in(store.folder / "originals" / str(digest), framework))


def _agreed(rows: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    key = ["unit_kind", "unit", "period"]
    files = readings.groupby(key)["sha256"].nunique().rename("files")
    told = rows.assign(hours=rows["hours"].fillna(-1)).groupby([*key, *ACTION])["sha256"].transform("nunique")
    return rows.loc[told == rows.join(files, on=key)["files"]].copy()


def _opened(store: str | Path) -> AbstractContextManager[Store]:
    if not (Path(store) / "store.sqlite").is_file():
        raise EvaltoolkitError(
            f'There is no store in "{Path(store).name}": run collect first, or name the right folder.'
        )
    return open_store(store)


def _readings(store: Store, framework: Framework, revision: str = "") -> pd.DataFrame:
    readings = store.readings(f"{framework.name} {framework.version}")
    read = readings.loc[readings["state"] != "refused"]
    if revision:
        return read.loc[read["sha256"] == known_digest(store, readings, revision)]
    return read.loc[~read["sha256"].isin(store.replaced())]


def _extras_in(path: Path, framework: Framework) -> Extras:
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != path.name:
        raise EvaltoolkitError(f"The original {path.name[:12]}… is missing or was changed: put it back into the store.")
    if content.lstrip().startswith(b"{"):
        return read_web_form(content, framework, path.name)[0].extras or Extras()
    try:
        return read_extras(open_form(guard_bytes(content, path.name, cells=FORM_CELLS), framework))[0]
    except RefusedFormError:
        # what this version refuses tells nothing
        return Extras()
