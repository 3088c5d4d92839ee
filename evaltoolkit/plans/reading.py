"""From the text of a plan to a validated plan, with every fault at its place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.plans.faults import describe, place_of
from evaltoolkit.plans.graph import raw_graph_faults
from evaltoolkit.plans.plan import Plan

_LINE = re.compile(r"at line (\d+)")
_DECIMAL_COMMA = re.compile(r"=\s*-?\d+,\d")
_BARE_TEXT = re.compile(r"=\s*[^\W\d]")


@dataclass(frozen=True)
class PlanFile:
    """A plan with the place it was read from.

    Attributes
    ----------
    plan : Plan
    path : path of the file; the paths inside the plan are relative to its folder
    text : the file as written
    """

    plan: Plan
    path: Path
    text: str

    @property
    def folder(self) -> Path:
        """Folder that the paths in the plan start from."""
        return self.path.parent

    def locate(self, name: str) -> Path:
        """Return the full path of a file that the plan names."""
        return self.folder / name


def read_plan(path: str | Path) -> PlanFile:
    """Read and validate a plan and keep where it stood; see :func:`load_plan`."""
    place = Path(path).expanduser().resolve()
    text = text_of(place)
    return PlanFile(plan_from_text(text, place), place, text)


def load_plan(path: str | Path) -> Plan:
    """Read and validate a plan; every fault is reported at once, each with its place and remedy.

    Parameters
    ----------
    path : path of a TOML file; the files it names are looked for beside it

    Raises
    ------
    EvaltoolkitError
        The file is missing or not TOML (with the line).
    FaultsError
        Unknown keys, words that are not allowed, missing entries, files that do not exist.
    """
    return read_plan(path).plan


def check_plan(plan: Plan, framework: Framework) -> list[str]:
    """Return what the framework does not support in a plan; an empty list where all is well.

    An outcome of an own table, or one declared not measurable, need not stand in the framework.
    """
    return framework_faults(plan, framework)


def text_of(path: Path) -> str:
    """Return the text of a plan file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        others = sorted(entry.name for entry in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        raise EvaltoolkitError(
            f'There is no plan "{path.name}" in that folder: give the path of a TOML file.{nearest(path.name, others)}'
        ) from None
    except UnicodeDecodeError:
        raise EvaltoolkitError(f'"{path.name}" is not a UTF-8 text file: save it again as UTF-8.') from None


def plan_from_text(text: str, path: Path) -> Plan:
    """Return the plan that a text describes, or raise all its faults at once."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EvaltoolkitError(
            f'"{path.name}" is not valid TOML: {error}. Mend that line and read the plan again.'
            f"{_toml_hint(text, error)}"
        ) from None
    raw = _periods_as_text(raw)
    plan, faults = _validated(raw)
    faults += [*_file_faults(raw, path.parent), *_period_faults(raw), *_override_faults(raw), *raw_graph_faults(raw)]
    if faults or plan is None:
        # a person mends the file once: what the framework will say is told as well
        raise FaultsError([*faults, *_raw_framework_faults(raw, path.parent)], what=f'The plan "{path.name}"')
    return plan


def _toml_hint(text: str, error: tomllib.TOMLDecodeError) -> str:
    """What people who write no TOML every day get wrong in that line."""
    found = _LINE.search(str(error))
    lines = text.splitlines()
    line = lines[int(found[1]) - 1] if found and int(found[1]) <= len(lines) else ""
    if _DECIMAL_COMMA.search(line):
        return " Decimals have a point: 0.5."
    if "overwrite" in str(error):
        return " This entry stands twice in one table; keep one."
    return " Texts stand between quotation marks." if _BARE_TEXT.search(line) else ""


def framework_faults(plan: Plan, framework: Framework) -> list[str]:
    """Return what a plan asks of a framework that is not there."""
    named = [(outcome.indicator, outcome.not_measurable) for outcome in plan.outcomes]
    return _indicator_faults(named, framework, own_table=bool(plan.data.panel))


def _raw_framework_faults(raw: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the faults of the indicators in a plan that has other faults too."""
    name, data, outcomes = raw.get("framework", "livc-r"), raw.get("data"), raw.get("outcomes")
    if not (isinstance(name, str) and isinstance(data, dict) and isinstance(outcomes, list)):
        return []
    entries = [outcome if isinstance(outcome, dict) else {} for outcome in outcomes]
    named = [(str(entry.get("indicator", "")), bool(entry.get("not_measurable"))) for entry in entries]
    try:
        framework = load_framework(str(folder / name) if (folder / name).is_dir() else name)
    except EvaltoolkitError:
        # a framework with faults of its own is told when the plan has none left
        return []
    return _indicator_faults(named, framework, own_table=bool(data.get("panel")))


def _indicator_faults(named: Sequence[tuple[str, bool]], framework: Framework, *, own_table: bool) -> list[str]:
    # what cannot be measured here needs no definition here; a missing name is told by the validator
    faults = [
        f'[[outcomes]] {number} indicator: "{name}" is not an indicator of {framework.name}.'
        f"{nearest(name, framework.by_id)}"
        for number, (name, not_measurable) in enumerate(named, 1)
        if name and name not in framework.by_id and not own_table and not not_measurable
    ]
    for number, (name, not_measurable) in enumerate(named, 1):
        indicator = framework.by_id.get(name)
        if indicator is None:
            continue
        if indicator.did in ("covariate", "design", "treatment"):
            faults.append(
                f'[[outcomes]] {number} indicator: "{indicator.id}" is a {indicator.did} measure of {framework.name} '
                "and cannot be an outcome; choose a process or outcome measure."
            )
        elif indicator.did == "no" and not not_measurable:
            faults.append(
                f'[[outcomes]] {number} indicator: "{indicator.id}" cannot be compared over time between places: '
                f"{indicator.text.en.use} Choose another outcome, or leave it to the description of the places."
            )
    return faults


def _periods_as_text(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Accept years written as numbers wherever a period is asked."""
    out = dict(raw)
    if isinstance(raw.get("periods"), list):
        out["periods"] = [_as_text(entry) for entry in raw["periods"]]
    if isinstance(raw.get("outcomes"), list):
        out["outcomes"] = [
            {key: _as_text(entry) if key == "wording_break" else entry for key, entry in outcome.items()}
            if isinstance(outcome, dict)
            else outcome
            for outcome in raw["outcomes"]
        ]
    return out


def _as_text(entry: object) -> object:
    return str(entry) if isinstance(entry, int) and not isinstance(entry, bool) else entry


def _validated(raw: dict[str, Any]) -> tuple[Plan | None, list[str]]:
    try:
        return Plan.model_validate(raw), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    inside = any(entry["loc"][0] == "outcomes" and len(entry["loc"]) > 1 for entry in errors if entry["loc"])
    # a list of faulty outcomes counts as empty for the validator; a person would not say so
    faults = [describe(entry, raw) for entry in errors if not (inside and entry["loc"] == ("outcomes",))]
    if any(entry["loc"] for entry in errors):
        # rules over several fields were not reached: look at them all the same
        faults += _source_faults(raw.get("data"))
    return None, faults


def _source_faults(data: object) -> list[str]:
    if not isinstance(data, dict):
        return []
    faults = []
    if bool(data.get("panel")) == any(data.get(key) for key in ("store", "wide", "csv")):
        faults.append('[data]: give either "panel" (an own table) or "store", "wide" and "csv".')
    if sum(bool(data.get(key)) for key in ("roster", "treated_from", "treatment")) != 1:
        faults.append('[data]: give either "roster" (a file) or "treated_from" (a column of the own panel).')
    return faults


def _named_files(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # the store may not exist yet: a plan is best locked before anything is collected
    for key in ("wide", "csv", "panel", "roster", "membership"):
        entry = data.get(key)
        for name in entry if isinstance(entry, list) else [entry]:
            if isinstance(name, str) and name.strip():
                yield key, name.strip()


def _file_faults(raw: Mapping[str, Any], folder: Path) -> list[str]:
    data = raw.get("data")
    faults = []
    for key, name in _named_files(data) if isinstance(data, dict) else ():
        wanted = folder / name
        if wanted.exists():
            continue
        beside = [entry.name for entry in wanted.parent.iterdir()] if wanted.parent.is_dir() else []
        faults.append(
            f'[data] {key}: "{name}" does not exist; paths start from the folder of the plan.'
            f"{nearest(wanted.name, beside)}"
        )
    return faults


def _period_faults(raw: Mapping[str, Any]) -> list[str]:
    periods, faults = [], []
    labels = raw.get("periods")
    for label in labels if isinstance(labels, list) else ():
        try:
            periods.append(Period.parse(label))
        except EvaltoolkitError as error:
            faults.append(f"periods: {error}")
    if any(later.start <= earlier.end for earlier, later in pairwise(periods)):
        faults.append("periods: write them in order of time, without overlap, each once.")
    return faults + _break_faults(raw, [period.label for period in periods])


def _break_faults(raw: Mapping[str, Any], labels: list[str]) -> list[str]:
    """A declared break must be one of the periods, or it would be overlooked in silence."""
    faults = []
    outcomes = raw.get("outcomes")
    for number, outcome in enumerate(outcomes if isinstance(outcomes, list) else (), 1):
        start = outcome.get("wording_break", "") if isinstance(outcome, dict) else ""
        if isinstance(start, str) and start and labels and start not in labels:
            faults.append(
                f'{place_of(("outcomes", number - 1, "wording_break"), raw)}: "{start}" is not one of the periods; '
                f"give the first period with the new wording or registration.{nearest(start, labels)}"
            )
    return faults


def _override_faults(raw: Mapping[str, Any]) -> list[str]:
    overrides, outcomes = raw.get("overrides"), raw.get("outcomes")
    if not isinstance(overrides, dict) or not isinstance(outcomes, list):
        return []
    names = [str(outcome.get("indicator", "")) for outcome in outcomes if isinstance(outcome, dict)]
    faults = [
        f"[overrides] {name}: no outcome of the plan has this name.{nearest(name, names)}"
        for name in overrides
        if name not in names
    ]
    faults += [
        f"[overrides] {name}: write the reason for estimating all the same."
        for name, reason in overrides.items()
        if isinstance(reason, str) and not reason.strip()
    ]
    return faults
