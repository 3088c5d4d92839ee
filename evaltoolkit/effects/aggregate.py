"""Aggregate group-time effects: overall, by event time, by cohort, by calendar time, with the weights' influence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.effects.estimates import Estimates, Kind
from evaltoolkit.effects.groups import number_cohorts
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.effects.influence import Influence, PartedInfluence, add_shares, combine
from evaltoolkit.findings import EvaltoolkitError, nearest

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
# cohorts, and the clusters in each, see _cohort_clusters
Members = tuple[Array, npt.NDArray[np.int64]]
To = Literal["overall", "event", "cohort", "calendar"]
# the caller's own type comes back
E = TypeVar("E", bound=Estimates)
_LABEL = {"overall": None, "event": "event_time", "cohort": "cohort", "calendar": "time"}
_ESTIMAND = {
    "overall": "average of all ATT(g,t) from treatment on, weighted by the size of the cohort",
    "event": "average effect at each time since treatment, weighted by the size of the cohort",
    "cohort": "average effect on each cohort over its periods from treatment on",
    "calendar": "average effect in each period on the cohorts treated by then, weighted by their size",
}
_SUMMARY = {
    "event": "average over event times from treatment on",
    "cohort": "average over cohorts, weighted by their size",
    "calendar": "average over periods",
}
# far below a day, far above the rounding error of a year
_CLOCK_DIGITS = 6
REFERENCE = "reference period"
NOT_ESTIMATED = "no group-time effect could be estimated"


@dataclass(frozen=True)
class _Cells:
    """What the aggregation needs to know of the group-time rows; the last two are clusters behind them."""

    cohort: Array
    time: Array
    event: Array
    share: Array
    defined: Mask
    post: Mask
    treated: npt.NDArray[np.int64]
    comparison: npt.NDArray[np.int64]


def aggregate_effects(
    effects: E,
    to: To,
    *,
    min_event: float | None = None,
    max_event: float | None = None,
    balance_event: float | None = None,
    weights: Literal["cohort_share", "equal"] = "cohort_share",
    shares: Literal["estimated", "fixed"] | None = None,
) -> E:
    """Aggregate group-time effects.

    Estimand: ``overall``, the average of all effects from treatment on; ``event``, the average by time since
    treatment; ``cohort``, by cohort; ``calendar``, by period. Group-time effects that are undefined are left out;
    ``info["left_out"]`` counts them.

    Parameters
    ----------
    effects : Effects
        Kind ``group_time``.
    to : {"overall", "event", "cohort", "calendar"}
    min_event, max_event : float, optional
        Keep event times within these limits (``event`` only). In the unit of ``times``, or in periods when
        ``info["event_clock"]`` says so.
    balance_event : float, optional
        Only cohorts that are observed this long after treatment, and event times for which all of them are
        (``event`` only).
    weights : {"cohort_share", "equal"}
        Weights of the contributing group-time effects (sampling weights enter the shares), or the same for each.
    shares : {"estimated", "fixed"}, optional
        Whether the cohort shares count as estimated: their sampling adds to the standard error, as in R's ``did``.
        Default: as the estimator's convention has it (``info["shares"]``), ``estimated`` where it has none.

    Returns
    -------
    Effects
        Of kind ``to``; with ``.overall`` unless ``to="overall"``. ``n_treated`` counts the clusters of the
        contributing cohorts, ``n_comparison`` is the smallest of the contributing rows.

    Raises
    ------
    EvaltoolkitError
        Not group-time effects, unknown target, or no period from treatment on.

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2020.12.001, section 3
    """
    _check(effects, to, (min_event, max_event, balance_event))
    cells = _describe_cells(effects, equal=weights == "equal")
    shares = shares or effects.info.get("shares", "estimated")
    keys, groups = _groups(effects, cells, to, (min_event, max_event, balance_event))
    matrix = _weights(cells, groups, by_cohort=to == "cohort")
    estimated = shares == "estimated" and weights == "cohort_share"
    rows = _combine(effects, cells, matrix, estimated=estimated and to != "cohort")
    reasons = _reasons(effects, groups & cells.defined)
    info = {**effects.info, "estimand": _ESTIMAND[to], "weights": weights, "shares": shares}
    info["left_out"] = int((~cells.defined & np.any(groups, axis=0)).sum())
    members = _cohort_clusters(effects)
    label = _LABEL[to]
    found = _counts(cells, groups & cells.defined, members)
    labels = pd.DataFrame(found if label is None else {label: keys, **found}, index=range(len(groups)))
    result = _effects(effects, cast(Kind, to), labels, rows, reasons, info)
    if to == "overall":
        return result
    return _with_overall(result, effects, cells, groups, members, estimated=estimated)


def aggregation_matrix(effects: Estimates, to: To) -> Array:
    """Return the (m, k) weights with which group-time estimates enter each aggregate.

    ``aggregation_matrix(effects, "overall") @ points`` aggregates a stack of point estimates (k, R).
    Undefined rows have weight zero: replace their NaN before multiplying.
    """
    _check(effects, to, (None, None, None))
    cells = _describe_cells(effects, equal=False)
    _, groups = _groups(effects, cells, to, (None, None, None))
    return _weights(cells, groups, by_cohort=to == "cohort").T


def event_times(effects: Estimates) -> Array:
    """Return the (k,) time since treatment of group-time rows, in the unit of ``times`` or in periods."""
    return _since(effects, effects.labels["cohort"].to_numpy(float), effects.labels["time"].to_numpy(float))


def _since(effects: Estimates, cohort: Array, time: Array) -> Array:
    if effects.info.get("event_clock", "time") != "periods":
        # months are twelfths: the same distance must be the same number, or event times fall apart
        return np.asarray(np.round(time - cohort, _CLOCK_DIGITS) + 0.0)
    times = _times(effects)
    return np.asarray(np.searchsorted(times, time) - np.searchsorted(times, cohort), dtype=float)


def _times(effects: Estimates) -> Array:
    known = effects.info.get("times")
    return np.unique(effects.labels["time"].to_numpy(float)) if known is None else np.array(known, dtype=float)


def _check(effects: Estimates, to: str, limits: tuple[float | None, ...]) -> None:
    if effects.kind != "group_time":
        raise EvaltoolkitError(f"Only group-time effects can be aggregated; these are of kind {effects.kind}.")
    if to not in _LABEL:
        raise EvaltoolkitError(f'Cannot aggregate to "{to}". Known: {", ".join(_LABEL)}.{nearest(to, _LABEL)}')
    if to != "event" and any(limit is not None for limit in limits):
        raise EvaltoolkitError("min_event, max_event and balance_event belong to aggregation by event time.")


def _describe_cells(effects: Estimates, *, equal: bool) -> _Cells:
    labels = effects.labels
    cohort, time = labels["cohort"].to_numpy(float), labels["time"].to_numpy(float)
    treated, comparison = (labels[name].to_numpy(np.int64) for name in ("n_treated", "n_comparison"))
    share = np.ones(len(cohort))
    if not equal:
        known, group = _numbered(effects)
        sizes = np.bincount(group, effects.weights, len(known)) / len(effects.units)
        place = np.minimum(np.searchsorted(known, cohort), len(known) - 1)
        share = np.where(known[place] == cohort, sizes[place], 0.0)
    event = _since(effects, cohort, time)
    return _Cells(cohort, time, event, share, np.isfinite(effects.estimate), time >= cohort, treated, comparison)


def _numbered(effects: Estimates) -> tuple[Array, npt.NDArray[np.intp]]:
    """Dates of the cohorts of the units, and the number of each unit's."""
    influence = effects.influence
    if isinstance(influence, PartedInfluence):
        return influence.cohorts, influence.group
    return number_cohorts(effects.cohort)[:2]


