import numpy as np
import pytest
from tables import make_design, make_table

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.donors import FEW_DONORS, OUTSIDE, donor_test


@pytest.mark.parametrize(
    "settings", [{"treated": (1,)}, {"treated": (2,)}, {"treated": (2, 1), "starts": (2020.0, 2022.0)}]
)
def test_size_with_few_treated_of_many(settings):
    draws = 600
    rejected = sum(
        donor_test(make_table(make_design(np.random.default_rng([3, seed]), never=60, **settings)), draws=999).p_value
        <= 0.05
        for seed in range(draws)
    )
    assert abs(rejected / draws - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws) + 0.01


def test_interval_and_p_value_speak_alike():
    for seed in range(40):
        table = make_table(make_design(np.random.default_rng(seed), treated=(2,), never=40, effect=1.2))
        found = donor_test(table)
        assert (found.p_value <= 0.05) == (not found.low <= 0 <= found.high) or abs(found.p_value - 0.05) < 0.01
        assert found.low < found.estimate < found.high


def sized(seed, *, large):
    """Noise falls with size; the two treated are large or small, within the range of the others."""
    rng = np.random.default_rng([5, seed])
    sizes = np.r_[rng.lognormal(0, 1, 78).clip(0.1, 12), 0.1, 12.0, [8.0, 8.0] if large else [0.2, 0.2]]
    return make_design(rng, treated=(2,), never=80, spread=np.sqrt(0.1 + 1 / sizes)), sizes


@pytest.mark.parametrize("large", [True, False])
def test_sizes_mend_what_unequal_noise_spoils(large):
    blind, aware, draws = 0, 0, 400
    for seed in range(draws):
        design, sizes = sized(seed, large=large)
        table = make_table(design)
        blind += donor_test(table, draws=499).p_value <= 0.05
        aware += donor_test(table, sizes=sizes, draws=499).p_value <= 0.05
    # blind to sizes: hardly ever with large treated, far too often with small ones
    assert (blind / draws < 0.02) if large else (blind / draws > 0.2)
    assert abs(aware / draws - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws) + 0.02


def test_outside_the_donors_there_is_no_answer():
    design, sizes = sized(1, large=True)
    found = donor_test(make_table(design), sizes=np.r_[sizes[:-2], 8.0, 40.0])
    assert found.reason == OUTSIDE
    assert not found.inside
    assert np.isnan([found.p_value, found.low, found.high]).all()
    few = donor_test(make_table(make_design(np.random.default_rng(1), treated=(2,), never=9)))
    assert few.reason == FEW_DONORS
    with pytest.raises(EvaltoolkitError, match="above zero"):
        donor_test(make_table(design), sizes=0 * sizes)
