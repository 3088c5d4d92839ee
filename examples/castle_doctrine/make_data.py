"""Write castle.csv from the data set that comes with the package causaldata.

python make_data.py [folder]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

# In the file a state is a number: its place in the alphabet, the District of Columbia (9, not in the data) included.
STATES = (
    "Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, District of Columbia, Florida, "
    "Georgia, Hawaii, Idaho, Illinois, Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, Massachusetts, "
    "Michigan, Minnesota, Mississippi, Missouri, Montana, Nebraska, Nevada, New Hampshire, New Jersey, New Mexico, "
    "New York, North Carolina, North Dakota, Ohio, Oklahoma, Oregon, Pennsylvania, Rhode Island, South Carolina, "
    "South Dakota, Tennessee, Texas, Utah, Vermont, Virginia, Washington, West Virginia, Wisconsin, Wyoming"
)


def load_castle() -> pd.DataFrame:
    """Return the data as packaged: 50 states, 2000 to 2010."""
    from causaldata import castle

    return castle.load_pandas().data


def first_treated_year(castle: pd.DataFrame) -> pd.Series:
    """Return the year in which each state's law took effect; missing where it had none by 2010.

    The column ``post`` was the share of the year with the law in force. As packaged it is cut down to whole numbers,
    so it turns to 1 in the first full year: the law took effect in the year before.
    """
    full_years = castle[castle["post"] > 0]
    return full_years.groupby("sid")["year"].min().astype(int) - 1


def write_data(folder: str | Path) -> Path:
    """Write castle.csv into a folder and return its path."""
    castle = load_castle()
    names = STATES.split(", ")
    start = castle["sid"].map(first_treated_year(castle))
    table = pd.DataFrame(
        {
            "state": [names[number - 1] for number in castle["sid"]],
            "year": castle["year"],
            "l_homicide": castle["l_homicide"].astype(float),
            "l_burglary": np.log(castle["burglary"].astype(float)),
            "treated_from": [str(int(year)) if year > 0 else "never" for year in start],
        }
    )
    path = Path(folder) / "castle.csv"
    table.to_csv(path, index=False, lineterminator="\n")
    return path


if __name__ == "__main__":
    print(write_data(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
