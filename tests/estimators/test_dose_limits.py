"""What a dose must be, what is refused, and what a result says about itself."""

import dataclasses

import numpy as np
import pytest
from dose_designs import dosed, named, rich
from small_designs import simulate

from evaltoolkit.estimators.dose import ESTIMATOR, LEVELS_ONLY, SLOPES, estimate_dose
from evaltoolkit.estimators.dose_curve import count_distinct_doses, cut_bins
from evaltoolkit.estimators.dose_fit import TOO_FEW_DOSES
from evaltoolkit.estimators.dose_index import check_dose
from evaltoolkit.estimators.dose_rows import FEW_FOR_BINS
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError
from evaltoolkit.graphs.graph import read_graph

CURVES = ESTIMATOR.options["curve"]
FEW = "fewer than {} treated clusters with distinct doses"


def change_dose(design, where, value):
    return dataclasses.replace(design, dose=np.where(where, value, design.dose))


def test_levels_only_unless_slopes_are_assumed():
    for curve in CURVES:
        effects = estimate(dosed(1), "dose", curve=curve)
        assert set(effects.labels["name"]) == {"overall", "level"}
        assert set(effects.labels["assumes"]) == {"parallel_trends"}
        assert LEVELS_ONLY in effects.info["caveat"]
        assert "not comparable" in effects.info["estimand"]
        strong = estimate(dosed(1), "dose", curve=curve, assume="strong_parallel_trends")
        slope = strong.labels["name"].str.contains("slope")
        assert slope.any()
        assert set(strong.labels["assumes"][slope]) == {"strong_parallel_trends"}
        assert set(strong.labels["assumes"][~slope]) == {"parallel_trends"}
        assert strong.info["caveat"] == SLOPES
        level = named(strong, "level")
        np.testing.assert_array_equal(strong.estimate[level], effects.estimate[named(effects, "level")])


def test_a_faulty_dose_is_refused_with_all_faults():
    design = dosed(2)
    treated, never = np.flatnonzero(design.treated), np.flatnonzero(np.isinf(design.cohort))
    dose = design.dose.copy()
    dose[treated[:2]], dose[treated[3]], dose[treated[4]], dose[never[0]] = -1.0, np.nan, 0.0, 2.0
    with pytest.raises(FaultsError) as told:
        estimate(dataclasses.replace(design, dose=dose), "dose")
    assert len(told.value.faults) == 3
    for unit in (*treated[:2], treated[3], treated[4], never[0]):
        assert str(design.units[unit]) in str(told.value)
    assert "negative or missing: 3 units" in str(told.value)


def test_units_treated_after_the_panel_may_have_a_dose():
    design = dosed(3)
    later = np.isinf(design.cohort) & (np.arange(90) % 2 == 0)
    assert later.any()
    after = dataclasses.replace(design, cohort=np.where(later, 2030.0, design.cohort))
    np.testing.assert_array_equal(
        estimate(change_dose(after, later, 4.0), "dose").estimate, estimate(after, "dose").estimate
    )


def test_a_constant_dose_is_refused():
    design = dosed(4)
    with pytest.raises(RefusedError, match="same dose \\(3\\)"):
        estimate(change_dose(design, design.treated, 3.0), "dose")


def test_a_design_without_a_dose():
    with pytest.raises(EvaltoolkitError, match="needs a dose"):
        estimate(simulate(0), "dose")
    with pytest.raises(EvaltoolkitError, match="no dose"):
        estimate_dose(simulate(0))


@pytest.mark.parametrize(("curve", "needed"), [("linear", 10), ("spline", 30)])
def test_few_distinct_doses_give_a_reason(curve, needed):
    """One different dose more or less decides; the overall effect is there in any case."""
    design = dosed(5)
    rank = np.full(90, 0)
    rank[design.treated] = np.arange(design.treated.sum())
    for count in (needed - 1, needed):
        few = change_dose(design, design.treated, 1.0 + rank % count)
        effects = estimate(few, "dose", curve=curve, assume="strong_parallel_trends")
        assert np.isfinite(effects.estimate[0])
        expected = FEW.format(needed) if count < needed else ""
        assert set(effects.reasons[1:]) == {expected}
        assert (np.isnan(effects.estimate[1:]) == (count < needed)).all()
        assert effects.to_frame()["p_value"][1:].isna().all() == (count < needed)


def test_doses_count_by_cluster():
    """Sixty different doses in nine clusters are nine doses."""
    design = dosed(6)
    rank = np.cumsum(design.treated)
    cluster = np.where(design.treated, np.char.add("t", (rank % 9).astype(str)), design.units)
    effects = estimate(dataclasses.replace(design, clusters=cluster), "dose")
    assert set(effects.reasons[1:]) == {FEW.format(10)}
    assert count_distinct_doses(np.array([1.0, 3.0, 2.0, 4.0]), np.array([0, 0, 1, 2])) == 2


