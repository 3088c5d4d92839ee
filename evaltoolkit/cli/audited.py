"""How an audit is printed: what was compared, what differs and why, what could not be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from evaltoolkit.audit.audit import AuditTable

_MOST_LISTED = 20


def print_audit(console: Console, outcome: str, table: AuditTable) -> None:
    """Print a table by engine and method, the reasons, and one sentence."""
    _print_summary(console, outcome, table.summary())
    rows = table.rows
    _print_reasons(console, "Differences that a computed convention closes:", rows[rows["verdict"] == "explained"])
    _print_unexplained(console, rows[rows["verdict"] == "unexplained"])
    _print_reasons(console, "An engine stopped:", rows[rows["verdict"] == "engine failed"])
    _print_reasons(console, "Not compared:", rows[rows["verdict"] == "not comparable"])
    console.print(f"{outcome}: {table}")
    console.print()


def _print_summary(console: Console, outcome: str, summary: pd.DataFrame) -> None:
    from rich.table import Table

    if summary.empty:
        return
    shown = Table("engine", "method", "agree", "explained", "unexplained", "largest", title=outcome)
    for row in summary.to_dict("records"):
        largest = "" if row["largest"] != row["largest"] else f"{row['largest']:.1e}"
        counts = (str(row[verdict]) for verdict in ("agrees", "explained", "unexplained"))
        shown.add_row(str(row["engine"]), str(row["method"]), *counts, largest)
    console.print(shown)
    versions = summary[["engine", "version"]].drop_duplicates().itertuples(index=False)
    console.print(f"Engines: {', '.join(f'{engine} {version}' for engine, version in versions)}.")
    console.print("Largest difference among those that agree, relative to the estimate or its standard error.")


def _print_reasons(console: Console, head: str, rows: pd.DataFrame) -> None:
    """One line for each reason, and whom it concerns."""
    if rows.empty:
        return
    console.print(head)
    for sentence, group in rows.groupby("sentence", sort=False):
        who = (
            f"{engine}: {', '.join(methods.unique())}"
            for engine, methods in group.groupby("engine", sort=False)["method"]
        )
        details = "; ".join(detail for detail in group["detail"].unique() if detail)
        console.print(f"- {sentence}{f' [{details}]' if details else ''} ({'; '.join(who)})")


def _print_unexplained(console: Console, rows: pd.DataFrame) -> None:
    from rich.table import Table

    if rows.empty:
        return
    shown = Table("engine", "method", "quantity", "which", "toolkit", "engine's", "relative", title="Unexplained")
    for row in rows.head(_MOST_LISTED).to_dict("records"):
        words = (str(row[name]) for name in ("engine", "method", "quantity", "label"))
        shown.add_row(*words, *(f"{row[name]:.6g}" for name in ("ours", "theirs", "relative")))
    console.print(shown)
    if len(rows) > _MOST_LISTED:
        console.print(f"... and {len(rows) - _MOST_LISTED} more; write them all with --out audit.csv")
    console.print(str(rows["sentence"].iloc[0]))
