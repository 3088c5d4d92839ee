"""Sampling errors of a survey outcome in a panel: as given, or from the number of respondents."""

from __future__ import annotations

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.panels.measures import DEFAULT_DESIGN_EFFECT, share_se
from evaltoolkit.panels.panel import Panel


def survey_errors(
    panel: Panel,
    outcome: str,
    *,
    respondents: str | None = None,
    design_effect: float = DEFAULT_DESIGN_EFFECT,
    outcome_se: str | None = None,
) -> Array | None:
    """Return the sampling standard errors (n, T) of an outcome, in its own units; None where it is no survey outcome.

    Parameters
    ----------
    panel : Panel
    outcome : str
    respondents : str, optional
        Measure with the number of respondents of a share (0 to 1). A share of 0 or 1 has an error all the same
        (:func:`evaltoolkit.panels.measures.share_se`).
    design_effect : float
        Variance of the survey's design over that of a simple random sample.
    outcome_se : str, optional
        Measure with the standard error itself; by default ``<outcome>.se`` where the panel has it.

    Raises
    ------
    EvaltoolkitError
        No such measure; both are given; a share that is none; an error or a number that is missing or not above zero
        where the outcome is known.
    """
    if respondents and outcome_se:
        raise EvaltoolkitError(
            f'{outcome}: give either "respondents" (their number) or the standard error, not both: one follows from '
            "the other."
        )
    held = f"{outcome}.se"
    if not respondents and not outcome_se:
        return panel.wide(held) if held in panel.data.columns else None
    name = respondents or outcome_se or ""
    known = [str(column) for column in panel.data.columns]
    if name not in known:
        raise EvaltoolkitError(f'The panel has no measure "{name}" for {outcome}.{nearest(name, known)}')
    values, given = panel.wide(outcome), panel.wide(name)
    lacking = np.isfinite(values) & ~(given > 0)
    if lacking.any():
        units = np.array(panel.unit_codes)[lacking.any(axis=1)]
        more = f" and {len(units) - 5} more" if len(units) > 5 else ""
        raise EvaltoolkitError(
            f'"{name}" must be above zero wherever {outcome} is known; it is not for {", ".join(units[:5])}{more}.'
        )
    if fault := fault_of_survey(values, outcome, respondents=bool(respondents), design_effect=design_effect):
        raise EvaltoolkitError(fault)
    return sampling_errors(values, given, design_effect=design_effect if respondents else None)


def fault_of_survey(values: Array, outcome: str, *, respondents: bool, design_effect: float) -> str:
    """Say what keeps sampling errors from being found: a design effect below 1, or no share; empty where nothing does.

    Parameters
    ----------
    values : (n, T) the outcome
    outcome : its name
    respondents : whether they follow from numbers of respondents
    design_effect : as in :func:`survey_errors`
    """
    if not design_effect >= 1:
        return f"{outcome}: a design effect is 1 or more; 1.5 where nothing is known."
    if respondents and ((values < 0).any() or (values > 1).any()):
        return (
            f"{outcome} is no share between 0 and 1: divide by 100, or give its standard error instead of the number "
            "of respondents."
        )
    return ""


def sampling_errors(values: Array, given: Array, *, design_effect: float | None) -> Array:
    """Return sampling standard errors (n, T), NaN where the outcome is not known.

    ``given`` are the errors themselves, or with a ``design_effect`` the numbers of respondents of a share.
    """
    if design_effect is None:
        return np.where(np.isfinite(values), given, np.nan)
    return share_se(values, given, design_effect)
