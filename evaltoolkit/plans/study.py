"""A study that does not exist yet, in declared numbers: who would start when, what is measured, how much it varies.

Written as TOML, so that the numbers behind a power figure stand somewhere.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.validation import describe_error

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Correlation = Annotated[float, Field(ge=0, lt=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cohort(_Model):
    """Units that start together; ``start`` is the number of their first treated period, the first period being 1."""

    start: Annotated[int, Field(ge=2)]
    units: Annotated[int, Field(ge=1)]


class Continuous(_Model):
    """A measure on a scale.

    ``sd`` is the standard deviation of a unit's value around its own level, from period to period; ``autocorrelation``
    that of neighbouring periods (first order). Levels of units drop out.
    """

    kind: Literal["continuous"]
    sd: Positive
    autocorrelation: Correlation = 0.0


class SurveyShare(_Model):
    """A share among the residents of each unit, from a sample.

    ``sd`` is that of a unit's true share around its level, from wave to wave; ``respondents`` per unit and wave count
    for ``respondents / design_effect``.
    """

    kind: Literal["survey_share"]
    level: Share
    respondents: Annotated[int, Field(ge=2)]
    design_effect: Annotated[float, Field(ge=1)] = 1.5
    sd: Annotated[float, Field(ge=0)] = 0.0
    autocorrelation: Correlation = 0.0


class YesNo(_Model):
    """One yes or no per unit and period; ``persistence`` is the correlation of a unit's answers over time."""

    kind: Literal["yes_no"]
    level: Share
    persistence: Correlation = 0.0


class Count(_Model):
    """Events per unit and period, analysed as a rate per inhabitant weighted by inhabitants.

    ``mean`` events per unit and period without the action; sizes of units are log-normal with ``size_sd``;
    ``overdispersion`` is the variance of the gamma factor of mean one that multiplies a unit's rate in a period, and
    ``unit_overdispersion`` that of the lasting one.
    """

    kind: Literal["count"]
    mean: Positive
    size_sd: Annotated[float, Field(ge=0)] = 0.0
    overdispersion: Annotated[float, Field(ge=0)] = 0.0
    unit_overdispersion: Annotated[float, Field(ge=0)] = 0.0


KINDS: dict[str, type[BaseModel]] = {
    "continuous": Continuous,
    "survey_share": SurveyShare,
    "yes_no": YesNo,
    "count": Count,
}
Outcome = Annotated[Continuous | SurveyShare | YesNo | Count, Field(discriminator="kind")]


class Zones(_Model):
    """Neighbours that share part of what happens to them, such as the municipalities of a police zone.

    ``correlation`` is the share of the noise that the units of a zone have in common (of a count: of its
    overdispersion from period to period). ``start_together``: whole zones start; otherwise the units of a zone lie in
    all arms. Intervals are clustered by zone.
    """

    units: Annotated[int, Field(ge=2)]
    correlation: Correlation
    start_together: bool = True


class Study(_Model):
    """Everything a power figure rests on.

    Effects are in units of the outcome; of a count, a ratio minus one (-0.3 = 30 % fewer events).
    """

    title: str = ""
    periods: Annotated[int, Field(ge=2, le=60)]
    comparison_units: Annotated[int, Field(ge=1)]
    cohorts: Annotated[tuple[Cohort, ...], Field(min_length=1)]
    outcome: Outcome
    zones: Zones | None = None
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    # the direction in which the smallest detectable effect is sought
    sought: Literal["up", "down"] = "up"

    @model_validator(mode="after")
    def _starts_lie_within(self) -> Self:
        starts = [cohort.start for cohort in self.cohorts]
        if max(starts) > self.periods:
            raise ValueError(f"cohorts: a start lies after the last period ({self.periods})")
        if len(set(starts)) < len(starts):
            raise ValueError("cohorts: a start stands twice; add the units together")
        sizes = [self.comparison_units, *(cohort.units for cohort in self.cohorts)]
        if self.zones and self.zones.start_together and any(size % self.zones.units for size in sizes):
            raise ValueError(
                f"zones: whole zones start together, so every number of units must be a multiple of {self.zones.units}"
            )
        return self

    @property
    def treated_units(self) -> int:
        """Units that start at some time."""
        return sum(cohort.units for cohort in self.cohorts)


def read_study(path: str | Path) -> Study:
    """Read a study; every fault is reported at once.

    Parameters
    ----------
    path : path of a TOML file

    Raises
    ------
    FaultsError
        With each entry that cannot be right, what is allowed there, and the nearest word.
    EvaltoolkitError
        If the file is not there or is no TOML.
    """
    place = Path(path)
    try:
        content = tomllib.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaltoolkitError(f'There is no file "{place}". Check the name.') from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EvaltoolkitError(f'"{place.name}" cannot be read as TOML: {error}.') from None
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        faults = [_describe(detail) for detail in error.errors()]
        raise FaultsError(faults, f'The study "{place.name}"') from None


def _describe(detail: ErrorDetails) -> str:
    """Say one fault; inside an outcome, the kind that was written decides what may stand there."""
    loc = detail["loc"]
    if detail["type"].startswith("union_tag"):
        given = str(content.get("kind", "")) if isinstance(content := detail["input"], dict) else ""
        return f'outcome, kind: "{given}" is not a kind; write one of {", ".join(KINDS)}.{nearest(given, KINDS)}'
    model: type[BaseModel] = Study
    if loc[0] == "outcome" and len(loc) > 1:
        model, inside = KINDS[str(loc[1])], loc[2:]
        detail = {**detail, "loc": inside}
        return describe_error(detail, model, _place(("outcome", *inside)))
    return describe_error(detail, model, _place(loc))


def _place(loc: tuple[int | str, ...]) -> str:
    return ", ".join(f"number {part + 1}" if isinstance(part, int) else str(part) for part in loc)
