"""Versions of a question as one number: what makes a series break.

An indicator has a ``version`` of its definition and a ``wording`` of its questions. The column ``wording`` of the long
table holds both, ``100 * (version - 1) + wording``, so that a change of either is a break in the panel
(``panel.wording_changed``). The first version in its first wording is 1, as in every table without this column.
"""

from __future__ import annotations

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.framework.periods import Period

_STEP = 100


def wording_code(indicator: Indicator, version: int | None = None) -> int:
    """Return what the column ``wording`` holds for an answer.

    Parameters
    ----------
    indicator : Indicator
    version : int, optional
        Version of the definition that the answer follows; default: that of the indicator.
    """
    return _STEP * ((indicator.version if version is None else version) - 1) + indicator.wording


def split_code(code: int) -> tuple[int, int]:
    """Return version of the definition and wording of a code."""
    version, wording = divmod(code - 1, _STEP)
    return version + 1, wording + 1


def code_in(indicator: Indicator, period: str) -> int:
    """Return the code for a figure of others in a period: it follows the definition of its own time.

    A form asks by the definition of the day on which it was written, also about earlier years; for official figures
    and surveys ``indicator.changes`` says from which period each version holds. A period that cannot be understood
    counts as now; that fault is told where the period is checked.
    """
    try:
        start = Period.parse(period).start if indicator.changes else None
    except EvaltoolkitError:
        start = None
    later = [c.version for c in indicator.changes if start is not None and Period.parse(c.period).start > start]
    return wording_code(indicator, min(later) - 1 if later else None)


def version_text(indicator: Indicator) -> str:
    """Return id, version and wording as they stand in the hidden metadata of a form: ``GOV-08=1.2``."""
    return f"{indicator.id}={indicator.version}.{indicator.wording}"
