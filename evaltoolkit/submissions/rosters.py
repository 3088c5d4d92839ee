"""The rosters of all forms in a store, as one roster."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.submissions.form import RefusedFormError, open_form
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.roster_sheet import read_roster_sheet, roster_table
from evaltoolkit.submissions.scan import FORM_CELLS
from evaltoolkit.submissions.store import open_store


def collect_roster(store: str | Path, framework: Framework) -> pd.DataFrame:
    """Return the rows of the roster sheets of every form that counts.

    The originals are read again, so that a row always traces back to its cell. A row that stands alike in the forms of
    several years is given once, from the latest.

    Parameters
    ----------
    store : path
        Folder into which :func:`~evaltoolkit.submissions.collect.collect_folder` collected.
    framework : Framework

    Returns
    -------
    DataFrame
        A roster as :func:`evaltoolkit.designs.roster.read_roster` gives it: the columns ``unit, action, start, end,
        hours, source, decided_by, why, state``.

    Raises
    ------
    EvaltoolkitError
        There is no store in the folder, or an original is not what it was.
    """
    if not (Path(store) / "store.sqlite").is_file():
        raise EvaltoolkitError(
            f'There is no store in "{Path(store).name}": run collect first, or name the right folder.'
        )
    with open_store(store) as opened:
        readings = opened.readings(f"{framework.name} {framework.version}")
        counts = (readings["state"] != "refused") & ~readings["sha256"].isin(opened.replaced())
        digests = readings.loc[counts].sort_values("period", ascending=False, kind="stable")["sha256"]
    tables = [_roster_in(Path(store) / "originals" / str(digest), framework) for digest in digests]
    filled = [table for table in tables if not table.empty]
    if not filled:
        return roster_table()
    roster = pd.concat(filled, ignore_index=True)
    same = [column for column in roster.columns if column != "source"]
    roster = roster.drop_duplicates(same).sort_values(["unit", "action", "start"], kind="stable", ignore_index=True)
    # counted as a file with one line of heads would be
    return roster.set_axis(pd.RangeIndex(2, len(roster) + 2, name="row"))


def _roster_in(path: Path, framework: Framework) -> pd.DataFrame:
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != path.name:
        raise EvaltoolkitError(f"The original {path.name[:12]}… is missing or was changed: put it back into the store.")
    try:
        form = open_form(guard_bytes(content, path.name, cells=FORM_CELLS), framework)
    except RefusedFormError:
        # answers that came another way than by workbook hold no roster
        return roster_table()
    return read_roster_sheet(form)[0]