def _groups(
    effects: Estimates, cells: _Cells, to: To, limits: tuple[float | None, float | None, float | None]
) -> tuple[list[float], npt.NDArray[np.bool_]]:
    """Key and contributing rows (m, k) of every aggregate; undefined rows are still among them."""
    if not cells.post.any():
        raise EvaltoolkitError("There is no period from treatment on to aggregate.")
    if to == "overall":
        return [0.0], cells.post[None, :]
    if to == "event":
        keys, inside = _event_window(effects, cells, limits)
        return keys, np.array([inside & (cells.event == key) for key in keys]).reshape(len(keys), len(inside))
    values = cells.cohort if to == "cohort" else cells.time
    keys = [float(key) for key in np.unique(values[cells.post])]
    return keys, np.array([cells.post & (values == key) for key in keys])


def _event_window(
    effects: Estimates, cells: _Cells, limits: tuple[float | None, float | None, float | None]
) -> tuple[list[float], Mask]:
    low, high, balance = (None if limit is None else round(limit, _CLOCK_DIGITS) for limit in limits)
    inside = np.ones(len(cells.event), bool)
    if low is not None:
        inside &= cells.event >= low
    if high is not None:
        inside &= cells.event <= high
    if balance is not None:
        used = cells.defined & cells.post
        longest = [cells.event[used & (cells.cohort == one)].max(initial=-np.inf) for one in cells.cohort]
        inside &= np.array(longest) >= balance
        times = _times(effects)
        span = float(cells.time[cells.defined].max() - times[0])
        if effects.info.get("event_clock", "time") == "periods":
            span = float(np.searchsorted(times, cells.time[cells.defined].max()))
        inside &= (cells.event <= balance) & (cells.event >= round(balance - span, _CLOCK_DIGITS))
    return [float(key) for key in np.unique(cells.event[inside])], inside


def _weights(cells: _Cells, groups: Mask, *, by_cohort: bool) -> Array:
    """(k, m) weights; the periods of one cohort count alike."""
    raw = np.where(groups & cells.defined, 1.0 if by_cohort else cells.share, 0.0)
    total = raw.sum(axis=1, keepdims=True)
    return np.asarray((raw / np.where(total > 0, total, 1.0)).T)


