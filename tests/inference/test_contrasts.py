import dataclasses

import numpy as np
import pytest
from tables import make_design, make_table

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.contrasts import contrast_table, effects_of

DESIGNS = {
    "one start": {"treated": (5,)},
    "staggered": {"treated": (4, 5), "starts": (2020.0, 2022.0)},
    "zones": {"treated": (4, 5), "starts": (2020.0, 2022.0), "zone": 3},
    "later than the panel": {"treated": (4, 3), "starts": (2021.0, 2030.0)},
}


@pytest.mark.parametrize("settings", DESIGNS.values(), ids=DESIGNS)
def test_other_assignments_give_what_estimating_again_gives(settings):
    design = make_design(np.random.default_rng(1), effect=0.7, **settings)
    table = make_table(design)
    zone = settings.get("zone", 1)
    own = effects_of(table.sums, table.sizes, table.group, len(table.cohorts))[0]
    assert own[0] == pytest.approx(estimate(design).aggregate("overall").estimate[0], abs=1e-12)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(table.group))
        cohort = np.repeat(design.cohort[::zone][order], zone)
        again = estimate(dataclasses.replace(design, cohort=cohort)).aggregate("overall").estimate[0]
        quick, _ = effects_of(table.sums, table.sizes, table.group[order], len(table.cohorts))
        assert quick[0] == pytest.approx(again, abs=1e-12)


def test_weighted_means_hold_for_the_assignment_that_took_place():
    design = make_design(np.random.default_rng(2), treated=(5, 6), starts=(2020.0, 2022.0), weights=True)
    own = make_table(design)
    found = effects_of(own.sums, own.sizes, own.group, len(own.cohorts))[0][0]
    assert found == pytest.approx(estimate(design).aggregate("overall").estimate[0], abs=1e-12)


def test_the_error_is_that_of_means_of_clusters():
    design = make_design(np.random.default_rng(3), treated=(8,))
    table = make_table(design)
    treated = design.cohort == 2021
    change = design.outcome[:, 3:].mean(axis=1) - design.outcome[:, 2]
    by_hand = np.sqrt(change[treated].var(ddof=1) / 8 + change[~treated].var(ddof=1) / 18)
    assert effects_of(table.sums, table.sizes, table.group, 2)[1][0] == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("settings", DESIGNS.values(), ids=DESIGNS)
def test_a_constant_effect_is_taken_out_whole(settings):
    design = make_design(np.random.default_rng(4), **settings)
    with_effect = dataclasses.replace(
        design, outcome=design.outcome + 2.5 * (design.cohort[:, None] <= design.times[None, :])
    )
    plain, moved = make_table(design), make_table(with_effect)
    np.testing.assert_allclose(moved.without(2.5), plain.sums, atol=1e-10)
    assert plain.treated.sum() == sum(start < 2024 for start in settings.get("starts", (2021.0,)))


def test_what_is_no_contrast_of_means_is_refused():
    design = make_design(np.random.default_rng(5), treated=(5,))
    with pytest.raises(EvaltoolkitError, match="one contrast of cohort means"):
        contrast_table(design, estimate(design).aggregate("event"))
    gap = design.outcome.copy()
    gap[0, 0] = np.nan
    holes = dataclasses.replace(design, outcome=gap)
    with pytest.raises(EvaltoolkitError, match="complete outcome"):
        contrast_table(holes, estimate(holes).aggregate("overall"))
    mixed = dataclasses.replace(design, clusters=np.array([f"z{i % 4}" for i in range(len(design.units))]))
    with pytest.raises(EvaltoolkitError, match="several cohorts"):
        make_table(mixed)
