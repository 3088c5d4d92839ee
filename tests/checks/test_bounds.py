"""Standard errors of bounds against leaving units out one by one, and the interval against the truth at the edge."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaltoolkit.checks import _trimmed
from evaltoolkit.checks._bounds import Bounds, bound_effects, bounded_interval, judge_bounds, likely_as_percent
from evaltoolkit.checks._trimmed import trimming_bounds, worst_case
from evaltoolkit.checks.attrition import check_attrition
from evaltoolkit.checks.dormant import check_dormant
from evaltoolkit.checks.missing_answers import check_missing_answers
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.registry import estimate

SILENT = np.array([2022.0, np.inf, np.inf])


def everybody(design):
    return lambda now, base: np.ones(len(design.units), dtype=bool)


def trimmed(design, silent=SILENT):
    return trimming_bounds(design, estimate(design), everybody(design), silent)


def worst(design, silent=SILENT):
    return worst_case(design, estimate(design), (0.0, 1.0), everybody(design), silent)


def gaps(world, *, binary=False, **changes):
    """A tenth silent anywhere, and a quarter of the comparison from the fourth year on."""
    rng = np.random.default_rng(5)
    design = world(seed=2, n_treated=70, **changes)
    outcome = (rng.random(design.outcome.shape) < 0.4).astype(float) if binary else design.outcome.copy()
    outcome[rng.random(outcome.shape) < 0.1] = np.nan
    outcome[70:, 3:][rng.random((90, 3)) < 0.25] = np.nan
    return replace(design, outcome=outcome)


_SIZES = np.random.default_rng(1).uniform(0.5, 2.0, 160)
# as a design has them: one on average
UNEVEN = {"weights": _SIZES / _SIZES.mean()}
LATER = {"comparison": "not_yet_treated"}


@pytest.mark.parametrize(
    ("bound", "binary", "changes"),
    [(trimmed, False, {}), (trimmed, False, UNEVEN), (trimmed, False, LATER), (worst, True, {}), (worst, True, UNEVEN)],
)
def test_each_unit_moves_the_bounds_as_leaving_it_out_does(world, monkeypatch, bound, binary, changes):
    moves = []
    monkeypatch.setattr(_trimmed, "bound_effects", lambda *given: moves.append(given) or bound_effects(*given))
    design = gaps(world, binary=binary, **changes)
    whole = bound(design)
    _, effects, _, by_unit = moves[0]
    overall = effects.aggregate("overall")
    total = by_unit.copy()
    total[:160] += np.asarray(overall.influence)[:, :1] / 160
    rows = np.arange(0, 160, 8)
    without = [np.subtract(whole[:2], bound(keep_units(design, np.arange(160) != row))[:2]) for row in rows]
    without += [np.subtract(whole[:2], bound(design, np.delete(SILENT, one))[:2]) for one in range(3)]
    expected = np.concatenate([total[rows], total[160:]])
    np.testing.assert_allclose(without, expected, atol=0.06 * np.abs(expected).max())
    assert np.abs(expected[-3:]).min() > 0
    assert whole.std_error_low == pytest.approx(np.sqrt((total[:, 0] ** 2).sum()))
    np.testing.assert_allclose(total.sum(axis=0), 0, atol=1e-12)


def test_units_of_one_cluster_count_once(world):
    design = gaps(world)
    twice = np.repeat(np.arange(160), 2)
    doubled = replace(
        keep_units(design, np.ones(160, dtype=bool)),
        **{name: getattr(design, name)[twice] for name in ("outcome", "cohort", "covariates", "weights")},
        units=np.array([f"{i:05d}" for i in range(320)]),
        clusters=design.units[twice],
    )
    none = np.empty(0)
    assert trimmed(doubled, none) == pytest.approx(trimmed(design, none))
    # each on its own they would look like twice as much
    alone = trimmed(replace(doubled, clusters=doubled.units), none)
    assert alone.std_error_high == pytest.approx(trimmed(design, none).std_error_high / np.sqrt(2))


@pytest.mark.parametrize("apart", [0.0, 0.4, 1.0, 2.5])
def test_the_interval_misses_a_parameter_at_the_edge_as_often_as_it_may(apart):
    low, high = bounded_interval(1.0, 1.0 + 0.5 * apart, 0.5, 0.5)
    critical = (1.0 - low) / 0.5
    assert high == pytest.approx(1.0 + 0.5 * (apart + critical))
    assert stats.norm.cdf(critical + apart) - stats.norm.cdf(-critical) == pytest.approx(0.95)
    few = bounded_interval(1.0, 1.0 + 0.5 * apart, 0.5, 0.5, df=14)
    assert few[0] < low


def test_the_critical_value_goes_from_two_sides_to_one():
    assert bounded_interval(0.0, 0.0, 1.0, 1.0) == pytest.approx((-stats.norm.isf(0.025), stats.norm.isf(0.025)))
    assert bounded_interval(0.0, 99.0, 1.0, 2.0) == pytest.approx(
        (-stats.norm.isf(0.05), 99.0 + 2 * stats.norm.isf(0.05))
    )
    assert bounded_interval(0.0, 1.0, 0.0, 0.0) == (0.0, 1.0)


def at_the_edge(world, seed, side):
    """One cohort; whoever of one arm did best stays silent: the truth, no effect, is an end of the bounds."""
    rng = np.random.default_rng([seed, 9])
    treated = np.arange(160) < 60
    noise = rng.normal(size=(160, 6))
    change = noise - noise[:, [2]]
    arm = ~treated if side == "low" else treated
    after = np.arange(6) >= 3
    gone = (change > np.sqrt(2) * stats.norm.isf(0.2)) & after & arm[:, None]
    outcome = np.where(gone, np.nan, rng.normal(size=(160, 1)) + noise)
    return world(n_treated=0, cohort=np.where(treated, 2022.0, np.inf), outcome=outcome)


@pytest.mark.parametrize("side", ["low", "high"])
def test_the_interval_holds_a_truth_at_the_edge_of_the_bounds(world, side):
    found = [trimmed(at_the_edge(world, seed, side), np.empty(0)) for seed in range(300)]
    inside = np.mean([one.conf_low <= 0 <= one.conf_high for one in found])
    # nominal 95 %, less three Monte Carlo errors
    assert inside >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)
    assert np.mean([one.low <= 0 <= one.high for one in found]) < 0.6
    ends = np.array([one.low if side == "low" else one.high for one in found])
    errors = [one.std_error_low if side == "low" else one.std_error_high for one in found]
    assert np.mean(errors) == pytest.approx(ends.std(), rel=0.15)


def test_few_clusters_have_errors_and_no_interval_one_has_neither(world):
    some = gaps(world)
    nine = trimmed(keep_units(some, (np.arange(160) < 9) | ~some.treated), np.empty(0))
    assert nine.std_error_low > 0
    assert np.isnan([nine.conf_low, nine.conf_high]).all()
    assert np.isnan(list(likely_as_percent(nine, 2.0).values())).all()
    assert judge_bounds(2.0, nine._replace(low=0.1, high=3.0)) == ("kept", True)
    one = trimmed(keep_units(some, (np.arange(160) < 1) | ~some.treated), np.empty(0))
    assert np.isnan(one[2:]).all()
    assert np.isfinite(one[:2]).all()


def test_what_is_against_a_result_and_what_only_forbids_to_be_sure():
    around = Bounds(0.5, 1.5, 0.4, 0.4, -0.2, 2.2)
    assert judge_bounds(1.0, around) == ("unsure", None)
    assert judge_bounds(1.0, around._replace(conf_low=0.1)) == ("kept", True)
    assert judge_bounds(1.0, around._replace(low=-0.1)) == ("lost", False)
    turned = Bounds(-1.5, -0.5, 0.4, 0.4, -2.2, 0.2)
    assert judge_bounds(-1.0, turned) == ("unsure", None)
    assert judge_bounds(-1.0, turned._replace(conf_high=-0.1)) == ("kept", True)
    assert likely_as_percent(turned, -1.0) == {"likely_least": -20, "likely_most": 220}


def test_three_checks_tell_the_interval_and_are_unsure_of_a_small_effect(world, panel_of):
    codes = {}
    for seed in range(6):
        design = world(seed=seed, effect=0.35)
        rng = np.random.default_rng([seed, 11])
        gone = rng.random(design.outcome.shape) < 0.05
        late = (rng.random(160) < 0.1)[:, None] & (
            design.times > np.where(design.treated, design.cohort, 2022.0)[:, None]
        )
        status = np.where(gone, "NAP", "registered").astype(object)
        silent, left = (replace(design, outcome=np.where(one, np.nan, design.outcome)) for one in (gone, late))
        done = [
            check_missing_answers(silent, estimate(silent)),
            check_attrition(left, estimate(left)),
            check_dormant(silent, estimate(silent), panel=panel_of(silent, status)),
        ]
        for one in done:
            row = one.table[one.table["conf_low"].notna()].iloc[0]
            assert row["conf_low"] < row["low"] <= row["high"] < row["conf_high"]
            assert (one.facts["likely_least"], one.facts["likely_most"]) == likely_as_percent_of(row)
            codes.setdefault(one.code, set()).add(one.verdict)
    for name in ("missing_answers", "attrition", "dormant"):
        assert codes[f"check.{name}.unsure"] == {None}
        assert codes[f"check.{name}.kept"] == {True}


def likely_as_percent_of(row):
    ends = sorted(100 * row[end] / row["estimate"] for end in ("conf_low", "conf_high"))
    return np.floor(ends[0] + 1e-9), np.ceil(ends[1] - 1e-9)


def test_units_that_never_answered_add_noise_of_their_own(world):
    silent = pd.DataFrame({"unit": [f"s{i}" for i in range(40)], "reason": "excluded.no_outcome", "cohort": np.inf})
    design = world(excluded=silent)
    row = check_missing_answers(design, estimate(design)).table.set_index("quantity").loc["trimming"]
    plain = trimmed(world(), np.empty(0))
    assert row["std_error_low"] > 1.05 * plain.std_error_low
