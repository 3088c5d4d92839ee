"""Can what was suppressed be worked out again? The table's equations, and an intruder who solves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """Counts with their margins as one flat vector, and what must hold between them.

    Attributes
    ----------
    counts : (cells,) array
        Whole numbers, NaN where there is no cell; the margins at the end of each row and column.
    equations : (equations, cells) array
        ``equations @ counts == 0``, coefficients 1, -1 (the total) and 0; rows first, then columns.
    last_row : int
        Number of the equation of the row of totals.
    """

    counts: Array
    equations: Array
    last_row: int = 0


def table_with_margins(inner: Array) -> Table:
    """Return a one-way (n,) or two-way (r, c) table with its totals and their equations.

    A missing cell (NaN) stands in no equation: totals are those of the cells that are there.
    """
    known = np.nan_to_num(inner)
    if inner.ndim == 1:
        counts = np.append(inner, known.sum())
        row = np.append(np.isfinite(inner).astype(float), -1.0)
        return Table(counts, row[None, :])
    r, c = inner.shape
    full = np.full((r + 1, c + 1), np.nan)
    full[:r, :c] = inner
    full[:r, c], full[r, :c], full[r, c] = known.sum(1), known.sum(0), known.sum()
    there = np.isfinite(full).astype(float)
    lines = [_line(there, (number, slice(None))) for number in range(r + 1)]
    lines += [_line(there, (slice(None), number)) for number in range(c + 1)]
    return Table(full.ravel(), np.array(lines), last_row=r)


def _line(there: Array, place: tuple[int | slice, int | slice]) -> Array:
    """Return the equation of a row or column: its cells minus its total are zero."""
    line = np.zeros_like(there)
    cells = there[place].copy()
    cells[-1] = -1.0
    line[place] = cells
    return line.ravel()


def cell_bounds(table: Table, hidden: Mask, cell: int, *, lowest: float = 0.0) -> tuple[float, float]:
    """Return the least and the greatest count a hidden cell can have, given all that is shown.

    Parameters
    ----------
    table : Table
    hidden : (cells,) bool array
        The suppressed cells, margins included.
    cell : int
        One hidden cell.
    lowest : float
        What the intruder knows each hidden cell to be at least.
    """
    problem = _Problem(table, hidden, lowest)
    target = np.zeros(problem.size)
    target[problem.position(cell)] = 1.0
    return problem.solve(target, target), problem.solve(-target, target)


def recoverable(table: Table, hidden: Mask, protect: Mask, *, lowest: float = 1.0) -> Mask:
    """Return which cells to protect have one possible count only.

    The intruder knows the shown cells, all margins that are shown, that counts are whole and that a hidden cell is at
    least ``lowest`` (1 where zeros are never hidden). The equations form a network: equations are nodes, hidden cells
    arcs, and a count can differ from the true one if and only if a cycle of changes runs through its arc. Cycles
    change counts by whole numbers.

    Returns
    -------
    (cells,) bool array
    """
    found = np.zeros(hidden.shape, dtype=bool)
    arcs = _arcs(table, hidden)
    ways: dict[int, list[tuple[int, int]]] = {}
    for cell, (start, end) in arcs.items():
        ways.setdefault(start, []).append((end, cell))
        if table.counts[cell] > lowest:
            ways.setdefault(end, []).append((start, cell))
    for cell in (int(number) for number in np.flatnonzero(hidden & protect)):
        start, end = arcs[cell]
        can_rise = _reaches(ways, end, start, cell)
        can_fall = table.counts[cell] > lowest and _reaches(ways, start, end, int(cell))
        found[cell] = not (can_rise or can_fall)
    return found


def _arcs(table: Table, hidden: Mask) -> dict[int, tuple[int, int]]:
    """Return for each hidden cell the two equations it stands in, directed so that each change is a flow."""
    lines = table.equations
    if len(lines) == 1:
        # a one-way table: its total closes the circle
        return {int(cell): (0, 1) if lines[0, cell] > 0 else (1, 0) for cell in np.flatnonzero(hidden)}
    last_row, last_column = table.last_row, len(lines) - 1
    sign = np.where(np.arange(len(lines)) <= last_row, 1.0, -1.0)
    sign[last_row], sign[last_column] = -1.0, 1.0
    arcs = {}
    for cell in np.flatnonzero(hidden):
        first, second = (int(line) for line in np.flatnonzero(lines[:, cell]))
        forward = lines[first, cell] * sign[first] > 0
        arcs[int(cell)] = (first, second) if forward else (second, first)
    return arcs


def _reaches(ways: dict[int, list[tuple[int, int]]], start: int, goal: int, without: int) -> bool:
    """Tell whether a way leads from one node to another without a given arc."""
    seen, waiting = {start}, [start]
    while waiting:
        for node, cell in ways.get(waiting.pop(), ()):
            if cell != without and node not in seen:
                if node == goal:
                    return True
                seen.add(node)
                waiting.append(node)
    return False


class _Problem:
    """The hidden cells as unknowns, the shown ones moved to the right-hand side."""

    def __init__(self, table: Table, hidden: Mask, lowest: float) -> None:
        shown = np.where(hidden, 0.0, np.nan_to_num(table.counts))
        self._cells = np.flatnonzero(hidden)
        left = table.equations[:, hidden]
        used = np.any(left != 0, axis=1)
        self._left = left[used]
        self._right = -(table.equations @ shown)[used]
        self._lowest = lowest
        # no hidden cell can exceed the table's grand total, which an intruder can guess generously
        self._highest = 2 * float(np.nansum(table.counts)) + 1
        self.size = len(self._cells)

    def position(self, cell: int) -> int:
        """Return the place of a cell among the unknowns."""
        return int(np.searchsorted(self._cells, cell))

    def solution(self, target: Array) -> Array:
        """Return the unknowns that make ``target @ unknowns`` least."""
        from scipy.optimize import linprog

        bounds = (self._lowest, self._highest)
        result = linprog(target, A_eq=self._left, b_eq=self._right, bounds=bounds, method="highs-ds")
        if result.x is None:
            raise ArithmeticError(f"the table does not add up: {result.message}")
        return np.asarray(result.x, dtype=float)

    def solve(self, target: Array, measured: Array) -> float:
        """Return ``measured @ unknowns`` where ``target @ unknowns`` is least."""
        return float(measured @ self.solution(target))
