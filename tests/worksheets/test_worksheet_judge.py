"""Conclusions: what counts, what caps, and the arithmetic against Bayes' rule carried out."""

from itertools import product

import numpy as np
import pytest
from worksheet_sample import STATED, make_claim, make_test, make_worksheet

from evaltoolkit.worksheets.judge import counted, judge_claim, judge_worksheet
from evaltoolkit.worksheets.rules import scale


def conclusion(*tests, rivals=("Something else.",)):
    return judge_claim(make_claim(*tests, rivals=rivals)).conclusion


@pytest.mark.parametrize(
    ("if_true", "if_rival", "evidence", "wanted"),
    [
        # a hoop of the claim
        ("almost_certain", "unlikely", "found", "supported"),
        ("almost_certain", "even", "found", "not_decided"),
        ("almost_certain", "even", "not_found", "rejected"),
        ("almost_certain", "unlikely", "partly", "not_decided"),
        # a smoking gun of the claim
        ("likely", "hardly_ever", "found", "strongly_supported"),
        ("likely", "hardly_ever", "not_found", "weakened"),
        ("even", "hardly_ever", "not_found", "not_decided"),
        ("likely", "hardly_ever", "partly", "not_decided"),
        # doubly decisive
        ("almost_certain", "hardly_ever", "found", "strongly_supported"),
        ("almost_certain", "hardly_ever", "not_found", "rejected"),
        # straws
        ("likely", "unlikely", "found", "not_decided"),
        ("likely", "unlikely", "not_found", "not_decided"),
        ("likely", "likely", "found", "not_decided"),
        # a hoop of the other explanation: missing, it falls, but no trace of the claim was seen
        ("even", "almost_certain", "not_found", "supported"),
        ("unlikely", "almost_certain", "found", "weakened"),
        # its smoking gun
        ("hardly_ever", "likely", "found", "rejected"),
        ("almost_certain", "hardly_ever", "not_looked", "not_examined"),
    ],
)
def test_one_test_alone(if_true, if_rival, evidence, wanted):
    assert conclusion(make_test("t", if_true, if_rival, evidence)) == wanted


def test_straws_support_only_together_and_from_independent_sources():
    straws = [make_test(f"s{i}", "likely", "unlikely") for i in range(2)]
    assert conclusion(straws[0]) == "not_decided"
    assert conclusion(*straws) == "supported"
    same = [make_test(f"s{i}", "likely", "unlikely", source_group="one report") for i in range(2)]
    assert conclusion(*same) == "not_decided"


def test_without_a_group_the_kind_of_source_is_the_group():
    one = make_test("a", "likely", "unlikely", source_group="")
    two = make_test("b", "likely", "unlikely", source_group="")
    other = make_test("d", "likely", "unlikely", source_group="", source="interview")
    assert counted((one, two)) == (one,)
    assert counted((one, other)) == (one, other)


def test_in_a_group_the_most_telling_counts_each_way():
    straw = make_test("straw", "likely", "unlikely", source_group="g")
    gun = make_test("gun", "likely", "hardly_ever", source_group="g")
    failed = make_test("failed", "almost_certain", "even", "not_found", source_group="g")
    partly = make_test("partly", "almost_certain", "even", "partly", source_group="g")
    assert {one.id for one in counted((straw, gun, failed, partly))} == {"gun", "failed"}
    reading = judge_claim(make_claim(straw, gun, failed, partly))
    assert reading.conclusion == "contradictory"
    assert [(one.test.id, one.counted) for one in reading.tests] == [
        ("straw", ()),
        ("gun", (1,)),
        ("failed", (1,)),
        ("partly", ()),
    ]


def test_what_speaks_for_and_against_strongly_is_a_contradiction():
    gun, failed = make_test("gun", "likely", "hardly_ever"), make_test("hoop", "almost_certain", "even", "not_found")
    assert conclusion(gun, failed) == "contradictory"


def test_evidence_seen_before_the_test_was_written_never_supports_strongly():
    for looked in (STATED, STATED.replace(year=2025)):
        early = make_test("gun", "likely", "hardly_ever", looked_on=looked)
        reading = judge_claim(make_claim(early))
        assert (reading.conclusion, reading.caps) == ("supported", ("exploratory",))
        # against the claim it counts in full
        assert conclusion(make_test("hoop", "almost_certain", "even", "not_found", looked_on=looked)) == "rejected"
    assert judge_claim(make_claim(make_test("gun", "likely", "hardly_ever"))).caps == ()


def test_an_explanation_that_nobody_examined_caps():
    gun = make_test("gun", "likely", "hardly_ever", rivals=(1,))
    later = make_test("later", "almost_certain", "even", "not_looked", rivals=(2,))
    reading = judge_claim(make_claim(gun, later, rivals=("One.", "Two.")))
    assert (reading.conclusion, reading.caps) == ("supported", ("rival_not_examined",))
    assert [rival.conclusion for rival in reading.rivals] == ["strongly_supported", "not_examined"]
    # an explanation that nobody looked at stays where it was
    assert reading.reader.low == 0.5
    seen = make_test("gun", "likely", "hardly_ever", rivals=(1, 2))
    assert judge_claim(make_claim(seen, later, rivals=("One.", "Two."))).conclusion == "strongly_supported"


