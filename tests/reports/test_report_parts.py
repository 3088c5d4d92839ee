"""What stands in the full report, in which order: evidence card, fidelity, all numbers, methods and seeds."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.registry import Check
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.inference.answer import Inference
from evaltoolkit.reports.appendix import numbers_of
from evaltoolkit.reports.evidence import evidence_of
from evaltoolkit.reports.fidelity import fidelity_of
from evaltoolkit.reports.pages import render_report
from evaltoolkit.reports.prose import Prose, prose_of
from evaltoolkit.reports.quality import methods_of, origin_of
from evaltoolkit.reports.sections import sections_of
from evaltoolkit.reports.tables import result_rows


@pytest.fixture(scope="module")
def prose(evaluation):
    return prose_of(evaluation, "en")


@pytest.fixture(scope="module")
def html(evaluation):
    return render_report(evaluation, "en")


def test_parts_stand_in_their_order(html):
    ids = re.findall(r'<h2 id="([^"]+)"', html)
    assert ids[:2] == ["answer", "evidence"]
    assert ids[-6:] == ["quality", "limits", "deviations", "glossary", "cite", "numbers"]
    part = html[html.index('<h2 id="outcome-tru-01"') : html.index('<h2 id="outcome-det-02"')]
    say = words("en").say
    order = ("event", "paths", "compared", "calendar", "response", "fidelity", "checks", "choices", "grade")
    places = [re.search(rf"<h[34][^>]*>{re.escape(say(f'report.outcome.{name}'))}<", part).start() for name in order]
    assert places == sorted(places)


def test_the_evidence_card_holds_every_outcome_with_what_the_answer_says(evaluation, prose):
    answers = [section.answer for section in sections_of(evaluation, prose)]
    grid = evidence_of(evaluation, answers, prose)
    assert len(grid.rows) == len(evaluation.outcomes)
    first = grid.rows[0]
    assert first[0] == answers[0].name
    assert first[2] == answers[0].estimate
    assert first[3] == answers[0].certainty
    # without an estimate there is no certainty to tell
    refused = next(row for row, one in zip(grid.rows, evaluation.outcomes, strict=True) if one.grade is None)
    assert refused[3:5] == ("–", "–")


def _fidelity(planned, delivered):
    table = pd.DataFrame({"unit": [f"U{n}" for n in range(len(planned))], "planned": planned, "delivered": delivered})
    table["share"] = table["delivered"] / table["planned"]
    facts = {"percent": 60, "without": 1, "known": 4, "units": 5}
    return Check("fidelity", "assumption.carried_out", True, "check.fidelity.delivered_unclear", facts, table)


def test_fidelity_counts_units_by_how_much_they_got_and_names_none(prose):
    planned = [10.0, 10.0, 10.0, 10.0, np.nan, 10.0]
    found = fidelity_of([_fidelity(planned, [12.0, 6.0, 2.0, 0.0, 3.0, np.nan])], prose)
    assert [row[1] for row in found.units.rows] == ["1"] * 6
    assert len({row[0] for row in found.units.rows}) == 6
    assert "U0" not in " ".join(cell for row in found.units.rows for cell in row)
    assert found.sentence == prose.say(
        "check.fidelity.delivered_unclear", {"percent": 60, "without": 1, "known": 4, "units": 5}
    )
    exactly_half = fidelity_of([_fidelity([10.0], [5.0])], prose)
    assert exactly_half.units.rows[0][0] == prose.say("report.fidelity.most")
    unknown = fidelity_of([_fidelity([10.0], [np.nan])], prose)
    assert unknown.units is None


def test_without_the_check_the_report_says_that_nobody_looked(prose, html):
    assert fidelity_of([], prose).units is None
    assert html.count(words("en").say("report.fidelity.none")) == 4


def test_the_appendix_holds_every_number_that_may_be_shown(evaluation, prose):
    tables = numbers_of(evaluation, prose)
    rows = list(result_rows(evaluation))
    assert sum(len(grid.rows) for grid in tables) == len(rows)
    shown = [row for grid in tables for row in grid.rows]
    for row, cells in zip(rows, shown, strict=True):
        assert (row["estimate"] is None) == (cells[2] == "–")
        assert (row["conf_low"] is None or row["conf_high"] is None) == (cells[4] == "–")
        assert cells[6] == prose.number(row["n_treated"])
    overall = next(cells for row, cells in zip(rows, shown, strict=True) if row["kind"] == "overall")
    result = evaluation.outcomes[0]
    assert float(overall[2]) == pytest.approx(100 * float(result.overall.estimate[0]), abs=0.0051)
    started = next(cells for row, cells in zip(rows, shown, strict=True) if row["kind"] == "group_time")
    assert re.fullmatch(r"start 20\d\d, period 20\d\d", started[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_appendix_has_words_for_all_it_holds(evaluation, language):
    for grid in numbers_of(evaluation, prose_of(evaluation, language)):
        text = " ".join(cell for row in grid.rows for cell in row[:2])
        assert not re.search(r"=|group_time|event_time|coefficient|headline|chosen", text)


def test_methods_and_seeds_are_named(evaluation, prose):
    (method,) = methods_of(evaluation, prose)
    assert "group-time average effects" in method
    assert "10.1016/j.jeconom.2020.12.001" in method
    result = evaluation.outcomes[0]
    nothing = {field.name: None for field in dataclasses.fields(Inference)}
    drawn = Inference(**{**nothing, "draws": 999, "seed": 4711})
    headline = dataclasses.replace(result.headline, inference=drawn)
    changed = dataclasses.replace(
        evaluation, outcomes=(dataclasses.replace(result, headline=headline), *evaluation.outcomes[1:])
    )
    origin = dict(origin_of(changed, prose))
    assert origin[prose.say("report.cite.margin_seed", name=prose.name("TRU-01"))] == "4711"
    assert not [name for name, _ in origin_of(evaluation, prose) if "margin" in name]


def test_another_method_is_cited_by_its_own_source(evaluation, prose):
    from evaltoolkit.estimators.registry import estimate

    result = evaluation.outcomes[0]
    other = dataclasses.replace(result, effects=estimate(result.design, "imputation"))
    lines = methods_of(dataclasses.replace(evaluation, outcomes=(result, other)), prose)
    assert len(lines) == 2
    assert "filling in" in lines[1]
    assert "Borusyak" in lines[1]


def test_every_method_has_a_name_in_every_language():
    from evaltoolkit.estimators.registry import list_estimators

    answering = [name for name, one in list_estimators().items() if not one.diagnostic]
    for language in LANGUAGES:
        assert all(Prose(words(language)).say(f"report.method.{name}") for name in answering)
