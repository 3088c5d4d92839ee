"""A judged worksheet in sentences: conclusions, what the evidence is worth, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaltoolkit.reports.prose import Prose
from evaltoolkit.worksheets.judge import ClaimReading, RivalReading, TestReading
from evaltoolkit.worksheets.rules import Span

_DECIDED = ("rejected", "contradictory", "weakened", "not_decided", "supported")


@dataclass(frozen=True)
class TestRow:
    """One test as the page shows it."""

    __test__ = False

    number: int
    expectation: str
    kind: str
    likelihoods: str
    result: str
    worth: str
    source: str
    note: str


@dataclass(frozen=True)
class ClaimPart:
    """One claim as the page shows it; ``tone`` is a key of the style sheet."""

    anchor: str
    step: str
    statement: str
    conclusion: str
    tone: str
    sentences: tuple[str, ...]
    rivals: tuple[tuple[str, str, str], ...]
    tests: tuple[TestRow, ...]
    changes: tuple[str, ...]


_TONES = {"strongly_supported": "better", "supported": "better", "rejected": "worse", "weakened": "worse"}


def claim_part(number: int, reading: ClaimReading, steps: Sequence[str], prose: Prose) -> ClaimPart:
    """Return a claim in words; ``steps`` are those of the plan, which a claim may name by number."""
    return ClaimPart(
        anchor=f"claim-{number}",
        step=step_text(reading, steps, prose),
        statement=reading.claim.statement,
        conclusion=prose.say(f"worksheet.conclusion.{reading.conclusion}"),
        tone=_TONES.get(reading.conclusion, ""),
        sentences=tuple(conclusion_sentences(reading, prose)),
        rivals=tuple(_rival_row(rival, prose) for rival in reading.rivals),
        tests=tuple(_test_row(i, test, prose) for i, test in enumerate(reading.tests, 1)),
        changes=tuple(change_sentences(reading, prose)),
    )


def step_text(reading: ClaimReading, steps: Sequence[str], prose: Prose) -> str:
    """Return the step that a claim speaks about: its number with the plan's text, where the plan is there."""
    step = reading.claim.step
    if not step.isdigit():
        return step
    number = int(step)
    if 1 <= number <= len(steps):
        return prose.say("worksheet.page.step_text", number=number, text=typed(steps[number - 1]))
    return prose.say("worksheet.page.step", number=number)


def conclusion_sentences(reading: ClaimReading, prose: Prose) -> Iterable[str]:
    """Say the conclusion, what keeps it there, and how far it moves a reader."""
    yield prose.say(f"worksheet.conclusion.{reading.conclusion}.means")
    several = len(reading.rivals) > 1
    # where a cap lowered the claim, no rival alone keeps it there
    alone = all(reading.rivals[number - 1].conclusion == reading.conclusion for number in reading.deciding)
    if several and reading.conclusion in _DECIDED and alone:
        yield prose.say("worksheet.page.deciding", rivals=_rivals(reading, reading.deciding))
    for cap in reading.caps:
        unexamined = [rival.number for rival in reading.rivals if rival.conclusion == "not_examined"]
        facts = {"rivals": _rivals(reading, unexamined)} if cap == "rival_not_examined" else {}
        yield prose.say(f"worksheet.cap.{cap}", facts)
    if reading.conclusion != "not_examined":
        yield reader_sentence(reading.reader, prose)


def _rivals(reading: ClaimReading, numbers: Iterable[int]) -> str:
    return "; ".join(f"{number}. {reading.claim.rivals[number - 1].rstrip(' .')}" for number in numbers)


def typed(text: str) -> str:
    """Keep a text that a person typed from being taken for a reference, which begins with an at sign."""
    return f"\u2060{text}" if text.startswith("@") else text


def reader_sentence(reader: Span, prose: Prose) -> str:
    """Say how far the evidence moves a reader who started at 50 of 100."""
    low, high = reader.of_100
    return prose.say("worksheet.page.reader", low=low, high=high)


def _rival_row(rival: RivalReading, prose: Prose) -> tuple[str, str, str]:
    conclusion = prose.say(f"worksheet.against.{rival.conclusion}")
    if rival.conclusion == "not_examined":
        return rival.text, conclusion, "–"
    return rival.text, conclusion, prose.say("worksheet.page.groups", count=rival.groups)


def _test_row(number: int, reading: TestReading, prose: Prose) -> TestRow:
    test = reading.test
    kind = prose.say(f"worksheet.kind.{reading.kind.kind}")
    if reading.kind.favours == "rival":
        kind = prose.say("worksheet.page.kind_of_rival", kind=kind)
    likelihoods = prose.say(
        "worksheet.page.likelihoods",
        claim=prose.say(f"worksheet.scale.{test.if_true}"),
        rival=prose.say(f"worksheet.scale.{test.if_rival}"),
        rivals=", ".join(str(one) for one in test.rivals),
    )
    return TestRow(
        number=number,
        expectation=test.expectation,
        kind=kind,
        likelihoods=likelihoods,
        result=_result(reading, prose),
        worth=_worth(reading, prose),
        source=_source(reading, prose),
        note=test.note,
    )


def _result(reading: TestReading, prose: Prose) -> str:
    test = reading.test
    told = [prose.say(f"worksheet.result.{test.evidence}")]
    stated = f"@date:{test.stated_on.isoformat()}"
    if test.looked_on is None:
        told.append(prose.say("worksheet.page.stated", stated=stated))
    else:
        looked = f"@date:{test.looked_on.isoformat()}"
        code = "worksheet.page.dates_exploratory" if test.exploratory else "worksheet.page.dates"
        told.append(prose.say(code, stated=stated, looked=looked))
    return ". ".join(told)


def _source(reading: TestReading, prose: Prose) -> str:
    test = reading.test
    if test.source is None:
        return "–"
    source = prose.say(f"worksheet.source.{test.source}")
    return f"{source} – {test.source_group}" if test.source_group else source


def _worth(reading: TestReading, prose: Prose) -> str:
    """Say what a result is worth: how many times as likely it is under one explanation as under the other."""
    if not reading.test.looked:
        return "–"
    ratio = reading.ratio
    if ratio.direction == 0:
        return prose.say("worksheet.worth.nothing")
    way, span = ("for", ratio) if ratio.direction > 0 else ("against", Span(1 / ratio.high, 1 / ratio.low))
    facts = {"low": _times(span.low, prose), "high": _times(span.high, prose)}
    told = [prose.say(f"worksheet.worth.{way}", facts)]
    if not reading.counted:
        told.append(prose.say("worksheet.worth.not_counted"))
    return " ".join(told)


def _times(value: float, prose: Prose) -> str:
    return prose.number(value, 0 if value >= 9.95 else 1)


def change_sentences(reading: ClaimReading, prose: Prose) -> Iterable[str]:
    """Say what would change a conclusion: the tests that are still open, each with what it would make of the claim."""
    for test in reading.open_tests:
        facts = {
            "expectation": typed(test.test.expectation),
            "found": prose.say(f"worksheet.conclusion.{test.if_found}"),
            "not_found": prose.say(f"worksheet.conclusion.{test.if_not_found}"),
        }
        yield prose.say("worksheet.page.open_test", facts)
    if not reading.open_tests:
        yield prose.say("worksheet.page.no_open_test")
    if "exploratory" in reading.caps:
        yield prose.say("worksheet.page.change_exploratory")
