"""The door to DoWhy: refuters on one row per unit.

Estimand: the average effect on the treated of the change from before to after, under conditional parallel trends,
which on a table of *changes* is the same statement as "no open back door from treatment to the untreated change,
given the covariates". On a table with several rows per unit the refuters permute and resample rows that belong
together and reject far too often; such a table is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.findings import RefusedError
from evaltoolkit.graphs.bridge import Trace
from evaltoolkit.graphs.changes import UNIT, WEIGHT, require_columns, require_one_row_per_unit
from evaltoolkit.graphs.draws import summarise_draws
from evaltoolkit.graphs.quiet import quiet

with quiet():
    from dowhy import CausalModel
    from dowhy.causal_refuters.add_unobserved_common_cause import sensitivity_simulation
    from dowhy.causal_refuters.bootstrap_refuter import refute_bootstrap
    from dowhy.causal_refuters.data_subset_refuter import refute_data_subset
    from dowhy.causal_refuters.dummy_outcome_refuter import refute_dummy_outcome
    from dowhy.causal_refuters.placebo_treatment_refuter import PlaceboType, refute_placebo_treatment
    from dowhy.causal_refuters.random_common_cause import refute_random_common_cause

# a name, as any user of DoWhy writes it: DoWhy looks it up, this room imports nothing that stands above it
METHOD = "backdoor.evaltoolkit.estimators.long_difference.LongDifference"
REFUTERS = (
    "placebo_treatment",
    "random_common_cause",
    "data_subset",
    "bootstrap",
    "dummy_outcome",
    "add_unobserved_common_cause",
)
# The simulated hidden cause turns the treatment of this many units round, as a share of the smaller arm (a share of
# all units would drown a small arm), and moves the outcome by this many standard deviations per one of its own.
HIDDEN_FLIP = 0.25
HIDDEN_STRENGTH = 0.5


def refute_effect(
    frame: pd.DataFrame,
    *,
    unit: str = UNIT,
    treated: str = "treated",
    outcome: str = "change",
    covariates: Sequence[str] = (),
    adjust: str = "reg",
    simulations: int = 30,
    seed: int = 1,
) -> pd.DataFrame:
    """Run DoWhy's six refuters on one row per unit.

    The refuters of our own that need no DoWhy, with their verdicts, are
    :func:`evaltoolkit.checks.refuters.check_refuters`; on the same table they agree up to the draws.

    Parameters
    ----------
    frame : DataFrame
        One row per unit; a column ``weight`` is used where it exists.
    unit, treated, outcome : column names; ``treated`` holds 0 and 1
    covariates : names of baseline covariates
    adjust : how covariates enter: ``reg``, ``dr`` or ``ipw``; a propensity score may not exist in a drawn sample
    simulations : per refuter
    seed : the same seed gives the same table

    Returns
    -------
    DataFrame
        One row per refuter: see :func:`evaltoolkit.graphs.draws.summarise_draws`.

    Raises
    ------
    RefusedError
        Several rows per unit, or fewer than five units in an arm.
    EvaltoolkitError
        A column is missing.

    References
    ----------
    Sharma and Kiciman (2020), doi:10.48550/arXiv.2011.04216.
    """
    table = _one_row_per_unit(frame, [unit, treated, outcome, *covariates], unit=unit, treated=treated)
    with quiet(seed):
        trace = Trace()
        options = {"trace": trace, "unit": unit, "adjust": adjust, "weights": WEIGHT if WEIGHT in table else None}
        model = CausalModel(data=table, treatment=treated, outcome=outcome, common_causes=list(covariates))
        estimand = model.identify_effect(proceed_when_unidentifiable=True)
        estimate = model.estimate_effect(estimand, method_name=METHOD, method_params=options)
        runs = {}
        for number, name in enumerate(REFUTERS):
            np.random.seed(seed + number)  # noqa: NPY002
            trace.clear()
            _RUN[name](table, estimand, estimate, simulations)
            runs[name] = np.array(trace)
    return pd.DataFrame([summarise_draws(name, float(estimate.value), values) for name, values in runs.items()])


def _one_row_per_unit(frame: pd.DataFrame, columns: list[str], *, unit: str, treated: str) -> pd.DataFrame:
    require_columns(frame, columns)
    require_one_row_per_unit(frame, unit)
    arms = frame[treated].astype(int)
    if min(int((arms == 1).sum()), int((arms == 0).sum())) < 5:
        raise RefusedError("Fewer than five units in an arm: refuters have nothing to shuffle there.")
    kept = [*columns, *([WEIGHT] if WEIGHT in frame else [])]
    return frame[kept].astype({treated: int}).reset_index(drop=True)


def _placebo(table: pd.DataFrame, estimand: Any, estimate: Any, simulations: int) -> None:
    refute_placebo_treatment(
        table,
        estimand,
        estimate,
        treatment_names=estimand.treatment_variable,
        num_simulations=simulations,
        placebo_type=PlaceboType.PERMUTE,
    )


def _random_cause(table: pd.DataFrame, estimand: Any, estimate: Any, simulations: int) -> None:
    refute_random_common_cause(table, estimand, estimate, num_simulations=simulations)


def _subset(table: pd.DataFrame, estimand: Any, estimate: Any, simulations: int) -> None:
    refute_data_subset(table, estimand, estimate, subset_fraction=0.8, num_simulations=simulations)


def _bootstrap(table: pd.DataFrame, estimand: Any, estimate: Any, simulations: int) -> None:
    refute_bootstrap(table, estimand, estimate, num_simulations=simulations, noise=0.1)


def _dummy_outcome(table: pd.DataFrame, estimand: Any, estimate: Any, simulations: int) -> None:
    spread = float(table[estimand.outcome_variable[0]].std())
    refute_dummy_outcome(
        table,
        estimand,
        estimate,
        treatment_name=estimand.treatment_variable,
        outcome_name=estimand.outcome_variable[0],
        required_variables=True,
        num_simulations=simulations,
        transformation_list=[("zero", ""), ("noise", {"std_dev": spread})],
    )


def _hidden_cause(table: pd.DataFrame, estimand: Any, estimate: Any, simulations: int) -> None:
    # both directions: which way a hidden cause would push is not known
    strength = HIDDEN_STRENGTH * float(table[estimand.outcome_variable[0]].std())
    treated = float(table[estimand.treatment_variable[0]].mean())
    flip = HIDDEN_FLIP * min(treated, 1 - treated)
    for draw in range(simulations):
        sensitivity_simulation(
            table,
            estimand,
            estimate,
            treatment_name=estimand.treatment_variable,
            outcome_name=estimand.outcome_variable,
            kappa_t=flip,
            kappa_y=strength if draw % 2 else -strength,
        )


_RUN = {
    "placebo_treatment": _placebo,
    "random_common_cause": _random_cause,
    "data_subset": _subset,
    "bootstrap": _bootstrap,
    "dummy_outcome": _dummy_outcome,
    "add_unobserved_common_cause": _hidden_cause,
}
