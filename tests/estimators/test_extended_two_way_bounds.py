"""Extended two-way effects where little or nothing can be said: anticipation, missing comparison, zeros, faults."""

from dataclasses import replace

import numpy as np
import pytest
from extended_designs import MODELS, cells_of, design_for, run, value_at
from small_designs import simulate

from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.cells import NO_COMPARISON, NO_TREATED, REFERENCE
from evaltoolkit.estimators.cohort_likelihood import CELL_AT_BOUND, COHORT_AT_BOUND, NO_MAXIMUM, PERIOD_AT_BOUND
from evaltoolkit.estimators.estimable import NOT_IDENTIFIED
from evaltoolkit.findings import EvaltoolkitError


@pytest.mark.parametrize("family", ["linear", "poisson"])
def test_anticipation_moves_the_reference(family):
    design = design_for(family, n=60, seed=8, cohorts=(2021, 2022))
    early = run(replace(design, anticipation=1), family=family)
    reference = [cell for cell, reason in zip(cells_of(early), early.reasons, strict=True) if reason == REFERENCE]
    assert reference == [(2021, 2019), (2022, 2020)]
    # the same as starting a year earlier, but for the names of the cohorts
    moved = run(replace(design, cohort=design.cohort - 1), family=family)
    np.testing.assert_allclose(early.estimate, moved.estimate, atol=1e-12)
    not_yet = run(replace(design, anticipation=1, comparison="not_yet_treated"), family=family)
    assert cells_of(not_yet)[0] == (2021, 2020)


def test_reference_is_the_last_period_before_treatment_that_was_observed():
    design = simulate(2)
    outcome = design.outcome.copy()
    outcome[design.cohort == 2021, 2] = np.nan
    effects = run(replace(design, outcome=outcome))
    found = dict(zip(cells_of(effects), effects.reasons, strict=True))
    assert found[2021, 2019] == REFERENCE
    assert found[2021, 2020] == NO_TREATED
    assert found[2020, 2019] == REFERENCE


@pytest.mark.parametrize("family", ["linear", "poisson", "logit"])
def test_nobody_untreated_in_the_end(family):
    """The last cohort compares until it starts; from then on nothing can be said."""
    design = design_for(family, "not_yet_treated", n=60, seed=3)
    design = keep_units(design, np.isfinite(design.cohort))
    effects = run(design, family=family)
    assert cells_of(effects) == [(2020, 2020), (2020, 2021), (2020, 2022)]
    assert effects.reasons == ("", NO_COMPARISON, NO_COMPARISON)
    assert np.isfinite(effects.estimate).tolist() == [True, False, False]
    assert effects.info["comparison_only_cohorts"] == (2021.0,)
    never = run(replace(design, comparison="never_treated"), family=family)
    assert {reason for reason in never.reasons if reason != REFERENCE} == {NO_COMPARISON}


def zeros(where, comparison="never_treated"):
    design = design_for("poisson", comparison, n=60, seed=1, exposure=False)
    outcome = design.outcome + 1.0
    outcome[where(design)] = 0.0
    return replace(design, outcome=outcome)


@pytest.mark.parametrize("scale", ["response", "link"])
def test_cohort_without_incidents_before_treatment(scale):
    design = zeros(lambda d: (d.cohort == 2020)[:, None] & (d.times < 2020), "not_yet_treated")
    effects = run(design, family="poisson", scale=scale)
    found = dict(zip(cells_of(effects), effects.reasons, strict=True))
    assert {found[2020, t] for t in (2020, 2021, 2022)} == {COHORT_AT_BOUND}
    assert {found[2021, t] for t in (2021, 2022)} == {""}
    # the other cohort is estimated as if this one were not there
    alone = run(keep_units(design, design.cohort != 2020), family="poisson", scale=scale)
    assert value_at(effects, 2021, 2022) == pytest.approx(value_at(alone, 2021, 2022))


def test_period_without_incidents_in_the_comparison():
    design = zeros(lambda d: np.isinf(d.cohort)[:, None] & (d.times == 2022))
    effects = run(design, family="poisson")
    found = dict(zip(cells_of(effects), effects.reasons, strict=True))
    assert found[2020, 2022] == found[2021, 2022] == PERIOD_AT_BOUND
    assert found[2020, 2021] == found[2021, 2021] == ""


