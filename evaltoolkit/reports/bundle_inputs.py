"""What an evaluation rests on: the files that rebuild it elsewhere, and one table of every input."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from evaltoolkit.checks.concurrent import CONCURRENT
from evaltoolkit.evaluations.inputs import Inputs, framework_of
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import is_packaged
from evaltoolkit.framework.references import sources_of
from evaltoolkit.framework.values import COLUMNS, value_table
from evaltoolkit.plans.lock import lock_path
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.reading import PlanFile
from evaltoolkit.submissions.mapping import load_mapping
from evaltoolkit.submissions.store import Reading, StoredValue, load_store, open_store

KEY = ("measure", "part", "unit", "period")
CONTENT = ("value", "text", "status")
# the measure under which the table of inputs tells when treatment began
START = "@start"
_FIXED = "@fixed"
_STORED = "stored_values.csv"


def needed_values(inputs: Inputs, values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a plan's numbers can rest on: its measures, what they follow from, other programmes."""
    wanted = set(inputs.panel.measures) | set(inputs.plan.treatment.concurrent or CONCURRENT)
    known = inputs.framework.by_id
    wanted |= {source for name in wanted & set(known) for source in sources_of(known[name])}
    return values[values["indicator"].isin(wanted)].reset_index(drop=True)


def inputs_table(inputs: Inputs) -> pd.DataFrame:
    """Return every input as text, one row each: ``measure, part, unit, period, value, text, status``.

    Values have ten significant digits. ``@start`` stands for the first treated period of a unit (a position on the
    time axis in years; ``inf`` never, empty unknown), ``@fixed`` as period for what an own table says of a unit.
    """
    rows = [*(_own_rows(inputs) if inputs.plan.data.panel else _value_rows(inputs)), *_start_rows(inputs)]
    table = pd.DataFrame(rows, columns=[*KEY, *CONTENT], dtype="str")
    return table.sort_values(list(table.columns), ignore_index=True)


def inputs_csv(inputs: Inputs) -> bytes:
    """Return the table of inputs as CSV."""
    return inputs_table(inputs).to_csv(index=False, lineterminator="\n").encode()


def _value_rows(inputs: Inputs) -> Iterator[tuple[str, ...]]:
    columns = ["indicator", "part", "unit", "period", "value", "text", "status", "unit_kind"]
    table = needed_values(inputs, inputs.values)[columns]
    for measure, part, unit, period, value, text, status, kind in table.itertuples(index=False, name=None):
        # a cell may bear a municipality's number
        yield measure, part, unit if kind == "municipality" else f"{kind} {unit}", period, _text(value), text, status


def _own_rows(inputs: Inputs) -> Iterator[tuple[str, ...]]:
    panel = inputs.panel
    for column in panel.data.columns:
        keys = panel.data.index.to_frame(index=False).astype("str").itertuples(index=False, name=None)
        for (unit, period), entry in zip(keys, panel.data[column], strict=True):
            yield str(column), "", unit, period, _text(entry), "", ""
    for column in panel.units.columns:
        if column not in panel.data.columns:
            for unit, entry in panel.units[column].items():
                yield str(column), "", str(unit), _FIXED, _text(entry), "", ""


def _start_rows(inputs: Inputs) -> Iterator[tuple[str, ...]]:
    for unit, time in inputs.cohorts().items():
        yield START, "", unit, "", _text(time), "", ""


