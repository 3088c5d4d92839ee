"""From combined values to the columns of a panel, with sampling errors of survey shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.selection import BESIDE, N_ANSWERED, STATUS_ORDER

Array = npt.NDArray[np.float64]
DEFAULT_DESIGN_EFFECT = 1.5
_SURVEYS = ("resident_survey", "partner_survey")


def share_se(share: npt.ArrayLike, n: npt.ArrayLike, design_effect: npt.ArrayLike = DEFAULT_DESIGN_EFFECT) -> Array:
    """Return the sampling standard error of a share, ``sqrt(p (1 - p) deff / n)``.

    At 0 and 100 % that formula gives 0, as if nothing were uncertain. There, and for the standard error only,
    ``p`` is replaced by ``(x + 2) / (m + 4)`` with ``m = n / deff`` respondents of effective sample size and
    ``x = p m``.

    Parameters
    ----------
    share : array, between 0 and 1
    n : array, number of respondents
    design_effect : array
        Variance of the survey's design over that of a simple random sample; 1.5 where it is not known (NaN).

    Returns
    -------
    array
        NaN where the share or a positive number of respondents is missing.

    References
    ----------
    Agresti and Coull (1998), doi:10.1080/00031305.1998.10480550; Kish (1965) for the design effect.
    """
    p, size = np.asarray(share, dtype=float), np.asarray(n, dtype=float)
    effect = np.nan_to_num(np.asarray(design_effect, dtype=float), nan=DEFAULT_DESIGN_EFFECT)
    effective = np.where(size > 0, size, np.nan) / effect
    at_edge = (p <= 0) | (p >= 1)
    shrunk = np.where(at_edge, (p * effective + 2) / (effective + 4), p)
    return np.asarray(np.sqrt(shrunk * (1 - shrunk) / effective), dtype=float)


def share_scale(indicator: Indicator) -> float | None:
    """Return what 100 % is written as (1 or 100) where the indicator is a share of survey respondents, else None."""
    if indicator.source not in _SURVEYS:
        return None
    if indicator.value == "ratio":
        return 1.0
    main = next((part for part in indicator.parts if part.id not in BESIDE), None)
    if indicator.scale != "percent" or indicator.value != "single" or main is None or "n" not in indicator.part_ids:
        return None
    return 100.0 if main.maximum == 100 else 1.0


def measure_columns(table: pd.DataFrame, indicator: Indicator) -> pd.DataFrame:
    """Return the columns of one measure, in the index of ``table``.

    Parameters
    ----------
    table : DataFrame
        ``value, numerator, n, design_effect, rank, wording`` of this indicator.
    """
    name = indicator.id
    columns = pd.DataFrame({name: table["value"]}, index=table.index)
    known = table["value"].notna()
    if indicator.value == "ratio":
        columns[f"{name}.numerator"] = table["numerator"].where(known)
    if indicator.value == "ratio" or "n" in indicator.part_ids:
        columns[f"{name}.n"] = table["n"].where(known)
    scale = share_scale(indicator)
    if scale is not None:
        columns[f"{name}.se"] = scale * share_se(table["value"] / scale, table["n"], table["design_effect"])
    words = np.array([*STATUS_ORDER, ""], dtype=object)
    columns[f"{name}.status"] = pd.Series(words[table["rank"].to_numpy()], index=table.index, dtype="str")
    columns[f"{name}.wording"] = table["wording"].astype("float64")
    return columns


def missing_rank(table: pd.DataFrame) -> pd.Series[int]:
    """Return the status rank with which a combined value is shown.

    A value that is missing although something was answered has no status of its own, except a ratio without a
    denominator: that is not applicable.
    """
    no_status, not_applicable = len(STATUS_ORDER), STATUS_ORDER.index("NAP")
    unexplained = table["value"].isna() & (table["rank"] < N_ANSWERED)
    rank = table["rank"].where(~unexplained, no_status)
    return rank.where(table["reason"] != "panel.zero_denominator", not_applicable)


def panel_data(
    table: pd.DataFrame, indicators: Sequence[Indicator], units: Sequence[str], periods: Sequence[Period]
) -> pd.DataFrame:
    """Return the full grid of units and periods with the columns of every measure."""
    labels = [period.label for period in periods]
    grid = pd.MultiIndex.from_product([list(units), labels], names=["unit", "period"])
    parts = []
    for indicator in indicators:
        rows = table[table["indicator"] == indicator.id].set_index(["unit", "period"])
        columns = measure_columns(rows, indicator).reindex(grid)
        columns[f"{indicator.id}.status"] = columns[f"{indicator.id}.status"].fillna("")
        parts.append(columns)
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=grid)
