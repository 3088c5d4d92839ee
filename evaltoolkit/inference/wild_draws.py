"""Multipliers of the wild cluster bootstrap: their laws, all patterns where they are few, draws elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError, nearest

Array = npt.NDArray[np.float64]
WildLaw = Literal["rademacher", "webb", "mammen"]

# patterns handled at once
_CHUNK = 1024
# up to twelve clusters every pattern of signs is used, however few draws were asked for
_ENUMERATED = 2**11
_COUNTABLE = 300
_GOLDEN = (1 + 5**0.5) / 2
# values of each law; all are equally likely but Mammen's
_POINTS = {
    "rademacher": np.array([-1.0, 1.0]),
    "webb": np.array([-(1.5**0.5), -1.0, -(0.5**0.5), 0.5**0.5, 1.0, 1.5**0.5]),
    "mammen": np.array([_GOLDEN, 1 - _GOLDEN]),
}


class Multipliers(NamedTuple):
    """Patterns of multipliers, one number per cluster.

    Attributes
    ----------
    codes : (B, G) place of every multiplier among ``points``
    points : values of the law
    enumerated : whether these are all patterns (up to a change of all signs, which changes no |t|), each once
    patterns : how many there are that may differ in |t|, or a number beyond any number of draws
    """

    codes: npt.NDArray[np.uint8]
    points: Array
    enumerated: bool
    patterns: float

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Yield the multipliers, some patterns at a time."""
        for first in range(0, len(self.codes), _CHUNK):
            part = slice(first, first + _CHUNK)
            yield part, self.points[self.codes[part]]


def draw_multipliers(law: WildLaw, clusters: int, draws: int, seed: int) -> Multipliers:
    """Return the multipliers of a wild cluster bootstrap.

    All of mean zero and variance one: ``rademacher``, plus or minus one; ``webb``, six points, for few clusters, where
    signs alone give few different statistics; ``mammen``, two points with third moment one.

    Parameters
    ----------
    law : {"rademacher", "webb", "mammen"}
    clusters : int
        G.
    draws : int
        At least 99. With ``rademacher``, all 2^(G-1) patterns are used instead where they are no more than ``draws``,
        and always with up to twelve clusters.
    seed : int

    Raises
    ------
    EvaltoolkitError
        Unknown law, too few draws.

    References
    ----------
    Webb (2023), https://doi.org/10.1111/caje.12661; Mammen (1993), https://doi.org/10.1214/aos/1176349025
    """
    if law not in get_args(WildLaw):
        raise EvaltoolkitError(
            f'There is no law "{law}". Known: {", ".join(get_args(WildLaw))}.{nearest(law, get_args(WildLaw))}'
        )
    if draws < 99:
        raise EvaltoolkitError(f"The wild bootstrap needs at least 99 draws; got {draws}.")
    points = _POINTS[law]
    symmetric = law != "mammen"
    # more than a float can count, with thousands of clusters
    patterns = float(len(points)) ** min(clusters, _COUNTABLE) / (2 if symmetric else 1)
    if law == "rademacher" and patterns <= max(draws, _ENUMERATED):
        return Multipliers(_all_signs(clusters), points, True, patterns)
    rng = np.random.default_rng(seed)
    if law == "rademacher":
        width = -(-clusters // 8)
        bits = np.frombuffer(rng.bytes(draws * width), dtype=np.uint8).reshape(draws, width)
        return Multipliers(np.unpackbits(bits, axis=1, count=clusters), points, False, patterns)
    if law == "webb":
        return Multipliers(rng.integers(6, size=(draws, clusters), dtype=np.uint8), points, False, patterns)
    second = rng.random((draws, clusters)) < _GOLDEN / 5**0.5
    return Multipliers(second.astype(np.uint8), points, False, patterns)


def _all_signs(clusters: int) -> npt.NDArray[np.uint8]:
    """Every pattern whose first sign is plus; the very first is all plus, the sample itself."""
    numbers = np.arange(2 ** (clusters - 1))[:, None]
    return np.asarray(1 - ((numbers >> np.arange(clusters)[::-1]) & 1), dtype=np.uint8)
