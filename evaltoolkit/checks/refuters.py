"""Refuters on one row per unit: what happens to the estimate when the data are disturbed on purpose."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import inference_reasons
from evaltoolkit.findings import RefusedError
from evaltoolkit.sensitivity.unit_refuters import refute_units

_ASSUMPTION = "assumption.no_hidden_cause"
# share of random labellings with an estimate as large, from which the refuters have nothing to disturb
INDISTINCT = 0.1
_HIDDEN = "add_unobserved_common_cause"


def check_refuters(design: Design, effects: Effects, *, simulations: int = 999, seed: int = 1) -> Check:
    """Shuffle, resample and disturb the table of changes, one row per unit (or per cluster).

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
        can carry (``overfitted``). The same data give the same verdict, whatever the labels and the order.
    """
    # the share of random labellings is a p-value by another name: none below ten clusters in an arm
    if inference_reasons(effects.aggregate("overall"))[0]:
        return Check("refuters", _ASSUMPTION, None, "check.refuters.not_possible")
    try:
        # in an order that does not depend on labels, so that the same data give the same draws
        frame = collapse_changes(design).sort_values(["treated", "change"], ignore_index=True)
        table = refute_units(frame, covariates=_covariate_columns(design), simulations=simulations, seed=seed)
    except RefusedError:
        return Check("refuters", _ASSUMPTION, None, "check.refuters.not_possible")
    rows = table.set_index("refuter")
    by_chance = float(rows["share_as_large"]["placebo_treatment"])
    facts = {
        "rows": len(frame),
        "chance": round(100 * by_chance),
        "turned": round(100 * float(rows["share_other_sign"][["data_subset", "bootstrap", _HIDDEN]].max())),
        "alarms": round(100 * float(rows["measure"][["placebo_treatment", "dummy_outcome"]].max())),
        "simulations": simulations,
    }
    verdict, code = _conclude(by_chance, set(table["fault"]))
    return Check("refuters", _ASSUMPTION, verdict, code, facts, table, {"refuters": table})


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