def _text(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    if entry is None or entry is pd.NA or entry != entry:
        return ""
    return f"{float(entry) + 0.0:.10g}" if isinstance(entry, int | float) else str(entry)


def project_files(inputs: Inputs) -> tuple[str, dict[str, bytes]]:
    """Return the plan's place, and the files that it names, by their place below the folder that holds them all.

    A store is held as a table of the values that are needed: no returned file, no name of a file, no remark.

    Raises
    ------
    EvaltoolkitError
        The plan names a file by a full path, which no other machine has.
    """
    plan = inputs.file.path
    paths = [plan, *([lock_path(plan)] if lock_path(plan).exists() else []), *_named_paths(inputs)]
    files = [file for path in paths for file in _files_of(path)]
    store = _store_folder(inputs)
    root = Path(os.path.commonpath([*(file.parent for file in files), *([store] if store else [])]))
    out = {_below(root, file): file.read_bytes() for file in files}
    if store is not None:
        out[_below(root, store / _STORED)] = _as_csv(needed_values(inputs, load_store(store)))
    return _below(root, plan), dict(sorted(out.items()))


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _named_paths(inputs: Inputs) -> list[Path]:
    file, store = inputs.file, inputs.plan.data.store
    if absolute := [name for name in named_files(inputs.plan) if Path(name).is_absolute()]:
        raise EvaltoolkitError(
            f'The plan names "{Path(absolute[0]).name}" by a full path, which another machine does not have: move the '
            "file beside the plan and name it from there."
        )
    paths = [file.locate(name).resolve() for name in named_files(inputs.plan) if name != store]
    folder = file.locate(inputs.plan.framework)
    return [*paths, *_tables(file, inputs.framework), *([folder.resolve()] if folder.is_dir() else [])]


def named_files(plan: Plan) -> list[str]:
    """Return the files and folders that a plan names, as it names them."""
    data, treatment = plan.data, plan.treatment
    names = [data.store, data.panel, data.roster, data.membership, treatment.rollout, treatment.rollout_units]
    return [name for name in (*names, *data.csv, *data.wide) if name]


def _tables(file: PlanFile, framework: Framework) -> list[Path]:
    """Return the tables beside the mappings of a plan."""
    places = [file.locate(name).resolve() for name in file.plan.data.wide]
    return [place.parent / table.file for place in places for table in load_mapping(place, framework).tables]


def refuse_outside(file: PlanFile, folder: Path) -> None:
    """Refuse a plan that reads what does not lie in a folder: a bundle must not open other files of this machine.

    Raises
    ------
    EvaltoolkitError
        A file that the plan or one of its mappings names lies elsewhere.
    """
    root = folder.resolve()
    packaged = [] if is_packaged(file.plan.framework) else [file.locate(file.plan.framework)]
    named = [file.locate(name) for name in named_files(file.plan)] + packaged
    if all(path.resolve().is_relative_to(root) for path in named):
        named = _tables(file, framework_of(file))
    if not all(path.resolve().is_relative_to(root) for path in named):
        raise EvaltoolkitError("The bundle is not opened: its plan wants to read files outside the bundle.")


def _files_of(path: Path) -> list[Path]:
    return sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]


def _store_folder(inputs: Inputs) -> Path | None:
    name = inputs.plan.data.store
    folder = inputs.file.locate(name).resolve() if name else None
    return folder if folder is not None and (folder / "store.sqlite").is_file() else None


def _as_csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n", float_format="%.17g").encode("utf-8")


def restore_stores(folder: Path) -> None:
    """Make a store again wherever a table of stored values lies."""
    for place in folder.rglob(_STORED):
        table = value_table(
            pd.read_csv(io.BytesIO(place.read_bytes()), dtype="str", keep_default_na=False)
            .replace({"value": {"": "nan"}})
            .astype({"value": "float64", "wording": "int64"})
            .to_dict("records")  # type: ignore[arg-type]
        )
        place.unlink()
        _fill_store(place.parent, table)


def _fill_store(folder: Path, table: pd.DataFrame) -> None:
    """Every file is a reading of a period of its own: what was chosen between files was chosen before."""
    traced = table.assign(file=table["source"].str.partition(":")[2].str.partition("/")[0])
    with open_store(folder) as store:
        readings = [
            Reading(
                sha256=f"{digest}",
                framework="bundle",
                file="",
                state="accepted",
                unit_kind=str(kind),
                unit=str(unit),
                period=f"{digest} {kind} {unit}",
                answers=tuple(_answer(row) for row in group[list(COLUMNS)].to_dict("records")),  # type: ignore[arg-type]
            )
            for (digest, kind, unit), group in traced.groupby(["file", "unit_kind", "unit"])
        ]
        store.add([(reading, b"") for reading in readings], "")


def _answer(row: dict[str, object]) -> StoredValue:
    kind, _, rest = str(row["source"]).partition(":")
    place = rest.partition("/")[2]
    sheet, _, cell = place.rpartition("!") if kind == "xlsx" else ("", "", place)
    return StoredValue(
        period=str(row["period"]),
        indicator=str(row["indicator"]),
        part=str(row["part"]),
        value=float(str(row["value"])),
        text=str(row["text"]),
        status=str(row["status"]),
        sheet=sheet,
        cell=cell,
        wording=int(str(row["wording"])),
    )
