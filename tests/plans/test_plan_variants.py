import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.study import Study
from evaltoolkit.plans.variants import OVER, own_value, variants_of

STUDY = Study.model_validate(
    {
        "periods": 6,
        "comparison_units": 60,
        "cohorts": [{"start": 3, "units": 40}, {"start": 5, "units": 20}],
        "outcome": {"kind": "continuous", "sd": 1.0},
    }
)


def changed(study, over, values=()):
    return {v: Study.model_validate(study.model_dump() | change) for v, change in variants_of(study, over, values)}


@pytest.mark.parametrize("over", OVER)
def test_every_variant_has_the_value_it_is_drawn_at(over):
    made = changed(STUDY, over)
    assert len(made) >= 3
    assert own_value(STUDY, over) in made
    for value, one in made.items():
        assert own_value(one, over) == value


def test_the_study_itself_is_among_its_variants():
    for over in ("units", "before", "after"):
        assert changed(STUDY, over)[own_value(STUDY, over)] == STUDY


def test_proportions_and_distances_stay():
    double = changed(STUDY, "units", [240])[240]
    assert [one.units for one in double.cohorts] == [80, 40]
    longer = changed(STUDY, "before", [5])[5]
    assert [one.start for one in longer.cohorts] == [6, 8]
    assert longer.periods == 9
    steps = changed(STUDY, "cohorts", [4])[4]
    assert [(one.start, one.units) for one in steps.cohorts] == [(3, 15), (4, 15), (5, 15), (6, 15)]


def test_zones_stay_whole():
    zoned = Study.model_validate(STUDY.model_dump() | {"zones": {"units": 5, "correlation": 0.2}})
    for over in ("units", "cohorts"):
        for one in changed(zoned, over, [2, 3, 7, 90]).values():
            assert all(cohort.units % 5 == 0 for cohort in one.cohorts)


def test_what_is_not_possible_is_left_out():
    assert set(changed(STUDY, "cohorts", [0, 1, 4, 5])) == {1, 4}
    assert set(changed(STUDY, "before", [0, 57, 90])) == set()
    with pytest.raises(EvaltoolkitError, match='Did you mean "units"'):
        variants_of(STUDY, "unit")
