"""Where detection is measured: naive effect up, truth down."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.checks.reporting import check_reporting
from evaltoolkit.estimators.counts import rate_ratio
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.evaluations.facts import seen_incidence
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.sections import check_row

SIGNALS = SimpleNamespace(reporting="incidence_recorded")
INCIDENCE, DETECTION = 0.8, 1.5


@pytest.fixture(scope="session")
def recorded(world, panel_of):
    """A world in which less happens (a fifth) and more is noticed (half as much again): more is recorded."""

    def build(seed=1, incidence=INCIDENCE, detection=DETECTION, size=20.0):
        rng = np.random.default_rng(seed)
        design = world(seed=seed, noise=0.0, effect=0.0)
        after = design.times >= design.cohort[:, None]
        level = size * rng.gamma(20.0, 1 / 20.0, (160, 1)) * 1.02 ** np.arange(6)
        counts = rng.poisson(level * np.where(after, incidence * detection, 1.0))
        noticed = rng.poisson(60.0 * 1.01 ** np.arange(6) * np.where(after, detection, 1.0))
        other = rng.poisson(40.0 * np.where(after, detection, 1.0))
        design = replace(design, outcome=counts.astype(float))
        panel = panel_of(design)
        data = panel.data.assign(noticed=noticed.ravel().astype(float), other=other.ravel().astype(float))
        return design, replace(panel, data=data)

    return build


def check(world, **context):
    design, panel = world
    return check_reporting(design, estimate(design), indicator=SIGNALS, panel=panel, **context)


def rows(done):
    return done.table.set_index("quantity")


def test_the_naive_effect_is_up_and_what_happened_is_down(recorded):
    done = check(recorded(), detection="noticed")
    table = rows(done)
    assert table.loc["recorded_ratio", "conf_low"] > 1
    assert table.loc["detection_ratio", "estimate"] == pytest.approx(DETECTION, rel=0.08)
    assert table.loc["detection_incidence_ratio", "conf_high"] < 1
    # a measure is an assumption: without a declared range nothing better or worse is said
    assert (done.verdict, done.code) == (None, "check.reporting.measured_lower")
    assert done.facts["incidence"] == round(100 * (1 - table.loc["detection_incidence_ratio", "estimate"]))


def test_ratios_are_those_of_poisson_and_their_quotient(recorded):
    design, panel = recorded()
    table = rows(check((design, panel), detection="noticed"))
    noticed = replace(design, outcome=panel.wide("noticed"))
    ratios = [
        rate_ratio(estimate(one, "extended_two_way", family="poisson", averages="sampled").aggregate("overall"))
        for one in (design, noticed)
    ]
    assert table.loc["detection_ratio", "estimate"] == pytest.approx(ratios[1]["estimate"].iloc[0])
    assert table.loc["detection_ratio", "conf_high"] == pytest.approx(ratios[1]["conf_high"].iloc[0])
    quotient = ratios[0]["estimate"].iloc[0] / ratios[1]["estimate"].iloc[0]
    assert table.loc["detection_incidence_ratio", "estimate"] == pytest.approx(quotient)


def test_the_influence_is_joint(recorded):
    design, panel = recorded()
    # detection measured by the very same figures: their quotient is one, and certain
    same = replace(panel, data=panel.data.assign(noticed=panel.data["Y"] * 2.0))
    table = rows(check((design, same), detection="noticed"))
    assert table.loc["detection_incidence_ratio", "estimate"] == pytest.approx(1.0)


def test_a_declared_range_that_holds_and_one_that_does_not(recorded):
    holds = check(recorded(), detection="noticed", detection_range=(1.3, 1.7))
    assert (holds.verdict, holds.code) == (True, "check.reporting.lower")
    # without the measure nobody would notice that the range is wrong
    blind = check(recorded(), detection_range=(0.9, 1.1))
    assert (blind.verdict, blind.code) == (True, "check.reporting.higher")
    told = check(recorded(), detection="noticed", detection_range=(0.9, 1.1))
    assert (told.verdict, told.code) == (False, "check.reporting.undetermined_range")
    assert told.facts["change"] == pytest.approx(50, abs=12)
    assert (told.facts["low"], told.facts["high"]) == (-10, 10)
    assert seen_incidence([told], SimpleNamespace(detection_range=(0.9, 1.1))) == "undetermined"


def test_bounds_cover_the_truth_when_the_range_holds(recorded):
    inside, wrong = 0, 0
    for seed in range(100):
        world = recorded(seed)
        bounds = rows(check(world, detection_range=(1.4, 1.6))).loc["incidence_ratio"]
        inside += bounds["conf_low"] <= INCIDENCE <= bounds["conf_high"]
        missed = rows(check(world, detection_range=(0.9, 1.1))).loc["incidence_ratio"]
        wrong += not missed["conf_low"] <= INCIDENCE <= missed["conf_high"]
    assert inside / 100 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 100)
    assert wrong == 100


def test_the_measured_ratio_covers_the_truth(recorded):
    inside = 0
    for seed in range(150):
        row = rows(check(recorded(seed), detection="noticed")).loc["detection_incidence_ratio"]
        inside += row["conf_low"] <= INCIDENCE <= row["conf_high"]
    assert abs(inside / 150 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 150)


def test_a_control_category_is_a_triple_difference(recorded):
    done = check(recorded(), control_category="other")
    assert (done.verdict, done.code) == (None, "check.reporting.triple_lower")
    assert rows(done).loc["control_ratio", "estimate"] == pytest.approx(DETECTION, rel=0.08)
    assert rows(done).loc["control_incidence_ratio", "estimate"] == pytest.approx(INCIDENCE, rel=0.1)
    # where detection of the control category did not change, the assumption fails and so does the answer
    design, panel = recorded()
    still = replace(panel, data=panel.data.assign(other=np.random.default_rng(1).poisson(40.0, 960).astype(float)))
    assert check((design, still), control_category="other").code == "check.reporting.triple_higher"
    assert check(recorded(incidence=1.0), control_category="other").code == "check.reporting.triple_unclear"
    assert check(recorded(incidence=1.0), detection="noticed").code == "check.reporting.measured_unclear"
    assert check(recorded(incidence=1.4), detection="noticed").code == "check.reporting.measured_higher"


def test_a_share_is_taken_as_count_and_exposure(recorded):
    design, panel = recorded()
    asked = np.random.default_rng(3).integers(50, 400, 960).astype(float)
    after = (design.times >= design.cohort[:, None]).ravel()
    known = np.random.default_rng(4).binomial(asked.astype(int), np.where(after, 0.6, 0.4)).astype(float)
    share = {"share": known / asked, "share.numerator": known, "share.n": asked}
    table = rows(check((design, replace(panel, data=panel.data.assign(**share))), detection="share"))
    assert table.loc["detection_ratio", "estimate"] == pytest.approx(1.5, rel=0.08)


def test_zeros_stay_in_and_gaps_leave_both(recorded):
    design, panel = recorded(size=0.7)
    assert (design.outcome == 0).mean() > 0.3
    noticed = panel.data["noticed"].to_numpy().copy()
    noticed[::7] = np.nan
    done = check((design, replace(panel, data=panel.data.assign(noticed=noticed))), detection="noticed")
    both = replace(design, outcome=np.where(np.isfinite(noticed.reshape(160, 6)), design.outcome, np.nan))
    ratio = rate_ratio(estimate(both, "extended_two_way", family="poisson").aggregate("overall"))
    product = rows(done).loc["detection_incidence_ratio", "estimate"] * rows(done).loc["detection_ratio", "estimate"]
    assert product == pytest.approx(ratio["estimate"].iloc[0])


def test_without_the_measure_in_the_panel_it_stays_as_it_was(recorded):
    assert check(recorded(), detection="nowhere").code == "check.reporting.undeclared_rise"
    design, panel = recorded()
    nothing = replace(panel, data=panel.data.assign(noticed=pd.Series(0.0, index=panel.data.index)))
    assert check((design, nothing), detection="noticed").code == "check.reporting.undeclared_rise"
    few = replace(design, cohort=np.where(np.arange(160) < 8, 2022.0, np.inf))
    assert check((few, panel), detection="noticed").code.startswith("check.reporting.undeclared")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_says_that_the_declared_range_does_not_hold(recorded, language):
    done = check(recorded(), detection="noticed", detection_range=(0.9, 1.1))
    row = check_row(done, Prose(words(language)))
    prose = Prose(words(language))
    said = [prose.number(float(done.facts[name])) for name in ("change", "low", "high")]
    assert all(number in row.saw for number in said)
    # not what the range alone would have had it say, which is wrong here
    blind = check(recorded(), detection_range=(0.9, 1.1))
    assert blind.code == "check.reporting.higher"
    assert row.saw != check_row(blind, prose).saw
    assert row.key == "fail"
