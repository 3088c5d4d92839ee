"""Small-sample variances of any effects: a factor, or the leverage of clusters in the means of their cohort."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, count_clusters, covariance, inference_reasons, std_errors
from evaltoolkit.effects.influence import PartedInfluence
from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest
from evaltoolkit.inference.student import student_table

Kind = Literal["CR1", "CR2", "CR3"]
_POWERS = {"CR2": -0.5, "CR3": -1.0}
ONE_OF_COHORT = "cohort {:g} lies in one cluster"


@dataclass(frozen=True)
class EffectsVariance:
    """Effects with a small-sample variance.

    Attributes
    ----------
    kind, df_rule : which variance, and how its degrees of freedom were found
    labels : DataFrame, k rows
    estimate, std_error, df : (k,) NaN where undefined
    covariance : (k, k)
    reasons : (k,) why there is no standard error
    """

    kind: str
    df_rule: str
    labels: pd.DataFrame
    estimate: Array
    std_error: Array
    covariance: Array
    df: Array
    reasons: tuple[str, ...]

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Labels with ``estimate, std_error, df, conf_low, conf_high, p_value, reliable, reason``, by Student's t."""
        return student_table(self.labels, self.estimate, self.std_error, self.df, self.reasons, level=level)


def effects_variance(effects: Effects, kind: Kind = "CR2") -> EffectsVariance:
    """Return a small-sample variance of effects.

    Estimand: the sampling variance of the estimates, clusters independent.

    Assumptions: CR1, for every method: clusters alike and many; it multiplies the variance by G/(G-1). CR2 and CR3,
    for plain group-time effects and what is aggregated from them: an estimate is a contrast of cohort means. A cluster
    with the share h of its cohort's weight has its deviation from the cohort's mean divided by sqrt(1-h) (CR2, unbiased
    where clusters of a cohort have variances in proportion to one over their weight) or by 1-h (CR3, what leaving the
    cluster out does). For two cohorts and units as clusters these are the two-sample HC2 (Welch) and HC3 variances.

    Not when: a cohort lies in one cluster (NaN with the reason): randomisation inference answers instead.

    Parameters
    ----------
    effects : Effects
    kind : {"CR1", "CR2", "CR3"}

    Returns
    -------
    EffectsVariance
        Degrees of freedom: G-1 for CR1; for CR2 and CR3 those of Bell and McCaffrey: the first two moments of the
        variance when rows are independent and a unit's variance is the same everywhere, in proportion to one over its
        weight. For two groups of n and m clusters alike, (1/n + 1/m)^2 / (1/n^2/(n-1) + 1/m^2/(m-1)); with few treated
        that keeps the level better than Welch's estimate of it. Estimated cohort shares keep their part in the
        variance as it is.

    Raises
    ------
    RefusedError
        CR2 or CR3 of effects that are no plain contrasts of cohort means: leave clusters out instead (``jackknife``).

    References
    ----------
    Bell and McCaffrey (2002); Imbens and Kolesar (2016), https://doi.org/10.1162/REST_a_00552
    """
    if kind not in get_args(Kind):
        known = get_args(Kind)
        raise EvaltoolkitError(f'There is no kind "{kind}" here. Known: {", ".join(known)}.{nearest(kind, known)}')
    if kind == "CR1":
        groups = count_clusters(cluster_codes(effects.clusters, effects.units))
        few = groups / (groups - 1) if groups > 1 else np.nan
        return _result(effects, "CR1", "clusters less one", few, np.full(len(effects.estimate), groups - 1.0))
    if not isinstance(effects.influence, PartedInfluence):
        raise RefusedError(
            f'{kind} is known for plain group-time effects (complete outcome, no covariates). Use "jackknife", which '
            "estimates again without each cluster, for every other method."
        )
    adjusted = reduce_bias(effects, kind)
    return _result(adjusted, kind, "satterthwaite", 1.0, _working_df(effects, effects.influence, kind))


