import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.plans.study import Study
from evaltoolkit.reports.power_page import steps_of, study_power, write_power_page

SHARE = {"kind": "survey_share", "level": 0.5, "respondents": 300, "sd": 0.02}
CONTENT = {
    "title": "S",
    "periods": 5,
    "comparison_units": 40,
    "cohorts": [{"start": 3, "units": 20}, {"start": 4, "units": 20}],
    "outcome": SHARE,
}


@pytest.fixture(scope="module")
def found():
    steps = []
    study = Study.model_validate(CONTENT)
    result = study_power(study, draws=300, advance=lambda: steps.append(1))
    assert len(steps) == steps_of(study)
    return result


def read(found, tmp_path, language):
    return BeautifulSoup(
        write_power_page(found, tmp_path / "p.html", language=language).read_text("utf-8"), "html.parser"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_holds_the_computed_numbers(found, tmp_path, language):
    page = read(found, tmp_path, language)
    point = "." if language == "en" else ","
    mde = f"{100 * found.power.mde:.2g}".replace(".", point)
    assert mde in page.select_one("section p").text
    figures = page.select("figure")
    assert len(figures) == 5
    for figure in figures:
        assert figure.svg.find("title").text
        assert len(figure.svg.find("desc").text) > 40
        # the description is the caption: what is seen is also said
        assert figure.svg.find("desc").text in figure.figcaption.text
        assert len(figure.select("tbody tr")) >= 2
    assert "{" not in page.main.text
    powers = [re.match(r"\d+", row.select("td")[0].text)[0] for row in figures[0].select("tbody tr")]
    assert [int(one) for one in powers] == [round(100 * one) for one in found.power.table["power"]]


def test_curves_say_where_more_helps(found):
    units = found.curves["units"].sort_values("value")
    assert np.isfinite(units["mde"]).sum() >= 4
    assert units["mde"].dropna().is_monotonic_decreasing
    own = found.curves["units"].set_index("value")["mde"][80]
    assert own == pytest.approx(found.power.mde)


def test_a_curve_with_gaps_says_why(tmp_path):
    # 24 units in all: half of them is too few for an interval
    small = Study.model_validate(CONTENT | {"comparison_units": 12, "cohorts": [{"start": 3, "units": 12}]})
    page = read(study_power(small, draws=200), tmp_path, "en")
    units = page.find("title", string="More or fewer units").find_parent("figure")
    assert "the table says why" in units.figcaption.text
    assert "too few" in units.table.text


def test_one_measurement_before_the_start_can_test_nothing(tmp_path):
    early = Study.model_validate(CONTENT | {"cohorts": [{"start": 2, "units": 40}]})
    result = study_power(early, draws=200)
    assert result.pretrend is None
    page = read(result, tmp_path, "nl")
    assert "Geen enkele groep heeft twee metingen vóór de start" in page.main.text


def test_what_cannot_be_found_is_said_instead_of_drawn(tmp_path):
    few = Study.model_validate(CONTENT | {"comparison_units": 6})
    page = read(study_power(few, draws=200), tmp_path, "fr")
    assert "trop peu de participants" in page.select_one("section").text
    assert "Chance de trouver un effet" not in page.main.text
