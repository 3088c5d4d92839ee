"""Can a difference-in-differences answer the question? Rules as data; the answer before any estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.panels.groups import arrondissements
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.evidence import break_periods, outcome_statistics
from evaltoolkit.plans.placebos import placebo_estimator
from evaltoolkit.plans.plan import Estimation, Outcome, Plan
from evaltoolkit.plans.power import Power, minimum_detectable_effect
from evaltoolkit.plans.rules import FeasibilityRule, feasibility_rules
from evaltoolkit.plans.statistics import drop_short_cohorts, short_cohorts

Decision = Literal["go", "go_with", "do_not_run"]


@dataclass(frozen=True)
class Trigger:
    """A rule that speaks against the design.

    ``rule`` is the rule's id; the catalogues hold ``feasibility.<rule>`` (what was found),
    ``feasibility.<rule>.instead`` (what to do) and ``alternative.<name>`` for each alternative.
    """

    rule: str
    weight: Literal["stop", "adapt"]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feasibility:
    """The answer for one outcome.

    ``mde`` is the smallest true effect that the design would find in 80 % of cases (units of the measure, NaN
    where it cannot be computed, with ``mde_reason``); ``power`` has columns ``effect, power``.
    """

    outcome: str
    decision: Decision
    triggers: tuple[Trigger, ...]
    mde: float
    mde_reason: str = ""
    smallest_relevant: float | None = None
    power: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: Mapping[str, Fact] = field(default_factory=dict)


def assess_feasibility(
    design: Design,
    panel: Panel,
    outcome: Outcome,
    plan: Plan,
    *,
    indicator: Indicator | None = None,
    cohorts: Mapping[str, float] | None = None,
    power: Power | None = None,
    draws: int = 200,
) -> Feasibility:
    """Ask every rule whether a difference-in-differences can answer the plan's question for one outcome.

    Parameters
    ----------
    design : the design as the plan describes it
    panel : the panel it was built from
    outcome : the outcome as the plan declares it
    indicator : its definition; None for a column of an own table, whose rules about recording stay unchecked
    cohorts : unit -> first treated time of every unit of the panel (``inf`` never, NaN unknown), so that units that
        never answered count in the response; without it only the units of the design are looked at
    power : result of :func:`evaltoolkit.plans.power.minimum_detectable_effect`, if it was computed already
    draws : placebo studies for the minimum detectable effect

    Returns
    -------
    Feasibility
        ``do_not_run`` if a rule says stop; ``go_with`` if a rule asks for another way; otherwise ``go``. ``facts``
        holds the statistics, ``n_unchecked`` (rules whose statistic is unknown), ``power_source``, ``placebo_sd``,
        ``false_alarms`` and ``noise_ratio`` (see :class:`evaltoolkit.plans.power.Power`).
    """
    kept = drop_short_cohorts(design)
    settings = _settings(plan, outcome)
    found = power or minimum_detectable_effect(
        replace(kept, exposure=None),
        settings,
        draws=draws,
        estimator=placebo_estimator(kept, settings),
        groups=_neighbours(kept, panel),
    )
    statistics = outcome_statistics(design, panel, outcome, plan, indicator=indicator, cohorts=cohorts)
    statistics |= _power_statistics(found, outcome)
    names = _names(design, panel, outcome)
    triggers = _triggers(statistics, names, outcome)
    unknown = [rule for rule in _asked(outcome) if math.isnan(statistics[rule.statistic])]
    return Feasibility(
        outcome=outcome.indicator,
        decision=_decision(triggers),
        triggers=triggers,
        mde=found.mde,
        mde_reason=found.reason,
        smallest_relevant=_relevant(outcome),
        power=found.table,
        facts={
            **{name: value for name, value in statistics.items() if math.isfinite(value)},
            "n_unchecked": len(unknown),
            "power_source": found.source,
            **_noise_facts(found),
        },
    )


def _settings(plan: Plan, outcome: Outcome) -> Estimation:
    return plan.estimation.model_copy(update={"method": outcome.method or plan.estimation.method})


def _neighbours(design: Design, panel: Panel) -> npt.NDArray[np.str_] | None:
    """Arrondissement of every unit of the design, where the register knows it."""
    groups = arrondissements(panel)
    return None if groups is None else groups.reindex(design.units).to_numpy(dtype=str)


def _noise_facts(power: Power) -> dict[str, float]:
    known = {"placebo_sd": power.placebo_sd, "false_alarms": power.false_alarms, "noise_ratio": power.noise_ratio}
    return {name: value for name, value in known.items() if math.isfinite(value)}


def _asked(outcome: Outcome) -> tuple[FeasibilityRule, ...]:
    return tuple(rule for rule in feasibility_rules() if outcome.role in rule.roles)


def _triggers(statistics: Mapping[str, float], names: Mapping[str, str], outcome: Outcome) -> tuple[Trigger, ...]:
    fired: dict[str, Trigger] = {}
    for rule in _asked(outcome):
        if rule.fires(statistics) and not fired.keys() & set(rule.unless):
            shown = {name: names.get(name) or _rounded(statistics[name]) for name in (rule.statistic, *rule.facts)}
            facts = {**shown, "threshold": _rounded(rule.threshold)}
            fired[rule.id] = Trigger(rule.id, rule.weight, facts, rule.alternatives)
    return tuple(fired.values())


def _decision(triggers: tuple[Trigger, ...]) -> Decision:
    weights = {trigger.weight for trigger in triggers}
    return "do_not_run" if "stop" in weights else "go_with" if "adapt" in weights else "go"


def _relevant(outcome: Outcome) -> float | None:
    return outcome.margin if outcome.role == "guardrail" else outcome.smallest_relevant


def _power_statistics(power: Power, outcome: Outcome) -> dict[str, float]:
    relevant = _relevant(outcome)
    return {
        "mde_unknown": float(math.isnan(power.mde)),
        "mde_ratio": power.mde / relevant if relevant else math.nan,
        "spatial_swing": math.sqrt(power.spatial_ratio),
    }


def _names(design: Design, panel: Panel, outcome: Outcome) -> dict[str, str]:
    """Periods by the names people gave them."""
    labels = {period.time: period.label for period in panel.periods}
    breaks = design.times[break_periods(design, panel, outcome)]
    return {
        "cohorts": ", ".join(labels.get(time, f"{time:g}") for time in short_cohorts(design)),
        "break_periods": ", ".join(labels.get(time, f"{time:g}") for time in breaks),
    }


def _rounded(value: float) -> int | float:
    """Whole numbers as int; others with as many decimals as a sentence needs."""
    if math.isfinite(value) and value == int(value):
        return int(value)
    return round(value, 2 if abs(value) < 10 else 1)
