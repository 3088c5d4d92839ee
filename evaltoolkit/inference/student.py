"""Estimates held against Student's t instead of the normal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError

# below this many degrees of freedom the approximation is too coarse for a p-value (Pustejovsky and Tipton 2018)
RELIABLE_DF = 4.0


def student_p(statistic: Array, df: Array) -> Array:
    """Return two-sided p-values of t statistics; NaN stays NaN."""
    from scipy.special import stdtr

    return np.asarray(2.0 * stdtr(df, -np.abs(statistic)))


def student_critical(level: float, df: Array) -> Array:
    """Return the number of standard errors on either side of an estimate; NaN stays NaN."""
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise EvaltoolkitError(f"The level must lie between 0 and 1, for example 0.95; got {level}.")
    return np.asarray(stdtrit(df, 0.5 + level / 2))


def student_table(
    labels: pd.DataFrame, estimate: Array, std_error: Array, df: Array, reasons: Sequence[str], *, level: float = 0.95
) -> pd.DataFrame:
    """Return labels with ``estimate, std_error, df, conf_low, conf_high, p_value, reliable, reason``.

    ``reliable`` is False below four degrees of freedom, where tails of the t distribution are a poor approximation.
    """
    width = student_critical(level, df) * std_error
    return labels.reset_index(drop=True).assign(
        estimate=estimate,
        std_error=std_error,
        df=df,
        conf_low=estimate - width,
        conf_high=estimate + width,
        p_value=student_p(estimate / std_error, df),
        reliable=np.asarray(df) >= RELIABLE_DF,
        reason=list(reasons),
    )
