"""The effect and the interval that a verdict rests on, and how its certainty was worked out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from evaltoolkit.designs.build import baseline_values
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.rollout_again import redrawn_cohorts
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Headline, Interval
from evaltoolkit.evaluations.inputs import Inputs
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.choose import infer
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.inference.effective_treated import effective_treated

# From here on the usual interval, by cluster, holds its level (tests/assurance/inference.csv: with forty treated it
# rejects a true null hypothesis in 5.6 % of cases on average, with twenty in 6.1 %, with ten in 9.1 %).
MANY_CLUSTERS = 40


def find_headline(inputs: Inputs, design: Design, overall: Effects, *, shown: Effects | None = None) -> Headline:
    """Return the interval that a plan's rule takes.

    By rule: the usual interval from forty effective treated and forty comparison clusters on; with fewer, that of
    :func:`evaltoolkit.inference.choose.infer`, which answers for the figure as it is, adjusted or with gaps. Where that
    would be an interval of another estimate, or none, a figure that has a usual one keeps it.
    """
    settings = inputs.plan.estimation
    # the same estimate; of a survey outcome its standard error may hold more
    usual = _usual(overall if shown is None else shown, settings.level)
    wanted = settings.inference
    effective = float(effective_treated(overall)["effective_treated"].iloc[0])
    by_formula = Headline(usual, None, "usual" if usual.defined else "", "auto", True, effective)
    if wanted == "usual":
        return replace(by_formula, chosen="override")
    comparison = int(overall.labels["n_comparison"].iloc[0])
    if wanted == "auto" and usual.defined and min(effective, comparison) >= MANY_CLUSTERS:
        return by_formula
    found = infer(
        design,
        overall,
        method=wanted,
        by_lot=inputs.plan.treatment.assignment == "randomised",
        assignments=_redraws(inputs, design),
        sizes=_sizes(inputs, design),
        level=settings.level,
        seed=settings.seed,
    )
    own = math.isclose(found.estimate, float(overall.estimate[0]), rel_tol=1e-9)
    if wanted == "auto" and usual.defined and not (found.method and own):
        return by_formula
    interval = Interval(found.estimate, found.low, found.high, settings.level, found.reason)
    if not interval.defined:
        interval = replace(interval, estimate=float(overall.estimate[0]))
    return Headline(interval, found, found.method, found.chosen, own or not interval.defined, effective)


def _usual(overall: Effects, level: float) -> Interval:
    row = overall.to_frame(level=level).iloc[0]
    return Interval(float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]), level, str(row["reason"]))


def _redraws(inputs: Inputs, design: Design, draws: int = 999) -> Ints | None:
    treatment, settings = inputs.plan.treatment, inputs.plan.estimation
    if not treatment.rollout:
        return None
    periods = tuple(period for period in inputs.panel.periods if period.time in set(design.times.tolist()))
    return redrawn_cohorts(
        inputs.file.locate(treatment.rollout),
        inputs.file.locate(treatment.rollout_units),
        design,
        periods,
        rule=treatment.rule,
        draws=draws,
        seed=settings.seed,
    )


def _sizes(inputs: Inputs, design: Design) -> Array | None:
    """How large every unit of the design is, where the plan says what tells it."""
    name, panel = inputs.plan.estimation.sizes, inputs.panel
    if not name:
        return None
    known = pd.Series(baseline_values(panel, name), index=panel.unit_codes).reindex(design.units).to_numpy(dtype=float)
    if not (known > 0).all():
        raise EvaltoolkitError(f'"{name}" says how large a unit is; it must be above zero for every unit evaluated.')
    return np.asarray(known, dtype=float)
