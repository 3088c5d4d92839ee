"""Who gets a form: a table of respondents, checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.values import UNIT_KINDS
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.territory.municipalities import municipality_codes

COLUMNS = ("unit_kind", "unit", "name", "members", "language")
REQUIRED = ("unit_kind", "unit", "members")


@dataclass(frozen=True, slots=True)
class Respondent:
    """One municipality or LIVC-R; ``members`` are the codes of its municipalities."""

    unit_kind: str
    unit: str
    name: str
    members: tuple[str, ...]
    language: str


def read_respondents(path: str | Path, *, default_language: str = "") -> pd.DataFrame:
    """Read the table of respondents from a CSV file, comma or semicolon between columns.

    Parameters
    ----------
    path : path
    default_language : str
        For a respondent without one.

    Returns
    -------
    DataFrame
        The columns ``unit_kind``, ``unit``, ``name``, ``members`` and ``language``, as text.

    Raises
    ------
    EvaltoolkitError
        The file is not there or is no table in UTF-8.
    FaultsError
        A column is missing or the table is empty.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as handle:
            head = handle.readline()
        mark = "," if "," in head else ";"
        table = pd.read_csv(path, sep=mark, dtype="str", keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except OSError as error:
        raise EvaltoolkitError(f'The file "{path.name}" cannot be opened: {error.strerror}.') from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise EvaltoolkitError(f'"{path.name}" is no CSV table in UTF-8. Save it as "CSV UTF-8".') from None
    _refuse_incomplete(table)
    table = table.reindex(columns=list(COLUMNS)).fillna("")
    return table.assign(language=table["language"].where(table["language"] != "", default_language))


def _refuse_incomplete(table: pd.DataFrame) -> None:
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        others = [str(name) for name in table.columns if name not in COLUMNS]
        faults = [f'Column "{column}" is missing.' for column in missing]
        faults += [f'Column "{name}" is not known.{hint}' for name in others if (hint := nearest(name, COLUMNS))]
        raise FaultsError(faults, "The table of respondents")
    if table.empty:
        raise FaultsError(["It has no rows. Write one row for each respondent."], "The table of respondents")


def list_respondents(table: pd.DataFrame, language: str, vintage: int) -> list[Respondent]:
    """Return the respondents of a table.

    Parameters
    ----------
    table : DataFrame
        Columns ``unit_kind``, ``unit``, ``members`` (codes joined by ``;``) and, if wanted, ``name`` and ``language``.
    language : str
        For a respondent without one.
    vintage : int
        Division of municipalities in which the codes must exist.

    Raises
    ------
    FaultsError
        Naming every fault with its row.
    """
    _refuse_incomplete(table)
    found, faults = [], []
    known = set(municipality_codes(vintage))
    seen: set[tuple[str, str]] = set()
    rows = table.reindex(columns=list(COLUMNS)).astype("str").fillna("")
    # as a spreadsheet program counts: the header is row 1
    for number, (kind, unit, name, members, own) in enumerate(rows.itertuples(index=False, name=None), 2):
        codes = tuple(code.strip() for code in members.split(";") if code.strip()) or (
            (unit,) if kind == "municipality" else ()
        )
        respondent = Respondent(kind, unit, name, codes, own or language)
        faults += [f"Row {number}: {fault}" for fault in _faults(respondent, known, vintage)]
        if (kind, unit) in seen:
            faults.append(f"Row {number}: {kind} {unit} stands twice. Keep one row.")
        seen.add((kind, unit))
        found.append(respondent)
    if faults:
        raise FaultsError(faults, "The table of respondents")
    return found


def _faults(respondent: Respondent, known: set[str], vintage: int) -> list[str]:
    faults = []
    if respondent.unit_kind not in UNIT_KINDS:
        hint = nearest(respondent.unit_kind, UNIT_KINDS)
        faults.append(f'unit_kind "{respondent.unit_kind}" must be one of {", ".join(UNIT_KINDS)}.{hint}')
    if respondent.language not in LANGUAGES:
        faults.append(f'language "{respondent.language}" must be one of {", ".join(LANGUAGES)}.')
    if not respondent.unit:
        faults.append("the unit has no code.")
    if not respondent.members:
        faults.append(f"{respondent.unit} has no members. List the codes of its municipalities, joined by ;.")
    for code in respondent.members:
        if code not in known:
            faults.append(f'member "{code}" is no municipality of {vintage}.{nearest(code, known)}')
    return faults
