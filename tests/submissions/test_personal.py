"""What is taken for data about a person, however it is written, and what is not."""

import datetime as dt
import random

import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.submissions.form import open_form
from evaltoolkit.submissions.guard import guard_workbook
from evaltoolkit.submissions.kobo import read_kobo
from evaltoolkit.submissions.layout import FormMeta
from evaltoolkit.submissions.personal import find_in_number, find_personal, mask_personal
from evaltoolkit.submissions.personal_cells import personal_cells
from evaltoolkit.submissions.personal_words import heading_kind
from evaltoolkit.submissions.tabular import PersonalDataError, read_table
from evaltoolkit.submissions.write import write_template
from evaltoolkit.territory.municipalities import load_municipalities, municipality_name

WAYS = (
    "{0}{1}{2}{3}{4}", "{0}.{1}.{2}-{3}.{4}", "{0} {1} {2} {3} {4}", "{0}{1}{2}-{3}-{4}", "{0}{1}{2} {3}{4}",
    "{0}/{1}/{2} - {3}.{4}", "rr {0}.{1}.{2}–{3}.{4}!", "{0}\u00a0{1}\u00a0{2}\u202f{3}\u00a0{4}",
    "{0}_{1}_{2}_{3}_{4}",
    "INSZ:{0}{1}{2}{3}{4}x", "{0}.{1}.{2}\u2212{3}.{4}", "{0}·{1}·{2}-{3}·{4}", "{0}\u200b{1}\u200b{2}{3}{4}",
)  # fmt: skip
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def national_numbers():
    """Made-up numbers with the right check digits: old, from 2000, and bis numbers of both kinds."""
    rng = random.Random(5)
    for number in range(200):
        month = rng.randint(1, 12) + (0, 0, 20, 40)[number % 4]
        body = f"{rng.randint(0, 99):02d}{month:02d}{rng.randint(1, 28):02d}{rng.randint(1, 997):03d}"
        check = 97 - int(("2" if number % 2 else "") + body) % 97
        yield body[:2], body[2:4], body[4:6], body[6:], f"{check:02d}"


@pytest.mark.parametrize("way", WAYS)
def test_a_national_number_is_found_in_every_way_of_writing(way):
    for pieces in national_numbers():
        text = way.format(*pieces)
        assert [find_personal(said) for said in (text, text.translate(WIDE), text.translate(ARABIC))] == [
            "national_number"
        ] * 3
        assert find_personal(" ".join("".join(pieces))) == "national_number"
        assert mask_personal(text) == "…"


def test_a_national_number_typed_as_a_number_is_found_without_its_leading_zeros():
    for pieces in national_numbers():
        number = float("".join(pieces))
        if number >= 10**7:
            assert find_in_number(number) == "national_number"
        if number >= 10**8:
            assert find_in_number(number, dated=True) == "national_number"
    # born on 15 January 2000: eight digits are left
    assert find_in_number(float(f"000115001{97 - 2_000_115_001 % 97:02d}")) == "national_number"
    assert find_in_number(32_475_123_456.0) == find_in_number(475_123_456.0) == "phone"
    # amounts are no phone numbers in a table of own data
    assert find_in_number(475_123_456.0, dated=True) is None
    assert [find_in_number(number) for number in (12.5, 1e9, float("inf"), -(10.0**9), 85_073_003_329.0)] == [None] * 5


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("email", ("jan@example.org", "JAN@EXAMPLE.ORG", "jan＠example.org", "jan @ example.be", "jan [at] example.be",
                   "jan(at)example.be", "mail: jan.p+x@sub.example.co.uk.")),
        ("phone", ("0475 12 34 56", "0475/12.34.56", "0475123456", "04 75 12 34 56", "+32 475 12 34 56",
                   "0032475123456",
                   "+32(0)475-12.34.56", "02/123 45 67", "(02) 123 45 67", "０４７５１２３４５６", "0475–12–34–56",
                   "+49 30 1234567", "bel 0475 12 34 56")),
        ("birth_date", ("geboren op 12/03/1985", "Geb. 12.3.85", "° 12-03-1985", "né le 3 mars 1985", "Née 03/04/1985",
                        "né(e) le 1er août 1990", "ne le 12/03/1985", "geboren am 1. Mai 1990",
                        "Geburtsdatum: 1990-05-01",
                        "born on March 12, 1985", "DOB 1985-03-12", "born 12th march 1985", "12/03/1985, geboren",
                        "date de naissance : 12 février 1985", "GEBOORTEDATUM １２／０３／１９８５")),
    ],
)  # fmt: skip
def test_each_kind_is_found_and_masked(kind, texts):
    assert [find_personal(text) for text in texts] == [kind] * len(texts)
    assert {mask_personal(text) for text in texts} == {"…"}


