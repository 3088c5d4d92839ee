"""A graph held against data: one row per unit, the change of the outcome, baseline values of the observed nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from evaltoolkit.graphs.graph import ACTION, CausalGraph
from evaltoolkit.graphs.identify import Refusal
from evaltoolkit.graphs.independence import claims_table, implied_independencies
from evaltoolkit.graphs.overlap import Overlap, measure_overlap

Verdict = Literal["holds", "fails", "saturated", "no_data"]


@dataclass(frozen=True)
class Evidence:
    """What data say about a graph and about the comparison it asks for.

    Attributes
    ----------
    verdict : ``fails`` where a claim of the graph is contradicted, ``holds`` where none is, ``saturated`` where the
        graph makes no claim that can be tested, ``no_data`` where no claim could be tested
    tests : see :func:`evaltoolkit.graphs.independence.claims_table`
    overlap : of treated and comparison units on what is held equal
    refusals : why the data may not be used so, or why no comparison is possible
    outcome : name of the outcome whose change it is; empty while there is no change yet
    """

    verdict: Verdict
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    overlap: Overlap = field(default_factory=lambda: Overlap("no_data"))
    refusals: tuple[Refusal, ...] = ()
    outcome: str = ""


def hold_against_data(
    graph: CausalGraph, adjustment: Sequence[str], frame: pd.DataFrame, *, outcome: str = "", level: float = 0.95
) -> Evidence:
    """Test what a graph claims, and look for comparison units like the treated ones.

    Parameters
    ----------
    graph : CausalGraph
    adjustment : nodes to be held equal
    frame : index unit, each once; column ``action`` holds 0 and 1, ``outcome`` the change (it may be missing before
        there is one), every other node its value from before the start
    outcome : name of the outcome
    level : for the family of tests

    Returns
    -------
    Evidence
        With a refusal, and nothing else, where a unit has several rows: rows of one unit are not independent, so
        that every test would see far more than there is.
    """
    repeated = int(frame.index.duplicated().sum())
    if repeated:
        facts = {"rows": len(frame), "units": len(frame) - repeated}
        return Evidence("no_data", refusals=(Refusal("graph.refused.unit_period", facts),), outcome=outcome)
    claims = implied_independencies(graph)
    tests = claims_table(claims, frame, level)
    overlap = _overlap(frame, [node for node in adjustment if node in frame.columns])
    refusals: tuple[Refusal, ...] = ()
    if overlap.verdict == "none":
        refusals = (Refusal("graph.refused.no_overlap", {"share": round(100 * overlap.outside), **_widest(overlap)}),)
    return Evidence(_verdict(tests, level), tests, overlap, refusals, outcome)


def _verdict(tests: pd.DataFrame, level: float) -> Verdict:
    if tests.empty:
        return "saturated"
    if tests["p_holm"].isna().all():
        return "no_data"
    return "fails" if (tests["p_holm"] < 1 - level).any() else "holds"


def _overlap(frame: pd.DataFrame, names: list[str]) -> Overlap:
    if ACTION not in frame.columns:
        return Overlap("no_data")
    values = frame[[ACTION, *names]].to_numpy(dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    return measure_overlap(values[:, 0] == 1, values[:, 1:], names)


def _widest(overlap: Overlap) -> dict[str, str]:
    """Return the covariate on which the groups differ most, to begin looking at."""
    distance = overlap.by_covariate["difference"].abs()
    worst = int(distance.fillna(np.inf).to_numpy().argmax())
    return {"node": str(overlap.by_covariate["covariate"].iloc[worst])}
