"""Names, and the vintage of a set of codes."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.territory.municipalities import (
    assign_vintages,
    code_of_name,
    detect_vintages,
    municipality_codes,
    municipality_name,
    vintage_on,
)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("antwerpen", "11002"),
        ("Anvers", "11002"),
        ("SINT NIKLAAS", "46021"),
        ("Bullingen", "63012"),
        ("büllingen", "63012"),
        ("Bullange", "63012"),
        ("s Gravenbrakel", "55004"),
        ("Fontaine l’Eveque", "52022"),
        ("Saint-Nicolas (Liège)", "62093"),
        ("Saint-Nicolas (Sint-Niklaas)", "46021"),
    ],
)
def test_code_of_name(name, code):
    assert code_of_name(name) == code


@pytest.mark.parametrize("vintage", [2018, 2019, 2025])
@pytest.mark.parametrize("language", ["nl", "fr"])
def test_every_name_leads_back_to_its_code(vintage, language):
    # "Saint-Nicolas" is French for Sint-Niklaas too
    for code in sorted(set(municipality_codes(vintage)) - ({"46021", "62093"} if language == "fr" else set())):
        assert code_of_name(municipality_name(code, language), vintage, language=language) == code


def test_name_kept_through_a_merger_needs_the_vintage():
    with pytest.raises(EvaltoolkitError, match=r"37015.*37022"):
        code_of_name("Tielt")
    assert code_of_name("Tielt", 2019) == "37015"
    assert code_of_name("Tielt", 2025) == "37022"


def test_ambiguous_name_lists_codes():
    with pytest.raises(EvaltoolkitError, match=r"46021 Sint-Niklaas.*62093 Saint-Nicolas"):
        code_of_name("Saint-Nicolas", 2025)
    assert code_of_name("Saint-Nicolas", 2025, language="nl") == "62093"


def test_unknown_name_gives_the_nearest():
    with pytest.raises(EvaltoolkitError, match='Did you mean "Antwerpen"'):
        code_of_name("Antwerpne")
    with pytest.raises(EvaltoolkitError, match='called "Antwerpen \\(Oost-Vlaanderen\\)"'):
        code_of_name("Antwerpen (Oost-Vlaanderen)")


def test_names_in_languages():
    assert municipality_name("11002", "fr") == "Anvers"
    assert municipality_name("11002", "de") == "Antwerpen"
    assert municipality_name("63012") == "Büllingen"
    assert municipality_name("62093", "en") == "Saint-Nicolas"
    with pytest.raises(EvaltoolkitError, match="no municipality code"):
        municipality_name("00000")


@pytest.mark.parametrize("vintage", [2018, 2019, 2025])
def test_whole_vintage_is_recognised(vintage):
    assert detect_vintages(municipality_codes(vintage)) == (vintage,)


def test_unchanged_codes_fit_every_vintage_and_antwerp_is_no_evidence():
    assert detect_vintages(["11001", "11002"]) == (2018, 2019, 2025)
    assert detect_vintages(["11002", "11007"]) == (2018, 2019)
    assert detect_vintages(["44083"]) == (2019, 2025)


def test_mixed_vintages_name_codes_and_merger():
    with pytest.raises(FaultsError) as caught:
        detect_vintages(["44011", "44083", "11001"])
    message = str(caught.value)
    assert "44011 Deinze exists in 2018 only" in message
    assert "44011 + 44049 became 44083 on 2019-01-01" in message
    assert len(caught.value.faults) == 2


def test_unknown_codes_are_all_named():
    with pytest.raises(FaultsError) as caught:
        detect_vintages(["1101", "11002", "99999", "Gent"])
    assert len(caught.value.faults) == 3
    assert "write the code (44021)" in str(caught.value)


@given(st.data())
def test_subset_of_a_vintage_always_fits_it(data):
    vintage = data.draw(st.sampled_from([2018, 2019, 2025]))
    codes = data.draw(st.sets(st.sampled_from(municipality_codes(vintage)), min_size=1, max_size=30))
    assert vintage in detect_vintages(codes)
    assert detect_vintages(codes) == detect_vintages(sorted(codes, reverse=True))


@pytest.mark.parametrize(
    ("day", "vintage"),
    [
        (dt.date(2018, 12, 31), 2018),
        (dt.date(2019, 1, 1), 2019),
        (dt.date(2024, 12, 31), 2019),
        (dt.date(2025, 1, 1), 2025),
    ],
)
def test_vintage_on_a_day(day, vintage):
    assert vintage_on(day) == vintage
    assert list(assign_vintages(["11001", "11002"], day)) == [vintage, vintage]


def test_bastogne_may_be_ahead_in_december_2024_only():
    codes = ["37015", "82039"]
    assert list(assign_vintages(codes, dt.date(2024, 12, 31))) == [2019, 2025]
    with pytest.raises(FaultsError, match="82039"):
        assign_vintages(codes, dt.date(2024, 11, 30))


def test_value_in_retrospect_may_be_ahead():
    codes, day = ["37015", "37007", "37022"], dt.date(2023, 12, 31)
    assert list(assign_vintages(codes, day, retrospective=[False, False, True])) == [2019, 2019, 2025]
    with pytest.raises(FaultsError, match="37022"):
        assign_vintages(codes, day, retrospective=[True, True, False])
    with pytest.raises(FaultsError, match="37022"):
        assign_vintages(codes, dt.date(2025, 12, 31), retrospective=[True, True, True])
