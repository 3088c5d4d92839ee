from types import SimpleNamespace

import numpy as np
import pytest

from evaltoolkit.checks.reporting import check_reporting, recorded_ratio
from evaltoolkit.estimators.registry import estimate

SIGNALS = SimpleNamespace(reporting="detection")


def run(design, **context):
    return check_reporting(design, estimate(design), indicator=SIGNALS, **context)


def test_the_ratio_is_treated_over_counterfactual(world):
    design = world(noise=0.0, effect=3.0)
    ratio = recorded_ratio(design, estimate(design))
    post = design.times >= design.cohort[:, None]
    treated = design.outcome[post].mean()
    assert ratio.treated_mean == pytest.approx(treated)
    assert ratio.estimate == pytest.approx(treated / (treated - 3.0))


def test_the_interval_covers_and_matches_a_bootstrap(world):
    design = world(n=300, n_treated=120, effect=3.0)
    effects = estimate(design)
    ratio = recorded_ratio(design, effects)
    assert ratio.low < ratio.estimate < ratio.high
    from evaltoolkit.designs.subset import keep_units

    rng = np.random.default_rng(2)
    draws = []
    for _ in range(200):
        rows = rng.integers(0, 300, 300)
        again = keep_units(design, rows)
        again = type(again)(**{**again.__dict__, "units": design.units.copy(), "clusters": design.units.copy()})
        draws.append(np.log(recorded_ratio(again, estimate(again)).estimate))
    width = np.log(ratio.high / ratio.low) / (2 * 1.959964)
    assert width == pytest.approx(np.std(draws), rel=0.2)


def test_undeclared_detection_is_neither_better_nor_worse(world):
    up, down = run(world(effect=3.0)), run(world(effect=-3.0))
    assert (up.verdict, up.code) == (None, "check.reporting.undeclared_rise")
    assert (down.verdict, down.code) == (None, "check.reporting.undeclared_fall")
    breakdown = up.table.set_index("quantity").loc["breakdown_percent"]
    ratio = up.table.set_index("quantity").loc["recorded_ratio"]
    assert breakdown["estimate"] == pytest.approx(100 * (ratio["estimate"] - 1))
    assert up.facts["percent"] == round(breakdown["estimate"])


def test_a_declared_range_decides_or_not(world):
    # treated mean about 14, counterfactual about 11: recorded ratio about 1.27
    clear = run(world(effect=3.0), detection_range=(1.0, 1.1))
    assert (clear.verdict, clear.code) == (True, "check.reporting.higher")
    wide = run(world(effect=3.0), detection_range=(1.0, 1.6))
    assert (wide.verdict, wide.code) == (False, "check.reporting.undetermined_rise")
    low = run(world(effect=-3.0), detection_range=(0.95, 1.0))
    assert (low.verdict, low.code) == (True, "check.reporting.lower")
    incidence = wide.table.set_index("quantity").loc["incidence_ratio"]
    recorded = wide.table.set_index("quantity").loc["recorded_ratio"]
    assert incidence["conf_low"] == pytest.approx(recorded["conf_low"] / 1.6)
    assert incidence["conf_high"] == pytest.approx(recorded["conf_high"] / 1.0)


def test_few_clusters_have_no_interval_and_no_verdict(world):
    few = run(world(n_treated=8, effect=5.0), detection_range=(1.0, 1.05))
    assert (few.verdict, few.code) == (None, "check.reporting.no_interval")
    assert np.isnan(few.table["conf_low"].iloc[0])


def test_not_for_outcomes_without_reporting_and_not_near_zero(world):
    design = world()
    effects = estimate(design)
    assert check_reporting(design, effects).code == "check.reporting.unknown"
    trust = SimpleNamespace(reporting="none")
    assert check_reporting(design, effects, indicator=trust).code == "check.reporting.not_applicable"
    nothing = world(outcome=world().outcome - 30.0)
    assert run(nothing).code == "check.reporting.not_possible"
