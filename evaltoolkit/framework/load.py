"""Read a framework: the packaged one by name, or a user's own folder.

A framework folder holds ``framework.toml`` (name, version, the ids of the indicators in form order, and the forms:
which of them belong together), ``indicators/<ID>.toml`` (one indicator each) and, if wanted, ``rules.toml`` and
``composites.toml``.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.faults import describe_faults
from evaltoolkit.framework.indicator import FULL, Composite, Form, Framework, Indicator, Rule
from evaltoolkit.framework.presets import rename_platform
from evaltoolkit.framework.references import composite_faults, derived_faults, rule_faults

_Model = TypeVar("_Model", bound=BaseModel)


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: str
    indicators: tuple[str, ...]
    forms: dict[str, Form] = {}


class _Composites(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    composites: tuple[Composite, ...] = ()


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...] = ()


def load_framework(name_or_folder: str | Path = "livc-r") -> Framework:
    """Return a framework, validated.

    Parameters
    ----------
    name_or_folder : str or Path
        Name of a framework that comes with the package (``"livc-r"``; ``"livc-r-uk"`` and the like: under the name of
        a comparable platform, :func:`evaltoolkit.framework.presets.rename_platform`), or the path of a folder.

    Returns
    -------
    Framework
        Indicators in form order, and cross-field rules.

    Raises
    ------
    EvaltoolkitError
        There is no such framework or folder.
    FaultsError
        All faults of all files together, each with file, entry, what is wrong and what to do.
    """
    base, _, platform = str(name_or_folder).rpartition("-")
    if is_packaged(name_or_folder) and base in packaged_frameworks():
        return rename_platform(load_framework(base), platform)
    folder = _folder(name_or_folder)
    faults: list[str] = []
    head = _read(folder / "framework.toml", "framework.toml", _Head, faults)
    found = _read_indicators(folder, faults)
    rules = _read_if_there(folder, "rules.toml", _Rules, faults)
    composites = _read_if_there(folder, "composites.toml", _Composites, faults)
    if head is not None:
        faults += _list_faults(head, found) + _form_faults(head)
    if rules is not None:
        faults += [f"rules.toml: {fault}" for fault in rule_faults(rules.rules, found)]
    if composites is not None:
        faults += [f"composites.toml: {fault}" for fault in composite_faults(composites.composites, found)]
    faults += [
        f"indicators/{name}.toml: {fault}" for name, one in found.items() for fault in derived_faults(one, found)
    ]
    if faults or head is None or rules is None or composites is None:
        raise FaultsError(faults, what=f'The framework "{name_or_folder}"')
    ordered = [indicator for name in head.indicators if (indicator := found[name]) is not None]
    return Framework(
        name=head.name,
        version=head.version,
        indicators=tuple(ordered),
        forms=head.forms,
        composites=composites.composites,
        rules=rules.rules,
    )


def is_packaged(name: str | Path) -> bool:
    """Tell whether a name means a framework that comes with the package, or one under the name of another platform."""
    packaged = packaged_frameworks()
    return str(name) in packaged or str(name).rpartition("-")[0] in packaged


def packaged_frameworks() -> dict[str, Traversable]:
    """Return the folders of the frameworks that come with the package, by name."""
    root = resources.files("evaltoolkit") / "data" / "framework"
    return {entry.name.replace("_", "-"): entry for entry in root.iterdir() if entry.is_dir()}


def _folder(name_or_folder: str | Path) -> Traversable:
    packaged = packaged_frameworks()
    if isinstance(name_or_folder, str) and name_or_folder in packaged:
        return packaged[name_or_folder]
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    raise EvaltoolkitError(
        f'There is no framework "{name_or_folder}": give one of {", ".join(sorted(packaged))}, or the path of a '
        f"folder with framework.toml and a folder indicators.{nearest(str(name_or_folder), packaged)}"
    )


def _read_indicators(folder: Traversable, faults: list[str]) -> dict[str, Indicator | None]:
    """Return the indicators by file name; None where a file is there but has faults."""
    place = folder / "indicators"
    if not place.is_dir():
        faults.append(
            'indicators: this folder is missing; make it and put one file per indicator in it ("COMP-02.toml").'
        )
        return {}
    found: dict[str, Indicator | None] = {}
    for file in sorted(place.iterdir(), key=lambda entry: entry.name):
        if file.name.startswith(".") or not file.name.endswith(".toml"):
            continue
        name, shown = file.name.removesuffix(".toml"), f"indicators/{file.name}"
        indicator = _read(file, shown, Indicator, faults)
        found[name] = indicator
        if indicator is not None and indicator.id != name:
            faults.append(f'{shown}: id: the indicator is "{indicator.id}"; name the file {indicator.id}.toml.')
    return found


def _read_if_there(folder: Traversable, name: str, model: type[_Model], faults: list[str]) -> _Model | None:
    file = folder / name
    return _read(file, name, model, faults) if file.is_file() else model()


def _read(file: Traversable, shown: str, model: type[_Model], faults: list[str]) -> _Model | None:
    try:
        raw: dict[str, Any] = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        faults.append(f"{shown}: this file is missing; add it.")
    except UnicodeDecodeError:
        faults.append(f"{shown}: this is not a UTF-8 text file; save it again as UTF-8.")
    except tomllib.TOMLDecodeError as error:
        faults.append(f"{shown}: this is not valid TOML: {error}; mend that line.")
    else:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            faults.extend(describe_faults(error, model, shown, raw))
    return None


def _list_faults(head: _Head, found: dict[str, Indicator | None]) -> list[str]:
    """Return where the list of ``framework.toml`` and the files disagree."""
    twice = [name for name, times in Counter(head.indicators).items() if times > 1]
    absent = [name for name in dict.fromkeys(head.indicators) if name not in found]
    unlisted = [name for name in found if name not in head.indicators]
    return [
        *(f'framework.toml: indicators: "{name}" stands in the list twice; keep one.' for name in twice),
        *(
            f'framework.toml: indicators: there is no file indicators/{name}.toml; add it or take "{name}" off the '
            f"list.{nearest(name, unlisted)}"
            for name in absent
        ),
        *(
            f'indicators/{name}.toml: "{name}" is not in the list of framework.toml; add it there at its place.'
            for name in unlisted
        ),
    ]


def _form_faults(head: _Head) -> list[str]:
    """Return which forms bear a name that is taken, or hold an indicator that is not listed or stands there twice."""
    faults = [
        f'framework.toml: forms: the name "{FULL}" is taken for all indicators.' for name in head.forms if name == FULL
    ]
    for name, form in head.forms.items():
        counts = Counter(form.indicators)
        faults += [
            f'framework.toml: forms.{name}: "{i}" stands there twice; keep one.' for i, n in counts.items() if n > 1
        ]
        faults += [
            f'framework.toml: forms.{name}: "{i}" is not in the list of indicators.{nearest(i, head.indicators)}'
            for i in counts
            if i not in head.indicators
        ]
    return faults
