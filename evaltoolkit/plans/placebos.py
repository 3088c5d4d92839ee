"""Placebo studies for methods that need more than a start: doses, or periods in which the action ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.plans.methods import estimate_as_planned
from evaltoolkit.plans.plan import Estimation


def placebo_estimator(design: Design, settings: Estimation) -> Callable[[Design], Effects] | None:
    """Return how a placebo study of this design is estimated; None where a start says everything.

    Placebo participants are untreated units with a drawn start
    (:func:`evaltoolkit.plans.power.minimum_detectable_effect`). Here they get the doses of the real participants, in
    random order, or the periods of treatment of a real participant with the same start. Both methods are linear in the
    outcome: an effect of one per unit of dose, or per period of treatment, shifts the estimate by one and leaves its
    standard error alone.

    Parameters
    ----------
    design : Design
        With ``dose`` or ``treatment``.
    settings : Estimation
        ``method`` is that of the outcome; ``seed`` is used here.
    """
    if design.dose is None and design.treatment is None:
        return None
    rng = np.random.default_rng([settings.seed, 23])
    return lambda study: estimate_as_planned(_dressed(study, design, rng), settings)


def _dressed(study: Design, real: Design, rng: np.random.Generator) -> Design:
    return replace(study, dose=_doses(study, real, rng), treatment=_paths(study, real, rng))


def _doses(study: Design, real: Design, rng: np.random.Generator) -> Array | None:
    if real.dose is None:
        return None
    given = rng.permutation(np.resize(rng.permutation(real.dose[real.treated]), len(study.units)))
    return np.where(study.treated, given, 0.0)


def _paths(study: Design, real: Design, rng: np.random.Generator) -> Array | None:
    """Periods of treatment (n, T); None where the periods are others: then treatment goes on once it began."""
    if real.treatment is None or not np.array_equal(study.times, real.times):
        return None
    path = np.zeros((len(study.units), len(study.times)))
    for cohort in np.unique(study.cohort[study.treated]):
        rows, models = np.flatnonzero(study.cohort == cohort), np.flatnonzero(real.cohort == cohort)
        path[rows] = real.treatment[rng.choice(models, len(rows))]
    return path
