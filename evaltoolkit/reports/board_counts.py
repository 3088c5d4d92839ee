"""What the board counts: status of answers per indicator, answers for earlier periods, bands of composites."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from evaltoolkit.disclosure.gate import Gate
from evaltoolkit.disclosure.rules import Column, Rules, default_rules
from evaltoolkit.framework.indicator import Composite, Framework, Indicator
from evaltoolkit.framework.values import ANSWERED, MISSING
from evaltoolkit.panels.composites import describe_composites
from evaltoolkit.reports.board_state import Key

BLANK = "blank"
SHOWN = (*ANSWERED, *MISSING, BLANK)
# below this many respondents nothing is told of a sensitive indicator or a composite
MANY = 10
QUANTILES = {"low": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "high": 1.0}
_BESIDE = ("n", "design_effect")


def of_respondents(values: pd.DataFrame, keys: Collection[Key]) -> pd.DataFrame:
    """Return the rows of some respondents."""
    pairs = pd.MultiIndex.from_frame(values[["unit_kind", "unit"]])
    return values.loc[pairs.isin(list(keys))] if keys else values.iloc[:0]


def choose_form(values: pd.DataFrame, framework: Framework, form: str = "") -> tuple[Indicator, ...]:
    """Return what was asked: the named form, else the smallest that asks all that was answered."""
    if form:
        return framework.form(form)
    answered = set(values["indicator"]) & {one.id for one in framework.indicators if one.source == "form"}
    forms = sorted((framework.form(name) for name in framework.form_names), key=len)
    return next(asked for asked in forms if answered <= {one.id for one in asked})


def completeness(values: pd.DataFrame, asked: Sequence[Indicator], n: int) -> pd.DataFrame:
    """Return how many respondents gave which status for each indicator.

    Estimand: for each indicator, the number among ``n`` respondents whose answer is complete (registered, or
    reconstructed where any part is), missing with a typed reason, or blank. A respondent counts once: a reason that
    was given for any part comes first; an answer in which a needed part is empty is blank.

    Parameters
    ----------
    values : values of those respondents for one period
    asked : indicators to count
    n : number of respondents

    Returns
    -------
    DataFrame
        Columns ``indicator``, the statuses of :data:`SHOWN` and ``n``; NaN where it is not told (see
        :func:`released`).
    """
    rows = [{"indicator": one.id, **_statuses(values[values["indicator"] == one.id], one, n), "n": n} for one in asked]
    return pd.DataFrame(rows, columns=["indicator", *SHOWN, "n"])


def _statuses(rows: pd.DataFrame, indicator: Indicator, n: int) -> dict[str, float]:
    rows = rows.assign(key=rows["unit_kind"] + "/" + rows["unit"])
    rank = {status: place for place, status in enumerate(MISSING)}
    coded = rows[rows["status"].isin(MISSING)].sort_values("status", key=lambda names: names.map(rank))
    reason = coded.drop_duplicates("key").set_index("key")["status"]
    needed = _needed(indicator)
    given = rows[rows["status"].isin(ANSWERED) & ~rows["key"].isin(reason.index)]
    given = given[given["part"].isin(needed)] if needed else given
    parts = given.groupby("key")["part"].nunique()
    whole = given[given["key"].map(parts) >= max(len(needed), 1)]
    late = set(whole.loc[whole["status"] == "reconstructed", "key"])
    counts = {status: float((reason == status).sum()) for status in MISSING}
    counts["reconstructed"] = float(len(late))
    counts["registered"] = float(whole["key"].nunique() - len(late))
    counts[BLANK] = n - sum(counts.values())
    return counts


def _needed(indicator: Indicator) -> tuple[str, ...]:
    """Parts without which the indicator has no value; none where its parts are codes."""
    if indicator.value == "ratio":
        return ("numerator", "denominator")
    if indicator.value == "none":
        return ()
    parts = [part.id for part in indicator.parts if part.type == "count" or indicator.value == "single"]
    return tuple(part for part in parts if part not in _BESIDE)


def released(counts: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return the counts of :func:`completeness` that may be shown, by the gate.

    They count respondents, not persons. Yet a status can tell of persons: "hidden because small" says that there were
    one to four. A sensitive indicator therefore needs ten respondents, and among them several of whom this is not
    said; any other needs as many as a statistic does.
    """
    sensitive = np.array([framework.by_id[name].sensitivity != "none" for name in counts["indicator"]], dtype=bool)
    kinds = {name: Column("statistic", n_units="n") for name in SHOWN}
    kinds |= {"indicator": Column("label"), "n": Column("count_other")}
    table = counts.copy()
    for some, gate in ((~sensitive, Gate()), (sensitive, _strict_gate())):
        part = counts.loc[some].reset_index(drop=True)
        shown = gate.release("completeness by indicator", part, kinds, level="region").data
        table.loc[some, list(SHOWN)] = shown[list(SHOWN)].to_numpy(dtype=float)
    others = counts["n"] - counts["SUP"]
    table.loc[sensitive & (counts["SUP"] > 0) & (others < default_rules().min_units), list(SHOWN)] = np.nan
    return table


def _strict_gate() -> Gate:
    return Gate(Rules(threshold=default_rules().threshold, min_units=MANY))


def earlier_answers(values: pd.DataFrame, wave: str, n: int) -> pd.DataFrame:
    """Return how many answers came for other periods than the wave's own, by period and status.

    Columns ``period`` and the statuses without ``blank``: what was not answered is not known here. Empty where fewer
    than ten respondents answered.
    """
    other = values.loc[values["period"] != wave]
    if n < MANY or other.empty:
        return pd.DataFrame(columns=["period", *ANSWERED, *MISSING])
    counted = pd.crosstab(other["period"], other["status"]).reindex(columns=[*ANSWERED, *MISSING], fill_value=0)
    return counted.rename_axis(columns=None).reset_index()


def bands(values: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return each composite as an anonymous band over at least ten respondents of one kind.

    Estimand: smallest value, quartiles and largest value of a composite among the respondents of one kind that have
    one. Descriptive: never an outcome, and never one respondent's value under its name. Smallest and largest are one
    respondent's own, so a composite with a sensitive component has quartiles only.

    Parameters
    ----------
    values : values of one period
    framework : Framework

    Returns
    -------
    DataFrame
        Columns ``composite, unit_kind, n, low, q1, median, q3, high`` (0 to 1); NaN where it is not told.
    """
    columns = ["composite", "unit_kind", "n", *QUANTILES]
    if values.empty or not framework.composites:
        return pd.DataFrame(columns=columns)
    described = describe_composites(values, framework)
    rows = []
    for (composite, kind), group in described.groupby(["composite", "unit_kind"], sort=False):
        found = group["value"].dropna().to_numpy(dtype=float)
        numbers = np.quantile(found, list(QUANTILES.values())) if len(found) else np.full(len(QUANTILES), np.nan)
        rows.append((composite, kind, len(found), *numbers))
    table = pd.DataFrame(rows, columns=columns)
    kinds = {name: Column("statistic", n_units="n") for name in QUANTILES}
    kinds |= {"composite": Column("label"), "unit_kind": Column("label"), "n": Column("count_other")}
    shown = _strict_gate().release("bands of composites", table, kinds, level="region").data
    guarded = shown["composite"].isin([one.id for one in framework.composites if _is_sensitive(one, framework)])
    shown.loc[guarded, ["low", "high"]] = np.nan
    return shown


def _is_sensitive(composite: Composite, framework: Framework) -> bool:
    return any(framework.by_id[part.indicator].sensitivity != "none" for part in composite.components)
