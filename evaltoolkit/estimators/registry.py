"""The list of estimators, found by walking this package, and the one function that runs them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.features import Feature, describe_feature, list_features
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError, nearest


@dataclass(frozen=True)
class Estimator:
    """One estimator, as its module announces it under the name ``ESTIMATOR``.

    Attributes
    ----------
    name : what users write in ``method=``
    run : called with the design and keyword options
    options : option names with their allowed values, the default first
    accepts : what a design may have beyond a complete outcome and a never-treated group
    needs : what it must have
    alone : why it takes outcomes one at a time only, by option as ``name=value``; under "" whatever the options
    title : for people
    citation : reference with DOI
    diagnostic : True when the result must never carry a verdict
    """

    name: str
    run: Callable[..., Effects]
    options: dict[str, tuple[Any, ...]]
    title: str
    citation: str
    accepts: frozenset[Feature]
    needs: frozenset[Feature] = frozenset()
    alone: Mapping[str, str] = field(default_factory=dict)
    diagnostic: bool = False


@cache
def list_estimators() -> dict[str, Estimator]:
    """Return the registered estimators by name; a new one is registered by being a file of this package."""
    package = importlib.import_module("evaltoolkit.estimators")
    names = (f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__))
    announced = (getattr(importlib.import_module(name), "ESTIMATOR", None) for name in names)
    return {one.name: one for one in announced if isinstance(one, Estimator)}


def estimate(design: Design, method: str = "group_time", **options: Any) -> Effects:
    """Estimate the effects of a design.

    Parameters
    ----------
    design : Design
        One outcome, (n, T).
    method : str
        Name of a registered estimator, ``"group_time"`` by default.
    **options
        Options of that estimator, see its own documentation.

    Returns
    -------
    Effects

    Raises
    ------
    EvaltoolkitError
        Unknown method, option or option value; a stack of outcomes; a design that the method cannot take: the message
        names the methods that can.
    """
    chosen = _named(method)
    _check_options(chosen, options)
    if design.outcome.ndim != 2:
        shape = "x".join(str(side) for side in design.outcome.shape)
        raise EvaltoolkitError(
            f"estimate() takes one outcome (units x periods), this design has {shape}. "
            "Take one outcome out of the stack, or use estimate_each for all of them."
        )
    _check_design(chosen, design)
    return chosen.run(design, **options)


def estimate_each(
    design: Design, method: str = "group_time", *, names: Sequence[str] = (), **options: Any
) -> tuple[Effects, ...]:
    """Estimate the effects on several outcomes of one design, in one call.

    For estimators that are linear in the outcome: what is the same for all outcomes (who is treated when, compared with
    whom, by which covariates) is said and checked once. Each result is the one that its outcome alone gives.

    Parameters
    ----------
    design : Design
        Outcome (n, T, R). An outcome may have gaps of its own.
    method, **options : as in :func:`estimate`
    names : sequence of str, optional
        Names of the R outcomes, for ``info["outcome"]``; by default the design's own.

    Returns
    -------
    tuple of Effects
        R results, in the order of the stack. For the overall group-time effect of thousands of outcomes alone see
        :func:`evaltoolkit.estimators.stack.estimate_overall_stack`.

    Raises
    ------
    EvaltoolkitError
        As :func:`estimate`; also a design without a stack, names that are not R, sampling errors (which are of one
        outcome), and a method that is not linear in the outcome, with the reason.
    """
    chosen = _named(method)
    _check_options(chosen, options)
    if design.outcome.ndim != 3:
        raise EvaltoolkitError("estimate_each() takes a stack (units x periods x outcomes); use estimate() for one.")
    count = design.outcome.shape[2]
    if names and len(names) != count:
        raise EvaltoolkitError(f"{count} outcomes are stacked, but {len(names)} names given: give one each.")
    if design.sampling_se is not None:
        raise EvaltoolkitError(
            "Sampling errors are those of one outcome: leave them out of a stack, or use estimate()."
        )
    settings = {name: options.get(name, allowed[0]) for name, allowed in chosen.options.items()}
    asked = {"", *(f"{name}={value}" for name, value in settings.items())}
    if found := [why for option, why in chosen.alone.items() if option in asked]:
        raise EvaltoolkitError(
            f'Method "{method}" takes one outcome at a time: {"; ".join(found)}. Use estimate() for each.'
        )
    _check_design(chosen, design)
    each = names or (design.outcome_name,) * count
    return tuple(
        chosen.run(replace(design, outcome=design.outcome[:, :, place], outcome_name=name), **options)
        for place, name in enumerate(each)
    )


def _named(method: str) -> Estimator:
    estimators = list_estimators()
    if method not in estimators:
        known = ", ".join(estimators)
        raise EvaltoolkitError(
            f'There is no estimation method "{method}". Known: {known}.{nearest(method, estimators)}'
        )
    return estimators[method]


def fits(one: Estimator, design: Design) -> bool:
    """Whether an estimator can use everything that a design has, and has what it needs."""
    return one.needs <= list_features(design) <= one.accepts | one.needs


def _check_design(chosen: Estimator, design: Design) -> None:
    if fits(chosen, design):
        return
    found = list_features(design)
    faults = [f"cannot use {describe_feature(one)}" for one in sorted(found - chosen.accepts - chosen.needs)]
    faults += [f"needs {describe_feature(one)}" for one in sorted(chosen.needs - found)]
    others = [name for name, one in list_estimators().items() if fits(one, design) and not one.diagnostic]
    advice = f"Methods that fit this design: {', '.join(others)}." if others else "No method fits this design as it is."
    raise EvaltoolkitError(
        f'Method "{chosen.name}" {" and ".join(faults)}. {advice} Otherwise leave that out of the design, knowingly.'
    )


def _check_options(chosen: Estimator, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name not in chosen.options:
            known = ", ".join(chosen.options)
            raise EvaltoolkitError(
                f'Method "{chosen.name}" has no option "{name}". Known: {known}.{nearest(name, chosen.options)}'
            )
        allowed = chosen.options[name]
        if value not in allowed:
            words = ", ".join(f'"{word}"' for word in allowed)
            raise EvaltoolkitError(
                f'Option {name} of method "{chosen.name}" cannot be "{value}". Allowed: {words}.'
                f"{nearest(str(value), [str(word) for word in allowed])}"
            )
