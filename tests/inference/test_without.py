from dataclasses import replace

import numpy as np
import pytest
from tables import make_design

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.choose import infer
from evaltoolkit.inference.without import in_shared_cells, infer_without


def test_units_that_share_a_cluster():
    design = make_design(np.random.default_rng(1), treated=(2,), never=3)
    assert not in_shared_cells(design).any()
    shared = replace(design, clusters=np.array(["a", "b", "b", "c", "d"]))
    assert in_shared_cells(shared).tolist() == [False, True, True, False, False]


def test_both_results_are_those_of_infer():
    design = make_design(np.random.default_rng(2), treated=(4,), never=30, effect=2.0)
    effects = estimate(design, base="universal")
    leave_out = np.zeros(34, bool)
    leave_out[[3, 9, 33]] = True
    sizes = np.linspace(1, 3, 34)
    found = infer_without(design, effects, leave_out, sizes=sizes, draws=199)
    assert found.left_out == 3
    assert found.whole == infer(design, effects.aggregate("overall"), sizes=sizes, draws=199)
    assert (found.without.n_treated, found.without.n_comparison) == (3, 28)
    kept = ~leave_out
    from evaltoolkit.designs.subset import keep_units

    reduced = keep_units(design, kept)
    by_hand = infer(reduced, estimate(reduced, base="universal").aggregate("overall"), sizes=sizes[kept], draws=199)
    assert found.without == by_hand


def test_strata_and_drawn_lots_go_with_their_clusters():
    design = make_design(np.random.default_rng(3), treated=(6,), never=20, effect=1.0)
    rng = np.random.default_rng(4)
    redraws = np.array([rng.permutation(np.r_[np.ones(20, int), np.zeros(6, int)]) for _ in range(99)])
    leave_out = np.arange(26) % 13 == 0
    found = infer_without(design, estimate(design), leave_out, assignments=redraws, draws=99)
    assert (found.whole.method, found.without.method) == ("lot", "lot")
    assert found.without.n_comparison == 18
    strata = np.arange(26) % 2
    assert infer_without(design, estimate(design), leave_out, strata=strata, by_lot=True, draws=99).left_out == 2


def test_a_cohort_that_disappears_does_not_fit_drawn_lots():
    design = make_design(np.random.default_rng(5), treated=(1, 4), starts=(2020.0, 2022.0), never=20)
    leave_out = design.cohort == 2020.0
    redraws = np.zeros((5, 25), dtype=np.intp)
    with pytest.raises(EvaltoolkitError, match="cohort has nobody left"):
        infer_without(design, estimate(design), leave_out, assignments=redraws)
    assert infer_without(design, estimate(design), leave_out, draws=99).without.n_treated == 4
