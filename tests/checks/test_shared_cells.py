from dataclasses import replace

import numpy as np
import pandas as pd

from evaltoolkit.checks.shared_cells import check_shared_cells
from evaltoolkit.estimators.registry import estimate


def check(design, panel=None):
    return check_shared_cells(design, estimate(design), panel=panel)


def test_municipalities_that_share_a_cell_are_left_out(world):
    design = world()
    pairs = np.array([f"cell {min(i // 2, 19) if i < 40 else i}" for i in range(160)])
    done = check(replace(design, clusters=pairs))
    assert (done.verdict, done.code) == (True, "check.shared_cells.same")
    assert done.facts == {"left_out": 40, "percent": 25}
    rest = estimate(world(**{name: getattr(design, name)[40:] for name in ("units", "outcome", "cohort", "covariates", "weights", "clusters")}))  # fmt: skip  # noqa: E501
    assert done.table["estimate"].iloc[1] == rest.aggregate("overall").estimate[0]


def test_where_units_are_cells_the_panel_counts_their_municipalities(world, panel_of):
    design = world()
    panel = panel_of(design)
    members = pd.Series(np.where(np.arange(160) < 16, 3, 1), index=panel.units.index)
    cells = replace(panel, unit_kind="livc_r", units=panel.units.assign(n_members=members))
    broken = replace(design, outcome=design.outcome + 9.0 * ((np.arange(160) < 16)[:, None] & (design.times >= 2023)))
    assert check(broken, cells).code == "check.shared_cells.changed"
    assert check(design, replace(cells, units=cells.units.assign(n_members=1))).code == "check.shared_cells.none"
    assert (
        check(design, replace(cells, units=cells.units.assign(n_members=2))).code == "check.shared_cells.not_possible"
    )


def test_where_nobody_knows_it_is_unknown(world, panel_of):
    design = world()
    assert check(design).code == "check.shared_cells.unknown"
    assert check(design, panel_of(design)).code == "check.shared_cells.unknown"
