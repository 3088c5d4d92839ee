import pytest

from evaltoolkit.checks.registry import check, list_checks
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError

NAMES = {"leave_one_out", "merged", "pretrends", "reconstructed", "refuters", "reporting", "response"}


def test_a_check_is_listed_by_being_a_file():
    assert set(list_checks()) >= NAMES


def test_the_runner_gives_each_check_what_it_takes(world):
    design = world(n=60, n_treated=25)
    effects = estimate(design)
    done = check(design, effects, ["response", "pretrends"], smallest_relevant=5.0, level=0.9)
    assert [one.name for one in done] == ["response", "pretrends"]
    assert done[1].table["power_full"].notna().all()


def test_unknown_names_get_the_nearest(world):
    design = world(n=40, n_treated=15)
    effects = estimate(design)
    with pytest.raises(EvaltoolkitError, match='Did you mean "pretrends"'):
        check(design, effects, ["pretrend"])
    with pytest.raises(EvaltoolkitError, match='Did you mean "smallest_relevant"'):
        check(design, effects, ["pretrends"], smallest_relevent=1.0)
