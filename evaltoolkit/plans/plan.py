"""The evaluation plan: question, data, treatment, outcomes and rules, as TOML."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evaltoolkit.findings import nearest

# the files of checks/, which stands on the same floor and is not asked; tests/contract/test_plan_checks.py compares
CheckName = Literal[
    "agreement",
    "anticipation",
    "attrition",
    "composition",
    "concurrent",
    "dormant",
    "fidelity",
    "leave_one_out",
    "merged",
    "missing_answers",
    "pretrends",
    "reconstructed",
    "refuters",
    "reporting",
    "response",
    "sensitivity",
    "shared_cells",
    "spillover",
]


# the estimators whose overall effect is the answer to a plan; the others answer other questions
MethodName = Literal[
    "group_time", "imputation", "extended_two_way", "sun_abraham", "synthetic_did", "switchers", "dose", "efficient"
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Data(_Model):
    """Where the values come from; paths are relative to the plan."""

    store: str = ""
    wide: tuple[str, ...] = ()
    csv: tuple[str, ...] = ()
    # an evaluator's own unit x period table, entering at the panel
    panel: str = ""
    panel_unit: str = "unit"
    panel_period: str = "period"
    roster: str = ""
    # first treated period as a column of the own panel, with the word that means never
    treated_from: str = ""
    never: str = "never"
    # or the treatment in every period, for actions that stop and start again
    treatment: str = ""
    membership: str = ""
    simulated: bool = False
    source: str = ""


class Treatment(_Model):
    """What was done, who decided it and why then."""

    action: str
    assignment: Literal["randomised", "voluntary", "by_need", "obligatory", "other"]
    decided_by: str
    why_then: str
    # which period is the first treated one, given the day the action starts
    rule: Literal["containing", "first_full"] = "containing"
    # folder of the drawn roll-out and the table it was drawn from: the draw is then repeated as it was made
    rollout: str = ""
    rollout_units: str = ""
    started_because_outcome_moved: bool = False
    spillover: Literal["unlikely", "neighbours", "everywhere", "unknown"] = "unknown"
    # other programmes and shocks: indicators, measures or columns; none named = what the form asks
    concurrent: tuple[str, ...] = ()
    # what the action cost in all the treated units and periods together
    spending: Annotated[float, Field(gt=0)] | None = None
    currency: str = "EUR"

    @model_validator(mode="after")
    def _rollout_is_whole(self) -> Self:
        if bool(self.rollout) != bool(self.rollout_units):
            raise ValueError('give "rollout" (the folder of the draw) and "rollout_units" (its table) together')
        if self.rollout and self.assignment != "randomised":
            raise ValueError('"rollout" is the record of a lot: say assignment = "randomised"')
        return self


class Outcome(_Model):
    """One outcome with its role and what counts as relevant.

    The roles make families: the primary outcomes together answer the question, secondary outcomes explain it, and
    guardrails say whether the action did harm. Each outcome is estimated by itself.
    """

    indicator: str
    role: Literal["primary", "secondary", "guardrail"]
    # in units of the measure (0.05 = 5 percentage points for a ratio)
    smallest_relevant: Annotated[float, Field(gt=0)] | None = None
    # guardrails: how much worse is still acceptable, in units of the measure
    margin: Annotated[float, Field(gt=0)] | None = None
    not_measurable: bool = False
    # the plan may state which way is better; an ambiguous indicator stays ambiguous
    better: Literal["up", "down", ""] = ""
    # ratio change of detection thought possible, declared before the outcome is seen
    detection_range: tuple[float, float] | None = None
    # a measure of detection itself, and recorded figures of something that the action cannot move
    detection: str = ""
    control_category: str = ""
    wording_break: str = ""
    # another method than the plan's for this outcome
    method: MethodName | Literal[""] = ""
    # for extended_two_way: counts in something (poisson), shares (logit)
    family: Literal["linear", "poisson", "logit"] = "linear"
    # what a count is counted in, such as inhabitants
    exposure: str = ""
    # of a survey share: the measure with the number of respondents, and the design effect of the survey
    respondents: str = ""
    design_effect: Annotated[float, Field(ge=1)] = 1.5
    # or the measure with the standard error of the outcome
    outcome_se: str = ""
    # measures that describe who answered, such as mean age or the share of women
    composition: tuple[str, ...] = ()
    # a measure of an own table: what readers see; an indicator brings its own name and unit
    name: str = ""
    unit: str = ""

    @model_validator(mode="after")
    def _role_has_its_number(self) -> Self:
        if self.role == "guardrail" and self.margin is None and not self.not_measurable:
            raise ValueError(f'guardrail {self.indicator}: give "margin" or say "not_measurable = true"')
        if self.role != "guardrail" and self.smallest_relevant is None:
            raise ValueError(
                f'outcome {self.indicator}: give "smallest_relevant", the smallest change that would matter'
            )
        if self.family != "linear" and self.method != "extended_two_way":
            raise ValueError(f'outcome {self.indicator}: family "{self.family}" needs method = "extended_two_way"')
        if self.respondents and self.outcome_se:
            raise ValueError(f'outcome {self.indicator}: give either "respondents" or "outcome_se", not both')
        if self.exposure and self.family != "poisson":
            raise ValueError(f'outcome {self.indicator}: "exposure" belongs to family = "poisson"')
        if self.detection_range and not 0 < self.detection_range[0] <= self.detection_range[1]:
            raise ValueError(f'outcome {self.indicator}: "detection_range" is two positive ratios, the lower first')
        return self


class Estimation(_Model):
    """How the effect is estimated."""

    method: MethodName = "group_time"
    adjust: Literal["dr", "reg", "ipw"] = "dr"
    base: Literal["varying", "universal"] = "varying"
    comparison: Literal["never_treated", "not_yet_treated"] = "never_treated"
    covariates: tuple[str, ...] = ()
    anticipation: Annotated[int, Field(ge=0)] = 0
    cluster: str = ""
    weights: str = ""
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    # how large a unit is (inhabitants), for the noise of few treated units: a measure or a column of the own table
    sizes: str = ""
    # how sure: by rule, or a choice that is recorded as one
    inference: Literal["auto", "usual", "lot", "sized", "studentised", "donors", "counts", "exact"] = "auto"
    seed: int = 1

    @property
    def covariate_measures(self) -> tuple[str, ...]:
        """Names inside the covariates: ``log(CTX-01)`` rests on ``CTX-01``."""
        return tuple(measure_in(covariate) for covariate in self.covariates)


class Graph(_Model):
    """The causal graph: arrows between ``action``, ``outcome`` (its change) and whatever else plays a part."""

    # "cause -> effect"
    edges: Annotated[tuple[str, ...], Field(min_length=1)]
    # node -> covariate or measure; what is not here is not observed
    nodes: dict[str, str] = {}
    # measured after the start
    after: tuple[str, ...] = ()
    # acts on the level of the outcome but not on its change: the difference takes it out
    level_only: tuple[str, ...] = ()


class Dose(_Model):
    """How much of the action a unit got, for the method ``dose``: effects are then per unit of it."""

    # "hours" of the roster, a column of the own panel, or a measure
    measure: str
    # the sum over the action, or per period in which it ran
    rule: Literal["total", "per_period"] = "total"
    # what one unit of it is called, where it is not the hours of the roster
    unit: str = ""
    # of which indicators an index is made: it must not hold the outcome, or what lies between action and outcome
    parts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_a_unit(self) -> Self:
        if self.measure != "hours" and not self.unit:
            raise ValueError('[dose]: give "unit", what one of it is called (a session, a visit)')
        return self


def measure_in(covariate: str) -> str:
    """Return the measure inside a covariate: ``log(CTX-01)`` rests on ``CTX-01``."""
    return covariate.rpartition("(")[2].rstrip(")").strip()


class Translation(_Model):
    """The plan's own words in one language."""

    title: str
    question: str
    action: str = ""
    decided_by: str = ""
    why_then: str = ""
    theory_of_change: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    rival_explanations: tuple[str, ...] = ()
    decision_rule: tuple[str, ...] = ()
    # names of the nodes of the causal graph that are no indicator
    nodes: dict[str, str] = {}
    # names and units of measures of an own table, as the plan has them -> in this language
    words: dict[str, str] = {}


