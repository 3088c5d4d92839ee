"""Switchers where treatment is unknown or crosses its start, where nothing can be estimated, and what is then said."""

from dataclasses import replace

import numpy as np
import pytest
from switcher_designs import at, make, small, value

from evaltoolkit.estimators.cells import NEVER_OBSERVED, NO_COMPARISON, NO_WEIGHT
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.switch_paths import read_paths
from evaltoolkit.estimators.switch_rows import NO_DOSE
from evaltoolkit.estimators.switchers import equality_of_effects, estimate_switchers
from evaltoolkit.findings import EvaltoolkitError


def test_a_change_in_a_gap_has_no_date():
    design = small()
    hidden = replace(design, treatment=design.treatment.copy())
    hidden.treatment[1] = [0, np.nan, 1, 0]
    effects = estimate_switchers(hidden, direction="in")
    assert effects.info["unclear_switches"] == ("u001",)
    assert value(effects, 0) == pytest.approx(2.5)
    # before the gap it compares
    late = replace(hidden, treatment=np.vstack([hidden.treatment[:5], [0, 1, 1, 1]]))
    late.treatment[1] = [0, 0, np.nan, 1]
    assert read_paths(late).usable[1].tolist() == [True, True, False, False]
    first = estimate_switchers(replace(late, treatment=late.treatment), effects=1, direction="in")
    # u000 in 2020: 3 less 0.5; u005 in 2019: 1 less the mean change of u000, u001 (to the gap), u002, u003
    assert value(first, 0) == pytest.approx(((3 - 0.5) + (1 - (1 + 1 + 0 + 2) / 4)) / 2)


def test_a_path_that_crosses_its_start_is_used_up_to_there():
    treatment = [[1, 1, 2, 0], [1, 1, 2, 2], [1, 1, 1, 1], [1, 1, 1, 1]]
    effects = estimate_switchers(make([[0, 0, 1, 9], [0, 0, 3, 4], [0, 0, 0, 0], [0, 0, 0, 0]], treatment))
    assert value(effects, 0) == pytest.approx(2.0)
    assert value(effects, 1) == pytest.approx(4.0)
    assert effects.labels["n_treated"].tolist() == [2, 0, 2, 1]


def test_undefined_rows_have_a_reason():
    """Nobody is seen one period after the first with the new treatment."""
    design = small()
    outcome = np.column_stack([design.outcome, design.outcome[:, 3] + 1])
    outcome[:, 3] = np.nan
    effects = estimate_switchers(make(outcome, np.column_stack([design.treatment, design.treatment[:, 3]])))
    j = at(effects, 1)
    assert np.isnan(effects.estimate[j])
    assert np.isnan(effects.influence[:, j]).all()
    assert effects.reasons[j] == NO_COMPARISON
    assert np.isfinite(effects.overall.estimate[0])
    assert np.isfinite(value(effects, 2))
    assert equality_of_effects(effects).df == 1


def test_switched_back_before_anything_was_seen():
    """Seen again only with the treatment of the start: an effect, and no treatment to divide it by."""
    treatment = [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    outcome = np.array([[0, 1, np.nan, 4], [0, 1, np.nan, 2], [0, 1, 2, 3], [0, 1, 2, 3.0]])
    effects = estimate_switchers(make(outcome, treatment))
    assert value(effects, 1) == pytest.approx(0.0)
    assert effects.overall.reasons == (NO_DOSE,)
    assert np.isnan(effects.overall.estimate[0])


def test_who_is_left_out_is_named():
    design = small()
    outcome, weights = design.outcome.copy(), design.weights.copy()
    outcome[3] = np.nan
    weights[0] = 0.0
    effects = estimate_switchers(replace(design, outcome=outcome, weights=weights))
    assert effects.info["dropped_units"] == {NO_WEIGHT: ("u000",), NEVER_OBSERVED: ("u003",)}
    assert effects.units.tolist() == ["u001", "u002", "u004", "u005"]
    assert effects.weights.mean() == pytest.approx(1)


def test_errors_say_what_to_do():
    design = small()
    steady = replace(design, treatment=np.where(design.treatment[:, :1] > 0, 1.0, design.treatment))
    with pytest.raises(EvaltoolkitError, match=r'no unit changes to less treatment.*direction="both"'):
        estimate(steady, "switchers", direction="out")
    at_once = make(design.outcome[:4], [[0, 0, 1, 1]] * 4)
    with pytest.raises(EvaltoolkitError, match="4 units: no unit with the same treatment"):
        estimate(at_once, "switchers")
    staggered = make(design.outcome[:2], [[0, 1, 1, 1], [0, 0, 1, 1]], comparison="never_treated")
    with pytest.raises(EvaltoolkitError, match="have not changed"):
        estimate(staggered, "switchers")
    with pytest.raises(EvaltoolkitError, match="Give the treatment of every unit and period"):
        estimate(replace(design, treatment=design.treatment[:, :2]), "switchers")
