"""The panel: unit x period at one vintage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding, nearest
from evaltoolkit.framework.periods import Period

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Measures of units over dated periods.

    Attributes
    ----------
    data : DataFrame
        Index (unit, period) as text, every unit x period once, sorted by unit and then by date. For a measure
        ``X``: column ``X`` (the value), and where they exist ``X.n`` (denominator or number of respondents),
        ``X.numerator``, ``X.se`` (sampling standard error, in units of ``X``), ``X.status`` (worst status that
        went in) and ``X.wording``.
    periods : tuple of Period
    unit_kind : str
        ``municipality``, ``livc_r``, or the user's own word.
    units : DataFrame
        Index unit; columns ``name``, ``members`` (municipality codes joined by ``;``), ``n_members``,
        ``merged`` (a merger falls inside the panel) and whatever fixed covariates were given.
    vintage : int or None
        Year of the municipal division the codes belong to.
    sources : DataFrame
        Columns ``unit, period, measure, source``: every value traced to file and cell or row.
    findings : tuple of Finding
        What building the panel had to tell: approximations, values left out.
    """

    data: pd.DataFrame
    periods: tuple[Period, ...]
    unit_kind: str
    units: pd.DataFrame
    vintage: int | None = None
    sources: pd.DataFrame = field(default_factory=pd.DataFrame)
    findings: tuple[Finding, ...] = ()
    info: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit_codes(self) -> list[str]:
        """Codes of the units, in row order of :meth:`wide`."""
        return [str(code) for code in self.units.index]

    @property
    def times(self) -> Array:
        """Position of each period on the time axis, in years."""
        return np.array([period.time for period in self.periods])

    @property
    def measures(self) -> list[str]:
        """Names of the measures."""
        return [str(c) for c in self.data.columns if "." not in str(c)]

    def observed(self, measure: str) -> Panel:
        """Return the panel of the periods in which any unit has a value of the measure: its waves."""
        seen = np.atleast_1d(np.isfinite(self.wide(measure)).any(axis=0))
        labels = [period.label for period, keep in zip(self.periods, seen, strict=True) if keep]
        rows = self.data.index.get_level_values(1).isin(labels)
        periods = tuple(period for period in self.periods if period.label in labels)
        return replace(self, data=self.data[rows], periods=periods)

    def wide(self, column: str) -> Array:
        """Return a column as an array, units x periods; missing is NaN."""
        if column not in self.data.columns:
            raise EvaltoolkitError(f'The panel has no measure "{column}".{nearest(column, self.measures)}')
        n, t = len(self.units), len(self.periods)
        return self.data[column].to_numpy(dtype=float).reshape(n, t)
