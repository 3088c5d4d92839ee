"""Imputed effects by hand, and what must not change them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imputation_designs import BY_UNIT, FAST, at, close, errors, kinds, plain, rich, seeds, trends
from small_designs import simulate

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.estimators.imputation import estimate_imputation
from evaltoolkit.estimators.imputation_pretrends import PART_OF_REFERENCE


def test_two_periods_by_hand():
    design = simulate(1, times=(2019, 2020), cohorts=(2020,), n=40)
    effects = estimate_imputation(design)
    change = design.outcome[:, 1] - design.outcome[:, 0]
    one, zero = change[design.treated], change[~design.treated]
    j = at(effects, 2020, 2020)
    assert effects.estimate[j] == pytest.approx(one.mean() - zero.mean())
    assert std_errors(effects)[j] == pytest.approx(np.sqrt(one.var() / len(one) + zero.var() / len(zero)))
    assert effects.labels.loc[j, ["n_treated", "n_comparison"]].tolist() == [20, 20]
    assert effects.reasons[at(effects, 2020, 2019)] == PART_OF_REFERENCE


def test_three_periods_by_hand():
    """Two periods before: each treated unit is compared with its mean of both."""
    y = np.array([[1.0, 3.0, 9.0], [2.0, 2.0, 4.0], [0.0, 1.0, 2.0], [4.0, 3.0, 3.0]])
    design = simulate(0, n=4, times=(2018, 2019, 2020), cohorts=(2020,))
    design = dataclasses.replace(design, outcome=y, cohort=np.array([2020.0, 2020.0, np.inf, np.inf]))
    effects = estimate_imputation(design)
    # changes from the mean of 2018 and 2019: 7 and 2 treated, 1.5 and -0.5 untreated
    assert effects.estimate[at(effects, 2020, 2020)] == pytest.approx(4.5 - 0.5)
    # lead: change from 2018 to 2019, 2 and 0 treated, 1 and -1 untreated
    assert effects.estimate[at(effects, 2020, 2019)] == pytest.approx(1.0)


def test_one_period_before_is_the_group_time_effect():
    design = simulate(2, times=(2019, 2020, 2021, 2022), cohorts=(2020,), n=60)
    imputed, compared = estimate_imputation(design), estimate_group_time(design, base="universal")
    for time in (2020, 2021, 2022):
        i, j = at(imputed, 2020, time), at(compared, 2020, time)
        assert imputed.estimate[i] == pytest.approx(compared.estimate[j])
        np.testing.assert_allclose(imputed.influence[:, i], compared.influence[:, j], atol=1e-9)


@FAST
@given(seeds, errors, kinds, trends)
def test_order_and_names_of_units_do_not_matter(seed, se, pretrends, unit_trends):
    design = rich(seed)
    order = np.random.default_rng(seed).permutation(len(design.units))
    shuffled = dataclasses.replace(
        design,
        units=np.array([f"other{i}" for i in order]),
        clusters=np.char.add("z", design.clusters[order]),
        controls=design.controls[order],
        **{name: getattr(design, name)[order] for name in BY_UNIT},
    )
    options = {"se": se, "pretrends": pretrends, "unit_trends": unit_trends}
    close(estimate_imputation(design, **options), estimate_imputation(shuffled, **options))


@FAST
@given(
    seeds, errors, trends, st.floats(-50, 50).filter(lambda a: abs(a) > 0.01), st.floats(-1e3, 1e3), st.floats(-40, 40)
)
def test_units_of_measurement_and_calendar_do_not_matter(seed, se, unit_trends, a, b, shift):
    design = rich(seed)
    moved = dataclasses.replace(
        design,
        outcome=a * design.outcome + b,
        times=design.times + shift,
        cohort=design.cohort + shift,
        covariates=1e3 * design.covariates + 7,
        controls=1e-3 * design.controls - 2,
    )
    one, other = (estimate_imputation(d, se=se, unit_trends=unit_trends) for d in (design, moved))
    np.testing.assert_allclose(a * one.estimate, other.estimate, rtol=1e-6, atol=1e-6 * abs(a))
    np.testing.assert_allclose(abs(a) * std_errors(one), std_errors(other), rtol=1e-6, atol=1e-6 * abs(a))


@FAST
@given(seeds, kinds, trends)
def test_what_the_regression_holds_is_taken_out(seed, pretrends, unit_trends):
    """Unit and period effects, covariates by period, controls (and unit trends) change no effect and no error."""
    design = rich(seed)
    rng = np.random.default_rng(seed)
    more = rng.normal(size=(40, 1)) + rng.normal(size=6) + design.covariates * rng.normal(size=6)
    more = more + 3 * design.controls[:, :, 0]
    if unit_trends:
        more = more + rng.normal(size=(40, 1)) * (design.times - 2018)
    moved = dataclasses.replace(design, outcome=design.outcome + more)
    close(*(estimate_imputation(d, pretrends=pretrends, unit_trends=unit_trends) for d in (design, moved)))


@FAST
@given(seeds, errors, st.integers(0, 5))
def test_an_untreated_unit_seen_once_does_not_matter(seed, se, period):
    design = plain(rich(seed))
    outcome = np.full((1, 6), np.nan)
    outcome[0, period] = 99.0
    more = dataclasses.replace(
        design,
        units=np.append(design.units, "new"),
        outcome=np.r_[design.outcome, outcome],
        cohort=np.r_[design.cohort, np.inf],
        covariates=np.r_[design.covariates, np.zeros((1, 0))],
        weights=np.r_[design.weights, 1.0],
        clusters=np.append(design.clusters, "new"),
    )
    one, other = (estimate_imputation(d, se=se) for d in (design, more))
    close(one, other)


@FAST
@given(seeds, errors, kinds, trends)
def test_every_unit_twice_halves_the_variance(seed, se, pretrends, unit_trends):
    design = rich(seed)
    twice = dataclasses.replace(
        design,
        units=np.r_[design.units, np.char.add(design.units, "b")],
        clusters=np.r_[design.clusters, np.char.add(design.clusters, "b")],
        controls=np.concatenate([design.controls] * 2),
        **{name: np.concatenate([getattr(design, name)] * 2) for name in BY_UNIT},
    )
    options = {"se": se, "pretrends": pretrends, "unit_trends": unit_trends}
    one, other = (estimate_imputation(d, **options) for d in (design, twice))
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-7, atol=1e-8)
    defined = np.isfinite(std_errors(one))
    np.testing.assert_allclose(std_errors(one)[defined], std_errors(other)[defined] * np.sqrt(2), rtol=1e-7)


def test_integer_weights_are_copies_of_units():
    design = rich(9, gaps=0.05)
    copies = np.random.default_rng(5).integers(1, 4, len(design.units))
    index = np.repeat(np.arange(len(copies)), copies)
    weighted = dataclasses.replace(design, weights=copies / copies.mean())
    copied = dataclasses.replace(
        design,
        units=np.array([f"r{i}" for i in range(len(index))]),
        controls=design.controls[index],
        clusters=design.clusters[index],
        **{name: getattr(design, name)[index] for name in BY_UNIT},
    )
    copied = dataclasses.replace(copied, weights=np.ones(len(index)))
    close(estimate_imputation(weighted, se="gardner"), estimate_imputation(copied, se="gardner"))
