"""Two-way regressions and what they hide, on published data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design
from linearmodels.datasets import wage_panel
from two_way_cases import errors

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.decomposition import EARLIER_LATER, LATER_EARLIER, NEVER_TREATED, decompose_two_way
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.twfe_weights import _spreads, weigh_two_way


@pytest.fixture(scope="module")
def published(shared):
    return shared / "golden" / "published"


def as_it_was(frame, treatment, controls=(), *, outcome, unit, time="year"):
    """A design with the treatment of every row, and covariates that change."""
    wide = {name: frame.pivot(index=unit, columns=time, values=name).to_numpy(float) for name in (treatment, *controls)}
    return make_design(
        frame.assign(g=0.0),
        outcome=outcome,
        unit=unit,
        time=time,
        treatment=wide[treatment],
        controls=np.stack([wide[name] for name in controls], axis=2) if controls else None,
        control_names=tuple(controls),
    )


# the linearmodels documentation's two-way example, as printed there
WAGES = {"expersq": (-0.005185, 0.000810), "union": (0.080002, 0.022725), "married": (0.046680, 0.020987)}


@pytest.mark.parametrize("name", WAGES)
@pytest.mark.parametrize("engine", ["exact", "linearmodels"])
def test_wage_panel(name, engine):
    """Each regressor in turn as the treatment, the others as controls."""
    data = wage_panel.load()
    design = as_it_was(data, name, [other for other in WAGES if other != name], outcome="lwage", unit="nr")
    effects = estimate(design, "two_way", engine=engine)
    assert effects.estimate[0] == pytest.approx(WAGES[name][0], abs=6e-7)
    # its default: factor n/(n - K) with K = 3 regressors + 8 periods, no G/(G - 1)
    factor = np.sqrt(4360 / (4360 - 11))
    assert errors(effects.influence, effects.units)[0] * factor == pytest.approx(WAGES[name][1], abs=6e-7)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("regression", "expected"),
    [
        ("fixed_effects", (0.10662746641838491, 820, 147, 1.010529, -0.01052899)),
        ("first_differences", (0.06009597, 611, 405, 1.047636, -0.04763605)),
    ],
)
def test_union_membership(published, regression, expected):
    """The tests of the R package: its coefficients stop 1e-8 and 3e-8 from least squares."""
    frame = pd.read_csv(published / "wagepan_twfeweights.csv")
    found = weigh_two_way(as_it_was(frame, "union", outcome="lwage", unit="nr"), regression=regression)
    assert found.estimate == pytest.approx(expected[0], abs=5e-8)
    assert (found.n_positive, found.n_negative) == expected[1:3]
    assert found.sum_positive == pytest.approx(expected[3], abs=6e-7)
    assert found.sum_negative == pytest.approx(expected[4], abs=6e-9)
    if regression == "fixed_effects":
        weight, share = found.cells["weight"].to_numpy(), found.cells["share"].to_numpy()
        assert found.spread_for_zero * np.sqrt(1015 / 1016) == pytest.approx(0.0968691, abs=6e-8)
        (_, opposite), _ = _spreads(found.estimate, weight[weight != 0], share[weight != 0])
        assert opposite == pytest.approx(3.175859, abs=6e-7)


@pytest.mark.shared
def test_newspapers(published):
    """Daily newspapers and their lag, a treatment that is neither binary nor lasting."""
    frame = pd.read_stata(published / "gentzkowetal_didtextbook.dta")
    names = ("numdailies", "lag_numdailies")
    expected = {"numdailies": (-0.0007962, 0.0013864), "lag_numdailies": (0.0050348, 0.0014472)}
    for name, other in (names, names[::-1]):
        design = as_it_was(frame, name, [other], outcome="prestout", unit="cnty90")
        effects = estimate(design, "two_way")
        assert effects.estimate[0] == pytest.approx(expected[name][0], abs=6e-8)
        # Stata's areg has a factor for parameters besides G/(G - 1), of about 1 + 1/1000
        counties = len(effects.units)
        error = errors(effects.influence, effects.units)[0] * np.sqrt(counties / (counties - 1))
        assert 1 < expected[name][1] / error < 1.0015
    found = weigh_two_way(as_it_was(frame, "numdailies", ["lag_numdailies"], outcome="prestout", unit="cnty90"))
    assert (found.n_positive, found.n_negative) == (5754, 4302)
    assert found.sum_positive == pytest.approx(1.8541, abs=6e-5)
    assert found.sum_negative == pytest.approx(-0.8541, abs=6e-5)


@pytest.mark.shared
def test_newspapers_by_year(published):
    """Weights of the regression with year effects, as Stata's twowayfeweights printed them (multiDiff), 1e-8 off."""
    frame = pd.read_stata(published / "gentzkowetal_didtextbook.dta")
    found = weigh_two_way(as_it_was(frame, "numdailies", outcome="prestout", unit="cnty90"))
    assert (found.n_positive, found.n_negative) == (6180, 4198)
    assert found.sum_negative == pytest.approx(-0.47401318, abs=2e-8)
    assert found.spread_for_zero * np.sqrt(10377 / 10378) == pytest.approx(0.00095803, abs=6e-9)
    assert found.spread_for_opposite == pytest.approx(0.00194149, abs=6e-9)


