"""Simulated designs for the tests of the checks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel


@pytest.fixture(scope="session")
def world():
    return simulate


def simulate(seed=1, n=160, periods=6, *, effect=2.0, drift=0.0, noise=1.0, n_treated=60, **changes):
    """A clean staggered world: parallel trends, constant effect; ``changes`` replace fields of the design."""
    rng = np.random.default_rng(seed)
    times = 2019.0 + np.arange(periods)
    cohort = np.full(n, np.inf)
    cohort[:n_treated] = rng.choice([2022.0, 2023.0], n_treated)
    treated = np.isfinite(cohort)[:, None]
    outcome = 10 + rng.normal(size=(n, 1)) + 0.2 * np.arange(periods) + rng.normal(0, noise, (n, periods))
    outcome = outcome + effect * (times >= cohort[:, None]) + drift * treated * np.arange(periods)
    units = np.array([f"{i:05d}" for i in range(n)])
    design = Design(
        units=units,
        times=times,
        outcome=outcome,
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=units,
        outcome_name="Y",
    )
    return replace(design, **changes)


def silenced(seed=1, *, broken):
    """A twentieth of the answers is missing anywhere; broken: no effect, and half of the treated, those whom it went
    worst with by and large, answer no more from the start on."""
    design = simulate(seed, effect=0.0 if broken else 2.0)
    rng = np.random.default_rng([seed, 1])
    gone = rng.random(design.outcome.shape) < 0.05
    after = design.times >= design.cohort[:, None]
    if broken:
        worst = _lowest(_changes(design.outcome[:60], after[:60]) + rng.normal(0, 0.6, 60), 30)
        gone[:60] |= after[:60] & worst[:, None]
    return replace(design, outcome=np.where(gone, np.nan, design.outcome))


def left(seed=1, *, broken):
    """A tenth stops answering a year after the start; broken: so do twenty treated with whom it went the other way."""
    design = simulate(seed)
    stops = np.random.default_rng([seed, 2]).random(160) < 0.1
    start = np.where(design.treated, design.cohort, 2022.0)[:, None]
    if broken:
        other_way = np.arange(160) < 20
        design = replace(design, outcome=design.outcome - 6.0 * (other_way[:, None] & (design.times >= start)))
        stops |= other_way
    return replace(design, outcome=np.where(stops[:, None] & (design.times > start), np.nan, design.outcome))


def asleep(seed=1, *, broken):
    """An outcome and its status: a seventh of the units, anywhere, does not meet. Broken: no effect, and sixty of the
    comparison, those whom it went worst with by and large, fall asleep in the fourth year; the treated stay awake."""
    design = simulate(seed, effect=0.0 if broken else 2.0)
    rng = np.random.default_rng([seed, 3])
    dormant = rng.random(design.outcome.shape) < (0.0 if broken else 1 / 7)
    if broken:
        after = np.broadcast_to(design.times >= 2022.0, (100, 6))
        worst = _lowest(_changes(design.outcome[60:], after) + rng.normal(0, 0.2, 100), 60)
        dormant[60:] |= after & worst[:, None]
    status = np.where(dormant, "NAP", "registered").astype(object)
    return replace(design, outcome=np.where(dormant, np.nan, design.outcome)), status


def _changes(values, after):
    return np.array([row[late].mean() - row[~late].mean() for row, late in zip(values, after, strict=True)])


def _lowest(values, count):
    return np.argsort(np.argsort(values)) < count


@pytest.fixture(scope="session")
def panel_of():
    """The panel a design could have come from."""

    def build(design, status=None, merged=None):
        labels = [f"{time:.0f}" for time in design.times]
        index = pd.MultiIndex.from_product([design.units, labels], names=["unit", "period"])
        data = pd.DataFrame({"Y": design.outcome.ravel()}, index=index)
        if status is not None:
            data["Y.status"] = np.asarray(status).ravel()
        units = pd.DataFrame({"name": design.units}, index=pd.Index(design.units, name="unit"))
        if merged is not None:
            units["merged"] = merged
        return Panel(data, tuple(Period.parse(label) for label in labels), "municipality", units)

    return build
