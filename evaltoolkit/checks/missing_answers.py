"""Answers that never came: how far could they move the answer?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import overall_estimate
from evaltoolkit.checks._asked import who_was_asked
from evaltoolkit.checks._bounds import Bounds, as_percent, has_no_sign, judge_bounds, likely_as_percent
from evaltoolkit.checks._status import not_applicable, status_of
from evaltoolkit.checks._trimmed import trimming_bounds, worst_case
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.panels.panel import Panel

_ASSUMPTION = "assumption.silence_alike"
# don't know, refused or not allowed, not registered here, suppressed; and no form, or no word why
REASONS = ("DK", "RF", "NR", "SUP")
_NO_ANSWER = "no_answer"


def check_missing_answers(
    design: Design, effects: Effects, *, panel: Panel | None = None, indicator: Indicator | None = None
) -> Check:
    """Count why values are missing, by arm, and bound how far the missing ones could move the overall effect.

    Estimand: two pairs of bounds of the overall effect. *Trimming*: on those who answer whether treated or not, where
    the arms answer to a different degree. *Worst case*, for measures with a lowest and a highest value only: on
    everybody asked, each missing value being the one that hurts most.

    Assumption: for trimming, treatment makes answering more likely for all or less likely for all; with shares of
    answers that are equal nothing is cut off, whoever is silent. The worst case assumes nothing. Both rest on parallel
    trends; with covariates they are approximate.

    Not when: the answers that came are wrong; who was asked is not known. A value that does not exist (attendance where
    nobody met) is no silence, see ``dormant``.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; its column ``<outcome>.status`` says why values are missing.
    indicator : Indicator, optional
        Says whether the measure has a lowest and a highest value: shares, scores, yes and no.

    Returns
    -------
    Check
        True where the 95 % interval around the bounds keeps the sign of the estimate (where there is none, below ten
        clusters: where the bounds do), False where the bounds themselves do not: the worst case where the measure has
        limits and it keeps the sign, else the trimming bounds. None between the two (``unsure``), where nothing is
        missing, where the estimate is smaller than its standard error (it has no sign to keep), or where there is no
        group-time estimate. Table: ``quantity, estimate, low, high, std_error_low, std_error_high, conf_low, conf_high,
        n_treated, n_comparison``: one row per pair of bounds, one with counts per reason.

    References
    ----------
    Lee (2009), https://doi.org/10.1111/j.1467-937X.2009.00536.x; Horowitz and Manski (2000),
    https://doi.org/10.2307/2669526; Imbens and Manski (2004), https://doi.org/10.1111/j.1468-0262.2004.00555.x
    """
    asked = who_was_asked(design)
    absent = not_applicable(design, panel)
    n = len(design.units)
    missing = ~asked.answered
    missing[:n] &= ~absent
    if not missing.any():
        return Check("missing_answers", _ASSUMPTION, None, "check.missing_answers.none")
    estimate, std_error = overall_estimate(effects)
    counts = _count_reasons(design, panel, missing, asked.treated)
    facts: dict[str, Fact] = {
        "percent": _percent(float(missing.sum()), float(missing.size - absent.sum())),
        **{name.lower(): int(pair.sum()) for name, pair in counts.items()},
    }
    if effects.kind != "group_time" or not math.isfinite(estimate):
        return Check("missing_answers", _ASSUMPTION, None, "check.missing_answers.not_possible", facts, _table(counts))

    def counted(now: int, base: int) -> npt.NDArray[np.bool_]:
        return np.asarray(~(absent[:, now] | absent[:, base]))

    silent = asked.cohort[n:]
    bounds = {"trimming": trimming_bounds(design, effects, counted, silent)}
    limits = limits_of(design, indicator)
    if limits is not None:
        bounds["worst_case"] = worst_case(design, effects, limits, counted, silent)
    table = _table(counts, bounds, estimate)
    code, verdict = _judge(estimate, std_error, bounds)
    shown = bounds["worst_case" if code == "kept_whatever" else "trimming"]
    facts |= as_percent(shown, estimate) | likely_as_percent(shown, estimate)
    return Check(
        "missing_answers", _ASSUMPTION, verdict, f"check.missing_answers.{code}", facts, table, {"bounds": table}
    )


def limits_of(design: Design, indicator: Indicator | None) -> tuple[float, float] | None:
    """Return the lowest and the highest value that the measure can have; None for counts and open numbers."""
    values = design.outcome[np.isfinite(design.outcome)]
    if indicator is None:
        # an own measure of yes and no
        return (0.0, 1.0) if np.isin(values, (0.0, 1.0)).all() else None
    if indicator.value == "ratio":
        return (0.0, 1.0) if indicator.scale == "percent" else None
    main = indicator.parts[0]
    if indicator.value != "single" or (main.type not in ("yes_no", "score") and indicator.scale != "percent"):
        return None
    low = main.minimum if main.minimum is not None else 0.0
    high = main.maximum if main.maximum is not None else 1.0
    return (low, high) if values.min() >= low and values.max() <= high else None


def _judge(estimate: float, std_error: float, bounds: dict[str, Bounds]) -> tuple[str, bool | None]:
    if has_no_sign(estimate, std_error):
        return "small", None
    if "worst_case" in bounds and judge_bounds(estimate, bounds["worst_case"])[1]:
        return "kept_whatever", True
    return judge_bounds(estimate, bounds["trimming"])


def _count_reasons(
    design: Design, panel: Panel | None, missing: npt.NDArray[np.bool_], treated: npt.NDArray[np.bool_]
) -> dict[str, npt.NDArray[np.int64]]:
    """Missing values by reason, of the treated and of the comparison."""
    status = np.full(missing.shape, "", dtype=object)
    known = status_of(design, panel)
    if known is not None:
        status[: len(known)] = known
    status = np.where(np.isin(status, REASONS), status, _NO_ANSWER)
    return {
        reason: np.array([int(((status == reason) & missing)[arm].sum()) for arm in (treated, ~treated)])
        for reason in (*REASONS, _NO_ANSWER)
    }


def _table(
    counts: dict[str, npt.NDArray[np.int64]], bounds: dict[str, Bounds] | None = None, estimate: float = math.nan
) -> pd.DataFrame:
    rows: list[dict[str, object]] = [
        {"quantity": name, "estimate": estimate, **one._asdict()} for name, one in (bounds or {}).items()
    ]
    rows += [
        {"quantity": name, "n_treated": float(pair[0]), "n_comparison": float(pair[1])} for name, pair in counts.items()
    ]
    return pd.DataFrame(rows, columns=["quantity", "estimate", *Bounds._fields, "n_treated", "n_comparison"])


def _percent(part: float, whole: float) -> float:
    share = 100 * part / whole
    return max(round(share), 1) if share > 0 else 0
