"""Every method of inference for contrasts of means, run from the same task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.inference import MIN_CLUSTERS, MIN_PER_COHORT
from evaltoolkit.inference.answer import NoAnswerError
from evaltoolkit.inference.contrasts import ContrastTable, Ints
from evaltoolkit.inference.donors import donor_test
from evaltoolkit.inference.invert import invert_test
from evaltoolkit.inference.randomisation import randomisation_test
from evaltoolkit.inference.sized import sized_test
from evaltoolkit.inference.task import Answer, Road, Task

FEW_COMPARISON = (
    f"fewer than {MIN_CLUSTERS} comparison clusters: too few to show how much the outcome moves by itself; add units "
    "that were not treated, or give the estimate without a p-value"
)
LOT = "who starts when was drawn by lot: the lot is drawn again"
DONORS = "noise drawn from the comparison clusters"
ONE_TREATED = (
    "one treated cluster that was not drawn by lot: rank and interval, and no p-value; a second treated cluster, or a "
    "start drawn by lot, would give one"
)


def tell_own_spread(treated: float, cohorts: int) -> bool:
    """Whether so many treated clusters, spread among so many cohorts, tell their own standard error."""
    return treated + 1e-9 >= max(MIN_CLUSTERS, MIN_PER_COHORT * cohorts)


def rank_of(table: ContrastTable) -> float:
    """Share of comparison clusters whose contrast, about their mean, is at least as far out as the treated one's."""
    treated = np.flatnonzero(table.treated[table.group])
    others = np.flatnonzero(~table.treated[table.group])
    cohort = table.group[treated[0]]
    value = table.sums[:, cohort] / table.sizes
    centre = np.average(value[others], weights=table.sizes[others])
    return float(np.mean(np.abs(value[others] - centre) >= np.abs(value[treated[0]] - centre)))


def _run_lot(task: Task[ContrastTable]) -> Answer:
    # with few treated their own standard error is mostly noise, and costs power; that of their sizes is not
    table = task.table
    many = tell_own_spread(int(table.treated[table.group].sum()), int(table.treated.sum()))
    return _permuted(task, task.assignments, studentise=many, sizes=None if many else task.sizes)


def _run_studentised(task: Task[ContrastTable]) -> Answer:
    return _permuted(task, None, studentise=True, sizes=None)


def _permuted(task: Task[ContrastTable], assignments: Ints | None, *, studentise: bool, sizes: Array | None) -> Answer:
    settings = task.settings
    test = partial(
        randomisation_test,
        task.table,
        strata=task.strata,
        assignments=assignments,
        draws=settings.draws,
        seed=settings.seed,
        studentise=studentise,
        sizes=sizes,
    )
    found = test()
    ends = _ends(task, lambda effect: test(effect=effect).p_value, found.estimate)
    return found.p_value, ends, found.smallest_p, found.draws - (not found.exact)


def _run_sized(task: Task[ContrastTable]) -> Answer:
    test = partial(sized_test, task.table, task.sizes, draws=task.settings.draws, seed=task.settings.seed)
    found = test()
    ends = _ends(task, lambda effect: test(effect=effect).p_value, found.estimate)
    return found.p_value, ends, found.smallest_p, found.draws


def _ends(task: Task[ContrastTable], p_value: Callable[[float], float], estimate: float) -> tuple[float, float]:
    """The interval of effects that are not rejected; its search begins at the size of the clusters' noise."""
    spread = float(np.abs(task.table.sums / task.table.sizes[:, None]).mean())
    return invert_test(p_value, estimate, spread, task.settings.level)


def _run_donors(task: Task[ContrastTable]) -> Answer:
    settings = task.settings
    found = donor_test(
        task.table,
        sizes=task.sizes,
        level=settings.level,
        draws=10 * settings.draws,
        seed=settings.seed,
        extrapolate=task.inside,
    )
    if found.reason:
        raise NoAnswerError(found.reason)
    return found.p_value, (found.low, found.high), found.smallest_p, settings.draws


CONTRASTS = Road(
    run={"lot": _run_lot, "sized": _run_sized, "studentised": _run_studentised, "donors": _run_donors},
    rank=rank_of,
)
