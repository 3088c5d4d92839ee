"""Several outcomes over one design in one call: what linear means, what each gives alone, who refuses."""

import dataclasses

import numpy as np
import pytest
from dose_designs import dosed
from small_designs import simulate

from evaltoolkit.estimators.registry import estimate, estimate_each, list_estimators
from evaltoolkit.findings import EvaltoolkitError

LINEAR = ("group_time", "imputation", "extended_two_way", "sun_abraham", "switchers", "dose", "two_way")


def stacked(method):
    design = dosed(3, n=70) if method == "dose" else simulate(3, n=70)
    rng = np.random.default_rng(8)
    other = design.outcome[:, ::-1] + rng.normal(size=design.outcome.shape)
    mixed = 2.0 * design.outcome - 3.0 * other
    return dataclasses.replace(design, outcome=np.stack([design.outcome, other, mixed], axis=2))


@pytest.mark.parametrize("method", LINEAR)
def test_a_mix_of_outcomes_has_the_mix_of_effects(method):
    first, second, mixed = estimate_each(stacked(method), method)
    np.testing.assert_allclose(mixed.estimate, 2 * first.estimate - 3 * second.estimate, atol=1e-9)


@pytest.mark.parametrize("method", LINEAR)
def test_each_is_what_its_outcome_gives_alone(method):
    design = stacked(method)
    found = estimate_each(design, method, names=("a", "b", "c"))
    assert [one.info["outcome"] for one in found] == ["a", "b", "c"]
    for place, one in enumerate(found):
        alone = estimate(dataclasses.replace(design, outcome=design.outcome[:, :, place]), method)
        np.testing.assert_allclose(one.estimate, alone.estimate, rtol=0, atol=1e-12)
        np.testing.assert_allclose(one.covariance(), alone.covariance(), rtol=0, atol=1e-12)


def test_an_outcome_may_have_gaps_of_its_own():
    design = stacked("group_time")
    outcome = design.outcome.copy()
    outcome[3, 2, 1] = np.nan
    whole, gappy = estimate_each(design), estimate_each(dataclasses.replace(design, outcome=outcome))
    np.testing.assert_array_equal(whole[0].estimate, gappy[0].estimate)
    assert not np.array_equal(whole[1].estimate, gappy[1].estimate)


@pytest.mark.parametrize(
    ("method", "options", "why"),
    [
        ("synthetic_did", {}, "weights are chosen anew for every outcome"),
        ("extended_two_way", {"family": "logit"}, "a share is fitted by its own mean"),
        ("extended_two_way", {"family": "poisson"}, "a count is fitted by its own mean"),
    ],
)
def test_what_is_not_linear_refuses_with_the_reason(method, options, why):
    with pytest.raises(EvaltoolkitError, match=f"one outcome at a time: .*{why}"):
        estimate_each(stacked(method), method, **options)
    assert list_estimators()[method].alone


def test_what_does_not_fit_a_stack_is_told():
    design = stacked("group_time")
    with pytest.raises(EvaltoolkitError, match="use estimate\\(\\) for one"):
        estimate_each(dataclasses.replace(design, outcome=design.outcome[:, :, 0]))
    with pytest.raises(EvaltoolkitError, match="3 outcomes are stacked, but 2 names"):
        estimate_each(design, names=("a", "b"))
    with pytest.raises(EvaltoolkitError, match="Sampling errors are those of one outcome"):
        estimate_each(dataclasses.replace(design, sampling_se=np.ones(design.outcome.shape[:2])))
    with pytest.raises(EvaltoolkitError, match="no estimation method"):
        estimate_each(design, "group-time")
    with pytest.raises(EvaltoolkitError, match="needs a dose of treatment"):
        estimate_each(design, "dose")
