import csv
import dataclasses
import html
import io
import math
import re
from html.parser import HTMLParser

import openpyxl
import pandas as pd
import pytest
from bundle_sample import lay_out_table

from evaltoolkit.evaluations.evaluation import Interval
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.reports.prose import prose_of
from evaltoolkit.reports.publication import Block, publication_table
from evaltoolkit.reports.publication_text import as_latex
from evaltoolkit.reports.tables import write_results


def rows_of(table):
    return [(block.heading, label, cells) for block in table.blocks for label, cells in block.rows]


def numbers(text):
    return [float(found.replace("−", "-")) for found in re.findall(r"[+−]?\d+\.?\d*", text)]


def with_interval(evaluation, low, high):
    first = evaluation.outcomes[0]
    interval = Interval(first.headline.interval.estimate, low, high, 0.95)
    headline = dataclasses.replace(first.headline, interval=interval)
    changed = dataclasses.replace(first, headline=headline)
    return dataclasses.replace(evaluation, outcomes=(changed, *evaluation.outcomes[1:]))


def test_effects_are_those_of_the_evaluation_in_the_units_shown(evaluation):
    table = publication_table(evaluation, prose_of(evaluation, "en"))
    assert len(table.columns) == 4
    first = evaluation.outcomes[0]
    overall, interval = (cells[0] for _, _, cells in rows_of(table)[:2])
    row = first.overall.to_frame().iloc[0]
    assert numbers(overall) == [round(100 * row["estimate"], 1)]
    assert numbers(interval) == [round(100 * row["conf_low"], 1), round(100 * row["conf_high"], 1)]
    events = [cells[0] for heading, label, cells in rows_of(table) if "time since" in heading and label]
    estimates = first.event.to_frame()["estimate"]
    assert [numbers(cell)[0] for cell in events] == [round(100 * value, 1) for value in estimates]
    cohorts = [label for heading, label, _ in rows_of(table) if "By start" in heading and label]
    assert cohorts == ["Started in 2021", "Started in 2022", "Started in 2023"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_starred_and_what_is_absent_is_a_word(evaluation, language):
    prose = prose_of(evaluation, language)
    table = publication_table(evaluation, prose)
    text = as_latex(table)
    assert "*" not in text
    assert "nan" not in text.lower().split()
    assert prose.say("publication.no_interval") in text
    # two units of their own start of a sensitive measure, four treated units of another
    assert prose.say("report.hidden") in text
    assert prose.say("publication.note.hidden") in table.notes
    assert prose.say("report.simulated") in table.notes[-1]
    assert all(len(cells) == len(table.columns) for _, _, cells in rows_of(table))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-math.inf, 0.1, "minus infinity to"),
        (0.01, math.inf, "to infinity"),
        (math.nan, math.nan, "no interval"),
        (-math.inf, math.inf, "no interval"),
    ],
)
def test_infinite_ends_are_words(evaluation, low, high, words):
    table = publication_table(with_interval(evaluation, low, high), prose_of(evaluation, "en"))
    assert words in rows_of(table)[1][2][0]


def test_nothing_is_written_where_nothing_was_estimated(evaluation, tmp_path):
    refused = dataclasses.replace(evaluation, outcomes=(evaluation.outcomes[1],))
    assert publication_table(refused, prose_of(refused, "en")) is None
    assert write_results(refused, tmp_path, formats=("tex", "html")) == ()
    assert list(tmp_path.iterdir()) == []


def test_latex_is_whole_and_says_nothing_it_should_not(evaluation):
    plan = evaluation.plan.model_copy(update={"title": r"50% of \input{x} & $a_b$ #1 {~^}"})
    text = as_latex(publication_table(dataclasses.replace(evaluation, plan=plan), prose_of(evaluation, "en")))
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1
    assert r"50\% of \textbackslash{}input\{x\} \& \$a\_b\$ \#1 \{\textasciitilde{}\textasciicircum{}\}" in text
    body = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.strip() and line.strip() != r"\midrule"]
    # one label and one cell per outcome in every row
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {4}
    assert all(line.rstrip().endswith(r"\\") for line in lines)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.heads = []

    def handle_starttag(self, tag, attributes):
        if tag == "th":
            self.heads.append(dict(attributes).get("scope"))


def test_page_has_heads_for_every_column_and_row(evaluation, tmp_path):
    (path,) = write_results(evaluation, tmp_path, formats=("html",), language="fr")
    text = path.read_text(encoding="utf-8")
    assert path.name == "table_fr.html"
    assert "default-src 'none'" in html.unescape(text)
    parser = Cells()
    parser.feed(text)
    assert set(parser.heads) == {"col", "row", "rowgroup"}
    assert "<script" not in text


