"""In the simulated world other programmes are the exception, as they are in life, and they change nothing."""

import numpy as np

from evaltoolkit.demo.answers import draw_answers, draw_programmes
from evaltoolkit.demo.files import write_cells
from evaltoolkit.framework.load import load_framework
from evaltoolkit.panels.simulate import YEARS, simulate_world
from evaltoolkit.territory.membership import read_membership


def test_a_minority_gets_another_programme_during_the_panel():
    world = simulate_world(1)
    begun, kind = draw_programmes(world)
    during = (begun >= YEARS[0]) & (begun <= YEARS[-1])
    assert 0.1 < during.mean() < 0.3
    assert 0.03 < (begun < YEARS[0]).mean() < 0.2
    # in both arms, so that the check has somebody to leave out and somebody to keep
    treated = np.isfinite(world.cells["cohort"].to_numpy())
    assert min(during[treated].sum(), during[~treated].sum()) >= 10
    answers = draw_answers(world, load_framework("livc-r"), "2025")
    said = answers[(answers["indicator"] == "CTX-08") & (answers["part"] == "kinds")].set_index("unit")["text"]
    assert said.tolist() == np.where(begun <= 2025, kind, "none").tolist()
    months = answers[(answers["indicator"] == "CTX-08") & (answers["part"] == "start_month")]["text"]
    assert ((months == "") == (begun > 2025)).all()


def test_zones_hold_cells_with_and_without_the_action(tmp_path):
    world = simulate_world(1)
    write_cells(world, tmp_path / "cells.csv")
    table = read_membership(tmp_path / "cells.csv")
    zone = table.groupby("livc_r")["zone"].agg(["min", "max"])
    # a cell lies in one zone
    assert (zone["min"] == zone["max"]).all()
    treated = np.isfinite(world.cells["cohort"]).groupby(zone["min"].reindex(world.cells.index).to_numpy()).mean()
    assert 0 < treated.mean() < 1
    assert ((treated > 0) & (treated < 1)).sum() > 30
    assert (treated == 0).sum() > 10
