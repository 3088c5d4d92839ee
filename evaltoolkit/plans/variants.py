"""The same declared study larger, longer, or started in more steps: what a curve of power runs over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.plans.study import Study

Over = Literal["units", "before", "after", "cohorts"]
OVER: tuple[Over, ...] = ("units", "before", "after", "cohorts")

_SIZES = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
_LONGEST = 60


def variants_of(study: Study, over: Over, values: Sequence[int] = ()) -> list[tuple[int, dict[str, Any]]]:
    """Return what to change in a study for each value of what a curve runs over; impossible values are left out.

    Parameters
    ----------
    study : Study
    over : {"units", "before", "after", "cohorts"}
        Number of units, arms and cohorts in their proportions; periods before the first start; periods from the last
        start on; number of starts, one period apart from the first on, over which the treated units are spread.
    values : sequence of int, optional
        By default some that lie around the study's own.

    Returns
    -------
    list of (value, changes)
        ``changes`` as :func:`evaltoolkit.plans.declared.power_over` takes them.
    """
    if over not in OVER:
        raise EvaltoolkitError(f'A curve cannot run over "{over}". Known: {", ".join(OVER)}.{nearest(over, OVER)}')
    made = [(value, _CHANGE[over](study, value)) for value in values or _default(study, over)]
    return [(value, change) for value, change in made if change is not None]


def own_value(study: Study, over: Over) -> int:
    """Return where on a curve the study itself stands."""
    starts = [cohort.start for cohort in study.cohorts]
    return {
        "units": study.comparison_units + study.treated_units,
        "before": min(starts) - 1,
        "after": study.periods - max(starts) + 1,
        "cohorts": len(starts),
    }[over]


def _default(study: Study, over: Over) -> list[int]:
    own = own_value(study, over)
    if over == "units":
        return sorted({round(size * own) for size in _SIZES})
    if over == "cohorts":
        return list(range(1, min(5, study.periods - own_value(study, "before")) + 1))
    return sorted({*range(max(1, own - 2), own + 4)})


def _units(study: Study, value: int) -> dict[str, Any] | None:
    ratio = value / own_value(study, "units")
    step = study.zones.units if study.zones and study.zones.start_together else 1
    sizes = [_rounded(ratio * size, step) for size in (study.comparison_units, *(one.units for one in study.cohorts))]
    if min(sizes) < step:
        return None
    cohorts = [{"start": one.start, "units": size} for one, size in zip(study.cohorts, sizes[1:], strict=True)]
    return {"comparison_units": sizes[0], "cohorts": cohorts}


def _before(study: Study, value: int) -> dict[str, Any] | None:
    shift = value - own_value(study, "before")
    periods = study.periods + shift
    if value < 1 or periods > _LONGEST:
        return None
    return {
        "periods": periods,
        "cohorts": [{"start": one.start + shift, "units": one.units} for one in study.cohorts],
    }


def _after(study: Study, value: int) -> dict[str, Any] | None:
    periods = study.periods + value - own_value(study, "after")
    return None if value < 1 or periods > _LONGEST else {"periods": periods}


def _cohorts(study: Study, value: int) -> dict[str, Any] | None:
    first = own_value(study, "before") + 1
    step = study.zones.units if study.zones and study.zones.start_together else 1
    groups = study.treated_units // step
    if not 1 <= value <= min(groups, study.periods - first + 1):
        return None
    sizes = [len(part) * step for part in np.array_split(np.arange(groups), value)]
    return {"cohorts": [{"start": first + place, "units": size} for place, size in enumerate(sizes)]}


def _rounded(size: float, step: int) -> int:
    return step * round(size / step)


_CHANGE: dict[Over, Callable[[Study, int], dict[str, Any] | None]] = {
    "units": _units,
    "before": _before,
    "after": _after,
    "cohorts": _cohorts,
}
