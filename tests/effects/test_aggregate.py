"""Aggregation by hand on a small table of group-time effects."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.effects.aggregate import NOT_ESTIMATED, aggregate_effects, aggregation_matrix, event_times
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.findings import EvaltoolkitError

# Cohort 2020: 12 units, 2021: 4 units, never: 8.
COHORT = np.repeat([2020.0, 2021.0, np.inf], [12, 4, 8])
CELLS = [(2020.0, 2019.0), (2020.0, 2020.0), (2020.0, 2021.0), (2021.0, 2019.0), (2021.0, 2020.0), (2021.0, 2021.0)]
ATT = np.array([0.1, 1.0, 3.0, -0.2, 0.3, 5.0])


@pytest.fixture
def effects():
    psi = np.random.default_rng(0).normal(size=(24, 6))
    return Effects(
        kind="group_time",
        labels=pd.DataFrame(CELLS, columns=["cohort", "time"]).assign(
            n_treated=[12, 12, 11, 4, 4, 4], n_comparison=[8, 8, 7, 8, 8, 6]
        ),
        estimate=ATT,
        influence=psi - psi.mean(axis=0),
        units=np.array([f"u{i}" for i in range(24)]),
        cohort=COHORT,
        weights=np.ones(24),
        clusters=np.array([f"u{i}" for i in range(24)]),
        reasons=("",) * 6,
        info={"times": (2018.0, 2019.0, 2020.0, 2021.0), "method": "group_time"},
    )


def test_points_by_hand(effects):
    assert effects.aggregate("overall").estimate == pytest.approx([(12 * 1 + 12 * 3 + 4 * 5) / 28])
    event = effects.aggregate("event")
    assert event.labels["event_time"].tolist() == [-2, -1, 0, 1]
    assert event.estimate == pytest.approx([-0.2, (12 * 0.1 + 4 * 0.3) / 16, (12 * 1 + 4 * 5) / 16, 3])
    assert event.overall.estimate == pytest.approx([(2 + 3) / 2])
    cohort = effects.aggregate("cohort")
    assert cohort.labels["cohort"].tolist() == [2020, 2021]
    assert cohort.estimate == pytest.approx([2, 5])
    assert cohort.overall.estimate == pytest.approx([(12 * 2 + 4 * 5) / 16])
    calendar = effects.aggregate("calendar")
    assert calendar.labels["time"].tolist() == [2020, 2021]
    assert calendar.estimate == pytest.approx([1, (12 * 3 + 4 * 5) / 16])
    assert calendar.overall.estimate == pytest.approx([(1 + 3.5) / 2])
    for result in (event, cohort, calendar):
        assert result.overall.kind == "overall"
        assert result.overall.overall is None


def test_clusters_behind_an_aggregate(effects):
    event = effects.aggregate("event")
    assert event.labels["n_treated"].tolist() == [4, 16, 16, 11]
    assert event.labels["n_comparison"].tolist() == [8, 8, 6, 7]
    assert event.overall.labels.to_dict("records") == [{"n_treated": 16, "n_comparison": 6}]
    shared = dataclasses.replace(effects, clusters=np.array([f"c{i // 4}" for i in range(24)]))
    assert shared.aggregate("overall").labels["n_treated"].tolist() == [4]


def test_fixed_shares_leave_the_combination_only(effects):
    fixed = aggregate_effects(effects, "event", shares="fixed")
    np.testing.assert_allclose(fixed.influence[:, 2], (12 * effects.influence[:, 1] + 4 * effects.influence[:, 5]) / 16)
    estimated = aggregate_effects(effects, "event")
    np.testing.assert_array_equal(fixed.estimate, estimated.estimate)
    member = np.column_stack([COHORT == 2020, COHORT == 2021]).astype(float)
    shares = member.mean(axis=0)
    gradient = (np.array([1.0, 5.0]) - 2.0) / shares.sum()
    extra = (member - shares) @ gradient
    np.testing.assert_allclose(estimated.influence[:, 2] - fixed.influence[:, 2], extra, atol=1e-12)
    # One cohort alone: its share is one, whatever it is.
    np.testing.assert_allclose(fixed.influence[:, 3], estimated.influence[:, 3])


def test_equal_weights(effects):
    equal = aggregate_effects(effects, "event", weights="equal")
    assert equal.estimate[2] == pytest.approx(3)
    np.testing.assert_allclose(equal.influence[:, 2], effects.influence[:, [1, 5]].mean(axis=1))


def test_sampling_weights_enter_the_shares(effects):
    weights = np.where(COHORT == 2021, 3.0, 1.0)
    result = dataclasses.replace(effects, weights=weights / weights.mean()).aggregate("event")
    assert result.estimate[2] == pytest.approx((12 * 1 + 12 * 5) / 24)


def test_windows(effects):
    assert aggregate_effects(effects, "event", min_event=-1, max_event=0).labels["event_time"].tolist() == [-1, 0]
    balanced = aggregate_effects(effects, "event", balance_event=1)
    assert balanced.labels["event_time"].tolist() == [-1, 0, 1]
    assert balanced.estimate == pytest.approx([0.1, 1, 3])
    with pytest.raises(EvaltoolkitError, match="belong to aggregation by event time"):
        aggregate_effects(effects, "cohort", max_event=1)


def test_undefined_rows_are_left_out_and_counted(effects):
    estimate, influence = ATT.copy(), effects.influence.copy()
    estimate[[1, 2]], influence[:, [1, 2]] = np.nan, np.nan
    holes = dataclasses.replace(effects, estimate=estimate, influence=influence, reasons=("", "why", "why", "", "", ""))
    event = holes.aggregate("event")
    assert event.estimate[2] == pytest.approx(5)
    assert np.isnan(event.estimate[3])
    assert np.isnan(event.influence[:, 3]).all()
    assert event.reasons == ("", "", "", NOT_ESTIMATED)
    assert event.info["left_out"] == 2
    assert event.overall.estimate == pytest.approx([5])
    assert np.isfinite(std_errors(event.overall)).all()
    cohort = holes.aggregate("cohort")
    assert np.isnan(cohort.estimate[0])
    assert cohort.overall.estimate == pytest.approx([5])
    everything = dataclasses.replace(holes, estimate=np.full(6, np.nan), influence=np.full((24, 6), np.nan))
    for to in ("overall", "event", "cohort", "calendar"):
        result = everything.aggregate(to)
        summary = result.overall or result
        assert np.isnan(summary.estimate).all()
        assert summary.reasons == (NOT_ESTIMATED,)
        assert summary.to_frame()[["std_error", "conf_low", "conf_high", "p_value"]].isna().to_numpy().all()


def test_aggregation_matrix_gives_the_points(effects):
    for to in ("overall", "event", "cohort", "calendar"):
        np.testing.assert_allclose(aggregation_matrix(effects, to) @ ATT, effects.aggregate(to).estimate)


def test_event_clock(effects):
    waves = dataclasses.replace(effects, info={"times": (2018.0, 2019.0, 2020.0, 2021.0), "event_clock": "periods"})
    np.testing.assert_array_equal(event_times(waves), event_times(effects))
    uneven = dataclasses.replace(effects, info={"times": (2019.0, 2020.0, 2020.5, 2021.0), "event_clock": "periods"})
    assert event_times(uneven).tolist() == [-1, 0, 2, -3, -2, 0]


def test_months_since_treatment_do_not_fall_apart(effects):
    months = np.array([2020 + month / 12 for month in range(12)])
    cells = [(cohort, time) for cohort in months[[5, 8]] for time in months[1:]]
    monthly = dataclasses.replace(
        effects,
        labels=pd.DataFrame(cells, columns=["cohort", "time"]).assign(n_treated=12, n_comparison=8),
        estimate=np.arange(22.0),
        influence=np.random.default_rng(1).normal(size=(24, 22)),
        cohort=np.repeat([months[5], months[8], np.inf], [12, 4, 8]),
        reasons=("",) * 22,
        info={"times": tuple(months), "event_clock": "time"},
    )
    event = monthly.aggregate("event")
    np.testing.assert_array_equal(np.round(12 * event.labels["event_time"]), np.arange(-7, 7))
    # two months after the start: both cohorts, by size
    assert event.estimate[9] == pytest.approx((12 * 6 + 4 * 20) / 16)
    near = aggregate_effects(monthly, "event", min_event=-2 / 12, max_event=2 / 12)
    assert len(near.estimate) == 5
    balanced = aggregate_effects(monthly, "event", balance_event=5 / 12)
    assert balanced.labels["event_time"].max() == pytest.approx(5 / 12, abs=1e-6)


def test_wrong_use(effects):
    with pytest.raises(EvaltoolkitError, match='Did you mean "calendar"'):
        effects.aggregate("calender")
    with pytest.raises(EvaltoolkitError, match="of kind event"):
        effects.aggregate("event").aggregate("overall")
    own = dataclasses.replace(effects.aggregate("event"), info={"method": "own"})
    assert own.aggregate("event") is own
    assert own.aggregate("overall") is own.overall
    with pytest.raises(EvaltoolkitError, match="of kind event"):
        own.aggregate("cohort")
    before = dataclasses.replace(effects, labels=effects.labels.assign(time=2018.0))
    with pytest.raises(EvaltoolkitError, match="no period from treatment on"):
        before.aggregate("overall")
