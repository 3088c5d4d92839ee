"""What every unit's treatment did: where it began, when it first changed and in which direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.cells import NEVER_OBSERVED, NO_WEIGHT, Mask
from evaltoolkit.findings import EvaltoolkitError

Integers = npt.NDArray[np.int64]

ALONE = "no unit with the same treatment at the start changes at another time"


class _Changes(NamedTuple):
    """What each unit's treatment did, (n,) each.

    Attributes
    ----------
    start : treatment at the start
    seen : index of the first period seen with another one; T = never
    first : the same, but T where a gap before it hides the date of the change
    after : treatment then; at the start where it never changed
    unclear : whether a gap hides the date
    """

    start: Array
    seen: Integers
    first: Integers
    after: Array
    unclear: Mask


@dataclass(frozen=True)
class Paths:
    """The units that enter and the path of their treatment.

    Attributes
    ----------
    design : the design with the remaining units, weights rescaled to mean 1
    level : (n,) number of the treatment at the start: units are compared within a level only
    first : (n,) index of the first period with another treatment than at the start; T = never
    sign : (n,) 1 where treatment then went up, -1 down, 0 never
    cohort : (n,) number of the units that share level, first change and treatment after it
    usable : (n, T) whether outcome and treatment are known and the path has not crossed its start
    moved : (n, T) distance from the treatment at the start, in units of treatment; 0 before the change
    dropped : reason -> codes of the units left out
    unclear : codes of the units whose change fell into a gap: they compare up to the gap
    """

    design: Design
    level: Integers
    first: Integers
    sign: Integers
    cohort: Integers
    usable: Mask
    moved: Array
    dropped: Mapping[str, tuple[str, ...]]
    unclear: tuple[str, ...]


def read_paths(design: Design) -> Paths:
    """Read the treatment paths of a design; without ``design.treatment`` units are treated from ``cohort`` on.

    A change that falls between two known periods of treatment has no date: such a unit compares up to the last period
    known before it and is no switcher. Treatment that is not known later counts as what it was after the change. From
    the period on in which a path has been both above and below its start (treatment of several levels), its outcomes
    mix effects of opposite sign and are not used.

    Raises
    ------
    EvaltoolkitError
        ``design.treatment`` has another shape than the outcome.
    """
    treatment = _treatment(design)
    known: Mask = np.isfinite(treatment)
    observed: Mask = np.isfinite(design.outcome) & known
    rules: dict[str, Mask] = {NO_WEIGHT: ~(design.weights > 0), NEVER_OBSERVED: np.asarray(~observed.any(axis=1))}
    keep: Mask = ~(rules[NO_WEIGHT] | rules[NEVER_OBSERVED])
    rules[ALONE] = np.zeros(len(keep), bool)
    rules[ALONE][keep] = _alone(_changes(treatment[keep], known[keep]))
    keep = keep & ~rules[ALONE]
    path = _changes(treatment[keep], known[keep])
    level = np.unique(path.start, return_inverse=True)[1].astype(np.int64)
    distance = _distance(treatment[keep], path)
    crossed = np.logical_or.accumulate(distance > 0, axis=1) & np.logical_or.accumulate(distance < 0, axis=1)
    clear = ~path.unclear[:, None] | (np.arange(treatment.shape[1]) < path.seen[:, None])
    return Paths(
        design=keep_units(design, keep),
        level=level,
        first=path.first,
        sign=np.sign(path.after - path.start).astype(np.int64) * (path.first < treatment.shape[1]),
        cohort=_cohorts(level, path),
        usable=observed[keep] & ~crossed & clear,
        moved=np.abs(distance),
        dropped={reason: _codes(design, hit) for reason, hit in rules.items() if hit.any()},
        unclear=_codes(design, np.flatnonzero(keep)[path.unclear]),
    )


def _codes(design: Design, rows: Mask | npt.NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(str(code) for code in design.units[rows])


def _treatment(design: Design) -> Array:
    if design.treatment is None:
        return np.asarray(design.times[None, :] >= design.cohort[:, None], dtype=float)
    if design.treatment.shape != design.outcome.shape:
        found, wanted = design.treatment.shape, design.outcome.shape
        raise EvaltoolkitError(
            f"design.treatment has shape {found}, the outcome {wanted}. Give the treatment of every unit and period."
        )
    return np.asarray(design.treatment, dtype=float)


def _changes(treatment: Array, known: Mask) -> _Changes:
    n, periods = treatment.shape
    unit = np.arange(n)
    start = treatment[unit, known.argmax(axis=1)]
    differs = known & (treatment != start[:, None])
    changes = differs.any(axis=1)
    seen = np.where(changes, differs.argmax(axis=1), periods).astype(np.int64)
    after = np.where(changes, treatment[unit, np.minimum(seen, periods - 1)], start)
    unclear = changes & ~known[unit, np.maximum(seen, 1) - 1]
    return _Changes(start, seen, np.where(unclear, periods, seen), after, unclear)


def _alone(path: _Changes) -> Mask:
    """Units of a level in which everybody changes in the same period, or nobody does."""
    values, level = np.unique(path.start, return_inverse=True)
    earliest, latest = np.full(len(values), np.iinfo(np.int64).max), np.full(len(values), -1)
    np.minimum.at(earliest, level, path.first)
    np.maximum.at(latest, level, path.first)
    same: Mask = earliest == latest
    return same[level]


def _distance(treatment: Array, path: _Changes) -> Array:
    """(n, T) treatment less treatment at the start, from the first change on."""
    later = np.arange(treatment.shape[1])[None, :] >= path.first[:, None]
    filled = np.where(np.isfinite(treatment), treatment, path.after[:, None])
    return np.where(later, filled - path.start[:, None], 0.0)


def _cohorts(level: Integers, path: _Changes) -> Integers:
    dose = np.unique(path.after, return_inverse=True)[1].astype(np.int64)
    mixed = (level * (int(path.first.max(initial=0)) + 1) + path.first) * (int(dose.max(initial=0)) + 1) + dose
    return np.asarray(np.unique(mixed, return_inverse=True)[1], dtype=np.int64)
