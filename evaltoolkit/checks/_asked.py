"""Who was asked: the units of a design and those that were left out because they never answered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design

Mask = npt.NDArray[np.bool_]


class Asked(NamedTuple):
    """Everybody whose treatment is known: ``answered`` (m, T), ``cohort`` (m,), ``clusters`` (m,).

    The first n rows are the units of the design, in its order; then those that never answered.
    """

    answered: Mask
    cohort: Array
    clusters: npt.NDArray[np.str_]
    treated: Mask


def who_was_asked(design: Design) -> Asked:
    """Return units of the design and, beside them, those left out for want of any answer; unknown ones are not in."""
    answered = np.isfinite(design.outcome if design.outcome.ndim == 2 else design.outcome[..., 0])
    silent, names = _never_answered(design)
    cohort = np.concatenate([design.cohort, silent])
    return Asked(
        answered=np.vstack([answered, np.zeros((len(silent), answered.shape[1]), dtype=bool)]),
        cohort=cohort,
        clusters=np.concatenate([design.clusters.astype(str), names]),
        treated=cohort <= design.times[-1],
    )


def _never_answered(design: Design) -> tuple[Array, npt.NDArray[np.str_]]:
    excluded = design.excluded
    if "cohort" not in excluded.columns:
        return np.empty(0), np.empty(0, dtype=str)
    rows = excluded[(excluded["reason"] == "excluded.no_outcome") & excluded["cohort"].notna()]
    # nobody knows their cluster: each stands alone
    return rows["cohort"].to_numpy(dtype=float), "silent " + rows["unit"].astype(str).to_numpy(dtype=str)
