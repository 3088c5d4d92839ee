import re

import numpy as np
import pytest

from evaltoolkit.reports.figures import Line, Points, draw_event_study, draw_paths
from evaltoolkit.reports.svg import inline_svg

TIME = np.array([-2.0, -1.0, 0.0, 1.0])
NONE = np.full(4, np.nan)


def _event(low=TIME - 1, high=TIME + 1):
    points = Points(TIME, TIME, low, high, low - 0.5, high + 0.5)
    return draw_event_study(
        points, x_label="x", y_label="y", sides=("before", "after"), coloured=True, number=lambda v: f"<{v:g}>"
    )


def _inline(source, name="one"):
    return inline_svg(source.svg(), name=name, title="A & B", description="what it shows")


def test_svg_has_no_style_no_metadata_and_own_ids():
    svg = _inline(_event())
    assert "style" not in svg
    assert "metadata" not in svg
    assert "xlink" not in svg
    assert all(value.startswith("one-") for value in re.findall(r'\bid="([^"]*)"', svg))
    assert all(value.startswith("#one-") for value in re.findall(r'href="([^"]*)"', svg))
    assert all(value.startswith("one-") for value in re.findall(r"url\(#([^)]*)\)", svg))


def test_svg_speaks_to_a_screen_reader():
    svg = _inline(_event())
    assert 'role="img"' in svg
    assert '<title id="one-title">A &amp; B</title>' in svg
    assert '<desc id="one-description">what it shows</desc>' in svg
    assert 'aria-labelledby="one-title one-description"' in svg


def test_text_stays_text_and_ticks_are_written_by_the_language():
    svg = _inline(_event())
    assert ">before</text>" in svg
    assert "&lt;0&gt;</text>" in svg


def test_same_numbers_give_the_same_bytes():
    assert _event().svg() == _event().svg()
    assert _inline(_event(), "a") == _inline(_event(), "b").replace('"b-', '"a-').replace("#b-", "#a-").replace(
        " b-", " a-"
    )


def test_undefined_intervals_are_not_drawn():
    drawn, bare = _inline(_event()), _inline(_event(NONE, NONE))
    assert drawn.count("#9cc5e0") == 4
    assert "#9cc5e0" not in bare


@pytest.mark.parametrize("count", [1, 3, 8])
def test_paths_differ_in_colour_and_in_mark(count):
    lines = [Line(f"group {n}", np.array([1.0, np.nan, 2.0 + n]), 2 if n == 0 else None) for n in range(count)]
    svg = _inline(draw_paths(lines, ["2020", "2021", "2022"], x_label="x", y_label="y", number=str))
    assert all(f">group {n}</text>" in svg for n in range(count))
    assert ">2021</text>" in svg
