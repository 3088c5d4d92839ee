"""The table for a publication as LaTeX and as a page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import prose_of
from evaltoolkit.reports.publication import PublicationTable, publication_table

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    # a straight quotation mark is a command of some languages, an upright line a dash in the old fonts
    '"': r"\char34{}",
    "|": r"\textbar{}",
    # what pdflatex has no letter for
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    **{chr(0x2080 + digit): rf"\textsubscript{{{digit}}}" for digit in range(10)},
    "−": "$-$",
    "–": "--",
    "\u00a0": "~",
    "\u202f": r"\,",
    "\u2009": r"\,",
}

_NEEDS = r"% UTF-8; before \begin{document}: \usepackage{booktabs}, and for pdflatex \usepackage[T1]{fontenc}"


def as_latex(table: PublicationTable) -> str:
    """Return a ``table`` environment for a document with the packages booktabs and, for pdflatex, fontenc (T1).

    The text is UTF-8. Notes stand below the table.
    """
    rows, headings = _rows(table)
    # two outcomes may bear one name: the styler wants columns that it can tell apart
    names = dict(enumerate((table.head, *table.columns)))
    styler = pd.DataFrame(rows, columns=list(names), dtype="str").style.hide(axis="index").format(_escape)
    styler = styler.format(_first, subset=[0])
    styler = styler.format_index(lambda place: _escape(names[int(str(place))]), axis=1)
    if headings:
        styler = styler.format(lambda text: rf"\midrule \emph{{{_escape(text)}}}", subset=(headings, [0]))
    tabular = styler.to_latex(hrules=True, column_format=_widths(len(table.columns)))
    notes = [rf"\par\smallskip\footnotesize {_escape(note)}" for note in table.notes]
    parts = [_NEEDS, r"\begin{table}", r"\centering", rf"\caption{{{_escape(table.caption)}}}", tabular.strip(), *notes]
    return "\n".join([*parts, r"\end{table}", ""])


def _widths(columns: int) -> str:
    """Names of outcomes are long: every column wraps, and all together fill the page."""
    return r"p{0.26\textwidth}" + rf"p{{{0.6 / columns:.2f}\textwidth}}" * columns


def _rows(table: PublicationTable) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    headings = []
    for block in table.blocks:
        if block.heading:
            headings.append(len(rows))
            rows.append([block.heading, *[""] * len(table.columns)])
        rows += [[label, *cells] for label, cells in block.rows]
    return rows, headings


def _first(text: object) -> str:
    """Escape the first cell of a row: a bracket after the end of a row would be read as the space between rows."""
    escaped = _escape(text)
    return f"{{[}}{escaped[1:]}" if escaped.startswith("[") else escaped


def _escape(text: object) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in str(text))


def write_table(evaluation: Evaluation, out: Path, language: str) -> Path | None:
    """Write the table in one language as ``.tex`` or as one self-contained page; None where nothing was estimated."""
    prose = prose_of(evaluation, language)
    table = publication_table(evaluation, prose)
    if table is None:
        return None
    if out.suffix == ".tex":
        text = as_latex(table)
    else:
        simulated = evaluation.plan.data.simulated
        text = render_page("publication.html.j2", prose, title=table.caption, simulated=simulated, table=table)
    out.write_text(text, encoding="utf-8", newline="\n")
    return out
