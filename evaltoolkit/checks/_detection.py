"""What detection did, from a second measure: the ratio for incidence with both ratios taken jointly."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaltoolkit.checks._joint import Known, combine_effects, know
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.counts import CountEffects
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.panels.panel import Panel


class Measured(NamedTuple):
    """Ratios of treated to expected, each with an interval: recorded, of the second measure, and their quotient."""

    recorded: Known
    detection: Known
    incidence: Known


def measure_detection(
    design: Design, panel: Panel | None, measure: str, *, level: float, same_exposure: bool
) -> Measured | None:
    """Divide the ratio on recorded figures by the ratio on a second measure.

    Both are total observed over total expected without treatment, by Poisson quasi-likelihood with exposure
    (``extended_two_way``), on the unit-periods in which both are known. Logarithms are taken of the ratios of totals,
    never of single values, so that zeros stay what they are.

    Parameters
    ----------
    design : Design
        Of the recorded outcome, 0 or more.
    panel : Panel or None
        Holds the second measure.
    measure : str
        Where the panel has ``<measure>.numerator`` and ``<measure>.n``, those are taken as count and exposure.
    level : float
    same_exposure : bool
        Whether a measure without denominator of its own is counted in what the outcome is counted in.

    Returns
    -------
    Measured or None
        None where the panel has no such measure or one of the ratios is undefined.
    """
    second = _second(design, panel, measure, same_exposure=same_exposure)
    if second is None:
        return None
    both = np.isfinite(design.outcome) & np.isfinite(second.outcome)
    ratios = [_log_ratio(replace(one, outcome=np.where(both, one.outcome, np.nan))) for one in (design, second)]
    recorded, detection = ratios
    if recorded is None or detection is None:
        return None
    incidence = combine_effects([(recorded, 1.0), (detection, -1.0)])
    return Measured(*(_as_ratio(know(one, level)) for one in (recorded, detection, incidence)))


def _second(design: Design, panel: Panel | None, measure: str, *, same_exposure: bool) -> Design | None:
    if panel is None or measure not in panel.data.columns:
        return None
    parts = f"{measure}.numerator", f"{measure}.n"
    if all(part in panel.data.columns for part in parts):
        count, base = (_aligned(design, panel, part) for part in parts)
        known = np.isfinite(count) & (base > 0)
        return replace(
            design, outcome=np.where(known, count, np.nan), exposure=np.where(known, base, 1.0), sampling_se=None
        )
    exposure = design.exposure if same_exposure else None
    return replace(design, outcome=_aligned(design, panel, measure), exposure=exposure, sampling_se=None)


def _aligned(design: Design, panel: Panel, column: str) -> Array:
    """A column of the panel on the units and periods of the design, by code and date."""
    rows = pd.Index(panel.unit_codes).get_indexer(pd.Index(design.units))
    columns = pd.Index(panel.times).get_indexer(pd.Index(design.times))
    known = (rows[:, None] >= 0) & (columns[None, :] >= 0)
    return np.where(known, panel.wide(column)[np.ix_(rows, columns)], np.nan)


def _log_ratio(design: Design) -> Effects | None:
    """Logarithm of total observed over total expected among the treated, as one estimate with its influence."""
    try:
        found = estimate(design, "extended_two_way", family="poisson", averages="sampled").aggregate("overall")
    except EvaltoolkitError:
        return None
    totals = found.totals if isinstance(found, CountEffects) else None
    if totals is None or not (totals.observed[0] > 0 and totals.untreated[0] > 0):
        return None
    influence = totals.observed_influence / totals.observed - totals.untreated_influence / totals.untreated
    return Effects(
        kind="overall",
        labels=found.labels,
        estimate=np.log(totals.observed / totals.untreated),
        influence=influence,
        units=found.units,
        cohort=found.cohort,
        weights=found.weights,
        clusters=found.clusters,
        info=found.info,
    )


def _as_ratio(logarithm: Known) -> Known:
    """From the logarithm of a ratio to the ratio; the standard error stays that of the logarithm."""
    estimate, low, high = (math.exp(value) for value in (logarithm.estimate, logarithm.low, logarithm.high))
    return Known(estimate, logarithm.std_error, low, high)
