"""The estimator as any user of DoWhy finds it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from dowhy import CausalModel
from dowhy.causal_estimator import CausalEstimator

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators import long_difference as home
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.estimators.long_difference import DOWHY_METHOD
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.graphs import refute
from evaltoolkit.graphs.quiet import quiet


def changes(effect=1.0, n=240, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    treated = (rng.random(n) < 1 / (1 + np.exp(0.8 - x))).astype(int)
    before = rng.normal(size=n)
    after = before + effect * treated + 0.8 * x + rng.normal(size=n)
    unit = [f"u{i:03d}" for i in range(n)]
    return pd.DataFrame({"unit": unit, "treated": treated, "change": after - before, "x": x})


def ask(frame, *, covariates=("x",), **options):
    with quiet(1):
        model = CausalModel(data=frame, treatment="treated", outcome="change", common_causes=list(covariates))
        estimand = model.identify_effect(proceed_when_unidentifiable=True)
        return model, estimand, model.estimate_effect(estimand, method_name=DOWHY_METHOD, **options)


def as_design(frame, covariates):
    n = len(frame)
    return Design(
        units=frame["unit"].to_numpy(str),
        times=np.array([2020.0, 2021.0]),
        outcome=np.column_stack([np.zeros(n), frame["change"]]),
        cohort=np.where(frame["treated"] == 1, 2021.0, np.inf),
        covariates=frame[list(covariates)].to_numpy(),
        covariate_names=tuple(covariates),
        weights=np.ones(n),
        clusters=frame["unit"].to_numpy(str),
        outcome_name="Y",
    )


@pytest.mark.parametrize("covariates", [(), ("x",)])
@pytest.mark.parametrize("adjust", ["dr", "ipw", "reg"])
def test_dowhy_gets_our_group_time_effect_and_our_inference(adjust, covariates):
    frame = changes()
    _, _, estimate = ask(frame, covariates=covariates, method_params={"adjust": adjust}, confidence_intervals=True)
    ours = estimate_group_time(as_design(frame, covariates), adjust=adjust).to_frame(level=0.9).iloc[-1]
    assert estimate.value == pytest.approx(ours["estimate"], rel=1e-12)
    assert estimate.get_standard_error() == pytest.approx(ours["std_error"], rel=1e-12)
    low, high = estimate.get_confidence_intervals(confidence_level=0.9)
    assert (low, high) == (pytest.approx(ours["conf_low"]), pytest.approx(ours["conf_high"]))
    assert estimate.test_stat_significance()["p_value"] == pytest.approx(ours["p_value"])
    assert "Target units: att" in str(estimate)
    assert "95.0% confidence interval" in str(estimate)


def test_the_bootstrap_of_dowhy_agrees_with_our_standard_error():
    _, _, estimate = ask(changes(), method_params={"adjust": "reg"})
    with quiet(3):
        resampled = estimate.get_standard_error(method="bootstrap", num_simulations=200)
    assert resampled == pytest.approx(estimate.get_standard_error(), rel=0.2)


def test_the_refuters_of_dowhy_say_what_they_should():
    frame = changes(n=300)
    model, estimand, estimate = ask(frame)
    options = {
        "placebo_treatment_refuter": {"placebo_type": "permute"},
        "random_common_cause": {},
        "data_subset_refuter": {"subset_fraction": 0.8},
        "bootstrap_refuter": {},
        "dummy_outcome_refuter": {},
        "add_unobserved_common_cause": {
            "simulation_method": "direct-simulation",
            "effect_strength_on_treatment": 0.05,
            "effect_strength_on_outcome": 0.3,
        },
    }
    new, p_value = {}, {}
    with quiet(5):
        for name, more in options.items():
            found = model.refute_estimate(estimand, estimate, method_name=name, num_simulations=30, **more)
            found = found[0] if isinstance(found, list) else found
            new[name] = float(found.new_effect)
            p_value[name] = (found.refutation_result or {}).get("p_value")
    value, error = estimate.value, estimate.get_standard_error()
    for name in ("placebo_treatment_refuter", "dummy_outcome_refuter"):
        assert abs(new[name]) < 0.5 * error, name
    for name in ("random_common_cause", "data_subset_refuter", "bootstrap_refuter"):
        assert new[name] == pytest.approx(value, abs=0.5 * error), name
    for name in ("placebo_treatment_refuter", "random_common_cause", "data_subset_refuter", "bootstrap_refuter"):
        assert p_value[name] > 0.05, name
    # labels turned round weaken the estimate, they do not take its sign
    assert 0 < new["add_unobserved_common_cause"] < value


def test_long_panels_are_refused_and_units_must_be_told_apart():
    frame = changes(n=60)
    twice = pd.concat([frame, frame.assign(change=0.0)], ignore_index=True)
    with pytest.raises(RefusedError, match=r"60 rows more than units.*one row per unit"):
        ask(twice)
    with pytest.raises(EvaltoolkitError, match=r'no column "unit".*method_params'):
        ask(frame.drop(columns="unit"))
    with pytest.raises(EvaltoolkitError, match='Did you mean "unit"'):
        ask(frame, method_params={"unit": "unti"})
    _, _, by_index = ask(frame.set_index("unit"))
    _, _, named = ask(frame.rename(columns={"unit": "nis"}), method_params={"unit": "nis"})
    assert by_index.value == named.value


def test_what_it_cannot_do_is_refused():
    frame = changes(n=60)
    for target in ("atc", lambda row: row["x"] > 0):
        with pytest.raises(RefusedError, match="effect on the treated only"):
            ask(frame, target_units=target)
    with pytest.raises(EvaltoolkitError, match='Did you mean "adjust"'):
        ask(frame, method_params={"adjsut": "reg"})
    with pytest.raises(EvaltoolkitError, match="no adjustment"):
        ask(frame, method_params={"adjust": "ols"})
    with pytest.raises(EvaltoolkitError, match='no column "population"'):
        ask(frame, method_params={"weights": "population"})
    with pytest.raises(EvaltoolkitError, match="other values than 1 and 0"):
        ask(frame.assign(treated=np.where(np.arange(60) == 7, 2, frame["treated"])))
    with pytest.raises(RefusedError, match="no effects by effect modifier"):
        ask(frame, method_params={"need_conditional_estimates": True})


def test_few_treated_have_a_standard_error_but_no_interval():
    frame = changes(n=80)
    frame["treated"] = (frame.index < 6).astype(int)
    _, _, estimate = ask(frame)
    assert np.isfinite(estimate.get_standard_error())
    assert np.isnan(estimate.get_confidence_intervals()).all()
    assert estimate.effects.to_frame()["reason"].item() == "fewer than 10 treated clusters"


def test_categories_and_weights_enter():
    frame = changes(n=200)
    zone = np.where(frame["x"] > 0.5, "city", np.where(frame["x"] < -0.5, "country", "town"))
    frame = frame.assign(zone=zone, people=np.where(frame.index % 2 == 0, 5.0, 1.0))
    options = {"adjust": "reg", "weights": "people"}
    _, _, estimate = ask(frame, covariates=["zone", "x"], method_params=options)
    columns = np.column_stack([frame["x"], zone == "country", zone == "town"])
    expected = home.estimate_long_difference(
        frame["change"], frame["treated"], columns, frame["people"], adjust="reg"
    ).estimate[0]
    assert estimate.value == pytest.approx(expected)


def test_the_class_is_one_and_can_be_sent_to_another_process():
    assert issubclass(home.LongDifference, CausalEstimator)
    assert pickle.loads(pickle.dumps(home.LongDifference)) is home.LongDifference
    assert refute.METHOD == DOWHY_METHOD
    with pytest.raises(AttributeError, match="LongDiff"):
        home.LongDiff  # noqa: B018


def test_all_six_refuters_run_doubly_robust_as_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = refute.refute_effect(changes(), covariates=["x"], adjust="dr", simulations=10).set_index("refuter")
    assert (table["simulations"] >= 9).all()
    assert table.loc["bootstrap", "refuted"] == pytest.approx(table["estimate"].iloc[0], rel=0.3)