def test_parquet_holds_what_the_csv_holds(evaluation, tmp_path):
    table, parquet = write_results(evaluation, tmp_path, formats=("csv", "parquet"))
    read = pd.read_parquet(parquet)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(read.columns) == list(rows[0])
    assert len(read) == len(rows)
    assert read["estimate"].dropna().tolist() == [float(row["estimate"]) for row in rows if row["estimate"]]
    assert read["n_treated"].tolist() == [int(row["n_treated"]) for row in rows]
    again = write_results(evaluation, tmp_path / "again", formats=("parquet",))
    assert again[0].read_bytes() == parquet.read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_workbook_explains_every_column(evaluation, language, tmp_path):
    (path,) = write_results(evaluation, tmp_path, formats=("xlsx",), language=language)
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == 5
    *sheets, columns = (book[name] for name in book.sheetnames)
    told = {(row[0], row[1]) for row in columns.iter_rows(min_row=2, values_only=True)}
    assert all(row[2] for row in columns.iter_rows(min_row=2, values_only=True))
    for sheet in sheets:
        heads = next(sheet.iter_rows(max_row=1, values_only=True))
        assert {(sheet.title, head) for head in heads} <= told
    rows = list(sheets[0].iter_rows(min_row=2, values_only=True))
    (csv_path,) = write_results(evaluation, tmp_path, formats=("csv",))
    with csv_path.open(encoding="utf-8", newline="") as file:
        expected = [float(row["estimate"]) if row["estimate"] else None for row in csv.DictReader(file)]
    place = next(sheets[0].iter_rows(max_row=1, values_only=True)).index("estimate")
    assert [row[place] for row in rows] == expected
    checks = list(sheets[1].iter_rows(min_row=2, values_only=True))
    assert len(checks) == sum(len(result.checks) for result in evaluation.outcomes)


def test_no_cell_of_the_workbook_is_a_formula(evaluation, tmp_path):
    first = evaluation.outcomes[0]
    outcome = first.outcome.model_copy(update={"indicator": "=cmd()"})
    evil = dataclasses.replace(evaluation, outcomes=(dataclasses.replace(first, outcome=outcome),))
    (path,) = write_results(evil, tmp_path, formats=("xlsx",))
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "b"}
    assert any(cell.value == "'=cmd()" for cell in cells)


def test_an_unknown_format_is_told(evaluation, tmp_path):
    with pytest.raises(EvaltoolkitError, match='Did you mean "xlsx"'):
        write_results(evaluation, tmp_path, formats=("xls",))


def run(*arguments):
    from evaltoolkit.cli import main

    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return stopped.value.code or 0


def test_tables_from_the_command_line(tmp_path, capsys):
    plan = lay_out_table(tmp_path / "project")
    out = tmp_path / "out"
    formats = [word for name in ("parquet", "xlsx", "tex", "html") for word in ("--format", name)]
    assert run("evaluate", plan, "--out", out, "-l", "nl", "-l", "de", "--word", *formats) == 0
    names = {path.name for path in out.iterdir() if path.suffix not in (".html", ".docx")}
    assert names == {
        "results.csv",
        "results.json",
        "results.parquet",
        "results_nl.xlsx",
        "results_de.xlsx",
        "table_nl.tex",
        "table_de.tex",
    }
    documents = {f"{name}_{language}.docx" for name in ("report", "council") for language in ("nl", "de")}
    assert {"table_nl.html", "table_de.html", *documents} <= {path.name for path in out.iterdir()}
    assert "Table: " in capsys.readouterr().out
    assert run("evaluate", plan, "--format", "xls") == 2
    assert 'Did you mean "xlsx"' in capsys.readouterr().err


def test_latex_takes_every_sign_of_a_name(evaluation):
    first = evaluation.outcomes[0]
    outcome = first.outcome.model_copy(update={"indicator": 'CO₂ ≥ 5 % | "a_b" & <ß é>'})
    plan = evaluation.plan.model_copy(update={"outcomes": (outcome,)})
    odd = dataclasses.replace(evaluation, plan=plan, outcomes=(dataclasses.replace(first, outcome=outcome),))
    text = as_latex(publication_table(odd, prose_of(odd, "de")))
    expected = r"CO\textsubscript{2} $\geq$ 5~\% \textbar{} \char34{}a\_b\char34{} \& \textless{}ß é\textgreater{}"
    assert expected in text.replace(r"5 \%", r"5~\%")
    assert text.startswith("% UTF-8")
    assert r"\usepackage{booktabs}" in text.splitlines()[0]


def test_a_bracket_at_the_head_of_a_row_is_no_space_between_rows(evaluation):
    table = publication_table(evaluation, prose_of(evaluation, "en"))
    cells = ("",) * len(table.columns)
    text = as_latex(dataclasses.replace(table, blocks=(Block("", (("a", cells), ("[b] c", cells))),)))
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert rows[-1].startswith("{[}b] c &")
    assert not any(row.lstrip().startswith("[") for row in rows)
