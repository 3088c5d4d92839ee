"""What was said besides the design, checked before anything is drawn: sizes, the lot, level and draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import Settings
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.panels.labels import label_text


@dataclass(frozen=True)
class Extras:
    """Sizes of all units of the design, and what is known of the lot."""

    sizes: Array | None
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    by_lot: bool

    def among(self, kept: npt.NDArray[np.bool_]) -> Extras:
        """Return what belongs to the clusters that are kept (G,); sizes stay those of units."""
        if kept.all():
            return self
        return replace(
            self,
            assignments=None if self.assignments is None else self.assignments[:, kept],
            strata=None if self.strata is None else self.strata[kept],
        )


def cluster_labels(of: Design | Effects) -> npt.NDArray[np.str_]:
    """Return the labels of the clusters (G,) in the order in which they are numbered."""
    codes = cluster_codes(of.clusters, of.units)
    return np.asarray(of.clusters)[np.unique(codes, return_index=True)[1]]


def check_settings(settings: Settings, *, drawn: bool) -> None:
    """Refuse a level that is none and, where assignments are drawn here, fewer than a p-value at that level needs.

    Raises
    ------
    EvaltoolkitError
    """
    if not isinstance(settings.level, Real):
        raise EvaltoolkitError(f"The level is a number such as 0.95; got {settings.level!r}.")
    for name, value in (("draws", settings.draws), ("seed", settings.seed)):
        if not isinstance(value, Integral) or value < 0:
            raise EvaltoolkitError(f"{name} is a whole number such as 999; got {value!r}.")
    if not 0 < settings.level < 1:
        raise EvaltoolkitError(f"The level must lie between 0 and 1, for example 0.95; got {settings.level}.")
    least = math.ceil(1 / (1 - settings.level) - 1e-9) - 1
    if drawn and settings.draws < least:
        raise EvaltoolkitError(
            f"With draws={settings.draws} no p-value can be as small as a level of {settings.level} asks for: take at "
            f"least {least}, or better 999."
        )


def check_extras(design: Design, extras: Extras) -> Extras:
    """Return sizes, strata and assignments as arrays that fit the design.

    Raises
    ------
    EvaltoolkitError
        One of them has another length than the design, or an assignment names a cohort that the design does not have.
    """
    labels = cluster_labels(design)
    clusters = len(labels)
    sizes = None if extras.sizes is None else _numbers(_in_order(extras.sizes, design.units, "sizes"))
    if sizes is not None and sizes.shape != design.units.shape:
        raise EvaltoolkitError(
            f"sizes holds {_shape(sizes)} numbers, and the design has {len(design.units)} units: give one number per "
            "unit, in the order of design.units."
        )
    if sizes is not None and not ((sizes > 0) & np.isfinite(sizes)).all():
        wrong = design.units[~((sizes > 0) & np.isfinite(sizes))]
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise EvaltoolkitError(f"sizes must be above zero and finite; they are not for {', '.join(wrong[:5])}{more}.")
    strata = None if extras.strata is None else np.asarray(_in_order(extras.strata, labels, "strata"))
    if strata is not None and strata.shape != (clusters,):
        raise EvaltoolkitError(
            f"strata holds {_shape(strata)} labels, and the design has {clusters} clusters: give one label per "
            "cluster, in the order of their labels."
        )
    if strata is not None and pd.isna(strata).any():
        raise EvaltoolkitError("strata has no label for some clusters: give one to each, or leave the cluster out.")
    assignments = None if extras.assignments is None else _checked(design, np.asarray(extras.assignments), clusters)
    # strata may be names; what counts is who shares one
    coded = None if strata is None else np.unique(strata.astype(str), return_inverse=True)[1].astype(np.intp)
    return replace(extras, sizes=sizes, strata=coded, assignments=assignments)


def _in_order(values: object, labels: npt.NDArray[np.str_], name: str) -> object:
    """Values as they are; of a Series or a dict that is labelled by units, those of the labels, in their order."""
    if isinstance(values, Mapping):
        values = pd.Series(dict(values), dtype=object)
    if not isinstance(values, pd.Series) or isinstance(values.index, pd.RangeIndex):
        return values
    named = values.set_axis(values.index.map(label_text))
    lacking = [label for label in labels if label not in named.index]
    if lacking or named.index.has_duplicates:
        what = f"nothing for {', '.join(lacking[:5])}" if lacking else "several values for one label"
        raise EvaltoolkitError(
            f"{name} is labelled and holds {what}: give one value for each label, or an array in the design's order."
        )
    return named.reindex(labels).to_numpy()


def _numbers(values: object) -> Array:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise EvaltoolkitError("sizes holds what is no number: give one number per unit.") from None


def _checked(design: Design, assignments: npt.NDArray[np.generic], clusters: int) -> Ints:
    if assignments.ndim != 2 or assignments.shape[1] != clusters or not len(assignments):
        raise EvaltoolkitError(
            f"assignments holds {_shape(assignments)} numbers, and the design has {clusters} clusters: give one row "
            "per draw and one column per cluster, in the order of their labels."
        )
    cohorts = np.unique(design.cohort)
    known = np.isin(assignments, np.arange(len(cohorts)))
    if not known.all():
        order = ", ".join(f"{place} = {'never' if np.isinf(one) else f'{one:g}'}" for place, one in enumerate(cohorts))
        raise EvaltoolkitError(
            f"assignments holds {assignments[~known][0]}, which is no cohort: write cohorts as their places, {order}."
        )
    return assignments.astype(np.intp)


def _shape(values: npt.NDArray[np.generic]) -> str:
    return " x ".join(str(one) for one in values.shape)
