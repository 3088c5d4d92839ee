"""Synthetic difference-in-differences against R `synthdid` 0.0.9: all entries; and California's Proposition 99."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.frank_wolfe import Stopping, step_on_simplex
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.synthetic_did import ONE_TREATED_CLUSTER
from evaltoolkit.estimators.synthetic_inference import placebo_effects

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_synth.json").read_text())["entries"]}
ORDER = [int(unit) for unit in ENTRIES["synthdid_6_synthdid_estimate"]["extra"]["unit_order"]]
DEFAULTS = {"synthdid_estimate": "synthetic_did", "sc_estimate": "synthetic_control", "did_estimate": "did"}
TIGHT = {"tight": "synthetic_did", "tight_nosparsify": "synthetic_did", "sc_tight": "synthetic_control"}


@pytest.fixture(scope="module")
def frame():
    panel = pd.read_csv(HERE / "A6_block.csv")
    return panel.assign(g=panel["unit"].map(panel[panel["d"] == 1].groupby("unit")["year"].min()).fillna(0))


def found_weights(effects):
    (units,), (periods,) = (effects.info[name].values() for name in ("unit_weights", "time_weights"))
    times = effects.info["times"][:19]
    return [units.get(str(unit), 0.0) for unit in ORDER[:39]], [periods.get(time, 0.0) for time in times]


def test_every_entry_is_used():
    assert set(ENTRIES) == {f"synthdid_6_{name}" for name in (*DEFAULTS, *TIGHT)}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(frame, name):
    entry = ENTRIES[f"synthdid_6_{name}"]
    effects = estimate(make_design(frame), "synthetic_did", variant=DEFAULTS[name], solver="synthdid")
    overall = effects.aggregate("overall")
    assert overall.estimate[0] == pytest.approx(entry["result"]["estimate"], abs=1e-11)
    omega, lambda_ = found_weights(effects)
    np.testing.assert_allclose(omega, entry["extra"]["omega"], atol=1e-11)
    np.testing.assert_allclose(lambda_, entry["extra"]["lambda"], atol=1e-11)
    if name != "did_estimate":
        np.testing.assert_allclose(list(effects.info["zeta"].values()), entry["extra"]["zeta_omega"], rtol=1e-13)
    # R has no jackknife with one treated unit, and says NA
    assert entry["result"]["se_jackknife"] is None
    assert np.isnan(std_errors(effects)).all()
    assert set(effects.reasons) == {ONE_TREATED_CLUSTER}


@pytest.mark.parametrize("name", TIGHT)
def test_exact_weights_are_what_r_goes_towards(frame, name):
    entry = ENTRIES[f"synthdid_6_{name}"]
    effects = estimate(make_design(frame), "synthetic_did", variant=TIGHT[name])
    assert effects.aggregate("overall").estimate[0] == pytest.approx(entry["result"]["estimate"], abs=1e-5)
    omega, lambda_ = found_weights(effects)
    np.testing.assert_allclose(omega, entry["extra"]["omega"], atol=1e-5)
    np.testing.assert_allclose(lambda_, entry["extra"].get("lambda", np.zeros(19)), atol=1e-6)
    assert effects.info["duality_gap"] <= 1e-12


def test_the_same_stops_give_the_same_weights(frame):
    """R's tight call; its last falls of 1e-24 are below rounding, so that the last steps differ by chance.

    The two calls without sparsifying take 1e6 steps, a minute here; Stopping(1e-12 / noise, 1_000_000, 0, False) gave
    their weights to 2e-14.
    """
    entry, stored = ENTRIES["synthdid_6_tight"], ENTRIES["synthdid_6_synthdid_estimate"]["extra"]
    outcome = frame.pivot(index="unit", columns="year", values="y").loc[ORDER].to_numpy()
    noise = stored["noise_level"]
    stopping = Stopping(1e-12 / noise, 10_000, 1_000_000)
    to_treated = (outcome[:39, :19] - outcome[39, :19]).T
    to_after = outcome[:39, :19] - outcome[:39, 19:].mean(axis=1, keepdims=True)
    for columns, zeta, name in ((to_treated, "zeta_omega", "omega"), (to_after, "zeta_lambda", "lambda")):
        ridge = len(columns) * stored[zeta] ** 2
        found = step_on_simplex(columns - columns.mean(axis=0), ridge, noise, stopping)
        np.testing.assert_allclose(found, entry["extra"][name], atol=1e-7)


@pytest.mark.parametrize("name", DEFAULTS)
def test_placebo_error(frame, name):
    """R drew 200 placebos among 39 units with replacement; here is every one of them, once."""
    placebos = placebo_effects(make_design(frame), variant=DEFAULTS[name])
    assert placebos.exhaustive
    assert len(placebos.overall) == 39
    square = np.square(placebos.overall - placebos.overall.mean())
    error = square.std() / np.sqrt(200) / (2 * placebos.std_error)
    assert abs(placebos.std_error - ENTRIES[f"synthdid_6_{name}"]["result"]["se_placebo_seed1"]) < 3 * error


@pytest.mark.shared
@pytest.mark.parametrize(
    ("variant", "solver", "expected", "tolerance"),
    [
        ("synthetic_did", "synthdid", -15.60382787, 6e-9),
        ("synthetic_did", "exact", -15.604, 0.002),
        ("synthetic_control", "synthdid", -19.6, 0.05),
        ("synthetic_control", "exact", -19.6, 0.15),
        ("did", "exact", -27.34911108, 6e-9),
    ],
)
def test_california(shared, variant, solver, expected, tolerance):
    """As run with R, and Table 1 of Arkhangelsky et al. The optimum is 0.0016 and 0.11 from where R stops."""
    panel = pd.read_csv(shared / "golden" / "published" / "california_prop99.csv", sep=";")
    first = panel[panel["treated"] == 1].groupby("State")["Year"].min()
    design = make_design(
        panel.assign(g=panel["State"].map(first).fillna(0)), outcome="PacksPerCapita", unit="State", time="Year"
    )
    overall = estimate(design, "synthetic_did", variant=variant, solver=solver).aggregate("overall")
    assert overall.estimate[0] == pytest.approx(expected, abs=tolerance)
