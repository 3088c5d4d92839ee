"""The one estimate that a test is about."""

from __future__ import annotations

from evaltoolkit.effects.estimates import Estimates
from evaltoolkit.findings import EvaltoolkitError


def require_single(effects: Estimates, name: str = "") -> None:
    """Refuse effects of several rows: a test must know which of them it is about."""
    if len(effects.estimate) != 1:
        what = f'"{name}" has' if name else "These effects have"
        raise EvaltoolkitError(
            f'{what} {len(effects.estimate)} estimates; one is needed. Take .aggregate("overall"), or .overall of an '
            "aggregation."
        )
