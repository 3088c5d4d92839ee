"""The door to DoWhy: refuters on one row per unit.

Estimand: the average effect on the treated of the change from before to after, under conditional parallel trends,
which on a table of *changes* is the same statement as "no open back door from treatment to the untreated change,
given the covariates". On a table with several rows per unit the refuters permute and resample rows that belong
together and reject far too often; such a table is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest
from evaltoolkit.graphs.quiet import quiet

Array = npt.NDArray[np.float64]


with quiet():
    from dowhy import CausalModel
    from dowhy.causal_estimator import CausalEstimate, CausalEstimator
    from dowhy.causal_refuters.add_unobserved_common_cause import sensitivity_simulation
    from dowhy.causal_refuters.bootstrap_refuter import refute_bootstrap
    from dowhy.causal_refuters.data_subset_refuter import refute_data_subset
    from dowhy.causal_refuters.dummy_outcome_refuter import refute_dummy_outcome
    from dowhy.causal_refuters.placebo_treatment_refuter import PlaceboType, refute_placebo_treatment
    from dowhy.causal_refuters.random_common_cause import refute_random_common_cause

METHOD = "backdoor.evaltoolkit.graphs.refute.LongDifference"
WEIGHT = "weight"
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


class _Trace(list[float]):
    """A list that stays one list when DoWhy copies the estimator, so that every simulated estimate is kept."""

    def __deepcopy__(self, memo: dict[int, object]) -> _Trace:
        return self


class LongDifference(CausalEstimator):  # type: ignore[misc]
    """Average effect on the treated of the change, adjusted by regression among the comparison units.

    Heckman, Ichimura and Todd (1997), doi:10.2307/2971733. Usable in DoWhy as
    ``method_name="backdoor.evaltoolkit.graphs.refute.LongDifference"``.
    """

    def __init__(self, identified_estimand: Any, trace: _Trace | None = None, **kwargs: Any) -> None:
        super().__init__(identified_estimand, **kwargs)
        self.trace = trace

    def fit(self, data: pd.DataFrame, effect_modifier_names: list[str] | None = None, **_: Any) -> LongDifference:
        """Prepare for a table; nothing is learnt before :meth:`estimate_effect`."""
        self.reset_encoders()
        self._set_effect_modifiers(data, effect_modifier_names)
        return self

    def estimate_effect(
        self,
        data: pd.DataFrame,
        treatment_value: float = 1,
        control_value: float = 0,
        target_units: Any = None,
        **_: Any,
    ) -> Any:
        """Estimate on a table with one row per unit; column names come from the estimand, as refuters rename them."""
        estimand = self._target_estimand
        self._treatment_value, self._control_value, self._target_units = treatment_value, control_value, target_units
        names = list(estimand.get_adjustment_set() or [])
        weights = data[WEIGHT].to_numpy(dtype=float) if WEIGHT in data else np.ones(len(data))
        treated = data[estimand.treatment_variable[0]].to_numpy() == treatment_value
        change = data[estimand.outcome_variable[0]].to_numpy(dtype=float)
        value = long_difference(change, treated, data[names].to_numpy(dtype=float), weights)
        if self.trace is not None:
            self.trace.append(value)
        estimate = CausalEstimate(
            data=data,
            treatment_name=estimand.treatment_variable,
            outcome_name=estimand.outcome_variable,
            estimate=value,
            target_estimand=estimand,
            realized_estimand_expr=self.construct_symbolic_estimator(estimand),
            control_value=control_value,
            treatment_value=treatment_value,
        )
        estimate.add_estimator(self)
        return estimate

    def construct_symbolic_estimator(self, estimand: Any) -> str:
        """Return the estimator as a formula."""
        given = " + ".join(estimand.get_adjustment_set() or []) or "1"
        change, treated = estimand.outcome_variable[0], estimand.treatment_variable[0]
        return f"E[{change} - E({change} | {treated}=0, {given}) | {treated}=1]"


def long_difference(change: Array, treated: npt.NDArray[np.bool_], covariates: Array, weights: Array) -> float:
    """Estimate the mean effect on the treated of a change, adjusted by regression.

    Assumption: without treatment the treated would have changed as comparison units with equal covariates did.

    Parameters
    ----------
    change : (n,) change of each unit
    treated : (n,)
    covariates : (n, k), k may be 0
    weights : (n,)

    Returns
    -------
    float
        NaN where an arm is empty.
    """
    if not treated.any() or treated.all():
        return float("nan")
    rows = np.column_stack([np.ones(len(change)), covariates])
    root = np.sqrt(weights[~treated])
    slopes = np.linalg.lstsq(rows[~treated] * root[:, None], change[~treated] * root, rcond=None)[0]
    gap = change[treated] - rows[treated] @ slopes
    return float(np.average(gap, weights=weights[treated]))


def refute_effect(
    frame: pd.DataFrame,
    *,
    unit: str = "unit",
    treated: str = "treated",
    outcome: str = "change",
    covariates: Sequence[str] = (),
    simulations: int = 30,
    seed: int = 1,
) -> pd.DataFrame:
    """Run DoWhy's refuters on one row per unit.

    Parameters
    ----------
    frame : DataFrame
        One row per unit; a column ``weight`` is used where it exists.
    unit, treated, outcome : column names; ``treated`` holds 0 and 1
    covariates : names of baseline covariates
    simulations : per refuter
    seed : the same seed gives the same table

    Returns
    -------
    DataFrame
        Columns ``refuter, estimate, refuted, sd, low, high, share_as_large, share_other_sign, simulations``:
        ``refuted`` the mean over the simulations, ``low`` and ``high`` their 2.5 and 97.5 % points.

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
        trace = _Trace()
        model = CausalModel(data=table, treatment=treated, outcome=outcome, common_causes=list(covariates))
        estimand = model.identify_effect(proceed_when_unidentifiable=True)
        estimate = model.estimate_effect(estimand, method_name=METHOD, method_params={"trace": trace})
        runs = {}
        for number, name in enumerate(REFUTERS):
            np.random.seed(seed + number)  # noqa: NPY002
            trace.clear()
            _RUN[name](table, estimand, estimate, simulations)
            runs[name] = np.array(trace)
    return pd.DataFrame([_summary(name, float(estimate.value), values) for name, values in runs.items()])


def _one_row_per_unit(frame: pd.DataFrame, columns: list[str], *, unit: str, treated: str) -> pd.DataFrame:
    known = [str(name) for name in frame.columns]
    for name in columns:
        if name not in known:
            raise EvaltoolkitError(f'The table of changes has no column "{name}".{nearest(name, known)}')
    repeated = int(frame[unit].duplicated().sum())
    if repeated:
        raise RefusedError(
            f"The table has {repeated} rows more than units. Refuters that shuffle rows treat repeated rows of one "
            "unit as independent and reject far too often: give one row per unit, its change from before to after."
        )
    arms = frame[treated].astype(int)
    if min(int((arms == 1).sum()), int((arms == 0).sum())) < 5:
        raise RefusedError("Fewer than five units in an arm: refuters have nothing to shuffle there.")
    kept = [*columns[1:], *([WEIGHT] if WEIGHT in known else [])]
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


def _summary(name: str, estimate: float, values: Array) -> Mapping[str, object]:
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.025, 0.975])
    return {
        "refuter": name,
        "estimate": estimate,
        "refuted": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        "low": float(low),
        "high": float(high),
        "share_as_large": float(np.mean(np.abs(values) >= abs(estimate))),
        "share_other_sign": float(np.mean(np.sign(values) != np.sign(estimate))),
        "simulations": len(values),
    }
