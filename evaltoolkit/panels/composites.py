"""Composites: a mean of scaled measures that describes a cell in one period, and explains nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.framework.indicator import Component, Composite, Framework, Indicator
from evaltoolkit.framework.references import ANY_CODE
from evaltoolkit.framework.values import ANSWERED
from evaltoolkit.panels.derived import with_derived

_WHO = ["unit_kind", "unit", "period"]
_NONE = "none"


def describe_composites(values: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return every composite of a framework for every respondent and period.

    Descriptive: the components have equal weights and are measured after the action began as well as before, so a
    composite may contain the outcome or what lies between action and outcome. It is not a column of a panel, and no
    estimator takes it.

    Parameters
    ----------
    values : DataFrame
        Long table, see :mod:`evaltoolkit.framework.values`.
    framework : Framework

    Returns
    -------
    DataFrame
        ``composite, unit_kind, unit, period, value, n_components, n_missing, reason``; ``value`` lies between 0 and 1,
        and is NaN with a reason where too many components are missing.
    """
    table = with_derived(values, framework)
    answered = table[table["status"].isin(ANSWERED)]
    everyone = pd.MultiIndex.from_frame(table[_WHO].drop_duplicates().sort_values(_WHO))
    rows = [_describe(one, answered, framework, everyone) for one in framework.composites]
    columns = ["composite", *_WHO, "value", "n_components", "n_missing", "reason"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _describe(
    composite: Composite, answered: pd.DataFrame, framework: Framework, everyone: pd.MultiIndex
) -> pd.DataFrame:
    scaled = pd.DataFrame(
        {
            place: _scaled(one, answered, framework.by_id[one.indicator]).reindex(everyone)
            for place, one in enumerate(composite.components)
        }
    )
    missing = scaled.isna().sum(axis=1)
    allowed = composite.missing_at_most * len(composite.components)
    value = scaled.mean(axis=1).where(missing <= allowed)
    reason = np.where(value.isna(), "more components are missing than the composite allows", "")
    found = pd.DataFrame({"value": value, "n_missing": missing, "reason": reason}, index=everyone).reset_index()
    return found.assign(composite=composite.id, n_components=len(composite.components))


def _scaled(component: Component, answered: pd.DataFrame, indicator: Indicator) -> pd.Series:
    rows = answered[answered["indicator"] == indicator.id]
    raw = _coded(component, rows, indicator) if component.part else _measured(rows, indicator)
    return ((raw - component.low) / (component.high - component.low)).clip(0, 1)


def _measured(rows: pd.DataFrame, indicator: Indicator) -> pd.Series:
    """The indicator's own value: a number, a sum of its counts, or a share (NaN without a denominator)."""
    wide = rows.pivot_table(index=_WHO, columns="part", values="value", aggfunc="first")
    if indicator.value == "ratio":
        wide = wide.reindex(columns=["numerator", "denominator"])
        return wide["numerator"] / wide["denominator"].where(wide["denominator"] > 0)
    names = [part.id for part in indicator.parts if part.type == "count" or indicator.value == "single"]
    own = [name for name in names if name not in ("n", "design_effect")]
    return wide.reindex(columns=own).sum(axis=1, min_count=len(own))


def _coded(component: Component, rows: pd.DataFrame, indicator: Indicator) -> pd.Series:
    """What an answer in codes counts: 1 for the named code, or the number of entries of a checklist that hold."""
    answers = rows[rows["part"] == component.part].drop_duplicates(_WHO).set_index(_WHO)
    if indicator.part(component.part).type == "yes_no":
        return answers["value"] if component.code == "yes" else 1 - answers["value"]
    codes = answers["text"].str.split(";")
    if component.code == ANY_CODE:
        return codes.map(lambda found: float(len([one for one in found if one and one != _NONE])))
    return codes.map(lambda found: float(component.code in found))
