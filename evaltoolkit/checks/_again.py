"""Estimate the same effect once more, on a changed design."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.findings import EvaltoolkitError


def estimate_again(design: Design, effects: Effects) -> Effects:
    """Estimate a changed design with the method and settings of the first estimate."""
    from evaltoolkit.estimators.registry import estimate, list_estimators

    method = str(effects.info.get("method", "group_time"))
    method = method if method in list_estimators() else "group_time"
    known: dict[str, Any] = list_estimators()[method].options
    return estimate(design, method, **{name: effects.info[name] for name in known if name in effects.info})


def overall_again(design: Design, effects: Effects) -> float:
    """Overall effect on a changed design with the method and settings of the first estimate; NaN where undefined."""
    try:
        again = estimate_again(design, effects)
    except EvaltoolkitError:
        return math.nan
    return overall_estimate(again)[0]


def overall_estimate(effects: Effects) -> tuple[float, float]:
    """Overall effect and its standard error; NaN where undefined."""
    overall = overall_effects(effects)
    return float(overall.estimate[0]), float(std_errors(overall)[0])


def overall_effects(effects: Effects) -> Effects:
    """The overall effect that belongs to any kind of effects."""
    if effects.kind == "overall":
        return effects
    if effects.kind == "group_time":
        return effects.aggregate("overall")
    return effects.overall if effects.overall is not None else effects


def cluster_influence(effects: Effects, design: Design) -> dict[str, float]:
    """Change of the overall effect, to first order, when a cluster is left out."""
    overall = overall_effects(effects)
    psi = overall.influence[:, 0]
    clusters = dict(zip(design.units, design.clusters, strict=True))
    labels = np.array([clusters.get(unit, unit) for unit in overall.units])
    names, place = np.unique(labels, return_inverse=True)
    sums = np.bincount(place, weights=psi)
    return {str(name): -float(total) / len(psi) for name, total in zip(names, sums, strict=True)}
