"""What the rules of feasibility look at: counts and shares of a design, before any estimate.

Every statistic is a float. NaN means that it could not be known; ``inf`` that it does not apply.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.inference import MIN_CLUSTERS

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int_]


def observed_cells(design: Design) -> Bools:
    """(n, T) where the outcome (any of a stack) was observed."""
    finite = np.isfinite(design.outcome)
    return np.asarray(finite if finite.ndim == 2 else finite.any(axis=2), dtype=np.bool_)


def start_index(design: Design) -> Ints:
    """(n,) column of the first period in which treatment may act, anticipation included; T = never in the panel."""
    last = len(design.times)
    start = np.searchsorted(design.times, design.cohort)
    return np.where(start < last, np.maximum(start - design.anticipation, 0), last)


def untreated_cells(design: Design) -> Bools:
    """(n, T) cells that treatment cannot have touched."""
    return np.arange(len(design.times)) < start_index(design)[:, None]


def usable_units(design: Design) -> Bools:
    """(n,) units with what a difference needs: seen before and after; before only, while nobody is seen after."""
    seen, clean = observed_cells(design), untreated_cells(design)
    before, after = (seen & clean).any(axis=1), (seen & ~clean).any(axis=1)
    treated = design.treated
    enough = min(2, int(seen.any(axis=0).sum()))
    after = after if (after & treated).any() else np.ones_like(after)
    return np.where(treated, before & after, seen.sum(axis=1) >= enough)


def n_clusters(design: Design, units: Bools) -> int:
    """Count the clusters of the given units."""
    return len(np.unique(design.clusters[units]))


def comparison_clusters(design: Design) -> int:
    """Count the clusters that can compare: the never treated, or the largest set of not yet treated ones."""
    usable = usable_units(design)
    if design.comparison == "never_treated":
        return n_clusters(design, usable & ~design.treated)
    counts = [n_clusters(design, usable & (design.cohort > cohort)) for cohort in design.cohorts]
    return max(counts, default=n_clusters(design, usable & ~design.treated))


def pre_periods(design: Design) -> dict[float, int]:
    """Return for each cohort the number of periods before its start in which it was observed."""
    seen = observed_cells(design) & untreated_cells(design)
    return {float(g): int(seen[design.cohort == g].any(axis=0).sum()) for g in design.cohorts}


def short_cohorts(design: Design) -> tuple[float, ...]:
    """Return the cohorts with fewer than two periods before their start."""
    return tuple(cohort for cohort, count in pre_periods(design).items() if count < 2)


def drop_short_cohorts(design: Design) -> Design:
    """Return the design without the units of cohorts that have fewer than two periods before their start.

    They are listed in ``excluded`` with the reason ``excluded.one_pre_period``. Where fewer than ten treated clusters
    would remain nothing is dropped: then the whole design has too few periods, and a rule says so.
    """
    short = np.isin(design.cohort, short_cohorts(design))
    rest = n_clusters(design, usable_units(design) & design.treated & ~short)
    if not short.any() or rest < MIN_CLUSTERS:
        return design
    left_out = pd.DataFrame({"unit": design.units[short], "reason": "excluded.one_pre_period"})
    excluded = pd.concat([design.excluded, left_out], ignore_index=True) if len(design.excluded) else left_out
    return dataclasses.replace(keep_units(design, ~short), excluded=excluded)


def cluster_statistics(design: Design) -> dict[str, float]:
    """Return the statistics about who is treated, when, and compared with whom."""
    usable, short = usable_units(design), short_cohorts(design)
    treated = design.treated
    compared = comparison_clusters(design)
    later = np.isfinite(design.cohort) & ~treated
    long_enough = treated & ~np.isin(design.cohort, short)
    return {
        "treated_clusters": n_clusters(design, usable & treated),
        "comparison_clusters": compared,
        "all_treated_at_once": float(compared == 0 and len(design.cohorts) == 1),
        "starts_later": 0 if treated.any() else n_clusters(design, later),
        "short_cohorts": len(short),
        "clusters_with_two_pre": n_clusters(design, usable & long_enough) if short else np.inf,
    }


def response_statistics(seen: Bools, treated: Bools) -> dict[str, float]:
    """Return the share of unit-periods with an answer by arm, in percent, over periods in which anyone answered.

    Parameters
    ----------
    seen : (n, T) answered; treated : (n,) arm
    """
    asked = np.flatnonzero(seen.sum(axis=0))
    if not len(asked) or treated.all() or not treated.any():
        return {"response_gap": np.nan, "response_treated": np.nan, "response_comparison": np.nan}
    arms = [100 * float(seen[arm][:, asked].mean()) for arm in (treated, ~treated)]
    return {"response_gap": abs(arms[0] - arms[1]), "response_treated": arms[0], "response_comparison": arms[1]}


def break_share(design: Design, breaks: Bools) -> float:
    """Return the share of treated clusters that start where the series breaks.

    Parameters
    ----------
    breaks : (T,) True where the wording or registration differs from the period before
    """
    first = np.searchsorted(design.times, design.cohort)
    base = np.maximum(first - design.anticipation - 1, 0)
    hit = np.array([breaks[b + 1 : f + 1].any() for b, f in zip(base, first, strict=True)], dtype=bool)
    everyone = n_clusters(design, design.treated)
    return n_clusters(design, design.treated & hit) / everyone if everyone else np.nan


def events_per_year(counts: npt.NDArray[np.float64], years: npt.NDArray[np.float64], clean: Bools) -> float:
    """Return the mean number of events per unit and year over untreated cells.

    Parameters
    ----------
    counts : (n, T) events; years : (T,) lengths of the periods; clean : (n, T) untreated cells
    """
    use = clean & np.isfinite(counts)
    length = np.broadcast_to(years, counts.shape)[use].sum()
    return float(counts[use].sum() / length) if length > 0 else np.nan
