"""Refuters on one row per unit: what happens to the estimate when the data are disturbed on purpose."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import overall_effects
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import inference_reasons
from evaltoolkit.findings import Fact, RefusedError
from evaltoolkit.sensitivity.partial_r2 import PartialR2, partial_r2_sensitivity
from evaltoolkit.sensitivity.unit_refuters import refute_units

_ASSUMPTION = "assumption.no_hidden_cause"
# share of random labellings with an estimate as large, from which the refuters have nothing to disturb
INDISTINCT = 0.1
_HIDDEN = "add_unobserved_common_cause"


def check_refuters(design: Design, effects: Effects, *, simulations: int = 999, seed: int = 1) -> Check:
    """Shuffle, resample and disturb the table of changes, one row per unit (or per cluster).

    Beside them, for the regression form (change on treatment and covariates, one row per unit): how strong a hidden
    cause would have to be to take the estimate to zero, and what causes as strong as each covariate would leave of it
    (partial R2).

    Assumption: given the covariates, the untreated change does not depend on treatment. Refuters see how stable the
    arithmetic is; they cannot see a cause that nobody measured, beyond the strength that they simulate.

    Not when: an arm has fewer than ten clusters; random labels then say little.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design; they tell whether inference is possible at all.
    simulations : int
        Per refuter.
    seed : int

    Returns
    -------
    Check
        None where more than 10 % of random labels give an estimate as large, so that there is nothing to refute, below
        ten clusters in an arm, or where the table cannot be made. Otherwise False where one of the six refuters fails
        by its rule (:func:`evaltoolkit.sensitivity.unit_refuters.refute_units`): a disturbance turns the sign
        (``fragile``), tests see effects where there are none (``false_alarms``), or covariates are more than the units
        can carry (``overfitted``). The same data give the same verdict, whatever the labels and the order. The fact
        ``hidden`` is the robustness value in per cent, rounded down: the share of treatment and of the change, each,
        that a hidden cause would have to explain. ``figure["partial_r2"]`` holds ``quantity, value`` and
        ``figure["benchmarks"]`` a row per covariate and multiple; they inform, and no verdict rests on them.

    References
    ----------
    Sharma and Kiciman (2020), https://doi.org/10.48550/arXiv.2011.04216; Cinelli and Hazlett (2020),
    https://doi.org/10.1111/rssb.12348
    """
    # the share of random labellings is a p-value by another name: none below ten clusters in an arm
    if inference_reasons(overall_effects(effects))[0]:
        return Check("refuters", _ASSUMPTION, None, "check.refuters.not_possible")
    try:
        # in an order that does not depend on labels, so that the same data give the same draws
        frame = collapse_changes(design).sort_values(["treated", "change"], ignore_index=True)
        table = refute_units(frame, covariates=_covariate_columns(design), simulations=simulations, seed=seed)
    except RefusedError:
        return Check("refuters", _ASSUMPTION, None, "check.refuters.not_possible")
    rows = table.set_index("refuter")
    hidden = _hidden_cause(frame, design)
    by_chance = float(rows["share_as_large"]["placebo_treatment"])
    facts: dict[str, Fact] = {
        "rows": len(frame),
        "chance": round(100 * by_chance),
        "turned": round(100 * float(rows["share_other_sign"][["data_subset", "bootstrap", _HIDDEN]].max())),
        "alarms": round(100 * float(rows["measure"][["placebo_treatment", "dummy_outcome"]].max())),
        "simulations": simulations,
        "hidden": math.floor(100 * hidden.robustness) if math.isfinite(hidden.robustness) else math.nan,
    }
    verdict, code = _conclude(by_chance, set(table["fault"]))
    figure = {"refuters": table, "partial_r2": _told(hidden), "benchmarks": hidden.bounds}
    return Check("refuters", _ASSUMPTION, verdict, code, facts, table, figure)


def _hidden_cause(frame: pd.DataFrame, design: Design) -> PartialR2:
    """Partial R2 of the regression of the change on treatment and covariates, these also as benchmarks."""
    columns = _covariate_columns(design)
    return partial_r2_sensitivity(
        frame["change"].to_numpy(dtype=float),
        frame["treated"].to_numpy(dtype=float),
        frame[columns].to_numpy(dtype=float),
        design.covariate_names,
        benchmarks=design.covariate_names,
        weights=frame["weight"].to_numpy(dtype=float),
    )


def _told(hidden: PartialR2) -> pd.DataFrame:
    rows = [
        ("estimate", hidden.coefficient.estimate),
        ("std_error", hidden.coefficient.std_error),
        ("partial_r2", hidden.partial_r2),
        ("robustness", hidden.robustness),
        ("robustness_of_test", hidden.robustness_of_test),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value"])


def _conclude(by_chance: float, faults: set[str]) -> tuple[bool | None, str]:
    """The verdict and its sentence: what concerns the result itself comes first."""
    if by_chance > INDISTINCT:
        return None, "check.refuters.indistinct"
    if "turns" in faults:
        return False, "check.refuters.fragile"
    if "alarms" in faults:
        return False, "check.refuters.false_alarms"
    if faults & {"moves", "spreads"}:
        return False, "check.refuters.overfitted"
    return True, "check.refuters.stable"


def collapse_changes(design: Design) -> pd.DataFrame:
    """Collapse a design to one row per unit: the change of its mean from before to after treatment.

    Outcomes are taken relative to the untreated units of the same period, so that cohorts of different years share
    one table; an untreated unit's change is averaged over the cohorts' windows, weighted by cohort size. Where
    clusters are coarser than units, one row per cluster: treatment was decided there.

    Parameters
    ----------
    design : Design
        One outcome.

    Returns
    -------
    DataFrame
        Columns ``unit, treated, change, weight`` and ``covariate_0, covariate_1 ...``.

    Raises
    ------
    RefusedError
        No untreated unit, or clusters that hold treated and untreated units.
    """
    untreated = ~design.treated
    if not untreated.any() or untreated.all():
        raise RefusedError("There are no treated or no untreated units to compare.")
    weights = np.where(np.isfinite(design.outcome[untreated]), design.weights[untreated][:, None], 0.0)
    totals = weights.sum(axis=0)
    sums = (np.nan_to_num(design.outcome[untreated]) * weights).sum(axis=0)
    level = np.divide(sums, totals, out=np.full(len(totals), np.nan), where=totals > 0)
    relative = design.outcome - level
    changes = np.column_stack([_change(relative, design, cohort) for cohort in design.cohorts])
    sizes = np.array([design.weights[design.cohort == cohort].sum() for cohort in design.cohorts])
    own = np.searchsorted(design.cohorts, np.where(untreated, design.cohorts[0], design.cohort))
    change = np.where(untreated, changes @ (sizes / sizes.sum()), changes[np.arange(len(own)), own])
    frame = pd.DataFrame(design.covariates, columns=_covariate_columns(design))
    frame = frame.assign(unit=design.clusters, treated=design.treated.astype(int), change=change, weight=design.weights)
    return _by_cluster(frame[np.isfinite(change)])


def _covariate_columns(design: Design) -> list[str]:
    # a covariate of the user may be called "weight" or "change"
    return [f"covariate_{position}" for position in range(len(design.covariate_names))]


def _change(relative: Array, design: Design, cohort: float) -> Array:
    """Mean from ``cohort`` on less mean before (and before any anticipation); NaN where either is not observed."""
    after = design.times >= cohort
    before = np.arange(len(design.times)) < int(np.argmax(after)) - design.anticipation
    return _row_means(relative[:, after]) - _row_means(relative[:, before])


def _row_means(values: Array) -> Array:
    seen = np.isfinite(values)
    n = seen.sum(axis=1)
    means: Array = np.divide(np.where(seen, values, 0.0).sum(axis=1), n, out=np.full(len(values), np.nan), where=n > 0)
    return means


def _by_cluster(frame: pd.DataFrame) -> pd.DataFrame:
    if frame["unit"].is_unique:
        return frame.reset_index(drop=True)
    if (frame.groupby("unit")["treated"].agg(lambda labels: len(set(labels))) > 1).any():
        raise RefusedError("A cluster holds treated and untreated units: there is no one row per cluster.")
    columns = [name for name in frame.columns if name not in ("unit", "weight")]
    weighted = frame[columns].mul(frame["weight"], axis=0).assign(unit=frame["unit"], weight=frame["weight"])
    sums = weighted.groupby("unit").sum()
    means = sums[columns].div(sums["weight"], axis=0)
    return means.assign(treated=means["treated"].round().astype(int), weight=sums["weight"]).reset_index()