@pytest.mark.parametrize(
    "text",
    ["9", "1 234,5", "2025-03-01", "2025-03-01 12:34:56", "12/03/2025", "vergadering op 12/03/2025", "75 %",
     "ne pas envoyer avant le 12/03/2025", "12.345.678.901", "2023-03-01/2023-05-31", "nog niet bekend",
     "DK – weet niet",
     "geboren in 1985", "kat (in) de zak", "https://example.org", "85.07.30-033.29"],
)  # fmt: skip
def test_what_is_no_personal_data_is_let_through(text):
    assert find_personal(text) is None


def test_headings_of_four_languages():
    asked = {
        "name": "Voornaam, ACHTERNAAM:, Familienaam, Naam en voornaam, Naam contactpersoon, Prénom, Nom et prénom, "
        "Nom de famille, Nom de la personne, Vorname, Nachname, Vor- und Nachname, Name des Kindes, "
        "First name, Surname",
        "birth_date": "Geboortedatum, geboren op, Date de naissance, Né(e) le, Geburtsdatum, Date of birth, DOB",
        "national_number": "Rijksregisternummer, Rijksregisternr. (verplicht), INSZ, NISS, N° de registre national, "
        "Nationalregisternummer, RRN",
        "address": "Adres, Thuisadres, Adresse, Anschrift, Address, Home address",
        "email": "E-mail, e-mailadres, Adresse e-mail, Courriel",
        "phone": "Telefoon, GSM-nummer, Téléphone, Telefonnummer, Phone number, Tel.",
        "bare_name": "Naam, Nom, Name, naam:, Nom *, NAAM / NOM / NAME, Ｎａａｍ, N\u200baam, Nааm",
    }
    for kind, headings in asked.items():
        assert {heading: heading_kind(heading) for heading in headings.split(", ")} == dict.fromkeys(
            headings.split(", "), kind
        )
    others = (
        "Naam van de gemeente, Name der Gemeinde, Nom de la commune, Name of the municipality, Naam indicator, "
        "Datum, date, "
        "Nee, ne, en, of, Contact, Status, register, Persoon, Aantal personen, E-mailcampagne, "
        "Adres van de school, Nummer"
    )
    assert [heading for heading in others.split(", ") if heading_kind(heading)] == []


def kinds(rows, **options):
    return dict(personal_cells(rows, **options))


def test_what_stands_below_or_beside_a_heading_is_named_at_its_own_cell():
    column = [["Voornaam", "Gemeente", "Geboortedatum"], ["Jan", "Aalst", dt.date(1985, 3, 1)], ["An", "Boom", None]]
    assert kinds(column) == {(2, 1): "name", (3, 1): "name", (2, 3): "birth_date"}
    assert kinds(column, table=True).keys() >= {(2, 1), (3, 1)}
    labels = [["Naam", "Jan Peeters"], ["Adres", None, "Dorpsstraat 1"], ["Rijksregisternummer", 1234567.0]]
    assert kinds(labels) == {(1, 2): "name", (2, 3): "address", (3, 2): "national_number"}
    assert kinds([["Naam"], [None], [None], [None], ["Jan"]]) == {}


@pytest.mark.parametrize("table", [False, True])
def test_names_of_places_and_organisations_are_no_names_of_persons(table):
    names = [
        municipality_name(code, language) for code in load_municipalities().index for language in ("nl", "fr", "de")
    ]
    others = [
        "OCMW Antwerpen",
        "CPAS de Liège",
        "Politiezone Kempen",
        "LIVC-R Noord",
        "Stad Gent",
        "Zone de police Arlon",
    ]
    assert kinds([["Naam"], *([name] for name in (*names, *others))], table=table) == {}


def test_in_a_table_a_name_needs_a_given_name_and_numbers_of_registers_are_let_through():
    cells = [["name"], ["Jan Peeters"], ["Meetjesland Noord"], ["Vlaamse Ardennen"], ["PEETERS Jan"], ["Zennevallei"]]
    assert kinds(cells, table=True) == {(2, 1): "name", (5, 1): "name"}
    # an enterprise number, an amount of eleven digits with the right rest, and one that begins with no date
    assert kinds([["ondernemingsnummer"], ["0207.437.468"], [475_123_456.0], ["99999999948"]], table=True) == {}
    assert kinds([["id"], ["85.07.30-033.28"], [85_073_003_328.0], ["0475 12 34 56"]], table=True) == {
        (2, 1): "national_number",
        (3, 1): "national_number",
        (4, 1): "phone",
    }


