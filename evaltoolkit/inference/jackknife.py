"""Leave each cluster out and estimate again: a variance for every method, and who moves the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import ONE_COMPARISON, ONE_TREATED
from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.effects_variance import EffectsVariance

Convention = Literal["CR3", "CV3", "CV3J"]

NOT_WITHOUT = 'cannot be estimated without cluster "{}"'
NO_CHANGE = "no cluster moves the estimate"
# an estimate that comes out again as it was
_SAME = 1e-8


class Jackknife(NamedTuple):
    """A jackknife over clusters.

    Attributes
    ----------
    variance : EffectsVariance
    clusters : (G,) labels
    without : (G, k) estimates without each cluster; NaN where there is none
    """

    variance: EffectsVariance
    clusters: npt.NDArray[np.str_]
    without: Array


def jackknife(
    design: Design,
    effects: Effects,
    *,
    convention: Convention = "CR3",
    again: Callable[[Design], Effects] | None = None,
) -> Jackknife:
    """Return the jackknife variance of effects over the clusters of a design.

    Estimand: the sampling variance of the estimates, from how they change when a cluster is left out.

    Assumption: clusters are independent; the estimate is smooth in each cluster's share. On average too large rather
    than too small.

    Not when: without some cluster there is no estimate (one treated cluster, a cohort of one): NaN with the reason.

    Parameters
    ----------
    design : Design
        What ``effects`` were estimated from; clustered by ``design.clusters``.
    effects : Effects
        Of any method and kind.
    convention : {"CR3", "CV3", "CV3J"}
        CR3: sum of squared changes (as clubSandwich). CV3: that times (G-1)/G. CV3J: (G-1)/G times the sum of squares
        around the mean of the estimates without a cluster.
    again : callable, optional
        From a design to effects with the same rows. By default the method and options in ``effects.info`` and the
        plain aggregation to the kind of ``effects``.

    Returns
    -------
    Jackknife
        Degrees of freedom: the clusters of the smaller arm less one, which a comparison of two groups of clusters
        alike never undercuts. Cohort shares count as estimated: they change when a cluster is left out.

    Raises
    ------
    EvaltoolkitError
        Unknown convention; the whole design does not give ``effects`` again (hand in ``again``).

    References
    ----------
    MacKinnon, Nielsen and Webb (2023), https://doi.org/10.1002/jae.2969
    """
    if convention not in get_args(Convention):
        known = get_args(Convention)
        raise EvaltoolkitError(
            f'There is no convention "{convention}". Known: {", ".join(known)}.{nearest(convention, known)}'
        )
    run = again or _same_way(effects)
    _require_same(effects, run(design))
    clusters = np.unique(design.clusters[np.isin(design.units, effects.units)])
    without = np.stack([_estimate_without(design, name, effects, run) for name in clusters])
    return Jackknife(_summarise(effects, clusters, without, convention), clusters, without)


def jackknife_covariance(estimate: Array, without: Array, convention: Convention = "CR3") -> Array:
    """Return the (k, k) covariance from estimates (k,) and (G, k) estimates without each cluster."""
    groups = len(without)
    centre = without.mean(axis=0) if convention == "CV3J" else estimate
    changes = without - centre
    return np.asarray(changes.T @ changes * (1.0 if convention == "CR3" else (groups - 1) / groups))


def _same_way(effects: Effects) -> Callable[[Design], Effects]:
    method = str(effects.info.get("method", ""))
    if method not in list_estimators():
        raise EvaltoolkitError(
            f'These effects do not say by which method they were estimated ("{method}"): hand in a function "again".'
            f"{nearest(method, list_estimators())}"
        )
    known: dict[str, Any] = list_estimators()[method].options
    options = {name: effects.info[name] for name in known if name in effects.info}

    def run(design: Design) -> Effects:
        found = estimate(design, method, **options)
        return found if found.kind == effects.kind else _to_kind(found, effects)

    return run


def _to_kind(found: Effects, effects: Effects) -> Effects:
    if effects.kind == "overall" and found.kind != "group_time" and found.overall is not None:
        return found.overall
    kind = effects.kind
    if kind == "coefficient" or kind == "group_time":
        raise EvaltoolkitError(f'Effects of kind {kind} do not come from "{effects.info["method"]}".')
    return found.aggregate(kind)


def _keys(effects: Effects) -> list[tuple[Any, ...]]:
    named = effects.labels.drop(columns=["n_treated", "n_comparison"])
    return list(named.itertuples(index=False, name=None)) if named.shape[1] else [()] * len(effects.estimate)


def _aligned(effects: Effects, other: Effects) -> Array:
    """The other estimates in the rows of these; NaN where there is no such row."""
    at = {repr(key): value for key, value in zip(_keys(other), other.estimate.tolist(), strict=True)}
    return np.array([at.get(repr(key), np.nan) for key in _keys(effects)])


def _require_same(effects: Effects, found: Effects) -> None:
    if not np.allclose(_aligned(effects, found), effects.estimate, rtol=_SAME, atol=_SAME, equal_nan=True):
        raise EvaltoolkitError(
            "Estimating the whole design again gives other numbers than these effects: hand in the design they were "
            'estimated from, or a function "again" that aggregates as they were aggregated.'
        )


def _estimate_without(design: Design, name: str, effects: Effects, run: Callable[[Design], Effects]) -> Array:
    try:
        return _aligned(effects, run(keep_units(design, design.clusters != name)))
    except EvaltoolkitError:
        return np.full(len(effects.estimate), np.nan)


def _summarise(
    effects: Effects, clusters: npt.NDArray[np.str_], without: Array, convention: Convention
) -> EffectsVariance:
    matrix = jackknife_covariance(effects.estimate, without, convention)
    treated, comparison = (effects.labels[name].to_numpy(float) for name in ("n_treated", "n_comparison"))
    reasons = _reasons(effects, clusters, without, (treated, comparison))
    defined = np.array([reason == "" for reason in reasons], dtype=bool)
    matrix = np.where(defined[:, None] & defined[None, :], matrix, np.nan)
    return EffectsVariance(
        kind=convention,
        df_rule="clusters of the smaller arm less one",
        labels=effects.labels,
        estimate=effects.estimate,
        std_error=np.sqrt(np.diag(matrix)),
        covariance=matrix,
        df=np.where(defined, np.minimum(treated, comparison) - 1, np.nan),
        reasons=reasons,
    )


def _reasons(
    effects: Effects, clusters: npt.NDArray[np.str_], without: Array, counts: tuple[Array, Array]
) -> tuple[str, ...]:
    own = effects.reasons or ("",) * len(effects.estimate)
    found = []
    for j, reason in enumerate(own):
        lost = np.flatnonzero(np.isnan(without[:, j]))
        if not reason and counts[0][j] <= 1:
            reason = ONE_TREATED
        elif not reason and counts[1][j] <= 1:
            reason = ONE_COMPARISON
        elif not reason and len(lost):
            reason = NOT_WITHOUT.format(clusters[lost[0]])
        elif not reason and np.ptp(without[:, j]) <= 1e-14 * abs(effects.estimate[j]):
            reason = NO_CHANGE
        found.append(reason)
    return tuple(found)
