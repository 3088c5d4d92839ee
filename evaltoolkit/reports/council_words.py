"""The words of the page for the council: a result, its size and its margin of error as a councillor would say them.

A difference of shares is said as "4 in 100 more"; anything else keeps the unit of its measure.
"""

from __future__ import annotations

import math

import pandas as pd

from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.findings import Fact
from evaltoolkit.framework.scales import Scale, decimals_for
from evaltoolkit.reports.answers import name_of
from evaltoolkit.reports.margins import headline_row
from evaltoolkit.reports.prose import Prose

# verdicts that rest on an interval and so carry a certainty
JUDGED = frozenset({"improved", "worsened", "higher", "lower", "no_relevant_effect", "within_margin", "harm_possible"})
# what the page says in its own words, or in another place
_SAID = frozenset({"verdict.of_hundred", "verdict.harm_not_examined"})
# what may be left to the full report where the page is too long; never chance, harm, delivery or price
_BRIEF = _SAID | {"verdict.mde", "verdict.maybe_smaller_than_relevant"}
_KINDS = {"@unit.percentage_points": "percent", "@unit.per_10000": "per_10000"}
# from here on "about 4" is as good as "about 4.2"
_WHOLE = 2.0


def headline_words(result: OutcomeResult, prose: Prose) -> str:
    """Say the result and its certainty: "An improvement, with low certainty."."""
    said = prose.say(f"council.result.{_kind(result)}")
    if result.grade is None or result.verdict.kind not in JUDGED:
        return prose.say("council.headline.bare", result=said)
    certainty = prose.say(f"council.certainty.{result.grade.certainty}")
    return prose.say("council.headline", result=said, certainty=certainty)


def _kind(result: OutcomeResult) -> str:
    """Return the kind of a verdict; where it speaks of what happened and not of what was recorded, it says so."""
    kind = result.verdict.kind
    happened = any(code.startswith("verdict.incidence_") for code, _ in result.verdict.sentences)
    return f"incidence.{kind}" if happened and kind in ("higher", "lower") else kind


