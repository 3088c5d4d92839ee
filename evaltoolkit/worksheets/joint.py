"""Numbers and evidence side by side: what each says of a step, and how they fit, by a table of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.worksheets.judge import ClaimReading, Judgement
from evaltoolkit.worksheets.rules import Conclusion, worksheet_rules

NumbersSay = Literal["for", "against", "open", "silent"]
EvidenceSays = Literal["for", "against", "silent"]
Fit = Literal["confirms", "contradicts", "adds", "side_by_side", "evidence_silent", "both_silent"]


@dataclass(frozen=True)
class NumbersRow:
    """What an evaluation says of one outcome, in plain data.

    Parameters
    ----------
    outcome : str
        Id of the indicator; a claim names the same in its ``outcome``.
    verdict : str
        Kind of the verdict, such as ``improved`` or ``unclear``.
    sentence, grade : str
        As the report says them.
    """

    outcome: str
    verdict: str
    sentence: str
    grade: str


@dataclass(frozen=True)
class JointRow:
    """One step: its numbers and its evidence; either is None where there is none."""

    numbers: NumbersRow | None
    claim: ClaimReading | None
    fit: Fit


def joint_display(numbers: Sequence[NumbersRow], judgement: Judgement) -> tuple[JointRow, ...]:
    """Put what the numbers say of each outcome beside what the evidence says of each claim.

    Parameters
    ----------
    numbers : sequence of NumbersRow
        Of one evaluation, each outcome once.
    judgement : Judgement
        Of one worksheet.

    Returns
    -------
    tuple of JointRow
        The claims in the worksheet's order, then the outcomes that no claim speaks of.

    Raises
    ------
    EvaltoolkitError
        A verdict that the table of rules does not know.
    """
    by_outcome = {row.outcome: row for row in numbers}
    rows = [_joined(by_outcome.get(reading.claim.outcome), reading) for reading in judgement.claims]
    spoken = {reading.claim.outcome for reading in judgement.claims}
    return (*rows, *(_joined(row, None) for row in numbers if row.outcome not in spoken))


def _joined(numbers: NumbersRow | None, claim: ClaimReading | None) -> JointRow:
    said = numbers_say(numbers.verdict) if numbers else "silent"
    seen = evidence_says(claim.conclusion) if claim else "silent"
    return JointRow(numbers, claim, fit_of(said, seen))


def numbers_say(verdict: str) -> NumbersSay:
    """Return what a kind of verdict says of a claim about the same outcome."""
    known = worksheet_rules()["numbers"]
    if verdict not in known:
        raise EvaltoolkitError(
            f'The verdict "{verdict}" has no entry under [numbers] in data/worksheet.toml: add it.'
            f"{nearest(verdict, known)}"
        )
    said: NumbersSay = known[verdict]
    return said


def evidence_says(conclusion: Conclusion) -> EvidenceSays:
    """Return what a conclusion of a worksheet says of its claim."""
    said: EvidenceSays = worksheet_rules()["evidence"][conclusion]
    return said


def fit_of(numbers: NumbersSay, evidence: EvidenceSays) -> Fit:
    """Return how numbers and evidence fit."""
    for entry in worksheet_rules()["fit"]:
        if (entry["numbers"], entry["evidence"]) == (numbers, evidence):
            fit: Fit = entry["fit"]
            return fit
    raise ValueError(f"data/worksheet.toml has no [[fit]] for {numbers} and {evidence}; fits: {get_args(Fit)}")