def reduce_bias(effects: Effects, kind: Literal["CR2", "CR3"]) -> Effects:
    """Return plain group-time effects, or their aggregates, with the leverage of clusters taken out of the influence.

    Every formula on influence then gives CR2 or CR3; ``info["se_convention"]`` says so.
    """
    influence = effects.influence
    if not isinstance(influence, PartedInfluence):
        raise RefusedError("The influence of these effects is not held by cohort.")
    parts = _parts(effects, influence, kind)
    rows = influence.rows.copy()
    # the last two columns carry the estimated shares, not deviations from a mean
    rows[:, :-2] *= parts.factor[parts.cluster, influence.group][:, None]
    moves = np.any(influence.slopes[:, :-2] != 0, axis=1) & parts.alone[:, None]
    slopes = np.where(moves.any(axis=0), np.nan, influence.slopes)
    own = effects.reasons or ("",) * len(effects.estimate)
    reasons = tuple(
        reason or (ONE_OF_COHORT.format(influence.cohorts[moves[:, j].argmax()]) if moves[:, j].any() else "")
        for j, reason in enumerate(own)
    )
    return replace(
        effects,
        influence=replace(influence, rows=rows, slopes=slopes, _products={}),
        reasons=reasons,
        overall=None if effects.overall is None else reduce_bias(effects.overall, kind),
        info={**effects.info, "se_convention": f"{kind} by leverage of clusters in their cohort"},
    )


def error_reasons(effects: Effects) -> tuple[str, ...]:
    """Return why a row has no standard error; empty where it has one, however few its clusters."""
    known = np.isfinite(std_errors(effects))
    return tuple("" if good else reason for good, reason in zip(known, inference_reasons(effects), strict=True))


class _Parts(NamedTuple):
    """Clusters in cohorts: number of each unit's cluster (n,), shares and factors (G, C), cohorts of one cluster."""

    cluster: npt.NDArray[np.intp]
    share: Array
    factor: Array
    alone: npt.NDArray[np.bool_]


def _parts(effects: Effects, influence: PartedInfluence, kind: str) -> _Parts:
    cluster = cluster_codes(effects.clusters, effects.units)
    weight = np.zeros((int(cluster.max()) + 1, len(influence.cohorts)))
    np.add.at(weight, (cluster, influence.group), effects.weights)
    alone = (weight > 0).sum(axis=0) < 2
    share = weight / weight.sum(axis=0)
    factor = np.where(alone, 1.0, 1.0 - np.where(alone, 0.0, share)) ** _POWERS[kind]
    return _Parts(cluster, share, factor, np.asarray(alone))


def _working_df(effects: Effects, influence: PartedInfluence, kind: str) -> Array:
    """(k,) degrees of freedom of the sum over clusters of squared scores.

    Under the working model the scores of a cohort's clusters have the covariance diag(f^2 h) - (f h)(f h)', with h the
    shares and f the factors, times the cohort's part in the variance.
    """
    parts = _parts(effects, influence, kind)
    own, common = parts.factor**2 * parts.share, parts.factor * parts.share
    squares = common**2
    inner = own.T @ own - own.T @ squares - squares.T @ own + (common.T @ common) ** 2
    total = np.bincount(influence.group, weights=effects.weights)
    cohort = total[:, None] * np.square(influence.slopes[:, :-2]).sum(axis=1)
    mean = (own - squares).sum(axis=0) @ cohort
    below = np.einsum("ck,cd,dk->k", cohort, inner, cohort)
    return np.asarray(np.divide(mean**2, below, out=np.full(len(below), np.nan), where=below > 0))


def _result(effects: Effects, kind: str, rule: str, factor: float, df: Array) -> EffectsVariance:
    errors = std_errors(effects) * np.sqrt(factor)
    return EffectsVariance(
        kind=kind,
        df_rule=rule,
        labels=effects.labels,
        estimate=effects.estimate,
        std_error=errors,
        covariance=covariance(effects) * factor,
        df=np.where(np.isfinite(errors), df, np.nan),
        reasons=error_reasons(effects),
    )
