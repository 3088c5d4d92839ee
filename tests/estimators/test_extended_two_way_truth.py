"""Extended two-way effects in simulated worlds where the truth is known: bias and coverage within three MC errors."""

from dataclasses import replace

import numpy as np
import pytest
from extended_designs import run

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.counts import rate_ratio

DRAWS = 300
N, TIMES = 150, np.arange(2015.0, 2021.0)
COHORT = np.repeat([2017.0, 2019.0, np.inf], N // 3)
# cohorts of different level, common changes, no effect before treatment
LEVEL = np.repeat([0.4, -0.2, 0.1], N // 3)[:, None]
CHANGE = np.array([0.0, 0.2, -0.1, 0.3, 0.5, 0.4])
TREATED = TIMES[None, :] >= COHORT[:, None]


def world(rng, family, effect):
    """Outcome (n, T) and exposure; units differ within cohorts and their years are alike, but for the logit."""
    predictor = LEVEL + CHANGE + effect * TREATED
    if family == "linear":
        noise = rng.normal(size=(N, 1)) + rng.normal(size=(N, len(TIMES)))
        return predictor + noise, None
    if family == "logit":
        return rng.binomial(12, 1 / (1 + np.exp(-predictor))) / 12, None
    exposure = np.exp(0.4 * rng.normal(size=(N, len(TIMES))))
    own = rng.gamma(4, 1 / 4, size=(N, 1))
    return rng.poisson(np.exp(predictor) * exposure * own).astype(float), exposure


def design_of(outcome, exposure, comparison):
    units = np.array([f"u{i:03d}" for i in range(N)])
    return Design(
        units=units,
        times=TIMES,
        outcome=outcome,
        cohort=COHORT,
        covariates=np.empty((N, 0)),
        covariate_names=(),
        weights=np.ones(N),
        clusters=units,
        comparison=comparison,
        exposure=exposure,
    )


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize(("family", "seed"), [("linear", 11), ("poisson", 12), ("logit", 13)])
def test_bias_and_coverage(family, seed, comparison):
    rng, effect = np.random.default_rng(seed), -0.3
    points, errors = np.empty(DRAWS), np.empty(DRAWS)
    for draw in range(DRAWS):
        design = design_of(*world(rng, family, effect), comparison)
        overall = run(design, family=family, scale="link").aggregate("overall")
        points[draw], errors[draw] = overall.estimate[0], std_errors(overall)[0]
    spread = points.std(ddof=1)
    assert abs(points.mean() - effect) < 3 * spread / np.sqrt(DRAWS)
    covered = (np.abs(points - effect) < 1.959964 * errors).mean()
    assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / DRAWS)
    # the standard error is that of the estimate: relative MC error of a standard deviation is 1 / sqrt(2 draws)
    assert abs(errors.mean() / spread - 1) < 3 / np.sqrt(2 * DRAWS)


def test_rate_ratio_covers():
    rng, truth = np.random.default_rng(21), np.exp(-0.3)
    covered = 0
    for _ in range(DRAWS):
        design = design_of(*world(rng, "poisson", -0.3), "not_yet_treated")
        table = rate_ratio(run(design, family="poisson").aggregate("overall")).iloc[0]
        covered += table["conf_low"] < truth < table["conf_high"]
    assert abs(covered / DRAWS - 0.95) < 3 * np.sqrt(0.95 * 0.05 / DRAWS)


def test_proportional_trends_are_not_parallel_trends():
    """Rates change by the same factor without any effect: levels move apart, which linear takes for effects."""
    design = design_of(np.exp(LEVEL + CHANGE), None, "not_yet_treated")
    poisson, linear = (run(design, family=family) for family in ("poisson", "linear"))
    np.testing.assert_allclose(poisson.estimate, 0, atol=1e-10)
    after_2017 = (linear.labels["cohort"] == 2017) & (linear.labels["time"] >= 2018)
    assert (linear.estimate[after_2017] > 0.05).all()


def test_coverage_of_sampled_averages():
    """Effects differ with a covariate of the treated: their sampling belongs to the error about the population mean."""
    rng, covered = np.random.default_rng(41), {"fixed": 0, "sampled": 0}
    for _ in range(DRAWS):
        covariate = rng.normal(size=(N, 1))
        outcome, _ = world(rng, "linear", 0.0)
        outcome = outcome + TREATED * (1.0 + 2.0 * covariate)
        design = replace(design_of(outcome, None, "never_treated"), covariates=covariate, covariate_names=("x",))
        for averages in covered:
            overall = run(design, averages=averages).aggregate("overall")
            covered[averages] += abs(overall.estimate[0] - 1.0) < 1.959964 * std_errors(overall)[0]
    assert abs(covered["sampled"] / DRAWS - 0.95) < 3 * np.sqrt(0.95 * 0.05 / DRAWS)
    assert covered["fixed"] / DRAWS < 0.9
