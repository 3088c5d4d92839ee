r"""The mapping file that says how a wide table is to be read.

A statistical portal exports one row per municipality and the years side by side. A mapping (TOML) tells what the
columns mean; nothing is guessed::

    source = "Statistics portal of Example, table Trust, downloaded 2026-03-02"   # required
    unit_kind = "municipality"        # or "livc_r"; municipality by default
    unit = "name"                     # what stands in the unit column: "name" (nl, fr or de) or "code"
    vintage = 2019                    # municipal division the names or codes belong to: 2018, 2019 or 2025
    decimal = ","                     # decimal mark of numbers that are stored as text
    skip = ["Vlaams Gewest", "Total"] # rows that are no unit; a row not listed here must be a known unit
    language = "nl"                   # language of the names, where a name exists in two with different meanings
    names = { "Saint-Nicolas" = "62093" }   # a name that belongs to two municipalities, or is spelled otherwise

    [missing]                         # words for "no value", and the status each stands for
    "-" = "NR"
    ".." = "SUP"
    "n.b." = "DK"

    [[tables]]
    file = "trust.xlsx"               # beside the mapping; .xlsx or .csv
    sheet = "Data"                    # needed when the workbook has several visible sheets
    header_row = "auto"               # or its number: the first row that holds the unit column
    header_rows = 1                   # 2 when the year stands above and the item below: "2023 | share"
    unit_column = "Gemeente"

    [[tables.columns]]
    header = '(\d{4}) \(%\)'       # the whole header as a regular expression; group 1, if any, is the period
    period = ""                       # needed when the header has no period in it
    indicator = "TRU-01"
    part = "value"
    scale = 0.01                      # the cell's number times this is the value: 62.4 % -> 0.624
    status = "registered"

    [[constants]]                     # the same value for every unit and period of an indicator that was read
    indicator = "TRU-01"
    part = "design_effect"
    value = 1.5

Title rows above the header and footnotes below are left alone: a row without any value in the mapped
columns is no row of data. Blank cells give no value. Columns that are not mapped are ignored.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.validation import Loc, describe_error

Text = Annotated[str, Field(min_length=1)]
MissingStatus = Literal["DK", "NAP", "RF", "NR", "SUP"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Column(_Model):
    """Columns of the table that hold one part of one indicator."""

    header: Text
    indicator: Text
    part: Text
    period: str = ""
    scale: float = 1.0
    status: Literal["registered", "reconstructed"] = "registered"

    @model_validator(mode="after")
    def _period_known(self) -> Self:
        try:
            groups = re.compile(self.header).groups
        except re.error as error:
            raise ValueError(f'header "{self.header}" is not a regular expression: {error}') from None
        if not groups and not self.period:
            raise ValueError(f'header "{self.header}" has no (group) for the period; give period = "..."')
        return self


class Table(_Model):
    """One file or sheet."""

    file: Text
    unit_column: Text
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    header_rows: Literal[1, 2] = 1


class Constant(_Model):
    """A value that the table does not hold and that is the same everywhere, such as a design effect."""

    indicator: Text
    part: Text
    value: float


class Mapping(_Model):
    """A whole mapping file."""

    source: Text
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    unit_kind: Literal["municipality", "livc_r"] = "municipality"
    unit: Literal["name", "code"] = "name"
    vintage: Literal[2018, 2019, 2025] | None = None
    language: Literal["nl", "fr", "de"] | None = None
    decimal: Literal[",", "."] = ","
    skip: tuple[str, ...] = ()
    names: dict[str, str] = {}
    missing: dict[str, MissingStatus] = {}
    constants: tuple[Constant, ...] = ()

    @model_validator(mode="after")
    def _vintage_given(self) -> Self:
        if self.unit_kind == "municipality" and self.vintage is None:
            raise ValueError("give vintage = 2018, 2019 or 2025: a name can mean two different territories")
        if self.unit_kind == "livc_r" and self.unit == "name":
            raise ValueError('unit = "code" is needed for unit_kind = "livc_r": the register holds no names of cells')
        return self


def load_mapping(path: str | Path, framework: Framework) -> Mapping:
    """Read and check a mapping file.

    Raises
    ------
    EvaltoolkitError
        Not there or not TOML.
    FaultsError
        Every unknown, missing or wrong key, and every indicator or part that the framework lacks.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise EvaltoolkitError(f'There is no mapping file "{path.name}" in that folder. Check the name.') from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EvaltoolkitError(f'"{path.name}" is not valid TOML: {error}.') from None
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        # a list whose only entry is faulty counts as empty too: that is no second fault
        own = [fault for fault in error.errors() if fault["type"] != "too_short" or not fault["input"]]
        sentences = [describe_error(fault, Mapping, _place(fault["loc"])) for fault in own]
        raise FaultsError(sentences, f'"{path.name}"') from None
    faults = _framework_faults(mapping, framework)
    if faults:
        raise FaultsError(faults, f'"{path.name}"')
    return mapping


def _place(loc: Loc) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in loc)


def _framework_faults(mapping: Mapping, framework: Framework) -> list[str]:
    asked = [(column.indicator, column.part) for table in mapping.tables for column in table.columns]
    asked += [(constant.indicator, constant.part) for constant in mapping.constants]
    faults = []
    for name, part in dict.fromkeys(asked):
        indicator = framework.by_id.get(name)
        if indicator is None:
            faults.append(f'the framework has no indicator "{name}".{nearest(name, framework.by_id)}')
        elif part not in indicator.part_ids:
            hint = nearest(part, indicator.part_ids) or f" It has {', '.join(indicator.part_ids)}."
            faults.append(f'indicator {name} has no part "{part}".{hint}')
    return faults
