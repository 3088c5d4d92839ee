"""What the command line says of a bundle: what is in it, and what differs from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evaltoolkit.cli.common import number_of
from evaltoolkit.findings import EvaltoolkitError

if TYPE_CHECKING:
    from rich.console import Console

    from evaltoolkit.evaluations.evaluation import Evaluation

_INSIDE = (
    "It holds every value, also those that no report may show: keep it inside your organisation. "
    "To publish, add --publication."
)
_PUBLIC = "It holds no values: only who has the data can verify it."


def check_bundle(bundle: Path | None, *, publication: bool, verify: Path | None) -> None:
    """Refuse, before any work is done, a name that a bundle cannot have, and options that do not go together."""
    from evaltoolkit.reports.bundle import check_name

    if verify is not None and (bundle is not None or publication):
        raise EvaltoolkitError("--verify writes nothing: leave out --bundle and --publication.")
    if bundle is not None:
        check_name(bundle)
    elif publication:
        raise EvaltoolkitError("--publication belongs to a bundle: name the file with --bundle as well.")


def keep_bundle(console: Console, plan: Path, bundle: Path, evaluation: Evaluation, *, publication: bool) -> None:
    """Write a bundle and say what it discloses."""
    from evaltoolkit.reports.bundle import write_bundle

    written = write_bundle(plan, bundle, evaluation=evaluation, publication=publication)
    console.print(f"Bundle: {written}", soft_wrap=True)
    console.print(_PUBLIC if publication else _INSIDE)


def print_verification(console: Console, bundle: Path, plan: Path | None) -> bool:
    """Do an evaluation again from its bundle, print what differs, and tell whether it is the same."""
    from evaltoolkit.reports.bundle_check import verify_bundle

    found = verify_bundle(bundle, plan)
    failed = [one for one in found.differences if one.fails]
    for one in found.differences:
        console.print(f"{'' if one.fails else 'note: '}{one}", soft_wrap=True)
    source = "the bundle's own inputs" if found.rebuilt_from == "bundle" else f"{plan} and the files it names"
    console.print(
        f"Done again from {source}, {found.numbers} numbers and words compared: "
        + ("the same in all ten digits." if found.same else f"{number_of(len(failed), 'difference')}."),
        soft_wrap=True,
    )
    return found.same
