"""A bundle: everything that lets somebody else get the same digits, or only what may be published of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.evaluations.inputs import Inputs, load_inputs
from evaltoolkit.evaluations.run import run_plan
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.i18n import words
from evaltoolkit.plans.canonical import canonical_cohorts, canonical_plan, canonical_values, digest, plan_digest
from evaltoolkit.plans.lock import lock_path
from evaltoolkit.reports.bundle_inputs import inputs_csv, project_files
from evaltoolkit.reports.bundle_zip import SCHEMA, as_json, pack
from evaltoolkit.reports.tables import describe_results, ten_digits

INPUTS = "inputs.csv"
RESULTS = "results.json"
# every number with nothing hidden; never part of what may be published
EXACT = "exact.json"


def write_bundle(
    plan: str | Path, out: str | Path, *, evaluation: Evaluation | None = None, publication: bool = False
) -> Path:
    """Write an evaluation as one file from which it can be done again.

    Parameters
    ----------
    plan : path of the plan
    out : file to write, ``.zip``; its folder is made where it does not exist
    evaluation : what :func:`evaltoolkit.run_plan` made of this plan, where that was done already
    publication : bool
        Without any input: plan, lock, digests, versions, seeds and the results as the report may show them. Only who
        has the data can verify it. Otherwise the bundle holds **every value, also those that no report shows**: it
        stays inside the organisation.

    Returns
    -------
    Path
        A zip with the same bytes for the same evaluation on one platform: no clock, no path, no name of a machine.
        Its ``bundle.json`` lists every file with its SHA-256.

    Raises
    ------
    EvaltoolkitError
        Another ending, a plan with faults, an evaluation of another plan, a file named by a full path, or more data
        than a bundle may hold.
    """
    out = Path(out)
    check_name(out)
    inputs = load_inputs(plan)
    if evaluation is not None and evaluation.info.get("plan_digest") != plan_digest(inputs.plan):
        raise EvaltoolkitError(
            "The evaluation is not that of this plan: give the plan that was run, or leave the evaluation out."
        )
    content = pack_evaluation(inputs, evaluation or run_plan(inputs), publication=publication)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    return out


def check_name(out: Path) -> None:
    """Refuse a file of another kind: it could be the plan itself."""
    if out.suffix.lower() != ".zip":
        raise EvaltoolkitError(f'"{out.name}" does not end in .zip: give the bundle such a name.')


def pack_evaluation(inputs: Inputs, evaluation: Evaluation, *, publication: bool) -> bytes:
    """Return the bundle of an evaluation as bytes."""
    place, project = project_files(inputs)
    if publication:
        lock = place.removesuffix(".toml") + ".lock.json"
        project = {name: data for name, data in project.items() if name in (place, lock)}
    files = {f"project/{name}": data for name, data in project.items()}
    files[RESULTS] = as_json(describe_results(evaluation))
    if not publication:
        files[INPUTS] = inputs_csv(inputs)
        files[EXACT] = as_json(exact_results(evaluation))
    said = words(inputs.plan.language)
    notice = said.say("bundle.publication" if publication else "bundle.inside")
    files["README.txt"] = f"{said.say('bundle.what', title=inputs.plan.title)}\n\n{notice}\n".encode()
    manifest = {
        "schema": SCHEMA,
        "holds_inputs": not publication,
        "notice": notice,
        "simulated": inputs.plan.data.simulated,
        "plan": {"place": place, "content": canonical_plan(inputs.plan)},
        "locked_on": evaluation.locked_on or None,
        "seed": inputs.plan.estimation.seed,
        "versions": dict(evaluation.info["versions"]),
        "digests": digests_of(inputs, publication=publication),
    }
    return pack(manifest, files)


def digests_of(inputs: Inputs, *, publication: bool) -> dict[str, str]:
    """Return the digests of what an evaluation rests on.

    Who knows all values but one could try out which one fits a digest. So what is published has no digest of a single
    sensitive measure, and that of all inputs is taken together with the digests of the files they came from.
    """
    panel, known = inputs.panel, inputs.framework.by_id
    labels = [period.label for period in panel.periods]
    open_ = [
        name for name in panel.measures if not publication or name not in known or known[name].sensitivity == "none"
    ]
    lock = lock_path(inputs.file.path)
    return {
        "plan": plan_digest(inputs.plan),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "",
        "framework": digest(inputs.framework.model_dump(mode="json")),
        "register": _register_digest(),
        "inputs": _inputs_digest(inputs, traced=publication),
        "treatment": canonical_cohorts(inputs.cohorts()),
        **{f"measure {name}": found for name, found in canonical_values(panel, open_, labels).items()},
    }


def _inputs_digest(inputs: Inputs, *, traced: bool) -> str:
    sources = "\n".join(sorted(set(inputs.values["source"]))) if traced else ""
    return hashlib.sha256(inputs_csv(inputs) + sources.encode()).hexdigest()


def _register_digest() -> str:
    """Digest of the register of municipalities, whatever the line ends on this machine."""
    folder = resources.files("evaltoolkit") / "data" / "register"
    tables = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".csv"))
    return digest({name: (folder / name).read_text(encoding="utf-8").splitlines() for name in tables})


def exact_results(evaluation: Evaluation) -> dict[str, Any]:
    """Return the results with nothing hidden, and beside them what the checks saw and who answered."""
    opened = replace(evaluation, outcomes=tuple(replace(result, indicator=None) for result in evaluation.outcomes))
    described = describe_results(opened)
    for entry, result in zip(described["outcomes"], evaluation.outcomes, strict=True):
        entry["facts"] = {check.name: _plain(check.facts) for check in result.checks}
    coverage = evaluation.coverage
    columns = [str(name) for name in coverage.columns]
    rows = [[_number(entry) for entry in row] for row in coverage.astype("object").to_numpy().tolist()]
    return {**described, "coverage": [dict(zip(columns, row, strict=True)) for row in rows]}


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: _number(value) for name, value in sorted(facts.items())}


def _number(value: object) -> object:
    if isinstance(value, bool | int | str):
        return value
    return ten_digits(value) if isinstance(value, float) else str(value)
