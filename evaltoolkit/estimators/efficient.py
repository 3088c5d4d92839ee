"""Efficient estimator of Roth and Sant'Anna for starts drawn at random: levels, adjusted for the period before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS, chi_square_tail, cluster_codes, count_clusters
from evaltoolkit.effects.influence import gram, summed
from evaltoolkit.estimators.cells import NO_COMPARISON, Mask, Sample, comparison_only, first_positions, select_units
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.findings import EvaltoolkitError

CITATION = "Roth and Sant'Anna (2023), https://doi.org/10.1086/726581"
SE_CONVENTION = (
    "Neyman: variances within cohorts over clusters with c/(c-1), conservative; starts are what is random, "
    "the sizes of cohorts are taken as they are"
)
ALONE = "only cluster with this start: no variance within the cohort"


@dataclass(frozen=True, repr=False)
class EfficientEffects(Effects):
    """Effects under random timing, with what they are made of; see :func:`estimate_efficient`.

    Attributes
    ----------
    levels : differences between cohorts in the period of each row, aggregated as the rows are
    earlier : the same differences in the last period before treatment
    slope : (k,) how much of ``earlier`` is taken out of ``levels``; 0 takes nothing out, 1 gives
        difference-in-differences
    outcome : (n, T) of the units that enter
    times : (T,)
    """

    levels: Effects | None = None
    earlier: Effects | None = None
    slope: Array | None = None
    outcome: Array | None = None
    times: Array | None = None

    def aggregate(self, to: Literal["overall", "event", "cohort", "calendar"]) -> Self:
        """Aggregate levels and earlier levels, then adjust: every aggregate has its own best slope."""
        if self.levels is None or self.earlier is None:
            return super().aggregate(to)
        levels, earlier = self.levels.aggregate(to), self.earlier.aggregate(to)
        result = _adjusted(levels, earlier, self)
        if levels.overall is not None and earlier.overall is not None:
            result = replace(result, overall=_adjusted(levels.overall, earlier.overall, self))
        return cast(Self, result)


def estimate_efficient(design: Design) -> Effects:
    """Estimate group-time effects where lot or chance decided who starts when.

    Estimand: ATT(g,t), the mean effect in period t of starting in g instead of not yet, on the units first treated in
    g; aggregated with the sizes of cohorts as they are.

    Assumptions: random timing, which is stronger than parallel trends: every unit (every cluster) could as well have
    had the start of any other, as in a roll-out drawn by lot; no anticipation beyond ``design.anticipation``; treatment
    never reverts. Then levels are comparable as they stand, and earlier outcomes need only be taken out as far as they
    predict later ones: ``slope`` is found from the data so that the variance is smallest. Difference-in-differences is
    slope one.

    Not when: units chose when to start, or were chosen for what was known of them: the estimate is then biased also
    where trends are parallel. Cohorts of very few units, whose variances are unknown. Strata or rules within which the
    lot was drawn are not taken into account.

    Parameters
    ----------
    design : Design
        Outcome (n, T), complete, without weights and covariates. ``design.comparison`` says whom a cohort is compared
        with. Clusters are taken for what was drawn, with one start for all units of a cluster.

    Returns
    -------
    EfficientEffects
        Kind ``group_time``, periods from treatment on. The influence of a unit is its part in the Neyman variance, so
        that standard errors are the conservative ones;
        :func:`~evaltoolkit.estimators.efficient_errors.sharper_errors` has the smaller ones of the authors.
        ``info["balance_statistic"]``, ``balance_df`` and ``balance_p_value``: Wald test that the cohorts do not differ
        in the last period before the first start, as random timing says.

    Raises
    ------
    EvaltoolkitError
        No cohort of two clusters or more starts after the first period and has a comparison.

    References
    ----------
    https://doi.org/10.1086/726581

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "efficient").aggregate("event").to_frame()  # doctest: +SKIP
    """
    sample = select_units(design)
    cohorts = _cohorts(sample)
    rows = _rows(sample, cohorts)
    if not len(rows.cohort):
        raise EvaltoolkitError(
            "No cohort starts after the first period of the panel and has units to compare with: check the dates in "
            "the roster, or add earlier periods."
        )
    info = {**_describe(sample), **_balance(sample, cohorts)}
    levels = _differences(sample, cohorts, rows, rows.current, info)
    earlier = _differences(sample, cohorts, rows, rows.before, info)
    empty = EfficientEffects(**{**vars(levels), "outcome": sample.design.outcome, "times": sample.design.times})
    return _adjusted(levels, earlier, empty)


class _Cohorts(NamedTuple):
    """Starts (G,), never last; number of its cohort (n,); part of the clusters in it (n,); sizes; usable; factors."""

    start: Array
    group: npt.NDArray[np.intp]
    size: Array
    clusters: npt.NDArray[np.intp]
    usable: Mask


class _Rows(NamedTuple):
    """Cohort number, period and last period before treatment (k,), comparison cohorts (k, G), reasons."""

    cohort: npt.NDArray[np.intp]
    current: npt.NDArray[np.intp]
    before: npt.NDArray[np.intp]
    compared: Mask
    reasons: tuple[str, ...]


def _cohorts(sample: Sample) -> _Cohorts:
    design = sample.design
    start, group = np.unique(design.cohort, return_inverse=True)
    codes = cluster_codes(design.clusters, design.units)
    clusters = np.array([count_clusters(codes[group == g]) for g in range(len(start))], dtype=np.intp)
    size = np.bincount(group, minlength=len(start)).astype(float)
    return _Cohorts(start, group.astype(np.intp), size, clusters, clusters > 1)


def _rows(sample: Sample, cohorts: _Cohorts) -> _Rows:
    """List the cells from treatment on; cohorts of one cluster are compared, but compare nobody."""
    design, last = sample.design, len(sample.design.times)
    position = first_positions(cohorts.start, design.times)
    own = np.flatnonzero((position < last) & ~np.isin(cohorts.start, comparison_only(sample)))
    pairs = [(g, t) for g in own for t in range(int(position[g]), last)]
    cohort = np.array([g for g, _ in pairs], dtype=np.intp)
    current = np.array([t for _, t in pairs], dtype=np.intp)
    untreated = position[None, :] > (current + design.anticipation)[:, None]
    if design.comparison == "never_treated":
        untreated &= position >= last
    compared = np.asarray(untreated & cohorts.usable)
    before = (position[cohort] - design.anticipation - 1).astype(np.intp)
    reasons = tuple("" if some else NO_COMPARISON for some in np.any(compared, axis=1).tolist())
    return _Rows(cohort, current, before, compared, reasons)


def _differences(
    sample: Sample, cohorts: _Cohorts, rows: _Rows, period: npt.NDArray[np.intp], info: dict[str, Any]
) -> Effects:
    """Differences of means between the cohort and those that compare, in a period (k,) of each row."""
    design = sample.design
    means, free = _within(design.outcome, cohorts)
    share = rows.compared * cohorts.size
    total = share.sum(axis=1, keepdims=True)
    weight = np.eye(len(cohorts.start))[rows.cohort] - share / np.where(total > 0, total, 1.0)
    known = np.array([reason == "" for reason in rows.reasons])
    estimate = np.where(known, (weight * means[:, period].T).sum(axis=1), np.nan)
    influence = free[:, period] * weight[:, cohorts.group].T
    # one cluster: no variance within the cohort, and none that could be made up
    influence[:, ~known | ~cohorts.usable[rows.cohort]] = np.nan
    codes = cluster_codes(design.clusters, design.units)
    labels = pd.DataFrame(
        {
            "cohort": cohorts.start[rows.cohort],
            "time": design.times[rows.current],
            "n_treated": cohorts.clusters[rows.cohort],
            "n_comparison": [count_clusters(codes[some[cohorts.group]]) for some in rows.compared],
        }
    )
    return Effects(
        kind="group_time",
        labels=labels,
        estimate=estimate,
        influence=influence,
        units=design.units,
        cohort=design.cohort,
        weights=design.weights,
        clusters=design.clusters,
        reasons=rows.reasons,
        info=info,
    )


def _within(values: Array, cohorts: _Cohorts) -> tuple[Array, Array]:
    """Means by cohort (G, p), and the influence (n, p) of every unit on the mean of its own cohort."""
    means = np.array([values[cohorts.group == g].mean(axis=0) for g in range(len(cohorts.start))])
    scale = len(values) / cohorts.size * np.sqrt(cohorts.clusters / np.maximum(cohorts.clusters - 1, 1))
    return means, (values - means[cohorts.group]) * scale[cohorts.group][:, None]


def _adjusted(levels: Effects, earlier: Effects, like: EfficientEffects) -> EfficientEffects:
    """Take out of every row as much of the earlier difference as makes its variance smallest."""
    codes = cluster_codes(levels.clusters, levels.units)
    later, before = np.asarray(summed(levels.influence, codes)), np.asarray(summed(earlier.influence, codes))
    square = np.square(before).sum(axis=0)
    product = (later * before).sum(axis=0)
    # nothing varies before: nothing is taken out; variances not known: difference-in-differences
    slope = np.divide(product, square, out=np.isnan(square).astype(float), where=square > 0)
    known = {
        "estimate": levels.estimate - slope * earlier.estimate,
        "influence": np.asarray(levels.influence) - slope * np.asarray(earlier.influence),
        "levels": replace(levels, overall=None),
        "earlier": replace(earlier, overall=None),
        "slope": slope,
        "overall": None,
    }
    shared = {name: getattr(levels, name) for name in ("kind", "labels", "reasons", "info")}
    return replace(like, **shared, **known)


def _balance(sample: Sample, cohorts: _Cohorts) -> dict[str, float]:
    """Wald test that cohorts have equal means in the last period before the first start."""
    design = sample.design
    at = int(sample.position.min()) - design.anticipation - 1
    chosen = np.flatnonzero(cohorts.usable)
    if len(chosen) < 2:
        return {"balance_statistic": np.nan, "balance_df": 0.0, "balance_p_value": np.nan}
    means, free = _within(design.outcome[:, at : at + 1], cohorts)
    columns = free * (cohorts.group[:, None] == chosen)
    codes = cluster_codes(design.clusters, design.units)
    contrast = np.column_stack([np.eye(len(chosen) - 1), -np.ones(len(chosen) - 1)])
    variance = contrast @ gram(summed(columns, codes)) @ contrast.T / len(codes) ** 2
    difference = contrast @ means[chosen, 0]
    statistic = float(difference @ np.linalg.pinv(variance, hermitian=True) @ difference)
    df = float(np.linalg.matrix_rank(variance, hermitian=True))
    enough = df > 0 and cohorts.clusters[chosen].min() >= MIN_CLUSTERS
    p_value = chi_square_tail(statistic, int(df)) if enough else np.nan
    return {"balance_statistic": statistic, "balance_df": df, "balance_p_value": p_value}


def _describe(sample: Sample) -> dict[str, Any]:
    design = sample.design
    return {
        "method": "efficient",
        "estimand": "ATT(g,t): mean effect in period t on the units first treated in g, if chance decided who starts "
        "when",
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "shares": "fixed",
        "outcome": design.outcome_name,
        "comparison": design.comparison,
        "anticipation": design.anticipation,
        "covariates": (),
        "times": tuple(float(time) for time in design.times),
        "event_clock": str(design.info.get("event_clock", "time")),
        "dropped_units": dict(sample.dropped),
        "comparison_only_cohorts": tuple(float(one) for one in comparison_only(sample)),
    }


ESTIMATOR = Estimator(
    name="efficient",
    run=estimate_efficient,
    options={},
    title="Efficient estimator under random timing (Roth and Sant'Anna)",
    citation=CITATION,
    accepts=frozenset({"no_never_treated", "anticipation"}),
    alone={"": "its weights are estimated from each outcome"},
)