def test_bins_are_never_small():
    units = np.arange(60, dtype=np.intp)
    dose = np.linspace(1, 9, 60)
    assert np.bincount(cut_bins(dose, units)).tolist() == [20, 20, 20]
    assert np.bincount(cut_bins(dose[:29], units[:29])).tolist() == [15, 14]
    assert cut_bins(dose[:19], units[:19]) is None
    # clusters are counted, not units
    assert np.bincount(cut_bins(dose, units // 3)).tolist() == [30, 30]
    # equal doses stay together; three doses are three bins, unless one is rare
    levels = np.repeat([1.0, 2.0, 7.0], [30, 18, 12])
    assert np.bincount(cut_bins(levels, units)).tolist() == [30, 18, 12]
    assert np.bincount(cut_bins(np.repeat([1.0, 2.0, 7.0], [30, 24, 6]), units)).tolist() == [30, 30]


def test_too_few_units_for_bins_give_a_reason():
    design = dosed(7, n=27)
    effects = estimate(design, "dose", curve="bins", assume="strong_parallel_trends")
    assert design.treated.sum() == 18
    assert effects.reasons == ("", FEW_FOR_BINS)
    assert np.isnan(effects.estimate[1])


def test_a_bin_that_a_period_lacks_gives_a_reason():
    """All units of the first cohort have low doses: nothing is known of high ones at its longest event time."""
    design = dosed(8)
    low = change_dose(design, design.cohort == 2020, 1.0 + np.arange(90) / 1000)
    effects = estimate(low, "dose", curve="bins", to="event", assume="strong_parallel_trends")
    last = (effects.labels["event_time"] == 2).to_numpy()
    lacking = last & (effects.labels["name"] == "level").to_numpy() & (effects.labels["dose"] > 2).to_numpy()
    assert lacking.any()
    assert np.isnan(effects.estimate[lacking]).all()
    assert {effects.reasons[j] for j in np.flatnonzero(lacking)} == {TOO_FEW_DOSES}
    assert (effects.labels["n_treated"][lacking] == 0).all()
    shown = last & (effects.labels["name"] == "level").to_numpy() & ~lacking
    assert np.isfinite(effects.estimate[shown]).all()


def test_a_result_describes_itself():
    effects = estimate(rich(9), "dose", curve="bins", to="event")
    assert effects.info["method"] == effects.overall.info["method"] == "dose"
    assert effects.info["curve"] == "bins"
    assert "w32117" in effects.info["citation"]
    assert effects.info["lowest_dose"] < effects.info["median_dose"] < effects.info["highest_dose"]
    with pytest.raises(EvaltoolkitError, match="Only group-time"):
        effects.aggregate("overall")
    assert "reg" not in effects.info.values()


EDGES = ("action -> sessions", "sessions -> trust", "trust -> outcome", "outcome -> fear", "income -> outcome")


def test_an_index_of_what_was_delivered_is_a_dose():
    check_dose("coaching", "HAR-01", ["hours", "CAP-05.sessions"], mediators=["COMP-02"])
    check_dose("coaching", "HAR-01", [], graph=read_graph(EDGES, {"trust": "TRU-01"}))
    check_dose("coaching", "HAR-01", ["income"], graph=read_graph(EDGES))


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("HAR-01", "HAR-01 is the outcome"),
        ("HAR-01.cases", "HAR-01.cases is the outcome"),
        ("har-01", "har-01 is the outcome"),
        ("COMP-02", "COMP-02 is declared a mediator"),
        ("TRU-01", "TRU-01 is a mediator in the graph"),
        ("sessions", "sessions is a mediator in the graph"),
        ("FEA-01", "FEA-01 is a consequence of the outcome in the graph"),
        ("HAR-99", "HAR-99 is the outcome"),
    ],
)
def test_an_index_that_holds_the_outcome_is_no_dose(part, why):
    graph = read_graph(EDGES, {"trust": "TRU-01", "fear": "FEA-01"})
    graph = dataclasses.replace(graph, measures={**graph.measures, "outcome": "HAR-99"})
    with pytest.raises(RefusedError, match="cannot be the dose for HAR-01") as told:
        check_dose("fidelity", "HAR-01", ["hours", part], mediators=["COMP-02"], graph=graph)
    assert why in str(told.value)
    assert "hours is" not in str(told.value)


def test_a_single_measure_is_checked_by_its_name():
    with pytest.raises(RefusedError, match="HAR-01 is the outcome"):
        check_dose("HAR-01", "HAR-01", [])
