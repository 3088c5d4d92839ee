"""Groups of units that started together: who they are and their averages as measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Design
from evaltoolkit.disclosure.rules import default_rules
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.periods import Period
from evaltoolkit.reports.prose import Prose

Array = npt.NDArray[np.float64]

# An average of fewer units would come close to a single unit's value.
LEAST_UNITS = default_rules().min_units


@dataclass(frozen=True)
class Group:
    """Units with the same first treated period.

    Attributes
    ----------
    cohort : first treated time; ``inf`` = never
    units : codes
    start : place of the first treated period among the periods, or None where it lies outside
    means : (T,) averages of the outcome; NaN where fewer than :data:`LEAST_UNITS` units were observed
    counts : (T,) numbers of units observed
    """

    cohort: float
    units: tuple[str, ...]
    start: int | None
    means: Array
    counts: npt.NDArray[np.int64]

    @property
    def shown(self) -> bool:
        """Whether any average may be shown."""
        return bool(np.isfinite(self.means).any())


def groups_of(design: Design) -> list[Group]:
    """Return the groups of a design, by start, the never treated last."""
    return [_group(design, float(cohort)) for cohort in np.unique(design.cohort)]


def _group(design: Design, cohort: float) -> Group:
    rows = design.cohort == cohort
    starts = np.flatnonzero(design.times == cohort)
    values = design.outcome[rows]
    return Group(
        cohort=cohort,
        units=tuple(str(unit) for unit in design.units[rows]),
        start=int(starts[0]) if starts.size else None,
        means=means_by_period(values, design.weights[rows]),
        counts=np.isfinite(values).sum(axis=0),
    )


def means_by_period(values: Array, weights: Array, least: int = LEAST_UNITS) -> Array:
    """Return weighted averages over units, (n, T) -> (T,); NaN where fewer than ``least`` units were observed."""
    seen = np.isfinite(values)
    total = np.where(seen, weights[:, None], 0.0).sum(axis=0)
    summed = np.where(seen, values * weights[:, None], 0.0).sum(axis=0)
    allowed = (seen.sum(axis=0) >= least) & (total > 0)
    means = np.full(values.shape[1], np.nan)
    means[allowed] = summed[allowed] / total[allowed]
    return means


def group_label(group: Group, design: Design, periods: Sequence[Period], prose: Prose) -> str:
    """Return a group's name in the language of the report."""
    if np.isinf(group.cohort):
        return prose.say("report.group.never")
    if group.cohort > design.times[-1]:
        return prose.say("report.group.later")
    labels = dict(zip(design.times, period_labels(design, periods), strict=True))
    return prose.say("report.group.cohort", period=labels.get(group.cohort, f"{group.cohort:g}"))


def period_labels(design: Design, periods: Sequence[Period]) -> list[str]:
    """Return the label of each of the design's times."""
    labels = {period.time: short_label(period) for period in periods}
    return [labels.get(float(time), f"{time:g}") for time in design.times]


def period_column(label: str) -> str:
    """Return a period's label for the head of a column; what is no period stands as it is."""
    try:
        return short_label(Period.parse(label))
    except (EvaltoolkitError, ValueError):
        return label


def short_label(period: Period) -> str:
    """Return a period's label; a wave given by two dates is shown by its months."""
    if "/" not in period.label:
        return period.label
    first, last = (f"{day.month:02d}/{day.year}" for day in (period.start, period.end))
    if period.start.year == period.end.year and first != last:
        return f"{period.start.month:02d}–{last}"
    return first if first == last else f"{first}–{last}"
