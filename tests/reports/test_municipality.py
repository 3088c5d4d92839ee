import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.municipality import MOST_CARDS, Wanted, write_municipality_pages
from evaltoolkit.reports.similar import quartile_band, read_groups, share_of
from evaltoolkit.submissions.store import Reading, StoredValue, open_store
from evaltoolkit.territory.municipalities import load_municipalities, municipality_name

FRAMEWORK = load_framework()
YEARS = (2022, 2023, 2024)
# sends nothing but reasons for some questions
STATUSES = ("DK", "NAP", "RF", "NR", "SUP")


def flemish(count):
    register = load_municipalities()
    known = register[(register["in_2025"].astype(int) == 1) & (register["region_code"] == "02000")]
    return [str(code) for code in known.index[:count]]


CODES = flemish(24)
ASKED = ("GOV-06", "GOV-07", "COMP-09", "HAR-08", "CAP-02")


def _value(period, indicator, part, value, status="registered"):
    return StoredValue(str(period), indicator, part, float(value), "", status, "Form", "D7", 1)


def _answers(place, year):
    """COMP-09: 10, 11, 12 ... by place, one more a year; the first sends reasons only in the last year."""
    rising = 10 + place + (year - YEARS[0])
    if place == 0 and year == YEARS[-1]:
        yield from (
            _value(year, name, "value", "nan", status)
            for name, status in zip(("COMP-09", "GOV-06", "HAR-08", "CAP-02", "PREV-03"), STATUSES, strict=True)
        )
        return
    yield _value(year, "COMP-09", "value", rising, "reconstructed" if place == 1 else "registered")
    yield _value(year, "GOV-06", "value", 1.5 + place)
    yield _value(year, "HAR-08", "value", place % 7)
    # all say the same but two
    yield _value(year, "CAP-02", "value", 40 if place < 22 else 41)
    yield _value(year, "GOV-09", "value", place % 2)
    # everybody says yes
    yield _value(year, "CAP-04", "value", 1)
    yield _value(year, "INFO-03", "denominator", 6 if place == 2 else 40)
    yield _value(year, "INFO-03", "numerator", 2 if place == 2 else 20 + place % 9)
    # of these nothing is shown below the region
    yield _value(year, "CASE-11", "denominator", 987)
    yield _value(year, "CASE-11", "numerator", 654)
    # inhabitants: two size classes
    yield _value(year, "CTX-01", "value", 12_000 if place < 14 else 30_000)


def make_store(folder, codes=CODES, *, cells=False):
    readings = [
        Reading(
            f"{100 * place + year:064x}",
            "livc-r 2.0",
            "f.xlsx",
            "accepted",
            "livc_r" if cells else "municipality",
            f"C{place:02d}" if cells else code,
            str(year),
            (code,),
            "2025",
            "fr" if place == 3 else "nl",
            tuple(_answers(place, year)),
        )
        for place, code in enumerate(codes)
        for year in YEARS
    ]
    with open_store(folder) as store:
        store.add([(reading, b"") for reading in readings], "2025-01-01T10:00:00.000000+00:00")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("municipality") / "store")


class Text(HTMLParser):
    """Cards of a page: heading -> text, and the shapes in each."""

    def __init__(self, page):
        super().__init__()
        self.cards, self.shapes, self._card, self._heading = {}, {}, None, False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "article":
            self._card = dict(attributes)["aria-labelledby"].removeprefix("indicator-").upper()
            self.cards[self._card], self.shapes[self._card] = "", []
        elif self._card and tag in ("polygon", "polyline", "circle"):
            self.shapes[self._card].append(dict(attributes)["class"])

    def handle_endtag(self, tag):
        if tag == "article":
            self._card = None

    def handle_data(self, data):
        if self._card:
            self.cards[self._card] += data


def page_of(store, tmp_path, code, language="en", **wanted):
    (path,) = write_municipality_pages(store, tmp_path, language=language, wanted=Wanted(units=(code,), **wanted))
    return path.read_text(encoding="utf-8")


