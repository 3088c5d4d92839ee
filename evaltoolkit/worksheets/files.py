"""Worksheets as files: a new one, reading with every fault at once, writing."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaltoolkit.findings import EvaltoolkitError, FaultsError, Finding, Where, nearest
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.personal import find_personal
from evaltoolkit.validation import Loc
from evaltoolkit.worksheets.draw import draw_worksheet
from evaltoolkit.worksheets.faults import inspect_tables, say_fault
from evaltoolkit.worksheets.returned import read_workbook
from evaltoolkit.worksheets.template import content_of, new_content, worksheet_text
from evaltoolkit.worksheets.worksheet import Worksheet

ENDINGS = (".toml", ".xlsx")


@dataclass(frozen=True)
class Inspected:
    """A worksheet as it was read: None where a finding is an error; ``language`` is the one its people read."""

    worksheet: Worksheet | None
    findings: tuple[Finding, ...]
    language: str


def read_worksheet(path: str | Path, *, today: dt.date | None = None) -> Worksheet:
    """Read a worksheet from a TOML file or a filled workbook.

    Parameters
    ----------
    path : path
        ``.toml`` or ``.xlsx``.
    today : date, optional
        A date later than this one is a fault; without it the future is not asked about.

    Raises
    ------
    EvaltoolkitError
        The file is missing, or not TOML (with the line).
    FaultsError
        Every fault, each with its place and remedy, in English; what looks like personal data is never repeated.
    """
    inspected = inspect_worksheet(path, today=today)
    if inspected.worksheet is None:
        errors = [finding for finding in inspected.findings if finding.severity == "error"]
        raise FaultsError([say_fault(finding, words("en")) for finding in errors], f'The worksheet "{Path(path).name}"')
    return inspected.worksheet


def inspect_worksheet(path: str | Path, *, today: dt.date | None = None) -> Inspected:
    """Read a worksheet and return what is wrong with it as findings, for people in their own language.

    Raises
    ------
    EvaltoolkitError
        The file is missing, has another ending, or is not TOML (with the line).
    """
    path = Path(path)
    if _ending(path) == ".xlsx":
        found = read_workbook(path)
        if found.content is None:
            return Inspected(None, tuple(found.findings), found.language)
        worksheet, findings = inspect_tables(found.content, found.locate, label=found.label, today=today)
        everything = (*found.findings, *findings)
        sound = not any(finding.severity == "error" for finding in everything)
        return Inspected(worksheet if sound else None, everything, found.language)
    text = _text_of(path)
    raw = _tables_of(text, path.name)
    language = raw.get("language") if raw.get("language") in LANGUAGES else "en"
    worksheet, findings = inspect_tables(raw, lambda loc: Where(path.name, cell=place_of(loc)), today=today)
    if not any(finding.code == "worksheet.personal" for finding in findings):
        comments = _personal_comments(text, path.name)
        worksheet, findings = (None, comments) if comments else (worksheet, findings)
    return Inspected(worksheet, findings, str(language))


def write_worksheet(worksheet: Worksheet, path: str | Path) -> Path:
    """Write a worksheet as a commented TOML file or as a workbook, by the ending of ``path``.

    The same worksheet gives the same bytes; reading either gives the worksheet again.

    Raises
    ------
    EvaltoolkitError
        Another ending, or a folder that does not exist.
    FaultsError
        The worksheet does not hold together, or seems to hold personal data: nothing is written.
    """
    content = content_of(worksheet)
    _, findings = inspect_tables(content, lambda loc: Where(cell=place_of(loc)))
    errors = [say_fault(finding, words("en")) for finding in findings if finding.severity == "error"]
    if errors:
        raise FaultsError(errors, "The worksheet")
    return _write(content, path)


def new_worksheet(
    path: str | Path, *, language: str = "en", steps: Sequence[str] = (), rivals: Sequence[str] = ()
) -> Path:
    """Write a new worksheet to fill in; an existing file is never overwritten.

    Parameters
    ----------
    path : path
        ``.toml`` or ``.xlsx``.
    language : {"nl", "fr", "de", "en"}
    steps, rivals : sequence of str
        The plan's theory of change and its rival explanations, where there is a plan; each step becomes a claim.
        Without steps the file holds an example.

    Raises
    ------
    EvaltoolkitError
        The file exists, another ending, or a language that is not offered.
    """
    if Path(path).exists():
        raise EvaltoolkitError(f'"{path}" exists already; give another name, so that nothing is overwritten.')
    return _write(new_content(language, steps, rivals), path)


def place_of(loc: Loc) -> str:
    """Return where an entry stands in the file: ``[[claims]] 2 [[claims.tests]] 1 evidence``."""
    parts = []
    for i, step in enumerate(loc):
        if isinstance(step, int):
            parts.append(str(step + 1))
        elif i + 1 < len(loc) and isinstance(loc[i + 1], int) and step in ("claims", "tests"):
            parts.append("[[claims]]" if step == "claims" else "[[claims.tests]]")
        else:
            parts.append(step)
    return " ".join(parts)


def _write(content: Mapping[str, Any], path: str | Path) -> Path:
    path = Path(path)
    ending = _ending(path)
    if not path.parent.is_dir():
        raise EvaltoolkitError(f'The folder "{path.parent}" does not exist: make it first, or give another path.')
    if ending == ".xlsx":
        path.write_bytes(draw_worksheet(content))
    else:
        path.write_text(worksheet_text(content), encoding="utf-8", newline="\n")
    return path


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise EvaltoolkitError(
            f'"{path.name}" is no worksheet: it must end in .toml or .xlsx. '
            "Save other workbooks, such as .ods, as .xlsx."
        )
    return ending


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        others = sorted(entry.name for entry in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        raise EvaltoolkitError(
            f'There is no worksheet "{path.name}" in that folder: give the path of a .toml or .xlsx file.'
            f"{nearest(path.name, others)}"
        ) from None
    except UnicodeDecodeError:
        raise EvaltoolkitError(f'"{path.name}" is not a UTF-8 text file: save it again as UTF-8.') from None


def _tables_of(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EvaltoolkitError(f'"{name}" is not valid TOML: {error}. Mend that line and read it again.') from None


def _personal_comments(text: str, name: str) -> tuple[Finding, ...]:
    """Look into comments too: they are kept and sent on with the file."""
    return tuple(
        Finding("worksheet.personal", "error", Where(name, cell=f"line {number}"))
        for number, line in enumerate(text.splitlines(), 1)
        if "#" in line and find_personal(line.partition("#")[2])
    )
