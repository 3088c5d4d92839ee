"""Erasing a kept file: original, values, findings and its very name are gone, and only that it happened is recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.submissions.store import Store, open_store

REASONS = ("personal_data", "request", "mistake", "agreement_ended")
ROLES = ("controller", "processor", "data_protection", "respondent")
# fewer characters of a digest do not name a file
MIN_DIGITS = 8


@dataclass(frozen=True)
class Erasure:
    """What is recorded of an erased file.

    Attributes
    ----------
    sha256 : str
    moment : str
        Of the first erasing, in UTC.
    reason, role : str
        Codes of :data:`REASONS` and :data:`ROLES`.
    others : tuple of str
        Digests of the files that are still kept for the same respondent and period: they may hold the same data. Known
        only while erasing; empty when a file is erased again.
    """

    sha256: str
    moment: str
    reason: str
    role: str
    others: tuple[str, ...] = ()


def erase_file(folder: str | Path, sha: str, *, reason: str = "personal_data", role: str = "controller") -> Erasure:
    """Erase a file from a store for good; the same again changes nothing.

    Rows are deleted with their pages overwritten, the database is written anew and its log emptied. What lies outside
    the store (the returned file itself, copies, the free blocks of a disk) is not touched.

    Parameters
    ----------
    folder : path
        Of the store.
    sha : str
        SHA-256 of the file, or at least its first eight characters.
    reason : {"personal_data", "request", "mistake", "agreement_ended"}
    role : {"controller", "processor", "data_protection", "respondent"}
        Of whoever decided it; never a name.

    Returns
    -------
    Erasure

    Raises
    ------
    EvaltoolkitError
        No store, no such file or several, an unknown code, or another program has the store open: then run it again.
    """
    _check_word("reason", reason, REASONS)
    _check_word("role", role, ROLES)
    if not (Path(folder) / "store.sqlite").is_file():
        raise EvaltoolkitError(f'There is no store in "{Path(folder).name}": name the folder that collect has filled.')
    with open_store(folder) as store:
        digest = find_digest(sha, _digests(store))
        others = _others(store.readings(), digest)
        moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        if not store.erase(digest, moment, reason, role):
            raise EvaltoolkitError(
                f"The file {digest[:12]} is erased from the tables, but another program has the store open, and its "
                "log may still hold the data. Close that program and erase the file again."
            )
        record = store.erasures().set_index("sha256").loc[digest]
    return Erasure(digest, str(record["moment"]), str(record["reason"]), str(record["role"]), others)


def find_digest(sha: str, known: Iterable[str]) -> str:
    """Return the one digest that begins with some characters.

    Raises
    ------
    EvaltoolkitError
        Too few characters, none or several; names the nearest.
    """
    start, digests = sha.strip().lower(), sorted(set(known))
    hits = [digest for digest in digests if digest.startswith(start)]
    if len(start) >= MIN_DIGITS and len(hits) == 1:
        return hits[0]
    if len(start) < MIN_DIGITS:
        raise EvaltoolkitError(
            f'"{sha}" is too short to name a file: give at least {MIN_DIGITS} characters of its SHA-256.'
        )
    if hits:
        raise EvaltoolkitError(f'Several files begin with "{sha}": {", ".join(hits)}. Give more characters.')
    near = nearest(start, [digest[: len(start)] for digest in digests])
    raise EvaltoolkitError(f'The store holds no file with the SHA-256 "{sha}".{near}')


def _digests(store: Store) -> set[str]:
    """Return what can be erased: also an original that a killed run has left, and what was erased before."""
    kept = {path.name.removesuffix(".part") for path in (store.folder / "originals").iterdir()}
    return {str(digest) for digest in store.readings()["sha256"]} | kept | store.erased()


def _others(readings: pd.DataFrame, digest: str) -> tuple[str, ...]:
    key = ["unit_kind", "unit", "period"]
    own = readings.loc[(readings["sha256"] == digest) & (readings["unit"] != ""), key]
    same = readings.merge(own, on=key)["sha256"]
    return tuple(sorted({str(other) for other in same if other != digest}))


def _check_word(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise EvaltoolkitError(f'{name} "{word}" must be one of {", ".join(known)}.{nearest(word, known)}')
