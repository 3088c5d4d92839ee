"""Which comparisons a two-way regression adds up, and with which weights (Goodman-Bacon)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.estimators.cells import FIRST_PERIOD, NO_WEIGHT, first_positions
from evaltoolkit.findings import EvaltoolkitError

Positions = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.intp]

CITATION = "Goodman-Bacon (2021), https://doi.org/10.1016/j.jeconom.2021.03.014"

NEVER_TREATED = "treated vs never treated"
EARLIER_LATER = "earlier vs later treated"
LATER_EARLIER = "later vs already treated"
ALWAYS_TREATED = "treated vs always treated"
# units that have been treated for a while compare: what their effect does since then is subtracted
FORBIDDEN = (LATER_EARLIER, ALWAYS_TREATED)


@dataclass(frozen=True)
class Decomposition:
    """The two-by-two comparisons behind a two-way coefficient.

    Attributes
    ----------
    comparisons : DataFrame, one row per comparison, treated and comparison cohort increasing
        ``treated`` and ``comparison``: first treated time, ``inf`` never treated in the panel, ``-inf`` treated from
        the first period on; ``type``; ``forbidden``: whether units compare that are treated themselves; ``estimate``
        in units of the outcome; ``weight``, positive, adding up to one.
    by_type : DataFrame, one row per type that occurs: ``type, forbidden, weight, estimate`` (weighted mean)
    estimate : the two-way coefficient, sum of weight times estimate
    dropped : reason -> codes of the units left out
    """

    comparisons: pd.DataFrame
    by_type: pd.DataFrame
    estimate: float
    dropped: dict[str, tuple[str, ...]]

    @property
    def forbidden_weight(self) -> float:
        """Weight of the comparisons with units that are treated already."""
        return float(self.comparisons["weight"][self.comparisons["forbidden"]].sum())


class _Group(NamedTuple):
    """Cohorts by first treated period: dates and positions (G,), shares of the units (G,), mean outcomes (G, T)."""

    cohort: Array
    position: Positions
    share: Array
    mean: Array


class _Rows(NamedTuple):
    """Comparisons of one type: numbers of the cohorts, estimates and weights (m,)."""

    treated: Numbers
    comparison: Numbers
    kind: str
    estimate: Array
    weight: Array


def decompose_two_way(design: Design, *, always_treated: bool = False) -> Decomposition:
    """Decompose the static two-way coefficient into comparisons of two cohorts before and after one is treated.

    Estimand: the coefficient of ``two_way`` on the same design, as what it is: a mean of simple differences in
    differences, whose weights come from the sizes of cohorts and the time they spend treated, not from what anybody
    wants to know. Comparisons with units that are treated already subtract how *their* effect changes meanwhile.

    Assumptions: none; this is arithmetic. Reading an estimate of a forbidden comparison as an effect assumes that
    effects do not change with time since treatment.

    Not when: the panel has gaps, covariates or treatment that stops: then the coefficient is no such mean, and the
    function refuses.

    Parameters
    ----------
    design : Design
        Outcome (n, T) without gaps; weights are used (constant in time, they are sizes).
    always_treated : bool
        Keep units that are treated from the first period on, as comparison; ``two_way`` leaves them out unless
        ``design.treatment`` says that treatment may stop.

    Returns
    -------
    Decomposition

    Raises
    ------
    EvaltoolkitError
        Gaps, covariates or treatment that stops and restarts; nothing to compare.

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2021.03.014, theorem 1

    Examples
    --------
    >>> from evaltoolkit.estimators.decomposition import decompose_two_way  # doctest: +SKIP
    >>> decompose_two_way(design).by_type  # doctest: +SKIP
    """
    _require_plain(design)
    group, dropped = _cohorts(design, always_treated=always_treated)
    rows = [
        _against(group, np.inf, NEVER_TREATED),
        _against(group, -np.inf, ALWAYS_TREATED),
        *_between_cohorts(group),
    ]
    total = sum(float(part.weight.sum()) for part in rows)
    if not total > 0:
        raise EvaltoolkitError(
            "Nothing to decompose: all units that are left start in the same period. The regression needs units that "
            "start at different times, or never."
        )
    rows = [part._replace(weight=part.weight / total) for part in rows if len(part.weight)]
    estimate = sum(float(part.weight @ part.estimate) for part in rows)
    return Decomposition(_list_comparisons(group, rows), _by_type(rows), estimate, dropped)


def _list_comparisons(group: _Group, rows: list[_Rows]) -> pd.DataFrame:
    treated, other = (np.concatenate([part[side] for part in rows]) for side in (0, 1))
    kind = np.repeat([part.kind for part in rows], [len(part.weight) for part in rows])
    order = np.lexsort((other, treated))
    return pd.DataFrame(
        {
            "treated": group.cohort[treated[order]],
            "comparison": group.cohort[other[order]],
            "type": kind[order],
            "forbidden": np.isin(kind, FORBIDDEN)[order],
            "estimate": np.concatenate([part.estimate for part in rows])[order],
            "weight": np.concatenate([part.weight for part in rows])[order],
        }
    )


def _by_type(rows: list[_Rows]) -> pd.DataFrame:
    weight = np.array([part.weight.sum() for part in rows])
    return pd.DataFrame(
        {
            "type": [part.kind for part in rows],
            "forbidden": [part.kind in FORBIDDEN for part in rows],
            "weight": weight,
            "estimate": np.array([part.weight @ part.estimate for part in rows]) / weight,
        }
    )


def _require_plain(design: Design) -> None:
    faults = {
        "a stack of outcomes: take one": design.outcome.ndim != 2,
        "treatment that stops and restarts: weigh_two_way shows its weights": design.treatment is not None,
        "covariates: leave them out of the design, knowingly": design.covariates.shape[1] > 0
        or design.controls is not None,
        "missing values in the outcome: keep the periods or units that are complete": design.outcome.ndim == 2
        and not design.complete,
    }
    found = [fault for fault, has in faults.items() if has]
    if found:
        raise EvaltoolkitError(
            f"The two-way coefficient of this design is not a mean of two-by-two comparisons. It has "
            f"{'; and it has '.join(found)}."
        )


def _cohorts(design: Design, *, always_treated: bool) -> tuple[_Group, dict[str, tuple[str, ...]]]:
    position = first_positions(design.cohort, design.times)
    weightless = ~(design.weights > 0)
    too_early = ~weightless & (position == 0) & (not always_treated)
    dropped = {
        reason: tuple(str(code) for code in design.units[out])
        for reason, out in ((NO_WEIGHT, weightless), (FIRST_PERIOD, too_early))
        if out.any()
    }
    kept = np.flatnonzero(~(weightless | too_early))
    if not len(kept):
        raise EvaltoolkitError("No unit is left: all are treated from the first period on, or have no weight.")
    cohort = np.where(position >= len(design.times), np.inf, np.where(position == 0, -np.inf, design.cohort))
    cohorts, first, number = np.unique(cohort[kept], return_index=True, return_inverse=True)
    weights = design.weights[kept]
    size = np.bincount(number, weights=weights)
    members = (number == np.arange(len(cohorts))[:, None]) * weights
    outcome = design.outcome if len(kept) == len(design.units) else design.outcome[kept]
    mean = members @ outcome / size[:, None]
    return _Group(cohorts, position[kept][first], size / size.sum(), mean), dropped


def _mean_between(group: _Group, begin: Positions, end: Positions, rows: Numbers) -> Array:
    """Mean outcome of cohorts ``rows`` over periods ``begin`` to ``end``, the last not included."""
    total = np.column_stack([np.zeros(len(group.mean)), np.cumsum(group.mean, axis=1)])
    return np.asarray((total[rows, end] - total[rows, begin]) / (end - begin))


def _compare(group: _Group, treated: Numbers, other: Numbers, kind: str, weight: Array, periods: Positions) -> _Rows:
    """Rows of one type; ``periods`` (3, m): begin, first treated and end of each comparison."""
    begin, first, end = periods
    change = [_mean_between(group, first, end, at) - _mean_between(group, begin, first, at) for at in (treated, other)]
    return _Rows(treated, other, kind, change[0] - change[1], group.share[treated] * group.share[other] * weight)


def _timing(group: _Group) -> tuple[Numbers, Array]:
    """Numbers of the cohorts treated within the panel, and the share of time that every cohort spends treated."""
    n_periods = group.mean.shape[1]
    time_treated = 1.0 - np.minimum(group.position, n_periods) / n_periods
    return np.flatnonzero(np.isfinite(group.cohort)), time_treated


def _against(group: _Group, cohort: float, kind: str) -> _Rows:
    treated, share = _timing(group)
    other = np.flatnonzero(group.cohort == cohort)
    treated, other = (axis.ravel() for axis in np.meshgrid(treated, other, indexing="ij"))
    first = group.position[treated]
    periods = np.stack([np.zeros_like(first), first, np.full_like(first, group.mean.shape[1])])
    return _compare(group, treated, other, kind, share[treated] * (1 - share[treated]), periods)


def _between_cohorts(group: _Group) -> list[_Rows]:
    """Earlier cohorts until the later one starts, and later cohorts against the earlier ones from their start on."""
    treated, share = _timing(group)
    starts = group.position[treated]
    # two dates between the same waves take effect at the same wave: they are no comparison of one another
    early, late = (treated[axis] for axis in np.nonzero(starts[:, None] < starts[None, :]))
    start, second = group.position[early], group.position[late]
    apart = share[early] - share[late]
    forward = np.stack([np.zeros_like(start), start, second])
    backward = np.stack([start, second, np.full_like(second, group.mean.shape[1])])
    return [
        _compare(group, early, late, EARLIER_LATER, apart * (1 - share[early]), forward),
        _compare(group, late, early, LATER_EARLIER, apart * share[late], backward),
    ]
