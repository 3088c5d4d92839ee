"""Six ways to disturb a table of changes, one row per unit; each gives the estimates of many draws at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaltoolkit.estimators.long_difference import Draws, Sample, long_difference_draws, long_difference_of

Array = npt.NDArray[np.float64]

SUBSET = 0.8
# The made-up hidden cause differs between the arms by this many of its standard deviations ...
HIDDEN_GAP = 0.5
# ... and moves the change, per standard deviation of its own, by this share of the spread within arms.
HIDDEN_STRENGTH = 0.5


def permute_treatment(sample: Sample, count: int, rng: np.random.Generator) -> Draws:
    """Give the labels to other units, as many as before: no effect is left, whatever the units are like."""
    labels = rng.permuted(np.tile(sample.treated, (count, 1)), axis=1)
    return long_difference_draws(sample, labels * sample.weights, ~labels * sample.weights)


def add_random_cause(sample: Sample, count: int, rng: np.random.Generator) -> Draws:
    """Hold equal, one at a time, covariates that are pure chance: nothing should move.

    By partialling out, no regression is fitted again. Standard errors are not computed (NaN).
    """
    noise = rng.normal(size=(len(sample.change), count))
    rest = ~sample.treated
    root = np.sqrt(sample.weights[rest])[:, None]
    columns = np.column_stack([sample.change, noise])[rest] * root
    regressors = sample.regressors[rest] * root
    left = columns - regressors @ np.linalg.lstsq(regressors, columns, rcond=None)[0]
    square = np.einsum("ij,ij->j", left[:, 1:], left[:, 1:])
    # nothing of a cause is left where the covariates already use up every comparison unit
    usable = square > 1e-9 * np.einsum("ij,ij->j", columns[:, 1:], columns[:, 1:])
    slopes = np.divide(left[:, 0] @ left[:, 1:], square, out=np.full(count, np.nan), where=usable)
    plain = long_difference_of(sample, sample.change[:, None]).estimate[0]
    moved = plain - slopes * long_difference_of(sample, noise).estimate
    return Draws(moved, np.full(count, np.nan))


def take_subset(sample: Sample, count: int, rng: np.random.Generator) -> Draws:
    """Leave out a fifth of the units of each arm."""
    kept = np.zeros((count, len(sample.change)), dtype=bool)
    for rows in (np.flatnonzero(sample.treated), np.flatnonzero(~sample.treated)):
        ranks = rng.permuted(np.tile(np.arange(len(rows)), (count, 1)), axis=1)
        kept[:, rows] = ranks < round(SUBSET * len(rows))
    return _on_own_sides(sample, kept * sample.weights)


def resample_units(sample: Sample, count: int, rng: np.random.Generator) -> Draws:
    """Draw units with replacement within each arm, as many as there are; where a row is a cluster, clusters."""
    times = np.zeros((count, len(sample.change)))
    for rows in (np.flatnonzero(sample.treated), np.flatnonzero(~sample.treated)):
        times[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=count)
    return _on_own_sides(sample, times * sample.weights)


def replace_outcome(sample: Sample, count: int, rng: np.random.Generator) -> Draws:
    """Put chance in the place of the outcome, with the same spread; labels, covariates and weights stay."""
    noise = rng.normal(scale=spread_within(sample), size=(len(sample.change), count))
    return long_difference_of(sample, noise)


def simulate_hidden_cause(sample: Sample, count: int, rng: np.random.Generator) -> Draws:
    """Take out what a made-up hidden cause would have done, had it worked in favour of the estimate.

    A cause U that differs between the arms by :data:`HIDDEN_GAP` and moves the change by :data:`HIDDEN_STRENGTH` would
    have to be subtracted from the change; the estimate is linear in the change, so that one regression serves all.
    Only the direction that weakens the estimate is drawn, since the other cannot overturn it.
    """
    cause = rng.normal(size=(len(sample.change), count)) + HIDDEN_GAP * sample.treated[:, None]
    plain = long_difference_of(sample, sample.change[:, None])
    part = long_difference_of(sample, cause).estimate
    push = np.sign(plain.estimate[0]) * HIDDEN_STRENGTH * spread_within(sample)
    return Draws(plain.estimate[0] - push * part, np.full(count, np.nan))


def spread_within(sample: Sample) -> float:
    """Return the standard deviation of the change within arms."""
    arms = [sample.change[rows] - sample.change[rows].mean() for rows in (sample.treated, ~sample.treated)]
    rest = np.concatenate(arms)
    return float(np.sqrt(rest @ rest / max(1, len(rest) - 2)))


def _on_own_sides(sample: Sample, weights: Array) -> Draws:
    return long_difference_draws(sample, weights * sample.treated, weights * ~sample.treated)
