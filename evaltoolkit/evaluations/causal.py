"""The causal graph of a plan: what it says about the planned comparison, and what the data say about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaltoolkit.checks.refuters import collapse_changes
from evaltoolkit.designs.design import Design
from evaltoolkit.evaluations.inputs import Inputs, load_inputs
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.graphs.graph import ACTION, OUTCOME, CausalGraph
from evaltoolkit.i18n import words
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.graph import graph_of
from evaltoolkit.plans.plan import Outcome, Plan, measure_in
from evaltoolkit.plans.reading import read_plan

if TYPE_CHECKING:
    from evaltoolkit.graphs.evidence import Evidence
    from evaltoolkit.graphs.identify import Identification, Refusal


@dataclass(frozen=True)
class GraphAnswer:
    """The answer of a causal graph to a plan.

    Attributes
    ----------
    graph : CausalGraph
    identification : what follows from the arrows alone
    evidence : what the data say, for each primary outcome; empty while there are no data
    inputs : the plan and its data
    """

    graph: CausalGraph
    identification: Identification
    evidence: tuple[Evidence, ...]
    inputs: Inputs

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything that may not be done, from the arrows and from the data, each once."""
        found = [*self.identification.refusals, *(one for part in self.evidence for one in part.refusals)]
        return tuple(one for place, one in enumerate(found) if one not in found[:place])

    @property
    def sound(self) -> bool:
        """Whether the planned comparison can stand as far as graph and data tell."""
        contradicted = any(part.verdict == "fails" for part in self.evidence)
        return self.identification.decision == "identified" and not self.refusals and not contradicted


def assess_graph(path: str | Path) -> GraphAnswer:
    """Ask the causal graph of a plan whether the planned covariates identify the effect, and hold it against data.

    Without data the arrows alone are asked; before the start, the claims about action and covariates are tested and
    the overlap is measured; afterwards also the claims about the change of each primary outcome.

    Raises
    ------
    EvaltoolkitError
        The plan draws no graph, or plan or data have faults.
    """
    from evaltoolkit.graphs.identify import identify_change

    plan = read_plan(path).plan
    graph = graph_of(plan)
    if graph is None:
        raise EvaltoolkitError(
            'The plan draws no causal graph: add a table [graph] with edges = ["size -> action", "size -> outcome", '
            '"action -> outcome"], and nodes = { size = "log(CTX-01)" } for what is measured.'
        )
    inputs = load_inputs(path, complete=False, also=tuple(measure_in(name) for name in graph.measures.values()))
    identification = identify_change(graph, plan.estimation.covariates)
    primary = [one for one in plan.outcomes if one.role == "primary" and not one.not_measurable]
    found = (_evidence(inputs, graph, identification, outcome) for outcome in primary)
    return GraphAnswer(graph, identification, tuple(one for one in found if one is not None), inputs)


def refuse_covariates(plan: Plan) -> None:
    """Refuse a plan that holds equal what its own graph says may not be; a plan without a graph passes.

    Raises
    ------
    RefusedError
        For each such covariate: the reason and what to do.
    """
    graph = graph_of(plan)
    if graph is None or not plan.estimation.covariates:
        return
    from evaltoolkit.graphs.identify import identify_change

    say = words("en").say
    refused = [
        f"  - {say(one.code, **one.facts)} {say(f'{one.code}.instead', **one.facts)}"
        for one in identify_change(graph, plan.estimation.covariates).refusals
    ]
    if refused:
        head = 'The plan holds equal what its causal graph forbids ("evaltoolkit plan graph" says more):'
        raise RefusedError("\n".join([head, *refused]))


def _evidence(inputs: Inputs, graph: CausalGraph, identification: Identification, outcome: Outcome) -> Evidence | None:
    from evaltoolkit.graphs.evidence import hold_against_data
    from evaltoolkit.graphs.identify import Refusal

    if outcome.indicator not in inputs.panel.measures:
        return None
    nodes = _nodes_with_data(inputs, graph)
    try:
        design = _design(inputs, outcome, [graph.measures[node] for node in nodes])
        frame = _frame(design, nodes)
    except RefusedError:
        return None
    late = [node for node in nodes if _measured_late(graph.measures[node], inputs.panel, design)]
    frame = frame.drop(columns=late)
    evidence = hold_against_data(
        graph, identification.adjustment, frame, outcome=outcome.indicator, level=inputs.plan.estimation.level
    )
    planned = [node for node in late if node in identification.planned]
    told = tuple(Refusal("graph.refused.measured_late", {"covariate": graph.measures[node]}) for node in planned)
    return replace(evidence, refusals=(*told, *evidence.refusals))


def _nodes_with_data(inputs: Inputs, graph: CausalGraph) -> list[str]:
    """Observed baseline nodes; of an own table a column that is missing is a fault, told where it is read."""
    known = {*inputs.panel.measures, *map(str, inputs.panel.units.columns)}
    own = bool(inputs.plan.data.panel)
    return [node for node in graph.baseline if own or measure_in(graph.measures[node]) in known]


def _design(inputs: Inputs, outcome: Outcome, covariates: list[str]) -> Design:
    plan = inputs.plan
    estimation = plan.estimation.model_copy(update={"covariates": tuple(covariates)})
    widened = replace(inputs.file, plan=plan.model_copy(update={"estimation": estimation}))
    return replace(inputs, file=widened).design(outcome)


def _measured_late(covariate: str, panel: Panel, design: Design) -> bool:
    """Whether the first value of a measure comes from when the action may already have acted on it."""
    measure = measure_in(covariate)
    starts = design.cohort[np.isfinite(design.cohort)]
    if measure in panel.units.columns or not len(starts):
        return False
    seen = np.isfinite(panel.wide(measure)).any(axis=0)
    return bool(panel.times[int(np.argmax(seen))] >= starts.min())


def _frame(design: Design, nodes: list[str]) -> pd.DataFrame:
    """One row per unit (or cluster): action, change of the outcome once there is one, and the baseline nodes."""
    if not design.treated.any():
        # nobody has begun: those who will are compared with those who will not
        frame = pd.DataFrame(design.covariates, columns=nodes, index=design.units)
        return frame.assign(**{ACTION: np.isfinite(design.cohort).astype(int)})
    table = collapse_changes(design)
    names = {"treated": ACTION, "change": OUTCOME} | {f"covariate_{place}": node for place, node in enumerate(nodes)}
    return table.set_index("unit").rename(columns=names)[[ACTION, OUTCOME, *nodes]]
