"""What a worksheet is: claims about one place, other explanations, and tests with what was seen."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# how likely a trace would be seen; ranges in data/worksheet.toml
Likelihood = Literal["almost_certain", "likely", "even", "unlikely", "hardly_ever"]
Kind = Literal["straw", "hoop", "smoking_gun", "doubly_decisive"]
Result = Literal["found", "partly", "not_found", "not_looked"]
# a kind of source, never a person
Source = Literal["register", "minutes", "document", "interview", "survey", "observation", "other"]

# far below what a spreadsheet cell holds, and about what a reader takes in
MAX_TEXT, MAX_SHORT = 1000, 200
MAX_RIVALS, MAX_CLAIMS, MAX_TESTS = 5, 30, 40


def _one_line(value: object) -> object:
    """Blanks and marks that no program keeps alike become one blank, so that a text survives every file."""
    if not isinstance(value, str):
        return value
    return " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())


Text = Annotated[str, BeforeValidator(_one_line), StringConstraints(min_length=1, max_length=MAX_TEXT)]
Short = Annotated[str, BeforeValidator(_one_line), StringConstraints(min_length=1, max_length=MAX_SHORT)]
OptionalText = Annotated[str, BeforeValidator(_one_line), StringConstraints(max_length=MAX_TEXT)]
OptionalShort = Annotated[str, BeforeValidator(_one_line), StringConstraints(max_length=MAX_SHORT)]
Id = Annotated[str, BeforeValidator(_one_line), StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Test(_Model):
    """One trace that is looked for, and what was seen.

    ``if_true`` and ``if_rival`` say how likely the trace would be seen if the claim, or one of the other explanations
    named in ``rivals``, were true; the kind of the test follows from them
    (:func:`evaltoolkit.worksheets.rules.kind_of`).
    """

    # pytest takes classes of this name for its own
    __test__ = False

    id: Id
    # "if the claim is true, we would see ..."
    expectation: Text
    if_true: Likelihood
    # numbers of the claim's other explanations, from 1
    rivals: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=MAX_RIVALS)]
    if_rival: Likelihood
    # the test's name, where the author gives one; it must be the one that follows from the answers
    kind: Kind | None = None
    # the day on which the test was written down
    stated_on: dt.date
    evidence: Result = "not_looked"
    looked_on: dt.date | None = None
    source: Source | None = None
    # tests of one group are not independent; without a group, the kind of source is the group
    source_group: OptionalShort = ""
    note: OptionalText = ""

    @property
    def looked(self) -> bool:
        """Whether anybody has looked."""
        return self.evidence != "not_looked"

    @property
    def group(self) -> str:
        """What the test shares its independence with."""
        return self.source_group or str(self.source)

    @property
    def exploratory(self) -> bool:
        """Whether the test was not written down before the day of looking; on one day nobody can tell the order."""
        return self.looked and (self.looked_on is None or self.looked_on <= self.stated_on)


class Claim(_Model):
    """One step of the theory of change, as a sentence that can be wrong, with what else could explain it."""

    id: Id
    # number of the step in the plan's theory of change, or its text
    step: Short
    # id of the indicator that measures it, where there is one
    outcome: OptionalShort = ""
    statement: Text
    rivals: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_RIVALS)]
    tests: Annotated[tuple[Test, ...], Field(min_length=1, max_length=MAX_TESTS)]

    def speaking_to(self, rival: int) -> tuple[Test, ...]:
        """Return the tests that speak to one of the other explanations, by its number from 1."""
        return tuple(test for test in self.tests if rival in test.rivals)


class Worksheet(_Model):
    """A worksheet of contribution analysis and process tracing, as written in ``worksheet.toml``."""

    # a municipality or a group of them, never a person
    unit: Short
    period: Short
    question: Text
    language: Literal["nl", "fr", "de", "en"] = "en"
    # an example that is not about any real place says so on every page
    invented: bool = False
    claims: Annotated[tuple[Claim, ...], Field(min_length=1, max_length=MAX_CLAIMS)]
