import numpy as np
import pytest
from tables import make_design, make_table

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.contrasts import effects_of
from evaltoolkit.inference.randomisation import randomisation_test
from evaltoolkit.inference.sized import draw_orders, sized_p_values, sized_test
from evaltoolkit.inference.spread import fit_spread, spread_at


def sized(seed, *, large, treated=2, never=60):
    """Noise falls with size; the treated are large or small."""
    rng = np.random.default_rng([9, seed])
    sizes = np.r_[rng.lognormal(0, 1, never - 2).clip(0.1, 12), 0.1, 12.0, [8.0 if large else 0.2] * treated]
    return make_design(rng, treated=(treated,), never=never, spread=np.sqrt(0.1 + 1 / sizes)), sizes


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("treated", [2, 5])
def test_size_where_the_treated_are_large_or_small(large, treated):
    draws = 500
    hits = [sized_test(make_table(design), sizes, draws=399).p_value <= 0.05 for design, sizes in
            (sized(seed, large=large, treated=treated) for seed in range(draws))]  # fmt: skip
    assert abs(np.mean(hits) - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws) + 0.01


def test_with_one_size_it_is_the_permutation_test():
    design = make_design(np.random.default_rng(1), treated=(3,), effect=0.8)
    table = make_table(design)
    found = sized_test(table, np.ones(len(table.group)), draws=4000)
    plain = randomisation_test(table, draws=3000, studentise=False)
    assert found.p_value == pytest.approx(plain.p_value, abs=4 * np.sqrt(plain.p_value / 3000))
    assert found.p_value == sized_test(table, draws=4000).p_value


def test_a_stack_gives_what_one_outcome_at_a_time_gives():
    tables = [
        make_table(make_design(np.random.default_rng(seed), treated=(2, 3), starts=(2020.0, 2022.0)))
        for seed in range(5)
    ]
    sizes = np.random.default_rng(0).lognormal(size=len(tables[0].group))
    order = draw_orders(len(sizes), 499, 1)
    first = tables[0]
    stack = np.stack([one.sums for one in tables], axis=2)
    together = sized_p_values(stack, first.sizes, first.group, len(first.cohorts), sizes, order)
    alone = [sized_test(one, sizes, draws=499).p_value for one in tables]
    np.testing.assert_allclose(together, alone)


def test_the_fit_finds_the_variance_that_made_the_noise():
    rng = np.random.default_rng(3)
    sizes = rng.lognormal(size=400)
    inverse = sizes.min() / sizes
    truth = np.sqrt(0.5 + 4 * inverse)
    residual = truth[:, None] * rng.standard_normal((400, 200))
    np.testing.assert_allclose(fit_spread(residual, inverse).mean(axis=1), truth, rtol=0.05)
    np.testing.assert_allclose(
        spread_at(residual, inverse, np.array([0.0, 1.0])).mean(axis=1), [0.5**0.5, 4.5**0.5], rtol=0.05
    )


@pytest.mark.parametrize("truth", [(0.5, 4.0, 0.0), (0.0, 0.0, 2.0), (0.0, 0.4, 0.1)])
def test_the_fit_follows_noise_that_grows_with_size(truth):
    rng = np.random.default_rng(4)
    sizes = rng.lognormal(size=400)
    inverse = sizes.min() / sizes
    variance = truth[0] + truth[1] * sizes + truth[2] * sizes**2
    residual = np.sqrt(variance)[:, None] * rng.standard_normal((400, 300))
    fitted = fit_spread(residual, inverse)
    # the small ones vary so little here that the curve is found where the noise is
    noisy = variance > np.quantile(variance, 0.2)
    np.testing.assert_allclose(fitted.mean(axis=1)[noisy], np.sqrt(variance)[noisy], rtol=0.2)
    # steps stop near the best coefficients: the true ones are hardly more likely, and mostly less
    likely = [-0.5 * (np.log(one) + residual**2 / one).sum(axis=0) for one in (fitted**2, variance[:, None])]
    assert (likely[0] - likely[1]).min() > -0.5
    assert (likely[0] - likely[1]).mean() > 0


