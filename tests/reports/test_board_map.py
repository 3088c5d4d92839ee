"""The board's map: one shape for each state, north above, areas where there are any."""

import re
from xml.etree import ElementTree as ET

import pytest

from evaltoolkit.i18n import words
from evaltoolkit.reports.areas import Areas
from evaltoolkit.reports.board_pictures import Place, draw_map
from evaltoolkit.reports.board_places import places_of
from evaltoolkit.reports.board_state import Participant
from evaltoolkit.reports.prose import Prose


@pytest.mark.parametrize("order", [1, -1])
def test_a_municipality_of_two_respondents_shows_what_needs_somebody(order):
    cells = [
        Participant("livc_r", "a", "A", ("11001", "11002"), True, {"2025": "not_yet"}),
        Participant("livc_r", "b", "B", ("11001",), True, {"2025": "answered"}),
        Participant("livc_r", "c", "C", ("11004",), True, {"2025": ""}),
    ]
    places = {one.code: one for one in places_of(cells[::order], "2025", Prose(words("nl")))}
    assert places["11001"].words == "Aartselaar (A): nog niet geantwoord"
    assert {code for code, one in places.items() if one.state} == {"11001", "11002"}
    assert len(places) == 565


def marks(svg):
    root = ET.fromstring(svg)
    return root, {one.get("class"): one for one in root.iter("path")}


def test_map_has_a_shape_of_its_own_for_every_state_and_north_is_up():
    states = ("answered", "late", "refused", "not_yet")
    places = [Place(str(n), 4.0 + n / 10, 50.5 + n / 10, state, state) for n, state in enumerate(states)]
    _, found = marks(draw_map(places, title="t", description="d"))
    outlines = [re.sub(r"[\d. -]+", "", found[f"mark {state}"].get("d")) for state in states]
    # disc and ring have one outline; one is filled, the other is not
    assert outlines[0] == outlines[3]
    assert len(set(outlines)) == 3
    starts = [tuple(map(float, re.match(r"M([\d.]+) ([\d.]+)", found[f"mark {s}"].get("d")).groups())) for s in states]
    assert [x for x, _ in starts] == sorted(x for x, _ in starts)
    assert [y for _, y in starts] == sorted((y for _, y in starts), reverse=True)


def test_map_draws_areas_and_leaves_dots_where_there_is_none():
    ring = ((4.0, 51.0), (4.2, 51.0), (4.2, 51.1), (4.0, 51.0))
    places = [Place("1", 4.1, 51.05, "late", "A <b>"), Place("2", 4.3, 51.0, "answered", "B"), Place("3", 4.2, 51, "")]
    svg = draw_map(places, title="t", description="d", areas=Areas({"1": (ring,), "9": (ring,)}))
    root, found = marks(svg)
    assert [one.get("class") for one in root.iter("path")] == ["area late", "mark answered", "mark late"]
    assert found["area late"].get("d").count("Z") == 1
    assert len(list(root.iter("circle"))) == 1
    assert [one.text for one in root.iter("title")] == ["t", "B", "A <b>"]
