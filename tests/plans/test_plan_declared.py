import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.plans.declared import power_from_study, power_over, simulate_estimates
from evaltoolkit.plans.study import Study, read_study

NORMAL = {"kind": "continuous", "sd": 1.0}


def study(n=60, *, periods=6, start=4, outcome=None, **more):
    return Study.model_validate(
        {
            "periods": periods,
            "comparison_units": n // 2,
            "cohorts": [{"start": start, "units": n // 2}],
            "outcome": outcome or NORMAL,
            **more,
        }
    )


def spread(n, *, periods, start, rho=0.0):
    """Standard deviation of the overall effect, by hand: mean of the post periods less the last before the start."""
    contrast = np.zeros(periods)
    contrast[start - 1 :] = 1 / (periods - start + 1)
    contrast[start - 2] = -1
    lag = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
    return float(np.sqrt(4 / n * contrast @ rho**lag @ contrast))


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_power_is_that_of_the_closed_form(rho):
    n, effect, draws = 200, 0.35, 4000
    found = power_from_study(study(n, outcome={**NORMAL, "autocorrelation": rho}), [0.0, effect], draws=draws)
    sd = spread(n, periods=6, start=4, rho=rho)
    assert found.placebo_sd == pytest.approx(sd, rel=3 / np.sqrt(2 * draws))
    closed = ndtr(effect / sd - ndtri(0.975)) + ndtr(-effect / sd - ndtri(0.975))
    # intervals use the normal quantile: a little below the nominal size with hundreds of units
    assert abs(found.table["power"][1] - closed) < 3 * np.sqrt(closed * (1 - closed) / draws) + 0.01
    assert abs(found.table["power"][0] - 0.05) < 3 * np.sqrt(0.05 * 0.95 / draws) + 0.01
    assert found.mde == pytest.approx((ndtri(0.8) + ndtri(0.975)) * sd, rel=0.05)


def test_staggered_starts_and_sampling_error_count():
    exact = study(outcome={"kind": "survey_share", "level": 0.6, "respondents": 450, "sd": 0.02})
    sampled = study(outcome={"kind": "survey_share", "level": 0.6, "respondents": 60, "sd": 0.02})
    assert power_from_study(sampled, ()).mde > 1.2 * power_from_study(exact, ()).mde
    more = study(cohorts=[{"start": 3, "units": 15}, {"start": 4, "units": 15}])
    later = study(cohorts=[{"start": 3, "units": 15}, {"start": 6, "units": 15}])
    assert power_from_study(more, ()).mde < power_from_study(later, ()).mde


def test_a_share_varies_as_a_binomial_does():
    one = study(400, periods=2, start=2, outcome={"kind": "survey_share", "level": 0.3, "respondents": 150})
    estimates, _ = simulate_estimates(one, 0.0, draws=3000, seed=2)
    expected = np.sqrt(0.3 * 0.7 / 100 * 2 * 4 / 400)
    assert estimates.std() == pytest.approx(expected, rel=0.05)


def test_a_count_has_the_ratio_it_was_given_and_the_noise_of_its_parts():
    outcome = {"kind": "count", "mean": 6.0, "overdispersion": 0.4, "unit_overdispersion": 0.3, "size_sd": 0.6}
    one = study(200, periods=2, start=2, outcome=outcome)
    estimates, _ = simulate_estimates(one, -0.3, draws=4000, seed=3)
    assert estimates.mean() == pytest.approx(-0.3, abs=4 * estimates.std() / np.sqrt(4000))
    plain = study(200, periods=2, start=2, outcome={"kind": "count", "mean": 6.0})
    alone, _ = simulate_estimates(plain, 0.0, draws=4000, seed=3)
    assert alone.std() == pytest.approx(np.sqrt(2 / 6 * 4 / 200), rel=0.05)
    assert estimates.std() > alone.std()


def test_answers_persist_as_declared():
    outcome = {"kind": "yes_no", "level": 0.5, "persistence": 0.6}
    estimates, _ = simulate_estimates(study(400, periods=2, start=2, outcome=outcome), 0.0, draws=3000, seed=4)
    assert estimates.std() == pytest.approx(np.sqrt(2 * 0.25 * (1 - 0.6) * 4 / 400), rel=0.05)


@pytest.mark.parametrize("sought", ["up", "down"])
def test_the_detectable_effect_is_found_four_times_in_five(sought):
    outcome = {"kind": "count", "mean": 8.0, "overdispersion": 0.2}
    one = study(160, outcome=outcome, sought=sought)
    mde = power_from_study(one, (), draws=6000).mde
    assert (mde > 0) == (sought == "up")
    estimates, halves = simulate_estimates(one, mde, draws=2000, seed=99)
    assert abs(np.mean(np.abs(estimates) > halves) - 0.8) < 3 * np.sqrt(0.16 / 2000) + 3 * np.sqrt(0.16 / 6000)


def test_the_scale_of_the_outcome_is_the_scale_of_the_effect():
    one, tenfold = study(), study(outcome={"kind": "continuous", "sd": 10.0})
    assert power_from_study(tenfold, ()).mde == pytest.approx(10 * power_from_study(one, ()).mde)


def test_what_no_study_can_find_is_unknown_with_the_reason():
    assert power_from_study(study(18), ()).reason == "mde.few_clusters"
    rare = study(20, outcome={"kind": "count", "mean": 0.05}, sought="down")
    found = power_from_study(rare, ())
    assert np.isnan(found.mde)
    assert found.reason == "mde.out_of_range"
    with pytest.raises(EvaltoolkitError, match="not possible"):
        power_from_study(study(outcome={"kind": "yes_no", "level": 0.58}), [0.5])


def test_curves_over_units_and_waves_are_the_same_on_any_number_of_processes():
    changes = [
        {"comparison_units": 60, "cohorts": [{"start": 4, "units": 60}]},
        {"comparison_units": 30, "periods": 8},
        {},
    ]
    seen = []
    one = power_over(study(), changes, draws=400, advance=lambda: seen.append(1))
    assert len(seen) == len(changes)
    two = power_over(study(), changes, draws=400, jobs=2)
    assert one.equals(two)
    assert one["mde"][0] < one["mde"][2]
    assert one["mde"][1] < one["mde"][2]


def test_a_study_is_read_with_every_fault(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        "periods = 6\ncomparison_units = 30\n[[cohorts]]\nstart = 4\nunits = 30\n"
        '[outcome]\nkind = "continuous"\nsd = 1\n',
        encoding="utf-8",
    )
    assert read_study(path) == study()
    path.write_text(
        'periods = 6\ncomparison_unit = 30\n[[cohorts]]\nstart = 1\nunits = 30\n[outcome]\nkind = "count"\nmean = -2\n',
        encoding="utf-8",
    )
    with pytest.raises(FaultsError) as told:
        read_study(path)
    text = str(told.value)
    for part in ("comparison_unit", 'Did you mean "comparison_units"?', "start", "mean", "above 0"):
        assert part in text
    path.write_text(path.read_text(encoding="utf-8").replace('"count"', '"counts"'), encoding="utf-8")
    with pytest.raises(FaultsError, match='Did you mean "count"'):
        read_study(path)
    path.write_text("periods = [", encoding="utf-8")
    with pytest.raises(EvaltoolkitError, match="cannot be read as TOML"):
        read_study(path)
    with pytest.raises(EvaltoolkitError, match="There is no file"):
        read_study(tmp_path / "gone.toml")


@pytest.mark.parametrize("together", [True, False])
def test_zones_that_share_their_luck_follow_the_closed_form(together):
    n, size, share, draws = 240, 4, 0.4, 4000
    zones = {"units": size, "correlation": share, "start_together": together}
    found = power_from_study(study(n, zones=zones), (), draws=draws)
    # together: the mean of a zone varies by (1 + (m - 1) r) / m; spread evenly over the arms: the shared part drops out
    factor = 1 + (size - 1) * share if together else 1 - share
    assert found.placebo_sd == pytest.approx(
        np.sqrt(factor) * spread(n, periods=6, start=4), rel=3 / np.sqrt(2 * draws)
    )
    # 30 clusters in an arm with the normal quantile: somewhat above the nominal size, never the 20 % of ignored zones
    assert abs(found.false_alarms - 0.05) < 0.025


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        # variance of the difference of two means of 200, two periods, by hand
        ({"kind": "yes_no", "level": 0.5}, 2 * 0.25 * (1 + 3 * 0.3)),
        ({"kind": "count", "mean": 6.0, "overdispersion": 0.4}, 2 * (1 / 6 + 0.4 * 0.7 + 0.4 * 0.3 * 4 + 0.28 * 0.12)),
    ],
)
def test_other_kinds_share_within_zones_as_declared(outcome, expected):
    zones = {"units": 4, "correlation": 0.3}
    one = study(400, periods=2, start=2, outcome=outcome, zones=zones)
    estimates, _ = simulate_estimates(one, 0.0, draws=4000, seed=5)
    assert estimates.std() == pytest.approx(np.sqrt(expected * 4 / 400), rel=0.05)


def test_zones_count_and_not_units():
    assert power_from_study(study(64, zones={"units": 8, "correlation": 0.1}), ()).reason == "mde.few_clusters"
    with pytest.raises(ValueError, match="multiple of 7"):
        study(60, zones={"units": 7, "correlation": 0.1})
