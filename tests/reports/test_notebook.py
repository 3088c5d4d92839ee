import re

import pandas as pd
import pytest
from report_sample import make_evaluation

import evaltoolkit as et
from evaltoolkit.findings import Finding
from evaltoolkit.i18n import LANGUAGES


@pytest.fixture(scope="module")
def evaluation():
    return make_evaluation()


@pytest.fixture(scope="module")
def estimated(evaluation):
    return next(result for result in evaluation.outcomes if result.effects is not None)


def test_figures_show_as_html_with_text_for_those_who_cannot_see_them(evaluation, estimated):
    outcome = estimated.outcome.indicator
    event = et.draw_event_study(estimated.effects, outcome, simulated=True)._repr_html_()
    paths = et.draw_paths(estimated.design, evaluation.panel, outcome, language="nl")._repr_html_()
    for html in (event, paths):
        assert re.search(r'<svg [^>]*role="img"', html)
        assert len(re.search(r"<desc[^>]*>(.*?)</desc>", html, re.DOTALL)[1].split()) > 4
        assert "<table>" in html
    assert "SIMULATED" in event
    assert "simuleerd" not in paths


def test_two_figures_of_one_outcome_share_no_id(estimated):
    outcome = estimated.outcome.indicator
    first = et.draw_event_study(estimated.effects, outcome)._repr_html_()
    other = et.draw_event_study(estimated.effects, outcome, level=0.8)._repr_html_()
    ids = [set(re.findall(r' id="([^"]+)"', html)) for html in (first, other)]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]
    assert first == et.draw_event_study(estimated.effects, outcome)._repr_html_()


def test_an_effect_already_by_time_since_the_start_is_drawn_as_it_is(estimated):
    outcome = estimated.outcome.indicator
    event = estimated.effects.aggregate("event")
    assert et.draw_event_study(event, outcome).picture == et.draw_event_study(estimated.effects, outcome).picture


def test_a_measure_of_ones_own_keeps_its_name_and_unit_and_no_colour(estimated):
    figure = et.draw_event_study(estimated.effects, "shops closed early", unit="evenings")
    assert "shops closed early" in figure.picture.caption
    assert "evenings" in figure.picture.caption
    assert "#0072b2" not in figure.picture.svg


def test_nothing_to_draw_is_said():
    rows = [(unit, year, "2003" if unit < 2 else "never", 1.0) for unit in range(4) for year in (2002, 2003)]
    panel = et.read_panel(pd.DataFrame(rows, columns=["u", "t", "g", "y"]), unit="u", period="t")
    design = et.design(panel, "y", treated_from="g", never="never")
    with pytest.raises(et.EvaltoolkitError, match="Nothing can be drawn for y"):
        et.draw_paths(design, panel, "y")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_words(evaluation, estimated, language):
    things = [
        Finding("rule.attended_above_invited", "error", facts={"left": 5, "right": 4}),
        estimated.feasibility,
        estimated.checks[0],
        evaluation,
    ]
    for thing in things:
        lines = et.say(thing, language)
        assert lines
        assert all(len(line.split()) > 1 and "{" not in line for line in lines)


def test_what_has_no_sentences_is_refused():
    with pytest.raises(et.EvaltoolkitError, match="no sentences for a list"):
        et.say([1, 2])