def test_counts_of_births_and_years_in_a_table_are_no_dates_of_birth():
    counts = [["geboorte 2023", "naissance", "birth"], ["12", "1.234", 56.0], ["1985", "12345", 7.0]]
    assert kinds(counts, table=True) == {}
    days = [["geboortedatum", "naissance", "birth"], ["12/03/1985", "3 mars 1985", dt.date(1985, 3, 1)]]
    assert kinds(days, table=True) == dict.fromkeys([(2, 1), (2, 2), (2, 3)], "birth_date")


def test_in_columns_of_long_numbers_chance_is_no_personal_data():
    rng = random.Random(7)
    people = [number for pieces in national_numbers() if (number := float("".join(pieces))) >= 10**8]
    ids = [[f"{rng.randrange(10**10, 10**11)}", float(rng.randrange(10**10, 10**11)), f"{rng.uniform(1e5, 1e6):.5f}"]
           for _ in range(5_000)]  # fmt: skip
    assert kinds([["id", "key", "rate"], *ids], table=True) == {}
    # one among usual numbers, and a column of nothing else, are found all the same
    assert kinds([["n"], [12.0], [people[0]], [7.0]], table=True) == {(3, 1): "national_number"}
    assert len(kinds([["n"], *([number] for number in people)], table=True)) == len(people)


@pytest.mark.parametrize("ending", [".csv", ".json", ".xlsx"])
def test_a_table_with_personal_data_is_refused_at_its_cells_and_says_no_value(tmp_path, ending):
    import json

    import openpyxl

    path = tmp_path / f"own{ending}"
    rows = [["nis", "2024", "voornaam"], ["11001", "4", "Wannes"], ["11002", "85.07.30-033.28", "Mieke"]]
    if ending == ".csv":
        path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    elif ending == ".json":
        path.write_text(json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]), encoding="utf-8")
    else:
        book = openpyxl.Workbook()
        book.active.append(["nis", "2024"])
        hidden = book.create_sheet("Hidden")
        hidden.sheet_state = "veryHidden"
        for row in rows:
            hidden.append(row)
        hidden.row_dimensions[2].hidden = True
        book.save(path)
    with pytest.raises(PersonalDataError) as caught:
        read_table(path, None if ending != ".xlsx" else "Sheet")
    sheet = "Hidden" if ending == ".xlsx" else ""
    found = [(sheet, "C2", "name"), (sheet, "B3", "national_number"), (sheet, "C3", "name")]
    assert list(caught.value.places) == found
    said = str(caught.value)
    assert not [typed for typed in ("Wannes", "Mieke", "85.07.30") if typed in said]
    assert "B3 holds what looks like a national register number" in said


def test_an_export_of_kobo_with_personal_data_gives_findings_and_no_value(tmp_path, framework):
    path = tmp_path / "export.csv"
    path.write_text("etk_unit;etk_digest;opmerking\nmunicipality_11001;x;bel jan@example.org\n", encoding="utf-8")
    values, findings = read_kobo(path, framework=framework)
    assert values.empty
    assert [(found.code, found.where.cell, dict(found.facts)) for found in findings] == [("personal.email", "C2", {})]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_our_own_forms_is_taken_for_personal_data(tmp_path, language):
    framework = load_framework("livc-r")
    for form in framework.forms:
        meta = FormMeta(
            "livc-r", framework.version, form, "municipality", "11002", ("11002",), "2025", "2025", (), language
        )
        path = tmp_path / f"{form}.xlsx"
        write_template(framework, meta, path, name="Sint-Jans-Molenbeek")
        scan = guard_workbook(path)
        assert open_form(scan, framework).places
        headings = [raw for rows in scan.rows.values() for row in rows for raw in row if isinstance(raw, str)]
        assert len(headings) > 100
        assert [text for text in headings if heading_kind(text)] == []


def test_a_missing_table_is_still_an_error_with_its_name(tmp_path):
    with pytest.raises(EvaltoolkitError, match=r"nowhere\.csv"):
        read_table(tmp_path / "nowhere.csv")
