"""Imputed effects against the same regression with every dummy written out, and against simulated truth."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from imputation_designs import BY_UNIT, FAST, at, kinds, rich, seeds
from small_designs import simulate

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.imputation import estimate_imputation


class Dense:
    """Observed rows of a design, a dummy for every unit and period."""

    def __init__(self, design, *, unit_trends=False):
        self.design = design
        self.unit, self.period = np.nonzero(np.isfinite(design.outcome))
        n, n_periods = design.outcome.shape
        unit, period = np.eye(n)[self.unit], np.eye(n_periods)[self.period]
        parts = [unit, period, *(design.covariates[self.unit, j, None] * period for j in range(1))]
        if unit_trends:
            parts.append(unit * (design.times - design.times.mean())[self.period, None])
        if design.controls is not None:
            parts.append(design.controls[self.unit, self.period])
        self.x = np.column_stack(parts)
        self.y = design.outcome[self.unit, self.period]
        self.w = design.weights[self.unit]
        self.time = design.times[self.period]
        self.cohort = design.cohort[self.unit]
        self.free = self.time < self.cohort

    def regress(self, more):
        """Coefficients and influence (n, c) of more columns in a regression of untreated rows; residuals of all."""
        x, w, free = np.column_stack([more, self.x]), self.w, self.free
        root = np.sqrt(w[free])[:, None]
        slopes = np.linalg.lstsq(x[free] * root, self.y[free] * root[:, 0], rcond=1e-10)[0]
        inverse = np.linalg.pinv((x[free] * root).T @ (x[free] * root), rcond=1e-10, hermitian=True)
        residual = self.y - x @ slopes
        scores = self.sum_units((free * w * residual)[:, None] * x)
        return slopes[: more.shape[1]], len(scores) * scores @ inverse[:, : more.shape[1]], residual

    def sum_units(self, rows):
        out = np.zeros((len(self.design.units), rows.shape[1]))
        np.add.at(out, self.unit, rows)
        return out

    def effect(self, cohort, time, *, squared):
        """ATT(g,t) and its influence from the exact weight of every row."""
        rows = (self.cohort == cohort) & (self.time == time)
        share = self.w * rows / (self.w * rows).sum()
        _, _, residual = self.regress(np.zeros((len(self.y), 0)))
        free, w = self.free, self.w
        gram = (self.x[free] * w[free, None]).T @ self.x[free]
        inverse = np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
        weight = np.where(free, -w * (self.x @ (inverse @ (self.x.T @ share))), share)
        assert weight @ self.y == pytest.approx(share @ residual, abs=1e-8)
        centre = share**2 if squared else share
        centred = residual - rows * (centre @ residual / centre.sum())
        psi = len(self.design.units) * self.sum_units((weight * centred)[:, None])[:, 0]
        return share @ residual, psi


@pytest.mark.parametrize("unit_trends", [False, True])
@pytest.mark.parametrize("se", ["conservative", "gardner"])
def test_effects_with_every_dummy_written_out(se, unit_trends):
    design = rich(3)
    effects = estimate_imputation(design, se=se, unit_trends=unit_trends)
    keep = np.isin(design.units, effects.units)
    design = dataclasses.replace(
        design,
        units=design.units[keep],
        controls=design.controls[keep],
        **{a: getattr(design, a)[keep] for a in BY_UNIT},
    )
    design = dataclasses.replace(design, weights=design.weights / design.weights.mean())
    dense = Dense(design, unit_trends=unit_trends)
    after = np.flatnonzero(effects.labels["time"] >= effects.labels["cohort"])
    assert len(after) == 5
    for j in after:
        point, psi = dense.effect(*effects.labels.loc[j, ["cohort", "time"]], squared=se == "conservative")
        assert effects.estimate[j] == pytest.approx(point, abs=1e-8)
        np.testing.assert_allclose(effects.influence[:, j], psi, atol=1e-7)


@pytest.mark.parametrize("unit_trends", [False, True])
@pytest.mark.parametrize("pretrends", ["cohort", "event"])
def test_leads_with_every_dummy_written_out(pretrends, unit_trends):
    times = tuple(range(2010, 2021))
    design = rich(4, times=times, cohorts=(2017, 2018), gaps=0.05)
    effects = estimate_imputation(design, pretrends=pretrends, unit_trends=unit_trends, leads=2)
    assert len(effects.units) == len(design.units)
    dense = Dense(design, unit_trends=unit_trends)
    if pretrends == "cohort":
        keys = [(cohort, cohort - lead) for cohort in (2017, 2018) for lead in (2, 1)]
        columns = [(dense.cohort == cohort) & (dense.time == time) for cohort, time in keys]
        rows = [at(effects, *key) for key in keys]
        slopes, psi, _ = dense.regress(np.column_stack(columns).astype(float))
        np.testing.assert_allclose(effects.estimate[rows], slopes, atol=1e-8)
        np.testing.assert_allclose(effects.influence[:, rows], psi, atol=1e-7)
        return
    slopes, psi, _ = dense.regress(
        np.column_stack([dense.time - dense.cohort == -lead for lead in (2, 1)]).astype(float)
    )
    event = effects.aggregate("event")
    np.testing.assert_array_equal(event.labels["event_time"][:2], [-2, -1])
    np.testing.assert_allclose(event.estimate[:2], slopes, atol=1e-8)
    np.testing.assert_allclose(event.influence[:, :2], psi, atol=1e-7)
    for cohort in (2017, 2018):
        np.testing.assert_allclose(
            effects.estimate[[at(effects, cohort, cohort - e) for e in (2, 1)]], slopes, atol=1e-8
        )


def test_residuals_before_treatment_are_those_of_the_imputation():
    design = rich(5)
    effects = estimate_imputation(design, pretrends="residuals")
    dense = Dense(design)
    _, _, residual = dense.regress(np.zeros((len(dense.y), 0)))
    before = effects.labels.query("time < cohort")
    assert before[["cohort", "time"]].to_numpy().tolist() == [
        [2019, 2016], [2019, 2017], [2020, 2016], [2020, 2017], [2020, 2018],
    ]  # fmt: skip
    for j, cohort, time in before[["cohort", "time"]].itertuples():
        rows = (dense.cohort == cohort) & (dense.time == time)
        assert effects.estimate[j] == pytest.approx(np.average(residual[rows], weights=dense.w[rows]), abs=1e-8)


def derivative(design, ask, step=1e-5):
    """Central difference of estimates in the logarithm of every weight, times the number of units."""
    rows = []
    for i in range(len(design.units)):
        moved = [design.weights * np.exp(sign * step * (np.arange(len(design.units)) == i)) for sign in (1, -1)]
        up, down = (ask(dataclasses.replace(design, weights=w / w.mean())).estimate for w in moved)
        rows.append((up - down) / (2 * step))
    return len(design.units) * np.array(rows)


@pytest.mark.parametrize("unit_trends", [False, True])
@pytest.mark.parametrize("pretrends", ["cohort", "event", "residuals"])
def test_influence_is_the_derivative_in_the_weights(pretrends, unit_trends):
    design = rich(6, n=30, times=tuple(range(2012, 2020)), cohorts=(2016, 2018), gaps=0.05)

    def ask(changed):
        return estimate_imputation(changed, se="gardner", pretrends=pretrends, unit_trends=unit_trends, leads=2)

    effects = ask(design)
    assert len(effects.units) == 30
    np.testing.assert_allclose(effects.influence, derivative(design, ask), atol=2e-6)


@pytest.mark.parametrize("to", ["overall", "event", "cohort", "calendar"])
def test_influence_of_aggregates_counts_the_shares_as_the_convention_has_it(to):
    design = rich(7, n=30, gaps=0.0)
    numeric = derivative(design, lambda d: estimate_imputation(d, se="gardner", pretrends="event").aggregate(to))
    gardner = estimate_imputation(design, se="gardner", pretrends="event").aggregate(to)
    np.testing.assert_allclose(gardner.influence, numeric, atol=2e-6)
    fixed = estimate_imputation(design, se="conservative", pretrends="event").aggregate(to)
    assert (gardner.info["shares"], fixed.info["shares"]) == ("estimated", "fixed")


@FAST
@given(seeds, kinds)
def test_without_weights_the_two_conventions_agree_on_a_cohort_and_period(seed, pretrends):
    design = dataclasses.replace(rich(seed), weights=np.ones(40))
    one, other = (estimate_imputation(design, se=se, pretrends=pretrends) for se in ("conservative", "gardner"))
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-9)


def test_only_weights_take_the_centre_of_the_conservative_influence_away():
    design = rich(8)
    effects = estimate_imputation(design)
    after = (effects.labels["time"] >= effects.labels["cohort"]).to_numpy()
    assert np.abs(effects.influence[:, after].mean(axis=0)).max() > 1e-3
    assert not effects.info["influence_centred"]
    for calm in (
        estimate_imputation(design, se="gardner"),
        estimate_imputation(dataclasses.replace(design, weights=np.ones(40))),
    ):
        assert calm.info["influence_centred"]
        assert np.abs(calm.influence[:, after].mean(axis=0)).max() < 1e-9


def draws(count, first):
    """Simulated designs with AR(1) noise, and an effect of mean zero that differs between units."""
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        design = simulate(seed, n=150, gaps=0.1)
        noise = np.zeros((150, 5))
        for t in range(1, 5):
            noise[:, t] = 0.6 * noise[:, t - 1] + rng.normal(size=150)
        unequal = rng.normal(size=(150, 1)) * (design.times >= design.cohort[:, None])
        yield dataclasses.replace(design, outcome=design.outcome + noise), unequal


@pytest.mark.parametrize("se", ["conservative", "gardner"])
def test_simulated_bias_and_coverage(se):
    """One effect for all: both conventions are exact in large samples. 300 draws, three Monte Carlo errors."""
    count = 300
    results = [estimate_imputation(design, se=se).aggregate("overall") for design, _ in draws(count, 5_000)]
    error = np.array([one.estimate[0] - 1.0 for one in results])
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(count)
    covered = np.mean(np.abs(error) < 1.959964 * np.array([std_errors(one)[0] for one in results]))
    assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / count)


def mean_effects(design, effects, unit_effects):
    """The effects with the mean true effect of the observed units in every cohort and period from treatment on."""
    truth, kept = effects.estimate.copy(), np.isin(design.units, effects.units)
    for j, cohort, time in effects.labels[["cohort", "time"]].itertuples():
        if time >= cohort:
            column = int(np.searchsorted(design.times, time))
            rows = kept & (design.cohort == cohort) & np.isfinite(design.outcome[:, column])
            truth[j] = 1 + unit_effects[rows, column].mean()
    return dataclasses.replace(effects, estimate=truth)


def test_simulated_effects_that_differ_between_units():
    """The conservative error is, on average, larger than needed for the mean effect on the units at hand."""
    count = 200
    error, size = [], []
    for design, unequal in draws(count, 9_000):
        effects = estimate_imputation(dataclasses.replace(design, outcome=design.outcome + 2 * unequal))
        overall = effects.aggregate("overall")
        error.append(overall.estimate[0] - mean_effects(design, effects, 2 * unequal).aggregate("overall").estimate[0])
        size.append(std_errors(overall)[0])
    error, size = np.array(error), np.array(size)
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(count)
    assert np.mean(np.abs(error) < 1.959964 * size) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / count)
    assert size.mean() > 1.2 * error.std()
