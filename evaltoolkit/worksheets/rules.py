"""The rules of judging, read from data: what the words mean, which kind of test follows, what a result is worth."""

from __future__ import annotations

import math
import operator
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from evaltoolkit.worksheets.worksheet import Kind, Likelihood, Result

Conclusion = Literal[
    "not_examined", "rejected", "contradictory", "weakened", "not_decided", "supported", "strongly_supported"
]
# from the worst to the best for a claim; what was not examined stands apart
CONCLUSIONS: tuple[Conclusion, ...] = get_args(Conclusion)

_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, "==": operator.eq, ">=": operator.ge}


@dataclass(frozen=True)
class Span:
    """A number that is known only between two limits, both above zero."""

    low: float
    high: float

    def __mul__(self, other: Span) -> Span:
        return Span(self.low * other.low, self.high * other.high)

    def __truediv__(self, other: Span) -> Span:
        return Span(self.low / other.high, self.high / other.low)

    @property
    def direction(self) -> int:
        """1 where the middle (of the logarithms) lies above one, -1 below, 0 at one."""
        middle = self.low * self.high
        return 0 if abs(middle - 1) < 1e-9 else 1 if middle > 1 else -1

    @property
    def of_100(self) -> tuple[int, int]:
        """Two probabilities as whole numbers of 100, rounded outwards; never 0 or 100, for nothing here is certain."""
        low, high = math.floor(100 * self.low + 1e-9), math.ceil(100 * self.high - 1e-9)
        return min(99, max(1, low)), min(99, max(1, high))


NOTHING = Span(1.0, 1.0)


@dataclass(frozen=True)
class KindOfTest:
    """Which kind of test, and whose: of the claim, of the other explanation, or of neither."""

    kind: Kind
    favours: Literal["claim", "rival", "neither"]


@cache
def worksheet_rules() -> Mapping[str, Any]:
    """Return the content of ``data/worksheet.toml``."""
    text = (resources.files("evaltoolkit") / "data" / "worksheet.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def scale() -> Mapping[str, Span]:
    """Return the range of probability of each word."""
    return {entry["word"]: Span(entry["low"], entry["high"]) for entry in worksheet_rules()["scale"]}


def threshold(name: Literal["decisive", "support"]) -> float:
    """Return a declared threshold."""
    return float(worksheet_rules()["thresholds"][name])


def likelihood_ratio(if_true: Likelihood, if_rival: Likelihood, result: Result) -> Span:
    """Return how many times as likely a result is under the claim as under the other explanation.

    The limits of the declared ranges are combined as they are worst and best for the claim, so that every pair of
    probabilities inside the ranges gives a ratio inside the span. A trace that was seen in part, and one that nobody
    looked for, say nothing: the ratio is one.

    Reference: https://doi.org/10.1177/1356389016654584
    """
    claim, rival = scale()[if_true], scale()[if_rival]
    if result == "found":
        return claim / rival
    if result == "not_found":
        return Span(1 - claim.high, 1 - claim.low) / Span(1 - rival.high, 1 - rival.low)
    return NOTHING


def decides(ratio: Span) -> int:
    """Return 1 where a ratio decides for the claim, -1 where against, 0 where it leaves the matter open."""
    least = threshold("decisive")
    return 1 if ratio.low >= least else -1 if ratio.high <= 1 / least else 0


@cache
def kind_of(if_true: Likelihood, if_rival: Likelihood) -> KindOfTest:
    """Return the kind of test that follows from the two answers.

    A test whose trace decides when it is seen is a smoking gun, one whose absence decides is a hoop, one that decides
    both ways is doubly decisive, any other is a straw in the wind. Where the trace is more likely under the other
    explanation, the test is that explanation's. In words: neighbouring answers never decide; a hoop must be almost
    certain for its own side, a smoking gun hardly ever there for the other.

    Reference: https://doi.org/10.1017/S1049096511001429
    """
    words = list(scale())
    own, other = words.index(if_true), words.index(if_rival)
    if own == other:
        return KindOfTest("straw", "neither")
    if own > other:
        return KindOfTest(kind_of(if_rival, if_true).kind, "rival")
    seen = decides(likelihood_ratio(if_true, if_rival, "found")) == 1
    absent = decides(likelihood_ratio(if_true, if_rival, "not_found")) == -1
    kinds: dict[tuple[bool, bool], Kind] = {
        (True, True): "doubly_decisive",
        (True, False): "smoking_gun",
        (False, True): "hoop",
        (False, False): "straw",
    }
    return KindOfTest(kinds[seen, absent], "claim")


def conclude(facts: Mapping[str, float]) -> Conclusion:
    """Return the conclusion of the first rule of which every condition holds."""
    for rule in worksheet_rules()["rule"]:
        if all(
            _COMPARE[op](facts[name], facts[limit] if isinstance(limit, str) else limit)
            for name, op, limit in rule["when"]
        ):
            conclusion: Conclusion = rule["conclusion"]
            return conclusion
    raise ValueError("the last rule of data/worksheet.toml must hold always")


def highest(cap: str) -> Conclusion:
    """Return the highest conclusion that a cap allows."""
    found: Conclusion = next(entry["highest"] for entry in worksheet_rules()["cap"] if entry["id"] == cap)
    return found


def lower_of(first: Conclusion, second: Conclusion) -> Conclusion:
    """Return the conclusion that is worse for the claim."""
    return min(first, second, key=CONCLUSIONS.index)