@pytest.mark.shared
def test_newspapers_in_first_differences(published):
    """Changes on changes with an effect of every state and year: the coefficient of the study, 0.0026.

    The study leaves out two changes of turnout; a county is cut in two there, which changes nothing else. Effects of
    states and years are indicators of states with a coefficient per year. Stata's coefficient to eight digits, and the
    same regression by hand; its weights were not printed anywhere that we know.
    """
    frame = pd.read_stata(published / "gentzkowetal_didtextbook.dta").sort_values(["cnty90", "year"])
    after = {48233: 1924, 48303: 1904}
    late = frame["year"] >= frame["cnty90"].map(after).fillna(3000)
    frame["unit"] = frame["cnty90"] + np.where(late, 0.5, 0.0)
    first = frame.groupby("unit")["st"].first()
    states = (first.to_numpy()[:, None] == np.unique(first)[1:]).astype(float)
    design = replace(
        as_it_was(frame, "numdailies", outcome="prestout", unit="unit"),
        covariates=states,
        covariate_names=tuple(f"state_{place}" for place in range(states.shape[1])),
    )
    found = weigh_two_way(design, regression="first_differences")
    assert found.estimate == pytest.approx(0.00259068, abs=6e-9)
    changes = frame.dropna(subset=["changedailies"])
    by_state = changes.groupby("styr")["changedailies"]
    free = changes["changedailies"] - by_state.transform("mean")
    # the file holds single precision
    by_hand = (free * changes["changeprestout"]).sum() / (free * changes["changedailies"]).sum()
    assert found.estimate == pytest.approx(by_hand, rel=1e-4)
    assert found.sum_positive + found.sum_negative == pytest.approx(1)


def insurance(published):
    frame = pd.read_csv(published / "ehec_data.csv")
    return frame.assign(g=frame["yexp2"].fillna(0), state=frame["stfips"])


@pytest.mark.shared
def test_medicaid_decomposition(published):
    """Stata's ddtiming, as printed in Roth's exercises; three digits."""
    frame = insurance(published)
    found = decompose_two_way(make_design(frame, outcome="dins", unit="state"))
    assert found.estimate == pytest.approx(0.070, abs=6e-4)
    rows = found.by_type.set_index("type")
    printed = {EARLIER_LATER: (0.149, 0.070), LATER_EARLIER: (0.058, 0.045), NEVER_TREATED: (0.793, 0.072)}
    for kind, (weight, value) in printed.items():
        assert rows.loc[kind, "weight"] == pytest.approx(weight, abs=6e-4)
        assert rows.loc[kind, "estimate"] == pytest.approx(value, abs=6e-4)


@pytest.mark.shared
def test_medicaid_event_study(published):
    """The set-up of the HonestDiD documentation: states of 2014 and those without expansion by 2015, until 2015."""
    frame = insurance(published).query("year < 2016 and (g == 2014 or g == 0 or g > 2015)")
    frame = frame.assign(g=np.where(frame["g"] == 2014, 2014, 0))
    effects = estimate(make_design(frame, outcome="dins", unit="state"), "two_way", form="event")
    expected = [-0.005285, -0.011297, -0.002676, -0.001419, 0.000340, 0.0, 0.046447, 0.069206]
    np.testing.assert_allclose(effects.estimate, expected, atol=6e-7)
    # their factor: G/(G - 1), and (n - 1)/(n - K) with K = 7 coefficients and one for the fixed effects
    states, n = frame["state"].nunique(), len(frame)
    factor = np.sqrt(states / (states - 1) * (n - 1) / (n - 8))
    np.testing.assert_allclose(std_errors(effects)[-2:] * factor, [0.009056, 0.010242], atol=6e-7)


@pytest.mark.shared
def test_sun_abraham_with_a_control(published):
    """base_stagg of fixest's documentation."""
    frame = pd.read_csv(published / "base_stagg.csv")
    frame["g"] = frame["year_treated"].where(frame["year_treated"] < 1000, 0)
    x1 = frame.pivot(index="id", columns="year", values="x1").to_numpy()[:, :, None]
    effects = estimate(make_design(frame, unit="id", controls=x1, control_names=("x1",)), "sun_abraham")
    overall = effects.aggregate("overall")
    assert overall.estimate[0] == pytest.approx(-1.13374945, abs=6e-9)
    # printed by fixest, whose factor counts 81 cells, x1 and 10 years
    units, rows = 95, 950
    factor = np.sqrt(units / (units - 1) * (rows - 1) / (rows - len(effects.estimate) + 9 - 1 - 10))
    assert std_errors(overall)[0] * factor == pytest.approx(0.205070, abs=6e-7)
    plain = estimate(make_design(frame, unit="id"), "sun_abraham").aggregate("overall")
    assert plain.estimate[0] == pytest.approx(-0.75519012, abs=6e-9)
