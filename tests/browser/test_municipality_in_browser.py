"""The page of one municipality on screens and on paper: without overflow or barrier, one or two A4, tagged."""

import pytest
from paper import A4, facts, needs_poppler, size, squeezed, text
from screen import look_at
from test_municipality import CODES, make_store

from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.municipality import Wanted, write_municipality_pages
from evaltoolkit.reports.paper import print_page
from evaltoolkit.territory.municipalities import municipality_name

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    """The page of one municipality: language -> path."""
    folder = tmp_path_factory.mktemp("municipality")
    store = make_store(folder / "store")
    wanted = Wanted(units=(CODES[5],), simulated=True)
    return {one: write_municipality_pages(store, folder, language=one, wanted=wanted)[0] for one in LANGUAGES}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_municipality_fits_a_screen_and_has_no_barrier(browser, sheets, language, width, scheme):
    look_at(browser, sheets[language], width=width, scheme=scheme)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_municipality_prints_on_one_or_two_a4(sheets, tmp_path, language):
    needs_poppler()
    pdf = print_page(sheets[language], tmp_path / "sheet.pdf")
    told = facts(pdf)
    assert told["Tagged"] == "yes"
    assert told["Pages"] in ("1", "2")
    assert size(pdf) == A4
    assert squeezed(municipality_name(CODES[5], language)) in text(pdf)
