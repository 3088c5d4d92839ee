"""What an indicator is: validated from TOML, texts in four languages."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evaltoolkit.findings import EvaltoolkitError, nearest

Dimension = Literal["GOV", "COMP", "INFO", "CASE", "CAP", "DET", "PREV", "COH", "TRU", "HAR", "RGT", "CTX"]
FULL = "full"
PartType = Literal["count", "number", "score", "yes_no", "choice", "multi", "month"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Label(_Model):
    """One short text in the four languages."""

    nl: Annotated[str, Field(min_length=1)]
    fr: Annotated[str, Field(min_length=1)]
    de: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def in_(self, language: str) -> str:
        """Return the text in a language."""
        text: str = getattr(self, language)
        return text


class Option(_Model):
    """One answer of a choice; the code is stored, the label shown."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    label: Label


class Part(_Model):
    """One question on the form: one cell, one value, never a compound."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    type: PartType
    label: Label
    minimum: float | None = None
    maximum: float | None = None
    options: tuple[Option, ...] = ()
    # the officer fills it for earlier years too
    earlier_years: bool = True

    @model_validator(mode="after")
    def _options_fit_type(self) -> Self:
        if (self.type in ("choice", "multi")) != bool(self.options):
            raise ValueError(f'part "{self.id}": options belong to, and only to, the types choice and multi')
        return self


class Texts(_Model):
    """What a reader needs to apply the indicator, in one language."""

    name: str
    definition: str
    counted: str
    not_counted: str
    pitfalls: str
    unit: str
    numerator: str = ""
    denominator: str = ""
    # why it is asked, in the officer's words
    why: str = ""
    # what an evaluator may and may not conclude from it; needed where use in a comparison is conditional or none
    use: str = ""


class TextsByLanguage(_Model):
    """The texts of an indicator in the four languages; none may be missing."""

    nl: Texts
    fr: Texts
    de: Texts
    en: Texts

    def in_(self, language: str) -> Texts:
        """Return the texts in a language."""
        texts: Texts = getattr(self, language)
        return texts


class Change(_Model):
    """A change of definition: from this period on, another version holds, and the series has a break."""

    version: Annotated[int, Field(ge=2)]
    period: Annotated[str, Field(min_length=4)]
    note: Label


class Indicator(_Model):
    """A process or outcome measure, or context.

    ``value`` says how the parts make the indicator's value: ``single`` (the only part), ``sum`` (all parts
    of type count), ``ratio`` (part ``numerator`` over part ``denominator``), ``none`` (parts are codes).
    ``conversion`` says how values of merging municipalities join: counts add; ratios are rebuilt from their
    parts; a mean is weighted by part ``n``; anything else is kept only where all predecessors agree.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]{3,4}-\d{2}$")]
    version: int = 1
    wording: int = 1
    dimension: Dimension
    measure: Literal["process", "outcome", "context"]
    chain: Literal["input", "output", "outcome_short", "outcome_intermediate", "impact", "context"]
    level: Literal["municipality", "livc_r", "zone", "region", "nation"]
    source: Literal["form", "official", "resident_survey", "partner_survey", "derived"]
    frequency: Literal["annual", "biennial", "triennial", "survey_wave", "continuous", "static"] = "annual"
    value: Literal["single", "sum", "ratio", "none"]
    conversion: Literal["count", "ratio", "mean", "agree"]
    # displayed scale of the value: a ratio of 0.62 shown as 62 %
    scale: Literal["number", "percent", "per_10000"] = "number"
    direction: Literal["up", "down", "ambiguous", "neutral"]
    sensitivity: Literal["none", "low", "small_cells", "high"]
    # small counts are either exact, under a processing agreement, or banded when they are entered
    entry: Literal["open", "agreement", "banded"] = "open"
    # what a rise can mean: incidence, detection, response, or none of these
    reporting: Literal["incidence_recorded", "detection", "response", "none"] = "none"
    # recorded by the body that is treated
    self_recorded: bool = False
    did: Literal["yes", "conditional", "no", "treatment", "design", "covariate"]
    seed_facts: tuple[str, ...] = ()
    # modules of EMMASCAN (1 structure ... 7 knowledge and expertise) that ask about the same
    emmascan: tuple[Annotated[int, Field(ge=1, le=7)], ...] = ()
    basis: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], ...] = ()
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    # for source "derived": what each part follows from, such as "GOV-08.case + GOV-08.strategic - COMP-09.value"
    derived: dict[str, str] = {}
    changes: tuple[Change, ...] = ()
    text: TextsByLanguage

    @cached_property
    def part_ids(self) -> tuple[str, ...]:
        """Ids of the parts, in form order."""
        return tuple(part.id for part in self.parts)

    def part(self, part_id: str) -> Part:
        """Return one part."""
        return next(part for part in self.parts if part.id == part_id)

    @model_validator(mode="after")
    def _parts_fit_value(self) -> Self:
        ids = self.part_ids
        if (self.source == "derived") != bool(self.derived) or (self.derived and set(self.derived) != set(ids)):
            raise ValueError(
                "the entry derived belongs to, and only to, the source derived, with a formula for each part"
            )
        if len(set(ids)) != len(ids):
            raise ValueError("part ids must differ")
        if self.value == "ratio" and not {"numerator", "denominator"} <= set(ids):
            raise ValueError("a ratio needs the parts numerator and denominator")
        if self.value == "single" and len([i for i in ids if i not in ("n", "design_effect")]) != 1:
            raise ValueError("a single value has one part beside n and design_effect")
        if not self.id.startswith(self.dimension):
            raise ValueError(f"id {self.id} does not begin with its dimension {self.dimension}")
        return self


