"""Who answers a survey may change otherwise in one arm: named feature by feature, never read from silence."""

from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks.composition import check_composition
from evaltoolkit.findings import EvaltoolkitError


def panel_of_columns(design, panel_of, **columns):
    panel = panel_of(design)
    return replace(panel, data=panel.data.assign(**{name: values.ravel() for name, values in columns.items()}))


def after(design):
    return design.times >= design.cohort[:, None]


def ages(design, move, seed=3):
    rng = np.random.default_rng(seed)
    return 45 + rng.normal(0, 2, (len(design.units), 1)) + rng.normal(0, 1, design.outcome.shape) + move * after(design)


def test_only_the_feature_that_moved_is_named(world, panel_of):
    design = world()
    panel = panel_of_columns(design, panel_of, age=ages(design, 3.0), women=ages(design, 0.0, 4))
    done = check_composition(design, None, panel=panel, composition=("age", "women"))
    assert (done.verdict, done.code) == (False, "check.composition.moved")
    assert done.facts["names"] == "@list:@indicator:age"
    assert (done.facts["features"], done.facts["moved"]) == (2, 1)
    row = done.table.set_index("feature").loc["age"]
    assert row["estimate"] == pytest.approx(3.0, abs=0.5)


def test_a_small_move_is_no_reason_to_doubt(world, panel_of):
    design = world(n=600, n_treated=300)
    panel = panel_of_columns(design, panel_of, age=ages(design, 0.3))
    done = check_composition(design, None, panel=panel, composition=("age",))
    assert done.table["adjusted"].iloc[0] < 0.05
    assert (done.verdict, done.code) == (True, "check.composition.steady")


def test_the_number_of_answers_counts_as_a_ratio(world, panel_of):
    design = world(sampling_se=np.full((160, 6), 0.02))
    rng = np.random.default_rng(5)
    answers = np.round(
        rng.uniform(80, 160, (160, 1)) * rng.uniform(0.9, 1.1, (160, 6)) * np.where(after(design), 0.5, 1)
    )
    panel = panel_of_columns(design, panel_of, **{"Y.n": answers})
    done = check_composition(design, None, panel=panel)
    assert done.facts["names"] == "@list:@check.composition.count"
    assert done.table["estimate"].iloc[0] == pytest.approx(np.log(0.5), abs=0.03)
    # of a register the same column is a denominator
    assert check_composition(replace(design, sampling_se=None), None, panel=panel).code == "check.composition.unknown"
    named = check_composition(replace(design, sampling_se=None), None, panel=panel, respondents="Y.n")
    assert named.verdict is False


def test_it_is_quiet_where_nothing_moves(world, panel_of):
    design = world()
    found = [
        check_composition(
            design, None, panel=panel_of_columns(design, panel_of, age=ages(design, 0.0, seed)), composition=("age",)
        ).verdict
        for seed in range(40)
    ]
    assert sum(one is False for one in found) <= 6


def test_nothing_known_or_too_few_say_nothing(world, panel_of):
    assert check_composition(world(), None).code == "check.composition.unknown"
    few = world(n_treated=6)
    panel = panel_of_columns(few, panel_of, age=ages(few, 3.0))
    done = check_composition(few, None, panel=panel, composition=("age",))
    assert (done.verdict, done.code) == (None, "check.composition.few_clusters")


def test_a_feature_that_is_not_there_gets_the_nearest(world, panel_of):
    design = world()
    panel = panel_of_columns(design, panel_of, age=ages(design, 0.0))
    with pytest.raises(EvaltoolkitError, match=r'no measure "aeg".*Did you mean "age"'):
        check_composition(design, None, panel=panel, composition=("aeg",))