def capitalised(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def told_of(result: OutcomeResult, prose: Prose, *, brief: bool = False) -> tuple[str, ...]:
    """Return the sentences under the headline: size, margin of error, and what must be read beside them."""
    kind = result.verdict.kind
    if kind == "refused":
        return ()
    row = shown_row(result)
    if row is None or result.outcome.role == "guardrail":
        return tuple(prose.say(code, facts) for code, facts in result.verdict.sentences)
    sentences = [effect_sentence(result, row, prose)] if sign_of(row) else []
    if is_recorded(result) and not sentences:
        sentences.append(prose.say("council.range.recorded"))
    sentences.append(prose.say("council.range", range=range_words(result, row, prose)))
    if kind == "unclear" and not is_recorded(result):
        sentences.append(prose.say("council.range.unclear"))
    if kind == "no_relevant_effect":
        sentences.append(prose.say("council.range.small"))
    left = _BRIEF if brief else _SAID
    beside = [prose.say(code, facts) for code, facts in result.verdict.sentences[1:] if code not in left]
    return (*sentences, *beside)


def shown_row(result: OutcomeResult) -> pd.Series | None:
    """Return the effect with its interval, or None where there is none that may be shown."""
    row = headline_row(result)
    if row is None or not math.isfinite(row["estimate"]) or result.headline is None:
        return None
    known = result.headline.interval.defined and not (math.isnan(row["conf_low"]) or math.isnan(row["conf_high"]))
    return row if known else None


def sign_of(row: pd.Series) -> int:
    """Return 1 or -1 where the interval excludes zero, else 0."""
    return 1 if row["conf_low"] > 0 else -1 if row["conf_high"] < 0 else 0


def effect_sentence(result: OutcomeResult, row: pd.Series, prose: Prose) -> str:
    """Say the estimate: "About 4 in 100 more than without the action."."""
    code = "council.effect.recorded" if is_recorded(result) else "council.effect"
    if result.per:
        # one more unit of the dose is not "with against without"
        code = "council.effect.short"
    return prose.say(code, effect=_estimate(result, row, prose))


def _estimate(result: OutcomeResult, row: pd.Series, prose: Prose) -> str:
    scale = result.scale
    size = abs(scale.factor * row["estimate"])
    digits = 0 if scale.percent and size >= _WHOLE else digits_of(result)
    return size_words(scale.factor * row["estimate"], digits, scale, prose)


def digits_of(result: OutcomeResult) -> int:
    """Return the decimals of an outcome's numbers: at most one from 1 on, as long as no end becomes zero by it."""
    if result.headline is None:
        return 0
    scale, interval = result.scale, result.headline.interval
    digits = decimals_for(scale.factor * interval.spread, most=scale.decimals)
    ends = [scale.factor * end for end in (interval.low, interval.high) if math.isfinite(end) and end != 0]
    coarse = min(digits, 1)
    small = scale.factor * abs(interval.estimate) < 1 or any(round(end, coarse) == 0 for end in ends)
    return digits if small else coarse


def size_words(value: float, digits: int, scale: Scale, prose: Prose, *, size: str = "") -> str:
    """Return a difference in words: "4 in 100 more", "no difference"; ``size`` replaces the number."""
    if not size and round(value, digits) == 0:
        return prose.say("council.same")
    way = "more" if value > 0 else "less"
    facts: dict[str, Fact] = {
        "size": size or prose.number(abs(value), digits),
        "unit": prose.text(scale.difference),
    }
    return prose.say(f"council.{way}.{_KINDS.get(scale.difference, 'other')}", facts)


def range_words(result: OutcomeResult, row: pd.Series, prose: Prose) -> str:
    """Return the margin of error in words: "1 to 7 in 100 more", "2 in 100 fewer to 5 in 100 more"."""
    scale = result.scale
    digits = digits_of(result)
    low, high = (scale.factor * float(row[name]) for name in ("conf_low", "conf_high"))
    if math.isinf(high):
        return prose.say("council.at_least", first=size_words(low, digits, scale, prose))
    if math.isinf(low):
        return prose.say("council.at_most", last=size_words(high, digits, scale, prose))
    if round(low, digits) * round(high, digits) > 0:
        ends = sorted((abs(low), abs(high)))
        both = prose.say("council.to", first=prose.number(ends[0], digits), last=prose.number(ends[1], digits))
        return size_words(low, digits, scale, prose, size=both)
    if scale.difference not in _KINDS and round(low, digits) < 0 < round(high, digits):
        # the unit once: it may be long
        less, more = prose.number(-low, digits), prose.number(high, digits)
        return prose.say("council.less_to_more", low=less, high=more, unit=prose.text(scale.difference))
    first, last = (size_words(end, digits, scale, prose) for end in (low, high))
    return prose.say("council.to", first=first, last=last)


def counted_words(result: OutcomeResult, prose: Prose) -> str:
    """Say what is counted per hundred of what; empty for anything but a share with both its parts."""
    if result.indicator is None or result.per or not result.scale.percent:
        return ""
    texts = result.indicator.text.in_(prose.language)
    if not (texts.numerator and texts.denominator):
        return ""
    return prose.say("council.counted", of=texts.denominator, what=texts.numerator)


def line_of(result: OutcomeResult, prose: Prose) -> str:
    """Say another outcome in one line: name, result with certainty, size."""
    told = [headline_words(result, prose)]
    row = shown_row(result)
    if row is not None and sign_of(row) and result.outcome.role != "guardrail":
        told.append(prose.say("council.effect.short", effect=_estimate(result, row, prose)))
    if result.verdict.kind in ("higher", "lower"):
        told.append(prose.say("council.ambiguous"))
    return prose.say("council.line", name=name_of(result, prose), told=" ".join(told))


def is_recorded(result: OutcomeResult) -> bool:
    """Whether the outcome counts what was noticed, not what happened."""
    return result.indicator is not None and result.indicator.reporting != "none"
