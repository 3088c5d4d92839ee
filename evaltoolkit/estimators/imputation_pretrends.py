"""Trends before treatment of imputed effects: leads in a regression of their own, or residuals of the imputation."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.cells import NO_TREATED
from evaltoolkit.estimators.imputation_cells import Block, Panel, average_rows
from evaltoolkit.estimators.imputation_fit import Fit

Pretrends = Literal["cohort", "event", "residuals"]

PART_OF_REFERENCE = "not to be told from the reference of the leads: the untreated observations do not reach further"
REFERENCES = {
    "cohort": "untreated observations more than {leads} periods before treatment (and anticipation), and untreated "
    "units; each cohort has its own leads",
    "event": "untreated observations more than {leads} periods before treatment (and anticipation), and untreated "
    "units; leads are the same for all cohorts, so that a row repeats the estimate of its event time",
    "residuals": "all untreated observations: mean residuals of the fit that imputes, drawn towards zero by it",
}
_INDEPENDENT = 1e-9


def pretrend_rows(panel: Panel, fit: Fit, residuals: Array, *, kind: Pretrends, leads: int) -> Block:
    """Estimates for periods before treatment.

    ``residuals``: the mean residual of each cohort and period, without the last period before treatment: residuals
    of a cohort add up to nothing, so that it follows from the others. Otherwise coefficients of leads, from a
    regression of the untreated rows only.
    """
    begin = [max(first - panel.design.anticipation, 0) for _, _, first in panel.cohorts]
    if kind == "residuals":
        spans = [range(start - 1) for start in begin]
        return average_rows(panel, fit, residuals, panel.untreated, spans, squared=False)
    spans = [range(max(start - leads, 0), start) for start in begin]
    return _Leads(panel, fit, residuals, spans, pooled=kind == "event").block()


class _Leads:
    """Regression of the untreated rows with leads: those of :class:`Fit` and one indicator per lead.

    By Frisch-Waugh-Lovell only the leads free of all other regressors matter; nothing is fitted twice.
    """

    def __init__(self, panel: Panel, fit: Fit, residuals: Array, spans: list[range], *, pooled: bool) -> None:
        self.panel, self.fit, self.residuals = panel, fit, residuals
        self.weight = fit.regressors.weight
        self.period = np.concatenate([np.array(span, dtype=np.int64) for span in spans])
        self.group = np.repeat(np.arange(len(spans)), [len(span) for span in spans])
        self.cohort = np.array([panel.cohorts[g][1] for g in self.group])
        self.distance = np.concatenate([np.arange(len(span), 0, -1) for span in spans])
        self.column = self._columns(pooled)

    def block(self) -> Block:
        """Coefficient and influence of every cohort and lead."""
        n, k = len(self.residuals), len(self.period)
        cross, products, totals, sizes = self._moments()
        gram = products - cross.T @ self.fit.inverse @ cross
        kept = _independent(gram, sizes, self._order())
        estimate, influence = np.full(k, np.nan), np.full((n, k), np.nan)
        if len(kept):
            inverse = np.asarray(np.linalg.inv(gram[np.ix_(kept, kept)]))
            slopes = np.zeros(len(sizes))
            slopes[kept] = inverse @ totals[kept]
            psi = n * self._scores(slopes, cross)[:, kept] @ inverse
            place = np.full(len(sizes), -1)
            place[kept] = np.arange(len(kept))
            known = place[self.column] >= 0
            estimate[known] = slopes[self.column[known]]
            influence[:, known] = psi[:, place[self.column[known]]]
        seen = self._seen()
        estimate[~seen], influence[:, ~seen] = np.nan, np.nan
        reasons = ["" if np.isfinite(estimate[j]) else PART_OF_REFERENCE if seen[j] else NO_TREATED for j in range(k)]
        return Block(self.cohort, self.period, estimate, influence, reasons)

    def _columns(self, pooled: bool) -> npt.NDArray[np.intp]:
        """(k,) regressor that each cohort and lead belongs to."""
        if not pooled:
            return np.arange(len(self.period))
        design = self.panel.design
        if design.info.get("event_clock", "time") == "periods":
            return np.asarray(np.unique(-self.distance, return_inverse=True)[1])
        since = np.round(design.times[self.period] - self.cohort, 6)
        return np.asarray(np.unique(since, return_inverse=True)[1])

    def _order(self) -> npt.NDArray[np.intp]:
        """Regressors by their distance to treatment: where not all can be told apart, the nearest are kept."""
        nearest = np.full(self.column.max(initial=-1) + 1, len(self.period) + 1)
        np.minimum.at(nearest, self.column, self.distance)
        return np.argsort(nearest, kind="stable")

    def _moments(self) -> tuple[Array, Array, Array, Array]:
        """Products with the common regressors (P, c), with each other (c, c), with the residuals, and sizes (c,)."""
        c = self.column.max(initial=-1) + 1
        cross, products = np.zeros((len(self.fit.inverse), c)), np.zeros((c, c))
        totals, sizes = np.zeros(c), np.zeros(c)
        for g, (rows, _, _) in enumerate(self.panel.cohorts):
            mine = self.group == g
            to, period = self.column[mine], self.period[mine]
            np.add.at(cross.T, to, self.fit.moments(rows, self.weight[rows])[:, period].T)
            np.add.at(products, np.ix_(to, to), self.fit.products(rows)[np.ix_(period, period)])
            np.add.at(totals, to, (self.weight[rows] * self.residuals[rows]).sum(axis=0)[period])
            np.add.at(sizes, to, self.weight[rows].sum(axis=0)[period])
        return cross, products, totals, sizes

    def _scores(self, slopes: Array, cross: Array) -> Array:
        """(n, c) sum over a unit's rows of leads free of other regressors times residuals of the whole regression."""
        fitted = np.zeros_like(self.residuals)
        for j, column in enumerate(self.column):
            fitted[self.panel.cohorts[self.group[j]][0], self.period[j]] = slopes[column]
        directions = self.fit.inverse @ cross
        common = self.fit.predict(directions @ slopes)
        weighted = self.weight * (self.residuals - self.fit.within(fitted - common))
        scores = -self.fit.scores(weighted, directions)
        for j, column in enumerate(self.column):
            rows = self.panel.cohorts[self.group[j]][0]
            scores[rows, column] += weighted[rows, self.period[j]]
        return scores

    def _seen(self) -> npt.NDArray[np.bool_]:
        seen = np.array([self.panel.untreated[rows].any(axis=0) for rows, _, _ in self.panel.cohorts])
        return np.asarray(seen[self.group, self.period])


def _independent(gram: Array, sizes: Array, order: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Positions of regressors that are no combination of those before them in ``order``."""
    rest = gram.copy()
    kept = []
    for j in order:
        if not rest[j, j] > _INDEPENDENT * sizes[j]:
            continue
        kept.append(j)
        rest = rest - np.outer(rest[:, j], rest[j]) / rest[j, j]
    return np.sort(np.array(kept, dtype=np.intp))
