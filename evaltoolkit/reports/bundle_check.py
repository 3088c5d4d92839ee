"""Do an evaluation again from its bundle and name everything that is not as it was."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from evaltoolkit.evaluations.inputs import Inputs, load_inputs
from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.canonical import canonical_plan
from evaltoolkit.plans.reading import read_plan
from evaltoolkit.reports.bundle import EXACT, INPUTS, RESULTS, digests_of, exact_results
from evaltoolkit.reports.bundle_differences import (
    Difference,
    compare_flat,
    compare_inputs,
    compare_results,
    flat_plan,
    flat_results,
)
from evaltoolkit.reports.bundle_inputs import inputs_csv, refuse_outside, restore_stores
from evaltoolkit.reports.bundle_zip import Bundle, as_json, unpack
from evaltoolkit.reports.tables import describe_results


@dataclass(frozen=True)
class Verification:
    """What came of verifying a bundle.

    Attributes
    ----------
    differences : tuple of Difference
        Files of the bundle that were changed, the plan, inputs, digests, results, versions: in this order.
    rebuilt_from : ``bundle`` or ``plan``
    numbers : how many numbers and words of the results were compared
    """

    differences: tuple[Difference, ...]
    rebuilt_from: Literal["bundle", "plan"]
    numbers: int

    @property
    def same(self) -> bool:
        """Whether everything but versions is as it was."""
        return not any(one.fails for one in self.differences)

    def to_frame(self) -> pd.DataFrame:
        """Return the differences as a table: ``kind, where, then, now``."""
        rows = [(one.kind, one.where, one.then, one.now) for one in self.differences]
        return pd.DataFrame(rows, columns=["kind", "where", "then", "now"], dtype="str")


def verify_bundle(path: str | Path, plan: str | Path | None = None) -> Verification:
    """Do an evaluation again and hold it against its bundle, digit by digit.

    Parameters
    ----------
    path : the bundle
    plan : path of a plan, optional
        The evaluation is then done from that plan and the files beside it, for example in another copy of the
        project; without it from what the bundle holds, in a temporary folder.

    Returns
    -------
    Verification
        Names every number of the results that differs in any of ten digits (outcome, estimator, label, then, now),
        every input (measure, unit, period; numbers of sensitive measures withheld), every changed field of the plan,
        digest and file, and every other version. Another version alone is a note.

    Raises
    ------
    EvaltoolkitError
        The file is no bundle, damaged or made to do harm; it holds no inputs and no plan was given; or the plan that
        was given has faults.
    """
    bundle = unpack(path)
    if plan is not None:
        return _compare(bundle, load_inputs(plan), "plan")
    if not bundle.manifest["holds_inputs"]:
        raise EvaltoolkitError(
            f'"{Path(path).name}" was written for publication and holds no values: give the plan that lies beside the '
            f"data as well (evaltoolkit evaluate evaluation.toml --verify {Path(path).name})."
        )
    with tempfile.TemporaryDirectory() as folder:
        try:
            return _compare(bundle, _unfold(bundle, Path(folder)), "bundle")
        except EvaltoolkitError as fault:
            # a file that was changed may be no plan or no table any more: that is an answer
            if not bundle.changed:
                raise
            failed = Difference("rebuild", "the changed files do not give an evaluation", "", str(fault))
            return Verification((*_files(bundle), failed), "bundle", 0)


def _unfold(bundle: Bundle, folder: Path) -> Inputs:
    for name, content in bundle.project().items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    restore_stores(folder)
    file = read_plan(folder / str(bundle.manifest["plan"]["place"]))
    refuse_outside(file, folder)
    return load_inputs(file.path)


def _compare(bundle: Bundle, inputs: Inputs, source: Literal["bundle", "plan"]) -> Verification:
    evaluation = run_plan(inputs)
    manifest, inside = bundle.manifest, bool(bundle.manifest["holds_inputs"])
    now = describe_results(evaluation)
    exact = exact_results(evaluation) if inside else now
    # numbers were written to JSON and read again on one side: the same is done on the other
    shown, opened = (json.loads(as_json(one)) for one in (now, exact))
    then = bundle.document(EXACT if inside else RESULTS)
    differences = [
        *_files(bundle),
        *compare_flat("plan", flat_plan(manifest["plan"]["content"]), flat_plan(canonical_plan(inputs.plan))),
        *(compare_inputs(bundle.files[INPUTS], inputs_csv(inputs), inputs.framework) if INPUTS in bundle.files else ()),
        *compare_flat("digest", manifest["digests"], digests_of(inputs, publication=not inside)),
        *compare_results(then, opened, (bundle.document(RESULTS), shown)),
        *compare_flat("version", manifest["versions"], dict(evaluation.info["versions"])),
    ]
    return Verification(tuple(differences), source, len(flat_results(opened)))


def _files(bundle: Bundle) -> Iterator[Difference]:
    for name in bundle.changed:
        state = "missing" if name not in bundle.files else "other content"
        yield Difference("file", name, "as on the list of the bundle", state)
