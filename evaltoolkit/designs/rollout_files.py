"""A drawn roll-out as files for whoever audits it, and the audit: draw again and compare."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.designs.rollout import Rollout, draw_by_rules
from evaltoolkit.designs.rollout_rules import Rules, first_day
from evaltoolkit.designs.roster import read_roster
from evaltoolkit.findings import EvaltoolkitError, Finding, Where

SCHEMA = "evaltoolkit/rollout/1"
METHOD = {
    "name": "stratified lot, rerandomised on the Mahalanobis distance between starts",
    "rerandomisation": "doi:10.1214/12-AOS1008",
    "rounding": "doi:10.1080/01621459.1987.10478456",
}
FILES = ("roster.csv", "balance.csv", "rollout.json")
_NOWHERE = "@rollout.label.nowhere"


def write_rollout(rollout: Rollout, folder: str | Path) -> tuple[Path, Path, Path]:
    """Write ``roster.csv``, ``balance.csv`` and ``rollout.json``.

    Means by start may rest on few units: ``balance.csv`` is for the evaluator and the auditor, not for publication.

    Parameters
    ----------
    rollout : Rollout
    folder : path; made where it does not exist

    Raises
    ------
    EvaltoolkitError
        Another draw stands there: it is never overwritten, since drawing until one likes the result is no lot.
    """
    folder = Path(folder)
    roster = rollout.roster.assign(start=rollout.roster["start"].dt.strftime("%Y-%m-%d"))
    texts = (
        _as_csv(roster),
        _as_csv(rollout.balance),
        json.dumps(describe_rollout(rollout), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
    )
    paths = folder / FILES[0], folder / FILES[1], folder / FILES[2]
    for path, text in zip(paths, texts, strict=True):
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise EvaltoolkitError(
                f'"{path}" holds another draw and is not overwritten. Keep the first draw; a new one needs a folder '
                "of its own and a reason that can be told."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")
    return paths


def describe_rollout(rollout: Rollout) -> dict[str, Any]:
    """Return the audit record as plain data: settings and seed, digest of the input, method, allocation; no clock."""
    units, rules = rollout.units, rollout.rules
    starts = rollout.allocation
    return {
        "schema": SCHEMA,
        "version": version("evaltoolkit"),
        "numpy": np.__version__,
        "seed": rules.seed,
        "input_sha256": units.digest,
        "rules": {
            **asdict(rollout.rules),
            "sizes": {label: rollout.rules.sizes[label] for label in rollout.rules.labels},
        },
        "method": {**METHOD, **{name: _plain(value) for name, value in rollout.info.items()}},
        "findings": [{"code": finding.code, "facts": dict(finding.facts)} for finding in rollout.findings],
        "allocation": [
            {"unit": unit, "cluster": cluster, "stratum": stratum, "start": starts[unit]}
            for unit, cluster, stratum in zip(units.units, units.clusters, units.strata, strict=True)
        ],
    }


def _plain(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.10g}")


def _as_csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.itertuples(index=False))
    return buffer.getvalue()


def _cell(value: Any) -> object:
    if pd.isna(value):
        return ""
    return f"{value:.10g}" if isinstance(value, float) else value


def verify_rollout(folder: str | Path, table: pd.DataFrame | str | Path) -> tuple[Finding, ...]:
    """Draw again from the record's seed and settings, and compare with the record and the roster beside it.

    Parameters
    ----------
    folder : where :func:`write_rollout` wrote
    table : the table of units that the draw was made from

    Returns
    -------
    tuple of Finding
        ``rollout.unit_differs`` for every unit whose start differs between the draw, the record and the roster;
        ``rollout.input_changed`` where the table is not the one that was drawn from; ``rollout.other_version`` (a
        note) where this is another version than that of the record. Without errors the draw is as recorded.

    Raises
    ------
    EvaltoolkitError
        The record cannot be read, or the table does not fit its settings.
    """
    folder = Path(folder)
    record = _read_record(folder / FILES[2])
    rules = record["rules"]
    again = draw_by_rules(table, rules)
    found = []
    if record["version"] != version("evaltoolkit") or record["numpy"] != np.__version__:
        facts = {"version": record["version"], "numpy": record["numpy"]}
        found.append(Finding("rollout.other_version", "note", facts=facts))
    if record["input"] != again.units.digest:
        found.append(Finding("rollout.input_changed", "error", Where(file=FILES[2])))
    drawn = {str(unit): str(start) for unit, start in again.allocation.items()}
    found += _differences(drawn, record["starts"], _roster_starts(folder / FILES[0], rules), rules)
    return tuple(found)


def redraw_record(folder: str | Path, table: pd.DataFrame | str | Path) -> Rollout:
    """Return a recorded roll-out, drawn again from its table.

    Raises
    ------
    EvaltoolkitError
        The record cannot be read, or the draw differs from it: another table, or another version of the software.
    """
    record = _read_record(Path(folder) / FILES[2])
    again = draw_by_rules(table, record["rules"])
    if {str(unit): str(start) for unit, start in again.allocation.items()} != record["starts"]:
        raise EvaltoolkitError(
            f'The draw recorded in "{folder}" does not come out again from this table. Give the table that it was '
            "drawn from, unchanged."
        )
    return again


def _read_record(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise EvaltoolkitError(f'There is no "{path.name}" in "{path.parent}". Give the folder of the draw.')
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise ValueError(SCHEMA)
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in record["rules"].items()
        }
        return {
            "version": str(record["version"]),
            "numpy": str(record["numpy"]),
            "input": str(record["input_sha256"]),
            "rules": Rules(**{**settings, "sizes": dict(settings["sizes"])}),
            "starts": {str(row["unit"]): str(row["start"]) for row in record["allocation"]},
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EvaltoolkitError(
            f'"{path}" is not the complete record of a draw ({SCHEMA}). Take the file as it was written.'
        ) from None


def _roster_starts(path: Path, rules: Rules) -> dict[str, str]:
    """Start of each unit in the roster: the label of its day, else the day itself; its state where there is none."""
    roster = read_roster(path)
    roster = roster[roster["action"] == rules.action].sort_values("start", kind="stable").drop_duplicates("unit")
    labels = {first_day(label): label for label in rules.labels if first_day(label)}
    days = [None if pd.isna(start) else start.date() for start in roster["start"]]
    return {
        str(unit): labels.get(day, day.isoformat()) if day else str(state)
        for unit, day, state in zip(roster["unit"], days, roster["state"], strict=True)
    }


def _differences(
    drawn: Mapping[str, str], recorded: Mapping[str, str], roster: Mapping[str, str], rules: Rules
) -> Iterator[Finding]:
    for unit in sorted({*drawn, *recorded, *roster}):
        first, second, third = drawn.get(unit), recorded.get(unit), roster.get(unit)
        # the roster has no word of its own for waiting
        expected = "never" if first is not None and first_day(first) is None else first
        if first != second or expected != third:
            facts = {"drawn": _said(first), "recorded": _said(second), "listed": _said(third)}
            yield Finding("rollout.unit_differs", "error", Where(unit=unit), facts)


def _said(label: str | None) -> str:
    if label is None:
        return _NOWHERE
    return f"@rollout.label.{label}" if label in ("never", "waiting", "unknown") else label