def test_cell_without_incidents_has_a_difference_but_no_ratio():
    design = zeros(lambda d: (d.cohort == 2020)[:, None] & (d.times == 2021))
    effects, link = (run(design, family="poisson", scale=scale) for scale in ("response", "link"))
    assert value_at(effects, 2020, 2021) < 0
    assert np.isfinite(std_errors(effects)).sum() == 8
    assert link.reasons[cells_of(link).index((2020, 2021))] == CELL_AT_BOUND
    assert np.isnan(value_at(link, 2020, 2021))
    assert np.isfinite(value_at(link, 2020, 2022))


def test_a_share_of_one_everywhere_is_a_boundary_too():
    design = design_for("logit", n=60, seed=1)
    outcome = design.outcome.copy()
    outcome[np.isinf(design.cohort), 4] = 1.0
    effects = run(replace(design, outcome=outcome), family="logit")
    found = dict(zip(cells_of(effects), effects.reasons, strict=True))
    assert found[2020, 2022] == PERIOD_AT_BOUND


def test_no_number_where_the_likelihood_has_no_maximum():
    """Never treated: nothing in 2018, which only the treated saw; what they would have had later is unbounded."""
    design = simulate(0, n=40, times=(2018, 2019, 2020), cohorts=(2020,), comparison="not_yet_treated")
    outcome = np.full((40, 3), 3.0)
    treated = np.isfinite(design.cohort)
    outcome[~treated, 0] = 0.0
    outcome[treated, 1] = np.nan
    effects = run(replace(design, outcome=outcome), family="poisson")
    assert np.isnan(effects.estimate).all()
    assert set(effects.reasons) <= {NO_MAXIMUM, NOT_IDENTIFIED}
    fine = outcome.copy()
    fine[0 if not treated[0] else np.flatnonzero(~treated)[0], 0] = 1.0
    again = run(replace(design, outcome=fine), family="poisson")
    assert np.isfinite(again.estimate).all()


@pytest.mark.parametrize(("family", "scale"), MODELS)
def test_collinear_covariates(family, scale):
    """The mean effect does not depend on which of two identical covariates carries it."""
    design = design_for(family, n=60, k=1, seed=9)
    doubled = replace(design, covariates=np.repeat(design.covariates, 2, axis=1), covariate_names=("x0", "again"))
    one, other = (run(d, family=family, scale=scale) for d in (design, doubled))
    np.testing.assert_allclose(one.estimate, other.estimate, atol=1e-8)
    np.testing.assert_allclose(std_errors(one), std_errors(other), rtol=1e-6)


def test_cohort_never_seen_before_treatment_is_not_identified():
    design = simulate(0, n=40, comparison="not_yet_treated")
    outcome = design.outcome.copy()
    outcome[design.cohort == 2020, :2] = np.nan
    for family in ("linear", "poisson"):
        effects = run(replace(design, outcome=np.abs(outcome)), family=family)
        found = dict(zip(cells_of(effects), effects.reasons, strict=True))
        assert {found[2020, t] for t in (2020, 2021, 2022)} <= {NOT_IDENTIFIED, COHORT_AT_BOUND}
        assert found[2021, 2022] == ""


# --- errors -----------------------------------------------------------------------------------------------------------


def test_outcomes_out_of_range_are_named():
    design = simulate(0)
    with pytest.raises(
        EvaltoolkitError, match=r"0 or more; outcome is -.* for unit u\d+ in 20\d\d .* family=\"linear\""
    ):
        run(design, family="poisson")
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        run(design, family="logit")
    with pytest.raises(EvaltoolkitError, match="has no exposure"):
        run(replace(design, exposure=np.ones_like(design.outcome)))
    with pytest.raises(EvaltoolkitError, match="no unit is treated"):
        run(replace(design, cohort=np.full(len(design.units), np.inf)))


def test_info_says_what_is_assumed():
    design = design_for("poisson", n=60)
    for scale in ("response", "link"):
        info = run(design, family="poisson", scale=scale).info
        assert "proportional trends" in info["estimand"]
        assert info["shares"] == "fixed"
    assert run(design, family="poisson", averages="sampled").info["shares"] == "estimated"
