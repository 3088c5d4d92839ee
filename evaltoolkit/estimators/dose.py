"""How effects differ with the dose: units that got more of the action, and units that got less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.aggregate import event_times
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.estimators.cells import Mask, list_cells, select_units
from evaltoolkit.estimators.dose_curve import Shape
from evaltoolkit.estimators.dose_fit import Value
from evaltoolkit.estimators.dose_rows import Row, Setup, dose_rows
from evaltoolkit.estimators.group_time import SE_CONVENTION, estimate_group_time
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError

Assume = Literal["parallel_trends", "strong_parallel_trends"]
To = Literal["overall", "event", "slopes"]

CITATION = (
    "Callaway, Goodman-Bacon and Sant'Anna (2024), https://doi.org/10.3386/w32117, "
    "https://doi.org/10.48550/arXiv.2107.02637"
)
LEVELS_ONLY = (
    "a level is about the units that got that dose: units that got more may be others, so the difference between two "
    "doses is no effect of the dose"
)
NO_SLOPES = f"slopes are not given: {LEVELS_ONLY}. They need strong parallel trends, which no data can show"
BINS_ONLY = "bins have differences between them and no mean slope: take a line or a spline"
SLOPES = (
    "levels compared across doses, and slopes, are effects of the dose only under strong parallel trends: units that "
    "got one dose would have changed like all treated units, had these got that dose; assumed, not shown"
)
_ESTIMAND = {
    "parallel_trends": "ATT(d|d): mean effect of dose d on the units that got d; not comparable across doses",
    "strong_parallel_trends": "ATT(d|d), and the average causal response to more dose under strong parallel trends",
}


def estimate_dose(
    design: Design, *, curve: Shape = "linear", assume: Assume = "parallel_trends", to: To = "overall"
) -> Effects:
    """Estimate effects by dose, and under a further assumption what more dose does.

    Estimand: ``level``, ATT(d|d), the mean effect of dose d on the units that got d; ``overall``, its mean over the
    doses given, which is the overall group-time effect. With ``assume="strong_parallel_trends"`` also ``slope``, the
    average causal response at d, per unit of dose, and ``mean slope``, its mean over the doses given.

    Assumptions: parallel trends at every dose (given the covariates, where there are any): without the action the
    units that got d would have changed like the comparison units; no effect before ``design.anticipation`` periods
    ahead of treatment; treatment never reverts; the dose is fixed and measured without error. Slopes need strong
    parallel trends: units that got d changed as all treated units of their cohort would have, had they got d. It
    excludes that those who gain more take more, and no period before treatment can test it.

    Not when: the dose is an index that holds the outcome or a mediator of it
    (:func:`~evaltoolkit.estimators.dose_index.check_dose`); the dose was adapted to how the outcome went; fewer than
    ten treated clusters (thirty for a spline) have distinct doses; nobody is untreated.

    Parameters
    ----------
    design : Design
        ``dose`` (n,) in the user's units: positive for treated units, 0 for never-treated ones. Units treated after
        the panel may have the dose that they will get. Outcome (n, T), gaps allowed: each cohort and period rests on
        the units observed in both periods of its comparison. Covariates enter by outcome regression.
    curve : {"linear", "spline", "bins"}
        How ATT(d|d) is approximated: by a straight line; by a quadratic spline with one knot at the median dose; or
        by means of thirds of the doses (halves where a third would have fewer than ten treated clusters; two or three
        different doses are their own bins), with nothing assumed about its form. Standard errors are about the
        approximation and hold when its form is wrong.
    assume : {"parallel_trends", "strong_parallel_trends"}
        Only the second gives slopes.
    to : {"overall", "event", "slopes"}
        One curve for all periods from treatment on; or one for every time since treatment. Curves before treatment,
        each period against the one before it, are zero at every dose under parallel trends. ``slopes`` is an event
        study of the mean slopes alone, with the one over all periods as its overall effect.

    Returns
    -------
    Effects
        Kind ``coefficient``; labels ``name``, ``dose`` (NaN where the row is about all doses; the mean dose of a
        bin), ``event_time`` (``to="event"``) and ``assumes``. Lines and splines are read off at the deciles of the
        doses; a line has one slope, in the row ``mean slope``. One regression over all cohorts and periods: a unit
        counts once in every period from treatment on, so that a level averages over the cohorts as they occur at that
        dose, and levels average to ``overall``. Slopes compare units of the same cohort and period only; between bins
        they are the difference in effects over the difference in mean doses. Deciles, knot and bins count as given.
        ``.overall`` is the group-time summary. ``info["caveat"]`` says what may not be read into the rows. With
        ``to="slopes"``: kind ``event``, one mean slope per time since treatment; ``.overall`` is the mean slope.
        Without the assumption that slopes need, and between bins, they are NaN with the reason.

    Raises
    ------
    FaultsError
        A dose that is negative or missing, not zero for a never-treated unit, or zero for a treated one.
    RefusedError
        All treated units have the same dose.
    EvaltoolkitError
        No dose, or no cohort can be estimated.

    References
    ----------
    https://doi.org/10.3386/w32117, https://doi.org/10.48550/arXiv.2107.02637

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "dose", curve="spline").to_frame(band="simultaneous")  # doctest: +SKIP
    """
    _check_dose_values(design)
    if to == "slopes":
        return _slopes(design, curve, assume)
    effects = estimate_group_time(design, adjust="reg")
    summary = effects.aggregate(to)
    setup = _set_up(design, effects, curve, slopes=assume == "strong_parallel_trends")
    cells = list_cells(setup.sample, "varying")
    rows, comparison, events = list[Row](), list[int](), list[float]()
    for j, group in enumerate(_groups(effects, summary, to)):
        total = Value(float(summary.estimate[j]), summary.influence[:, j], summary.reasons[j])
        found = [Row("overall", np.nan, total, int(summary.labels["n_treated"][j]))]
        if group.any():
            found += dose_rows(setup, [cell for cell, use in zip(cells, group, strict=True) if use])
        rows += found
        comparison += [int(summary.labels["n_comparison"][j])] * len(found)
        events += [float(summary.labels["event_time"][j]) if to == "event" else np.nan] * len(found)
    info = {**_describe(summary, setup, assume), "curve": curve, "to": to}
    return replace(
        summary,
        kind="coefficient",
        labels=_labels(rows, comparison, events if to == "event" else None),
        estimate=np.array([row.value.estimate for row in rows]),
        influence=np.column_stack([row.value.influence for row in rows]),
        reasons=tuple(row.value.reason for row in rows),
        overall=replace(summary.overall or summary, info={**info, "estimand": "mean effect over all doses given"}),
        info=info,
    )


def _slopes(design: Design, curve: Shape, assume: Assume) -> Effects:
    """The mean slopes by time since treatment, with the one over all periods."""
    event = _only_slopes(estimate_dose(design, curve=curve, assume=assume, to="event"), "event")
    overall = _only_slopes(estimate_dose(design, curve=curve, assume=assume), "overall")
    return replace(event, overall=overall)


def _only_slopes(effects: Effects, kind: Literal["event", "overall"]) -> Effects:
    given = effects.info["assume"] == "strong_parallel_trends" and effects.info["curve"] != "bins"
    why = "" if given else BINS_ONLY if effects.info["curve"] == "bins" else NO_SLOPES
    name = effects.labels["name"].to_numpy()
    # every period begins with its mean over all doses; where nothing could be estimated there is no slope below it
    first = np.flatnonzero(name == "overall")
    slope = np.flatnonzero(name == "mean slope") if given else first[:0]
    rows, found = first.copy(), np.zeros(len(first), dtype=bool)
    place = np.searchsorted(first, slope, side="right") - 1
    rows[place], found[place] = slope, True
    kept = ["n_treated", "n_comparison"] if kind == "overall" else ["event_time", "n_treated", "n_comparison"]
    reasons = (effects.reasons[row] or ("" if there else why) for row, there in zip(rows, found, strict=True))
    return replace(
        effects,
        kind=kind,
        labels=effects.labels.loc[rows, kept].reset_index(drop=True),
        estimate=np.where(found, effects.estimate[rows], np.nan),
        influence=np.where(found, np.asarray(effects.influence)[:, rows], np.nan),
        reasons=tuple(reasons),
        overall=None,
        info={
            **{entry: value for entry, value in effects.info.items() if entry != "left_out"},
            "to": "slopes",
            "estimand": "average causal response to one more unit of the dose, mean over the doses given",
        },
    )


def _check_dose_values(design: Design) -> None:
    if design.dose is None:
        raise EvaltoolkitError("The design has no dose: give one number per unit, 0 for untreated units.")
    rules = {
        "negative or missing": ~(design.dose >= 0),
        "not 0, though never treated": np.isinf(design.cohort) & (design.dose > 0),
        "0, though treated (not carried out? decide whether such a unit is treated)": design.treated
        & (design.dose == 0),
    }
    faults = []
    for what, hit in rules.items():
        if hit.any():
            some = ", ".join(str(code) for code in design.units[hit][:5])
            faults.append(f"dose is {what}: {hit.sum()} units ({some}{', ...' if hit.sum() > 5 else ''})")
    if faults:
        raise FaultsError(faults, what="The dose")


def _set_up(design: Design, effects: Effects, shape: Shape, *, slopes: bool) -> Setup:
    sample = select_units(design)
    held = sample.design
    dose = np.zeros(len(held.units)) if held.dose is None else held.dose
    treated = np.flatnonzero(np.isin(held.cohort, effects.labels["cohort"].to_numpy(float)))
    if np.ptp(dose[treated]) <= 1e-12 * dose[treated].max():
        raise RefusedError(
            f"All treated units have the same dose ({dose[treated][0]:g}): nothing differs with it. "
            'Use method "group_time" without a dose.'
        )
    return Setup(sample, dose, cluster_codes(held.clusters, held.units), treated, shape, slopes)


def _groups(effects: Effects, summary: Effects, to: To) -> list[Mask]:
    """Which group-time effects (k,) enter each curve: those that are defined."""
    defined = np.isfinite(effects.estimate)
    if to == "event":
        when = event_times(effects)
        return [defined & (when == key) for key in summary.labels["event_time"].to_numpy(float)]
    return [defined & (effects.labels["time"] >= effects.labels["cohort"]).to_numpy(bool)]


def _labels(rows: Sequence[Row], comparison: Sequence[int], events: Sequence[float] | None) -> pd.DataFrame:
    strong = "strong_parallel_trends"
    labels = pd.DataFrame({"name": [row.name for row in rows], "dose": [row.dose for row in rows]})
    if events is not None:
        labels["event_time"] = list(events)
    return labels.assign(
        assumes=[strong if "slope" in row.name else "parallel_trends" for row in rows],
        n_treated=[row.n_treated for row in rows],
        n_comparison=list(comparison),
    )


def _describe(summary: Effects, setup: Setup, assume: Assume) -> dict[str, Any]:
    given = setup.dose[setup.treated]
    held = {key: value for key, value in summary.info.items() if key not in ("adjust", "base", "missing", "weights")}
    return {
        **held,
        "method": "dose",
        "estimand": _ESTIMAND[assume],
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "assume": assume,
        "caveat": SLOPES if setup.slopes else NO_SLOPES,
        "lowest_dose": float(given.min()),
        "median_dose": float(np.median(given)),
        "highest_dose": float(given.max()),
    }


ESTIMATOR = Estimator(
    name="dose",
    run=estimate_dose,
    options={
        "curve": ("linear", "spline", "bins"),
        "assume": ("parallel_trends", "strong_parallel_trends"),
        "to": ("overall", "event", "slopes"),
    },
    title="Effects by dose of treatment",
    citation=CITATION,
    accepts=frozenset({"covariates", "weights", "gaps", "no_never_treated", "anticipation", "dose"}),
    needs=frozenset({"dose"}),
)