class Plan(_Model):
    """An evaluation plan, as written in ``evaluation.toml``."""

    title: str
    question: str
    language: Literal["nl", "fr", "de", "en"] = "en"
    framework: str = "livc-r"
    unit: str = "municipality"
    vintage: int | None = None
    periods: tuple[str, ...] = ()
    data: Data
    treatment: Treatment
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    estimation: Estimation = Estimation()
    theory_of_change: tuple[str, ...] = ()
    # what must hold for the steps above to follow one from the other
    assumptions: tuple[str, ...] = ()
    rival_explanations: tuple[str, ...] = ()
    # what the council will do with each possible answer, in its own words
    decision_rule: tuple[str, ...] = ()
    # which checks are run; none named = all
    checks: tuple[CheckName, ...] = ()
    graph: Graph | None = None
    dose: Dose | None = None
    # the plan's words for reports in other languages than the plan's own
    translations: dict[Literal["nl", "fr", "de", "en"], Translation] = {}
    # indicator -> reason for estimating although feasibility says "do not run"
    overrides: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_entry_each(self) -> Self:
        names = [outcome.indicator for outcome in self.outcomes]
        if len(set(names)) != len(names):
            raise ValueError("an outcome stands twice under [[outcomes]]")
        if len(set(self.checks)) != len(self.checks):
            raise ValueError('a check stands twice under "checks"')
        if bool(self.data.panel) == bool(self.data.store or self.data.wide or self.data.csv):
            raise ValueError('under [data] give either "panel" (an own table) or "store", "wide" and "csv"')
        if sum(map(bool, (self.data.roster, self.data.treated_from, self.data.treatment))) != 1:
            raise ValueError(
                'under [data] give either "roster" (a file) or "treated_from" (a column of the own panel), or instead '
                '"treatment" (a column with the treatment in every period)'
            )
        return self

    @model_validator(mode="after")
    def _dose_and_method_belong_together(self) -> Self:
        asked = any((outcome.method or self.estimation.method) == "dose" for outcome in self.outcomes)
        if asked and self.dose is None:
            raise ValueError('method "dose" needs a table [dose] with "measure": what was given to each unit')
        if self.dose is not None and not asked:
            raise ValueError('[dose] is there, but no outcome is estimated with method = "dose"')
        return self

    @model_validator(mode="after")
    def _efficient_needs_a_lot(self) -> Self:
        asked = any((outcome.method or self.estimation.method) == "efficient" for outcome in self.outcomes)
        if asked and self.treatment.assignment != "randomised":
            raise ValueError(
                'method "efficient" compares groups that only a lot makes alike: it needs assignment = "randomised". '
                'Otherwise take "group_time"'
            )
        return self

    @model_validator(mode="after")
    def _translated_words_are_there(self) -> Self:
        own = {text for outcome in self.outcomes for text in (outcome.name, outcome.unit)} - {""}
        known = own | ({self.dose.unit} if self.dose is not None else set())
        strange = [
            f'[translations.{language}.words]: "{word}" is no name or unit in the plan.{nearest(word, known)}'
            for language, text in self.translations.items()
            for word in text.words
            if word not in known
        ]
        if strange:
            raise ValueError(" ".join(strange).rstrip("."))
        return self

    def said_in(self, language: str) -> Translation:
        """Return the plan's words in a language: the translation where there is one, else as written."""
        treatment = self.treatment
        written = Translation(
            title=self.title,
            question=self.question,
            action=treatment.action,
            decided_by=treatment.decided_by,
            why_then=treatment.why_then,
            theory_of_change=self.theory_of_change,
            assumptions=self.assumptions,
            rival_explanations=self.rival_explanations,
            decision_rule=self.decision_rule,
        )
        given = next((text for code, text in self.translations.items() if code == language), written)
        return written.model_copy(update={name: text for name, text in given if text})
