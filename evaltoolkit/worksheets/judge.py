"""From tests and what was seen to a conclusion per claim, by the rules of ``data/worksheet.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaltoolkit.worksheets.rules import (
    CONCLUSIONS,
    NOTHING,
    Conclusion,
    KindOfTest,
    Span,
    conclude,
    decides,
    highest,
    kind_of,
    likelihood_ratio,
    lower_of,
    threshold,
)
from evaltoolkit.worksheets.worksheet import Claim, Result, Test, Worksheet

_CARRIED = ("supported", "strongly_supported")


@dataclass(frozen=True)
class TestReading:
    """One test: its kind, what its result is worth, and for which of the other explanations it was counted."""

    __test__ = False

    test: Test
    kind: KindOfTest
    ratio: Span
    # numbers of the explanations against which it counted; a weaker test of the same source is not counted again
    counted: tuple[int, ...]


@dataclass(frozen=True)
class RivalReading:
    """A claim against one other explanation; ``number`` counts from 1, ``groups`` are independent sources."""

    number: int
    text: str
    conclusion: Conclusion
    ratio: Span
    groups: int


@dataclass(frozen=True)
class OpenTest:
    """A test that nobody has looked at yet, and what the claim would become with each result."""

    test: Test
    if_found: Conclusion
    if_not_found: Conclusion


@dataclass(frozen=True)
class ClaimReading:
    """A claim with its conclusion.

    Attributes
    ----------
    claim : Claim
    conclusion : str
        The worst of those against each explanation that was examined, or what a cap allows.
    ratio : Span
        How many times as likely the evidence is under the claim as under the other explanations together, whatever
        their shares.
    reader : Span
        Probability of the claim for a reader who held it and the others together equally likely (50 : 50).
    caps : tuple of str
        ``rival_not_examined``, ``no_own_trace``; ``exploratory`` where a test was not written down before looking.
    deciding : tuple of int
        Numbers of the explanations that keep the claim where it is.
    tests, rivals, open_tests : tuples
    """

    claim: Claim
    conclusion: Conclusion
    ratio: Span
    reader: Span
    caps: tuple[str, ...]
    deciding: tuple[int, ...]
    tests: tuple[TestReading, ...]
    rivals: tuple[RivalReading, ...]
    open_tests: tuple[OpenTest, ...]


@dataclass(frozen=True)
class Judgement:
    """A worksheet with a conclusion per claim."""

    worksheet: Worksheet
    claims: tuple[ClaimReading, ...]

    @property
    def reach(self) -> int:
        """How far down the chain the evidence reaches."""
        broken = (i for i, reading in enumerate(self.claims) if reading.conclusion not in _CARRIED)
        return next(broken, len(self.claims))


def judge_worksheet(worksheet: Worksheet) -> Judgement:
    """Judge every claim of a worksheet.

    Estimand: none. What is judged is whether a claim about one place stands against its other explanations, given the
    traces that were looked for; nothing is said about how large a change is.

    Assumptions: the answers of each test hold within their declared ranges; the claim and its other explanations
    exclude each other and one of them is true; sources of different groups are independent given each; a test says
    nothing about an explanation that it does not name. No prior is assumed: what is reported is how far the evidence
    moves a reader who starts at 50 : 50.

    Not when: the traces are files about persons, or the tests were made up to fit what had been seen: such evidence
    counts as exploratory and never supports strongly.

    Parameters
    ----------
    worksheet : Worksheet
        As :func:`evaltoolkit.worksheets.files.read_worksheet` gives it, free of faults.

    Returns
    -------
    Judgement

    References
    ----------
    https://doi.org/10.1177/1356389012451663, https://doi.org/10.1017/S1049096511001429,
    https://doi.org/10.1177/1356389016654584
    """
    return Judgement(worksheet, tuple(judge_claim(claim) for claim in worksheet.claims))


def judge_claim(claim: Claim) -> ClaimReading:
    """Judge one claim against each of its other explanations."""
    rivals = tuple(_against(claim, number) for number in range(1, len(claim.rivals) + 1))
    conclusion, caps, deciding = _whole(claim, rivals)
    ratio = Span(min(rival.ratio.low for rival in rivals), max(rival.ratio.high for rival in rivals))
    return ClaimReading(
        claim=claim,
        conclusion=conclusion,
        ratio=ratio,
        reader=Span(ratio.low / (1 + ratio.low), ratio.high / (1 + ratio.high)),
        caps=caps,
        deciding=deciding,
        tests=tuple(_reading(claim, test) for test in claim.tests),
        rivals=rivals,
        open_tests=tuple(_open(claim, test) for test in claim.tests if not test.looked),
    )


def ratio_of(test: Test) -> Span:
    """Return what the result of a test is worth."""
    return likelihood_ratio(test.if_true, test.if_rival, test.evidence)


def counted(tests: Iterable[Test]) -> tuple[Test, ...]:
    """Return the tests that are multiplied.

    Tests of one source group are not independent, so of each group only the most telling one counts; one for and one
    against the claim, so that what speaks against it is never hidden behind what speaks for it. The most telling is
    the one whose ratio is farthest from one at the end that is nearer to one.
    """
    best: dict[tuple[str, int], Test] = {}
    for test in tests:
        ratio = ratio_of(test)
        if not test.looked or ratio.direction == 0:
            continue
        known = best.get(key := (test.group, ratio.direction))
        if known is None or _strength(ratio) > _strength(ratio_of(known)):
            best[key] = test
    return tuple(best.values())


def _strength(ratio: Span) -> tuple[float, float]:
    return (ratio.low, ratio.high) if ratio.direction > 0 else (1 / ratio.high, 1 / ratio.low)


def _product(tests: Sequence[Test]) -> Span:
    product = NOTHING
    for test in tests:
        product = product * ratio_of(test)
    return product


def _against(claim: Claim, number: int) -> RivalReading:
    tests = claim.speaking_to(number)
    telling = counted(tests)
    product = _product(telling)
    looked = [test for test in tests if test.looked]
    support = threshold("support")
    facts = {
        "looked": len(looked),
        # only what was written down before looking decides for the claim; against it everything counts
        "decisive_for": sum(decides(ratio_of(test)) == 1 and not test.exploratory for test in looked),
        "decisive_against": sum(decides(ratio_of(test)) == -1 for test in looked),
        "hoop_partly": sum(_must_be_there(test) and test.evidence == "partly" for test in looked),
        "low": product.low,
        "high": product.high,
        "support": support,
        "no_support": 1 / support,
    }
    groups = len({test.group for test in telling})
    return RivalReading(number, claim.rivals[number - 1], conclude(facts), product, groups)


def _must_be_there(test: Test) -> bool:
    kind = kind_of(test.if_true, test.if_rival)
    return kind.favours == "claim" and kind.kind in ("hoop", "doubly_decisive")


def _whole(claim: Claim, rivals: Sequence[RivalReading]) -> tuple[Conclusion, tuple[str, ...], tuple[int, ...]]:
    """Return the conclusion against all explanations, what caps it, and which explanations keep it there."""
    examined = [rival for rival in rivals if rival.conclusion != "not_examined"]
    if not examined:
        return "not_examined", (), ()
    worst = min((rival.conclusion for rival in examined), key=CONCLUSIONS.index)
    caps = []
    if len(examined) < len(rivals):
        caps.append("rival_not_examined")
    if worst in _CARRIED and not any(_own_trace(test) for test in claim.tests):
        caps.append("no_own_trace")
    conclusion = worst
    for cap in caps:
        conclusion = lower_of(conclusion, highest(cap))
    if any(test.exploratory for test in claim.tests):
        caps.append("exploratory")
    return conclusion, tuple(caps), tuple(rival.number for rival in examined if rival.conclusion == worst)


def _own_trace(test: Test) -> bool:
    """Whether a trace of the claim itself was seen: other explanations may fall without it."""
    return test.evidence == "found" and kind_of(test.if_true, test.if_rival).favours == "claim"


def _reading(claim: Claim, test: Test) -> TestReading:
    numbers = [number for number in test.rivals if test in counted(claim.speaking_to(number))]
    return TestReading(test, kind_of(test.if_true, test.if_rival), ratio_of(test), tuple(numbers))


def _open(claim: Claim, test: Test) -> OpenTest:
    return OpenTest(test, _with_result(claim, test, "found"), _with_result(claim, test, "not_found"))


def _with_result(claim: Claim, test: Test, result: Result) -> Conclusion:
    """Return the conclusion if somebody looked now: later than the test was written down."""
    later = test.stated_on.replace(year=test.stated_on.year + 1, day=1)
    # without a declared source the test would stand for itself
    group = test.source_group or (test.source or f"{test.id} (open)")
    seen = test.model_copy(update={"evidence": result, "looked_on": later, "source_group": group})
    tests = tuple(seen if one is test else one for one in claim.tests)
    rivals = [_against(changed := claim.model_copy(update={"tests": tests}), n + 1) for n in range(len(claim.rivals))]
    return _whole(changed, rivals)[0]
