"""Drawings of awkward numbers: long names, many groups, one unit, nothing, no end; and colours for every eye."""

import itertools
import math

import numpy as np
import pytest

from evaltoolkit.reports.figures import COLOURS, GREY, Line, Mark, Points, draw_event_study, draw_paths
from evaltoolkit.reports.figures_cells import _DARK_INK, _LIGHT_INK, SHADES, Cells, draw_cells
from evaltoolkit.reports.figures_rows import Row, draw_rows
from evaltoolkit.reports.figures_shapes import Bars, Spots, draw_band, draw_chain, draw_places, draw_robust

LONG = "Bijeenkomsten met minstens één sociaal-preventieve partner, gemeten over alle LIVC-R’s van de provincie samen"
NAN, INF = math.nan, math.inf


def _number(value):
    return f"{value:g}"


def _outside(drawing):
    """Return texts that stick out of the figure, drawn as on a page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, drawing.height), layout="constrained", dpi=72)
    axes = figure.add_subplot()
    drawing.paint(axes)
    if drawing.legend:
        figure.legend(loc="outside lower left", frameon=False)
    figure.draw_without_rendering()
    texts = list(axes.texts)
    for axis, (low, high) in ((axes.xaxis, sorted(axes.get_xlim())), (axes.yaxis, sorted(axes.get_ylim()))):
        if axes.axison:
            texts += [axis.label, *(tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    boxes = {text.get_text(): text.get_window_extent() for text in texts if text.get_text() and text.get_visible()}
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text for text, box in boxes.items() if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


def _cells(rows, columns, label):
    shade = np.zeros((rows, columns))
    shade[0, 0] = NAN
    text = tuple(tuple("100" for _ in range(columns)) for _ in range(rows))
    return Cells(
        tuple(f"{label} {row}" for row in range(rows)), tuple(f"03–05/{2000 + n}" for n in range(columns)), shade, text
    )


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 4), (50, 12), (4, 30)])
def test_cells_hold_their_labels(rows, columns):
    assert _outside(draw_cells(_cells(rows, columns, LONG), x_label="period", key=[(0, "without"), (4, "with")])) == []


def test_period_names_do_not_run_into_each_other():
    from matplotlib.figure import Figure

    drawing = draw_cells(_cells(2, 24, "a"), x_label="period")
    figure = Figure(figsize=(6.0, drawing.height), layout="constrained", dpi=72)
    axes = figure.add_subplot()
    drawing.paint(axes)
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert len(boxes) > 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize("count", [1, 50])
def test_rows_hold_long_names_and_ends_without_end(count):
    rows = [
        Row(f"{LONG} {place}", 1.0, low, high, COLOURS[0], heading=LONG if place == 0 else "")
        for place, (low, high) in zip(
            range(count), itertools.cycle([(0.5, 1.5), (-INF, 2.0), (0.0, INF), (NAN, NAN)]), strict=False
        )
    ]
    drawing = draw_rows(rows, x_label="effect", number=_number, levels=(-1, 1), farthest=6)
    assert _outside(drawing) == []


def test_what_lies_beyond_the_figure_is_an_arrow_at_its_edge():
    from matplotlib.figure import Figure

    rows = [Row("far", 50.0, 40.0, 60.0, GREY), Row("near", 1.0, -INF, 2.0, GREY), Row("none", NAN, NAN, NAN, GREY)]
    axes = Figure().add_subplot()
    draw_rows(rows, x_label="x", number=_number, farthest=6.0).paint(axes)
    marks = [line.get_marker() for line in axes.lines]
    assert marks.count(">") == 2
    assert marks.count("<") == 1
    left, right = axes.get_xlim()
    assert all(left <= x <= right for line in axes.lines for x in line.get_xdata())
    assert right < 8


def test_robust_intervals_without_end_are_arrows_and_the_breakdown_is_marked():
    from matplotlib.figure import Figure

    bars = Bars(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, -INF]), np.array([2.0, 3.0, NAN]))
    other = Bars(np.array([-0.5]), np.array([-INF]), np.array([INF]))
    drawing = draw_robust(
        bars,
        other=other,
        words=("steps", "line"),
        breakdown=Mark(0.8, "gone"),
        x_label=LONG[:50],
        y_label="effect",
        first="alike",
        coloured=True,
        number=_number,
    )
    axes = Figure().add_subplot()
    drawing.paint(axes)
    # the last has a bound that is not known: no bar at all
    assert {float(x) for line in axes.lines if line.get_marker() == "o" for x in line.get_xdata()} == {0.0, 0.5}
    assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() in "v^") == 2
    assert any(line.get_label() == "gone" and set(line.get_xdata()) == {0.8} for line in axes.lines)
    assert _outside(drawing) == []


def test_one_place_has_land_around_it_and_a_curve_may_have_holes():
    spots = [Spots("one", np.array([4.35]), np.array([50.85]), COLOURS[0], "o")]
    assert _outside(draw_places(spots, (np.array([4.0]), np.array([50.0])))) == []
    x = np.array([1.0, 2.0, 3.0])
    hole = np.array([1.0, NAN, 2.0])
    for curve in (hole, np.full(3, NAN)):
        drawing = draw_band(x, curve, curve - 1, curve + 1, x_label="d", y_label="e", coloured=False, number=_number)
        assert _outside(drawing) == []
        assert drawing.svg() == drawing.svg()


@pytest.mark.parametrize("count", [1, 12])
def test_a_chain_holds_its_steps(count):
    drawing = draw_chain([LONG] * count)
    assert _outside(drawing) == []
    assert drawing.svg().count("Bijeenkomsten") >= count


def test_many_times_and_groups_do_not_overflow():
    time = np.arange(-20.0, 21.0)
    band = np.ones(41)
    points = Points(time, time, time - band, time + band, time - 2 * band, time + 2 * band)
    words = ("before", "after")
    drawing = draw_event_study(points, x_label="t", y_label="e", sides=words, coloured=True, number=_number)
    assert _outside(drawing) == []
    assert ">0</text>" in drawing.svg()
    lines = [Line(f"{LONG[:40]} {n}", np.arange(24.0) + n, 3) for n in range(12)]
    periods = [f"{year}-Q{quarter}" for year in range(2018, 2024) for quarter in range(1, 5)]
    assert _outside(draw_paths(lines, periods, x_label="t", y_label="m", number=_number)) == []


# Machado, Oliveira and Fernandes (2009), https://doi.org/10.1109/TVCG.2009.113, full severity, on linear RGB
_EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def _linear(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _lab(colour, eye):
    rgb = np.clip(_EYES[eye] @ _linear(colour), 0, 1)
    matrix = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    x, y, z = np.cbrt(np.maximum(matrix @ rgb / np.array([0.95047, 1.0, 1.08883]), 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _contrast(one, other, eye="all cones"):
    light, dark = sorted(
        (float(np.array([0.2126, 0.7152, 0.0722]) @ np.clip(_EYES[eye] @ _linear(c), 0, 1)) for c in (one, other)),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eye", _EYES)
def test_colours_that_stand_for_different_things_differ_for_every_eye(eye):
    # on the map and in robust intervals: with the action, neighbour, grey; out is a cross
    for one, other in itertools.combinations((COLOURS[0], COLOURS[1], GREY), 2):
        assert np.linalg.norm(_lab(one, eye) - _lab(other, eye)) > 15, (one, other)
    shades = [_lab(shade, eye)[0] for shade in SHADES]
    assert all(pale - dark > 5 for pale, dark in itertools.pairwise(shades))


@pytest.mark.parametrize("eye", _EYES)
def test_numbers_in_cells_can_be_read(eye):
    for place, shade in enumerate(SHADES):
        ink = _LIGHT_INK if place == len(SHADES) - 1 else _DARK_INK
        assert _contrast(ink, shade, eye) >= 4.5, shade
    assert all(_contrast(colour, "#ffffff", eye) >= 3 for colour in COLOURS)
