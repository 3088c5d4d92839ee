"""A page's own pictures as PNG, for programs that show no SVG: shapes and words redrawn by matplotlib."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from evaltoolkit.reports.raster_style import PROPERTIES, Sheet
from evaltoolkit.reports.svg import INK

# as wide as the text of a sheet of paper, in points
_WIDEST = 460.0
_DOTS_PER_INCH = 200
_INHERITED = PROPERTIES - {"opacity"}
_STEP = re.compile(r"([MLHVCQZ])|(-?\d*\.?\d+(?:e-?\d+)?)", re.IGNORECASE)
_TRANSFORM = re.compile(r"(translate|rotate|scale)\(([^)]*)\)")
_ANCHORS = {"start": "left", "middle": "center", "end": "right"}
_SKIPPED = ("title", "desc", "defs", "clippath", "clipPath", "metadata")
Style = Mapping[str, str]


def as_png(svg: Any, sheet: Sheet) -> tuple[bytes, float]:
    """Return a picture of a page as PNG, and its width in points.

    Parameters
    ----------
    svg : element ``<svg>`` with a ``viewBox``, as lxml reads it; shapes, text, groups, markers that are used again
    sheet : the page's style sheet
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left, top, width, height = (float(one) for one in (svg.get("viewBox") or svg.get("viewbox")).split())
    scale = min(1.0, _WIDEST / width)
    figure = Figure(figsize=(scale * width / 72, scale * height / 72), dpi=_DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(left, left + width)
    axes.set_ylim(top + height, top)
    _Painter(axes, sheet, scale, {one.get("id"): one for one in svg.iter() if one.get("id")}).paint(svg)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue(), scale * width


class _Painter:
    """Draws elements on axes that have the picture's own coordinates."""

    def __init__(self, axes: Any, sheet: Sheet, scale: float, known: Mapping[str, Any]) -> None:
        self.axes = axes
        self.sheet = sheet
        self.scale = scale
        self.known = known

    def paint(self, root: Any) -> None:
        """Draw a picture."""
        from matplotlib.transforms import Affine2D

        self._paint(root, {"fill": "#000000", "stroke": "none", "font-size": "16px"}, Affine2D())

    def _paint(self, element: Any, above: Style, moved: Any) -> None:
        if not isinstance(element.tag, str) or element.tag in _SKIPPED:
            return
        own = {name: str(value) for name, value in element.attrib.items() if name in PROPERTIES}
        # what stands in the sheet comes before what stands on the shape
        style = {name: value for name, value in above.items() if name in _INHERITED} | own | self.sheet.of(element)
        moved = _transform(element) + moved
        if element.tag == "text":
            self._write(element, style, moved)
        elif element.tag == "use":
            self._again(element, style, moved)
        elif element.tag in _SHAPES:
            self._shape(element, style, moved)
        else:
            for child in element:
                self._paint(child, style, moved)

    def _again(self, element: Any, style: Style, moved: Any) -> None:
        """Draw what was defined elsewhere at another place."""
        from matplotlib.transforms import Affine2D

        shape = self.known.get(str(element.get("href", "")).removeprefix("#"))
        if shape is not None:
            shift = Affine2D().translate(_number(element, "x"), _number(element, "y"))
            self._paint(shape, style, shift + moved)

    def _shape(self, element: Any, style: Style, moved: Any) -> None:
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        steps = list(_SHAPES[element.tag](element))
        if not steps:
            return
        points, codes = zip(*steps, strict=True)
        patch = PathPatch(
            Path(points, codes),
            facecolor=_colour(style, "fill") if element.tag not in ("line", "polyline") else "none",
            edgecolor=_colour(style, "stroke"),
            linewidth=self.scale * _size(style.get("stroke-width", "1")),
            linestyle=_dashes(style),
            transform=moved + self.axes.transData,
            capstyle="butt",
            joinstyle="round",
        )
        self.axes.add_patch(patch)
        self._clip(element, patch)

    def _clip(self, element: Any, patch: Any) -> None:
        from matplotlib.patches import Rectangle

        region = self.known.get(str(element.get("clip-path", ""))[5:-1])
        for box in region.iter("rect") if region is not None else ():
            x, y, width, height = (_number(box, name) for name in ("x", "y", "width", "height"))
            patch.set_clip_path(Rectangle((x, y), width, height, transform=self.axes.transData))

    def _write(self, element: Any, style: Style, moved: Any) -> None:
        x, y = moved.transform((_number(element, "x"), _number(element, "y")))
        corner = moved.transform((_number(element, "x") + 1, _number(element, "y")))
        self.axes.text(
            x,
            y,
            " ".join("".join(element.itertext()).split()).replace("$", r"\$"),
            fontsize=self.scale * _size(style.get("font-size", "16px")),
            fontweight="bold" if style.get("font-weight", "") in ("bold", "600", "700") else "normal",
            color=_colour(style, "fill"),
            ha=_ANCHORS.get(style.get("text-anchor", "start"), "left"),
            va="baseline",
            rotation=-math.degrees(math.atan2(corner[1] - y, corner[0] - x)),
            rotation_mode="anchor",
        )


def _transform(element: Any) -> Any:
    """Return the element's own transformation; of several the last is applied first."""
    from matplotlib.transforms import Affine2D

    moved = Affine2D()
    for name, inside in reversed(_TRANSFORM.findall(element.get("transform", ""))):
        numbers = [float(one) for one in re.split(r"[ ,]+", inside.strip())]
        if name == "translate":
            moved.translate(numbers[0], numbers[1] if len(numbers) > 1 else 0)
        elif name == "scale":
            moved.scale(numbers[0], numbers[-1])
        elif len(numbers) == 3:
            moved.rotate_deg_around(numbers[1], numbers[2], numbers[0])
        else:
            moved.rotate_deg(numbers[0])
    return moved


def _dashes(style: Style) -> Any:
    """Return lengths in widths of the line, as matplotlib counts them."""
    told = style.get("stroke-dasharray", "none")
    width = max(_size(style.get("stroke-width", "1")), 0.1)
    return "-" if told == "none" else (0, [_size(one) / width for one in re.split(r"[ ,]+", told.strip())])


def _colour(style: Style, name: str) -> Any:
    from matplotlib.colors import to_rgba

    value = style.get(name, "none")
    if value in ("none", "transparent"):
        return "none"
    opacity = float(style.get(f"{name}-opacity", "1")) * float(style.get("opacity", "1"))
    return to_rgba(INK if value in ("currentColor", "currentcolor") else value, opacity)


def _size(text: str) -> float:
    return float(text.strip().removesuffix("px").removesuffix("pt"))


def _number(element: Any, name: str) -> float:
    return _size(str(element.get(name, "0")))


Steps = Iterator[tuple[tuple[float, float], int]]
_MOVE, _LINE, _CURVE3, _CURVE4, _CLOSE = 1, 2, 3, 4, 79


def _path(element: Any) -> Steps:
    """Yield the corners of a path with absolute steps, as matplotlib and Graphviz write them."""
    words = [found[0] or float(found[1]) for found in _STEP.findall(element.get("d", ""))]
    here, step, start = (0.0, 0.0), "M", 0
    while start < len(words):
        if isinstance(words[start], str):
            step, start = str(words[start]), start + 1
        if step in "Zz":
            yield here, _CLOSE
            # numbers cannot follow, only another step
            step = "M"
            continue
        count = {"H": 1, "V": 1, "Q": 4, "C": 6}.get(step, 2)
        numbers = [float(one) for one in words[start : start + count]]
        start += count
        if step in "HV":
            numbers = [numbers[0], here[1]] if step == "H" else [here[0], numbers[0]]
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        code = {"M": _MOVE, "Q": _CURVE3, "C": _CURVE4}.get(step, _LINE)
        yield from ((corner, code) for corner in corners)
        here, step = corners[-1], "L" if step == "M" else step


def _corners(element: Any, *, closed: bool) -> Steps:
    numbers = [float(one) for one in re.split(r"[ ,]+", element.get("points", "").strip()) if one]
    corners = list(zip(numbers[::2], numbers[1::2], strict=True)) or [(0.0, 0.0)]
    yield corners[0], _MOVE
    yield from ((corner, _LINE) for corner in corners[1:])
    if closed:
        yield corners[0], _CLOSE


def _line(element: Any) -> Steps:
    yield (_number(element, "x1"), _number(element, "y1")), _MOVE
    yield (_number(element, "x2"), _number(element, "y2")), _LINE


def _rectangle(element: Any) -> Steps:
    x, y, width, height = (_number(element, name) for name in ("x", "y", "width", "height"))
    yield (x, y), _MOVE
    yield from (((x + dx, y + dy), _LINE) for dx, dy in ((width, 0), (width, height), (0, height)))
    yield (x, y), _CLOSE


def _ellipse(element: Any) -> Steps:
    x, y = _number(element, "cx"), _number(element, "cy")
    across, down = (_number(element, name) or _number(element, "r") for name in ("rx", "ry"))
    for place in range(49):
        angle = 2 * math.pi * place / 48
        yield (x + across * math.cos(angle), y + down * math.sin(angle)), _LINE if place else _MOVE


_SHAPES: Mapping[str, Callable[[Any], Steps]] = {
    "path": _path,
    "line": _line,
    "rect": _rectangle,
    "circle": _ellipse,
    "ellipse": _ellipse,
    "polygon": lambda element: _corners(element, closed=True),
    "polyline": lambda element: _corners(element, closed=False),
}
