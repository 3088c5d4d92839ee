"""evaltoolkit: does local action against radicalisation and polarisation work?

The face of the toolkit; names load when first used. The way through it: definitions, forms, collection, values, panel,
design, effects, checks, evaluation, report.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaltoolkit.checks.registry import check
    from evaltoolkit.designs.build import make_design as design
    from evaltoolkit.designs.rollout import draw_rollout
    from evaltoolkit.designs.rollout_files import verify_rollout, write_rollout
    from evaltoolkit.designs.roster import read_roster
    from evaltoolkit.designs.table import design_from_table
    from evaltoolkit.effects.effects import Effects
    from evaltoolkit.estimators.counts import incidents_avoided, rate_ratio
    from evaltoolkit.estimators.decomposition import decompose_two_way
    from evaltoolkit.estimators.registry import estimate
    from evaltoolkit.estimators.twfe_weights import weigh_two_way
    from evaltoolkit.evaluations.causal import assess_graph
    from evaltoolkit.evaluations.run import assess_plan, lock, run_plan
    from evaltoolkit.findings import EvaltoolkitError, FaultsError, Finding, RefusedError
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.inference.choose import infer
    from evaltoolkit.panels.build import build_panel
    from evaltoolkit.panels.read import read_panel
    from evaltoolkit.panels.simulate import simulate_world
    from evaltoolkit.panels.world_tables import world_roster, world_values
    from evaltoolkit.plans.declared import power_from_study, power_over
    from evaltoolkit.plans.power import minimum_detectable_effect
    from evaltoolkit.plans.pretrend import pretrend_power
    from evaltoolkit.plans.study import read_study
    from evaltoolkit.reports.bundle import write_bundle
    from evaltoolkit.reports.bundle_check import verify_bundle
    from evaltoolkit.reports.draw import draw_figure
    from evaltoolkit.reports.graph_figure import write_graph
    from evaltoolkit.reports.municipality import write_municipality_pages
    from evaltoolkit.reports.notebook import say
    from evaltoolkit.reports.pages import write_report
    from evaltoolkit.reports.tables import write_results
    from evaltoolkit.submissions.collect import collect_folder as collect
    from evaltoolkit.submissions.long import read_long
    from evaltoolkit.submissions.store import load_store
    from evaltoolkit.submissions.wide import read_wide
    from evaltoolkit.submissions.write import write_templates
    from evaltoolkit.territory.membership import read_membership
    from evaltoolkit.worksheets.files import read_worksheet, write_worksheet
    from evaltoolkit.worksheets.judge import judge_worksheet

__version__ = _version("evaltoolkit")

# public name -> module and, where it differs, the name there
_FACE = {
    "Effects": "effects.effects",
    "EvaltoolkitError": "findings",
    "FaultsError": "findings",
    "Finding": "findings",
    "RefusedError": "findings",
    "assess_graph": "evaluations.causal",
    "assess_plan": "evaluations.run",
    "build_panel": "panels.build",
    "check": "checks.registry",
    "collect": "submissions.collect:collect_folder",
    "decompose_two_way": "estimators.decomposition",
    "design": "designs.build:make_design",
    "design_from_table": "designs.table",
    "draw_figure": "reports.draw",
    "draw_rollout": "designs.rollout",
    "estimate": "estimators.registry",
    "incidents_avoided": "estimators.counts",
    "infer": "inference.choose",
    "judge_worksheet": "worksheets.judge",
    "load_framework": "framework.load",
    "load_store": "submissions.store",
    "lock": "evaluations.run",
    "minimum_detectable_effect": "plans.power",
    "power_from_study": "plans.declared",
    "power_over": "plans.declared",
    "pretrend_power": "plans.pretrend",
    "rate_ratio": "estimators.counts",
    "read_long": "submissions.long",
    "read_membership": "territory.membership",
    "read_panel": "panels.read",
    "read_roster": "designs.roster",
    "read_study": "plans.study",
    "read_wide": "submissions.wide",
    "read_worksheet": "worksheets.files",
    "run_plan": "evaluations.run",
    "say": "reports.notebook",
    "simulate_world": "panels.simulate",
    "verify_bundle": "reports.bundle_check",
    "verify_rollout": "designs.rollout_files",
    "weigh_two_way": "estimators.twfe_weights",
    "world_roster": "panels.world_tables",
    "world_values": "panels.world_tables",
    "write_bundle": "reports.bundle",
    "write_graph": "reports.graph_figure",
    "write_municipality_pages": "reports.municipality",
    "write_report": "reports.pages",
    "write_results": "reports.tables",
    "write_rollout": "designs.rollout_files",
    "write_templates": "submissions.write",
    "write_worksheet": "worksheets.files",
}

__all__ = [
    "Effects",
    "EvaltoolkitError",
    "FaultsError",
    "Finding",
    "RefusedError",
    "assess_graph",
    "assess_plan",
    "build_panel",
    "check",
    "collect",
    "decompose_two_way",
    "design",
    "design_from_table",
    "draw_figure",
    "draw_rollout",
    "estimate",
    "incidents_avoided",
    "infer",
    "judge_worksheet",
    "load_framework",
    "load_store",
    "lock",
    "minimum_detectable_effect",
    "power_from_study",
    "power_over",
    "pretrend_power",
    "rate_ratio",
    "read_long",
    "read_membership",
    "read_panel",
    "read_roster",
    "read_study",
    "read_wide",
    "read_worksheet",
    "run_plan",
    "say",
    "simulate_world",
    "verify_bundle",
    "verify_rollout",
    "weigh_two_way",
    "world_roster",
    "world_values",
    "write_bundle",
    "write_graph",
    "write_municipality_pages",
    "write_report",
    "write_results",
    "write_rollout",
    "write_templates",
    "write_worksheet",
]


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'evaltoolkit' has no attribute {name!r}")
    module, _, there = _FACE[name].partition(":")
    value = getattr(import_module(f"evaltoolkit.{module}"), there or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
