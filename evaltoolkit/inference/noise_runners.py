"""Every method of inference for estimates with covariates or gaps, run from the same task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.inference.answer import NoAnswerError, Settings
from evaltoolkit.inference.contrasts import Ints, lie_within
from evaltoolkit.inference.exchange import (
    exchange_p_values,
    exchange_test,
    lend_noise,
    rank_single_noise,
    usable_orders,
)
from evaltoolkit.inference.invert import invert_test
from evaltoolkit.inference.linear_weights import NOT_LINEAR
from evaltoolkit.inference.noise import NoiseTable
from evaltoolkit.inference.reassigned import MOST_DRAWS, Reassigned, reassign
from evaltoolkit.inference.runners import Answer, tell_own_spread


@dataclass(frozen=True)
class NoiseTask:
    """What a method needs where covariates or gaps enter the estimate."""

    design: Design
    overall: Effects
    table: NoiseTable
    sizes: Array | None
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    settings: Settings

    def answer(self, method: str) -> Answer:
        """Run a method."""
        return _RUN[method](self)

    def lend(self) -> tuple[float, float]:
        """Return the interval from the noise of the comparison clusters."""
        return _run_donors(self)[1]

    def rank(self) -> float:
        """Return the rank of the one treated cluster."""
        return rank_single_noise(self.table)

    def draws(self, method: str) -> int:
        """Return the number of draws that a method makes here."""
        return min(self.settings.draws, MOST_DRAWS) if method == "lot" else self.settings.draws


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


@dataclass(frozen=True)
class LotTask:
    """What drawing the lot again needs where an estimate is not linear in the outcome: a p-value, and no interval."""

    design: Design
    overall: Effects
    table: Arms
    sizes: Array | None
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    settings: Settings

    def answer(self, method: str) -> Answer:
        """Draw the lot again; refuse every other method."""
        if method != "lot":
            raise NoAnswerError(NOT_LINEAR)
        found = _draw_again(self)
        return found.p_value(), (np.nan, np.nan), found.smallest_p

    def lend(self) -> tuple[float, float]:
        """Refuse: nothing is known of the noise."""
        raise NoAnswerError(NOT_LINEAR)

    def rank(self) -> float:
        """Return NaN: nothing is known of the noise."""
        return np.nan

    def draws(self, method: str) -> int:
        """Return the number of draws."""
        return min(self.settings.draws, MOST_DRAWS)


def _draw_again(task: NoiseTask | LotTask) -> Reassigned:
    treated = task.table.treated
    return reassign(
        task.design,
        task.overall,
        strata=task.strata,
        assignments=task.assignments,
        draws=task.settings.draws,
        seed=task.settings.seed,
        studentise=tell_own_spread(int(treated[task.table.group].sum()), int(treated.sum())),
    )


def _run_lot(task: NoiseTask) -> Answer:
    found = _draw_again(task)
    return found.p_value(), _ends(task, found.p_value), found.smallest_p


def _run_exchange(task: NoiseTask, *, studentise: bool) -> Answer:
    settings, sizes = task.settings, None if studentise else task.sizes
    order = usable_orders(task.table, settings.draws, settings.seed)
    found = exchange_test(task.table, sizes, studentise=studentise, draws=settings.draws, seed=settings.seed)

    def p_value(effect: float) -> float:
        return float(exchange_p_values(task.table, sizes, order, effect=effect, studentise=studentise)[0])

    return found.p_value, _ends(task, p_value), found.smallest_p


def _run_donors(task: NoiseTask) -> Answer:
    settings, estimate = task.settings, float(task.overall.estimate[0])
    noise = lend_noise(task.table, task.sizes, draws=10 * settings.draws, seed=settings.seed)
    low, high = np.quantile(noise, [(1 - settings.level) / 2, (1 + settings.level) / 2])
    extreme = int(np.sum(np.abs(noise) >= abs(estimate) * (1 - 1e-10)))
    treated = task.table.treated[task.table.group]
    least = max(1 / (1 + len(noise)), float(np.sum(~treated)) ** -min(int(treated.sum()), 8))
    return (1 + extreme) / (1 + len(noise)), (estimate - float(high), estimate - float(low)), least


def _ends(task: NoiseTask, p_value: Callable[[float], float]) -> tuple[float, float]:
    """The interval of effects that are not rejected; its search begins at the size of the clusters' noise."""
    estimate = float(task.overall.estimate[0])
    spread = float(np.sqrt(np.square(np.diagonal(task.table.without(estimate)[:, :, 0])).sum()))
    return invert_test(p_value, estimate, spread, task.settings.level)


_RUN: dict[str, Callable[[NoiseTask], Answer]] = {
    "lot": _run_lot,
    "sized": partial(_run_exchange, studentise=False),
    "studentised": partial(_run_exchange, studentise=True),
    "donors": _run_donors,
}
