"""An estimator as DoWhy wants it, around any function that estimates the effect on a table of changes.

DoWhy looks up ``method_name="backdoor.<package>.<module>.<Class>"`` by importing that class; nothing is patched. The
class that users name stands with the estimate, in :mod:`evaltoolkit.estimators.long_difference`: this room knows DoWhy
and no estimator, that one the estimator and DoWhy only through here.
"""

from __future__ import annotations

import inspect
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest
from evaltoolkit.graphs.changes import UNIT, require_columns, require_one_row_per_unit
from evaltoolkit.graphs.quiet import quiet

with quiet():
    from dowhy.causal_estimator import CausalEstimate, CausalEstimator

Array = npt.NDArray[np.float64]

_OWN = ("unit", "weights", "adjust", "trace")
# what DoWhy itself passes on to an estimator's constructor
_DOWHYS = ("init_params", "fit_params", "evaltoolkit_estimator")


class ChangeEffect(Protocol):
    """What is needed of an estimate: one number, and its table with inference."""

    @property
    def estimate(self) -> Array:
        """(1,) the effect; NaN where undefined."""

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row with ``std_error, conf_low, conf_high, p_value, reason``."""


class Trace(list[float]):
    """A list that stays one list when DoWhy copies the estimator, so that every simulated estimate is kept."""

    def __deepcopy__(self, memo: dict[int, object]) -> Trace:
        return self


class ChangeEstimator(CausalEstimator):  # type: ignore[misc]
    """Effect on the treated of the change from before to after, one row per unit, for use from DoWhy itself.

    Estimand: the mean effect on the treated of the change. Conditional parallel trends of the levels are, on a table of
    changes, "no open back door from treatment to the untreated change, given the covariates"; so DoWhy's graph,
    identification and refuters speak about the right thing.

    Assumptions: those of :func:`evaltoolkit.estimators.long_difference.estimate_long_difference`.

    Not when: the table has several rows per unit. DoWhy's refuters shuffle and resample rows; rows of one unit belong
    together, and tests on shuffled panels reject far too often. Such a table is refused.

    Parameters
    ----------
    identified_estimand : as DoWhy gives it; its adjustment set are the covariates. Effect modifiers are not used: the
        effect is the average over the treated, whatever they are.
    unit : column (or name of the index) that tells units apart, ``"unit"`` by default
    weights : column with weights, optional
    adjust : ``"dr"`` (default), ``"ipw"`` or ``"reg"``
    **kwargs : DoWhy's own

    Raises
    ------
    RefusedError
        Several rows per unit, effects on others than the treated, or conditional effects.
    EvaltoolkitError
        An unknown parameter or column, with the nearest valid word; a treatment with other values than the two.

    Notes
    -----
    In ``model.estimate_effect`` these parameters are ``method_params={"unit": ..., "adjust": ...}``. DoWhy's default
    ``target_units="ate"`` is taken as "nobody said"; the estimate says "att". The effect itself is
    ``estimate.effects``: ``estimate.effects.to_frame()`` has standard error, interval and, where there is none, the
    reason. The inference is analytic, from the influence of every unit; ``method="bootstrap"`` remains DoWhy's own.

    Give DoWhy's refuters no integer ``random_state``: its subset and bootstrap refuters hand the number on to every
    draw, which then takes the same rows each time. Seed numpy's global state, or pass a ``RandomState``.

    References
    ----------
    Sharma and Kiciman (2020), https://doi.org/10.48550/arXiv.2011.04216

    Examples
    --------
    >>> name = "backdoor.evaltoolkit.estimators.long_difference.LongDifference"
    >>> model.estimate_effect(estimand, method_name=name, confidence_intervals=True)  # doctest: +SKIP
    """

    effects: ChangeEffect | None = None

    def __init__(
        self,
        identified_estimand: Any,
        unit: str = UNIT,
        weights: str | None = None,
        adjust: str = "dr",
        trace: Trace | None = None,
        **kwargs: Any,
    ) -> None:
        _require_known(kwargs)
        super().__init__(identified_estimand, **kwargs)
        self.unit, self.weights, self.adjust, self.trace = unit, weights, adjust, trace
        self._drawn = False

    @staticmethod
    def estimate_change(*columns: Any, **options: Any) -> ChangeEffect:
        """Estimate from change, treated, covariates, weights and the option ``adjust``; a subclass says how."""
        raise NotImplementedError("A subclass gives the function that estimates.")

    def get_new_estimator_object(self, *args: Any, **kwargs: Any) -> Self:
        """Copy, as refuters ask for it: what they draw from a table with one row per unit may repeat units."""
        held, self.effects = self.effects, None
        try:
            copied: Self = super().get_new_estimator_object(*args, **kwargs)
        finally:
            self.effects = held
        copied._drawn = True
        return copied

    def fit(self, data: pd.DataFrame, effect_modifier_names: list[str] | None = None, **_: Any) -> Self:
        """Check the table; nothing is learnt before :meth:`estimate_effect`."""
        if self.need_conditional_estimates is True:
            raise RefusedError("This estimator gives the average over the treated, no effects by effect modifier.")
        if not self._drawn:
            require_one_row_per_unit(data, self.unit)
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
        if not (target_units is None or (isinstance(target_units, str) and target_units in ("ate", "att"))):
            raise RefusedError('This estimator gives the effect on the treated only: use target_units="att".')
        estimand = self._target_estimand
        self._treatment_value, self._control_value, self._target_units = treatment_value, control_value, "att"
        self.effects = self._effects(data, treatment_value, control_value)
        value = float(self.effects.estimate[0])
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
            effects=self.effects,
        )
        estimate.add_estimator(self)
        return estimate

    def construct_symbolic_estimator(self, estimand: Any) -> str:
        """Return the estimator as a formula."""
        given = " + ".join(estimand.get_adjustment_set() or []) or "1"
        change, treated = estimand.outcome_variable[0], estimand.treatment_variable[0]
        return f"E[{change} - E({change} | {treated}=0, {given}) | {treated}=1]"

    def _effects(self, data: pd.DataFrame, treatment_value: float, control_value: float) -> ChangeEffect:
        estimand = self._target_estimand
        labels = data[estimand.treatment_variable[0]].to_numpy()
        treated = labels == treatment_value
        if not (treated | (labels == control_value)).all():
            raise EvaltoolkitError(
                f'Column "{estimand.treatment_variable[0]}" holds other values than {treatment_value} and '
                f"{control_value}: leave out those units, or compare two values at a time."
            )
        names = list(estimand.get_adjustment_set() or [])
        covariates = self._encode(data[names], "covariates").to_numpy(dtype=float) if names else None
        weights = None
        if self.weights is not None:
            require_columns(data, [self.weights])
            weights = data[self.weights].to_numpy(dtype=float)
        change = data[estimand.outcome_variable[0]].to_numpy(dtype=float)
        return self.estimate_change(change, treated, covariates, weights, adjust=self.adjust)

    def _row(self, level: float) -> pd.Series:
        if self.effects is None:
            raise EvaltoolkitError("Nothing has been estimated yet: call estimate_effect first.")
        return self.effects.to_frame(level=level).iloc[0]

    def _estimate_confidence_intervals(
        self, confidence_level: float | None = None, method: Any = None, **_: Any
    ) -> tuple[float, float]:
        row = self._row(self.confidence_level if confidence_level is None else confidence_level)
        return float(row["conf_low"]), float(row["conf_high"])

    def _estimate_std_error(self, method: Any = None, **_: Any) -> float:
        return float(self._row(self.confidence_level)["std_error"])

    def _test_significance(self, estimate_value: float, method: Any = None, **_: Any) -> dict[str, float]:
        return {"p_value": float(self._row(self.confidence_level)["p_value"])}


def _require_known(given: dict[str, Any]) -> None:
    dowhys = [*inspect.signature(CausalEstimator.__init__).parameters, *_DOWHYS]
    for name in given:
        if name not in dowhys:
            words = ", ".join(_OWN[:3])
            raise EvaltoolkitError(
                f'The estimator has no parameter "{name}". Known: {words}.{nearest(name, [*_OWN[:3], *dowhys])}'
            )
