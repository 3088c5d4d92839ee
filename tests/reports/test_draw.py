"""Every kind of figure, from every result that it is drawn from, in words and into axes."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from report_sample import make_evaluation

import evaltoolkit as et
from evaltoolkit.checks.registry import Check, check
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.power import Power
from evaltoolkit.reports.draw import KINDS
from evaltoolkit.reports.figures import Drawing
from evaltoolkit.territory.municipalities import municipality_codes


@pytest.fixture(scope="module")
def evaluation():
    """The sample with places of the register, with checks that have figures, and a step more of theory."""
    sample = make_evaluation()
    codes = np.array(municipality_codes(2025)[: len(sample.panel.units)])
    units = sample.panel.units.set_axis(codes).assign(members=codes)
    new = dict(zip(sample.panel.units.index, codes, strict=True))
    data = sample.panel.data.rename(index=new, level="unit")
    panel = replace(sample.panel, units=units, data=data)
    return replace(sample, panel=panel, outcomes=tuple(_moved(one, new) for one in sample.outcomes))


def _moved(result, new):
    if result.design is None:
        return result
    units = np.array([new[unit] for unit in result.design.units])
    excluded = result.design.excluded.assign(unit=result.design.excluded["unit"].map(new))
    design = replace(result.design, units=units, clusters=units, excluded=excluded)
    effects = estimate(design, adjust="reg")
    checks = (*result.checks, *check(design, effects, ["sensitivity"])) if result.outcome.role == "primary" else ()
    return replace(result, design=design, effects=effects, checks=checks)


@pytest.fixture(scope="module")
def dosed(evaluation):
    """Effects by dose: one percentage point per unit."""
    design = evaluation.outcomes[0].design
    rng = np.random.default_rng(3)
    amount = np.where(design.treated, rng.uniform(1, 9, len(design.units)), 0.0)
    outcome = design.outcome + 0.01 * amount[:, None] * (design.times[None, :] >= design.cohort[:, None])
    return estimate(replace(design, outcome=outcome, dose=amount), "dose", assume="strong_parallel_trends")


@pytest.fixture(scope="module")
def results(evaluation, dosed):
    """What each kind is drawn from: kind -> results."""
    one = next(result for result in evaluation.outcomes if result.effects is not None)
    robust = next(check for check in one.checks if check.name == "sensitivity")
    power = Power(0.02, table=pd.DataFrame({"effect": [0.0, 0.01, 0.02, 0.03], "power": [0.05, 0.4, 0.8, 0.97]}))
    of_design = [one.design, one, evaluation]
    return {
        "event_study": [one.effects, one.effects.aggregate("event"), one, evaluation],
        "paths": of_design,
        "calendar": of_design,
        "map": [evaluation],
        "response": of_design,
        "sensitivity": [robust, one, evaluation],
        "specifications": [evaluation],
        "dose": [dosed],
        "dose_slope": [dosed],
        "forest": [evaluation],
        "power": [power],
        "theory": [evaluation.plan, evaluation],
    }


def _said(figure):
    return re.sub(r"\s+", " ", re.search(r"<desc[^>]*>(.*?)</desc>", figure.picture.svg, re.DOTALL)[1])


@pytest.fixture(scope="module")
def english(results):
    """What each kind says to those who cannot see it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawing, "svg", _blank)
        return {kind: _said(et.draw_figure(kind, results[kind][-1])) for kind in KINDS}


def _blank(self):
    """Stand in for the drawing where only its words are looked at."""
    return '<svg xmlns="http://www.w3.org/2000/svg"></svg>'


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_from_every_result(results, kind):
    for result in results[kind]:
        figure = et.draw_figure(kind, result, simulated=True)
        html = figure._repr_html_()
        assert re.search(r'<svg [^>]*role="img"', html)
        assert "SIMULATED" in html
        assert "<table>" in html
        assert len(_said(figure).split()) > 4
        assert not re.search(r"\bnan\b|\binf\b|\{\w+\}", html.replace("infinite", ""))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_into_axes_too(results, kind):
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6, 6)).add_subplot()
    assert et.draw_figure(kind, results[kind][-1], axes=axes) is axes
    axes.figure.draw_without_rendering()
    assert axes.lines or axes.collections or axes.patches or axes.texts


