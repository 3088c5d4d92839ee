"""The outcome of running a plan: estimates, checks, grades and verdicts, before anything is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import Fact, Finding
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.framework.scales import Scale, scale_of
from evaltoolkit.inference.choose import Inference
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.feasibility import Feasibility
from evaltoolkit.plans.plan import Outcome, Plan

Certainty = Literal["high", "moderate", "low", "very_low"]
Stamp = Literal["confirmatory", "deviation", "exploratory"]


@dataclass(frozen=True)
class Reason:
    """Why a grade is not higher: message id ``grade.<rule>``; ``grade.<rule>.lift`` says what would lift it."""

    rule: str
    cap: Certainty | None
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class Grade:
    """Certainty in the GRADE manner and, apart from it, the Maryland level (1-5) of the design."""

    certainty: Certainty
    maryland: int
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Sentences as message ids with facts, in reading order (``verdict.*``).

    ``kind``: ``improved | worsened`` only where the direction is not ambiguous; ``higher | lower`` for ambiguous or
    neutral outcomes; ``unclear`` (interval holds both no effect and a relevant one); ``no_relevant_effect``
    (interval inside the smallest relevant effect, both sides); ``within_margin | harm_possible | too_weak |
    not_measurable`` for guardrails; ``refused`` (feasibility said do not run); ``not_estimable``.
    """

    kind: str
    sentences: tuple[tuple[str, Mapping[str, Fact]], ...]


@dataclass(frozen=True)
class Interval:
    """An overall effect with its interval, in units of the measure; NaN bounds where no inference is possible."""

    estimate: float
    low: float
    high: float
    level: float
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether the interval exists and excludes anything; an end may be infinite."""
        return not (math.isnan(self.low) or math.isnan(self.high)) and (self.low, self.high) != (-math.inf, math.inf)

    @property
    def spread(self) -> float:
        """About one standard error, or the estimate where there is no interval: what the decimals shown go by."""
        bounded = math.isfinite(self.low) and math.isfinite(self.high)
        return (self.high - self.low) / 4 if bounded else self.estimate

    def inside(self, bound: float) -> bool:
        """Whether the whole interval lies strictly between -bound and bound."""
        return self.defined and -bound < self.low and self.high < bound

    def sign(self) -> int:
        """Return 1 or -1 where the interval excludes zero, else 0."""
        return 0 if not self.defined else (1 if self.low > 0 else -1 if self.high < 0 else 0)


@dataclass(frozen=True)
class Headline:
    """The effect and the interval that a verdict rests on, and how its certainty was worked out.

    Attributes
    ----------
    interval : Interval
    inference : what the tests and intervals for few treated say; None where the usual interval is used
    method : ``usual``, the name of that inference, or empty where nothing can be said
    chosen : ``auto`` (by rule) or ``override``
    same_estimate : whether the interval belongs to the plan's own estimate, not to one on complete units
    effective : how many equal treated clusters stand behind the estimate
        (:func:`evaltoolkit.inference.effective_treated.effective_treated`)
    """

    interval: Interval
    inference: Inference | None
    method: str
    chosen: Literal["auto", "override"]
    same_estimate: bool
    effective: float = math.nan


@dataclass(frozen=True)
class OutcomeResult:
    """Everything about one outcome. What was not computed is None, and the verdict says why."""

    outcome: Outcome
    feasibility: Feasibility
    verdict: Verdict
    stamp: Stamp
    indicator: Indicator | None = None
    design: Design | None = None
    # effects by the plan's method, with the overall and event aggregations made from them
    effects: Effects | None = None
    overall: Effects | None = None
    event: Effects | None = None
    two_way: Effects | None = None
    headline: Headline | None = None
    checks: tuple[Check, ...] = ()
    grade: Grade | None = None
    # what effects are counted per (an hour of the action), as a fact for the reports; empty: the action
    per: str = ""

    @property
    def scale(self) -> Scale:
        """In what effects on this outcome are shown."""
        return scale_of(self.indicator, self.outcome.unit).counted_per(self.per)


@dataclass(frozen=True)
class Evaluation:
    """A plan that was run.

    Attributes
    ----------
    deviations : what differs from the locked plan: message id and facts, with the date of the lock
    coverage : columns ``arm, period, n_units, n_answered, share`` for each outcome (column ``outcome``)
    harm_examined : whether at least one guardrail was tested
    info : versions, seed, digests of plan, framework, register and values
    """

    plan: Plan
    panel: Panel
    outcomes: tuple[OutcomeResult, ...]
    harm_examined: bool
    locked_on: str = ""
    deviations: tuple[tuple[str, Mapping[str, Fact]], ...] = ()
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    findings: tuple[Finding, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
