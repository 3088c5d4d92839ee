"""A figure with its caption, its text for screen readers and the table behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.scales import Scale, decimals_for
from evaltoolkit.reports.figures import Drawing, Line, Points, draw_event_study, draw_paths
from evaltoolkit.reports.gate import open_to_public
from evaltoolkit.reports.grids import Grid, event_grid, path_grid, time_words
from evaltoolkit.reports.groups import LEAST_UNITS, Group, group_label, groups_of, period_labels
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.svg import inline_svg


@dataclass(frozen=True)
class Picture:
    """What stands in a ``<figure>``; ``drawing`` draws it once more into other axes, where it can be."""

    svg: str
    caption: str
    grid: Grid
    drawing: Drawing | None = field(default=None, compare=False, repr=False)


def picture_of(drawing: Drawing, *, name: str, title: str, description: str, caption: str, grid: Grid) -> Picture:
    """Return a drawing as a picture: ``name`` begins its ids, title and description are for screen readers."""
    svg = inline_svg(drawing.svg(), name=name, title=title, description=description)
    return Picture(svg, caption, grid, drawing)


@dataclass(frozen=True)
class Measure:
    """How one outcome is written: its id prefix on the page, name, scale and whether it has a better direction."""

    anchor: str
    name: str
    scale: Scale
    coloured: bool
    level: float
    indicator: Indicator | None


def event_picture(event: Effects, measure: Measure, prose: Prose) -> Picture | None:
    """Return the event study as a picture; None where no effect is defined."""
    frame = open_to_public(event.to_frame(level=measure.level), measure.indicator)
    band = open_to_public(event.to_frame(level=measure.level, band="simultaneous"), measure.indicator)
    if not np.isfinite(frame["estimate"]).any():
        return None
    points = _points(frame, band, measure.scale.factor)
    digits = decimals_for(*_widths(points), most=measure.scale.decimals)
    unit = prose.text(measure.scale.difference)
    drawing = draw_event_study(
        points,
        x_label=time_words("report.event.x", points.time, prose),
        y_label=prose.say("report.event.y", unit=unit),
        sides=(prose.say("report.event.before"), prose.say("report.event.after")),
        coloured=measure.coloured,
        number=tick(prose),
    )
    known = np.isfinite(points.low)
    bare = not known.any()
    lacking = bool((np.isfinite(points.estimate) & ~known).any()) and not bare
    facts: dict[str, Fact] = {"name": measure.name, "unit": unit, "level": round(100 * measure.level)}
    return picture_of(
        drawing,
        name=f"{measure.anchor}-event",
        title=prose.say("report.event.alt", name=measure.name),
        description=describe_event(points, unit, digits, prose),
        caption=" ".join(
            [
                prose.say("report.event.caption.bare" if bare else "report.event.caption", facts),
                *([prose.say("report.event.caption.lacking")] if lacking else []),
                *([prose.say("report.event.caption.neutral")] if not measure.coloured else []),
            ]
        ),
        grid=event_grid(prose, frame, band, measure.scale, digits),
    )


def _points(frame: pd.DataFrame, band: pd.DataFrame, factor: float) -> Points:
    def column(table: pd.DataFrame, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return factor * table[name].to_numpy(dtype=float)

    return Points(
        time=frame["event_time"].to_numpy(dtype=float),
        estimate=column(frame, "estimate"),
        low=column(frame, "conf_low"),
        high=column(frame, "conf_high"),
        band_low=column(band, "conf_low"),
        band_high=column(band, "conf_high"),
    )


def _widths(points: Points) -> list[float]:
    widths = (points.high - points.low) / 4
    known = widths[np.isfinite(widths) & (widths > 0)]
    return [float(np.median(known))] if known.size else [float(np.nanmax(np.abs(points.estimate)))]


def describe_event(points: Points, unit: str, digits: int, prose: Prose) -> str:
    """Say what the event study shows, for somebody who cannot see it."""
    parts = []
    for side, mask in (("before", points.time < 0), ("after", points.time >= 0)):
        estimates = points.estimate[mask & np.isfinite(points.estimate)]
        if estimates.size:
            interval = prose.interval(float(estimates.min()), float(estimates.max()), digits, signed=True)
            parts.append(prose.say(f"report.event.alt.{side}", interval=interval, unit=unit))
    after = (points.time >= 0) & np.isfinite(points.low)
    if after.any():
        clear = int(((points.low > 0) | (points.high < 0))[after].sum())
        parts.append(prose.say("report.event.alt.clear", clear=clear, total=int(after.sum())))
    else:
        parts.append(prose.say("report.event.alt.no_interval"))
    return " ".join(parts)


def paths_picture(design: Design, periods: Sequence[Period], measure: Measure, prose: Prose) -> Picture | None:
    """Return the averages by group as a picture; None where no group is large enough."""
    groups = [(group_label(group, design, periods, prose), group) for group in groups_of(design)]
    shown = [(label, group) for label, group in groups if group.shown]
    if not shown:
        return None
    factor = measure.scale.factor
    means = np.concatenate([group.means for _, group in shown]) * factor
    digits = decimals_for(float(np.nanmax(means) - np.nanmin(means)), most=measure.scale.decimals)
    unit = prose.text(measure.scale.level)
    labels = period_labels(design, periods)
    drawing = draw_paths(
        [Line(label, factor * group.means, group.start) for label, group in shown],
        labels,
        x_label=prose.say("report.paths.x"),
        y_label=prose.say("report.paths.y", unit=unit),
        number=tick(prose),
    )
    return picture_of(
        drawing,
        name=f"{measure.anchor}-paths",
        title=prose.say("report.paths.alt", name=measure.name),
        description=" ".join(_describe_path(label, group, labels, factor, digits, prose) for label, group in shown),
        caption=prose.say("report.paths.caption", name=measure.name, unit=unit, least=LEAST_UNITS),
        grid=path_grid(prose, groups, labels, measure.scale, digits),
    )


def _describe_path(label: str, group: Group, periods: Sequence[str], factor: float, digits: int, prose: Prose) -> str:
    seen = np.flatnonzero(np.isfinite(group.means))
    first, last = int(seen[0]), int(seen[-1])
    return prose.say(
        "report.paths.alt.group",
        group=label,
        first=prose.number(factor * float(group.means[first]), digits),
        start=periods[first],
        last=prose.number(factor * float(group.means[last]), digits),
        end=periods[last],
    )


def tick(prose: Prose) -> Callable[[float], str]:
    """Return a function that writes a tick label without noise of floating point."""
    return lambda value: prose.number(float(f"{value:.6g}") if math.isfinite(value) else value)
