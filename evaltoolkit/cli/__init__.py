"""Commands. Exit status: 0 done, 1 findings that need a person, 2 wrong use. No arithmetic here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from evaltoolkit.cli import board, forms, framework, municipality, plan, results, worksheet
from evaltoolkit.findings import EvaltoolkitError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    name="evaltoolkit",
    help="Find out whether local action against radicalisation and polarisation works.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(forms.app)
app.add_typer(board.app)
app.add_typer(municipality.app)
app.add_typer(framework.app, name="framework")
app.add_typer(plan.app, name="plan")
app.add_typer(worksheet.app, name="worksheet")
app.add_typer(results.app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's fault is a message, never a traceback."""
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="evaltoolkit")
    except EvaltoolkitError as error:
        print(error, file=sys.stderr)
        sys.exit(1 if isinstance(error, RefusedError) else 2)
    except (FileExistsError, NotADirectoryError) as error:
        print(f"{error.filename} is a file where a folder is needed. Give another path.", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(
            f"{error.filename or 'A file'}: {error.strerror or error}. Check the path and try again.", file=sys.stderr
        )
        sys.exit(2)