def test_own_value_beside_the_band_of_the_same_size(store, tmp_path):
    page = page_of(store, tmp_path, CODES[5])
    assert "the 14 in Flanders with 10,000 to 20,000 residents" in page
    card = Text(page).cards["COMP-09"]
    # own: 10 + 5 + 2; thirteen others of that size said 13 ... 25 in the last year, the first none
    assert "You: 17 meetings (2024; recorded)." in card
    said = np.arange(1, 14) + 12.0
    low, high = said[2:5].mean(), said[8:11].mean()
    assert f"The middle half of the similar ones: {low:g} to {high:g} meetings. Your figure is within it." in card
    assert "from 15 meetings (2022) to 17 meetings (2024)" in card


def test_statuses_are_words(store, tmp_path):
    cards = Text(page_of(store, tmp_path, CODES[0])).cards
    said = words("en")
    for name, status in zip(("COMP-09", "GOV-06", "HAR-08", "CAP-02", "PREV-03"), STATUSES, strict=True):
        assert f"no number, but a reason: {said.say(f'form.status.{status}')} (2024)" in cards[name]
    assert "worked out afterwards" in Text(page_of(store, tmp_path, CODES[1])).cards["COMP-09"]


def test_nobody_else_is_named_and_nobody_is_ranked(store, tmp_path):
    page = page_of(store, tmp_path, CODES[5])
    body = page.partition("<body>")[2]
    others = [code for code in CODES if code != CODES[5]]
    assert not [code for code in others if code in body or municipality_name(code, "en") in body]
    assert not re.search(r"\b(rank\b|\d+(st|nd|rd|th)\b|best|worst|top)", body)


def test_no_band_that_could_tell_of_one(store, tmp_path):
    cards = Text(page_of(store, tmp_path, CODES[5]))
    # all but two of twenty-four say 40; in the own size class all do
    assert "it would give away single answers" in cards.cards["CAP-02"]
    assert "similar" not in cards.shapes["CAP-02"]
    assert "it would give away single answers" in cards.cards["CAP-04"]
    assert "about 50\u00a0% say yes" in cards.cards["GOV-09"]


def test_few_similar_ones_have_no_band_or_a_wider_one(store, tmp_path):
    # ten of the larger size: with one of them compared, nine others are too few; all of the region are enough
    page = page_of(store, tmp_path, CODES[20])
    assert "all 24 in Flanders" in page
    assert "residents, you among them" not in page
    few = pd.DataFrame({"unit": CODES[:10], "group": "coast"})
    cards = Text(page_of(store, tmp_path, CODES[5], similar=few)).cards
    assert all("Too few similar ones answered" in text for text in cards.values())


def test_small_numbers_of_persons_are_hidden_and_the_most_sensitive_kept_out(store, tmp_path):
    page = page_of(store, tmp_path, CODES[2])
    card = Text(page).cards["INFO-03"]
    assert "hidden, because the number stands for very few persons" in card
    assert "33" not in card
    assert "CASE-11" not in Text(page).cards
    assert "1 very sensitive measure is not on this page" in page
    assert "66" not in Text(page_of(store, tmp_path, CODES[5])).cards["INFO-03"]


def test_measures_without_a_better_direction_are_not_coloured(store, tmp_path):
    shapes = Text(page_of(store, tmp_path, CODES[5])).shapes
    assert "own" in shapes["COMP-09"]
    for name in ("HAR-08", "GOV-06"):
        assert FRAMEWORK.by_id[name].direction in ("ambiguous", "neutral")
        assert "own neutral" in shapes[name]
        assert "own" not in shapes[name]


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_is_whole_in_every_language(store, tmp_path, language):
    page = page_of(store, tmp_path, CODES[5], language, simulated=True)
    assert f'<html lang="{language}">' in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert words(language).say("report.simulated") in page
    assert {"COMP-09", "GOV-06", "HAR-08", "CAP-02", "GOV-09", "CAP-04", "INFO-03"} == set(Text(page).cards)
    # every picture has a title and says what it shows
    assert page.count('<svg class="trend"') == page.count("</desc>") == 5


