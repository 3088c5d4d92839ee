"""Did those next door move too? Spillover and displacement among untreated neighbours."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import estimate_again, overall_effects
from evaltoolkit.checks._joint import NOTHING, Known, combine_effects, know, p_value
from evaltoolkit.checks._rings import Neighbours, find_neighbours, known_neighbours, ring_starts, zones_of
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError, Fact
from evaltoolkit.panels.panel import Panel

RINGS = 2
_ASSUMPTION = "assumption.no_spillover"


def check_spillover(
    design: Design,
    effects: Effects,
    *,
    panel: Panel | None = None,
    neighbours: Neighbours | None = None,
    membership: pd.DataFrame | None = None,
    smallest_relevant: float | None = None,
    level: float = 0.95,
) -> Check:
    """Compare untreated neighbours of the treated with the untreated further away, and estimate without them.

    Estimand: for the first ring, the effect of a treated unit's start on the untreated units that border it, against
    untreated units outside that ring; the same for the second ring against those beyond it. The net effect, per
    treated unit and period, is the effect on the treated (against untreated units outside the first ring) plus the
    effect on the first ring, times the number of its unit-periods from the start on per treated unit-period (weights
    of the design). Both rest on the same units further away, so that their influence is taken jointly.

    Assumption: the action reaches nobody but those who have it: neither good nor bad moves to the neighbours. Further
    away than the first ring nothing is reached.

    Not when: what moves, moves along other ways than borders and zones (the web, a police region); all untreated units
    border a treated one. Spillover among treated units is not seen.

    Parameters
    ----------
    design : Design
        Where its clusters hold treated and untreated units they are zones, if nobody knows borders or other zones.
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; municipalities and cells have neighbours by the register's borders.
    neighbours : mapping, optional
        Unit -> codes of its neighbours, for units that are not in the register; before the register's.
    membership : DataFrame, optional
        With a column ``zone``: who shares one is a neighbour, and borders are not asked, where a zone holds treated and
        untreated units. Where whole zones started together, they say nothing about who lies beside whom.
    smallest_relevant : float, optional
        Yardstick for a quiet result; else the size of the effect on the treated.
    level : float

    Returns
    -------
    Check
        False where the interval of the first ring excludes zero, or where the answer, larger than its standard error,
        changes its sign without that ring. True where neither, and the interval excludes that neighbours moved as much
        as the yardstick. None where it does not exclude that, below ten clusters on a side, where nobody knows who
        borders whom, where no untreated unit borders a treated one, and where all do. Table: ``quantity, estimate,
        std_error, conf_low, conf_high, n_units``; intervals of rings and of the net effect take the critical value of a
        t distribution with the clusters of the smaller side less one. ``did`` and ``figure["neighbours"]`` (``zones,
        borders``) say who counted as a neighbour.

    References
    ----------
    Clarke (2017), https://mpra.ub.uni-muenchen.de/81604/; Butts (2021), https://doi.org/10.48550/arXiv.2105.03737
    """
    borders = neighbours if neighbours is not None else known_neighbours(panel)
    found = find_neighbours(design, borders, zones_of(design, panel, membership))
    if found is None:
        return Check("spillover", _ASSUMPTION, None, "check.spillover.unknown")
    did = "check.spillover.did_zones" if found.by == "zones" else "check.spillover.did"
    ring, start = ring_starts(design, found.pairs, RINGS)
    near = ring == 1
    if not near.any():
        return Check("spillover", _ASSUMPTION, None, "check.spillover.none")
    facts: dict[str, Fact] = {"near": int(near.sum()), "percent": round(100 * near.sum() / (ring > 0).sum())}
    if not (ring > 1).any():
        return Check("spillover", _ASSUMPTION, None, "check.spillover.not_possible", facts)
    first, second = (_effect_on_ring(design, effects, ring, start, step) for step in (1, 2))
    without = _overall(keep_units(design, ~near), effects)
    net = None if first is None or without is None else _net(design, start, near, without, first)
    seen = {
        "all": know(overall_effects(effects), level),
        "without_neighbours": know(without, level) if without is not None else NOTHING,
        "neighbours": know(first, level, few=True) if first is not None else NOTHING,
        "second_ring": know(second, level, few=True) if second is not None else NOTHING,
        "net": know(net, level, few=True) if net is not None else NOTHING,
    }
    sizes = (len(ring), int((~near).sum()), int(near.sum()), int((ring == 2).sum()), len(ring))
    table = pd.DataFrame(
        [{"quantity": name, **one._asdict(), "n_units": n} for (name, one), n in zip(seen.items(), sizes, strict=True)]
    )
    table = table.rename(columns={"low": "conf_low", "high": "conf_high"})
    code = _code(seen["all"], seen["without_neighbours"], seen["neighbours"], smallest_relevant)
    verdict = {"quiet": True, "moved": False, "turned": False}.get(code)
    figure = {"spillover": table, "ring": pd.DataFrame({"unit": design.units, "ring": ring}), "neighbours": found.by}
    # an answer that turns without the ring is no matter of chance among many checks
    chance = p_value(first, few=True) if first is not None and code != "turned" else math.nan
    return Check("spillover", _ASSUMPTION, verdict, f"check.spillover.{code}", facts, table, figure, did, chance)


def _code(whole: Known, without: Known, neighbours: Known, relevant: float | None) -> str:
    if not math.isfinite(neighbours.estimate):
        return "ring_not_possible"
    scale = whole.std_error if math.isfinite(whole.std_error) else abs(whole.estimate) / 2
    if neighbours.excludes_zero:
        return "moved"
    if without.estimate * whole.estimate < 0 and abs(whole.estimate) >= scale:
        return "turned"
    if not neighbours.has_interval:
        return "few_clusters"
    # an interval that holds as much as the effect itself says little about what neighbours did
    yardstick = relevant if relevant is not None else abs(whole.estimate)
    return "quiet" if max(abs(neighbours.low), abs(neighbours.high)) < yardstick else "no_power"


def _effect_on_ring(
    design: Design, effects: Effects, ring: npt.NDArray[np.intp], start: Array, step: int
) -> Effects | None:
    """Effect on a ring from the start of the nearest treatment on, against untreated units outside it."""
    inside = ring == step
    # a unit that is reached from the first period on, or before, has no before
    kept = (ring > step) | (inside & (start > design.times[0]))
    if not inside.any() or not (ring > step).any():
        return None
    cohort = np.where(inside, start, np.inf)
    again = keep_units(replace(design, cohort=cohort, comparison="never_treated", treatment=None, dose=None), kept)
    return _overall(again, effects)


def _overall(design: Design, effects: Effects) -> Effects | None:
    try:
        return overall_effects(estimate_again(design, effects))
    except EvaltoolkitError:
        return None


def _net(design: Design, start: Array, near: npt.NDArray[np.bool_], own: Effects, first: Effects) -> Effects:
    """Effect on the treated plus what it did to the first ring, per treated unit-period."""
    after = (design.times[None, :] >= start[:, None]) & np.isfinite(design.outcome)
    reached = design.weights * after.sum(axis=1)
    return combine_effects([(own, 1.0), (first, float(reached[near].sum() / reached[design.treated].sum()))])
