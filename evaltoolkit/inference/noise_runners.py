"""Every method of inference for estimates with covariates or gaps, run from the same task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.answer import NoAnswerError
from evaltoolkit.inference.contrasts import Ints, active_of, lie_within
from evaltoolkit.inference.donors import OUTSIDE, outer_shares
from evaltoolkit.inference.exchange import (
    exchange_p_values,
    exchange_test,
    lend_noise,
    rank_single_noise,
    usable_orders,
)
from evaltoolkit.inference.invert import invert_test
from evaltoolkit.inference.noise import NoiseTable
from evaltoolkit.inference.reassigned import Reassigned, reassign
from evaltoolkit.inference.runners import tell_own_spread
from evaltoolkit.inference.task import Answer, Road, Task


@dataclass(frozen=True)
class Arms:
    """Who is in which cohort: all that drawing a lot again needs.

    Attributes
    ----------
    group : (G,) cohort of each cluster
    treated : (C,) whether a cohort is treated within the panel
    """

    group: Ints
    treated: npt.NDArray[np.bool_]

    def covers(self, sizes: Array | None) -> bool:
        """Whether the sizes (G,) of the treated lie within the range of the others'; true where none are known."""
        return lie_within(self.treated[self.group], sizes)

    def largest_noise(self, *, everyone: bool) -> float:
        """Nothing is known of the noise."""
        return np.inf


def _draw_again(task: Task[NoiseTable] | Task[Arms], *, linear: bool = True, less: float = 0.0) -> Reassigned:
    """Estimate under other lots, the outcome less a constant effect on who is treated."""
    treated, design = task.table.treated, task.design
    return reassign(
        replace(design, outcome=design.outcome - less * active_of(design)) if less else design,
        task.overall,
        strata=task.strata,
        assignments=task.assignments,
        draws=task.settings.draws,
        seed=task.settings.seed,
        studentise=tell_own_spread(int(treated[task.table.group].sum()), int(treated.sum())),
        linear=linear,
    )


def _run_lot(task: Task[NoiseTable]) -> Answer:
    found = _draw_again(task)
    return found.p_value(), _ends(task, found.p_value), found.smallest_p, found.draws - (not found.exact)


def _run_redrawn(task: Task[Arms]) -> Answer:
    """Exact for no effect; for the interval the lot is drawn again around the estimate, its effect taken out."""
    found, estimate, level = _draw_again(task, linear=False), float(task.overall.estimate[0]), task.settings.level
    around = found.std_error * _draw_again(task, linear=False, less=estimate).reach(level)
    low, high = estimate - around, estimate + around
    if found.p_value() > 1 - level:
        # what the exact test does not reject is inside
        low, high = min(low, 0.0), max(high, 0.0)
    return found.p_value(), (low, high), found.smallest_p, found.draws - (not found.exact)


def _run_exchange(task: Task[NoiseTable], *, studentise: bool) -> Answer:
    settings, sizes = task.settings, None if studentise else task.sizes
    order = usable_orders(task.table, settings.draws, settings.seed)
    found = exchange_test(task.table, sizes, studentise=studentise, draws=settings.draws, seed=settings.seed)

    def p_value(effect: float) -> float:
        return float(exchange_p_values(task.table, sizes, order, effect=effect, studentise=studentise)[0])

    return found.p_value, _ends(task, p_value), found.smallest_p, settings.draws


def _run_donors(task: Task[NoiseTable]) -> Answer:
    if not task.inside:
        raise NoAnswerError(OUTSIDE)
    settings, estimate = task.settings, float(task.overall.estimate[0])
    noise = lend_noise(task.table, task.sizes, draws=10 * settings.draws, seed=settings.seed)
    treated = task.table.treated[task.table.group]
    low, high = np.quantile(noise, outer_shares(settings.level, int(np.sum(~treated)), int(treated.sum())))
    extreme = int(np.sum(np.abs(noise) >= abs(estimate) * (1 - 1e-10)))
    least = max(1 / (1 + len(noise)), float(np.sum(~treated)) ** -min(int(treated.sum()), 8))
    return (1 + extreme) / (1 + len(noise)), (estimate - float(high), estimate - float(low)), least, settings.draws


def _ends(task: Task[NoiseTable], p_value: Callable[[float], float]) -> tuple[float, float]:
    """The interval of effects that are not rejected; its search begins at the size of the clusters' noise."""
    estimate = float(task.overall.estimate[0])
    spread = float(np.sqrt(np.square(np.diagonal(task.table.without(estimate)[:, :, 0])).sum()))
    return invert_test(p_value, estimate, spread, task.settings.level)


NOISE = Road(
    run={
        "lot": _run_lot,
        "sized": partial(_run_exchange, studentise=False),
        "studentised": partial(_run_exchange, studentise=True),
        "donors": _run_donors,
    },
    rank=rank_single_noise,
)
# an estimate that is not linear in the outcome: nothing is known of the noise
REDRAWN = Road[Arms](run={"lot": _run_redrawn}, rank=lambda _: np.nan)