def _combine(effects: Estimates, cells: _Cells, matrix: Array, *, estimated: bool) -> tuple[Array, Influence]:
    """Estimates (m,) and influence (n, m) of weighted sums of rows; NaN where nothing contributes."""
    att = np.where(cells.defined, effects.estimate, 0.0)
    estimate = matrix.T @ att
    empty = matrix.sum(axis=0) == 0
    influence = combine(effects.influence, np.where(empty, np.nan, matrix))
    if estimated:
        influence = _add_shares(effects, influence, cells, matrix, att[:, None] - estimate[None, :])
    return np.where(empty, np.nan, estimate), influence


def _add_shares(effects: Estimates, influence: Influence, cells: _Cells, matrix: Array, deviation: Array) -> Influence:
    """Add that of the estimated cohort shares: sum over rows of (share_i - share) (att - aggregate) / total share."""
    cohorts = np.unique(cells.cohort)
    scaled = np.divide(matrix * deviation, cells.share[:, None])
    by_cohort = (cells.cohort[None, :] == cohorts[:, None]).astype(float) @ scaled
    return add_shares(influence, effects.cohort, effects.weights, by_cohort, cohorts)


def _reasons(effects: Estimates, contributing: Mask) -> tuple[str, ...]:
    """Why an aggregate of rows (m, k) is not estimated, or zero by definition."""
    own = np.array(effects.reasons or [""] * contributing.shape[1])
    estimated = (contributing & (own != REFERENCE)).any(axis=1)
    reasons = np.where(estimated, "", np.where(contributing.any(axis=1), REFERENCE, NOT_ESTIMATED))
    return tuple(str(reason) for reason in reasons)


def _counts(cells: _Cells, groups: Mask, members: Members) -> dict[str, list[int]]:
    """Clusters of the contributing cohorts, at most as many as the rows saw; smallest comparison group."""
    known, inside = members
    own, code = np.unique(cells.cohort, return_inverse=True)
    # rows by cohort (k, C), and (m, k) treated clusters of the rows that contribute
    by_cohort = (code[:, None] == np.arange(len(own))).astype(float)
    treated = np.where(groups, cells.treated, 0)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(own)))
    seen = np.maximum.reduceat(treated[:, order], starts, axis=1).sum(axis=1)
    present = (known[:, None] == own) @ (groups @ by_cohort > 0).T.astype(np.int64)
    distinct = (inside @ present > 0).sum(axis=0) if inside.ndim == 2 else inside @ present
    fewest = np.where(groups, cells.comparison, np.iinfo(np.int64).max).min(axis=1)
    return {
        "n_treated": np.minimum(seen, distinct).tolist(),
        "n_comparison": np.where(groups.any(axis=1), fewest, 0).tolist(),
    }


def _cohort_clusters(effects: Estimates) -> Members:
    """Cohorts, and the number of clusters in each; where clusters span cohorts, which clusters (G, C) are in which."""
    known, place = _numbered(effects)
    codes = cluster_codes(effects.clusters, effects.units)
    count = int(codes.max(initial=-1)) + 1
    if count == len(codes):
        return known, np.bincount(place, minlength=len(known)).astype(np.int64)
    inside = np.zeros((count, len(known)), dtype=np.int64)
    inside[codes, place] = 1
    return known, inside


def _effects(
    effects: E,
    kind: Kind,
    labels: pd.DataFrame,
    rows: tuple[Array, Influence],
    reasons: tuple[str, ...],
    info: dict[str, object],
) -> E:
    return replace(
        effects,
        kind=kind,
        labels=labels,
        estimate=rows[0],
        influence=rows[1],
        reasons=reasons,
        overall=None,
        info=info,
    )


def _with_overall(result: E, effects: E, cells: _Cells, groups: Mask, members: Members, *, estimated: bool) -> E:
    """Attach the summary: over event times from treatment on, cohorts by size, or periods."""
    keys = result.labels.iloc[:, 0].to_numpy(float)
    use = np.isfinite(result.estimate) & ((keys >= 0) if result.kind == "event" else True)
    info = {**result.info, "estimand": _SUMMARY[result.kind]}
    weight = use.astype(float)
    if result.kind == "cohort":
        shares = np.array([cells.share[cells.cohort == key][0] for key in keys])
        weight = weight * shares
    weight = weight / weight.sum() if use.any() else weight
    some = bool(use.any())
    estimate = np.array([weight @ np.where(use, result.estimate, 0.0) if some else np.nan])
    influence = combine(result.influence, weight[:, None] if some else np.full((len(weight), 1), np.nan))
    if result.kind == "cohort" and estimated:
        nobody = np.zeros(len(keys), np.int64)
        at = _Cells(keys, keys, keys, shares, use, use, nobody, nobody)
        deviation = np.where(use, result.estimate - estimate, 0.0)
        influence = _add_shares(effects, influence, at, weight[:, None], deviation[:, None])
    used = groups[use].any(axis=0) & cells.defined
    labels = pd.DataFrame(_counts(cells, used[None, :], members))
    reasons = ("" if some else NOT_ESTIMATED,)
    overall = _effects(effects, "overall", labels, (estimate, influence), reasons, info)
    return replace(result, overall=overall)
