"""The same design on fewer units or fewer values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Design

# the attributes with one row per unit, besides the weights
_BY_UNIT = (
    "units",
    "outcome",
    "cohort",
    "covariates",
    "clusters",
    "sampling_se",
    "exposure",
    "controls",
    "treatment",
    "dose",
)
_BY_PERIOD = ("outcome", "sampling_se", "exposure", "controls", "treatment")


def keep_units(design: Design, keep: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Design:
    """Return the design on the units where ``keep`` (n,) is true, or on those rows; weights have mean 1 again."""
    weights = design.weights[keep]
    if len(weights):
        weights = weights / weights.mean()
    if keep.dtype == bool and keep.all():
        return replace(design, weights=weights)
    held = {name: getattr(design, name) for name in _BY_UNIT}
    return replace(design, weights=weights, **{name: value[keep] for name, value in held.items() if value is not None})


def keep_periods(design: Design, columns: npt.NDArray[np.intp]) -> Design:
    """Return the design on some of its periods."""
    held = {name: getattr(design, name) for name in _BY_PERIOD}
    return replace(
        design,
        times=design.times[columns],
        **{name: value[:, columns] for name, value in held.items() if value is not None},
    )


def drop_values(design: Design, drop: npt.NDArray[np.bool_]) -> Design:
    """Return the design with the values missing where ``drop`` (n, T) is true."""
    return replace(design, outcome=np.where(drop, np.nan, design.outcome))
