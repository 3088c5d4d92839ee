"""What inference answers: a p-value and an interval, or the reason why not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.dispersion import Dispersion


@dataclass(frozen=True)
class Inference:
    """A p-value and an interval that can be trusted here, or why there is none.

    Attributes
    ----------
    method : ``lot``, ``sized``, ``studentised``, ``donors``, ``counts``, ``exact``; empty where refused
    why : the reason for the choice
    chosen : ``auto``, or ``override`` where the user asked for a method that the rule would not take
    estimate, p_value, low, high : NaN where refused; ends may be infinite
    level, smallest_p : of the interval; smallest p-value that could have come out
    attainable : the largest level of at most one minus ``level`` that this test can have: its p-values come in steps
    rank : share of comparison clusters whose own contrast lies at least as far from zero as that of a single treated
        cluster; NaN with several treated
    inside : whether the sizes that were given for the treated lie within the range of the others'; where not, the noise
        of the treated is an extrapolation
    n_treated, n_comparison : clusters
    reason : why there is no p-value; empty where there is
    draws, seed : of the method
    ratio, ratio_low, ratio_high : of a count: what was counted over what was expected, with its interval; ``low`` and
        ``high`` are then those of the same estimate in its own unit. NaN for other outcomes
    expected : events expected in the treated periods without treatment; NaN for other outcomes
    dispersion : for counts, what the comparison clusters say about it; None where it was not asked
    """

    method: str
    why: str
    chosen: Literal["auto", "override"]
    estimate: float
    p_value: float
    low: float
    high: float
    level: float
    smallest_p: float
    rank: float
    inside: bool
    n_treated: int
    n_comparison: int
    reason: str
    draws: int
    seed: int
    attainable: float = math.nan
    ratio: float = math.nan
    ratio_low: float = math.nan
    ratio_high: float = math.nan
    expected: float = math.nan
    dispersion: Dispersion | None = None


class NoAnswerError(EvaltoolkitError):
    """Why an estimate cannot be asked; the message is the reason that a result carries."""


@dataclass(frozen=True)
class Settings:
    """Level of the interval, number of draws and their seed."""

    level: float
    draws: int
    seed: int


def refuse(settings: Settings, estimate: float, counts: tuple[int, int], reason: str) -> Inference:
    """Return an inference without p-value and interval, for a reason."""
    nothing = np.nan
    return Inference(
        method="",
        why="",
        chosen="auto",
        estimate=estimate,
        p_value=nothing,
        low=nothing,
        high=nothing,
        level=settings.level,
        smallest_p=nothing,
        rank=nothing,
        inside=True,
        n_treated=counts[0],
        n_comparison=counts[1],
        reason=reason,
        draws=settings.draws,
        seed=settings.seed,
    )
