"""Numbers with a key, on our side and on theirs, and how they are held against each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaltoolkit.audit.question import Question, aggregate
from evaltoolkit.designs.design import Array
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import inference_reasons, std_errors
from evaltoolkit.estimators.cells import REFERENCE, first_positions

Pair = tuple[float, float]
# of the estimate or its standard error, whichever is larger; of a standard error: of itself
TOLERANCE = 1e-6
OVERALL: tuple[Hashable, ...] = ("overall",)


@dataclass(frozen=True)
class Rows:
    """Estimates with standard errors, each under a key.

    Attributes
    ----------
    keys : what identifies a row: (cohort, period) by number, event time in periods, or a name
    labels : the same in words
    estimate, std_error : (k,) NaN where undefined
    reasons, error_reasons : (k,) why
    """

    keys: tuple[Hashable, ...]
    labels: tuple[str, ...]
    estimate: Array
    std_error: Array
    reasons: tuple[str, ...]
    error_reasons: tuple[str, ...]

    def scaled(self, factor: float) -> Rows:
        """Return the rows with standard errors times a factor."""
        return replace(self, std_error=self.std_error * factor)

    def taken(self, places: Sequence[int]) -> Rows:
        """Return some of the rows."""
        at = list(places)
        words = [tuple(values[i] for i in at) for values in (self.labels, self.reasons, self.error_reasons)]
        keys = tuple(self.keys[i] for i in at)
        return Rows(keys, words[0], self.estimate[at], self.std_error[at], words[1], words[2])

    def matched(self, other: Rows) -> Rows:
        """Return these rows with the numbers that another result has under their keys; NaN where it has none."""
        place = {key: i for i, key in enumerate(other.keys)}
        at = np.array([place.get(key, -1) for key in self.keys], dtype=int)
        columns = (np.r_[values, np.nan][at] for values in (other.estimate, other.std_error))
        estimate, std_error = columns
        return replace(self, estimate=estimate, std_error=std_error)


@dataclass(frozen=True)
class Way:
    """A convention of an engine, what our numbers become under it, and to what that closes the gap."""

    code: str
    rows: Rows
    bound: float = TOLERANCE


def with_factor(ours: Rows, ways: Sequence[Way], code: str, factor: float) -> list[Way]:
    """Return ways, and each of them, and ours as they are, with standard errors times a factor."""
    return [
        *ways,
        Way(code, ours.scaled(factor)),
        *(Way(f"{way.code}+{code}", way.rows.scaled(factor), way.bound) for way in ways),
    ]


@dataclass(frozen=True)
class Figure:
    """One number of an engine beside ours.

    Attributes
    ----------
    quantity : ``estimate``, ``std_error`` or ``weight``
    label : which
    ours, theirs : in units of the outcome; NaN where there is none
    scale : what a difference is measured in
    ways : code of a convention, our number under it, and to what it must close the gap
    code : why it cannot be compared, where it cannot
    detail : facts for that
    """

    quantity: str
    label: str
    ours: float
    theirs: float
    scale: float
    ways: tuple[tuple[str, float, float], ...] = ()
    code: str = ""
    detail: str = ""


def cell_rows(question: Question, effects: Effects | None = None, prefix: str = "ATT") -> Rows:
    """Group-time effects under (number of the first treated period, number of the period)."""
    found = effects or question.effects
    times = question.design.times
    cohort, time = (found.labels[name].to_numpy(float) for name in ("cohort", "time"))
    at = zip(first_positions(cohort, times) + 1, first_positions(time, times) + 1, strict=True)
    labels = [f"{prefix}({g:.10g}, {t:.10g})" for g, t in zip(cohort, time, strict=True)]
    return rows_of(found, [(int(g), int(t)) for g, t in at], labels)


def event_rows(effects: Effects, name: str = "event_time") -> Rows:
    """Effects by time since treatment, in periods unless the result is a regression of its own clock."""
    events = effects.labels[name].to_numpy(float)
    return rows_of(effects, [float(one) for one in events], [f"event {one:.10g}" for one in events])


def overall_rows(effects: Effects) -> Rows:
    """The one row of an overall effect."""
    return rows_of(effects, OVERALL, ["overall"])


def aggregates(effects: Effects) -> tuple[Rows, Rows]:
    """Effects by event time in periods, and the overall one."""
    return event_rows(aggregate(effects, "event")), overall_rows(aggregate(effects, "overall"))


def rows_of(effects: Effects, keys: Iterable[Hashable], labels: Iterable[str]) -> Rows:
    """Return effects as rows with these keys; a reference period is none of them."""
    reasons = np.array(effects.reasons or ("",) * len(effects.estimate), dtype=object)
    kept = np.flatnonzero(reasons != REFERENCE)
    every, words = list(keys), list(labels)
    why = inference_reasons(effects)
    return Rows(
        tuple(every[i] for i in kept),
        tuple(words[i] for i in kept),
        effects.estimate[kept],
        std_errors(effects)[kept],
        tuple(str(reasons[i]) for i in kept),
        tuple(why[i] for i in kept),
    )


def compare(
    question: Question,
    ours: Rows,
    theirs: Mapping[Hashable, Pair],
    ways: Sequence[Way] = (),
    *,
    no_error: str = "",
) -> list[Figure]:
    """Hold the rows of an engine against ours.

    Parameters
    ----------
    theirs : key -> (estimate, standard error); a NaN standard error was not asked for
    ways : conventions of the engine, and our rows under each
    no_error : code of the reason why its standard errors are not comparable; empty where they are
    """
    figures, absent = [], 0
    ways = [replace(way, rows=ours.matched(way.rows)) for way in ways]
    floor = 1e-6 * float(np.nanstd(question.design.outcome))
    for i, key in enumerate(ours.keys):
        if key not in theirs or not np.isfinite(theirs[key][0]):
            absent += bool(np.isfinite(ours.estimate[i]))
            continue
        own = float(ours.estimate[i]), float(ours.std_error[i])
        size = max(abs(own[0]), own[1] if np.isfinite(own[1]) else 0.0, floor)
        figures.append(_point(ours, i, theirs[key][0], size, ways))
        if np.isfinite(theirs[key][1]):
            figures.append(_error(ours, i, theirs[key][1], ways, no_error))
    if absent:
        label = f"{absent} of {len(ours.keys)} rows ({ours.labels[0]} to {ours.labels[-1]})"
        figures.append(Figure("estimate", label, np.nan, np.nan, np.nan, code="not_given"))
    return figures


def _point(ours: Rows, i: int, theirs: float, size: float, ways: Sequence[Way]) -> Figure:
    own = float(ours.estimate[i])
    if not np.isfinite(own):
        return Figure("estimate", ours.labels[i], own, theirs, size, (), "undefined_here", ours.reasons[i])
    under = tuple((way.code, float(way.rows.estimate[i]), way.bound) for way in ways)
    return Figure("estimate", ours.labels[i], own, theirs, size, under)


def _error(ours: Rows, i: int, theirs: float, ways: Sequence[Way], no_error: str) -> Figure:
    own = float(ours.std_error[i])
    if no_error or not np.isfinite(own):
        code = no_error or "no_error_here"
        detail = "" if no_error else ours.error_reasons[i]
        return Figure("std_error", ours.labels[i], own, theirs, own, (), code, detail)
    under = tuple((way.code, float(way.rows.std_error[i]), way.bound) for way in ways)
    return Figure("std_error", ours.labels[i], own, theirs, own, under)
