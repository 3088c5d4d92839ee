"""What the sender may not have seen: hidden sheets, rows and columns of a form that hold something."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from evaltoolkit.findings import Finding, Where
from evaltoolkit.submissions.form import Form
from evaltoolkit.submissions.layout import MAX_EARLIER

# Columns of the widest sheet of a form: numbers, questions, and two for each earlier period.
_WIDEST = 2 + 2 * MAX_EARLIER


def hidden_findings(form: Form) -> Iterator[Finding]:
    """Ask about what is hidden; answers there count all the same."""
    for sheet in form.rows:
        where = Where(form.scan.file, sheet, unit=form.meta.unit, period=form.meta.period)
        scan = form.scan.sheets[sheet]
        asked = [cell for place, cell in form.places.values() if place == sheet]
        rows, columns = {row for row, _ in asked}, {column for _, column in asked}
        if scan.visibility != "visible":
            yield Finding("form.hidden_sheet", "question", where)
        counts = {
            "form.hidden_rows": sum(row in rows for row in scan.hidden_rows),
            "form.hidden_columns": sum(column in columns for column in scan.hidden_columns),
            "form.hidden_content": _beyond(form, sheet, rows),
        }
        for code, count in counts.items():
            if count:
                yield Finding(code, "question", where, {"count": count})


def _beyond(form: Form, sheet: str, asked: Collection[int]) -> int:
    """Count hidden rows below the questions, and on a sheet without questions all, where something stands.

    Above and between the questions stand the form's own texts.
    """
    last = max(asked, default=0)
    lines = form.rows[sheet]
    hidden = [row for row in form.scan.sheets[sheet].hidden_rows if last < row <= len(lines)]
    count = sum(any(raw is not None for raw in lines[row - 1]) for row in hidden)
    beyond = [column for column in form.scan.sheets[sheet].hidden_columns if column > _WIDEST]
    return count + sum(any(len(line) >= column and line[column - 1] is not None for line in lines) for column in beyond)
