from dataclasses import replace

import numpy as np
import pytest
from count_worlds import make_count_table, make_counts

from evaltoolkit.inference.dispersion import NOT_COUNTS, NOT_RULED_OUT, OVERDISPERSED, measure_dispersion
from evaltoolkit.inference.floor import DISPERSION_LEVEL


def ask(seed, **settings):
    design = make_counts(np.random.default_rng(seed), treated=(1,), **settings)
    return measure_dispersion(make_count_table(design), 0, 1.0, draws=199)


def test_poisson_counts_pass_as_often_as_declared():
    draws = 200
    flagged = np.mean([ask([1, seed], never=80).p_value <= DISPERSION_LEVEL for seed in range(draws)])
    assert abs(flagged - DISPERSION_LEVEL) <= 3 * np.sqrt(0.2 * 0.8 / draws)


def test_overdispersed_counts_do_not_pass():
    found = [ask([2, seed], never=80, shape=2.0) for seed in range(40)]
    assert not any(one.ruled_out for one in found)
    assert {one.reason for one in found} == {OVERDISPERSED}
    assert np.mean([one.factor for one in found]) > 2


def test_few_events_rule_nothing_out():
    found = [ask([3, seed], never=25, mean=1.5) for seed in range(40)]
    weak = [one for one in found if one.reason == NOT_RULED_OUT]
    assert len(weak) > 20
    assert all(one.power < 0.9 and not one.ruled_out for one in weak)


def test_many_events_rule_it_out():
    # the treated unit is small beside the others: a spread that mattered for it would show in them
    found = [ask([4, seed], never=400, mean=4.0) for seed in range(30)]
    assert np.mean([one.ruled_out for one in found]) > 0.3
    assert all(one.reason == "" for one in found if one.ruled_out)


def test_clusters_of_one_event_cannot_be_overdispersed():
    found = ask(5, never=60, mean=0.02)
    assert not found.ruled_out


def test_without_events_nothing_is_known():
    design = make_counts(np.random.default_rng(5), treated=(1,))
    outcome = np.where(design.treated[:, None], design.outcome, 0.0)
    table = replace(make_count_table(design), events=outcome)
    found = measure_dispersion(table, 0, 1.0)
    assert found.reason == NOT_RULED_OUT
    assert np.isnan(found.p_value)


def test_amounts_have_no_known_distribution():
    design = make_counts(np.random.default_rng(6), treated=(1,))
    amounts = replace(design, outcome=design.outcome + 0.5)
    assert measure_dispersion(make_count_table(amounts), 0, 1.0).reason == NOT_COUNTS


def test_an_effect_on_the_treated_is_no_dispersion():
    design = make_counts(np.random.default_rng(8), treated=(1,), never=60, mean=30.0)
    table = make_count_table(
        replace(design, outcome=np.where(design.cohort[:, None] <= design.times, 4, 1) * design.outcome)
    )
    known = measure_dispersion(table, 0, 4.0)
    plain = measure_dispersion(make_count_table(design), 0, 1.0)
    assert known.factor == pytest.approx(plain.factor, rel=0.02)