@pytest.mark.parametrize("kind", KINDS)
def test_same_result_gives_the_same_bytes_and_no_shared_id(results, kind):
    result = results[kind][-1]
    first, again = (et.draw_figure(kind, result)._repr_html_() for _ in range(2))
    assert first == again
    ids = re.findall(r' id="([^"]+)"', first)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_kind_speaks_every_language(results, english, language, monkeypatch):
    monkeypatch.setattr(Drawing, "svg", _blank)
    said = {kind: _said(et.draw_figure(kind, results[kind][-1], language=language)) for kind in KINDS}
    assert all("{" not in text for text in said.values())
    # the steps of a plan stay in the plan's language
    assert [kind for kind in KINDS if said[kind] == english[kind] and kind != "theory"] == []


def test_alt_texts_state_the_finding(results, english, evaluation):
    said = english
    design = evaluation.outcomes[0].design
    assert f"Units with the action: {design.treated.sum()} of {len(design.units)}" in said["calendar"]
    assert "First start: 2021. Last start: 2023." in said["calendar"]
    assert "of 3 intervals exclude zero" in said["event_study"]
    assert "The lowest is 93" in said["response"]
    assert "For 2 of 4 outcomes the interval excludes zero" in said["forest"]
    assert "All point the same way" in said["specifications"]
    assert "2" in said["power"]
    assert "Coaching brings partners to the table → Outcome" in said["theory"]
    assert re.search(r"From 1\.\d+ to 7\.\d+ the effect goes from \+\d", said["dose"])
    robust = results["sensitivity"][0]
    assert robust.code in ("check.sensitivity.firm", "check.sensitivity.fragile", "check.sensitivity.unmoved")
    assert said["sensitivity"] == re.sub(r"\s+", " ", et.say(robust)[1].split(": ", 1)[1])


def test_the_answer_to_a_plan_that_asks_about_a_dose_shows_level_and_slope(evaluation, dosed, english):
    result = evaluation.outcomes[0]
    rng = np.random.default_rng(3)
    amount = np.where(result.design.treated, rng.uniform(1, 9, len(result.design.units)), 0.0)
    design = replace(result.design, dose=amount)
    effects = estimate(design, "dose", assume="strong_parallel_trends", to="slopes")
    asked = replace(result, design=design, effects=effects, per="hour")
    level, slope = (et.draw_figure(kind, asked) for kind in ("dose", "dose_slope"))
    # a level is no effect per hour, and a straight line has one slope
    assert "percentage points." in _said(level)
    assert "hour" not in _said(level)
    assert _said(slope).startswith("The same everywhere: the effect of one more unit of the action is")
    assert len({row[1] for row in slope.picture.grid.rows}) == 1
    assert english["dose_slope"].startswith("The same everywhere: the effect of one more unit of the action is +0.9")
    few = estimate(design, "dose", curve="bins", assume="strong_parallel_trends")
    assert re.match(
        r"At \d\.\d+, the effect of one more unit of the action is [+−]0\.\d\d percentage points\.",
        _said(et.draw_figure("dose_slope", few)),
    )


def test_the_map_tells_neighbours_from_others_and_counts_them(evaluation):
    from evaltoolkit.reports.pictures_design import states_of
    from evaltoolkit.territory.neighbours import neighbour_lists

    design = evaluation.outcomes[0].design
    states = states_of(design, evaluation.panel)
    treated = {str(unit) for unit in design.units[design.treated]}
    borders = neighbour_lists(2025)
    for code, (state, unit) in states.items():
        assert code == unit
        beside = bool(set(borders[code]) & treated)
        expected = "treated" if code in treated else "neighbour" if beside else "other"
        assert state == (expected if code in set(design.units) else "out")
    counts = {name: sum(state == name for state, _ in states.values()) for name in ("treated", "neighbour", "out")}
    said = _said(et.draw_figure("map", evaluation))
    assert f"with the action: {counts['treated']}." in said
    assert f"neighbours without it: {counts['neighbour']}." in said
    assert counts["out"] == 2


def test_no_figure_of_a_design_names_a_unit(results, evaluation):
    codes = [str(unit) for unit in evaluation.outcomes[0].design.units]
    for kind in ("calendar", "map", "response", "paths"):
        html = et.draw_figure(kind, results[kind][-1])._repr_html_()
        texts = re.findall(r">([^<>]+)<", html)
        assert not [text for text in texts if any(re.search(rf"\b{code}\b", text) for code in codes)], kind


