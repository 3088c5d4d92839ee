"""Small worlds with known properties, made by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.plan import Plan

TEXT = {
    "name": "n",
    "definition": "d",
    "counted": "c",
    "not_counted": "x",
    "pitfalls": "p",
    "unit": "u",
}
LABEL = {"nl": "a", "fr": "b", "de": "c", "en": "d"}


def make_indicator(**changes):
    content = {
        "id": "TRU-01",
        "dimension": "TRU",
        "measure": "outcome",
        "chain": "outcome_intermediate",
        "level": "municipality",
        "source": "resident_survey",
        "value": "single",
        "conversion": "mean",
        "scale": "percent",
        "direction": "up",
        "sensitivity": "low",
        "did": "yes",
        "parts": [{"id": "share", "type": "number", "label": LABEL}],
        "text": dict.fromkeys(("nl", "fr", "de", "en"), TEXT),
    }
    return Indicator.model_validate(content | changes)


def recorded_indicator(**changes):
    base = {
        "id": "HAR-01",
        "dimension": "HAR",
        "source": "official",
        "conversion": "count",
        "scale": "number",
        "reporting": "incidence_recorded",
        "direction": "ambiguous",
        "parts": [{"id": "incidents", "type": "count", "label": LABEL}],
    }
    return make_indicator(**base | changes)


def make_plan(outcome=None, **changes):
    content = {
        "title": "t",
        "question": "q",
        "data": {"store": "store", "roster": "roster.csv"},
        "treatment": {
            "action": "coaching",
            "assignment": "voluntary",
            "decided_by": "council",
            "why_then": "places were free",
            "spillover": "unlikely",
        },
        "outcomes": [{"indicator": "TRU-01", "role": "primary", "smallest_relevant": 0.05} | (outcome or {})],
    }
    content["treatment"] |= changes.pop("treatment", {})
    return Plan.model_validate(content | changes)


def make_world(n_never=60, cohorts=(2022, 2023), size=30, years=range(2019, 2025), *, sd=0.03, seed=3, outcome=None):
    """A panel and its design: unit effects, common year shocks, AR(1) noise; no effect of the treatment."""
    rng = np.random.default_rng(seed)
    years = list(years)
    n = n_never + size * len(cohorts)
    cohort = np.concatenate([np.full(n_never, np.inf), *[np.full(size, float(g)) for g in cohorts]])
    if outcome is None:
        noise = rng.normal(0, sd, (n, len(years)))
        for t in range(1, len(years)):
            noise[:, t] = 0.5 * noise[:, t - 1] + np.sqrt(0.75) * noise[:, t]
        outcome = 0.5 + rng.normal(0, 0.1, (n, 1)) + rng.normal(0, 0.02, len(years)) + noise
    units = np.array([f"{11000 + i}" for i in range(n)])
    design = Design(
        units=units,
        times=np.array(years, dtype=float),
        outcome=outcome,
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=units,
        outcome_name="TRU-01",
    )
    return panel_of(design), design


def panel_of(design, **columns):
    """The panel that a design came from."""
    periods = tuple(Period.parse(int(year)) for year in design.times)
    index = pd.MultiIndex.from_product([design.units, [p.label for p in periods]], names=["unit", "period"])
    data = pd.DataFrame({design.outcome_name: design.outcome.ravel()}, index=index)
    for name, values in columns.items():
        data[f"{design.outcome_name}.{name}"] = np.broadcast_to(values, design.outcome.shape).ravel()
    return Panel(data, periods, "municipality", pd.DataFrame(index=pd.Index(design.units, name="unit")), 2025)


def cohorts_of(design):
    return dict(zip(map(str, design.units), map(float, design.cohort), strict=True))


@pytest.fixture
def worlds():
    """The makers above, for tests in this room."""
    return {
        "world": make_world,
        "plan": make_plan,
        "indicator": make_indicator,
        "recorded": recorded_indicator,
        "panel_of": panel_of,
        "cohorts_of": cohorts_of,
        "replace": dataclasses.replace,
        "take": keep_units,
        "framework": Framework(
            name="livc-r", version="1", indicators=(make_indicator(), make_indicator(id="TRU-02"), recorded_indicator())
        ),
    }
