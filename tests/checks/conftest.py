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
