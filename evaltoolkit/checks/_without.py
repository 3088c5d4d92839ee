"""Re-estimate without some values or units and compare: shared by the checks on data quality."""

from __future__ import annotations

import math

import pandas as pd

from evaltoolkit.checks._again import overall_again, overall_estimate
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects


def compare_without(name: str, assumption: str, effects: Effects, *, reduced: Design, n: int, percent: int) -> Check:
    """Compare the overall effect with the one on a reduced design.

    Codes: ``check.<name>.same``, ``.changed`` (by more than a standard error, or the sign of an effect larger than
    one) and ``.not_possible`` (no estimate without them).
    """
    estimate, std_error = overall_estimate(effects)
    again = overall_again(reduced, effects)
    table = pd.DataFrame({"data": ["all", "reduced"], "estimate": [estimate, again], "left_out": [0, n]})
    facts = {"left_out": n, "percent": percent}
    if not math.isfinite(again) or not math.isfinite(estimate):
        return Check(name, assumption, None, f"check.{name}.not_possible", facts, table)
    scale = std_error if math.isfinite(std_error) else abs(estimate) / 2
    turned = again * estimate < 0 and abs(estimate) >= scale
    same = abs(again - estimate) <= scale and not turned
    return Check(name, assumption, same, f"check.{name}.{'same' if same else 'changed'}", facts, table)
