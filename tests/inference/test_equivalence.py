import dataclasses
import math

import numpy as np
import pytest
from family_sample import difference_of_means
from scipy.stats import norm
from scipy.stats import t as student

from evaltoolkit.effects.inference import FEW_COMPARISON, FEW_TREATED, std_errors
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.equivalence import (
    CROSSES,
    UNBOUNDED,
    UNDEFINED_INTERVAL,
    equivalence_p,
    judge_equivalence,
    judge_non_inferiority,
)

INF, NAN = math.inf, math.nan
STUDIES = 2000
GATE = 3 * np.sqrt(0.05 * 0.95 / STUDIES)


def one_effect(shift=0.0, *, sizes=(40, 60), seed=1):
    treated = np.arange(sum(sizes)) < sizes[0]
    values = np.random.default_rng(seed).normal(size=(sum(sizes), 1)) + shift * treated[:, None]
    return difference_of_means(values, treated)["y0"]


EQUIVALENCE = [
    ((-0.5, 0.6), "equivalent", ""),
    ((0.2, 0.9), "equivalent", ""),
    ((-0.5, 1.0), "too wide", CROSSES),
    ((-3.0, 4.0), "too wide", CROSSES),
    ((0.9, 1.4), "too wide", CROSSES),
    ((1.1, 1.4), "not equivalent", ""),
    ((-3.0, -1.2), "not equivalent", ""),
    ((1.0, 2.0), "too wide", CROSSES),
    ((1.1, INF), "not equivalent", ""),
    ((0.2, INF), "too wide", UNBOUNDED),
    ((-INF, INF), "too wide", UNBOUNDED),
    ((NAN, 0.3), "not decided", UNDEFINED_INTERVAL),
]


@pytest.mark.parametrize(("ends", "word", "reason"), EQUIVALENCE)
def test_words_of_equivalence(ends, word, reason):
    asked = []
    found = judge_equivalence(one_effect(), 1.0, interval=lambda coverage: asked.append(coverage) or ends)
    assert (found.word, found.reason) == (word, reason)
    assert asked == [pytest.approx(0.9)]
    assert math.isnan(found.p_value)


GUARDRAILS = [
    # up is better; the margin is 1
    ((-0.9, 0.2), "not worse", ""),
    ((2.0, INF), "not worse", ""),
    ((-0.9, INF), "not worse", ""),
    ((-1.0, 0.2), "not decided", CROSSES),
    ((-2.0, 3.0), "not decided", CROSSES),
    ((-4.0, -1.1), "worse", ""),
    ((-INF, -1.1), "worse", ""),
    ((-INF, 0.2), "not decided", UNBOUNDED),
    ((-INF, INF), "not decided", UNBOUNDED),
    ((NAN, NAN), "not decided", UNDEFINED_INTERVAL),
]


@pytest.mark.parametrize(("ends", "word", "reason"), GUARDRAILS)
def test_words_of_a_guardrail_in_both_directions(ends, word, reason):
    up = judge_non_inferiority(one_effect(), 1.0, "up", interval=lambda _: ends)
    down = judge_non_inferiority(one_effect(), 1.0, "down", interval=lambda _: (-ends[1], -ends[0]))
    assert (up.word, up.reason) == (down.word, down.reason) == (word, reason)
    assert math.isnan(up.p_value)


@pytest.mark.parametrize("margin", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(10))
def test_the_word_and_the_p_value_agree(seed, margin):
    effects = one_effect(0.3, seed=seed)
    value, error = effects.estimate[0], std_errors(effects)[0]
    found = judge_equivalence(effects, margin)
    expected = max(norm.sf((value + margin) / error), norm.cdf((value - margin) / error))
    assert found.p_value == pytest.approx(expected)
    assert (found.word == "equivalent") == (found.p_value < 0.05)
    low = judge_non_inferiority(effects, margin, "up")
    assert low.p_value == pytest.approx(norm.sf((value + margin) / error))
    assert (low.word == "not worse") == (low.p_value < 0.05)
    high = judge_non_inferiority(effects, margin, "down")
    assert high.p_value == pytest.approx(norm.cdf((value - margin) / error))
    assert found.p_value == max(low.p_value, high.p_value)
    width = norm.ppf(0.95) * error
    assert (found.low, found.high) == (pytest.approx(value - width), pytest.approx(value + width))


