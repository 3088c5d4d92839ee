"""The known truth of the simulated world, aggregated with the weights of the estimate, beside the estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.panels.simulate import DETECTION_RATIO, World, effect_on_meetings, effect_on_trust

if TYPE_CHECKING:
    from rich.console import Console

Array = npt.NDArray[np.float64]

_TRUTH = {"COMP-09": effect_on_meetings, "TRU-01": effect_on_trust}


def true_overall(effects: Effects, measure: str) -> float:
    """Return the true overall effect: cohort and period effects weighted as the overall estimate weights them.

    Parameters
    ----------
    effects : Effects of kind ``group_time``
    measure : ``COMP-09``, ``TRU-01`` (declared effects) or ``RGT-07`` (none)
    """
    cohort = effects.labels["cohort"].to_numpy(dtype=float)
    time = effects.labels["time"].to_numpy(dtype=float)
    post = (time >= cohort) & np.isfinite(effects.estimate)
    share = np.array([effects.weights[effects.cohort == g].sum() for g in cohort[post]])
    if measure not in _TRUTH:
        return 0.0
    truth: Array = _TRUTH[measure](cohort[post], time[post])
    return float(np.sum(share * truth) / np.sum(share))


def compare_with_truth(evaluation: Evaluation, world: World, console: Console) -> None:
    """Print the known truth beside each estimate."""
    from rich.table import Table

    table = Table(title=f"Simulated world, seed {world.seed}: known truth beside the estimates (overall effect)")
    for column in ("outcome", "estimate", "95 % interval", "truth", "verdict"):
        table.add_column(column)
    for result in evaluation.outcomes:
        name = result.outcome.indicator
        if result.effects is None or result.headline is None:
            table.add_row(name, "not run", "", "", result.verdict.kind)
            continue
        found = result.headline.interval
        truth = f"{true_overall(result.effects, name):.4g}"
        if name == "DET-02":
            truth = f"incidence unchanged, detection x {DETECTION_RATIO}"
        interval = f"{found.low:.4g} to {found.high:.4g}"
        table.add_row(name, f"{found.estimate:.4g}", interval, truth, result.verdict.kind)
    console.print(table)
