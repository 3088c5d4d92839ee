"""Refuters at the level of units, without DoWhy: what becomes of the estimate when the changes are disturbed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.estimators.long_difference import Draws, Sample, long_difference_of, make_sample
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.graphs.changes import UNIT, WEIGHT, require_columns, require_one_row_per_unit
from evaltoolkit.graphs.draws import summarise_draws
from evaltoolkit.sensitivity import unit_draws

Array = npt.NDArray[np.float64]

REFUTERS = {
    "placebo_treatment": unit_draws.permute_treatment,
    "random_common_cause": unit_draws.add_random_cause,
    "data_subset": unit_draws.take_subset,
    "bootstrap": unit_draws.resample_units,
    "dummy_outcome": unit_draws.replace_outcome,
    "add_unobserved_common_cause": unit_draws.simulate_hidden_cause,
}
# share of disturbed estimates with the other sign, from which an estimate is called fragile
FRAGILE = 0.05
# share of 5 % tests that may see an effect where there is none: twice what is promised
ALARMS = 0.10
# how far 95 % of meaningless covariates may move the estimate, in standard errors
MOVED = 0.75
# how much wider resampled estimates may spread than the standard error says
SPREAD = 1.25
# simulations below which no share of 5 % can be told from none
FEWEST = 20

_CRITICAL = 1.959963984540054


def refute_units(
    frame: pd.DataFrame,
    *,
    unit: str = UNIT,
    treated: str = "treated",
    outcome: str = "change",
    covariates: Sequence[str] = (),
    simulations: int = 999,
    seed: int = 1,
) -> pd.DataFrame:
    """Disturb a table of changes in six ways and judge each by a stated rule.

    Estimand: the mean effect on the treated of the change, adjusted by regression among comparison units.

    Assumptions: given the covariates, the untreated change does not depend on treatment; rows are independent (where
    treatment was decided for clusters, one row per cluster).

    Not when: several rows per unit, or fewer than ten units in an arm.

    Parameters
    ----------
    frame : DataFrame
        One row per unit (or cluster); a column ``weight`` is used where it exists.
    unit, treated, outcome : column names; ``treated`` holds 0 and 1
    covariates : names of numeric baseline covariates
    simulations : per refuter
    seed : the same seed gives the same table

    Returns
    -------
    DataFrame
        One row per refuter: the columns of :func:`evaltoolkit.graphs.draws.summarise_draws`, ``measure`` (the number
        its rule looks at), ``limit``, ``verdict`` (True: nothing against the estimate) and ``fault``, empty or

        - ``turns`` (subset, bootstrap, hidden cause): more than 5 % of disturbed estimates have the other sign;
        - ``alarms`` (placebo treatment, dummy outcome): 5 % tests see an effect in more than 10 % of draws in which
          there is none, beyond three Monte Carlo standard errors;
        - ``moves`` (random common cause): 5 % or more of meaningless covariates move the estimate by more than three
          quarters of a standard error, or none can be added;
        - ``spreads`` (bootstrap): estimates spread more than a quarter wider than the standard error says, beyond
          three Monte Carlo standard errors.

        ``attrs``: ``std_error`` of the undisturbed estimate, ``simulations``, ``seed``.

    Raises
    ------
    RefusedError
        Several rows per unit, fewer than ten units in an arm, or covariates that cannot be used.
    EvaltoolkitError
        A column is missing, or a value is; fewer than twenty simulations.

    Notes
    -----
    No refuter sees a cause that nobody measured, beyond the strength that is simulated:
    :func:`evaltoolkit.sensitivity.partial_r2.partial_r2_sensitivity` asks how strong it would have to be.

    References
    ----------
    Sharma and Kiciman (2020), https://doi.org/10.48550/arXiv.2011.04216
    """
    if simulations < FEWEST:
        raise EvaltoolkitError(f"Shares of a few draws say nothing: ask for at least {FEWEST} simulations.")
    sample = _sample(frame, unit, treated, outcome, list(covariates))
    plain = long_difference_of(sample, sample.change[:, None])
    if not np.isfinite(plain.estimate[0]):
        raise RefusedError("The covariates are collinear among the comparison units: leave some out.")
    if not plain.std_error[0] > 1e-12 * np.abs(sample.change).max():
        raise RefusedError("The changes do not vary between units: there is no noise to hold anything against.")
    rows = []
    for number, (name, disturb) in enumerate(REFUTERS.items()):
        drawn = disturb(sample, simulations, np.random.default_rng([seed, number]))
        summary = summarise_draws(name, float(plain.estimate[0]), drawn.estimate)
        rows.append({**summary, **_judge(name, drawn, summary, float(plain.std_error[0]))})
    table = pd.DataFrame(rows)
    table.attrs.update(std_error=float(plain.std_error[0]), simulations=simulations, seed=seed)
    return table


def _judge(name: str, drawn: Draws, summary: dict[str, object], std_error: float) -> dict[str, object]:
    """Apply the rule of one refuter."""
    count = max(2, int(np.isfinite(drawn.estimate).sum()))
    if name in ("placebo_treatment", "dummy_outcome"):
        alarms = false_alarms(drawn)
        return _verdict("alarms", alarms, ALARMS + 3 * math.sqrt(ALARMS * (1 - ALARMS) / count))
    if name == "random_common_cause":
        away = np.abs(drawn.estimate - float(str(summary["estimate"]))) / std_error
        # a cause that cannot be added has moved the estimate out of sight
        return _verdict("moves", float(np.quantile(np.nan_to_num(away, nan=np.inf), 0.95, method="higher")), MOVED)
    turned = _verdict("turns", float(str(summary["share_other_sign"])), FRAGILE)
    if name != "bootstrap" or not turned["verdict"]:
        return turned
    spreads = _verdict("spreads", float(str(summary["sd"])) / std_error, SPREAD * (1 + 3 / math.sqrt(2 * count)))
    return turned if spreads["verdict"] else spreads


def false_alarms(drawn: Draws) -> float:
    """Return the share of draws in which a two-sided 5 % test sees an effect; NaN where there are no draws."""
    known = np.isfinite(drawn.estimate) & (drawn.std_error > 0)
    if not known.any():
        return math.nan
    return float(np.mean(np.abs(drawn.estimate[known]) > _CRITICAL * drawn.std_error[known]))


def _verdict(fault: str, measure: float, limit: float) -> dict[str, object]:
    # a measure that does not exist is no reassurance
    good = measure <= limit
    return {"measure": measure, "limit": limit, "verdict": good, "fault": "" if good else fault}


def _sample(frame: pd.DataFrame, unit: str, treated: str, outcome: str, covariates: list[str]) -> Sample:
    require_columns(frame, [unit, treated, outcome, *covariates])
    require_one_row_per_unit(frame, unit)
    weights = frame[WEIGHT].to_numpy(dtype=float) if WEIGHT in frame else None
    x = frame[covariates].to_numpy(dtype=float)
    sample = make_sample(frame[outcome].to_numpy(dtype=float), frame[treated].to_numpy(dtype=float), x, weights)
    if min(int(sample.treated.sum()), int((~sample.treated).sum())) < MIN_CLUSTERS:
        raise RefusedError(f"Fewer than {MIN_CLUSTERS} units in an arm: refuters have too little to draw from there.")
    return sample
