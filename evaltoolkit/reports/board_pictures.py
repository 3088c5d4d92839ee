"""Pictures of the board: map, bars and bands as SVG; colours come from the style sheet, shapes from here.

No figure of these needs axes, so they are written out directly: a few hundred marks cost no drawing library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from evaltoolkit.reports.areas import Areas, Ring
from evaltoolkit.reports.board_state import STATES

WIDTH = 1000
_MARGIN = 24
# radius of a mark, by how many there are
_SIZES = ((100, 11.0), (300, 9.0))
_SMALLEST = 7.0
# east-west shrinks with the cosine of the latitude; Belgium's middle
_SHRINK = math.cos(math.radians(50.6))


@dataclass(frozen=True)
class Place:
    """One municipality on the map: code, its position in degrees, its state ("" = not asked) and words for it."""

    code: str
    lon: float
    lat: float
    state: str
    words: str = ""


@dataclass(frozen=True)
class _Frame:
    """From degrees to the picture."""

    west: float
    north: float
    scale: float
    height: int

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        return (_MARGIN + (lon - self.west) * _SHRINK * self.scale, _MARGIN + (self.north - lat) * self.scale)


def draw_map(places: Sequence[Place], *, title: str, description: str, areas: Areas | None = None) -> Markup:
    """Draw one mark per municipality, over its area where there is one.

    Parameters
    ----------
    places : municipalities that were asked (with a state) and others, as a faint ground
    title, description : for a screen reader
    areas : borders of municipalities; those without a border have their mark alone
    """
    rings = dict(areas.rings) if areas else {}
    frame = _frame(places, rings)
    shapes = [_area(place, rings[place.code], frame) for place in places if place.code in rings]
    # marks that need somebody lie above the others
    marks = sorted((one for one in places if one.state), key=lambda one: (STATES.index(one.state), one.code))
    ground = [_dot(place, frame) for place in places if not place.state and place.code not in rings]
    size = next((size for most, size in _SIZES if len(marks) <= most), _SMALLEST)
    drawn = Markup("\n").join([*shapes, *ground, *(_mark(one, frame, size) for one in marks)])
    return Markup(
        '<svg class="map" viewBox="0 0 {width} {height}" role="img" aria-labelledby="map-title map-description">'
        '<title id="map-title">{title}</title><desc id="map-description">{description}</desc>\n{drawn}\n</svg>'
    ).format(width=WIDTH, height=frame.height, title=title, description=description, drawn=drawn)


def _frame(places: Sequence[Place], rings: Mapping[str, tuple[Ring, ...]]) -> _Frame:
    asked = [one for one in places if one.state] or list(places)
    points = [(one.lon, one.lat) for one in asked]
    points += [point for one in asked for ring in rings.get(one.code, ()) for point in ring]
    lon, lat = [p[0] for p in points], [p[1] for p in points]
    # a single municipality still needs some land around it
    pad = max(0.0, 0.15 - (max(lon) - min(lon)) / 2)
    west, east = min(lon) - pad, max(lon) + pad
    tall = max(0.0, 0.06 - (max(lat) - min(lat)) / 2)
    north, south = max(lat) + tall, min(lat) - tall
    scale = (WIDTH - 2 * _MARGIN) / ((east - west) * _SHRINK)
    return _Frame(west, north, scale, round((north - south) * scale) + 2 * _MARGIN)


def _area(place: Place, rings: Iterable[Ring], frame: _Frame) -> Markup:
    lines = [line for ring in rings if len(line := _whole(ring, frame)) > 2]
    path = "".join("M" + "L".join(f"{x} {y}" for x, y in line) + "Z" for line in lines)
    return Markup('<path class="area {state}" fill-rule="evenodd" d="{path}"/>').format(
        state=place.state or "unasked", path=path
    )


def _whole(ring: Ring, frame: _Frame) -> list[tuple[int, int]]:
    """Round to whole points of the picture: neighbours share their border still, since each point is rounded alone."""
    line: list[tuple[int, int]] = []
    for lon, lat in ring[:-1]:
        x, y = frame.at(lon, lat)
        if not line or line[-1] != (round(x), round(y)):
            line.append((round(x), round(y)))
    return line


def _dot(place: Place, frame: _Frame) -> Markup:
    x, y = frame.at(place.lon, place.lat)
    inside = 0 <= x <= WIDTH and 0 <= y <= frame.height
    return Markup('<circle class="ground" cx="{}" cy="{}" r="3"/>').format(round(x), round(y)) if inside else Markup("")


def _mark(place: Place, frame: _Frame, size: float) -> Markup:
    path = _shape(place.state, *frame.at(place.lon, place.lat), size)
    return Markup('<path class="mark {state}" d="{path}"><title>{words}</title></path>').format(
        state=place.state, path=path, words=place.words
    )


def _shape(state: str, x: float, y: float, size: float) -> str:
    """Return the outline of a state's mark: disc, square, triangle, ring."""
    if state == "late":
        half = 0.9 * size
        return f"M{x - half:.1f} {y - half:.1f}h{2 * half:.1f}v{2 * half:.1f}h{-2 * half:.1f}Z"
    if state == "refused":
        half, tall = 1.25 * size, 1.1 * size
        return f"M{x:.1f} {y - 1.2 * size:.1f}l{half:.1f} {2 * tall:.1f}h{-2 * half:.1f}Z"
    arc = f"a{size} {size} 0 1 0 "
    return f"M{x - size:.1f} {y:.1f}{arc}{2 * size} 0{arc}{-2 * size} 0Z"


def draw_key(state: str) -> Markup:
    """Draw a state's mark beside its word."""
    shape = _shape(state, 12, 12, 7)
    return Markup(
        '<svg class="key" viewBox="0 0 24 24" aria-hidden="true"><path class="mark {}" d="{}"/></svg>'
    ).format(state, shape)


def draw_bar(counts: Mapping[str, float], total: float) -> Markup:
    """Draw how a total divides; the numbers stand beside it."""
    drawn, left = [], 0.0
    for name, count in counts.items():
        share = 100 * count / total
        if count:
            drawn.append(
                Markup('<rect class="part {}" x="{:.1f}" y="0" width="{:.1f}" height="10"/>').format(
                    escape(name), left, share
                )
            )
        left += share
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(drawn))


def draw_part(name: str) -> Markup:
    """Draw the swatch of a bar's part."""
    return Markup(
        '<svg class="key" viewBox="0 0 24 24" aria-hidden="true">'
        '<rect class="part {}" x="3" y="6" width="18" height="12"/></svg>'
    ).format(name)


def draw_band(low: float, q1: float, median: float, q3: float, high: float) -> Markup:
    """Draw quartiles as a box with the median, and smallest to largest as a line where they are told; 0 to 1."""
    drawn = [Markup('<line class="axis" x1="2" x2="202" y1="22" y2="22"/>')]
    if math.isfinite(low) and math.isfinite(high):
        drawn.append(
            Markup('<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="10" y2="10"/>').format(
                2 + 200 * low, 2 + 200 * high
            )
        )
    drawn.append(
        Markup('<rect class="box" x="{:.1f}" y="3" width="{:.1f}" height="14"/>').format(
            2 + 200 * q1, max(200 * (q3 - q1), 1.0)
        )
    )
    drawn.append(Markup('<line class="median" x1="{0:.1f}" x2="{0:.1f}" y1="1" y2="19"/>').format(2 + 200 * median))
    return Markup('<svg class="band" viewBox="0 0 204 24" aria-hidden="true">{}</svg>').format(Markup("").join(drawn))
