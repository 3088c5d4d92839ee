import dataclasses

import numpy as np
import pytest

from evaltoolkit.designs.build import make_design
from evaltoolkit.framework.load import load_framework
from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.groups import arrondissements
from evaltoolkit.panels.simulate import simulate_world
from evaltoolkit.panels.world_tables import world_roster, world_values
from evaltoolkit.plans.feasibility import assess_feasibility
from evaltoolkit.plans.power import Power, minimum_detectable_effect
from evaltoolkit.plans.spatial import spatial_ratio


def make(worlds, share, *, together, seed=3, groups=30, size=4):
    """Units in groups that share part of every period's shock; whole groups treated, or half of each."""
    n = groups * size
    rng = np.random.default_rng(seed)
    _, design = worlds["world"](n_never=n // 2, cohorts=(2022,), size=n // 2)
    place = np.arange(n) // size
    treated = place < groups // 2 if together else np.arange(n) % size < size // 2
    years = len(design.times)
    common, own = rng.normal(size=(groups, years)), rng.normal(size=(n, years))
    outcome = np.sqrt(share) * common[place] + np.sqrt(1 - share) * own + rng.normal(size=(n, 1))
    cohort = np.where(treated, 2022.0, np.inf)
    return worlds["replace"](design, outcome=outcome, cohort=cohort), place.astype(str)


def test_correlation_of_neighbours_is_found(worlds):
    found = [spatial_ratio(*make(worlds, 0.3, together=True, seed=seed)) for seed in range(60)]
    correlations = np.array([one.correlation for one in found])
    assert correlations.mean() == pytest.approx(0.3, abs=3 * correlations.std() / np.sqrt(60) + 0.01)
    assert np.mean([one.error for one in found]) == pytest.approx(correlations.std(), rel=0.3)


@pytest.mark.parametrize(("together", "expected"), [(True, 1 + 3 * 0.3), (False, 1 - 0.3)])
def test_the_ratio_is_that_of_the_closed_form(worlds, together, expected):
    """Whole groups of four in one arm: 1 + 3 r; half of each group in either arm: 1 - r."""
    ratios = [spatial_ratio(*make(worlds, 0.3, together=together, seed=seed)).ratio for seed in range(60)]
    assert np.mean(ratios) == pytest.approx(expected, rel=0.08)


def test_independent_neighbours_change_nothing(worlds):
    ratios = [spatial_ratio(*make(worlds, 0.0, together=True, seed=seed)).ratio for seed in range(60)]
    assert np.mean(np.array(ratios) == 1) >= 0.95


def test_too_few_groups_measure_nothing(worlds):
    design, groups = make(worlds, 0.6, together=True)
    found = spatial_ratio(design, np.where(groups.astype(int) < 15, "a", "b"))
    assert np.isnan(found.correlation)
    assert found.ratio == 1


def test_the_detectable_effect_holds_where_neighbours_move_together(worlds):
    """With the effect that it names, eight of ten studies whose groups share their shocks find it."""
    from evaltoolkit.estimators.registry import estimate

    design, groups = make(worlds, 0.3, together=True, groups=60)
    blind = minimum_detectable_effect(design, draws=300)
    found = minimum_detectable_effect(design, draws=300, groups=groups)
    assert found.spatial_ratio == pytest.approx(1.9, rel=0.3)
    assert found.mde > 1.05 * blind.mde
    assert found.false_alarms > 0.1 > blind.false_alarms
    hits = []
    for seed in range(300):
        study, _ = make(worlds, 0.3, together=True, groups=60, seed=1000 + seed)
        treated = study.cohort[:, None] <= study.times
        row = estimate(worlds["replace"](study, outcome=study.outcome + found.mde * treated)).aggregate("overall")
        hits.append(row.to_frame()["p_value"][0] < 0.05)
    # one panel of 60 groups knows its own noise within some ten per cent
    assert np.mean(hits) == pytest.approx(0.8, abs=0.08)


def test_clusters_that_hold_the_neighbours_already_count_them(worlds):
    design, groups = make(worlds, 0.3, together=True)
    clustered = dataclasses.replace(design, clusters=groups)
    assert minimum_detectable_effect(clustered, draws=100, groups=groups).spatial_ratio == 1


def test_the_rule_speaks_and_arrondissements_can_be_clusters(worlds):
    plan = worlds["plan"]()
    panel, design = worlds["world"]()
    answer = assess_feasibility(
        design,
        panel,
        plan.outcomes[0],
        plan,
        indicator=worlds["indicator"](),
        power=Power(mde=0.01, spatial_ratio=1.69),
    )
    [trigger] = answer.triggers
    assert trigger.rule == "neighbours_move_together"
    assert trigger.facts["spatial_swing"] == pytest.approx(1.3)
    world = simulate_world(1)
    cells = build_panel(world_values(world), load_framework(), unit="livc_r", membership=world.membership)
    groups = arrondissements(cells)
    assert 20 <= groups.nunique() <= 24
    design = make_design(
        cells, "COMP-09", treated_from=world_roster(world), action="coaching", cluster="arrondissement",
        membership=world.membership,
    )  # fmt: skip
    assert set(design.clusters) <= set(groups)
    assert arrondissements(worlds["replace"](panel, units=panel.units.set_axis([f"x{i}" for i in range(120)]))) is None
