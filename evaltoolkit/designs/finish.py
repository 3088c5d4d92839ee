"""From arrays to a design: who is left out and why, weights of mean one, what readers of the design should know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Comparison, Design
from evaltoolkit.designs.quick import all_finite
from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest

COMPARISONS: tuple[Comparison, ...] = ("never_treated", "not_yet_treated")
_NOBODY = pd.DataFrame(columns=["unit", "reason"])


class Parts(NamedTuple):
    """The arrays of a design before anybody is left out, as in :class:`Design`; ``cohort`` is NaN where unknown.

    ``complete`` says that no outcome is missing, so that nobody has to look again.
    """

    units: npt.NDArray[np.str_]
    times: Array
    outcome: Array
    cohort: Array
    covariates: Array
    covariate_names: tuple[str, ...]
    weights: Array | None = None
    clusters: npt.NDArray[np.str_] | None = None
    sampling_se: Array | None = None
    exposure: Array | None = None
    controls: Array | None = None
    control_names: tuple[str, ...] = ()
    treatment: Array | None = None
    dose: Array | None = None
    complete: bool = False


def check_choices(comparison: str, anticipation: int) -> None:
    """Refuse an unknown comparison, and an anticipation that is no number of periods."""
    if faults := faults_of_choices(comparison, anticipation):
        raise EvaltoolkitError(" ".join(faults))


def faults_of_choices(comparison: str, anticipation: int) -> list[str]:
    """Say what is wrong with a comparison and an anticipation."""
    faults = []
    if comparison not in COMPARISONS:
        faults.append(
            f'The comparison "{comparison}" is not known; choose {" or ".join(COMPARISONS)}.'
            f"{nearest(str(comparison), COMPARISONS)}"
        )
    if not isinstance(anticipation, int | np.integer) or anticipation < 0:
        faults.append("anticipation counts periods before treatment: 0, 1, 2 ...")
    return faults


def finish_design(
    parts: Parts,
    *,
    outcome_name: str,
    comparison: Comparison,
    anticipation: int,
    info: Mapping[str, str | int | float],
    left_out: pd.DataFrame = _NOBODY,
    keep_begun: bool = False,
) -> Design:
    """Return the design on the units that can be used.

    Parameters
    ----------
    parts : Parts
    outcome_name, comparison, anticipation : as in :class:`Design`
    info : what the caller knows of the design
    left_out : DataFrame
        Columns ``unit, reason``: units whose treatment the caller could not establish.
    keep_begun : bool
        Whether units that are treated in the first period stay, because ``treatment`` says when that ended.

    Raises
    ------
    RefusedError
        No unit is left.
    """
    check_choices(comparison, anticipation)
    parts = parts if parts.complete else parts._replace(complete=all_finite(parts.outcome))
    excluded = _excluded(parts, left_out, keep_begun=keep_begun)
    keep = np.ones(len(parts.units), dtype=bool) if excluded.empty else ~np.isin(parts.units, excluded["unit"])
    if not keep.any():
        counts = ", ".join(f"{n} {reason.removeprefix('excluded.')}" for reason, n in _reasons(excluded).items())
        raise RefusedError(
            f"No unit is left for {outcome_name}: {counts}. Complete the roster or choose another outcome."
        )
    held = {name: value for name, value in parts._asdict().items() if isinstance(value, np.ndarray) and name != "times"}
    kept = held if keep.all() else {name: value[keep] for name, value in held.items()}
    weights = kept.pop("weights", np.ones(int(keep.sum())))
    if (weights < 0).any() or weights.sum() <= 0:
        raise EvaltoolkitError("Weights must be positive numbers.")
    clusters = kept.pop("clusters", kept["units"])
    gaps = 0 if parts.complete else int(np.isnan(kept["outcome"]).sum())
    design = Design(
        times=parts.times,
        covariate_names=parts.covariate_names,
        control_names=parts.control_names,
        weights=weights / weights.mean(),
        clusters=clusters,
        comparison=comparison,
        anticipation=anticipation,
        outcome_name=outcome_name,
        excluded=excluded,
        info={**info, **_facts(kept["cohort"], gaps, parts.times), "n_excluded": len(excluded)},
        **kept,
    )
    if parts.complete:
        # it is known: nobody has to look through the outcome again
        vars(design)["complete"] = True
    return design


def _excluded(parts: Parts, left_out: pd.DataFrame, *, keep_begun: bool) -> pd.DataFrame:
    """One reason per unit, the first that applies; ``cohort`` tells the arms of those that never answered."""
    units, cohort = parts.units, parts.cohort
    unseen = np.zeros((len(units), 1), dtype=bool) if parts.complete else np.isnan(parts.outcome)
    needed = [parts.covariates, *(one for one in (parts.weights,) if one is not None)]
    lacking = np.zeros(len(units), dtype=bool)
    for one in needed:
        lacking |= np.isnan(one.reshape(len(units), -1)).any(axis=1)
    found = [
        *left_out.itertuples(index=False, name=None),
        *_named(units[np.isnan(cohort)], "excluded.unknown_treatment"),
        *([] if keep_begun else _named(units[cohort <= parts.times[0]], "excluded.always_treated")),
        *(_named(units[unseen.all(axis=1)], "excluded.no_outcome") if unseen.any() else []),
        *_named(units[lacking], "excluded.missing_covariate"),
        *(_named(units[np.isnan(parts.dose)], "excluded.missing_dose") if parts.dose is not None else []),
    ]
    if not found:
        return _NOBODY.assign(cohort=np.empty(0))
    table = pd.DataFrame(found, columns=["unit", "reason"]).drop_duplicates("unit")
    table["cohort"] = pd.Series(cohort, index=units).reindex(table["unit"]).to_numpy()
    return table.sort_values("unit", ignore_index=True)


def _named(units: Iterable[str], reason: str) -> list[tuple[str, str]]:
    return [(str(unit), reason) for unit in units]


def _reasons(excluded: pd.DataFrame) -> dict[str, int]:
    return {str(reason): int(n) for reason, n in excluded["reason"].value_counts().items()}


def _facts(cohort: Array, gaps: int, times: Array) -> dict[str, str | int]:
    treated = cohort[cohort <= times[-1]]
    sizes = np.bincount(pd.factorize(treated)[0])
    return {
        "n_treated": len(treated),
        "n_later": int(((cohort > times[-1]) & np.isfinite(cohort)).sum()),
        "n_never": int(np.isinf(cohort).sum()),
        "n_gaps": gaps,
        "n_single_cohorts": int((sizes == 1).sum()),
        "event_clock": _event_clock(times),
    }


def _event_clock(times: Array) -> str:
    """Time since treatment counts in years where periods are evenly spaced, in waves where they are not."""
    gaps = np.diff(times)
    return "time" if len(gaps) == 0 or np.ptp(gaps) < 1e-6 else "periods"
