"""An evaluator's own table as readers meet it: percentages, quarters of years, long units, names with signs."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.findings import FaultsError
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.council import render_council
from evaltoolkit.reports.pages import write_report
from evaltoolkit.reports.prose import Prose, prose_of, say_answers
from evaltoolkit.reports.publication import publication_table
from evaltoolkit.reports.publication_text import as_latex

PLAN = """title = "t"
question = "q"
unit = "town"
checks = ["pretrends"]
[data]
panel = "own.csv"
treated_from = "first"
[treatment]
action = "a"
assignment = "voluntary"
decided_by = "council"
why_then = "w"
spillover = "unlikely"
spending = 90000
[[outcomes]]
indicator = "y"
name = "Trust"
unit = "{unit}"
role = "primary"
better = "up"
smallest_relevant = {relevant}
"""
YEARS = [str(year) for year in range(2018, 2024)]
QUARTERS = [f"{year}-Q{quarter}" for year in range(2020, 2023) for quarter in range(1, 5)]


def evaluate(folder, *, unit, more="", factor=1.0, periods=YEARS, start="2021", effect=0.05):
    """Forty of ninety towns gain five in a hundred from the start on."""
    rng = np.random.default_rng(4)
    rows = []
    for place in range(90):
        base = rng.normal(0.4, 0.05)
        first = start if place < 40 else "never"
        for number, period in enumerate(periods):
            gain = effect * (first != "never" and number >= periods.index(start))
            rows.append(
                (f'Löwen & "O\'Neill" {place:02d}', period, first, factor * (base + gain + rng.normal(0, 0.01)))
            )
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=["unit", "period", "first", "y"]).to_csv(folder / "own.csv", index=False)
    path = folder / "evaluation.toml"
    path.write_text(PLAN.format(unit=unit, relevant=0.02 * factor) + more, encoding="utf-8")
    return run_plan(path)


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    return evaluate(folder / "share", unit="share"), evaluate(folder / "percent", unit="%", factor=100.0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_share_and_a_percentage_read_alike(both, language):
    share, percent = (say_answers(one, language) for one in both)
    assert share == percent
    prose = prose_of(both[0], language)
    assert prose.say("unit.percentage_points") in share[0]
    assert prose.say("unit.number") not in share[0]
    # one in a hundred has a price, whichever way the share was written
    assert [one.outcomes[0].verdict.sentences[-1][0] for one in both] == ["verdict.cost_per_point"] * 2
    council = [text_of(render_council(one, language)) for one in both]
    assert council[0] == council[1]
    assert prose.say("council.more.percent", size="5") in council[0]
    assert "(%)" not in council[0]


@pytest.mark.parametrize("unit", ["%", "procent", "pour cent", "Prozent", "per cent"])
def test_a_difference_of_percentages_is_in_points_in_every_language(unit):
    scale = scale_of(None, unit)
    assert (scale.factor, scale.difference, scale.level) == (1.0, "@unit.percentage_points", "@unit.percent")
    assert scale_of(None, "share").factor == 100
    assert not scale_of(None, "shares of land").percent


def test_ends_of_an_interval_have_the_same_decimals(tmp_path):
    evaluation = evaluate(tmp_path, unit="reports per 1 000 residents", effect=0.001)
    result = evaluation.outcomes[0]
    code, facts = result.verdict.sentences[0]
    assert code == "verdict.no_relevant_effect"
    said = prose_of(evaluation, "en").say(code, facts)
    low, high = re.search(r"from −?([\d.]+) to ([\d.]+)", said).groups()
    assert len(low) == len(high) == len("0.0000")
    assert "limit of 0.02 in" in said
    page = text_of(render_council(evaluation, "en"))
    assert f"{low} less to {high} more (reports per 1 000 residents)" in page
    assert "1\u00a0000" in render_council(evaluation, "en")


@pytest.mark.parametrize("value", [0.5, 2.0, 0.125])
def test_what_was_declared_is_said_as_it_was_declared(value):
    prose = prose_of_numbers()
    facts = {
        "low": -1.0,
        "high": 1.5,
        "relevant": value,
        "digits": 2,
        "relevant_digits": len(f"{value:g}".rpartition(".")[2]) if value % 1 else 0,
    }
    said = prose.say("verdict.no_relevant_effect", {**facts, "name": "n", "unit": "u", "level": 95})
    assert "from −1.00 to 1.50" in said
    assert f"limit of {value:g} in" in said


def prose_of_numbers():
    from evaltoolkit.i18n import words

    return Prose(words("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_parts_of_years_are_called_years(tmp_path, language):
    evaluation = evaluate(tmp_path, unit="%", factor=100.0, periods=QUARTERS, start="2021-Q3")
    prose = prose_of(evaluation, language)
    write_report(evaluation, tmp_path, language=language)
    page = (tmp_path / f"report_{language}.html").read_text(encoding="utf-8")
    years = prose.say("report.event.years", label=prose.say("report.column.time"))
    assert years in page
    assert f"{prose.say('report.numbers.label.event_time')} −{prose.number(0.25)}" in page
    assert "versions ·" not in page
    headings = [block.heading for block in publication_table(evaluation, prose).blocks]
    assert prose.say("report.event.years", label=prose.say("publication.event")) in headings
    assert prose.say("report.response.all") in page
    assert "&#34;O&#39;Neill&#34;" in page


def test_every_second_year_is_called_years(tmp_path):
    evaluation = evaluate(tmp_path, unit="%", factor=100.0, periods=[*YEARS[::2], "2024", "2026"], start="2022")
    prose = prose_of(evaluation, "en")
    assert "By time since the start (in years)" in [
        block.heading for block in publication_table(evaluation, prose).blocks
    ]


def test_whole_years_need_no_word(both):
    headings = [block.heading for block in publication_table(both[0], prose_of(both[0], "en")).blocks]
    assert "By time since the start" in headings
    assert math.isclose(
        both[1].outcomes[0].headline.interval.estimate, 100 * both[0].outcomes[0].headline.interval.estimate
    )


FRENCH = """
[translations.fr]
title = "Titre"
question = "Question ?"
[translations.fr.words]
Trust = "Confiance"
"points on a scale" = "points sur une échelle"
"""


def test_own_names_and_units_are_said_in_the_language_of_the_reader(tmp_path):
    evaluation = evaluate(tmp_path, unit="points on a scale", more=FRENCH)
    for page in (
        render_council(evaluation, "fr"),
        write_report(evaluation, tmp_path, language="fr").read_text(encoding="utf-8"),
        as_latex(publication_table(evaluation, prose_of(evaluation, "fr"))),
        " ".join(say_answers(evaluation, "fr")),
    ):
        assert "Confiance" in page
        assert "points sur une échelle" in page
        assert "Trust" not in page
        assert "points on a scale" not in page
    assert "Trust" in render_council(evaluation, "nl")


def test_a_word_that_the_plan_has_not_is_a_fault(tmp_path):
    with pytest.raises(FaultsError, match=r'"Trusst" is no name or unit in the plan\. Did you mean "Trust"'):
        evaluate(tmp_path, unit="points on a scale", more=FRENCH.replace("Trust =", "Trusst ="))
