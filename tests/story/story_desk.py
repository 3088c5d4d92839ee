"""Sixty municipalities, their returned forms, two portal exports and a roster; built here, not by the package."""

import csv

import numpy as np
import openpyxl
import pytest

from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import words
from evaltoolkit.submissions.layout import status_label
from evaltoolkit.territory.municipalities import load_municipalities, municipality_name

YEARS = ("2024", "2023", "2022", "2021", "2020", "2019")
N = 60
STARTS = {2022: 12, 2023: 12}
# more meetings with social partners after the start; the story's true effect
EFFECT = 4.0


def run(*arguments):
    """Run the command line in this process; return the exit status."""
    from evaltoolkit.cli import main

    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return stopped.value.code or 0


def sixty_codes():
    register = load_municipalities()
    flemish = register[(register["in_2025"].astype(int) == 1) & (register["region_code"] == "02000")]
    return [str(code) for code in flemish.index[:: len(flemish) // N][:N]]


def start_years():
    """First year of coaching of each municipality, infinity for never; large and small ones alternate."""
    years = [year for year, count in STARTS.items() for _ in range(count)]
    return np.array([*years, *[np.inf] * (N - len(years))])[np.random.default_rng(5).permutation(N)]


def draw_meetings():
    """Meetings with social partners, a row per municipality, a column per year of ``YEARS``."""
    rng = np.random.default_rng(11)
    year = np.array([int(label) for label in YEARS])
    effect = EFFECT * (year >= start_years()[:, None])
    return rng.poisson(6 + rng.normal(0, 1, (N, 1)) + 0.2 * (year - 2019) + effect)


def draw_trust():
    rng = np.random.default_rng(12)
    return np.clip(0.55 + rng.normal(0, 0.04, (N, 1)) + rng.normal(0, 0.012, (N, 6)), 0, 1)


def write_respondents(path, codes):
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter=";")
        writer.writerow(["unit_kind", "unit", "name", "members", "language"])
        writer.writerows(["municipality", code, municipality_name(code, "nl"), "", ""] for code in codes)


def fill_form(path, meetings):
    """Fill a form as an officer would in a spreadsheet program, and save it: this year, then earlier years."""
    book = openpyxl.load_workbook(path)

    def put(name, value):
        ((title, cell),) = book.defined_names[name].destinations
        book[title][cell.replace("$", "")] = value

    own = load_framework("livc-r").by_id["GOV-02"].part("value").options[0].label.in_("nl")
    for year, number in zip(YEARS, meetings.tolist(), strict=True):
        put(f"etk.COMP_09.value.{year}.v", number)
        put(f"etk.GOV_08.case.{year}.v", number)
        put(f"etk.GOV_08.strategic.{year}.v", 2)
        # incidents are rare, and that is the truth: most forms say 0
        put(f"etk.HAR_08.value.{year}.v", 1 if number % 9 == 0 else 0)
        if year != YEARS[0]:
            put(f"etk.COMP_09.value.{year}.s", status_label("reconstructed", "nl"))
    put("etk.GOV_02.value.2024.v", own)
    put("etk.PREV_06.value.2024.v", words("nl").say("form.yes"))
    put("etk.CAP_01.numerator.2024.s", status_label("DK", "nl"))
    put("etk.CAP_01.denominator.2024.s", status_label("DK", "nl"))
    book.save(path)


def write_wide(path, title, codes, figures):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    years = [int(year) for year in reversed(YEARS)]
    for row in ([title], [], ["Gemeente", *years]):
        sheet.append(row)
    for code, row in zip(codes, figures.tolist(), strict=True):
        sheet.append([municipality_name(code, "nl"), *row])
    book.save(path)


MAPPING = """source = "Survey of municipalities (made up for a test)"
vintage = 2025
decimal = ","

[[tables]]
file = "trust.xlsx"
unit_column = "Gemeente"
[[tables.columns]]
header = '(\\d{4})'
indicator = "TRU-01"
part = "value"
scale = 0.01

[[tables]]
file = "answers.xlsx"
unit_column = "Gemeente"
[[tables.columns]]
header = '(\\d{4})'
indicator = "TRU-01"
part = "n"

[[constants]]
indicator = "TRU-01"
part = "design_effect"
value = 1.4
"""


def write_roster(path, codes, starts):
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["gemeente", "actie", "start", "bron", "toestand"])
        for code, start in zip(codes, starts.tolist(), strict=True):
            first = f"15/03/{int(start)}" if np.isfinite(start) else ""
            writer.writerow([code, "coaching", first, "coaching register", "behandeld" if first else "nooit"])


def lay_out_desk(desk):
    """Lay everything the evaluator has on the desk: forms as they came back, exports, mapping, respondents."""
    codes = sixty_codes()
    write_respondents(desk / "respondents.csv", codes)
    asked = ["--period", YEARS[0], "--earlier", 5, "--form", "evaluation"]
    assert run("template", desk / "respondents.csv", desk / "returned", *asked) == 0
    for code, meetings in zip(codes, draw_meetings(), strict=True):
        fill_form(desk / "returned" / f"{code}_{YEARS[0]}_nl.xlsx", meetings)
    trust = draw_trust()[:, ::-1]
    # a portal writes numbers as text with a decimal comma
    shares = np.char.replace(np.char.mod("%.1f", 100 * trust), ".", ",")
    write_wide(desk / "trust.xlsx", "Vertrouwen (%)", codes, shares)
    write_wide(desk / "answers.xlsx", "Antwoorden", codes, np.full((N, 6), 400))
    (desk / "trust.toml").write_text(MAPPING, encoding="utf-8")
    write_roster(desk / "roster.csv", codes, start_years())
