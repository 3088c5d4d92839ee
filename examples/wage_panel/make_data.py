"""Write wages.csv and joiners.csv from the data set that comes with the package linearmodels.

python make_data.py [folder]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def load_wages() -> pd.DataFrame:
    """Return the data as packaged: 545 men, 1980 to 1987."""
    from linearmodels.datasets import wage_panel

    return wage_panel.load()


def union_paths(wages: pd.DataFrame) -> pd.DataFrame:
    """Say for every man in which year he first was a union member, and whether he stayed one ever after.

    Columns ``first`` (missing = never a member) and ``path``: never, always, joined, came_and_went.
    """
    member = wages.pivot_table(index="nr", columns="year", values="union").astype(bool)
    ever = member.any(axis=1)
    first = member.idxmax(axis=1).where(ever)
    # once a member, a member ever after: the yearly figures never fall
    stayed = (member.astype(int).diff(axis=1).iloc[:, 1:] >= 0).all(axis=1)
    path = np.select([~ever, ~stayed, first == wages["year"].min()], ["never", "came_and_went", "always"], "joined")
    return pd.DataFrame({"first": first, "path": path})


def write_data(folder: str | Path) -> tuple[Path, Path]:
    """Write all men (wages.csv), and those whose membership never ended (joiners.csv)."""
    wages = load_wages()
    paths = union_paths(wages)
    everyone = wages[["nr", "year", "lwage", "union", "married", "expersq"]]
    start = wages["nr"].map(paths["first"])
    word = [str(int(year)) if year > 0 else "never" for year in start]
    whole, part = Path(folder) / "wages.csv", Path(folder) / "joiners.csv"
    everyone.to_csv(whole, index=False, lineterminator="\n")
    kept = wages["nr"].map(paths["path"]) != "came_and_went"
    wages.assign(union_from=word)[kept][["nr", "year", "lwage", "union_from", "educ", "black", "hisp"]].to_csv(
        part, index=False, lineterminator="\n"
    )
    return whole, part


if __name__ == "__main__":
    for path in write_data(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent):
        print(path)
