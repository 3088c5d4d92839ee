"""What a design asks of an estimator, and why an estimator that cannot give it must not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from evaltoolkit.designs.design import Design

Feature = Literal[
    "covariates", "controls", "weights", "gaps", "exposure", "reversals", "dose", "no_never_treated", "anticipation"
]

# feature -> (whether a design has it, what that is, in words for an evaluator)
_FEATURES: dict[Feature, tuple[Callable[[Design], bool], str]] = {
    "covariates": (lambda design: design.covariates.shape[1] > 0, "covariates"),
    "controls": (lambda design: design.controls is not None, "covariates that change over time"),
    "weights": (lambda design: bool(np.ptp(design.weights) > 1e-12) if len(design.weights) else False, "weights"),
    "gaps": (lambda design: not design.complete, "missing values in the outcome"),
    "exposure": (lambda design: design.exposure is not None, "an exposure (a count per inhabitant)"),
    "reversals": (lambda design: design.treatment is not None, "treatment that stops and restarts"),
    "dose": (lambda design: design.dose is not None, "a dose of treatment"),
    "no_never_treated": (
        lambda design: not bool((design.cohort > design.times[-1]).any()),
        "no unit that stays untreated to the end",
    ),
    "anticipation": (lambda design: design.anticipation > 0, "anticipation"),
}


def list_features(design: Design) -> frozenset[Feature]:
    """Return what a design has that not every estimator can use."""
    return frozenset(name for name, (has, _) in _FEATURES.items() if has(design))


def describe_feature(name: Feature) -> str:
    """Return a feature in words."""
    return _FEATURES[name][1]
