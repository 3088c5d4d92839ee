from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from count_worlds import estimate_overall, make_counts

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.choose import FEW_COMPARISON, ONE_TREATED, OUTSIDE, UNATTAINABLE, infer
from evaltoolkit.inference.count_choice import NOT_COUNTABLE, NOT_OVERALL, choose_count_method, most_events
from evaltoolkit.inference.count_table import count_table
from evaltoolkit.inference.floor import NO_ESTIMATE, TOO_FEW_EVENTS, has_enough, least_total


def ask(design=None, *, seed=1, scale="response", **settings):
    names = ("method", "by_lot", "assignments", "level", "sizes", "strata")
    options = {name: settings.pop(name) for name in names if name in settings}
    design = design or make_counts(np.random.default_rng(seed), **settings)
    return infer(design, estimate_overall(design, scale=scale), draws=299, **options)


RULES = {
    "nobody to compare with": ({"treated": (3,), "never": 9}, "", FEW_COMPARISON),
    "by lot": ({"treated": (3,), "by_lot": True}, "lot", ""),
    "one by lot": ({"treated": (1,), "mean": 20.0, "by_lot": True}, "lot", ""),
    "one among few by lot": ({"treated": (1,), "never": 12, "mean": 20.0, "by_lot": True}, "lot", UNATTAINABLE),
    "few": ({"treated": (2, 2), "starts": (2020.0, 2022.0)}, "counts", ""),
    "many": ({"treated": (15,)}, "counts", ""),
    "hardly any events": ({"treated": (2,), "mean": 0.03, "seed": 10}, "", TOO_FEW_EVENTS),
}


@pytest.mark.parametrize("name", RULES)
def test_the_rule_chooses_and_says_why(name):
    settings, method, reason = RULES[name]
    found = ask(**settings)
    assert (found.method, found.reason, found.chosen) == (method, reason, "auto")
    assert np.isfinite(found.p_value) is np.True_ if not reason else np.isnan(found.p_value)
    if not reason:
        assert found.why
        assert found.low <= found.estimate <= found.high
        assert found.ratio_low <= found.ratio <= found.ratio_high
        assert 0 < found.attainable <= 0.05 + 1e-12


def test_one_treated_has_an_exact_test_only_where_overdispersion_is_ruled_out():
    rng = np.random.default_rng(5)
    poisson = ask(make_counts(rng, treated=(1,), never=300, mean=6.0, ratio=0.2))
    assert poisson.dispersion.ruled_out
    assert (poisson.method, poisson.reason) == ("exact", "")
    assert poisson.p_value < 0.05
    assert 0 < poisson.attainable < 0.05
    assert poisson.chosen == "auto"
    assert (
        ask(make_counts(np.random.default_rng(5), treated=(1,), never=300, mean=6.0, ratio=0.2), method="exact")
        == poisson
    )
    gamma = ask(make_counts(np.random.default_rng(5), treated=(1,), never=300, mean=6.0, ratio=0.2, shape=2.0))
    assert (gamma.method, gamma.reason) == ("counts", ONE_TREATED)
    assert np.isnan([gamma.p_value, gamma.smallest_p]).all()
    assert gamma.dispersion.reason in gamma.why
    assert 0 <= gamma.rank <= 1
    assert gamma.ratio_low < gamma.ratio < gamma.ratio_high


def test_the_exact_test_as_an_override_tells_what_it_takes_for_granted():
    found = ask(treated=(2,), shape=1.0, method="exact")
    assert (found.method, found.chosen) == ("exact", "override")
    assert found.dispersion.reason in found.why


def test_one_treated_outside_the_range_of_sizes_is_refused():
    design = make_counts(np.random.default_rng(4), treated=(1,), mean=30.0)
    sizes = np.linspace(1, 2, len(design.units))
    sizes[-1] = 50.0
    found = ask(design, sizes=sizes)
    assert (found.method, found.reason, found.inside) == ("", OUTSIDE, False)
    # without sizes the exposure says how large a unit is
    exposure = design.exposure.copy()
    exposure[-1] *= 100
    assert ask(replace(design, exposure=exposure)).reason == OUTSIDE


@pytest.mark.parametrize("by_lot", [True, False])
def test_ends_are_in_the_unit_of_the_estimate(by_lot):
    design = make_counts(np.random.default_rng(5), treated=(4,), ratio=0.5, mean=8.0)
    counts, link = ask(design, by_lot=by_lot), ask(design, by_lot=by_lot, scale="link")
    assert (counts.p_value, counts.ratio_low) == (link.p_value, link.ratio_low)
    assert link.low == pytest.approx(np.log(link.ratio_low))
    counted = design.outcome[-4:, 3:].mean()
    assert counts.low == pytest.approx(counted * (1 - 1 / counts.ratio_low))
    assert counts.high == pytest.approx(counted * (1 - 1 / counts.ratio_high))
    # the estimate itself is what of the counted events is due to the treatment at the estimated ratio
    assert counts.estimate == pytest.approx(counted * (1 - 1 / counts.ratio), rel=1e-6)


