"""A variance for shocks that all units share and that last: Driscoll and Kraay."""

from __future__ import annotations

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.cluster_blocks import PLAIN, estimating_rows
from evaltoolkit.inference.linear_fit import LinearFit, sum_by


def driscoll_kraay(fit: LinearFit, lag: int) -> Array:
    """Return the (k, k) covariance of slopes from scores summed by period, with Bartlett weights up to a lag.

    Estimand: the sampling variance when units of a period are correlated in any way, and periods up to ``lag`` apart.

    Assumption: many periods; correlation fades with time. Periods count in their order, gaps between them do not.

    Not when: there are the five to fifteen periods of most municipal panels: it is then far too small. To compare with
    other software, not to decide.

    Parameters
    ----------
    fit : LinearFit
    lag : int
        Below the number of periods. No small-sample factor.

    Raises
    ------
    EvaltoolkitError
        The lag is negative, or not below the number of periods.

    References
    ----------
    Driscoll and Kraay (1998), https://doi.org/10.1162/003465398557825
    """
    count = int(fit.period.max()) + 1
    if not 0 <= lag < count:
        raise EvaltoolkitError(f"The lag must lie between 0 and {count - 1} with {count} periods; got {lag}.")
    rows = estimating_rows(fit, PLAIN).rows
    scores = sum_by(rows * fit.residual[:, None], fit.period, count)
    total = scores.T @ scores
    for step in range(1, lag + 1):
        cross = scores[step:].T @ scores[:-step]
        total += (1 - step / (lag + 1)) * (cross + cross.T)
    return np.asarray(total)
