"""Effects of switching over all levels of treatment at the start: sums become estimates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.cells import NO_COMPARISON, REFERENCE, Mask
from evaltoolkit.estimators.switch_contrasts import Level, Part
from evaltoolkit.estimators.switch_paths import Paths

NO_DOSE = "in these periods the switchers had no other treatment than at the start"


class Row(NamedTuple):
    """One estimate, its influence (n,), switched and compared units (n,), and why it is undefined."""

    event_time: float
    estimate: float
    influence: Array
    switched: Mask
    compared: Mask
    reason: str


def summarise_effect(
    paths: Paths, levels: list[Level], parts: list[Part | None], event_time: float, *, normalized: bool
) -> Row:
    """One effect or placebo over all levels: per switcher, or per unit of treatment received until then."""
    found = [part for part in parts if part is not None]
    divisor = sum(part.received if normalized else part.weight for part in found)
    return _divide(paths, _gather(levels, parts, len(paths.level)), found, divisor, event_time)


def summarise_all(paths: Paths, levels: list[Level], effects: list[list[Part | None]]) -> Row:
    """The average total effect: effects of all periods, divided by the treatment received in them."""
    n = len(paths.level)
    gathered = [_gather(levels, parts, n) for parts in effects]
    sums = (
        np.sum([influence for influence, _, _ in gathered], axis=0),
        np.any([switched for _, switched, _ in gathered], axis=0),
        np.any([compared for _, _, compared in gathered], axis=0),
    )
    found = [part for parts in effects for part in parts if part is not None]
    return _divide(paths, sums, found, sum(part.dose for part in found), np.nan)


def reference_row(n: int) -> Row:
    """The last period before the change."""
    return Row(-1.0, 0.0, np.zeros(n), np.zeros(n, bool), np.zeros(n, bool), REFERENCE)


def _gather(levels: list[Level], parts: list[Part | None], n: int) -> tuple[Array, Mask, Mask]:
    """Influence on the total, switched and compared units, of all levels: (n,) each."""
    influence, switched, compared = np.zeros(n), np.zeros(n, bool), np.zeros(n, bool)
    for level, part in zip(levels, parts, strict=True):
        if part is not None:
            influence[level.rows] += part.influence
            switched[level.rows] |= part.switched
            compared[level.rows] |= part.compared
    return influence, switched, compared


def _divide(paths: Paths, sums: tuple[Array, Mask, Mask], found: list[Part], divisor: float, event_time: float) -> Row:
    influence, switched, compared = sums
    if not divisor > 0:
        reason = NO_DOSE if found else NO_COMPARISON
        return Row(event_time, np.nan, np.full(len(influence), np.nan), switched, compared, reason)
    scaled = len(paths.level) / divisor * influence
    return Row(event_time, sum(part.total for part in found) / divisor, scaled, switched, compared, "")