def test_explanations_that_fall_are_no_trace_of_the_claim():
    fallen = make_test("rival", "even", "almost_certain", "not_found")
    reading = judge_claim(make_claim(fallen))
    assert (reading.conclusion, reading.caps) == ("supported", ("no_own_trace",))
    straw = make_test("straw", "likely", "unlikely")
    assert judge_claim(make_claim(fallen, straw)).conclusion == "strongly_supported"


def test_the_worst_explanation_decides():
    gun = make_test("gun", "likely", "hardly_ever", rivals=(1,))
    straw = make_test("straw", "likely", "unlikely", rivals=(2,))
    reading = judge_claim(make_claim(gun, straw, rivals=("One.", "Two.")))
    assert (reading.conclusion, reading.deciding) == ("not_decided", (2,))


def test_open_tests_tell_what_they_would_change():
    done = make_test("hoop", "almost_certain", "even")
    gun = make_test("gun", "likely", "hardly_ever", "not_looked")
    reading = judge_claim(make_claim(done, gun))
    (one,) = reading.open_tests
    assert (reading.conclusion, one.if_found, one.if_not_found) == ("not_decided", "strongly_supported", "not_decided")
    for result, told in (("found", one.if_found), ("not_found", one.if_not_found)):
        assert conclusion(done, make_test("gun", "likely", "hardly_ever", result)) == told


def test_the_reach_is_the_unbroken_line_from_the_first_claim():
    good, bad = make_test("a", "likely", "hardly_ever"), make_test("b", "likely", "unlikely", "not_looked")
    claims = [make_claim(test, id=f"c{i}") for i, test in enumerate((good, good, bad, good))]
    assert judge_worksheet(make_worksheet(*claims)).reach == 2
    assert judge_worksheet(make_worksheet(claims[2], *claims[:2])).reach == 0
    assert judge_worksheet(make_worksheet(*claims[:2])).reach == 2


# four independent sources, two explanations: every pattern of results, against Bayes' rule with drawn probabilities
SHAPES = [
    ("almost_certain", "even", (1, 2)),
    ("likely", "hardly_ever", (1,)),
    ("unlikely", "almost_certain", (2,)),
    ("likely", "unlikely", (1, 2)),
]


@pytest.mark.parametrize("results", list(product(("found", "not_found"), repeat=4)))
def test_bayes_by_brute_force_stays_within_the_span(results):
    tests = [
        make_test(f"t{i}", own, other, result, rivals=rivals)
        for i, ((own, other, rivals), result) in enumerate(zip(SHAPES, results, strict=True))
    ]
    reading = judge_claim(make_claim(*tests, rivals=("One.", "Two.")))
    rng = np.random.default_rng(7)
    n = 20_000

    def drawn(word):
        span = scale()[word]
        # the corners as well as the inside
        return span.low + (span.high - span.low) * np.clip(rng.uniform(-0.2, 1.2, n), 0, 1)

    claim, rival = np.ones(n), np.ones((2, n))
    for (own, other, rivals), result in zip(SHAPES, results, strict=True):
        p = drawn(own)
        claim *= p if result == "found" else 1 - p
        for number in (1, 2):
            # a test says nothing about an explanation that it does not name: as likely there as under the claim
            q = drawn(other) if number in rivals else p
            rival[number - 1] *= q if result == "found" else 1 - q
    share = np.clip(rng.uniform(-0.2, 1.2, n), 0, 1)
    posterior = claim / (claim + share * rival[0] + (1 - share) * rival[1])
    assert posterior.min() >= reading.reader.low - 1e-12
    assert posterior.max() <= reading.reader.high + 1e-12
    # not wider than it must be: draws come near both ends, counted in odds
    odds = np.log(posterior / (1 - posterior))
    ends = np.log([reading.ratio.low, reading.ratio.high])
    assert odds.min() - ends[0] < 0.35 * (ends[1] - ends[0])
    assert ends[1] - odds.max() < 0.35 * (ends[1] - ends[0])


def test_bayes_by_counting_worlds():
    """Worlds are drawn, traces are left in them, and those with the traces that were seen are counted."""
    rng = np.random.default_rng(11)
    n = 2_000_000
    is_claim = rng.random(n) < 0.5
    # middle of the declared ranges: "almost certain" against "even", "likely" against "unlikely"
    first = rng.random(n) < np.where(is_claim, 0.97, 0.5)
    second = rng.random(n) < np.where(is_claim, 0.825, 0.175)
    kept = is_claim[first & ~second]
    counted_share = kept.mean()
    tests = (make_test("a", "almost_certain", "even"), make_test("b", "likely", "unlikely", "not_found"))
    reading = judge_claim(make_claim(*tests))
    assert reading.reader.low < counted_share < reading.reader.high
    exact = 0.97 * 0.175 / (0.97 * 0.175 + 0.5 * 0.825)
    assert abs(counted_share - exact) < 3 * np.sqrt(exact * (1 - exact) / len(kept))
