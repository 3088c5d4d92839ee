"""The same design on fewer units or fewer values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Design


def keep_units(design: Design, keep: npt.NDArray[np.bool_]) -> Design:
    """Return the design on the units where ``keep`` (n,) is true; weights are scaled to mean 1 again."""
    weights = design.weights[keep]
    return replace(
        design,
        units=design.units[keep],
        outcome=design.outcome[keep],
        cohort=design.cohort[keep],
        covariates=design.covariates[keep],
        weights=weights / weights.mean(),
        clusters=design.clusters[keep],
        sampling_se=None if design.sampling_se is None else design.sampling_se[keep],
    )


def drop_values(design: Design, drop: npt.NDArray[np.bool_]) -> Design:
    """Return the design with the values missing where ``drop`` (n, T) is true."""
    return replace(design, outcome=np.where(drop, np.nan, design.outcome))
