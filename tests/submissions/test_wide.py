import openpyxl
import pytest

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.submissions.wide import read_wide

MAPPING = """
source = "Example portal, table Trust, downloaded 2026-03-02"
vintage = 2019
skip = ["Vlaams Gewest", "Totaal"]
[missing]
"-" = "NR"
".." = "SUP"
"n.b." = "DK"
[[tables]]
file = "trust.xlsx"
sheet = "Data"
unit_column = "Gemeente"
[[tables.columns]]
header = '(\\d{4}) \\(%\\)'
indicator = "TRU-01"
part = "share"
scale = 0.01
[[tables.columns]]
header = 'n (\\d{4})'
indicator = "TRU-01"
part = "n"
[[constants]]
indicator = "TRU-01"
part = "design_effect"
value = 1.5
"""
ROWS = [
    ["Vertrouwen in het gemeentebestuur"],
    ["Aandeel inwoners (%), per gemeente"],
    [],
    ["Gemeente", "2020 (%)", "2023 (%)", "n 2020", "n 2023", "Opmerking"],
    ["Antwerpen", "62,4", 58.1, 412, 398, "x"],
    ["sint niklaas", "n.b.", "55,0", "..", 210, None],
    ["Anderlecht", "-", "1.050,5", None, None, None],
    ["Totaal", "60,0", "57,0", 9999, 9999, None],
    ["Vlaams Gewest", "60,0", "57,0", 9999, 9999, None],
    [],
    ["Bron: voorbeeld. n.b. = niet beschikbaar."],
]


def save(folder, rows=ROWS, mapping=MAPPING):
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in rows:
        book.active.append(row)
    book.create_sheet("Toelichting").append(["Uitleg"])
    book.save(folder / "trust.xlsx")
    (folder / "trust.toml").write_text(mapping, encoding="utf-8")
    return folder / "trust.toml"


def test_a_portal_export_is_read(tmp_path, framework):
    rows = [row for row in ROWS if row[:1] != ["Anderlecht"]]
    values = read_wide(save(tmp_path, rows), framework)
    got = {(r.unit, r.period, r.part): (r.value, r.status) for r in values.itertuples()}
    assert got["11002", "2020", "share"] == (0.624, "registered")
    assert got["11002", "2023", "share"] == (0.581, "registered")
    assert got["11002", "2023", "n"] == (398.0, "registered")
    assert got["46021", "2023", "share"] == (0.55, "registered")
    assert got["46021", "2020", "share"][1] == "DK"
    assert got["46021", "2020", "n"][1] == "SUP"
    assert got["46021", "2020", "design_effect"] == (1.5, "registered")
    assert {unit for unit, *_ in got} == {"11002", "46021"}
    (digest,) = values.attrs["sources"]
    first = values.query("unit == '11002' and period == '2020' and part == 'share'")["source"].item()
    assert first == f"xlsx:{digest}/Data!B5"


def test_all_faults_at_once(tmp_path, framework):
    rows = [list(row) for row in ROWS]
    rows[4][0] = "Antwerpn"
    rows[5][1] = "veel"
    rows[5][4] = 3.5
    rows[8][0] = "Gewest"
    with pytest.raises(FaultsError) as caught:
        read_wide(save(tmp_path, rows), framework)
    text = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 5
    assert 'Data!A5: No municipality of 2019 is called "Antwerpn". Did you mean "Antwerpen"?' in text
    assert "Data!B6: what stands here is not a number" in text
    assert "Data!E6: 3.5 is not a whole number" in text
    assert "Data!C7: 10.505 is above the largest possible value" in text
    assert 'Data!A9: No municipality of 2019 is called "Gewest"' in text


def test_repeated_unit_is_a_fault(tmp_path, framework):
    with pytest.raises(FaultsError, match=r"11002 2020 TRU-01 share stands twice: trust\.xlsx Data!B5 and trust\.xlsx"):
        read_wide(save(tmp_path, [*ROWS[:5], ["Anvers", "61,0"]]), framework)