def test_nothing_counted_after_the_start():
    design = make_counts(np.random.default_rng(6), treated=(3,), never=60, mean=6.0)
    design.outcome[-3:, 3:] = 0
    found = ask(design)
    assert (found.ratio, found.ratio_low, found.low, found.high) == (0, 0, -np.inf, 0)
    assert found.p_value < 0.05


def test_what_it_cannot_take_is_refused_with_a_reason():
    design = make_counts(np.random.default_rng(7), treated=(4,))
    weighted = replace(design, weights=np.linspace(0.5, 1.5, len(design.units)))
    assert ask(weighted).reason == NOT_COUNTABLE
    event = estimate(design, "extended_two_way", family="poisson").aggregate("event")
    assert infer(design, event).reason == NOT_OVERALL
    # nobody was observed before the start: nothing is known of what was expected
    late = replace(design, outcome=np.where(design.times < 2021, np.nan, design.outcome))
    table = count_table(late, SimpleNamespace(units=late.units, clusters=late.clusters))
    assert choose_count_method((4, 27), most_events(table), by_lot=True, inside=True) == ("", TOO_FEW_EVENTS)
    assert choose_count_method((4, 27), (9.0, 9.0), by_lot=True, inside=True) == ("", NO_ESTIMATE)
    with pytest.raises(EvaltoolkitError, match="not for the ratio of a count"):
        ask(design, method="sized")


def test_the_floor_is_where_no_event_at_all_would_be_no_evidence():
    # 0.5^m <= 0.025 from m = 5.32 on; the smaller the share after the start, the more events it takes
    assert least_total(0.5, 0.95) == pytest.approx(np.log(0.025) / np.log(0.5))
    assert least_total(0.1, 0.95) * 0.1 < -np.log(0.025) < least_total(0.001, 0.95) * 0.001 + 0.01
    assert least_total(0.5, 0.99) > least_total(0.5, 0.95)
    cases = [(5.0, 2.5), (6.0, 3.0), (6.0, 0.0), (0.0, 0.0), (6.0, 6.0), (40.0, 4.0)]
    assert [has_enough(*case, 0.95) for case in cases] == [False, True, False, False, False, True]
    assert not any(has_enough(*case, 0.99) for case in cases)


@pytest.mark.parametrize("by_lot", [True, False])
def test_the_floor_does_not_ask_who_was_treated(by_lot):
    # the treated themselves have hardly any events; others of their size could have had enough
    design = make_counts(np.random.default_rng(3), treated=(2,), never=40, mean=1.0)
    outcome = design.outcome.copy()
    outcome[-2:] = 0
    outcome[-1, 4] = 1
    found = ask(replace(design, outcome=outcome), by_lot=by_lot)
    assert (found.reason, found.ratio, found.ratio_high) == ("", np.inf, np.inf)
    assert 0.05 < found.p_value <= 1
    outcome[-1, 4] = 0
    nothing = ask(replace(design, outcome=outcome), by_lot=by_lot)
    assert (nothing.p_value, nothing.ratio_low, nothing.ratio_high) == (1, 0, np.inf)
    assert np.isnan(nothing.ratio)


def test_an_exact_test_that_could_not_have_been_significant_gives_no_p_value():
    design = make_counts(np.random.default_rng(12), treated=(1,), never=300, mean=2.0)
    outcome = design.outcome.copy()
    outcome[-1] = np.array([0, 0, 1, 0, 1, 0])
    found = ask(replace(design, outcome=outcome), method="exact")
    assert (found.reason, found.method) == (UNATTAINABLE, "exact")
    assert np.isnan(found.p_value)


def test_redraws_of_a_declared_lot_are_used():
    design = make_counts(np.random.default_rng(9), treated=(5,), ratio=0.4, mean=10.0)
    rng = np.random.default_rng(1)
    group = (design.cohort == np.inf).astype(np.intp)
    redraws = np.array([rng.permutation(group) for _ in range(150)])
    found = ask(design, assignments=redraws)
    assert (found.method, found.smallest_p) == ("lot", pytest.approx(1 / 151))


def test_same_seed_same_digits():
    assert ask(treated=(3,)) == ask(treated=(3,))
