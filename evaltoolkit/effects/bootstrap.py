"""The multiplier bootstrap: influence functions with random signs, for standard errors and simultaneous bands."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.estimates import Estimates
from evaltoolkit.effects.inference import cluster_codes, critical_of, inference_reasons, std_errors
from evaltoolkit.effects.influence import Influence, PartedInfluence, summed
from evaltoolkit.findings import EvaltoolkitError, nearest

Array = npt.NDArray[np.float64]
Law = Literal["rademacher", "mammen"]

# distance of the quartiles of a standard normal
_QUARTILES = 1.3489795003921634
# rows of the influence handled at once
_CHUNK = 4096
_GOLDEN = (1 + 5**0.5) / 2


class Bootstrap(NamedTuple):
    """What the multiplier bootstrap gives.

    Attributes
    ----------
    std_error : (k,) distance of the quartiles of the draws, as a standard deviation; NaN where undefined
    critical : number of analytic standard errors on either side that hold all rows together with the wanted level
    law, draws, level, seed : how it was made
    """

    std_error: Array
    critical: float
    law: str
    draws: int
    level: float
    seed: int


def multiplier_bootstrap(
    effects: Estimates, *, law: Law = "rademacher", draws: int = 999, level: float = 0.95, seed: int = 1
) -> Bootstrap:
    """Return standard errors and the critical value of a simultaneous band from the multiplier bootstrap.

    Every draw multiplies the influence of each cluster by an independent number of mean zero and variance one and
    averages. ``law="rademacher"``: plus or minus one; ``"mammen"``: two points with third moment one. The normal draws
    of :func:`evaltoolkit.effects.inference.critical_value` are the limit of both; they need no pass over units.

    Assumption: many clusters in both arms. With few treated clusters no multiplier makes up for what is not there.

    Parameters
    ----------
    effects : Effects
    law : {"rademacher", "mammen"}
    draws : int
    level : float
        Of the band.
    seed : int

    Returns
    -------
    Bootstrap
        ``critical`` is over the rows that have an interval; NaN where none has.

    Raises
    ------
    EvaltoolkitError
        Unknown law, level out of range, or fewer than 100 draws.

    References
    ----------
    Callaway and Sant'Anna (2021), https://doi.org/10.1016/j.jeconom.2020.12.001, section 4.
    """
    if law not in get_args(Law):
        raise EvaltoolkitError(
            f'There is no law "{law}". Known: {", ".join(get_args(Law))}.{nearest(law, get_args(Law))}'
        )
    if draws < 100 or not 0 < level < 1:
        raise EvaltoolkitError("The bootstrap needs at least 100 draws, and a level between 0 and 1.")
    sums = summed(effects.influence, cluster_codes(effects.clusters, effects.units))
    drawn = _draw(sums, law, draws, np.random.default_rng(seed)) / len(effects.units)
    errors = std_errors(effects)
    low, high = np.percentile(drawn, [25, 75], axis=0)
    shown = np.flatnonzero([reason == "" for reason in inference_reasons(effects)])
    critical = critical_of(np.abs(drawn[:, shown] / errors[shown]).max(axis=1), level) if len(shown) else np.nan
    spread = np.where(np.isfinite(errors), (high - low) / _QUARTILES, np.nan)
    return Bootstrap(spread, critical, law, draws, level, seed)


def _draw(sums: Influence, law: Law, draws: int, rng: np.random.Generator) -> Array:
    """(B, k) sums of the influence of all clusters, each times its multiplier."""
    if not isinstance(sums, PartedInfluence):
        return _products(np.asarray(sums), law, draws, rng)
    out = np.zeros((draws, sums.shape[1]))
    for place, block in enumerate(sums.slopes):
        # linear in the rows: the draws need only as many columns as there are periods
        out += _products(sums.rows[sums.group == place], law, draws, rng) @ block
    return out


def _products(values: Array, law: Law, draws: int, rng: np.random.Generator) -> Array:
    out = np.zeros((draws, values.shape[1]))
    for first in range(0, len(values), _CHUNK):
        part = values[first : first + _CHUNK]
        # single precision is far below the noise of the draws
        out += _multipliers(law, draws, len(part), rng) @ part.astype(np.float32)
    return out


def _multipliers(law: Law, draws: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    if law == "rademacher":
        width = -(-count // 8)
        bits = np.frombuffer(rng.bytes(draws * width), dtype=np.uint8).reshape(draws, width)
        signs = np.unpackbits(bits, axis=1, count=count).astype(np.float32)
        signs *= 2
        signs -= 1
        return signs
    first = rng.random((draws, count), dtype=np.float32) < _GOLDEN / 5**0.5
    return np.where(first, np.float32(1 - _GOLDEN), np.float32(_GOLDEN))