def test_what_grows_a_thousandfold_scales_and_does_not_depend_on_order():
    rng = np.random.default_rng(5)
    sizes = rng.lognormal(size=80)
    inverse = sizes.min() / sizes
    residual = sizes[:, None] * rng.standard_normal((80, 20))
    fitted = fit_spread(residual, inverse)
    np.testing.assert_allclose(fit_spread(1e8 * residual, inverse), 1e8 * fitted, rtol=1e-9)
    np.testing.assert_allclose(fit_spread(1e-90 * residual, inverse), 1e-90 * fitted, rtol=1e-9)
    order = rng.permutation(80)
    np.testing.assert_allclose(fit_spread(residual[order], inverse[order]), fitted[order], rtol=1e-9)
    alone = np.column_stack([fit_spread(residual[:, [place]], inverse)[:, 0] for place in range(20)])
    np.testing.assert_allclose(alone, fitted, rtol=1e-12)


def test_negative_parts_of_the_variance_are_none():
    # as noisy at both ends, and yet the line of least squares falls below zero towards the small
    inverse = np.linspace(0.1, 1, 50)
    uneven = np.ones((50, 1))
    uneven[0], uneven[-1] = 2.0, 1.5
    fitted = fit_spread(uneven, inverse)[:, 0]
    assert np.ptp(fitted) < 1e-12
    weight = 1 / (0.1 + inverse) ** 2
    assert fitted[0] ** 2 == pytest.approx(np.average(uneven[:, 0] ** 2, weights=weight))
    steep = np.sqrt(np.maximum(3 * inverse - 0.3, 0))[:, None]
    assert fit_spread(steep, inverse)[0, 0] ** 2 / inverse[0] == pytest.approx(fit_spread(steep, inverse)[-1, 0] ** 2)


def test_power_is_near_that_of_known_noise():
    hits = {"sized": 0, "blind": 0}
    draws = 300
    for seed in range(draws):
        design, sizes = sized(seed, large=True)
        moved = design.outcome + 1.6 * (design.cohort[:, None] <= design.times)
        from dataclasses import replace

        table = make_table(replace(design, outcome=moved))
        hits["sized"] += sized_test(table, sizes, draws=399).p_value <= 0.05
        hits["blind"] += sized_test(table, draws=399).p_value <= 0.05
    # large clusters vary little: sizes tell that an effect is large for them
    assert hits["sized"] / draws > 0.7
    assert hits["blind"] / draws < hits["sized"] / draws - 0.2


def test_sizes_outside_the_others_are_told():
    design, sizes = sized(1, large=True)
    assert sized_test(make_table(design), sizes, draws=99).inside
    assert not sized_test(make_table(design), np.r_[sizes[:-1], 50.0], draws=99).inside
    with pytest.raises(EvaltoolkitError, match="above zero"):
        sized_test(make_table(design), -sizes)


def test_the_lot_with_sizes_is_exact_and_stronger():
    """Treated by lot: dividing by the spread that sizes let expect keeps the level and finds more."""
    level, power, plain, draws = 0, 0, 0, 300
    for seed in range(draws):
        rng = np.random.default_rng([13, seed])
        sizes = rng.lognormal(0, 1, 40)
        design = make_design(rng, treated=(2,), never=38, spread=np.sqrt(0.05 + 0.5 / sizes))
        table = make_table(design)
        level += randomisation_test(table, sizes=sizes, draws=199, seed=seed).p_value <= 0.05
        power += randomisation_test(table, sizes=sizes, effect=-2.0, draws=199, seed=seed).p_value <= 0.05
        plain += randomisation_test(table, studentise=False, effect=-2.0, draws=199, seed=seed).p_value <= 0.05
    assert abs(level / draws - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws)
    assert power > plain
    table = make_table(design)
    assert randomisation_test(table, sizes=sizes).estimate == pytest.approx(
        effects_of(table.sums, table.sizes, table.group, 2)[0][0]
    )