class Rule(_Model):
    """A cross-field rule: if ``when`` holds, ``left`` must stand in relation ``op`` to ``right``.

    ``left`` and ``right`` are sums of fields (``GOV-08.case + GOV-08.strategic``) or a number;
    ``when`` is ``FIELD == code`` or empty. ``code`` names the sentence in the catalogues.
    """

    code: Annotated[str, Field(pattern=r"^rule\.[a-z0-9_]+$")]
    severity: Literal["error", "question"]
    left: str
    op: Literal["<=", ">=", "=="]
    right: str
    when: str = ""


class Form(_Model):
    """A set of indicators that belong together, and its name in the four languages."""

    label: Label
    indicators: Annotated[tuple[str, ...], Field(min_length=1)]


class Component(_Model):
    """One measure in a composite: ``low`` to ``high`` become 0 to 1; ``low`` above ``high`` turns it round."""

    indicator: str
    # of a measure of codes: the part, and the code that counts 1 (any other answer counts 0)
    part: str = ""
    code: str = ""
    low: float = 0
    high: float = 1


class Composite(_Model):
    """A mean of scaled measures with equal weights: it describes, and is never an outcome or a dose.

    It holds what is measured after the action began, so it explains nothing. With more than ``missing_at_most`` of its
    components missing there is no value.
    """

    id: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    components: Annotated[tuple[Component, ...], Field(min_length=2)]
    missing_at_most: Annotated[float, Field(ge=0, lt=1)] = 0.3
    name: Label
    note: Label


class Framework(_Model):
    """Indicators, forms, composites and rules under one name and version."""

    name: str
    version: str
    indicators: tuple[Indicator, ...]
    forms: dict[str, Form] = {}
    composites: tuple[Composite, ...] = ()
    rules: tuple[Rule, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Indicator]:
        """Indicators by id."""
        return {indicator.id: indicator for indicator in self.indicators}

    @property
    def form_names(self) -> tuple[str, ...]:
        """Names of the forms, smallest first; ``full`` asks everything that is asked on a form."""
        return (*self.forms, FULL)

    def set(self, name: str = "starter") -> tuple[Indicator, ...]:
        """Return the indicators of a set in the framework's order, whatever their source."""
        if name == FULL:
            return self.indicators
        if name not in self.forms:
            raise EvaltoolkitError(
                f'The framework "{self.name}" has no form "{name}"; it has {", ".join(self.form_names)}.'
                f"{nearest(name, self.form_names)}"
            )
        chosen = frozenset(self.forms[name].indicators)
        return tuple(indicator for indicator in self.indicators if indicator.id in chosen)

    def form(self, name: str = "starter") -> tuple[Indicator, ...]:
        """Return what a form asks: the indicators of the set that come from a form, in order."""
        return tuple(indicator for indicator in self.set(name) if indicator.source == "form")
