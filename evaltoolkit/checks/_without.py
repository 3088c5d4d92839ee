"""Re-estimate without some values or units and compare: shared by the checks on data quality."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import estimate_again, overall_effects, overall_estimate
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.group_time import estimate_group_time, group_time_points
from evaltoolkit.findings import EvaltoolkitError, Fact

# errors of the difference beyond which leaving values out is more than chance
LARGEST = 2.0
# made-up outcomes that tell how far leaving out moves an estimate by chance
DRAWS = 100
_NUMBERS = 4_000_000


def compare_without(
    name: str, assumption: str, effects: Effects, *, design: Design, reduced: Design, n: int, percent: int
) -> Check:
    """Compare the overall effect with the one on a reduced design.

    The answer counts as changed where it moves by more than its standard error *and* by more than twice what leaving
    out moves it by chance, or where an effect larger than its standard error changes its sign. What chance does is the
    standard error of the reduced estimate, times how much the difference of the two spreads against the reduced
    estimate when both are given the same noise: it does not rest on the values that were left out, so that a few of
    them that are far off cannot hide behind their own spread.

    Codes: ``check.<name>.same``, ``.changed`` and ``.not_possible`` (no estimate without them).
    """
    estimate, std_error = overall_estimate(effects)
    facts: dict[str, Fact] = {"left_out": n, "percent": percent}
    try:
        without = estimate_again(reduced, effects)
        again = float(overall_effects(without).estimate[0])
    except EvaltoolkitError:
        without, again = None, math.nan
    table = pd.DataFrame({"data": ["all", "reduced"], "estimate": [estimate, again], "left_out": [0, n]})
    if without is None or not math.isfinite(again) or not math.isfinite(estimate):
        return Check(name, assumption, None, f"check.{name}.not_possible", facts, table)
    scale = std_error if math.isfinite(std_error) else abs(estimate) / 2
    by_chance = float(std_errors(overall_effects(without))[0]) * spread_of_difference(design, reduced, effects)
    by_chance = by_chance if math.isfinite(by_chance) else 0.0
    turned = again * estimate < 0 and abs(estimate) >= scale
    same = abs(again - estimate) <= max(scale, LARGEST * by_chance) and not turned
    table["std_error_of_difference"] = [math.nan, by_chance]
    # an answer that turns is no matter of chance among many checks
    chance = 2 * NormalDist().cdf(-abs(again - estimate) / by_chance) if by_chance > 0 and not turned else math.nan
    return Check(name, assumption, same, f"check.{name}.{'same' if same else 'changed'}", facts, table, p_value=chance)


def spread_of_difference(design: Design, reduced: Design, effects: Effects, *, seed: int = 1) -> float:
    """Return the spread of reduced minus whole estimate against that of the reduced one, over made-up noise.

    For an estimator that is linear in the outcome this is the ratio of two norms of weights, found by chance draws;
    group-time effects stand in for other estimators. NaN where they cannot be estimated.
    """
    rng = np.random.default_rng(seed)
    n, periods = design.outcome.shape
    draws = int(np.clip(_NUMBERS // (n * periods), 20, DRAWS))
    noise = rng.normal(size=(n, periods, draws))
    rows = pd.Index(design.units).get_indexer(pd.Index(reduced.units))
    try:
        whole, rest = _overall(design, noise, effects), _overall(reduced, noise[rows], effects)
    except EvaltoolkitError:
        return math.nan
    size = float(np.mean(rest**2))
    # known to be zero on average; exactly zero where nothing could be estimated on what is left
    return math.sqrt(float(np.mean((rest - whole) ** 2)) / size) if size > 0 else math.nan


def _overall(design: Design, noise: Array, effects: Effects) -> Array:
    """(R,) overall effects of noise that is missing where the outcome is."""
    known = effects.info if effects.info.get("method") == "group_time" else {}
    settings = {name: known[name] for name in ("adjust", "base") if name in known}
    stack = np.where(np.isfinite(design.outcome)[:, :, None], noise, np.nan)
    plain = replace(design, treatment=None, dose=None)
    template = estimate_group_time(replace(plain, outcome=stack[:, :, 0]), **settings)
    points = group_time_points(replace(plain, outcome=stack), **settings)
    return np.asarray((aggregation_matrix(template, "overall") @ np.where(np.isfinite(points), points, 0.0))[0])
