"""Pictures of a design: who had the action when, where they are, and who answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.reports.figures import COLOURS, GREY
from evaltoolkit.reports.figures_cells import Cells, draw_cells
from evaltoolkit.reports.figures_shapes import Spots, draw_places
from evaltoolkit.reports.grids import ABSENT, Grid, arm_of, column_heads, coverage_grid
from evaltoolkit.reports.groups import group_label, groups_of, period_column, period_labels
from evaltoolkit.reports.pictures import Measure, Picture, picture_of
from evaltoolkit.reports.prose import Prose
from evaltoolkit.territory.municipalities import VINTAGES, load_municipalities, municipality_codes
from evaltoolkit.territory.neighbours import neighbour_lists

_WITHOUT, _WITH = 0, 4
# shares of answers from which a cell is one shade darker
_STEPS = (0.5, 0.7, 0.85, 0.95)
# state of a unit on the map -> colour, mark, filled
_STATES: dict[str, tuple[str, str, bool]] = {
    "other": (GREY, "o", False),
    "out": (COLOURS[3], "x", True),
    "neighbour": (COLOURS[1], "D", False),
    "treated": (COLOURS[0], "o", True),
}


def calendar_picture(design: Design, periods: Sequence[Period], measure: Measure, prose: Prose) -> Picture:
    """Return who had the action when: groups by period, the number of units with a value in each cell; no names."""
    groups = groups_of(design)
    rows = [design.cohort == group.cohort for group in groups]
    labels = [
        prose.say("report.calendar.group", group=group_label(group, design, periods, prose), count=len(group.units))
        for group in groups
    ]
    columns = tuple(period_labels(design, periods))
    acting = _acting(design)
    text = tuple(tuple(prose.number(int(count)) for count in group.counts) for group in groups)
    cells = Cells(
        labels=tuple(labels),
        columns=columns,
        shade=np.array([np.where(_mostly(acting[row]), _WITH, _WITHOUT) for row in rows], dtype=float),
        text=text,
    )
    words = {_WITHOUT: prose.say("report.calendar.without"), _WITH: prose.say("report.calendar.with")}
    first = design.cohorts
    found = prose.say(
        "report.calendar.found",
        treated=int(design.treated.sum()),
        total=len(design.units),
        first=_label(first[0], design, columns) if len(first) else prose.say("report.none"),
        last=_label(first[-1], design, columns) if len(first) else prose.say("report.none"),
        others=int((~design.treated).sum()),
    )
    return picture_of(
        draw_cells(cells, x_label=prose.say("report.paths.x"), key=tuple(words.items())),
        name=f"{measure.anchor}-calendar",
        title=prose.say("report.calendar.alt"),
        description=found,
        caption=prose.say("report.calendar.caption", name=measure.name),
        grid=Grid(
            prose.say("report.outcome.calendar"),
            (*column_heads(prose, "group"), *columns),
            tuple((label, *row) for label, row in zip(labels, text, strict=True)),
        ),
    )


def _acting(design: Design) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    if design.treatment is not None:
        return np.asarray(design.treatment > 0)
    return np.asarray(design.times[None, :] >= design.cohort[:, None])


def _mostly(acting: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Actions may stop again: a group is with the action where at least half of it is."""
    return np.asarray(acting.mean(axis=0) >= 0.5)


def _label(time: float, design: Design, columns: Sequence[str]) -> str:
    return columns[int(np.flatnonzero(design.times == time)[0])] if time in design.times else f"{time:g}"


def response_picture(coverage: pd.DataFrame, measure: Measure, prose: Prose) -> Picture | None:
    """Return who answered, arms by periods, as shaded cells; None where nothing was counted.

    Parameters
    ----------
    coverage : columns ``arm, period, n_units, n_answered``, of one outcome
    measure : Measure
    prose : Prose
    """
    if coverage.empty:
        return None
    table = coverage.assign(arm=coverage["arm"].astype(str), period=coverage["period"].astype(str))
    arms, periods = list(dict.fromkeys(table["arm"])), list(dict.fromkeys(table["period"]))
    columns = tuple(period_column(period) for period in periods)
    answered, asked = (
        table.pivot_table(index="arm", columns="period", values=name, aggfunc="sum")
        .reindex(index=arms, columns=periods)
        .to_numpy(dtype=float)
        for name in ("n_answered", "n_units")
    )
    share = np.divide(answered, asked, out=np.full_like(answered, np.nan), where=asked > 0)
    if not np.isfinite(share).any():
        return None
    labels = tuple(
        prose.say("report.calendar.group", group=arm_of(prose, arm), count=int(np.nanmax(asked[row])))
        for row, arm in enumerate(arms)
    )
    cells = Cells(
        labels=labels,
        columns=columns,
        shade=np.where(np.isfinite(share), np.searchsorted(_STEPS, share, side="right"), np.nan),
        text=tuple(tuple(_percent(prose, one) for one in row) for row in share),
    )
    row, column = np.unravel_index(int(np.nanargmin(share)), share.shape)
    found = prose.say(
        "report.response.found" if share[row, column] < 1 else "report.response.all",
        lowest=_percent(prose, share[row, column]),
        highest=_percent(prose, float(np.nanmax(share))),
        group=arm_of(prose, arms[row]),
        period=columns[column],
    )
    return picture_of(
        draw_cells(cells, x_label=prose.say("report.paths.x")),
        name=f"{measure.anchor}-response",
        title=prose.say("report.response.alt", name=measure.name),
        description=found,
        caption=f"{prose.say('report.response.caption', name=measure.name)} {found}",
        grid=coverage_grid(prose, coverage, prose.say("report.quality.coverage.caption", name=measure.name)),
    )


