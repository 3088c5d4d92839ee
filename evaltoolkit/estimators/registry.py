"""The list of estimators, found by walking this package, and the one function that runs them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from evaltoolkit.designs.design import Design
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
    title : for people
    citation : reference with DOI
    diagnostic : True when the result must never carry a verdict
    """

    name: str
    run: Callable[..., Effects]
    options: dict[str, tuple[Any, ...]]
    title: str
    citation: str
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
        Unknown method, option or option value; a stack of outcomes.
    """
    estimators = list_estimators()
    if method not in estimators:
        known = ", ".join(estimators)
        raise EvaltoolkitError(
            f'There is no estimation method "{method}". Known: {known}.{nearest(method, estimators)}'
        )
    chosen = estimators[method]
    _check_options(chosen, options)
    if design.outcome.ndim != 2:
        shape = "x".join(str(side) for side in design.outcome.shape)
        raise EvaltoolkitError(
            f"estimate() takes one outcome (units x periods), this design has {shape}. "
            "Take one outcome out of the stack, or use group_time_points for point estimates of all."
        )
    return chosen.run(design, **options)


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
