"""An effect on a line: no difference, what matters, the estimate and its margin of error.

Written out directly, as the pictures of the board: a handful of marks need no drawing library, and colours come from
the style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT, _MARGIN = 360, 116, 24
_TOP, _BAR, _AXIS = 18, 48, 74
# two numbers nearer than this would overlap
_APART = 34


@dataclass(frozen=True)
class Effect:
    """An estimate in shown units with its interval; an end may be infinite, ``relevant`` NaN."""

    estimate: float
    low: float
    high: float
    relevant: float


@dataclass(frozen=True)
class LineWords:
    """What is written on the line."""

    title: str
    description: str
    same: str
    less: str
    more: str


def draw_line(effect: Effect, words: LineWords, *, tone: str, number: Callable[[float], str]) -> Markup:
    """Draw an effect on a line.

    Parameters
    ----------
    effect : Effect
    words : title and description for a screen reader, and the words along the line
    tone : ``better``, ``worse`` or nothing: the class of the mark
    number : writes a number, with its sign, in the language of the page
    """
    place = _scale(effect)
    zero = place(0.0)
    low, high = (place(end) if math.isfinite(end) else _edge(end) for end in (effect.low, effect.high))
    shapes = [
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(8, _WIDTH - 8, _AXIS, _AXIS),
        Markup('<line class="zero" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(zero, _TOP, _AXIS + 5),
        *_limits(effect, place),
        Markup('<line class="margin {}" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>').format(tone, low, high, _BAR, _BAR),
        *(_arrow(end, tone) for end in (effect.low, effect.high) if math.isinf(end)),
        Markup('<circle class="dot {}" cx="{:.1f}" cy="{}" r="6"/>').format(tone, place(effect.estimate), _BAR),
        _text(zero, _TOP - 5, words.same),
        *_numbers(effect, place, number),
        _text(8, _HEIGHT - 6, f"← {words.less}", "start"),
        _text(_WIDTH - 8, _HEIGHT - 6, f"{words.more} →", "end"),
    ]
    return Markup(
        '<svg class="number-line" viewBox="0 0 {width} {height}" role="img" aria-labelledby="line-title line-said">'
        '<title id="line-title">{title}</title><desc id="line-said">{said}</desc>\n{shapes}\n</svg>'
    ).format(
        width=_WIDTH,
        height=_HEIGHT,
        title=words.title,
        said=words.description,
        shapes=Markup("\n").join(shapes),
    )


def _scale(effect: Effect) -> Callable[[float], float]:
    known = [0.0, *(value for value in _values(effect) if math.isfinite(value))]
    first, last = min(known), max(known)
    wide = (last - first) or 1.0
    return lambda value: _MARGIN + (_WIDTH - 2 * _MARGIN) * (value - first) / wide


def _values(effect: Effect) -> tuple[float, ...]:
    return (effect.estimate, effect.low, effect.high, -effect.relevant, effect.relevant)


def _edge(end: float) -> float:
    return 10.0 if end < 0 else _WIDTH - 10.0


def _limits(effect: Effect, place: Callable[[float], float]) -> list[Markup]:
    if not math.isfinite(effect.relevant):
        return []
    mark = Markup('<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>')
    return [mark.format(place(side * effect.relevant), _TOP + 8, _AXIS + 5) for side in (-1, 1)]


def _arrow(end: float, tone: str) -> Markup:
    way = -1 if end < 0 else 1
    return Markup('<path class="dot {}" d="M{:.1f} {}l{} -7v14Z"/>').format(tone, _edge(end) + 6 * way, _BAR, -10 * way)


def _numbers(effect: Effect, place: Callable[[float], float], number: Callable[[float], str]) -> list[Markup]:
    """Number the axis at zero and where it matters, and the estimate above its dot."""
    written = [_text(place(0.0), _AXIS + 20, number(0.0))]
    if math.isfinite(effect.relevant) and place(effect.relevant) - place(0.0) >= _APART:
        written += [_text(place(one), _AXIS + 20, number(one)) for one in (-effect.relevant, effect.relevant)]
    at = place(effect.estimate)
    # beside the line of no difference, not across it
    across = abs(at - place(0.0)) < _APART / 2
    anchor = ("start" if effect.estimate >= 0 else "end") if across else "middle"
    shift = 0 if not across else 5 if effect.estimate >= 0 else -5
    return [*written, _text(at + shift, _BAR - 11, number(effect.estimate), anchor, "estimate")]


def _text(x: float, y: float, text: str, anchor: str = "middle", kind: str = "word") -> Markup:
    """Write a text; one in the middle stays within the picture."""
    if anchor == "middle":
        half = 3.4 * len(text)
        x = min(max(x, half + 2), _WIDTH - half - 2)
    return Markup('<text class="{}" x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, text)
