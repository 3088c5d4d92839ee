"""How an estimate weighs every outcome: read off the estimator itself, whatever it is, if it is linear."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import NoAnswerError
from evaltoolkit.inference.same_row import estimate_stack

# estimations that one reading may take; one takes some milliseconds
MOST_READINGS = 8000
_CLOSE = 1e-7
# numbers in the stack of outcomes that are read at once
_STACK = 2_000_000

# rows of units, columns in which their weights lie, and a period
_Job = tuple[npt.NDArray[np.intp], Array, int]

TOO_LARGE = (
    "too many units and periods to read how this estimate weighs them: leave out covariates, or fill the gaps; with "
    "forty clusters and more in both arms the usual interval holds"
)
NOT_LINEAR = (
    "the weights of this estimate depend on the outcome itself: take group_time, imputation, sun_abraham or a linear "
    "extended_two_way"
)


def linear_weights(design: Design, overall: Effects) -> Array:
    """Return the weight (n, T) of every observed outcome in an estimate; zero where nothing was observed.

    The estimate of an outcome that is one in one place is its weight there. Units of one cohort, observed in the same
    periods, are read together: among them weights are those of a line in the covariates, or read one by one where that
    does not give the estimate back.

    Parameters
    ----------
    design : Design
        One outcome (n, T).
    overall : Effects
        One row, estimated on this design.

    Raises
    ------
    NoAnswerError
        The estimate is not linear in the outcome, cannot be made again, or would take too many readings.
    """
    seen = np.isfinite(design.outcome)
    if not _adds_up(design, overall, seen):
        raise NoAnswerError(NOT_LINEAR)
    for together in (True, False):
        bases = list(_bases(design, seen, together=together))
        if sum(basis.shape[1] * int(seen[rows[0]].sum()) for rows, basis in bases) > MOST_READINGS:
            raise NoAnswerError(TOO_LARGE)
        weights = _read(design, overall, seen, bases)
        if _gives_back(design, overall, seen, weights):
            return weights
    raise NoAnswerError(NOT_LINEAR)


def _bases(
    design: Design, seen: npt.NDArray[np.bool_], *, together: bool
) -> Iterator[tuple[npt.NDArray[np.intp], Array]]:
    """Rows of each class of units, and orthonormal columns in which their weights lie."""
    keys = np.column_stack([design.cohort[:, None], seen.astype(float)])
    _, code = np.unique(keys, axis=0, return_inverse=True)
    code = code.ravel()
    for number in range(int(code.max()) + 1):
        rows = np.flatnonzero(code == number)
        if not seen[rows[0]].any():
            continue
        columns = design.weights[rows, None] * np.column_stack([np.ones(len(rows)), design.covariates[rows]])
        if not together or columns.shape[1] >= len(rows):
            yield rows, np.eye(len(rows))
            continue
        left, size, _ = np.linalg.svd(columns, full_matrices=False)
        yield rows, left[:, size > 1e-10 * size.max()]


def _read(
    design: Design, overall: Effects, seen: npt.NDArray[np.bool_], bases: list[tuple[npt.NDArray[np.intp], Array]]
) -> Array:
    weights, empty = np.zeros(seen.shape), np.where(seen, 0.0, np.nan)
    jobs = [(rows, basis, int(period)) for rows, basis in bases for period in np.flatnonzero(seen[rows[0]])]
    for some in _batches(jobs, max(1, _STACK // seen.size)):
        stack = np.repeat(empty[:, :, None], sum(basis.shape[1] for _, basis, _ in some), axis=2)
        ends = np.cumsum([basis.shape[1] for _, basis, _ in some])
        for (rows, basis, period), end in zip(some, ends, strict=True):
            stack[rows, period, end - basis.shape[1] : end] = basis
        found = np.split(estimate_stack(design, overall, stack), ends[:-1])
        for (rows, basis, period), part in zip(some, found, strict=True):
            weights[rows, period] = basis @ part
    return weights


def _batches(jobs: list[_Job], width: int) -> Iterator[list[_Job]]:
    """Jobs whose outcomes together are no more than ``width``, or one that is more by itself."""
    held: list[_Job] = []
    for job in jobs:
        if held and sum(basis.shape[1] for _, basis, _ in [*held, job]) > width:
            yield held
            held = []
        held.append(job)
    if held:
        yield held


def _adds_up(design: Design, overall: Effects, seen: npt.NDArray[np.bool_]) -> bool:
    """Whether the estimate of a sum is the sum of the estimates: two estimations before many."""
    other = np.where(seen, np.random.default_rng(67).standard_normal(seen.shape), np.nan)
    try:
        found = estimate_stack(design, overall, np.stack([other, design.outcome + other], axis=2))
    except EvaltoolkitError:
        # such as a count that must not be negative
        return False
    return bool(abs(found[1] - found[0] - overall.estimate[0]) <= _CLOSE * (np.abs(found).sum() + 1e-300))


def _gives_back(design: Design, overall: Effects, seen: npt.NDArray[np.bool_], weights: Array) -> bool:
    """Whether these weights are the estimate, of this outcome and of another one."""
    if not np.isfinite(weights).all():
        return False
    own = np.where(seen, design.outcome, 0.0)
    spread = float(own[seen].std()) or 1.0
    other = own + spread * np.random.default_rng(59).standard_normal(own.shape)
    made = estimate_stack(design, overall, np.where(seen, other, np.nan)[:, :, None])[0]
    pairs = ((overall.estimate[0], own), (made, other))
    return all(
        abs(found - np.sum(weights * values)) <= _CLOSE * max(abs(found), spread * np.sqrt(np.sum(weights**2)))
        for found, values in pairs
    )