def test_codes_and_plain_years_in_csv(tmp_path, framework):
    (tmp_path / "m.csv").write_text("Titel;;\nNIS;2022;2023\n11002;1.234;7\n11004;;8\n", encoding="cp1252")
    mapping = """
source = "Office"
unit = "code"
vintage = 2025
[[tables]]
file = "m.csv"
unit_column = "NIS"
[[tables.columns]]
header = '(\\d{4})'
indicator = "GOV-08"
part = "total"
"""
    (tmp_path / "m.toml").write_text(mapping, encoding="utf-8")
    values = read_wide(tmp_path / "m.toml", framework)
    assert values[["unit", "period", "value"]].to_numpy().tolist() == [
        ["11002", "2022", 1234.0],
        ["11002", "2023", 7.0],
        ["11004", "2023", 8.0],
    ]
    assert values["source"].str.endswith("/row 3").tolist() == [True, True, False]


def test_two_header_rows_and_numeric_codes(tmp_path, framework):
    rows = [["NIS", 2020, None, 2023, None], [None, "%", "n", "%", "n"], [11002, 50, 100, 60, 120]]
    mapping = MAPPING.replace('"Gemeente"', '"NIS"\nheader_rows = 2').replace(
        "vintage = 2019", 'vintage = 2019\nunit = "code"'
    )
    mapping = mapping.replace(r"'(\d{4}) \(%\)'", r"'(\d{4}) \| %'").replace(r"'n (\d{4})'", r"'(\d{4}) \| n'")
    values = read_wide(save(tmp_path, rows, mapping), framework)
    got = {(r.period, r.part): r.value for r in values.itertuples()}
    assert got == {
        ("2020", "share"): 0.5,
        ("2020", "n"): 100.0,
        ("2023", "share"): 0.6,
        ("2023", "n"): 120.0,
        ("2020", "design_effect"): 1.5,
        ("2023", "design_effect"): 1.5,
    }


def test_name_of_two_municipalities_needs_a_decision(tmp_path, framework):
    rows = [*ROWS[:4], ["Saint-Nicolas", "50,0"]]
    with pytest.raises(FaultsError, match="means more than one municipality"):
        read_wide(save(tmp_path, rows), framework)
    mapping = MAPPING.replace("vintage = 2019", 'vintage = 2019\nnames = { "Saint-Nicolas" = "62093" }')
    assert set(read_wide(save(tmp_path, rows, mapping), framework)["unit"]) == {"62093"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("vintage = 2019", "vintge = 2019", 'Did you mean "vintage"'),
        ("vintage = 2019", "", "vintage = 2018, 2019 or 2025"),
        ('"TRU-01"', '"TRU-1"', 'no indicator "TRU-1". Did you mean "TRU-01"'),
        ('part = "share"', 'part = "shares"', 'has no part "shares". Did you mean "share"'),
        ('"Gemeente"', '"Gemeenten"', 'holds the header "Gemeenten"'),
        (r"'(\d{4}) \(%\)'", r"'(\d{4}) percent'", "no column matches header"),
        (r"'(\d{4}) \(%\)'", r"'(('", "not a regular expression"),
        (r"'(\d{4}) \(%\)'", "'2020.*'", "has no (group) for the period"),
        ('"trust.xlsx"', '"other.xlsx"', 'no file "other.xlsx"'),
        ('sheet = "Data"', "", "has 2 sheets"),
        ("source =", "source = ", ""),
        ("[missing]", "[missing", "not valid TOML"),
        ('"-" = "NR"', '"-" = "none"', "missing"),
    ],
)
def test_bad_mapping_says_what_is_wrong(tmp_path, framework, old, new, said):
    if not said:
        rows = [row for row in ROWS if row[:1] != ["Anderlecht"]]
        assert len(read_wide(save(tmp_path, rows, MAPPING.replace(old, new)), framework)) == 12
        return
    with pytest.raises(EvaltoolkitError) as caught:
        read_wide(save(tmp_path, mapping=MAPPING.replace(old, new)), framework)
    assert said in str(caught.value)
