"""How many treated clusters stand behind a row: by cohort, by unit and by hand."""

from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import FEW_EFFECTIVE, SMALL_COHORTS, cluster_codes
from evaltoolkit.effects.treated import treated_behind
from evaltoolkit.estimators.registry import estimate

TIMES = np.arange(2018.0, 2024.0)


def make_effects(sizes=(6, 4, 3), starts=(2020.0, 2021.0, 2023.0), *, never=20, weights=None, zone=1):
    cohort = np.concatenate([*[np.full(k, s) for k, s in zip(sizes, starts, strict=True)], np.full(never, np.inf)])
    n = len(cohort)
    weights = np.ones(n) if weights is None else np.r_[weights, np.ones(n - len(weights))]
    units = np.array([f"{i:03d}" for i in range(n)])
    return estimate(
        Design(
            units=units, times=TIMES, outcome=np.random.default_rng(2).normal(size=(n, len(TIMES))), cohort=cohort,
            covariates=np.empty((n, 0)), covariate_names=(), weights=weights / weights.mean(),
            clusters=np.array([f"{i // zone:03d}" for i in range(n)]),
        )
    )  # fmt: skip


def behind(effects):
    return treated_behind(effects, cluster_codes(effects.clusters, effects.units))


def test_the_overall_effect_by_hand():
    # four, three and one periods from treatment on
    weight = np.repeat([4.0, 3.0, 1.0], [6, 4, 3])
    found = behind(make_effects().aggregate("overall"))
    assert found.effective == pytest.approx([weight.sum() ** 2 / (weight**2).sum()])
    assert found.cohorts.tolist() == [3]
    heavy = np.r_[9.0, np.ones(12)]
    weighted = behind(make_effects(weights=heavy).aggregate("overall"))
    assert weighted.effective == pytest.approx([(weight @ heavy) ** 2 / ((weight * heavy) ** 2).sum()])


@pytest.mark.parametrize("to", ["overall", "event", "cohort", "calendar"])
@pytest.mark.parametrize("zone", [1, 2, 3])
def test_by_cohort_is_by_unit(to, zone):
    # clusters of three lie in several cohorts
    effects = make_effects(zone=zone).aggregate(to)
    written = replace(effects, influence=np.asarray(effects.influence))
    one, other = behind(effects), behind(written)
    np.testing.assert_allclose(one.effective, other.effective)
    np.testing.assert_array_equal(one.cohorts, other.cohorts)


def test_each_row_counts_the_cohorts_that_enter_it():
    event = make_effects().aggregate("event")
    known = dict(zip(event.labels["event_time"], behind(event).cohorts, strict=True))
    assert (known[0.0], known[1.0], known[2.0], known[3.0]) == (3, 2, 2, 1)
    rows = make_effects()
    assert set(behind(rows).cohorts[np.isfinite(rows.estimate) & (rows.estimate != 0)]) == {1}


def test_unlike_weights_and_small_cohorts_leave_a_row_without_an_interval():
    reasons = {
        "alike": make_effects((12,), (2020.0,)),
        "one decides": make_effects((12,), (2020.0,), weights=np.r_[8.0, np.ones(11)]),
        "threes": make_effects((3, 3, 3, 3), (2020.0, 2021.0, 2022.0, 2023.0)),
    }
    found = {name: effects.aggregate("overall").to_frame().iloc[0] for name, effects in reasons.items()}
    assert {name: row["reason"] for name, row in found.items()} == {
        "alike": "", "one decides": FEW_EFFECTIVE, "threes": SMALL_COHORTS,
    }  # fmt: skip
    assert found["one decides"][["conf_low", "conf_high", "p_value"]].isna().all()
    assert found["threes"]["std_error"] > 0
    assert np.isfinite(found["alike"]["p_value"])
