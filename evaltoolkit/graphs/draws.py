"""What a refuter's simulated estimates look like next to the estimate, one way for DoWhy's refuters and our own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def summarise_draws(name: str, estimate: float, values: Array) -> dict[str, object]:
    """Describe the simulated estimates of one refuter.

    Parameters
    ----------
    name : of the refuter
    estimate : undisturbed
    values : (B,) simulated; NaN where a drawn sample had no estimate

    Returns
    -------
    dict
        ``refuter, estimate, refuted, sd, low, high, share_as_large, share_other_sign, simulations``: ``refuted`` the
        mean, ``low`` and ``high`` the 2.5 and 97.5 % points, ``simulations`` how many gave a number. NaN where fewer
        than two did.
    """
    values = values[np.isfinite(values)]
    numbers = np.full(6, np.nan)
    if len(values) > 1:
        # what differs in rounding only is as large: relabelling may give the very same groups back
        as_large = np.abs(values) >= abs(estimate) * (1 - 1e-12)
        other_sign = np.sign(values) != np.sign(estimate)
        low, high = np.quantile(values, [0.025, 0.975])
        numbers = np.array([values.mean(), values.std(ddof=1), low, high, as_large.mean(), other_sign.mean()])
    words = ("refuted", "sd", "low", "high", "share_as_large", "share_other_sign")
    described = {word: float(number) for word, number in zip(words, numbers, strict=True)}
    return {"refuter": name, "estimate": estimate, **described, "simulations": len(values)}
