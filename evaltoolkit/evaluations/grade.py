"""How certain is the answer: a rule table over facts, the lowest cap wins."""

from __future__ import annotations

import math
import operator
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from evaltoolkit.evaluations.evaluation import Certainty, Grade, Reason

CERTAINTIES: tuple[Certainty, ...] = ("very_low", "low", "moderate", "high")

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}


@cache
def grade_rules() -> tuple[dict[str, Any], ...]:
    """Return the rule table of ``data/grade.toml``."""
    text = (resources.files("evaltoolkit") / "data" / "grade.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["rule"])


def grade_facts(facts: Mapping[str, float], *, randomised: bool, compared: bool) -> Grade:
    """Grade an estimate from the facts about its design, data and checks.

    Parameters
    ----------
    facts : mapping
        Name to number; NaN or absent means that the fact is unknown, and its rule is then silent.
    randomised : bool
        Whether the roll-out was randomised.
    compared : bool
        Whether there is a comparison group at all.

    Returns
    -------
    Grade
        Certainty in the GRADE manner (https://doi.org/10.1136/bmj.39489.470347.AD) and, apart from it, the level on
        the Maryland scientific methods scale: 5 randomised, 3 difference-in-differences with a comparison group,
        2 before and after only.
    """
    fired = [
        Reason(rule["id"], rule["cap"], {rule["fact"]: facts[rule["fact"]]})
        for rule in grade_rules()
        if _fires(rule, facts.get(rule["fact"], math.nan))
    ]
    fired.sort(key=lambda reason: CERTAINTIES.index(reason.cap or "high"))
    certainty = fired[0].cap if fired and fired[0].cap else "high"
    return Grade(certainty, 5 if randomised else 3 if compared else 2, tuple(fired))


def _fires(rule: Mapping[str, Any], value: float) -> bool:
    return not math.isnan(value) and _COMPARE[rule["op"]](value, rule["threshold"])
