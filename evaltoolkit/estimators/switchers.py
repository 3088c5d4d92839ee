"""Effects of actions that start, stop and restart: switchers against units that have not changed yet."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import NOTHING_TO_TEST, WaldTest, cluster_codes, count_clusters, joint_wald
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.estimators.switch_contrasts import Level, Part, compare_switchers, find_switchers, split_levels
from evaltoolkit.estimators.switch_paths import Paths, read_paths
from evaltoolkit.estimators.switch_rows import Row, reference_row, summarise_all, summarise_effect
from evaltoolkit.findings import EvaltoolkitError

Direction = Literal["both", "in", "out"]
Count = Literal["all", 1, 2, 3, 4, 5]

CITATION = "de Chaisemartin and D'Haultfoeuille (2024), https://doi.org/10.1162/rest_a_01414"
SE_CONVENTION = (
    "asymptotic, conservative: sqrt(sum over clusters of (sum of U)^2) / n, U centred by cohort and scaled by "
    "sqrt(c / (c - 1)), c clusters of the cohort; a cohort of one is centred with its comparison; who switches when is "
    "taken as given"
)
_ESTIMAND = {
    False: "average effect of having left the treatment of the start, signed so that more treatment counts positive",
    True: "the same per unit of treatment received since the switch",
}
_OVERALL = (
    "average total effect per unit of treatment: effects summed over switchers and periods, divided by the treatment "
    "they received in excess of the start"
)
_SIGNS = {"both": (-1, 1), "in": (1,), "out": (-1,)}


def estimate_switchers(
    design: Design,
    *,
    direction: Direction = "both",
    normalized: bool = False,
    same_switchers: bool = False,
    effects: Count = "all",
) -> Effects:
    """Estimate the effects of first changes of treatment, whatever treatment does afterwards.

    A unit whose treatment first differs from what it began with is a switcher. Its outcome, since the last period
    before that change, is compared with units that began with the same treatment and have not changed yet.

    Estimand: for each number of periods since the change, the mean over switchers of what their actual path of
    treatment did to the outcome, against having kept the treatment of the start; of switchers to less treatment with
    the sign reversed. ``overall`` is the average total effect per unit of treatment.

    Assumptions: without changes, units that began with the same treatment would have moved in parallel; no effect
    before the change; what happened before the panel no longer acts differently on switchers and comparison.

    Not when: treatment changes in every unit at once, or every unit begins with another dose, so that none compares;
    treatment just before the panel still acts on its outcomes; few units switch; the effect of a single period of
    treatment is wanted, for effects after several periods carry the whole path since the change.

    Parameters
    ----------
    design : Design
        Outcome (n, T) in the user's units, gaps allowed. ``treatment`` (n, T), binary or of few levels; without it
        units are treated from ``cohort`` on. ``comparison``: units that have not changed by then, or with
        ``never_treated`` those that never change (also those that are treated throughout). Weights and clusters are
        taken from here.
    direction : {"both", "in", "out"}
        Which first changes count: to more treatment, to less, or both.
    normalized : bool
        Divide each effect by the treatment received since the change (and each placebo alike).
    same_switchers : bool
        Only switchers for whom all effects can be estimated, so that effects differ by time and not by who they are of.
    effects : {"all", 1, 2, 3, 4, 5}
        How many effects; ``overall`` and ``same_switchers`` depend on it.

    Returns
    -------
    Effects
        Kind ``event``: ``event_time`` counts periods (whatever their length), 0 is the first one with the new
        treatment, -1 the reference, -2 the first placebo: the change over as many periods before the reference as
        effect 0 has after it, with the same comparison. There are at most as many placebos as effects. ``.overall``:
        the average total effect, of all switchers and effects. ``n_treated`` counts the clusters of switchers,
        ``n_comparison`` those of comparison units. Influence need not have mean zero where a cohort is one unit
        (``info["influence_centred"]``). ``info["dropped_units"]`` and ``info["unclear_switches"]`` name the units that
        are left out, or of whom a gap hides the date of the change.

    Raises
    ------
    EvaltoolkitError
        No effect can be estimated: nobody switches (in that direction), or no switcher has a comparison.

    References
    ----------
    https://doi.org/10.1162/rest_a_01414

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "switchers", direction="in").overall.to_frame()  # doctest: +SKIP
    """
    paths = read_paths(design)
    levels = split_levels(paths, never=design.comparison == "never_treated")
    asked = paths.usable.shape[1] - 1 if effects == "all" else min(effects, paths.usable.shape[1] - 1)
    chosen = _choose(levels, asked, direction, same=same_switchers)
    _require(chosen, paths, direction)
    parts = [_compare(levels, lag + 1, masks, placebo=False) for lag, masks in enumerate(chosen)]
    before = [_compare(levels, lag + 1, masks, placebo=True) for lag, masks in enumerate(chosen)]
    # a panel has no placebo further back than its first period
    while before and not any(before[-1]):
        before.pop()
    row = partial(summarise_effect, paths, levels, normalized=normalized)
    rows = [
        *(row(before[lag], -2.0 - lag) for lag in reversed(range(len(before)))),
        reference_row(len(paths.level)),
        *(row(found, float(lag)) for lag, found in enumerate(parts)),
    ]
    total = summarise_all(paths, levels, parts)
    info = _describe(paths, levels) | {
        "direction": direction,
        "normalized": normalized,
        "same_switchers": same_switchers,
        "effects": effects,
        "effects_estimated": len(parts),
        "estimand": _ESTIMAND[normalized],
        "influence_centred": all(_is_centred(one.influence) for one in (*rows, total)),
    }
    overall = _effects(paths, "overall", [total], info | {"estimand": _OVERALL})
    return replace(_effects(paths, "event", rows, info), overall=overall)


def equality_of_effects(effects: Effects) -> WaldTest:
    """Test that the effects from the change on are all the same.

    Parameters
    ----------
    effects : Effects
        Kind ``event``.

    Returns
    -------
    WaldTest
        Degrees of freedom: one less than the effects. NaN with a reason where fewer than two are defined.
    """
    after = (effects.labels["event_time"] >= 0).to_numpy() & np.isfinite(effects.estimate)
    rows = np.flatnonzero(after)
    if len(rows) < 2:
        return WaldTest(float("nan"), 0, float("nan"), NOTHING_TO_TEST)
    # successive differences: any other set of contrasts gives the same statistic; the counts are the smaller ones
    counts = effects.labels[["n_treated", "n_comparison"]].to_numpy()
    labels = effects.labels.iloc[rows[1:]].reset_index(drop=True)
    labels[["n_treated", "n_comparison"]] = np.minimum(counts[rows[1:]], counts[rows[:-1]])
    differences = replace(
        effects,
        labels=labels,
        estimate=np.diff(effects.estimate[rows]),
        influence=np.diff(effects.influence[:, rows], axis=1),
        reasons=("",) * (len(rows) - 1),
        overall=None,
    )
    return joint_wald(differences, np.ones(len(rows) - 1, bool))


def _choose(levels: list[Level], asked: int, direction: Direction, *, same: bool) -> list[list[Mask]]:
    """Switchers by effect and level, for as many effects as there are any."""
    wanted = [np.isin(one.sign, _SIGNS[direction]) for one in levels]
    found: list[list[Mask]] = [
        [find_switchers(one, lag) & ours for one, ours in zip(levels, wanted, strict=True)]
        for lag in range(1, asked + 1)
    ]
    while found and not any(mask.any() for mask in found[-1]):
        found.pop()
    if same and found:
        always: list[Mask] = [np.logical_and.reduce(masks) for masks in zip(*found, strict=True)]
        found = [always] * len(found)
    return found


def _require(chosen: list[list[Mask]], paths: Paths, direction: Direction) -> None:
    if any(mask.any() for masks in chosen for mask in masks):
        return
    signs = np.isin(paths.sign, _SIGNS[direction])
    words = {"both": "changes treatment", "in": "changes to more treatment", "out": "changes to less treatment"}
    why = "; ".join(f"{len(units)} units: {reason}" for reason, units in paths.dropped.items())
    left_out = f" Left out: {why}." if why else ""
    if not signs.any():
        raise EvaltoolkitError(
            f"No effect can be estimated: no unit {words[direction]} after the first period of the panel.{left_out} "
            'Add earlier periods, check design.treatment, or use direction="both".'
        )
    raise EvaltoolkitError(
        f"No effect can be estimated: {int(signs.sum())} units change, but none beside units that began with the same "
        f"treatment, have not changed and are observed in the same periods.{left_out} "
        'Use comparison "not_yet_treated", add units, or same_switchers=False with fewer effects.'
    )


def _compare(levels: list[Level], lag: int, masks: list[Mask], *, placebo: bool) -> list[Part | None]:
    return [compare_switchers(one, lag, mask, placebo=placebo) for one, mask in zip(levels, masks, strict=True)]


def _is_centred(influence: Array) -> bool:
    return bool(np.isnan(influence).any() or abs(influence.mean()) <= 1e-12 * max(1.0, np.abs(influence).max()))


def _effects(paths: Paths, kind: Literal["event", "overall"], rows: list[Row], info: dict[str, Any]) -> Effects:
    design = paths.design
    codes = cluster_codes(design.clusters, design.units)
    labels = {"event_time": [row.event_time for row in rows]} if kind == "event" else {}
    counts = {
        "n_treated": [count_clusters(codes[row.switched]) for row in rows],
        "n_comparison": [count_clusters(codes[row.compared]) for row in rows],
    }
    return Effects(
        kind=kind,
        labels=pd.DataFrame(labels | counts, index=range(len(rows))),
        estimate=np.array([row.estimate for row in rows]),
        influence=np.column_stack([row.influence for row in rows]),
        units=design.units,
        cohort=design.cohort,
        weights=design.weights,
        clusters=design.clusters,
        reasons=tuple(row.reason for row in rows),
        info=info,
    )


def _describe(paths: Paths, levels: list[Level]) -> dict[str, Any]:
    design = paths.design
    return {
        "method": "switchers",
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "shares": "fixed",
        "outcome": design.outcome_name,
        "comparison": design.comparison,
        "times": tuple(float(time) for time in design.times),
        "event_clock": "periods",
        "dropped_units": dict(paths.dropped),
        "unclear_switches": paths.unclear,
        "starting_levels": len(levels),
    }


ESTIMATOR = Estimator(
    name="switchers",
    run=estimate_switchers,
    options={
        "direction": ("both", "in", "out"),
        "normalized": (False, True),
        "same_switchers": (False, True),
        "effects": ("all", 1, 2, 3, 4, 5),
    },
    title="Effects of switching treatment on or off",
    citation=CITATION,
    accepts=frozenset({"weights", "gaps", "reversals", "no_never_treated"}),
)
