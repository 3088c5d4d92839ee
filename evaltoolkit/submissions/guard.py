"""The gate before every workbook: judged as a container and as XML before one value is read.

A spreadsheet reader may hang, eat the memory or kill the process on a crafted file, and reads duplicate parts,
macros and hidden sheets without a word. So the file is refused here, with a code, or scanned and handed on. Judging
and reading happen in a process of its own (:mod:`evaltoolkit.submissions.isolation`), and what two independent readers
do not read alike is refused as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaltoolkit.findings import EvaltoolkitError, Finding, Where
from evaltoolkit.submissions.archive import MAX_FILE
from evaltoolkit.submissions.isolation import BrokenOffError, run_isolated
from evaltoolkit.submissions.plain import Raw, decode_rows, decode_sheet
from evaltoolkit.submissions.scan import TABLE_CELLS, SheetScan


@dataclass(frozen=True)
class Scan:
    """A workbook after the gate.

    Attributes
    ----------
    file : str
        File name without folder.
    sha256 : str
    content : bytes
        What was judged, and the only thing that may be kept afterwards.
    sheets : dict
        Sheet name -> :class:`SheetScan`, in order.
    names : dict
        Defined name -> target, for example ``'Form'!$D$14``.
    repeated_names : frozenset
        Names that are defined more than once, for example after a sheet was copied.
    date1904 : bool
    comments : str
        Text of notes, comments, drawings, headers and footers, for the check on personal data only.
    beside : str
        Kind of personal data (see :mod:`evaltoolkit.submissions.personal`) in properties, links or left-over texts
        of the file; empty where there is none.
    rows : dict
        Sheet name -> rows of raw values, the first row and column being A1; empty is None.
    findings : tuple of Finding
        Not empty: the file is refused, and nothing else here is filled.
    """

    file: str
    sha256: str
    content: bytes = field(default=b"", repr=False)
    sheets: Mapping[str, SheetScan] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    repeated_names: frozenset[str] = frozenset()
    date1904: bool = False
    comments: str = field(default="", repr=False)
    beside: str = ""
    rows: Mapping[str, list[list[Raw]]] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> bool:
        """Nothing of the file may be read."""
        return bool(self.findings)

    def filled(self, **found: Any) -> Scan:
        """Return the scan with what was found."""
        return replace(self, **found)


def guard_workbook(path: str | Path, allow: Callable[[str], bool] | None = None, *, cells: int = TABLE_CELLS) -> Scan:
    """Judge and read a workbook (``.xlsx`` or ``.ods``) in a process of its own.

    Parameters
    ----------
    path : path
    allow : callable, optional
        Tells for a sheet name whether it belongs to the form; another sheet refuses the file. Default: all allowed.
    cells : int
        Most cells that the whole workbook may have.

    Returns
    -------
    Scan
        With ``findings`` where the file is refused; a hostile or broken file never raises.

    Raises
    ------
    EvaltoolkitError
        The file is not there or may not be opened.
    """
    return guard_bytes(read_content(path), Path(path).name, allow, cells=cells)


def read_content(path: str | Path) -> bytes:
    """Return the bytes of a file, one more than allowed at most; EvaltoolkitError if it cannot be opened."""
    path = Path(path)
    try:
        with path.open("rb") as handle:
            return handle.read(MAX_FILE + 1)
    except OSError as error:
        raise EvaltoolkitError(
            f'The file "{path.name}" cannot be opened: {error.strerror}. Check name and rights.'
        ) from error


def guard_bytes(
    content: bytes, file: str, allow: Callable[[str], bool] | None = None, *, cells: int = TABLE_CELLS
) -> Scan:
    """Judge and read a workbook that is already in memory; see :func:`guard_workbook`."""
    scan = Scan(file, hashlib.sha256(content).hexdigest())
    try:
        told = run_isolated("workbook", content, cells=cells)
    except BrokenOffError as fault:
        return scan.filled(findings=(Finding(fault.code, "error", Where(file), fault.facts),))
    if told["fault"]:
        return scan.filled(findings=(_as_finding(told["fault"], file),))
    unknown = [name for name in told["rows"] if allow is not None and not allow(name)]
    if unknown:
        return scan.filled(findings=(Finding("file.unknown_sheets", "error", Where(file), {"count": len(unknown)}),))
    return scan.filled(
        content=content,
        sheets={entry["name"]: decode_sheet(entry) for entry in told["sheets"]},
        names=told["names"],
        repeated_names=frozenset(told["repeated_names"]),
        date1904=told["date1904"],
        comments=told["comments"],
        beside=told["beside"],
        rows={name: decode_rows(rows) for name, rows in told["rows"].items()},
    )


def _as_finding(fault: Mapping[str, Any], file: str) -> Finding:
    return Finding(fault["code"], "error", Where(file, fault["sheet"], fault["cell"]), fault["facts"])
