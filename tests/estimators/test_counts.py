"""Incidents avoided and rate ratios: by hand, delta method, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from extended_designs import design_for, run
from small_designs import simulate

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.aggregate import REFERENCE, aggregate_effects
from evaltoolkit.effects.inference import FEW_TREATED, std_errors
from evaltoolkit.estimators.counts import NOTHING_COUNTED, incidents_avoided, rate_ratio
from evaltoolkit.findings import EvaltoolkitError

TO = ["overall", "event", "cohort", "calendar"]


def small(seed=0, repeat=1):
    """Treated from 2002: 10 counted before, 6 after in two units; comparison 4, then 8: 20 expected."""
    outcome = np.tile(np.array([[4.0, 2], [6, 4], [1, 2], [3, 6]]), (repeat, 1))
    n = len(outcome)
    return Design(
        units=np.array([f"u{i:03d}" for i in range(n)]),
        times=np.array([2001.0, 2002.0]),
        outcome=outcome,
        cohort=np.tile([2002.0, 2002.0, np.inf, np.inf], repeat),
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=np.array([f"u{i:03d}" for i in range(n)]),
    )


@pytest.mark.parametrize("scale", ["response", "link"])
def test_by_hand(scale):
    overall = run(small(), family="poisson", scale=scale).aggregate("overall")
    avoided, ratio = incidents_avoided(overall), rate_ratio(overall)
    assert avoided["estimate"].tolist() == pytest.approx([14])
    assert ratio["estimate"].tolist() == pytest.approx([0.3])
    for table in (avoided, ratio):
        assert table["observed"].tolist() == pytest.approx([6])
        assert table["untreated"].tolist() == pytest.approx([20])
        assert table["reason"].tolist() == [FEW_TREATED]
        assert table[["conf_low", "conf_high", "p_value"]].isna().to_numpy().all()
    # squared relative deviations of the four sums: of units from their expectation 3, 20/2, ...
    psi = [(2 - 3) / 6 - (4 - 5) / 10, (4 - 3) / 6 - (6 - 5) / 10, (2 - 4) / 8 - (1 - 2) / 4, (6 - 4) / 8 - (3 - 2) / 4]
    assert ratio["std_error"][0] == pytest.approx(np.sqrt(np.square(psi).sum()))


def test_intervals():
    overall = run(small(repeat=8), family="poisson").aggregate("overall")
    avoided, ratio = incidents_avoided(overall, level=0.9).iloc[0], rate_ratio(overall, level=0.9).iloc[0]
    assert avoided["estimate"] == pytest.approx(8 * 14)
    z = 1.6448536269514722
    assert avoided["conf_high"] - avoided["estimate"] == pytest.approx(z * avoided["std_error"])
    assert avoided["std_error"] == pytest.approx(16 * std_errors(overall)[0])
    assert np.log(ratio["conf_high"] / ratio["estimate"]) == pytest.approx(z * ratio["std_error"])
    assert np.log(ratio["estimate"] / ratio["conf_low"]) == pytest.approx(z * ratio["std_error"])


def test_without_covariates_the_log_of_a_cells_ratio_is_its_effect_on_the_link():
    design = design_for("poisson", n=60, seed=2)
    effects = run(design, family="poisson", scale="link")
    table = rate_ratio(effects)
    np.testing.assert_allclose(np.log(table["estimate"]), effects.estimate, atol=1e-10)
    moving = effects.influence.any(axis=0)
    np.testing.assert_allclose(table["std_error"][moving], std_errors(effects)[moving], rtol=1e-8)
    assert set(table["reason"][~moving]) == {REFERENCE}


@pytest.mark.parametrize("to", TO)
def test_totals_add_up(to):
    """Sums over treated rows, counted from the design itself; the summary of an aggregation is the overall effect."""
    design = replace(design_for("poisson", n=60, seed=3, k=1, gaps=0.1), weights=np.ones(60))
    effects = run(design, family="poisson").aggregate(to)
    after = design.times[None, :] >= design.cohort[:, None]
    counted = np.nansum(np.where(after, design.outcome, 0.0))
    table = incidents_avoided(effects)
    if to == "event":
        table = table[table["event_time"] >= 0]
    assert table["observed"].sum() == pytest.approx(counted)
    overall = incidents_avoided(run(design, family="poisson").aggregate("overall"))
    assert table["estimate"].sum() == pytest.approx(overall["estimate"][0])
    if effects.overall is not None:
        assert incidents_avoided(effects.overall)["observed"][0] == pytest.approx(counted)


def test_influence_of_totals_is_their_derivative_in_the_weights():
    design = design_for("poisson", n=30, seed=4, k=1)
    options = {"family": "poisson", "averages": "sampled"}

    def logarithm(weights):
        return np.log(rate_ratio(run(replace(design, weights=weights), **options).aggregate("overall"))["estimate"][0])

    psi, step = [], 1e-4
    for i in range(30):
        move = step * (np.arange(30) == i)
        change = logarithm(design.weights + move) - logarithm(design.weights - move)
        psi.append(design.weights[i] * change / (2 * step))
    by_cluster = np.add.reduceat(psi, np.arange(0, 30, 2))
    # sampled rows also change how much a cohort weighs in the sum: the totals hold the sizes of the cells fixed
    table = rate_ratio(run(design, **options).aggregate("overall"))
    shares = size_part(design, options)
    assert table["std_error"][0] == pytest.approx(np.sqrt(np.square(by_cluster - shares).sum()), rel=1e-4)


def size_part(design, options):
    """(clusters,) what a unit's weight moves by counting its cohort's cells more, their means held fixed."""
    totals = run(design, **options).totals
    effects = run(design, **options)
    after = (effects.labels["time"] >= effects.labels["cohort"]).to_numpy()
    cohorts, size = effects.labels["cohort"].to_numpy()[after], totals.size[after]
    observed, untreated = totals.observed[after], totals.untreated[after]
    parts = []
    for cohort, weight in zip(design.cohort, design.weights, strict=True):
        grown = np.where(cohorts == cohort, weight, 0.0)
        parts.append(grown @ observed / (size @ observed) - grown @ untreated / (size @ untreated))
    return np.add.reduceat(parts, np.arange(0, len(parts), 2))


def test_nothing_counted_has_no_ratio():
    design = small(repeat=8)
    outcome = design.outcome.copy()
    outcome[np.isfinite(design.cohort), 1] = 0
    overall = run(replace(design, outcome=outcome), family="poisson").aggregate("overall")
    assert incidents_avoided(overall)["estimate"][0] == pytest.approx(8 * 20)
    ratio = rate_ratio(overall)
    assert ratio["reason"].tolist() == [NOTHING_COUNTED]
    assert ratio[["estimate", "conf_low", "conf_high", "p_value"]].isna().to_numpy().all()


def test_what_has_no_totals_is_refused():
    with pytest.raises(EvaltoolkitError, match="carry no totals"):
        rate_ratio(run(simulate(0)).aggregate("overall"))
    effects = run(design_for("poisson"), family="poisson")
    with pytest.raises(EvaltoolkitError, match=r"aggregate with the method \.aggregate"):
        incidents_avoided(aggregate_effects(effects, "event"))


def test_undefined_cells_are_in_neither_total():
    """Two cohorts, one without incidents before treatment: the sums are of the other alone."""
    design = design_for("poisson", "not_yet_treated", n=60, seed=1, exposure=False)
    outcome = design.outcome.copy()
    outcome[(design.cohort == 2020)[:, None] & (design.times < 2020)] = 0
    effects = run(replace(design, outcome=outcome), family="poisson").aggregate("overall")
    assert effects.info["left_out"] == 3
    treated = (design.cohort == 2021)[:, None] & (design.times >= 2021)
    expected = (design.weights[:, None] * outcome)[treated].sum()
    assert incidents_avoided(effects)["observed"][0] == pytest.approx(expected)
