"""Recorded is not happened: an effect on recorded figures, split into incidence and detection."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import overall_effects
from evaltoolkit.checks._detection import Measured, measure_detection
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import inference_reasons, std_errors
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.panels.panel import Panel

CONCERNED = ("incidence_recorded", "detection")
_ASSUMPTION = "assumption.stable_detection"


class Ratio(NamedTuple):
    """Treated mean over its counterfactual, with an interval (NaN where there is none)."""

    estimate: float
    low: float
    high: float
    treated_mean: float


def check_reporting(
    design: Design,
    effects: Effects,
    *,
    indicator: Indicator | None = None,
    detection_range: tuple[float, float] | None = None,
    panel: Panel | None = None,
    detection: str = "",
    control_category: str = "",
    level: float = 0.95,
) -> Check:
    """Say what an effect on recorded figures means for incidence, given how much detection may have changed.

    Estimand: the ratio of the treated mean to its counterfactual, from treatment on; recorded = incidence x
    detection, so that the ratio for incidence is this ratio divided by the ratio of detection. Means and ratios of
    means, never logarithms of single values.

    Where a measure of detection is named, its own ratio is estimated and the ratio for incidence is the quotient of the
    two, both by Poisson with exposure and their influence taken jointly. One such measure is an assumption, not a
    bound: it gives a number beside the range, and it can contradict the range. A control category does the same under
    another name (a triple difference): what is recorded of something that the action cannot move.

    Assumption: the change of detection lies within the range that was declared before the outcome was seen. For a
    measure of detection: it changes by the factor by which detection of the outcome changes. For a control category:
    detection changes *equally* in both categories, and the action does not move what happens in the control category.

    Not when: the range was chosen after seeing the result, or the outcome does not depend on anybody noticing it.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    indicator : Indicator, optional
        Its ``reporting`` says whether detection matters.
    detection_range : (low, high), optional
        Ratio change of detection thought possible, declared before the outcome was seen.
    panel : Panel, optional
        Holds the measure of detection and the control category.
    detection, control_category : str, optional
        Measures of the panel; a measure of detection with numerator and denominator is taken as count and exposure, a
        control category has the exposure of the outcome.
    level : float

    Returns
    -------
    Check
        True where the sign for incidence is the same over the whole declared range and interval; False where it is
        not, or where the measured change of detection lies outside the declared range (its interval and the range do
        not meet); None where no range was declared (nothing better or worse can be said), where detection does not
        matter, or where the ratio is undefined. Table: ``quantity, estimate, conf_low, conf_high`` for the recorded
        ratio, the incidence ratio and the breakdown (change of detection, in per cent, that alone would explain the
        result); with a measure of detection or a control category ``<which>_ratio, <which>_incidence_ratio``.
    """
    if indicator is None and not (detection or control_category):
        # an own measure, of which the plan does not say how it comes about
        return Check("reporting", _ASSUMPTION, None, "check.reporting.unknown")
    if indicator is not None and indicator.reporting not in CONCERNED:
        return Check("reporting", _ASSUMPTION, None, "check.reporting.not_applicable")
    ratio = recorded_ratio(design, effects, level=level)
    if not math.isfinite(ratio.estimate):
        return Check("reporting", _ASSUMPTION, None, "check.reporting.not_possible")
    breakdown = [100 * (value - 1) for value in ratio[:3]]
    rows = [("recorded_ratio", *ratio[:3]), ("breakdown_percent", *breakdown)]
    if detection_range is not None:
        low, high = detection_range
        rows.insert(1, ("incidence_ratio", math.nan, *_incidence(ratio, detection_range)))
        rows.insert(2, ("incidence_ratio_point", math.nan, ratio.estimate / high, ratio.estimate / low))
    seen = {
        which: found
        for which, measure in (("detection", detection), ("control", control_category))
        if measure
        and (found := measure_detection(design, panel, measure, level=level, same_exposure=which == "control"))
    }
    rows += [row for which, found in seen.items() for row in _measured_rows(which, found)]
    table = pd.DataFrame(rows, columns=["quantity", "estimate", "conf_low", "conf_high"])
    code, verdict, more = _judge_measured(*_judge(ratio, detection_range), seen, detection_range)
    facts = {"percent": round(abs(breakdown[0])), **_range_facts(detection_range), **more}
    return Check("reporting", _ASSUMPTION, verdict, f"check.reporting.{code}", facts, table, {"reporting": table})


def recorded_ratio(design: Design, effects: Effects, *, level: float = 0.95) -> Ratio:
    """Ratio of the treated mean to its counterfactual over all periods from treatment on.

    The interval is symmetric on the log of the ratio and takes the influence of both means jointly; it is NaN below
    ten treated or comparison clusters.
    """
    overall = overall_effects(effects)
    mean, influence = _treated_mean(design, effects)
    effect, untreated = float(overall.estimate[0]), mean - float(overall.estimate[0])
    if not (math.isfinite(untreated) and untreated > 0 and mean > 0):
        return Ratio(math.nan, math.nan, math.nan, mean)
    joint = (mean * overall.influence[:, 0] - effect * influence) / untreated**2
    ratio = mean / untreated
    error = float(std_errors(_with_influence(overall, ratio, joint))[0])
    if inference_reasons(overall)[0] or not math.isfinite(error):
        return Ratio(ratio, math.nan, math.nan, mean)
    width = math.exp(NormalDist().inv_cdf(0.5 + level / 2) * error / ratio)
    return Ratio(ratio, ratio / width, ratio * width, mean)


def _with_influence(overall: Effects, estimate: float, influence: Array) -> Effects:
    return replace(overall, estimate=np.array([estimate]), influence=influence[:, None])


def _treated_mean(design: Design, effects: Effects) -> tuple[float, Array]:
    """Mean outcome of the treated over the cells of the overall effect, with its influence per unit of ``effects``."""
    place = {unit: row for row, unit in enumerate(design.units)}
    rows = np.array([place[unit] for unit in effects.units])
    outcome, n = design.outcome[rows], len(rows)
    weight = aggregation_matrix(effects, "overall")[0]
    current = np.searchsorted(design.times, effects.labels["time"].to_numpy(float))
    cohorts = effects.labels["cohort"].to_numpy(float)
    means, influence = np.zeros(len(weight)), np.zeros(n)
    for cell in np.flatnonzero(weight > 0):
        before = int(np.searchsorted(design.times, cohorts[cell])) - design.anticipation - 1
        seen = np.isfinite(outcome[:, current[cell]]) & np.isfinite(outcome[:, before])
        inside = np.where((effects.cohort == cohorts[cell]) & seen, effects.weights, 0.0)
        values = np.nan_to_num(outcome[:, current[cell]])
        means[cell] = inside @ values / inside.sum()
        influence += weight[cell] * n * inside * (values - means[cell]) / inside.sum()
    mean = float(weight @ means)
    # the cohort shares in the weights are estimated too
    share = np.array([effects.weights[effects.cohort == cohort].sum() / n for cohort in cohorts])
    total = float(share[weight > 0].sum())
    for cell in np.flatnonzero(weight > 0):
        influence += effects.weights * (effects.cohort == cohorts[cell]) * (means[cell] - mean) / total
    return mean, influence


def _incidence(ratio: Ratio, detection: tuple[float, float]) -> tuple[float, float]:
    low = ratio.low if math.isfinite(ratio.low) else ratio.estimate
    high = ratio.high if math.isfinite(ratio.high) else ratio.estimate
    return low / detection[1], high / detection[0]


def _judge(ratio: Ratio, detection: tuple[float, float] | None) -> tuple[str, bool | None]:
    rose = ratio.estimate >= 1
    if detection is None:
        return ("undeclared_rise" if rose else "undeclared_fall"), None
    low, high = _incidence(ratio, detection)
    if not math.isfinite(ratio.low):
        return "no_interval", None
    if low > 1 or high < 1:
        return ("higher" if low > 1 else "lower"), True
    return ("undetermined_rise" if rose else "undetermined_fall"), False


def _measured_rows(which: str, found: Measured) -> list[tuple[str, float, float, float]]:
    return [
        (f"{name}_ratio", one.estimate, one.low, one.high)
        for name, one in ((which, found.detection), (f"{which}_incidence", found.incidence))
    ]


def _judge_measured(
    code: str, verdict: bool | None, seen: dict[str, Measured], declared: tuple[float, float] | None
) -> tuple[str, bool | None, dict[str, float]]:
    """What a second measure adds: a number where no range was declared, a contradiction where one was."""
    if not seen:
        return code, verdict, {}
    which, found = next(iter(seen.items()))
    change: dict[str, float] = {"change": round(100 * (found.detection.estimate - 1))}
    if declared is not None:
        apart = found.detection.low > declared[1] or found.detection.high < declared[0]
        # a verdict that rests on a range that does not hold is none
        return ("undetermined_range", False, change) if apart else (code, verdict, {})
    if not found.incidence.has_interval:
        return code, verdict, {}
    incidence: dict[str, float] = {"incidence": round(abs(100 * (found.incidence.estimate - 1)))}
    # measured, not declared: better or worse cannot rest on it
    return _measured_code(which, found.incidence.low, found.incidence.high), None, change | incidence


def _measured_code(which: str, low: float, high: float) -> str:
    codes = {
        "detection": ("measured_higher", "measured_lower", "measured_unclear"),
        "control": ("triple_higher", "triple_lower", "triple_unclear"),
    }[which]
    return codes[0] if low > 1 else codes[1] if high < 1 else codes[2]


def _range_facts(detection: tuple[float, float] | None) -> dict[str, float]:
    if detection is None:
        return {}
    return {"low": round(100 * (detection[0] - 1)), "high": round(100 * (detection[1] - 1))}
