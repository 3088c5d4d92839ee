"""Every rule speaks in a world built for it, and none in a good one."""

from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.designs.subset import keep_units
from evaltoolkit.findings import Finding, Where
from evaltoolkit.framework.load import load_framework
from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.simulate import simulate_world
from evaltoolkit.panels.world_tables import world_values
from evaltoolkit.plans.evidence import shared_cell_share
from evaltoolkit.plans.feasibility import assess_feasibility
from evaltoolkit.plans.power import Power
from evaltoolkit.plans.rules import feasibility_rules
from evaltoolkit.plans.statistics import drop_short_cohorts

GOOD = Power(mde=0.01)


def ask(worlds, *, world=None, plan=None, indicator=None, design=None, panel=None, power=GOOD, **options):
    _, made = worlds["world"](**(world or {}))
    design = design(made) if design else made
    panel = panel(design) if panel else worlds["panel_of"](design)
    plan = plan or worlds["plan"]()
    indicator = indicator if indicator is not None else worlds["indicator"]()
    return assess_feasibility(design, panel, plan.outcomes[0], plan, indicator=indicator, power=power, **options)


def rules_of(answer):
    return {trigger.rule: trigger for trigger in answer.triggers}


def test_good_world_goes_with_a_computed_minimum(worlds):
    answer = ask(worlds, power=None)
    assert answer.decision == "go"
    assert answer.triggers == ()
    assert 0 < answer.mde < answer.smallest_relevant == 0.05
    assert answer.mde_reason == ""
    assert answer.facts["n_unchecked"] == 0
    assert answer.facts["power_source"] == "comparison_paths"
    power = answer.power.set_index("effect")["power"]
    assert power.is_monotonic_increasing
    assert np.interp(answer.mde, power.index, power) == pytest.approx(0.8, abs=0.02)


