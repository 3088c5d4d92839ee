"""Standard errors, intervals, bands and joint tests from influence functions: every inference formula, once."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.effects.estimates import Estimates
from evaltoolkit.effects.influence import Influence, defined_columns, gram, square_sums, summed
from evaltoolkit.effects.treated import entering_units, equal_number, treated_behind
from evaltoolkit.findings import EvaltoolkitError

Array = npt.NDArray[np.float64]
Band = Literal["pointwise", "simultaneous"]

# Below this many treated or comparison clusters a normal interval is known to be far too short: nominal 5 % tests
# reject in about 10 % of cases with ten, 24 % with three and 91 % with one treated unit.
MIN_CLUSTERS = 10
# Cohorts of fewer clusters than this, on average, tell too little about their own spread: with ten treated in five
# cohorts of two, two-sided normal tests of 5 % reject in 9 to 15 % of cases (tests/assurance/inference.csv), and a
# permutation of statistics divided by the cohorts' own standard errors has down to two thirds of the power it could.
MIN_PER_COHORT = 5
BAND_SEED = 1
BAND_DRAWS = 50_000

FEW_TREATED = f"fewer than {MIN_CLUSTERS} treated clusters"
FEW_COMPARISON = f"fewer than {MIN_CLUSTERS} comparison clusters"
FEW_EFFECTIVE = f"the treated clusters weigh so unlike that they are worth fewer than {MIN_CLUSTERS}"
SMALL_COHORTS = f"fewer than {MIN_PER_COHORT} treated clusters per cohort"
ONE_TREATED = "one treated cluster: no standard error"
ONE_COMPARISON = "one comparison cluster: no standard error"
NO_INFLUENCE = "rests on an estimate without standard error"
NO_VARIATION = "no variation in the outcome"
SINGULAR = "the covariance of these estimates is singular"
NOTHING_TO_TEST = "no estimate to test"


class WaldTest(NamedTuple):
    """Joint test that estimates are zero; ``reason`` says why a part is NaN."""

    statistic: float
    df: int
    p_value: float
    reason: str


def covariance(effects: Estimates) -> Array:
    """Return the (k, k) covariance of the estimates.

    The mean of psi psi' over n units divided by n; psi is summed by cluster first; no small-sample factor. Rows of
    undefined estimates are NaN.
    """
    return gram(_by_cluster(effects)) / len(effects.units) ** 2


def std_errors(effects: Estimates) -> Array:
    """Return the (k,) standard errors; NaN where one cluster alone stands on a side, and where undefined."""
    return _shown_errors(effects)[0]


def inference_reasons(effects: Estimates) -> tuple[str, ...]:
    """Return for each row why it has no standard error or no interval; empty where it has both."""
    return _with_few(effects, _shown_errors(effects)[1])


def inference_table(
    effects: Estimates, *, level: float = 0.95, band: Band = "pointwise", seed: int = BAND_SEED
) -> pd.DataFrame:
    """Return labels with ``estimate, std_error, conf_low, conf_high, p_value, reason``.

    Below ``MIN_CLUSTERS`` treated or comparison clusters, below as many that weigh the same, and below
    ``MIN_PER_COHORT`` per treated cohort a row keeps its standard error and has neither interval nor p-value. P-values
    are two-sided, normal, and of single rows under either band. ``attrs`` of the frame name the band, level, critical
    value, and for a simultaneous band seed and number of draws.

    Parameters
    ----------
    effects : Effects
    level : float
        Between 0 and 1.
    band : {"pointwise", "simultaneous"}
        A simultaneous band covers all its rows together with probability ``level``.
    seed : int
        Of the draws behind a simultaneous band.

    Raises
    ------
    EvaltoolkitError
        Level out of range or unknown band.
    """
    critical = critical_value(effects, level=level, band=band, seed=seed)
    errors, why_not = _shown_errors(effects)
    reasons = _with_few(effects, why_not)
    shown = np.array([reason == "" for reason in reasons], dtype=bool)
    width = np.where(shown, critical * errors, np.nan)
    z = np.where(shown, effects.estimate / np.where(shown, errors, 1.0), np.nan)
    table = pd.DataFrame(
        {
            **{name: effects.labels[name].array for name in effects.labels.columns},
            "estimate": effects.estimate,
            "std_error": errors,
            "conf_low": effects.estimate - width,
            "conf_high": effects.estimate + width,
            "p_value": two_sided_p(z),
            "reason": list(reasons),
        }
    )
    table.attrs.update(band=band, level=level, critical_value=critical)
    if band == "simultaneous":
        table.attrs.update(seed=seed, draws=BAND_DRAWS, draws_of="normal with the exact covariance")
    return table


def describe_effects(effects: Estimates, *, rows: int = 40) -> str:
    """Return a short text: what was estimated, each row with its standard error and, where allowed, 95 % interval."""
    info = effects.info
    head = f"{info.get('method', 'effects')}, {effects.kind.replace('_', '-')}: {info.get('estimand', '')}"
    about = f"{len(effects.units)} units, {count_clusters(cluster_codes(effects.clusters, effects.units))} clusters"
    table = inference_table(effects).drop(columns="p_value")
    shown = table.head(rows).to_string(index=False, float_format=lambda value: f"{value:.4g}", na_rep="-")
    more = [f"... and {len(table) - rows} more rows"] if len(table) > rows else []
    overall = effects.overall
    if overall is not None:
        more.append(f"overall: {overall.estimate[0]:.4g} (standard error {std_errors(overall)[0]:.4g})")
    return "\n".join([head, about, shown, *more])


def critical_value(
    effects: Estimates, *, level: float = 0.95, band: Band = "pointwise", seed: int = BAND_SEED
) -> float:
    """Return the number of standard errors on either side of an estimate.

    Simultaneous: the ``level`` quantile of the largest absolute t over the rows that have an interval, from draws of a
    normal with the exact covariance of the estimates (not resampled units).
    """
    if not 0 < level < 1:
        raise EvaltoolkitError(f"The level must lie between 0 and 1, for example 0.95; got {level}.")
    if band not in ("pointwise", "simultaneous"):
        raise EvaltoolkitError(f'There is no band "{band}". Known: pointwise, simultaneous.')
    pointwise = NormalDist().inv_cdf(0.5 + level / 2)
    if band == "pointwise":
        return pointwise
    shown = np.flatnonzero([reason == "" for reason in inference_reasons(effects)])
    if len(shown) < 2:
        return pointwise
    largest = _largest(_correlation(gram(_by_cluster(effects, shown))), seed)
    return critical_of(largest, level)


def critical_of(largest: Array, level: float) -> float:
    """Return the quantile of the largest absolute t, never below the one of a single row."""
    return max(NormalDist().inv_cdf(0.5 + level / 2), float(np.quantile(largest, level)))


def joint_wald(effects: Estimates, rows: npt.ArrayLike) -> WaldTest:
    """Test that the estimates of some rows are all zero.

    With the rows of periods before treatment this is the pre-trend test of Callaway and Sant'Anna (reference periods
    are left out). No p-value below ``MIN_CLUSTERS`` treated or comparison clusters behind all rows together, below as
    many treated ones that weigh the same, and below ``MIN_PER_COHORT`` per treated cohort.

    Parameters
    ----------
    effects : Effects
    rows : (k,) bool mask, or row numbers

    Returns
    -------
    WaldTest
        ``statistic, df, p_value, reason``; NaN with a reason where undefined.
    """
    chosen = np.arange(len(effects.estimate))[np.asarray(rows)]
    known = np.isfinite(effects.estimate) & defined_columns(effects.influence)
    defined = [int(i) for i in chosen if known[i]]
    if not defined:
        return WaldTest(math.nan, 0, math.nan, NOTHING_TO_TEST)
    matrix = gram(_by_cluster(effects, np.array(defined))) / len(effects.units) ** 2
    if not (np.diag(matrix) > 0).all():
        return WaldTest(math.nan, len(defined), math.nan, SINGULAR)
    correlation = _correlation(matrix)
    if np.linalg.eigvalsh(correlation)[0] < 1e-10:
        return WaldTest(math.nan, len(defined), math.nan, SINGULAR)
    estimate = effects.estimate[defined]
    statistic = float(estimate @ np.linalg.solve(matrix, estimate))
    reason = _few_in_total(effects, defined)
    p_value = math.nan if reason else chi_square_tail(statistic, len(defined))
    return WaldTest(statistic, len(defined), p_value, reason)


def two_sided_p(z: Array) -> Array:
    """Return two-sided normal p-values; NaN stays NaN."""
    return np.array([math.erfc(abs(value) / math.sqrt(2)) for value in z], dtype=float)


def chi_square_tail(statistic: float, df: int) -> float:
    """Return the probability that a chi-square with ``df`` degrees of freedom exceeds the statistic."""
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))


def cluster_codes(clusters: npt.NDArray[np.str_], units: npt.NDArray[np.str_]) -> npt.NDArray[np.intp]:
    """Return (n,) cluster numbers 0, 1, ...; units that are their own clusters are not sorted."""
    if clusters is units or np.array_equal(clusters, units):
        return np.arange(len(units), dtype=np.intp)
    return np.unique(clusters, return_inverse=True)[1].astype(np.intp)


def count_clusters(codes: npt.NDArray[np.intp]) -> int:
    """Return the number of different clusters among these codes."""
    return int(np.count_nonzero(np.bincount(codes))) if len(codes) else 0


def _by_cluster(effects: Estimates, rows: npt.NDArray[np.intp] | None = None) -> Influence:
    """The influence of every cluster on the chosen estimates."""
    influence = effects.influence if rows is None else effects.influence[:, rows]
    return summed(influence, cluster_codes(effects.clusters, effects.units))


def _shown_errors(effects: Estimates) -> tuple[Array, list[str]]:
    """Standard errors (k,), NaN where there is none, and why there is none."""
    errors = np.sqrt(square_sums(_by_cluster(effects))) / len(effects.units)
    reasons = _error_reasons(effects, errors)
    return np.where([reason != "" for reason in reasons], np.nan, errors), reasons


def _with_few(effects: Estimates, reasons: list[str]) -> tuple[str, ...]:
    """Add to the reasons for no standard error those for no interval."""
    treated, comparison = _counts(effects)
    behind = treated_behind(effects, cluster_codes(effects.clusters, effects.units))
    few = np.select(
        [
            treated < MIN_CLUSTERS,
            comparison < MIN_CLUSTERS,
            treated < MIN_PER_COHORT * behind.cohorts,
            # ten equal ones may come out as a hair less
            behind.effective < MIN_CLUSTERS - 1e-9,
        ],
        [FEW_TREATED, FEW_COMPARISON, SMALL_COHORTS, FEW_EFFECTIVE],
        "",
    )
    return tuple(own or str(other) for own, other in zip(reasons, few, strict=True))


def _counts(effects: Estimates) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return effects.labels["n_treated"].to_numpy(np.int64), effects.labels["n_comparison"].to_numpy(np.int64)


def _error_reasons(effects: Estimates, errors: Array) -> list[str]:
    """Why a row has no standard error: its own reason first."""
    treated, comparison = _counts(effects)
    own = effects.reasons or ("",) * len(errors)
    found = []
    for i, reason in enumerate(own):
        if not reason and treated[i] <= 1:
            reason = ONE_TREATED
        elif not reason and comparison[i] <= 1:
            reason = ONE_COMPARISON
        elif not reason and np.isnan(errors[i]):
            reason = NO_INFLUENCE
        elif not reason and not errors[i] > 1e-14 * abs(effects.estimate[i]):
            reason = NO_VARIATION
        found.append(reason)
    return found


def _correlation(matrix: Array) -> Array:
    scale = np.sqrt(np.diag(matrix))
    return np.asarray(matrix / np.outer(scale, scale))


def _largest(correlation: Array, seed: int) -> Array:
    """Draw the largest absolute value of a normal vector with this correlation."""
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(seed)
    chunk = 5_000
    parts = (rng.standard_normal((chunk, len(root))) @ root.T for _ in range(BAND_DRAWS // chunk))
    return np.concatenate([np.abs(part).max(axis=1) for part in parts])


def _few_in_total(effects: Estimates, rows: list[int]) -> str:
    """Why a joint test has no p-value: the treated behind all its rows together, and the smallest comparison group."""
    treated, comparison = _counts(effects)
    if (treated[rows] <= 1).any():
        return ONE_TREATED
    behind = np.isfinite(effects.cohort) & ~np.isin(effects.cohort, effects.info.get("comparison_only_cohorts", ()))
    if "cohort" in effects.labels:
        behind &= np.isin(effects.cohort, effects.labels["cohort"].to_numpy(float)[rows])
    behind &= entering_units(effects.influence[:, rows]).any(axis=1)
    clusters = cluster_codes(effects.clusters, effects.units)[behind]
    # event rows rest on some of the cohorts each: no row alone has all the clusters
    total = count_clusters(clusters) if "cohort" in effects.labels else int(treated[rows].max())
    if total < MIN_CLUSTERS:
        return FEW_TREATED
    if comparison[rows].min() < MIN_CLUSTERS:
        return FEW_COMPARISON
    if total < MIN_PER_COHORT * len(np.unique(effects.cohort[behind])):
        return SMALL_COHORTS
    weights = np.bincount(clusters, effects.weights[behind]).astype(float)
    return FEW_EFFECTIVE if equal_number(weights[:, None])[0] < MIN_CLUSTERS - 1e-9 else ""