def test_a_smaller_margin_or_a_higher_level_is_never_easier():
    effects = one_effect(0.1)
    words = [judge_equivalence(effects, margin).word == "equivalent" for margin in np.linspace(0.05, 1.5, 30)]
    assert words == sorted(words)
    assert {True, False} == set(words)
    levels = [judge_equivalence(effects, 0.6, level=level) for level in (0.9, 0.95, 0.9999)]
    assert [one.word for one in levels] == ["equivalent", "equivalent", "too wide"]
    assert levels[0].coverage == pytest.approx(0.8)


@pytest.mark.slow
def test_size_at_the_boundary_with_many_clusters():
    # the true effect is just the margin, up or down: saying "equivalent", or "not worse", is wrong
    effects = [one_effect(0.8, sizes=(80, 120), seed=seed) for seed in range(STUDIES)]
    words = [judge_equivalence(one, 0.8).word for one in effects]
    assert abs(words.count("equivalent") / STUDIES - 0.05) < GATE
    assert abs(words.count("not equivalent") / STUDIES - 0.05) < GATE
    guarded = [judge_non_inferiority(one, 0.8, "down").word for one in effects]
    assert abs(guarded.count("not worse") / STUDIES - 0.05) < GATE
    assert abs(guarded.count("worse") / STUDIES - 0.05) < GATE


def test_size_at_the_boundary_is_below_nominal_where_the_interval_is_wider_than_the_margins():
    z = np.random.default_rng(1).normal(size=STUDIES)
    assert (equivalence_p(1.8 + z, np.ones(STUDIES), 1.8) < 0.05).mean() < 0.05 + GATE
    assert (equivalence_p(1.6 + z, np.ones(STUDIES), 1.6) < 0.05).sum() == 0


def pooled_interval(effects):
    """The interval of a two-sample t-test, exact for normal values of equal variance however few are treated."""
    treated = np.isfinite(effects.cohort)
    centred = np.asarray(effects.influence)[:, 0] * np.where(treated, treated.sum(), (~treated).sum()) / len(treated)
    df = len(treated) - 2
    error = np.sqrt((centred @ centred) / df * (1 / treated.sum() + 1 / (~treated).sum()))

    def interval(coverage):
        width = student.ppf(0.5 + coverage / 2, df) * error
        return effects.estimate[0] - width, effects.estimate[0] + width

    return interval


def test_three_treated_are_refused_and_decided_by_an_interval_that_is_valid_for_three():
    effects = [one_effect(6.0, sizes=(3, 12), seed=seed) for seed in range(STUDIES)]
    refused = judge_equivalence(effects[0], 6.0)
    assert (refused.word, refused.reason) == ("not decided", FEW_TREATED)
    assert np.isnan([refused.low, refused.high, refused.p_value]).all()
    guarded = judge_non_inferiority(effects[0], 6.0, "down")
    assert (guarded.word, guarded.reason) == ("not decided", FEW_TREATED)
    words = [judge_equivalence(one, 6.0, interval=pooled_interval(one)).word for one in effects]
    assert abs(words.count("equivalent") / STUDIES - 0.05) < GATE
    harmed = [judge_non_inferiority(one, 6.0, "down", interval=pooled_interval(one)).word for one in effects]
    assert abs(harmed.count("not worse") / STUDIES - 0.05) < GATE


def test_few_comparison_clusters_are_refused_too():
    found = judge_equivalence(one_effect(sizes=(30, 9)), 50.0)
    assert (found.word, found.reason) == ("not decided", FEW_COMPARISON)


def test_p_values_without_a_standard_error_are_undefined():
    found = equivalence_p([0.0, 0.0, 0.0], [0.1, 0.0, np.nan], 1.0)
    assert found[0] == pytest.approx(norm.sf(10))
    assert np.isnan(found[1:]).all()


def test_what_makes_no_sense_is_refused():
    effects = one_effect()
    for margin in (0.0, -1.0, NAN, INF):
        with pytest.raises(EvaltoolkitError, match="above zero"):
            judge_equivalence(effects, margin)
    with pytest.raises(EvaltoolkitError, match=r"between 0\.5 and 1"):
        judge_equivalence(effects, 1.0, level=0.5)
    with pytest.raises(EvaltoolkitError, match='Did you mean "down"'):
        judge_non_inferiority(effects, 1.0, "dwn")
    with pytest.raises(EvaltoolkitError, match="judge_equivalence"):
        judge_non_inferiority(effects, 1.0, "ambiguous")
    with pytest.raises(EvaltoolkitError, match="upside down"):
        judge_equivalence(effects, 1.0, interval=lambda _: (2.0, 1.0))
    with pytest.raises(EvaltoolkitError, match="2 estimates"):
        judge_equivalence(dataclasses.replace(effects, estimate=np.zeros(2)), 1.0)
