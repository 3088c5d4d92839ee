"""Distances and the spatial variance: by loops, in the limits, and on a simulated map."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from small_designs import simulate

from evaltoolkit.effects.inference import ONE_TREATED, covariance, std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.inference import spatial
from evaltoolkit.inference.cluster_robust import NOT_POSITIVE
from evaltoolkit.inference.spatial import conley_variance, great_circle_km, kernel_products, locate_units
from evaltoolkit.territory.municipalities import municipality_codes


def effects_on_a_map(n=60, kind="event", seed=0):
    design = simulate(seed, n=n)
    rng = np.random.default_rng(seed)
    places = {unit: (3.0 + 3 * rng.random(), 50.0 + rng.random()) for unit in design.units}
    effects = estimate(design, "group_time")
    return (effects if kind == "group_time" else effects.aggregate(kind)), places


def test_known_distances():
    antwerp, brussels, ostend = (locate_units(np.array([code]))[0] for code in ("11002", "21004", "35013"))
    found = great_circle_km(np.array([antwerp, brussels]), np.array([brussels, ostend]))
    # a quarter of a meridian, and half of the equator
    assert great_circle_km(np.zeros((1, 2)), np.array([[0.0, 90.0]]))[0, 0] == pytest.approx(10007.56, abs=0.01)
    assert great_circle_km(np.zeros((1, 2)), np.array([[180.0, 0.0]]))[0, 0] == pytest.approx(20015.11, abs=0.01)
    assert found[1, 0] == 0
    assert 35 < found[0, 0] < 50
    assert 95 < found[1, 1] < 115


@pytest.mark.parametrize("kernel", ["bartlett", "uniform"])
@pytest.mark.parametrize("chunk", [7, 1024])
def test_by_loops(kernel, chunk, monkeypatch):
    monkeypatch.setattr(spatial, "_CHUNK", chunk)
    effects, places = effects_on_a_map(n=30)
    cutoff, psi, units = 40.0, np.asarray(effects.influence), effects.units
    total, near = np.zeros((psi.shape[1],) * 2), 0
    for i, one in enumerate(units):
        for j, other in enumerate(units):
            a, b = np.radians(places[one]), np.radians(places[other])
            # the law of cosines on the sphere
            inner = np.sin(a[1]) * np.sin(b[1]) + np.cos(a[1]) * np.cos(b[1]) * np.cos(a[0] - b[0])
            share = 0.0 if i == j else 6371.0088 * np.arccos(min(inner, 1.0)) / cutoff
            weight = max(1 - share, 0) if kernel == "bartlett" else float(share < 1)
            near += i != j and weight > 0
            total += weight * np.outer(psi[i], psi[j])
    found = conley_variance(effects, cutoff_km=cutoff, coordinates=places, kernel=kernel)
    assert found.neighbours == pytest.approx(near / 30)
    raw = np.diag(total) / 30**2
    defined = [reason == "" for reason in found.reasons]
    assert sum(defined) >= 3
    if not found.repaired:
        np.testing.assert_allclose(found.covariance, total / 30**2, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(found.std_error[defined] ** 2, raw[defined], rtol=1e-6)
    sums, _ = kernel_products(psi, np.array([places[unit] for unit in units]), cutoff, kernel)
    np.testing.assert_allclose(sums, total, rtol=1e-6, atol=1e-9)


def test_nobody_near_is_the_plain_variance():
    effects, places = effects_on_a_map(kind="group_time")
    found = conley_variance(effects, cutoff_km=1e-6, coordinates=places)
    np.testing.assert_allclose(found.std_error, std_errors(effects))
    np.testing.assert_allclose(found.covariance, covariance(effects), atol=1e-15)
    assert found.neighbours == 0
    assert not found.repaired
    assert all(np.isfinite(found.std_error) == np.array([reason == "" for reason in found.reasons]))


def test_everybody_near_leaves_nothing():
    """The influence sums to zero: one area with the same shock for all says nothing about its variance."""
    effects, places = effects_on_a_map(kind="event")
    found = conley_variance(effects, cutoff_km=1e5, coordinates=places, kernel="uniform")
    assert np.isnan(found.std_error).all()
    assert NOT_POSITIVE in found.reasons


def test_repair_is_told():
    """Uniform kernels on a line of units give negative eigenvalues."""
    effects, _ = effects_on_a_map(n=30, kind="group_time")
    line = {unit: (0.01 * place, 0.0) for place, unit in enumerate(effects.units)}
    found = conley_variance(effects, cutoff_km=4.0, coordinates=line, kernel="uniform")
    assert found.repaired
    assert np.linalg.eigvalsh(found.covariance)[0] > -1e-12
    wrong = [reason == NOT_POSITIVE for reason in found.reasons]
    assert np.isnan(found.std_error[wrong]).all()


def test_the_register_knows_municipalities():
    codes = np.array(municipality_codes(2025)[:60])
    design = dataclasses.replace(simulate(n=60), units=codes, clusters=codes)
    effects = estimate(design, "group_time").aggregate("overall")
    found = conley_variance(effects, cutoff_km=25)
    register = {code: tuple(place) for code, place in zip(codes, locate_units(codes), strict=True)}
    by_hand = conley_variance(effects, cutoff_km=25, coordinates=register)
    assert found.std_error[0] == by_hand.std_error[0]
    assert found.std_error[0] > 0
    assert found.neighbours > 1


def test_one_treated_has_no_standard_error():
    design = simulate(n=30)
    cohort = np.full(30, np.inf)
    cohort[0] = 2020
    effects = estimate(dataclasses.replace(design, cohort=cohort), "group_time").aggregate("overall")
    places = {unit: (4.0, 50 + 0.01 * place) for place, unit in enumerate(effects.units)}
    found = conley_variance(effects, cutoff_km=10, coordinates=places)
    assert found.reasons == (ONE_TREATED,)
    assert np.isnan(found.std_error[0])


def test_wrong_use():
    effects, places = effects_on_a_map()
    with pytest.raises(FaultsError, match=r"u000, u001, u002, u003, u004 and 55 more units are no municipality codes"):
        conley_variance(effects, cutoff_km=10)
    lacking = {unit: place for unit, place in places.items() if unit != "u007"}
    with pytest.raises(FaultsError, match=r"u007 have no coordinates: add them\. Did you mean"):
        conley_variance(effects, cutoff_km=10, coordinates=lacking)
    with pytest.raises(FaultsError, match="u003 have coordinates that are no degrees"):
        conley_variance(effects, cutoff_km=10, coordinates={**places, "u003": (152000.0, 170000.0)})
    with pytest.raises(FaultsError, match="no degrees"):
        conley_variance(effects, cutoff_km=10, coordinates={**places, "u003": (np.nan, 50.0)})
    with pytest.raises(EvaltoolkitError, match='no kernel "triangular"'):
        conley_variance(effects, cutoff_km=10, coordinates=places, kernel="triangular")
    with pytest.raises(EvaltoolkitError, match="positive number of kilometres"):
        conley_variance(effects, cutoff_km=0, coordinates=places)


def test_nearer_the_truth_when_neighbours_share_shocks():
    """Half of 400 districts treated in blocks, shocks shared by blocks of four: 300 draws, seeds fixed beforehand.

    The plain variance is below half of the true one; Conley's lies nearer.
    """
    rng = np.random.default_rng(8)
    n, draws = 400, 300
    block = np.arange(n) // 4
    # blocks half a degree apart, members a kilometre apart
    places = np.column_stack([3.0 + 0.014 * (np.arange(n) % 4), 0.5 * block])
    arm = np.where(block % 2 == 0, 1.0, -1.0)
    values = rng.normal(size=(n // 4, draws))[block] + 0.5 * rng.normal(size=(n, draws))
    estimates = np.empty(draws)
    influence = np.empty((n, draws))
    for side in (1.0, -1.0):
        mine = arm == side
        influence[mine] = side * 2 * (values[mine] - values[mine].mean(axis=0))
    estimates = values[arm > 0].mean(axis=0) - values[arm < 0].mean(axis=0)
    truth = estimates.var()
    plain = (influence**2).sum(axis=0).mean() / n**2
    near = np.diag(kernel_products(influence, places, 20.0, "bartlett")[0]).mean() / n**2
    assert plain < 0.5 * truth
    assert abs(near / truth - 1) < 3 * np.sqrt(2 / draws)
