"""The locked plan: what was promised, over which definitions and data, on which day; and what changed since."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.canonical import (
    canonical_cohorts,
    canonical_indicators,
    canonical_plan,
    canonical_values,
    digest,
)
from evaltoolkit.plans.deviations import Deviation, Lookback, changes_between
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.reading import PlanFile, read_plan

Stamp = Literal["confirmatory", "deviation", "exploratory"]
_FORMAT = 1


@dataclass(frozen=True)
class Lock:
    """One locking of a plan.

    Attributes
    ----------
    locked_on : ISO date, given by the caller
    plan : canonical content of the plan
    plan_digest, framework_digest, data_digest, treatment_digest : SHA-256
    indicators : digest of each indicator used
    pre_period : digest of each measure's values before anyone was treated
    post_periods_seen : periods from the first treated one on that already held outcome values on that day
    outcomes_seen : outcomes with such values; None in a lock of an older version, which did not tell them apart
    by_period : period -> digest of each measure that had values in it: what is collected later for another period
        before the start breaks no promise; None in a lock of an older version
    """

    locked_on: str
    plan: Mapping[str, Any]
    plan_digest: str
    framework_digest: str
    data_digest: str
    treatment_digest: str
    indicators: Mapping[str, str]
    pre_period: Mapping[str, str]
    post_periods_seen: int
    outcomes_seen: tuple[str, ...] | None = None
    by_period: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class LockComparison:
    """A plan held against its lock.

    Attributes
    ----------
    locked_on : ISO date of the lock that counts; empty where the plan was never locked
    deviations : message ids ``deviation.*`` with facts, for the report
    touched : outcomes whose promise changed; outcomes not listed in ``listed`` were added afterwards
    late : outcomes with values from after the start when the lock was made; such a lock confirms nothing of them
    """

    locked_on: str
    deviations: tuple[Deviation, ...]
    touched: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()

    def stamp(self, indicator: str) -> Stamp:
        """Return how an outcome's numbers may be called."""
        if not self.locked_on or indicator in self.late or indicator not in self.listed:
            return "exploratory"
        return "deviation" if indicator in self.touched else "confirmatory"


def lock_path(plan_path: str | Path) -> Path:
    """Return where the lock of a plan stands: ``evaluation.lock.json`` beside ``evaluation.toml``."""
    return Path(plan_path).with_suffix(".lock.json")


def lock_plan(
    path: str | Path, *, framework: Framework, panel: Panel, cohorts: Mapping[str, float], today: dt.date
) -> Lock:
    """Lock a plan: write the digests of plan, framework, pre-period data and treatment beside it.

    Every earlier lock is kept. The digests depend on content alone: not on the machine, the folder, the order of
    rows or the layout of the file.

    Parameters
    ----------
    path : path of the plan
    panel : the panel that the plan builds
    cohorts : unit -> first treated time (a position on the panel's time axis); ``inf`` never, NaN unknown
    today : the day of locking
    """
    file = read_plan(path)
    lock = _lock_of(file.plan, framework, panel, cohorts, today.isoformat())
    locks = [*read_locks(path), lock]
    content = {"format": _FORMAT, "locks": [asdict(entry) for entry in locks]}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    lock_path(file.path).write_text(text, encoding="utf-8", newline="\n")
    return lock


def read_locks(path: str | Path) -> tuple[Lock, ...]:
    """Return the locks of a plan, oldest first; none where it was never locked."""
    place = lock_path(path)
    if not place.exists():
        return ()
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
        return tuple(Lock(**entry) for entry in content["locks"])
    except (ValueError, KeyError, TypeError):
        raise EvaltoolkitError(
            f'"{place.name}" is not a lock file of this toolkit: restore it from a copy or move it away and lock again.'
        ) from None


def compare_lock(
    path: str | Path | PlanFile, *, framework: Framework, panel: Panel, cohorts: Mapping[str, float]
) -> LockComparison:
    """Hold a plan, its framework, pre-period data and treatment against the lock that counts.

    Locking again counts only while no value after the start of treatment was in the panel; once there is one,
    the last lock before it, or else the first lock, stands. Otherwise a plan could be locked to its result.
    """
    file = path if isinstance(path, PlanFile) else read_plan(path)
    locks = read_locks(file.path)
    if not locks:
        return LockComparison("", (("deviation.not_locked", {}),))
    counting = lock_that_counts(locks)
    now = _lock_of(file.plan, framework, panel, cohorts, "")
    seen = Lookback(counting.locked_on)
    if digest(counting.plan) != counting.plan_digest:
        seen.note("deviation.lock_edited", {}, None)
    _compare_content(counting, now, seen)
    if counting.post_periods_seen:
        seen.inform("deviation.locked_after_data", {"n": counting.post_periods_seen})
    if len(locks) > 1:
        seen.inform("deviation.relocked", {"n": len(locks) - 1, "last": locks[-1].locked_on})
    listed = frozenset(counting.plan["outcomes"])
    return LockComparison(
        counting.locked_on, tuple(seen.deviations), seen.touched_of(listed), listed, _late(counting, listed)
    )


