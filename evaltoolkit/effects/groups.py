"""Numbers for the cohorts of units, without sorting anything as long as the units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]


class Groups(NamedTuple):
    """Dates of the cohorts (C,), increasing; number of each unit's cohort (n,); the first unit of each cohort (C,)."""

    cohorts: Array
    group: Codes
    first: Codes


def number_cohorts(cohort: Array) -> Groups:
    """Return what ``np.unique`` would with inverse and index; dates must be no NaN."""
    codes, found = pd.factorize(cohort)
    order = np.argsort(found, kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    group = rank[codes]
    first = np.empty(len(order), np.intp)
    # backwards, so that the first unit of a cohort is written last
    first[group[::-1]] = np.arange(len(group) - 1, -1, -1)
    return Groups(np.asarray(found[order], dtype=np.float64), group, first)
