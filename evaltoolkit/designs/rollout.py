"""Draw by lot who starts when: stratified, balanced by drawing again, to be repeated from its seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.designs.allocation import (
    Array,
    Ints,
    Mechanism,
    draw_admissible,
    draw_first,
    find_threshold,
    measure_distance,
    whiten,
)
from evaltoolkit.designs.rollout_rules import WITHOUT_START, Rules, as_names
from evaltoolkit.designs.rollout_tables import balance_of, roster_of
from evaltoolkit.designs.rollout_units import RolloutUnits, read_units
from evaltoolkit.findings import EvaltoolkitError, Fact, Finding

# one seed, four streams that do not know each other
_FOR_THRESHOLD, _FOR_DRAW, _FOR_REDRAWS, _FOR_CHANCES = 0, 1, 2, 3
# redraws that look for units with another chance, and how many standard errors off one of them must lie to be told
_LOOKS, _CLEARLY = 1000, 4.5
# fewer admissible allocations than this, in mirrored pairs, cannot give a two-sided p-value of 0.05
_FEW_ALLOCATIONS = 40


@dataclass(frozen=True)
class Rollout:
    """A random assignment of units to starts, with what it was drawn from.

    Attributes
    ----------
    rules : Rules
        Settings, the seed among them.
    units : RolloutUnits
        What the draw was made from, sorted by code.
    mechanism : Mechanism
        What the allocation was drawn from and can be drawn from again.
    arms : (m,) place in ``rules.labels`` of the start of each item (unit, or cluster)
    roster : DataFrame
        The columns of :func:`evaltoolkit.designs.roster.read_roster`; waiting and never have the state ``never``.
    balance : DataFrame
        Columns ``variable, start, n, mean, before, after``: mean in the arm, and the difference from all others in
        standard deviations, ``after`` in this allocation and ``before`` typically (root mean square) in a draw
        without balancing. Rows of what is drawn: with clusters, means over clusters of their means.
    findings : tuple of Finding
        What a person should know before using the draw.
    info : mapping
        ``candidates, accepted, accepted_share, threshold, distance, different``; ``equal_chances`` is 1 where every
        unit had exactly the same chance of each start after balancing.
    """

    rules: Rules
    units: RolloutUnits
    mechanism: Mechanism
    arms: Ints
    roster: pd.DataFrame
    balance: pd.DataFrame
    findings: tuple[Finding, ...]
    info: Mapping[str, int | float]

    @property
    def allocation(self) -> pd.Series:
        """Label of the start of each unit."""
        return self._labelled(self.arms[None])[0].rename("start")

    def redraw(self, draws: int, seed: int) -> pd.DataFrame:
        """Draw further allocations from exactly the mechanism of this one, for randomisation inference.

        Given strata, sizes and the threshold of balance, the allocation that counts and every redraw are independent
        draws from one law. So under the sharp null hypothesis the share ``(1 + count) / (1 + draws)`` of allocations
        with a statistic at least as large is a valid p-value.

        Parameters
        ----------
        draws : number of allocations, at least 1
        seed : int, another than that of the draw or the same: the streams differ

        Returns
        -------
        DataFrame
            Index unit, one column per redraw; entries are labels of starts.
        """
        return self._labelled(self._redrawn(draws, seed))

    def chances(self, draws: int = 10_000, seed: int = 0) -> pd.DataFrame:
        """Estimate each unit's chance of each start by redrawing: index unit, one column per start.

        Needed as weights where sizes differ and something is balanced: units with extreme values then come more often
        into the larger arms (``info["equal_chances"]`` is 0). The standard error is sqrt(p (1 - p) / draws).
        """
        shares = _shares(self._redrawn(draws, seed), len(self.rules.labels))
        return pd.DataFrame(shares[self.units.item], index=self._index(), columns=list(self.rules.labels))

    def _redrawn(self, draws: int, seed: int) -> Ints:
        if draws < 1 or seed < 0:
            raise EvaltoolkitError("draws counts allocations, from 1 on; the seed is a whole number from 0 on.")
        return draw_admissible(self.mechanism, [seed, _FOR_REDRAWS], draws)

    def _labelled(self, arms: Ints) -> pd.DataFrame:
        return pd.DataFrame(np.array(self.rules.labels)[arms[:, self.units.item].T], index=self._index())

    def _index(self) -> pd.Index:
        return pd.Index(self.units.units, name="unit")


def draw_rollout(
    table: pd.DataFrame | str | Path,
    *,
    unit: str,
    action: str,
    cohorts: Mapping[str, int],
    seed: int,
    strata: Sequence[str] | str = (),
    balance: Sequence[str] | str = (),
    cluster: str | None = None,
    candidates: int = 1000,
    accept: float = 0.1,
    decimal: str = ".",
) -> Rollout:
    """Assign units (or clusters of them) to starting periods by lot, so that the effect can be estimated by design.

    Assumption: the assignment is carried out as drawn. Within strata every start gets its proportional share, rounded
    down or up by lot, so that before balancing every unit has exactly the same chance of each start. The threshold of
    balance is the distance of the worst among the best share ``accept`` of ``candidates`` allocations; the allocation
    is then drawn anew until one is within the threshold. The threshold does not depend on that draw, so that redraws
    follow exactly the law of the draw. With starts of equal size chances stay exactly equal after balancing; with
    unequal sizes they do not (Morgan and Rubin): units with extreme values are kept out of small arms, at worst for
    good. The unit most kept out is told, and :meth:`Rollout.chances` gives what weights need.

    Units are sorted by their code, starts by date, strata and clusters by their first unit: the order of rows and
    columns and the names of strata and clusters change nothing in who gets what.

    Parameters
    ----------
    table : DataFrame or path (CSV or xlsx), one row per unit
    unit : column with the unit's code
    action : what starts, as the roster names it
    cohorts : label of each start -> number of units (of clusters where ``cluster`` is given), for example
        ``{"2027-01": 10, "2027-07": 10, "never": 10}``; labels are a year, quarter, month or day, ``never``, or
        ``waiting`` for a waiting list without a date yet
    seed : whole number, best fixed in public before the draw
    strata : columns within whose combinations units are drawn
    balance : columns with numbers known before the draw; a missing value takes the column's median, and that it was
        missing is balanced too
    cluster : column; units with the same entry get the same start, a unit without entry stands alone
    candidates : number of allocations that set the threshold of balance
    accept : share of allocations that is admitted
    decimal : decimal mark of numbers written as text, ``.`` or ``,``

    Returns
    -------
    Rollout

    Raises
    ------
    FaultsError
        All faults at once: settings, unknown columns, codes given twice, sizes that do not add up, values that are no
        numbers, clusters that lie in several strata.

    References
    ----------
    Morgan, Rubin (2012), doi:10.1214/12-AOS1008 (rerandomisation);
    Cox (1987), doi:10.1080/01621459.1987.10478456 (rounding by lot).

    Examples
    --------
    >>> import pandas as pd
    >>> towns = pd.DataFrame({"nis": range(11001, 11013), "region": ["A", "B"] * 6, "population": range(5, 17)})
    >>> rollout = draw_rollout(towns, unit="nis", action="coaching", cohorts={"2027-01": 6, "never": 6},
    ...                        strata="region", balance="population", seed=20270101)
    >>> rollout.roster["state"].value_counts().sort_index().to_dict()
    {'never': 6, 'treated': 6}
    """
    rules = Rules(
        unit=unit,
        action=action.strip(),
        sizes={_label(label): int(n) if _whole(n) else n for label, n in cohorts.items()},
        seed=int(seed) if _whole(seed) else seed,
        strata=as_names(strata),
        balance=as_names(balance),
        cluster=cluster,
        candidates=candidates,
        accept=accept,
        decimal=decimal,
    )
    return draw_by_rules(table, rules)


def _label(label: object) -> str:
    text = str(label).strip()
    return text.casefold() if text.casefold() in WITHOUT_START else text


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def draw_by_rules(table: pd.DataFrame | str | Path, rules: Rules) -> Rollout:
    """Draw with settings that stand in a record already; see :func:`draw_rollout`."""
    units = read_units(table, rules)
    sizes = np.array([rules.sizes[label] for label in rules.labels], dtype=np.int64)
    scores = whiten(units.values) if units.names else np.empty((len(units.stratum), 0))
    mechanism = Mechanism(units.stratum, sizes, scores)
    tried, distances = draw_first(mechanism, [rules.seed, _FOR_THRESHOLD], rules.candidates)
    mechanism = replace(mechanism, threshold=find_threshold(distances, rules.accept))
    accepted = distances <= mechanism.threshold
    arms = draw_admissible(mechanism, [rules.seed, _FOR_DRAW], 1)[0]
    info = {
        "candidates": rules.candidates,
        "accepted": int(accepted.sum()),
        "accepted_share": float(accepted.mean()),
        "threshold": mechanism.threshold,
        "distance": float(measure_distance(mechanism, arms[None])[0]),
        "different": len(np.unique(tried[accepted], axis=0)),
        "equal_chances": int(not units.names or len(set(sizes.tolist())) == 1),
    }
    return Rollout(
        rules=rules,
        units=units,
        mechanism=mechanism,
        arms=arms,
        roster=roster_of(units, rules, arms),
        balance=balance_of(units, rules, arms, tried),
        findings=_findings(units, mechanism, rules, info),
        info=info,
    )


def _shares(arms: Ints, n_arms: int) -> Array:
    """Share of allocations (draws, m) that give each item each arm: (m, K)."""
    return np.stack([(arms == arm).mean(axis=0) for arm in range(n_arms)], axis=1)


def _findings(
    units: RolloutUnits, mechanism: Mechanism, rules: Rules, info: Mapping[str, int | float]
) -> tuple[Finding, ...]:
    found = []
    small = int((np.bincount(units.stratum) < len(rules.labels)).sum())
    if small:
        found.append(Finding("rollout.small_stratum", "note", facts={"n": small, "starts": len(rules.labels)}))
    for name, count in units.missing.items():
        found.append(Finding("rollout.missing_balance", "note", facts={"n": count, "column": name}))
    if not info["equal_chances"]:
        found += _unequal_chances(units, mechanism, rules)
    if info["different"] < _FEW_ALLOCATIONS:
        found.append(Finding("rollout.few_allocations", "note", facts={"n": int(info["different"])}))
    return tuple(found)


def _unequal_chances(units: RolloutUnits, mechanism: Mechanism, rules: Rules) -> list[Finding]:
    """Name the unit that balancing keeps out of a start most clearly, where there is one."""
    shares = _shares(draw_admissible(mechanism, [rules.seed, _FOR_CHANCES], _LOOKS), len(rules.labels))
    wanted = mechanism.sizes / len(units.stratum)
    off = (shares - wanted) / np.sqrt(wanted * (1 - wanted) / _LOOKS)
    # the lowest share of its due among those that are no accident of the redraws
    ratio = np.where(off < -_CLEARLY, shares / wanted, np.inf)
    item, arm = (int(place) for place in np.unravel_index(int(ratio.argmin()), ratio.shape))
    if not np.isfinite(ratio[item, arm]):
        return []
    label = rules.labels[arm]
    facts: dict[str, Fact] = {
        "unit": units.units[int(np.flatnonzero(units.item == item)[0])],
        "start": f"@rollout.label.{label}" if label in WITHOUT_START else label,
        "chance": round(100 * float(shares[item, arm])),
        "wanted": round(100 * float(wanted[arm])),
    }
    return [Finding("rollout.unequal_chances", "note", facts=facts)]
