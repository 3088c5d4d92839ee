"""Values to panel: unit x period at one vintage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Fact, Finding, Where, nearest
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.combine import combine_records, make_records, number_records
from evaltoolkit.panels.composition import drop_changed, territories, unit_table
from evaltoolkit.panels.derived import with_derived
from evaltoolkit.panels.duplicates import keep_best
from evaltoolkit.panels.measures import missing_rank, panel_data
from evaltoolkit.panels.panel import Panel
from evaltoolkit.panels.placement import UNITS, Placement, choose_vintage, row_vintages
from evaltoolkit.panels.selection import numeric_indicators, part_roles, select_rows
from evaltoolkit.territory.membership import members_on, read_membership
from evaltoolkit.territory.municipalities import assign_vintages
from evaltoolkit.territory.register import check_vintage

_ROW_KEY = ["unit_kind", "unit", "period", "indicator", "part"]


def build_panel(
    values: pd.DataFrame,
    framework: Framework,
    *,
    unit: str = "livc_r",
    vintage: int | None = None,
    membership: pd.DataFrame | str | Path | None = None,
    periods: Sequence[str | Period] | None = None,
    indicators: Sequence[str] | None = None,
) -> Panel:
    """Build a panel from the long table of values.

    Every value belongs to one unit, or is left out with a finding; nothing is divided, and no partial sum is given.

    * Municipality codes are recognised per period and indicator and carried forward to one vintage by the
      indicator's declared conversion: counts are summed, ratios rebuilt, means weighted by respondents, anything
      else kept only where all predecessors agree. A predecessor without a value makes the value missing.
    * ``unit="livc_r"``: values of cells count once; values of municipalities are joined, by the same rules, over
      the members on the period's last day. **A cell is the same unit as long as its territory is**: a merger of
      members leaves it the same (``merged`` says that it happened), but values of periods in which it covered
      other municipalities than at the end are left out.
    * ``unit="municipality"``: a cell's value passes on only where the cell lies within one municipality of the
      panel's vintage.
    * Derived indicators are worked out from the answers they follow from
      (:func:`~evaltoolkit.panels.derived.with_derived`).
    * A ratio without a denominator is missing with status NAP. ``X.se`` is given for shares of survey respondents
      (see :func:`~evaltoolkit.panels.measures.share_se`), design effect 1.5 where none is given.
    * Counts stay counts: no rate per inhabitant is formed that the indicator does not declare.

    Parameters
    ----------
    values : DataFrame
        Long table, see :mod:`evaltoolkit.framework.values`.
    framework : Framework
    unit : {"livc_r", "municipality"}
    vintage : {2018, 2019, 2025}, optional
        Municipal division; the newest that occurs by default. Never an older one.
    membership : DataFrame or path, optional
        See :func:`evaltoolkit.territory.membership.read_membership`. With it, every cell it names is in the panel,
        also one that never answered.
    periods : sequence of labels, optional
        All that occur for the chosen indicators by default.
    indicators : sequence of ids, optional
        All with a number by default.

    Returns
    -------
    Panel

    Raises
    ------
    FaultsError
        Unknown columns, indicators, parts, statuses; foreign codes or mixed vintages in a period; contradicting
        values of equal standing from two sources.
    RefusedError
        If ``vintage`` is older than the codes found.
    """
    if unit not in UNITS:
        raise EvaltoolkitError(f'Unit "{unit}" is not known: choose {" or ".join(UNITS)}.{nearest(unit, UNITS)}')
    if vintage is not None:
        check_vintage(vintage)
    chosen = numeric_indicators(framework, indicators)
    rows, ordered = select_rows(with_derived(values, framework), framework, [i.id for i in chosen], periods)
    present = set(rows["indicator"])
    if indicators is None:
        chosen = tuple(i for i in chosen if i.id in present)
    rows, findings = _prepare(rows, chosen, ordered)
    placement = _placement(rows, unit, vintage, membership, ordered)
    table, sources, more = _place_and_combine(rows, chosen, placement)
    by_period = territories(placement) if unit == "livc_r" else {}
    table, changed = drop_changed(table, by_period)
    table, preferred = keep_best(table, ["unit", "period", "indicator"])
    units = _units(table, placement)
    found = [*findings, *more, *changed, *preferred, *_missing_findings(table), *_wording_findings(table, ordered)]
    return Panel(
        data=panel_data(table, chosen, units, ordered),
        periods=ordered,
        unit_kind=unit,
        units=unit_table(units, placement, by_period),
        vintage=placement.vintage,
        sources=_trace(sources, table),
        findings=_in_order(found),
        info={"framework": f"{framework.name} {framework.version}"},
    )


def _prepare(
    rows: pd.DataFrame, indicators: Sequence[Indicator], periods: Sequence[Period]
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Give each row its role and vintage, and keep one row per answer."""
    rows = rows.merge(part_roles(indicators), on=["indicator", "part"])
    rows, findings = keep_best(rows, _ROW_KEY)
    rows = rows.reset_index(drop=True)
    rows["vintage"] = row_vintages(rows, periods)
    rows["record"] = number_records(rows)
    return rows, findings