def _late(lock: Lock, listed: frozenset[str]) -> frozenset[str]:
    if lock.outcomes_seen is None:
        return listed if lock.post_periods_seen else frozenset()
    return frozenset(lock.outcomes_seen)


def lock_that_counts(locks: tuple[Lock, ...]) -> Lock:
    """Return the last lock made while no value from after the start was there, or else the first of all."""
    before = [lock for lock in locks if lock.post_periods_seen == 0]
    return before[-1] if before else locks[0]


def _compare_content(lock: Lock, now: Lock, seen: Lookback) -> None:
    changes_between(lock.plan, now.plan, seen)
    for name in sorted(set(lock.indicators) | set(now.indicators)):
        if name in lock.indicators and name in now.indicators and lock.indicators[name] != now.indicators[name]:
            seen.note("deviation.framework_changed", {"indicator": name}, _touched_by(name, lock))
    for name in sorted(set(lock.pre_period) & set(now.pre_period)):
        if _values_changed(name, lock, now):
            seen.note("deviation.data_changed", {"indicator": name}, _touched_by(name, lock))
    for name in sorted(set(lock.pre_period) - set(now.pre_period)):
        if name in now.plan["outcomes"]:
            seen.note("deviation.data_gone", {"indicator": name}, name)
    if lock.treatment_digest != now.treatment_digest:
        seen.note("deviation.roster_changed", {}, None)


def _values_changed(name: str, lock: Lock, now: Lock) -> bool:
    """Whether values of a measure from before the start are others than those on the day of locking."""
    if lock.by_period is None or now.by_period is None:
        return lock.pre_period[name] != now.pre_period[name]
    later = now.by_period
    return any(
        later.get(period, {}).get(name) != digests[name]
        for period, digests in lock.by_period.items()
        if name in digests
    )


def _touched_by(name: str, lock: Lock) -> str | None:
    """A measure that is not an outcome is a covariate: it enters every estimate."""
    return name if name in lock.plan["outcomes"] else None


def _lock_of(plan: Plan, framework: Framework, panel: Panel, cohorts: Mapping[str, float], on: str) -> Lock:
    content = canonical_plan(plan)
    measures = [outcome.indicator for outcome in plan.outcomes] + list(plan.estimation.covariate_measures)
    before, after = _split_periods(panel, cohorts, plan.treatment.rule)
    indicators = canonical_indicators(plan, framework)
    values = canonical_values(panel, measures, before)
    seen = _seen_after(panel, plan, after)
    return Lock(
        locked_on=on,
        plan=content,
        plan_digest=digest(content),
        framework_digest=digest(indicators),
        data_digest=digest(values),
        treatment_digest=canonical_cohorts(cohorts),
        indicators=indicators,
        pre_period=values,
        post_periods_seen=int(seen.any(axis=1).sum()),
        outcomes_seen=tuple(seen.columns[seen.any(axis=0)]),
        by_period={label: canonical_values(panel, _observed_in(panel, measures, label), [label]) for label in before},
    )


def _observed_in(panel: Panel, measures: list[str], label: str) -> list[str]:
    """Measures that have a value in a period."""
    names = sorted(set(measures) & set(panel.data.columns))
    labels = panel.data.index.get_level_values(1).astype(str)
    return [name for name in names if panel.data.loc[labels == label, name].notna().any()]


def _split_periods(panel: Panel, cohorts: Mapping[str, float], rule: str) -> tuple[list[str], list[str]]:
    """Return the labels of the periods that end before anyone is treated, and of the others.

    Units treated from the first period on enter no estimate: they do not make every period a late one.
    """
    first = min((time for time in cohorts.values() if not _always(time, panel, rule)), default=float("inf"))
    before = [period.label for period in panel.periods if _end(period) <= first]
    return before, [period.label for period in panel.periods if _end(period) > first]


def _always(time: float, panel: Panel, rule: str) -> bool:
    """Whether a start leaves no period before treatment, or is unknown."""
    if time != time or not panel.periods:
        return time != time
    opening = panel.periods[0]
    return time <= opening.time if rule == "first_full" else time < _end(opening)


def _end(period: Period) -> float:
    """Position of the end of a period's last month, in years."""
    return period.end.year + period.end.month / 12


def _seen_after(panel: Panel, plan: Plan, labels: list[str]) -> pd.DataFrame:
    """Return, by period (of ``labels``) and outcome, whether any unit has a value."""
    names = [outcome.indicator for outcome in plan.outcomes if outcome.indicator in panel.data.columns]
    observed = panel.data[names].notna()
    return observed.groupby(level=1).any().reindex(labels, fill_value=False)