def _percent(prose: Prose, share: float) -> str:
    if not math.isfinite(share):
        return ABSENT
    # 99.6 % is not everybody, and 0.4 % not nobody
    return prose.number(math.floor(100 * share + 1e-9) if share > 0.5 else math.ceil(100 * share - 1e-9))


def map_picture(design: Design, panel: Panel, measure: Measure, prose: Prose) -> Picture | None:
    """Return municipalities by state: with the action, next to one, others compared, left out or unknown; no names.

    None where units are no places in the register of municipalities.
    """
    states = states_of(design, panel)
    if not states:
        return None
    register = load_municipalities()
    groups, rows = [], []
    for state, (colour, marker, filled) in _STATES.items():
        codes = [code for code, (known, _) in states.items() if known == state and code in register.index]
        units = {unit for known, unit in states.values() if known == state}
        if codes:
            word = prose.say(f"report.map.{state}")
            at = register.loc[codes]
            east, north = at["lon"].to_numpy(dtype=float), at["lat"].to_numpy(dtype=float)
            word_counted = prose.say("report.calendar.group", group=word, count=len(codes))
            groups.append(Spots(word_counted, east, north, colour, marker, filled))
            rows.append((word, prose.number(len(codes)), prose.number(len(units))))
    if not groups:
        return None
    ground = register.loc[[code for code in municipality_codes(int(panel.vintage or 0)) if code not in states]]
    counts = {state: sum(known == state for known, _ in states.values()) for state in _STATES}
    found = prose.say("report.map.found", dict(counts))
    return picture_of(
        draw_places(groups, (ground["lon"].to_numpy(dtype=float), ground["lat"].to_numpy(dtype=float))),
        name=f"{measure.anchor}-map",
        title=prose.say("report.map.alt"),
        description=found,
        caption=f"{prose.say('report.map.caption')} {found}",
        grid=Grid(
            prose.say("report.outcome.map"),
            (prose.say("report.column.group"), prose.say("report.map.municipalities"), prose.say("report.map.units")),
            tuple(rows),
        ),
    )


def states_of(design: Design, panel: Panel) -> dict[str, tuple[str, str]]:
    """Return for every municipality of the panel the state of its unit, and that unit.

    States: ``treated``, ``neighbour`` (an untreated unit with a municipality that borders one of a treated unit),
    ``other``, ``out`` (left out, or unknown). A municipality of several units shows the first of these that holds.
    """
    members = _members(panel)
    if panel.vintage not in VINTAGES or not members:
        return {}
    known = dict(zip(map(str, design.units), design.treated, strict=True))
    borders = neighbour_lists(panel.vintage)
    treated = {code for unit in members if known.get(unit) for code in members[unit]}
    beside = {other for code in treated for other in borders.get(code, ())}
    order = ("treated", "neighbour", "other", "out")
    states: dict[str, tuple[str, str]] = {}
    for unit, codes in members.items():
        state = "out"
        if unit in known:
            state = "treated" if known[unit] else "neighbour" if beside & set(codes) else "other"
        for code in codes:
            if code not in states or order.index(state) < order.index(states[code][0]):
                states[code] = (state, unit)
    return states


def _members(panel: Panel) -> Mapping[str, tuple[str, ...]]:
    """Municipalities of every unit; empty where units are no places."""
    if panel.unit_kind not in ("municipality", "livc_r"):
        return {}
    if "members" in panel.units.columns:
        found = {str(unit): tuple(str(text).split(";")) for unit, text in panel.units["members"].items()}
    else:
        found = {unit: (unit,) for unit in panel.unit_codes} if panel.unit_kind == "municipality" else {}
    everyone = {code for codes in found.values() for code in codes}
    return found if everyone & set(load_municipalities().index) else {}