def _placement(
    rows: pd.DataFrame,
    unit: str,
    vintage: int | None,
    membership: pd.DataFrame | str | Path | None,
    periods: tuple[Period, ...],
) -> Placement:
    members = None if membership is None else read_membership(membership)
    found = {int(v) for v in rows["vintage"].unique() if v}
    if members is not None and (unit == "livc_r" or not found):
        for period in periods:
            codes = members_on(members, period.end)["municipality"].tolist()
            found |= {int(v) for v in assign_vintages(codes, period.end)}
    return Placement(unit, choose_vintage(found, vintage), members, periods)


def _place_and_combine(
    rows: pd.DataFrame, indicators: Sequence[Indicator], placement: Placement
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Return the combined values, the sources that went into each, and what could not be placed."""
    records = make_records(rows, indicators)
    records, findings = _place(records, placement)
    if records.empty:
        raise EvaltoolkitError(
            f"No value can be placed in a panel of unit {placement.unit}: "
            "values of another kind of unit need membership=, the dated list of the cells' municipalities."
        )
    key = ["target", "period", "indicator", "unit_kind", "vintage"]
    records["group"] = records.groupby(key, sort=True).ngroup()
    sources = rows[["record", "source"]].merge(records[["group"]], left_on="record", right_index=True)
    table = combine_records(records, indicators)
    table["rank"] = missing_rank(table)
    table["source"] = sources.groupby("group")["source"].min().reindex(table["group"]).to_numpy()
    return table.rename(columns={"target": "unit"}), sources, findings


def _place(records: pd.DataFrame, placement: Placement) -> tuple[pd.DataFrame, list[Finding]]:
    """Give every record its target unit; a cell in a panel of cells is its own."""
    identity = (records["unit_kind"] == "livc_r") & (placement.unit == "livc_r")
    direct, others = records[identity], records[~identity]
    direct = direct.assign(target=direct["unit"], why="", pieces=1.0, all_pieces=1.0, needed=1.0)
    if placement.membership is None:
        lost = others[others["unit_kind"] != placement.unit]
        others = others[others["unit_kind"] == placement.unit]
        findings = _left_out(lost.assign(why="needs_membership"))
    else:
        findings = []
    if others.empty:
        return direct, findings
    links = placement.links(others[["unit_kind", "period", "vintage"]])
    keys = ["unit_kind", "period", "vintage", "unit"]
    placed = others.reset_index().merge(links, on=keys, how="left").set_index("record")
    placed = placed.fillna({"target": "", "why": "outside"})
    findings += _left_out(placed[placed["target"] == ""])
    placed = placed[placed["target"] != ""]
    return (pd.concat([direct, placed]).sort_index() if len(direct) else placed.sort_index()), findings


def _left_out(records: pd.DataFrame) -> list[Finding]:
    """Tell, by indicator, of the units whose values belong nowhere."""
    findings = []
    for (why, kind, indicator), rows in records.groupby(["why", "unit_kind", "indicator"]):
        units = sorted(set(rows["unit"]))
        facts: dict[str, Fact] = {
            "count": len(units),
            "units": ", ".join(units[:10]) + (" …" if len(units) > 10 else ""),
        }
        findings.append(Finding(f"panel.{kind}_{why}", "question", Where(indicator=str(indicator)), facts))
    return findings


def _units(table: pd.DataFrame, placement: Placement) -> list[str]:
    units = set(table["unit"].astype(str))
    if placement.unit == "livc_r" and placement.membership is not None:
        units |= set(placement.membership["livc_r"].astype(str))
    return sorted(units)


def _missing_findings(table: pd.DataFrame) -> list[Finding]:
    rows = table.loc[table["reason"] != "", ["reason", "unit", "period", "indicator", "answered", "needed"]]
    findings = []
    for reason, unit, period, indicator, answered, needed in rows.itertuples(index=False):
        facts: dict[str, Fact] = {}
        if reason == "panel.part_missing":
            facts = {"missing": int(needed) - int(answered), "needed": int(needed)}
        where = Where(indicator=str(indicator), unit=str(unit), period=str(period))
        findings.append(Finding(str(reason), "note", where, facts))
    return findings


def _wording_findings(table: pd.DataFrame, periods: Sequence[Period]) -> list[Finding]:
    """Tell where a question was worded otherwise than the period before, or in two ways in one period."""
    findings = []
    answered = table[table["value"].notna()]
    for indicator, rows in answered.groupby("indicator"):
        before: int | None = None
        by_period = rows.groupby("period")
        low, high = by_period["wording_min"].min(), by_period["wording"].max()
        for label in [p.label for p in periods if p.label in high.index]:
            where = Where(indicator=str(indicator), period=label)
            if low[label] != high[label]:
                findings.append(Finding("panel.wording_mixed", "question", where))
            if before is not None and high[label] != before:
                findings.append(Finding("panel.wording_changed", "question", where))
            before = int(high[label])
    return findings


def _trace(sources: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    kept = table[["group", "unit", "period", "indicator"]].rename(columns={"indicator": "measure"})
    traced = sources.merge(kept, on="group")[["unit", "period", "measure", "source"]]
    return traced.sort_values(["unit", "period", "measure", "source"], ignore_index=True)


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    def key(finding: Finding) -> tuple[str, str, str, str]:
        return finding.code, finding.where.indicator, finding.where.unit, finding.where.period

    return tuple(sorted(findings, key=key))
