"""The register files: municipalities, mergers and shared borders, read once from the package."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib import resources

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError

VINTAGES = (2018, 2019, 2025)
# First day on which a vintage as a whole is in force; 2018 stands for everything before 2019.
_VINTAGE_STARTS = {2018: dt.date.min, 2019: dt.date(2019, 1, 1), 2025: dt.date(2025, 1, 1)}
_NUMBERS: dict[str, dict[str, str]] = {
    "municipalities.csv": {
        **{f"in_{vintage}": "int64" for vintage in VINTAGES},
        **dict.fromkeys(("lon", "lat", "area_km2"), "float64"),
    },
    "mergers.csv": dict.fromkeys(("from_vintage", "to_vintage"), "int64"),
    "adjacency.csv": dict.fromkeys(("vintage", "shared_border_m"), "int64"),
}


def load_municipalities() -> pd.DataFrame:
    """Return every municipality code in force at any time since 2018.

    Returns
    -------
    DataFrame
        Index ``code`` (five characters of text). Names, regions, provinces, arrondissements, ``valid_from`` and
        ``valid_to`` (ISO dates as text; empty = before 2018, in force), ``in_2018``, ``in_2019``, ``in_2025``
        (1 or 0), centroid in degrees, area in square kilometres.
    """
    return _read("municipalities.csv").set_index("code")


def load_mergers() -> pd.DataFrame:
    """Return every merger and recode since 2018: one row per old code, with date, type and vintages."""
    return _read("mergers.csv").copy()


def load_borders() -> pd.DataFrame:
    """Return ``vintage, code_a, code_b, shared_border_m`` with ``code_a < code_b``."""
    return _read("adjacency.csv").copy()


def municipality_codes(vintage: int) -> tuple[str, ...]:
    """Return the codes of a vintage, sorted: 589 in 2018, 581 in 2019, 565 in 2025."""
    check_vintage(vintage)
    return _codes(vintage)


def vintage_on(day: dt.date) -> int:
    """Return the vintage in force on a day."""
    return max(vintage for vintage, start in _VINTAGE_STARTS.items() if start <= day)


def vintage_start(vintage: int) -> dt.date:
    """Return the first day of a vintage (the earliest date there is for 2018)."""
    check_vintage(vintage)
    return _VINTAGE_STARTS[vintage]


def check_vintage(vintage: int) -> None:
    """Raise unless the vintage is one the register knows."""
    if vintage not in VINTAGES:
        known = ", ".join(str(v) for v in VINTAGES)
        raise EvaltoolkitError(f"Vintage {vintage} is not in the register: choose one of {known}.")


@cache
def _codes(vintage: int) -> tuple[str, ...]:
    register = _read("municipalities.csv")
    return tuple(sorted(register.loc[register[f"in_{vintage}"] == 1, "code"]))


@cache
def _read(name: str) -> pd.DataFrame:
    path = resources.files("evaltoolkit") / "data" / "register" / name
    with path.open("r", encoding="utf-8") as file:
        # text first: "01234" must stay a code, and "" must stay empty
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    return frame.astype(_NUMBERS[name])
