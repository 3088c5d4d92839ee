"""Kinds of tests and what a result is worth: the whole table, by hand, and against every probability in the ranges."""

from itertools import pairwise, product
from typing import get_args

import numpy as np
import pytest

from evaltoolkit.worksheets.rules import (
    CONCLUSIONS,
    conclude,
    decides,
    kind_of,
    likelihood_ratio,
    scale,
    threshold,
    worksheet_rules,
)
from evaltoolkit.worksheets.worksheet import Likelihood

WORDS = get_args(Likelihood)
PAIRS = list(product(WORDS, WORDS))


def test_the_scale_covers_the_words_without_gap_or_certainty():
    assert tuple(scale()) == WORDS
    spans = list(scale().values())
    assert all(0 < span.low < span.high < 1 for span in spans)
    assert all(lower.high == upper.low for upper, lower in pairwise(spans))


def said_in_words(if_true, if_rival):
    """The rule as the docstring says it, without any number."""
    own, other = WORDS.index(if_true), WORDS.index(if_rival)
    if own == other:
        return "straw", "neither"
    favours = "claim" if own < other else "rival"
    top, bottom = min(own, other), max(own, other)
    far = bottom - top >= 2
    kinds = {(True, True): "doubly_decisive", (True, False): "hoop", (False, True): "smoking_gun"}
    kind = kinds.get((far and top == 0, far and bottom == len(WORDS) - 1), "straw")
    return kind, favours


@pytest.mark.parametrize(("if_true", "if_rival"), PAIRS)
def test_the_kind_follows_from_the_words(if_true, if_rival):
    found = kind_of(if_true, if_rival)
    assert (found.kind, found.favours) == said_in_words(if_true, if_rival)


def test_every_kind_occurs_for_both_sides():
    kinds = {(kind_of(*pair).kind, kind_of(*pair).favours) for pair in PAIRS}
    assert {kind for kind, side in kinds if side == "claim"} == {kind for kind, side in kinds if side == "rival"}
    assert len({kind for kind, _ in kinds}) == 4


def test_ratios_by_hand():
    # 0.70 to 0.95 against 0.01 to 0.05
    seen = likelihood_ratio("likely", "hardly_ever", "found")
    assert (seen.low, seen.high) == pytest.approx((14, 95))
    # 0.05 to 0.30 against 0.95 to 0.99
    absent = likelihood_ratio("likely", "hardly_ever", "not_found")
    assert (absent.low, absent.high) == pytest.approx((0.05 / 0.99, 0.30 / 0.95))
    hoop = likelihood_ratio("almost_certain", "even", "not_found")
    assert (hoop.low, hoop.high) == pytest.approx((0.01 / 0.70, 0.05 / 0.30))
    for result in ("partly", "not_looked"):
        assert likelihood_ratio("likely", "hardly_ever", result).direction == 0


@pytest.mark.parametrize(("if_true", "if_rival"), PAIRS)
def test_every_probability_in_the_ranges_gives_a_ratio_in_the_span(if_true, if_rival):
    claim, rival = scale()[if_true], scale()[if_rival]
    p, q = np.meshgrid(np.linspace(claim.low, claim.high, 41), np.linspace(rival.low, rival.high, 41))
    for result, ratios in (("found", p / q), ("not_found", (1 - p) / (1 - q))):
        span = likelihood_ratio(if_true, if_rival, result)
        # sharp: the limits are reached, nothing lies outside
        assert (ratios.min(), ratios.max()) == pytest.approx((span.low, span.high))
        assert decides(span) == (1 if ratios.min() >= 5 else -1 if ratios.max() <= 1 / 5 else 0)


# the table of data/worksheet.toml in other words
def expected(facts):
    if not facts["looked"]:
        return "not_examined"
    if facts["decisive_against"]:
        return "contradictory" if facts["decisive_for"] else "rejected"
    if facts["high"] <= 1 / 3:
        return "weakened"
    if facts["hoop_partly"] or facts["low"] < 3:
        return "not_decided"
    return "strongly_supported" if facts["decisive_for"] else "supported"


def test_the_rule_table_over_all_facts():
    spans = [(0.01, 0.2), (0.1, 1 / 3), (0.3, 0.5), (0.5, 2.0), (1.0, 1.0), (2.9, 50.0), (3.0, 9.0), (14.0, 95.0)]
    seen = set()
    for looked, pro, contra, partly, (low, high) in product((0, 1, 3), (0, 1, 2), (0, 1, 2), (0, 1), spans):
        facts = {
            "looked": looked,
            "decisive_for": pro,
            "decisive_against": contra,
            "hoop_partly": partly,
            "low": low,
            "high": high,
            "support": threshold("support"),
            "no_support": 1 / threshold("support"),
        }
        conclusion = conclude(facts)
        assert conclusion == expected(facts), facts
        seen.add(conclusion)
    assert seen == set(CONCLUSIONS)


def test_every_rule_of_the_table_can_fire():
    rules = worksheet_rules()["rule"]
    assert {rule["conclusion"] for rule in rules} == set(CONCLUSIONS)
    assert rules[-1]["when"] == []
    assert set(worksheet_rules()["evidence"]) == set(CONCLUSIONS)
    assert all(cap["highest"] in CONCLUSIONS for cap in worksheet_rules()["cap"])