def test_an_outcome_is_chosen_and_a_wrong_one_names_the_nearest(evaluation):
    assert "Recorded signals" in et.draw_figure("event_study", evaluation, outcome="DET-02").picture.caption
    with pytest.raises(et.EvaltoolkitError, match=r'no outcome "DET-03".*DET-02'):
        et.draw_figure("event_study", evaluation, outcome="DET-03")


def test_a_wrong_kind_or_result_is_refused_with_what_would_do(evaluation):
    with pytest.raises(et.EvaltoolkitError, match=r'no figure "calender".*Did you mean "calendar"'):
        et.draw_figure("calender", evaluation)
    with pytest.raises(et.EvaltoolkitError, match="drawn from Evaluation; this is a Design"):
        et.draw_figure("forest", evaluation.outcomes[0].design)
    with pytest.raises(et.EvaltoolkitError, match="Nothing can be drawn"):
        et.draw_figure("sensitivity", Check("response", "assumption.complete_response", None, "check.response.none"))
    with pytest.raises(et.EvaltoolkitError, match="Nothing can be drawn"):
        et.draw_figure("map", evaluation.outcomes[0].design)
    with pytest.raises(et.EvaltoolkitError, match="Nothing can be drawn"):
        et.draw_figure("dose", evaluation)


def test_two_figures_of_one_outcome_share_no_id(evaluation):
    effects = evaluation.outcomes[0].effects
    pages = [et.draw_figure("event_study", effects, level=level)._repr_html_() for level in (0.95, 0.8)]
    ids = [set(re.findall(r' id="([^"]+)"', html)) for html in pages]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_measure_of_ones_own_keeps_its_name_and_unit_and_no_colour(evaluation):
    effects = evaluation.outcomes[0].effects
    figure = et.draw_figure("event_study", effects, outcome="shops closed early", unit="evenings")
    assert "shops closed early" in figure.picture.caption
    assert "evenings" in figure.picture.caption
    assert "#0072b2" not in figure.picture.svg


def test_an_ambiguous_outcome_stays_grey_in_every_figure_of_effects(evaluation):
    for kind in ("event_study", "specifications"):
        assert "#0072b2" not in et.draw_figure(kind, evaluation, outcome="DET-02").picture.svg, kind
        assert "#0072b2" in et.draw_figure(kind, evaluation, outcome="TRU-01").picture.svg, kind


def test_nothing_to_draw_is_said():
    rows = [(unit, year, "2003" if unit < 2 else "never", 1.0) for unit in range(4) for year in (2002, 2003)]
    panel = et.read_panel(pd.DataFrame(rows, columns=["u", "t", "g", "y"]), unit="u", period="t")
    design = et.design(panel, "y", treated_from="g", never="never")
    with pytest.raises(et.EvaltoolkitError, match="Nothing can be drawn for y"):
        et.draw_figure("paths", design, panel=panel)


def test_estimates_of_few_units_of_a_sensitive_indicator_are_not_drawn(evaluation):
    from evaltoolkit.reports.gate import HIDDEN, open_to_public
    from evaltoolkit.reports.pictures_effects import choices_picture
    from evaltoolkit.reports.sections import measure_of

    result = evaluation.outcomes[0]
    sensitive = result.indicator.model_copy(update={"sensitivity": "high"})
    table = pd.DataFrame(
        {
            "change": ["planned", "merged", "method"],
            "to": ["", "", "imputation"],
            "estimate": [1.0, 2.0, 3.0],
            "std_error": 1.0,
            "conf_low": 0.0,
            "conf_high": 4.0,
            "n_treated": [40, 1, 40],
            "n_comparison": 40,
            "reason": "",
        }
    )
    assert (open_to_public(table, sensitive)["reason"] == HIDDEN).tolist() == [False, True, False]
    prose = et.draw_figure("paths", evaluation)._prose
    measure = replace(measure_of(result, 0.95, "x"), indicator=sensitive)
    grid = choices_picture(table, measure, prose).grid
    assert [row[1] for row in grid.rows if row[0].startswith("Without")] == ["–"]
