"""The rules of feasibility, read from data."""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


class FeasibilityRule(BaseModel):
    """One rule: fires when ``statistic op threshold`` holds and none of the rules in ``unless`` fired before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    weight: Literal["stop", "adapt"]
    statistic: str
    op: Literal["<", ">", ">=", "=="]
    threshold: float
    facts: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    roles: tuple[Literal["primary", "secondary", "guardrail"], ...] = ("primary", "secondary", "guardrail")
    alternatives: tuple[str, ...] = ()

    def fires(self, statistics: Mapping[str, float]) -> bool:
        """Tell whether the rule speaks against the design; an unknown statistic (NaN) never does."""
        return _OPERATORS[self.op](statistics[self.statistic], self.threshold)


@cache
def feasibility_rules() -> tuple[FeasibilityRule, ...]:
    """Return the rules in order."""
    text = (resources.files("evaltoolkit") / "data" / "feasibility.toml").read_text(encoding="utf-8")
    return tuple(FeasibilityRule.model_validate(entry) for entry in tomllib.loads(text)["rules"])
