import io

import matplotlib.image
import numpy as np
import pytest
from lxml import html

from evaltoolkit.reports.raster import as_png
from evaltoolkit.reports.raster_style import Sheet

CSS = """
:root { --ink: #ff0000; --soft: #00ff00; }
/* .box { fill: #123456; } */
.box { fill: var(--soft); }
.frame .inner { fill: var(--ink); }
.box.deep { fill: #0000ff; }
[fill="#ffff00"] { fill: #00ffff; }
@media (prefers-color-scheme: dark) { :root { --soft: #000000; } .box { fill: #000000; } }
"""


def painted(shapes, css="", size=100):
    """Return a picture as an array of colours, one row of dots per unit of the picture."""
    svg = html.fragment_fromstring(f'<svg viewBox="0 0 {size} {size}">{shapes}</svg>')
    content, width = as_png(svg, Sheet(css))
    assert width == size
    image = matplotlib.image.imread(io.BytesIO(content))
    return lambda x, y: tuple(
        round(255 * float(one)) for one in image[int(y * len(image) / size), int(x * len(image) / size)][:3]
    )


WHITE, RED, GREEN, BLUE = (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)


def test_a_rectangle_lies_where_it_is_said():
    at = painted('<rect x="20" y="10" width="40" height="20" fill="#ff0000"/>')
    assert at(40, 20) == RED
    assert at(40, 40) == WHITE
    assert at(10, 20) == WHITE
    assert at(25, 12) == RED


@pytest.mark.parametrize(
    "shape",
    [
        '<path d="M 20 20 L 60 20 L 60 60 L 20 60 z" fill="#ff0000"/>',
        '<path d="M20,20 H60 V60 H20 Z" fill="#ff0000"/>',
        '<polygon points="20,20 60,20 60,60 20,60" fill="#ff0000"/>',
        '<g transform="translate(20 20)"><rect width="40" height="40" fill="#ff0000"/></g>',
        '<g transform="translate(10 10) scale(2)"><rect x="5" y="5" width="20" height="20" fill="#ff0000"/></g>',
        '<g fill="#ff0000"><rect x="20" y="20" width="40" height="40"/></g>',
        '<defs><rect id="m" width="40" height="40"/></defs><use href="#m" x="20" y="20" fill="#ff0000"/>',
        (
            '<g fill="#ff0000"><rect y="20" width="40" height="40" transform="rotate(90 0 40) rotate(-90 0 40) '
            'translate(20 0)"/></g>'
        ),
    ],
)
def test_every_way_to_say_the_same_square(shape):
    at = painted(shape)
    assert at(40, 40) == RED
    assert at(22, 58) == RED
    assert [at(x, y) for x, y in ((15, 40), (65, 40), (40, 15), (40, 65))] == [WHITE] * 4


def test_circles_curves_and_lines():
    at = painted(
        '<circle cx="50" cy="50" r="20" fill="#0000ff"/><line x2="100" y1="90" y2="90" stroke="#ff0000" '
        'stroke-width="6"/><path d="M 0 0 C 0 30 30 30 30 0 z" fill="#00ff00"/>'
    )
    assert at(50, 50) == BLUE
    assert at(50, 31) == BLUE
    assert at(65, 65) == WHITE
    assert at(50, 90) == RED
    assert at(15, 10) == GREEN
    # the curve reaches three quarters of the way to its handles
    assert at(15, 26) == WHITE


def test_what_lies_outside_the_frame_is_cut_off():
    at = painted(
        '<defs><clipPath id="f"><rect x="0" y="0" width="50" height="100"/></clipPath></defs>'
        '<rect x="10" y="10" width="80" height="80" fill="#ff0000" clip-path="url(#f)"/>'
    )
    assert at(30, 50) == RED
    assert at(70, 50) == WHITE


def test_style_sheet_of_a_light_screen_is_followed():
    at = painted(
        '<rect class="box" width="20" height="100"/><rect class="box deep" x="20" width="20" height="100"/>'
        '<g class="frame"><rect class="inner" x="40" width="20" height="100"/></g>'
        '<rect class="inner" x="60" width="20" height="100" fill="#0000ff"/>'
        '<rect x="80" width="20" height="100" fill="#ffff00"/>',
        CSS,
    )
    assert [at(x, 50) for x in (10, 30, 50, 70, 90)] == [GREEN, BLUE, RED, BLUE, (0, 255, 255)]


def dark(at, columns, rows):
    return sum(at(x, y) != WHITE for x in columns for y in rows)


def test_words_stand_on_their_line_and_at_their_anchor():
    left = painted('<text x="50" y="50" font-size="20px" fill="#000000">MMM</text>')
    assert dark(left, range(52, 95), range(36, 50)) > 50
    assert dark(left, range(48), range(100)) == 0
    assert dark(left, range(100), range(53, 100)) == 0
    right = painted('<text x="50" y="50" font-size="20px" text-anchor="end" fill="#000000">MMM</text>')
    assert dark(right, range(52, 100), range(100)) == 0
    upright = painted('<text x="50" y="50" font-size="20px" transform="rotate(-90 50 50)" fill="#000000">MMM</text>')
    assert dark(upright, range(36, 50), range(5, 48)) > 50
    assert dark(upright, range(100), range(53, 100)) == 0


def test_a_dollar_sign_is_no_formula():
    at = painted('<text x="5" y="50" font-size="14px" fill="#000000">5 $ a_b $</text>')
    assert dark(at, range(100), range(30, 60)) > 30


def test_same_bytes_twice():
    svg = html.fragment_fromstring('<svg viewBox="0 0 10 10"><text x="1" y="9">a</text></svg>')
    assert as_png(svg, Sheet("")) == as_png(svg, Sheet(""))


def test_sheet_of_the_pages_is_read():
    from importlib import resources

    folder = resources.files("evaltoolkit") / "data" / "pages"
    sheet = Sheet((folder / "style.css").read_text("utf-8") + (folder / "council.css").read_text("utf-8"))
    assert sheet.variables["--paper"] == "#fff"
    line = html.fragment_fromstring('<svg class="number-line" viewBox="0 0 9 9"><line class="margin better"/></svg>')[0]
    assert sheet.of(line)["stroke"] == sheet.variables["--better"]
    assert np.isclose(float(sheet.of(line)["stroke-width"]), 6)
