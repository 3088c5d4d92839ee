"""The draws that a roll-out could have had as well, as cohorts of a design."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.cohorts import Rule, first_treated_time
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.rollout_files import redraw_record
from evaltoolkit.designs.rollout_rules import first_day
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.periods import Period

Ints = npt.NDArray[np.intp]


def redrawn_cohorts(
    folder: str | Path,
    table: str | Path,
    design: Design,
    periods: tuple[Period, ...],
    *,
    rule: Rule,
    draws: int,
    seed: int,
) -> Ints:
    """Draw a recorded roll-out again and again, by the law it was drawn from.

    Parameters
    ----------
    folder : where the record of the draw stands
    table : what it was drawn from
    design : Design
        Its clusters are those that were drawn, or made of them.
    periods : of the design
    rule : how the day of a start becomes a period
    draws, seed : int

    Returns
    -------
    (draws, G) int
        Place of every cluster, in the order of the labels, among the sorted cohorts of the design.

    Raises
    ------
    EvaltoolkitError
        The record and the table do not belong together; the design holds a unit that was not drawn, a start that
        differs from the drawn one, or a cluster whose units have different starts.
    """
    rollout = redraw_record(folder, table)
    time = {label: _time_of(label, periods, rule) for label in rollout.rules.labels}
    _check(design, rollout.allocation.map(time))
    _, first = np.unique(design.clusters, return_index=True)
    drawn = rollout.redraw(draws, seed).loc[design.units[first].tolist()]
    times = np.vectorize(time.__getitem__, otypes=[float])(drawn.to_numpy())
    cohorts = np.unique(np.where(design.treated, design.cohort, np.inf))
    if not np.isin(times, cohorts).all():
        raise EvaltoolkitError(
            "The roll-out can draw a start that no unit of this panel has: the design has lost a whole cohort. "
            "Collect it, or leave out the record of the roll-out."
        )
    return np.asarray(np.searchsorted(cohorts, times.T), dtype=np.intp)


def _time_of(label: str, periods: tuple[Period, ...], rule: Rule) -> float:
    day = first_day(label)
    if day is None:
        return float("inf")
    found = first_treated_time(pd.Timestamp(day), periods, rule)
    return found if found <= periods[-1].time else float("inf")


def _check(design: Design, drawn: pd.Series) -> None:
    own: Array = np.where(design.treated, design.cohort, np.inf)
    lost = [unit for unit in design.units if unit not in drawn.index]
    moved = [unit for unit, cohort in zip(design.units, own, strict=True) if drawn.get(unit, cohort) != cohort]
    if lost or moved:
        raise EvaltoolkitError(
            f"The record of the roll-out does not fit the data: {len(lost)} units were not drawn ({_some(lost)}), "
            f"{len(moved)} started at another time than drawn ({_some(moved)}). Compare start dates with the roster "
            "that the draw wrote; who departed from the lot still counts as drawn."
        )
    starts = pd.Series(own, index=design.clusters).groupby(level=0).nunique()
    if (starts > 1).any():
        raise EvaltoolkitError("A cluster holds units with different drawn starts; cluster by what was drawn.")


def _some(units: list[str]) -> str:
    return ", ".join(map(str, units[:5])) + (" ..." if len(units) > 5 else "") if units else "none"
