"""Who answered: response by arm and period, why values are missing, and raw means by cohort."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.panels.panel import Panel

# units of the panel that the arms or cohorts say nothing of
UNKNOWN = "unknown"
# no answer came and no reason was given
NO_ANSWER = "no_answer"


def coverage_by_arm(panel: Panel, measure: str, arm: pd.Series) -> pd.DataFrame:
    """Return how many units of each arm have a value, in each period.

    Parameters
    ----------
    panel : Panel
    measure : str
    arm : Series
        Index unit, values the arm. Units that are not in the panel count as not answered; units of the panel
        that ``arm`` does not name, or names without a value, form the arm ``unknown``.

    Returns
    -------
    DataFrame
        Columns ``arm, period, n_units, n_answered, share``; arms sorted, periods by date.
    """
    arms = _labels(panel, arm)
    answered = _by_unit(panel, np.isfinite(panel.wide(measure)).astype(float)).reindex(arms.index, fill_value=0.0)
    grouped = answered.groupby(arms)
    n_units, n_answered = grouped.size(), grouped.sum()
    table = n_answered.rename_axis("arm").reset_index().melt("arm", var_name="period", value_name="n_answered")
    table["n_answered"] = table["n_answered"].astype("int64")
    table["n_units"] = table["arm"].map(n_units).astype("int64")
    table["share"] = table["n_answered"] / table["n_units"]
    return _sorted(table, panel, "arm")[["arm", "period", "n_units", "n_answered", "share"]]


def missing_by_status(panel: Panel, measure: str) -> pd.DataFrame:
    """Return how many units have each status, in each period.

    Returns
    -------
    DataFrame
        Columns ``status, period, n``; ``no_answer`` where no value and no reason came. A panel without statuses
        (an evaluator's own file) has ``registered`` and ``no_answer`` only.
    """
    answered = np.isfinite(panel.wide(measure)).ravel()
    column = f"{measure}.status"
    given = panel.data[column].astype(str).to_numpy() if column in panel.data else None
    status = np.where(answered, "registered", "") if given is None else given
    table = pd.DataFrame({"status": status, "period": panel.data.index.get_level_values("period").astype(str)})
    table["status"] = table["status"].where(table["status"] != "", NO_ANSWER)
    counted = table.value_counts().rename("n").reset_index()
    return _sorted(counted, panel, "status")[["status", "period", "n"]]


def cohort_means(panel: Panel, measure: str, cohort: pd.Series) -> pd.DataFrame:
    """Return the raw, unadjusted mean of a measure by cohort and period: descriptive, no effect.

    Parameters
    ----------
    panel : Panel
    measure : str
    cohort : Series
        Index unit, values the first treated time, ``inf`` = never treated, NaN = unknown (left out).

    Returns
    -------
    DataFrame
        Columns ``cohort, period, time, n_units`` (with a value) and ``mean`` (NaN where none has one), sorted.
    """
    known = cohort.reindex(panel.unit_codes).dropna().astype(float)
    values = _by_unit(panel, panel.wide(measure)).loc[known.index]
    grouped = values.groupby(known)
    means = grouped.mean().rename_axis("cohort").reset_index().melt("cohort", var_name="period", value_name="mean")
    counts = grouped.count().rename_axis("cohort").reset_index().melt("cohort", var_name="period", value_name="n_units")
    table = means.merge(counts, on=["cohort", "period"])
    table["time"] = table["period"].map({period.label: period.time for period in panel.periods}).astype(float)
    return _sorted(table, panel, "cohort")[["cohort", "period", "time", "n_units", "mean"]]


def _by_unit(panel: Panel, array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> pd.DataFrame:
    return pd.DataFrame(array, index=panel.unit_codes, columns=[period.label for period in panel.periods])


def _labels(panel: Panel, arm: pd.Series) -> pd.Series[str]:
    given = arm.copy()
    given.index = given.index.astype(str)
    everyone = given.index.union(pd.Index(panel.unit_codes), sort=True)
    whole = given.reindex(everyone)
    return whole.where(whole.notna(), UNKNOWN).astype(str)


def _sorted(table: pd.DataFrame, panel: Panel, first: str) -> pd.DataFrame:
    order = {period.label: position for position, period in enumerate(panel.periods)}
    position = table["period"].map(order)
    return (
        table.assign(_position=position).sort_values([first, "_position"], ignore_index=True).drop(columns="_position")
    )