def test_everybody_in_the_language_of_the_form(store, tmp_path):
    paths = write_municipality_pages(store, tmp_path)
    assert len(paths) == len(CODES)
    assert f"municipality_{CODES[3]}_fr.html" in {path.name for path in paths}
    assert f"municipality_{CODES[4]}_nl.html" in {path.name for path in paths}
    again = write_municipality_pages(store, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_chosen_indicators_in_the_chosen_order(store, tmp_path):
    page = page_of(store, tmp_path, CODES[5], indicators=("HAR-08", "COMP-09"))
    assert list(Text(page).cards) == ["HAR-08", "COMP-09"]
    assert MOST_CARDS >= 2


def test_what_is_not_there_is_told(store, tmp_path):
    with pytest.raises(EvaltoolkitError, match='The store holds no number of "99999"'):
        write_municipality_pages(store, tmp_path, wanted=Wanted(units=("99999",)))
    with pytest.raises(EvaltoolkitError, match='Did you mean "COMP-09"'):
        write_municipality_pages(store, tmp_path, wanted=Wanted(indicators=("COMP09",)))
    with pytest.raises(EvaltoolkitError, match="There is no store"):
        write_municipality_pages(tmp_path / "nowhere", tmp_path)
    with pytest.raises(EvaltoolkitError, match='"xx" is not offered'):
        write_municipality_pages(store, tmp_path, language="xx")


def test_table_of_groups_with_faults(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("unit;groep\n11001;a\n", encoding="utf-8")
    with pytest.raises(FaultsError, match='there is no column "group"'):
        read_groups(path)
    path.write_text("unit;group\n11001;a\n11001;b\n", encoding="utf-8")
    with pytest.raises(FaultsError, match='unit "11001" stands twice'):
        read_groups(path)
    path.write_text("unit,group\n11001,a\n", encoding="utf-8")
    assert read_groups(path).to_dict("records") == [{"unit": "11001", "group": "a"}]


def test_band_ends_are_no_ones_own_value():
    rng = np.random.default_rng(4)
    for _ in range(200):
        values = rng.choice(10_000, size=int(rng.integers(11, 60)), replace=False).astype(float) ** 1.5
        low, high = quartile_band(values)
        assert low not in values
        assert high not in values
        # about a quarter on each side
        assert abs((values < low).mean() - 0.25) < 0.1
        assert abs((values > high).mean() - 0.25) < 0.1


@pytest.mark.parametrize(
    "values",
    [
        np.arange(10.0),
        np.array([*np.arange(10.0), np.nan, np.nan]),
        np.full(30, 4.0),
        np.array([4.0] * 28 + [1.0, 9.0]),
    ],
)
def test_no_band_of_few_or_of_nearly_equal_values(values):
    assert quartile_band(values) is None


def test_share_of_few_is_not_told():
    assert share_of(np.array([1.0] * 12)) is None
    assert share_of(np.array([1.0] * 12 + [0.0] * 2)) is None
    assert share_of(np.array([1.0] * 12 + [0.0] * 3)) == 0.8
    assert share_of(np.array([1.0] * 5 + [0.0] * 5)) is None


def test_everybody_of_a_group_sees_the_same_band(store, tmp_path):
    bands = set()
    for code in CODES[1:14]:
        card = Text(page_of(store, tmp_path, code)).cards["COMP-09"]
        bands.add(re.search(r"similar ones: ([\d. to]+) meetings", card)[1])
    assert len(bands) == 1


def test_command(store, tmp_path, capsys):
    from evaltoolkit.cli import main

    with pytest.raises(SystemExit) as stopped:
        main(["municipality", str(store), str(tmp_path / "out"), "--unit", CODES[5], "-l", "de", "--simulated"])
    assert not stopped.value.code
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"municipality_{CODES[5]}_de.html"]
    assert "to nobody else" in " ".join(capsys.readouterr().out.split())


def test_cells_are_compared_with_cells(tmp_path):
    store = make_store(tmp_path / "store", cells=True)
    (path,) = write_municipality_pages(store, tmp_path, language="fr", wanted=Wanted(units=("C05",)))
    assert path.name == "livc_r_C05_fr.html"
    page = path.read_text(encoding="utf-8")
    assert "<h1>CSIL-R C05" in page
    assert "les 14 en Flandre" in page
    assert "C06" not in page.partition("<body>")[2]
