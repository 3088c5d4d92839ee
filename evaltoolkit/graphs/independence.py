"""What a graph claims about data: pairs without an arrow must be unrelated, given others. Partial correlation tests it.

Tested are only nodes whose values are from before the start, the action, and the change of the outcome. A graph in
which all of them are joined claims nothing that data could contradict.
"""

from __future__ import annotations

import math
from itertools import combinations
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.graphs.graph import ACTION, OUTCOME, CausalGraph

Array = npt.NDArray[np.float64]
COLUMNS = ["one", "other", "given", "n", "correlation", "p_value", "p_holm", "detectable", "reason"]
_POWER = 0.8


class Independence(NamedTuple):
    """A claim of a graph: ``one`` and ``other`` are unrelated, given the nodes ``given``."""

    one: str
    other: str
    given: tuple[str, ...]


def implied_independencies(graph: CausalGraph) -> tuple[Independence, ...]:
    """Return for every pair of testable nodes that can be separated a smallest set of testable nodes that does so."""
    import networkx as nx

    from evaltoolkit.graphs.identify import network

    net = network(graph)
    tested = [node for node in graph.nodes if node in (ACTION, OUTCOME, *graph.baseline)]
    claims = []
    for one, other in combinations(tested, 2):
        if net.has_edge(one, other) or net.has_edge(other, one):
            continue
        others = {node for node in tested if node not in (one, other)}
        given = nx.find_minimal_d_separator(net, {one}, {other}, restricted=others)
        if given is not None:
            claims.append(Independence(one, other, tuple(sorted(given))))
    return tuple(claims)


def claims_table(claims: tuple[Independence, ...], frame: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Test claims on a table with one row per unit.

    Assumption: the relations are linear; a bent relation with a partial correlation of zero is not seen.

    Parameters
    ----------
    claims : what the graph implies
    frame : one column per node; rows with a missing value are left out of the tests that need it
    level : the family of tests gives a false alarm in at most ``1 - level`` of cases (Holm)

    Returns
    -------
    DataFrame
        One row per claim: ``correlation`` (partial), ``p_value`` (Fisher z), ``p_holm``, and ``detectable``, the
        partial correlation that a single test of this size finds in 80 % of cases. Undefined is NaN with ``reason``:
        ``no_data``, ``too_few`` or ``constant``.

    References
    ----------
    Fisher (1924), Metron 3, 329-332; Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    table = pd.DataFrame([_tested(claim, frame, level) for claim in claims], columns=COLUMNS)
    return table.assign(p_holm=holm(table["p_value"].to_numpy(dtype=float)))


def _tested(claim: Independence, frame: pd.DataFrame, level: float) -> dict[str, object]:
    row = {"one": claim.one, "other": claim.other, "given": claim.given, "n": 0}
    nothing = dict.fromkeys(("correlation", "p_value", "detectable"), math.nan)
    names = [claim.one, claim.other, *claim.given]
    if any(name not in frame.columns for name in names):
        return {**row, **nothing, "reason": "no_data"}
    values = frame[names].to_numpy(dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    row["n"] = len(values)
    free = len(values) - len(claim.given) - 3
    if free < 1:
        return {**row, **nothing, "reason": "too_few"}
    correlation = partial_correlation(values[:, 0], values[:, 1], values[:, 2:])
    if math.isnan(correlation):
        return {**row, **nothing, "reason": "constant"}
    return {
        **row,
        "correlation": correlation,
        "p_value": fisher_p(correlation, free),
        "detectable": _detectable(free, level),
        "reason": "",
    }


def partial_correlation(one: Array, other: Array, given: Array) -> float:
    """Return the correlation of two variables (n,) after both were regressed on ``given`` (n, k), k may be 0.

    NaN where nothing of either variable is left.
    """
    rows = np.column_stack([np.ones(len(one)), given])
    left = [_left_over(values, rows) for values in (one, other)]
    if any(part is None for part in left):
        return math.nan
    first, second = (np.asarray(part) for part in left)
    return float(np.clip(first @ second / math.sqrt((first @ first) * (second @ second)), -1.0, 1.0))


def _left_over(values: Array, rows: Array) -> Array | None:
    centred = values - values.mean()
    # columns of equal size, so that what counts as collinear does not depend on units
    scale = np.sqrt((rows**2).mean(axis=0))
    scaled = rows / np.where(scale > 0, scale, 1.0)
    rest: Array = centred - scaled @ np.linalg.lstsq(scaled, centred, rcond=None)[0]
    return rest if rest @ rest > 1e-16 * max(centred @ centred, np.finfo(float).tiny) else None


def fisher_p(correlation: float, free: int) -> float:
    """Return the two-sided p-value of a (partial) correlation; ``free`` is n less the number given less 3."""
    if abs(correlation) >= 1:
        return 0.0
    return math.erfc(abs(math.atanh(correlation)) * math.sqrt(free) / math.sqrt(2))


def _detectable(free: int, level: float) -> float:
    normal = NormalDist()
    return math.tanh((normal.inv_cdf(0.5 + level / 2) + normal.inv_cdf(_POWER)) / math.sqrt(free))


def holm(p_values: Array) -> Array:
    """Return p-values adjusted for their number, step down; NaN stays NaN and does not count."""
    out = np.full(len(p_values), np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = len(order) - np.arange(len(order))
    out[order] = np.minimum(np.maximum.accumulate(p_values[order] * steps), 1.0)
    return out
