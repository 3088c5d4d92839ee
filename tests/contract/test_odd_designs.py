"""Designs as they really come, drawn at random: every estimator answers, or refuses in words, and never crashes.

Few units, short and irregular panels, everybody treated, gaps, weights of zero, constant covariates, rare counts.
"""

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate, fits, list_estimators
from evaltoolkit.findings import EvaltoolkitError


def draw_design(seed):
    rng = np.random.default_rng(seed)
    n, periods = int(rng.integers(3, 60)), int(rng.integers(2, 9))
    times = 2000 + np.cumsum(rng.choice([1, 1, 1, 2, 3], periods)).astype(float)
    starts = rng.choice(np.r_[times, times[-1] + 1], int(rng.integers(1, 4)))
    cohort = rng.choice(np.r_[starts, np.inf], n)
    weights = rng.choice([0.0, 1.0, 2.0, 0.5], n) if rng.random() < 0.3 else np.ones(n)
    weights = weights if weights.sum() > 0 else np.ones(n)
    units = np.array([f"u{i}" for i in range(n)])
    more = _extras(rng, cohort, times)
    if "treatment" in more:
        on = more["treatment"] > 0
        cohort = np.where(on.any(axis=1), times[np.argmax(on, axis=1)], np.inf)
    covariates = rng.normal(size=(n, int(rng.integers(1, 3)))) if rng.random() < 0.3 else np.empty((n, 0))
    if covariates.shape[1] and rng.random() < 0.3:
        covariates[:, 0] = 1.0
    return Design(
        units=units,
        times=times,
        outcome=_outcome(rng, (n, periods)),
        cohort=cohort,
        covariates=covariates,
        covariate_names=tuple(f"x{j}" for j in range(covariates.shape[1])),
        weights=weights / weights.mean(),
        clusters=units if rng.random() < 0.6 else np.array([f"c{i // 3}" for i in range(n)]),
        comparison=str(rng.choice(["never_treated", "not_yet_treated"])),
        anticipation=int(rng.choice([0, 0, 0, 1])),
        **more,
    )


def _outcome(rng, shape):
    kinds = (
        rng.normal(size=shape),
        rng.poisson(0.5, shape).astype(float),
        rng.integers(0, 2, shape).astype(float),
        np.round(rng.random(shape), 1),
    )
    outcome = kinds[rng.integers(len(kinds))]
    if rng.random() < 0.5:
        outcome[rng.random(shape) < rng.choice([0.05, 0.3, 0.7])] = np.nan
    return outcome


def _extras(rng, cohort, times):
    shape, treated = (len(cohort), len(times)), np.isfinite(cohort)
    every = {
        "exposure": rng.random(shape) + 0.1,
        "treatment": np.where(treated[:, None], rng.random(shape) < 0.5, 0).astype(float),
        "dose": np.where(treated, np.round(3 * rng.random(len(cohort)), 1), 0),
        "controls": rng.normal(size=(*shape, 1)),
    }
    more = {name: value for name, value in every.items() if rng.random() < 0.15}
    return more | ({"control_names": ("z",)} if "controls" in more else {})


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_every_estimator_answers_or_refuses_in_words(first):
    answered, refusals = 0, []
    for seed in range(first, first + 20):
        design, rng = draw_design(seed), np.random.default_rng([seed, 1])
        for name, one in list_estimators().items():
            if not fits(one, design):
                continue
            options = {option: values[int(rng.integers(len(values)))] for option, values in one.options.items()}
            try:
                effects = estimate(design, name, **options)
            except EvaltoolkitError as refusal:
                refusals.append(str(refusal))
                continue
            answered += 1
            for value, reason in zip(effects.estimate, effects.reasons, strict=True):
                assert np.isfinite(value) or reason
            effects.to_frame()
            if effects.kind == "group_time" and (effects.labels["time"] >= effects.labels["cohort"]).any():
                for to in ("overall", "event", "cohort", "calendar"):
                    effects.aggregate(to).to_frame(band="simultaneous")
    assert answered >= 20
    assert all(len(text) > 30 for text in refusals)
