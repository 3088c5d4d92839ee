"""What the wild cluster bootstrap gives: numbers, how they were made, and why not to rely on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd


class WildTest(NamedTuple):
    """One version of the bootstrap.

    Attributes
    ----------
    p_value : share of the draws with |t*| above |t|, strictly, as R's ``fwildclusterboot`` counts; may be 0
    p_with_ties : ties counted too, and the sample itself counted as one of the draws (all patterns hold it already):
        never below 1 / number of draws, valid by its own count where signs are exchangeable
    conf_low, conf_high : hypotheses around the estimate with a p-value above 1 - level; may be infinite
    """

    p_value: float
    p_with_ties: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True)
class WildBootstrap:
    """What the wild cluster bootstrap gives for one estimate.

    Attributes
    ----------
    estimate, std_error, statistic : t = (estimate - null) / std_error; CR0, a constant factor cancels
    null : the hypothesis
    restricted : draws from the model on which the hypothesis is imposed (WCR)
    unrestricted : draws around the estimate (WCU)
    law, draws, enumerated, seed : how it was made; ``draws`` is the number of patterns where all are used
    level : of the intervals
    attainable_level : highest level, no more than 1 - level, that a test on ``p_with_ties`` can have; 0: never rejects
    clusters : G
    effective_clusters : see :class:`~evaltoolkit.inference.wild_system.System`
    reason : why the numbers are undefined (NaN), or should not be relied on; else empty
    """

    estimate: float
    std_error: float
    statistic: float
    null: float
    restricted: WildTest
    unrestricted: WildTest
    law: str
    draws: int
    enumerated: bool
    seed: int
    level: float
    attainable_level: float
    clusters: int
    effective_clusters: float
    reason: str


def tabulate_wild(labels: pd.DataFrame, results: tuple[WildBootstrap, ...]) -> pd.DataFrame:
    """Return labels with ``estimate, std_error, p_restricted, p_unrestricted, conf_low, conf_high, reason``.

    The interval is that of the restricted draws.
    """
    return labels.reset_index(drop=True).assign(
        estimate=[one.estimate for one in results],
        std_error=[one.std_error for one in results],
        p_restricted=[one.restricted.p_value for one in results],
        p_unrestricted=[one.unrestricted.p_value for one in results],
        conf_low=[one.restricted.conf_low for one in results],
        conf_high=[one.restricted.conf_high for one in results],
        reason=[one.reason for one in results],
    )