def _with_covariate(design, *, apart):
    """One covariate, in which the treated lie this many standard deviations from the others."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=len(design.units)) + apart * design.treated
    return replace(design, covariates=values[:, None], covariate_names=("x",))


CASES = {
    "all_treated_at_once": {"world": {"n_never": 0, "cohorts": (2022,)}},
    "no_comparison": {"world": {"n_never": 0, "cohorts": (2022, 2023)}},
    "not_started": {"world": {"cohorts": (2026,)}, "power": Power(mde=np.nan, reason="mde.few_clusters")},
    "few_treated_clusters": {"world": {"cohorts": (2022,), "size": 9}},
    "few_comparison_clusters": {"world": {"n_never": 9}},
    "one_pre_period": {"world": {"cohorts": (2020,)}},
    "short_cohorts": {"world": {"cohorts": (2020, 2023)}},
    "outcome_moved": {"treatment": {"started_because_outcome_moved": True}},
    "spillover_everywhere": {"treatment": {"spillover": "everywhere"}},
    "break_at_start": {"world": {"cohorts": (2022,)}, "outcome": {"wording_break": "2022"}},
    "break_at_some_starts": {"world": {"cohorts": (2021, 2022, 2023)}, "outcome": {"wording_break": "2022"}},
    "self_recorded": {"indicator": {"self_recorded": True}},
    "far_too_weak": {"power": Power(mde=0.1)},
    "weak": {"power": Power(mde=0.06)},
    "neighbours_move_together": {"power": Power(mde=0.01, spatial_ratio=1.44)},
    "no_overlap": {"design": lambda made: _with_covariate(made, apart=6.0)},
    "partial_overlap": {"design": lambda made: _with_covariate(made, apart=1.9)},
    "power_unknown": {"power": Power(mde=np.nan, reason="mde.no_source")},
}


@pytest.mark.parametrize("rule", CASES)
def test_rule_speaks_alone_in_its_world(worlds, rule):
    case = dict(CASES[rule])
    plan = worlds["plan"](case.pop("outcome", None), treatment=case.pop("treatment", {}))
    indicator = worlds["indicator"](**case.pop("indicator", {}))
    answer = ask(worlds, plan=plan, indicator=indicator, **case)
    weight = next(entry.weight for entry in feasibility_rules() if entry.id == rule)
    assert list(rules_of(answer)) == [rule]
    assert answer.decision == {"stop": "do_not_run", "adapt": "go_with"}[weight]


def test_rare_recorded_events(worlds):
    rng = np.random.default_rng(1)

    def rare(design):
        return worlds["replace"](design, outcome=rng.poisson(1.8, design.outcome.shape).astype(float))

    plan = worlds["plan"]({"detection_range": [0.9, 1.3]})
    answer = ask(worlds, plan=plan, indicator=worlds["recorded"](id="HAR-01"), design=rare)
    trigger = rules_of(answer)["rare_outcome"]
    assert answer.decision == "do_not_run"
    assert trigger.facts["events_per_unit_year"] == pytest.approx(1.8, abs=0.2)
    assert trigger.facts["threshold"] == 5
    assert "pool_years" in trigger.alternatives
    often = ask(
        worlds,
        plan=plan,
        indicator=worlds["recorded"](),
        design=lambda d: worlds["replace"](d, outcome=rng.poisson(9, d.outcome.shape).astype(float)),
    )
    assert often.decision == "go"


def test_rare_events_behind_a_rate(worlds):
    indicator = worlds["recorded"](
        scale="per_10000",
        value="ratio",
        conversion="ratio",
        parts=[
            {"id": name, "type": "count", "label": {"nl": "a", "fr": "b", "de": "c", "en": "d"}}
            for name in ("numerator", "denominator")
        ],
    )
    plan = worlds["plan"]({"detection_range": [0.9, 1.3]})
    for count, fires in ((2.0, True), (20.0, False)):
        answer = ask(
            worlds, plan=plan, indicator=indicator, panel=lambda d, c=count: worlds["panel_of"](d, numerator=c)
        )
        assert ("rare_outcome" in rules_of(answer)) is fires


def test_events_after_the_start_do_not_count_as_before(worlds):
    plan = worlds["plan"]({"detection_range": [0.9, 1.3]})

    def rising(design):
        treated = design.cohort[:, None] <= design.times
        return worlds["replace"](design, outcome=np.where(treated, 500.0, 1.0))

    answer = ask(worlds, plan=plan, indicator=worlds["recorded"](), design=rising)
    assert answer.facts["events_per_unit_year"] == pytest.approx(1.0, rel=1e-3)


def test_process_counts_are_not_rare_events(worlds):
    meetings = worlds["recorded"](measure="process", reporting="none", source="form")
    answer = ask(worlds, indicator=meetings)
    assert "rare_outcome" not in rules_of(answer)


def test_undeclared_detection_of_a_recorded_outcome(worlds):
    often = lambda d: worlds["replace"](d, outcome=d.outcome + 20)  # noqa: E731
    silent = ask(worlds, indicator=worlds["recorded"](), design=often)
    assert list(rules_of(silent)) == ["detection_undeclared"]
    assert silent.decision == "go_with"
    said = worlds["plan"]({"detection_range": [0.9, 1.3]})
    assert ask(worlds, indicator=worlds["recorded"](), design=often, plan=said).decision == "go"


def test_response_by_arm_counts_units_that_never_answered(worlds):
    panel, design = worlds["world"](n_never=100, cohorts=(2022,), size=60)
    outcome = design.outcome.copy()
    outcome[:30] = np.nan
    full = worlds["replace"](design, outcome=outcome)
    answering = keep_units(full, np.arange(30, len(design.units)))
    plan, panel = worlds["plan"](), worlds["panel_of"](full)
    ask_with = lambda **options: assess_feasibility(  # noqa: E731
        answering, panel, plan.outcomes[0], plan, indicator=worlds["indicator"](), power=GOOD, **options
    )
    assert ask_with().decision == "go"
    told = rules_of(ask_with(cohorts=worlds["cohorts_of"](full)))["response_gap"]
    assert told.facts == {"response_gap": 30, "response_treated": 100, "response_comparison": 70, "threshold": 10}


def test_wording_column_of_the_panel_is_a_break(worlds):
    wording = lambda d: worlds["panel_of"](d, wording=np.where(d.times >= 2022, 2, 1))  # noqa: E731
    answer = ask(worlds, world={"cohorts": (2022,)}, panel=wording)
    assert rules_of(answer)["break_at_start"].facts["break_periods"] == "2022"
    assert ask(worlds, world={"cohorts": (2023,)}, panel=wording).decision == "go"


@pytest.mark.parametrize(("lost", "fires"), [(150, True), (20, False)])
def test_only_shared_cell_totals(worlds, lost, fires):
    finding = Finding("panel.livc_r_divided", "question", Where(indicator="TRU-01"), {"count": lost})
    other = Finding("panel.livc_r_divided", "question", Where(indicator="TRU-02"), {"count": 500})
    told = lambda d: worlds["replace"](worlds["panel_of"](d), findings=(finding, other))  # noqa: E731
    answer = ask(worlds, indicator=worlds["indicator"](level="livc_r"), panel=told)
    assert ("shared_cell_total" in rules_of(answer)) is fires
    assert answer.decision == ("do_not_run" if fires else "go")
    assert ask(worlds, panel=told).decision == "go"


def test_cells_that_a_real_panel_left_out_are_counted():
    world = simulate_world(1)
    framework = load_framework()
    panel = build_panel(world_values(world), framework, unit="municipality", membership=world.membership)
    lost = [f for f in panel.findings if f.code == "panel.livc_r_divided" and f.where.indicator == "COMP-09"]
    kept = int(np.isfinite(panel.wide("COMP-09")).any(axis=1).sum())
    share = shared_cell_share(framework.by_id["COMP-09"], panel)
    assert share == lost[0].facts["count"] / (lost[0].facts["count"] + kept) > 0.1


def test_anticipation_moves_what_counts_as_before(worlds):
    early = lambda d: worlds["replace"](d, anticipation=1)  # noqa: E731
    assert ask(worlds, world={"cohorts": (2021,)}).decision == "go"
    assert "one_pre_period" in rules_of(ask(worlds, world={"cohorts": (2021,)}, design=early))


def test_not_yet_treated_can_compare(worlds):
    staggered = lambda d: worlds["replace"](d, comparison="not_yet_treated")  # noqa: E731
    world = {"n_never": 0, "cohorts": (2022, 2024)}
    assert "no_comparison" in rules_of(ask(worlds, world=world))
    assert ask(worlds, world=world, design=staggered).decision == "go"


def test_treated_without_values_before_do_not_count(worlds):
    def blind(design):
        outcome = design.outcome.copy()
        outcome[np.isfinite(design.cohort) & (np.arange(len(design.units)) % 6 > 0), :3] = np.nan
        return worlds["replace"](design, outcome=outcome)

    answer = ask(worlds, world={"cohorts": (2022,), "size": 30}, design=blind)
    assert rules_of(answer)["few_treated_clusters"].facts["treated_clusters"] == 5


def test_clusters_count_and_not_units(worlds):
    five = lambda d: worlds["replace"](  # noqa: E731
        d, clusters=np.array([f"c{i % 5}" if np.isfinite(g) else f"u{i}" for i, g in enumerate(d.cohort)])
    )
    assert rules_of(ask(worlds, design=five))["few_treated_clusters"].facts["treated_clusters"] == 5


def test_short_cohort_is_named_and_can_be_dropped(worlds):
    _, design = worlds["world"](cohorts=(2020, 2023))
    answer = ask(worlds, world={"cohorts": (2020, 2023)})
    facts = rules_of(answer)["short_cohorts"].facts
    assert facts["cohorts"] == "2020"
    assert facts["clusters_with_two_pre"] == 30
    rest = drop_short_cohorts(design)
    assert set(rest.cohorts) == {2023.0}
    assert list(rest.excluded["reason"].unique()) == ["excluded.one_pre_period"]
    assert len(rest.excluded) == 30
    assert drop_short_cohorts(rest) is rest
    _, early = worlds["world"](cohorts=(2020,))
    assert drop_short_cohorts(early) is early


def test_weak_guardrail_is_told_but_not_refused(worlds):
    plan = worlds["plan"]({"role": "guardrail", "margin": 0.02})
    answer = ask(worlds, plan=plan, power=Power(mde=0.06))
    assert answer.decision == "go_with"
    assert rules_of(answer)["weak"].facts["mde_ratio"] == 3


def test_own_table_says_what_was_not_checked(worlds):
    plan = worlds["plan"]()
    panel, design = worlds["world"]()
    answer = assess_feasibility(design, panel, plan.outcomes[0], plan, power=GOOD)
    assert answer.decision == "go"
    assert answer.facts["n_unchecked"] == 4


def test_every_rule_has_a_world():
    elsewhere = {"shared_cell_total", "rare_outcome", "detection_undeclared", "response_gap"}
    assert {rule.id for rule in feasibility_rules()} == set(CASES) | elsewhere
