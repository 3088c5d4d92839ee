"""What whole columns can be asked without looking at every number twice."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def all_finite(values: Array) -> bool:
    """Whether no number is missing or infinite.

    A sum is finite then, and seldom else: one pass, and nothing as long as the numbers is written.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def constant_within(values: npt.NDArray[Any], length: int) -> bool:
    """Whether numbers that lie in stretches of ``length`` are the same within each; not where one is missing.

    Neighbours are compared, not every number with the first of its stretch: whole columns at once.
    """
    same = values[1:] == values[:-1]
    between = same[length - 1 :: length]
    return bool(len(same) - np.count_nonzero(same) == len(between) - np.count_nonzero(between))


def as_text(codes: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """Return codes as text; whole numbers that increase digit by digit, all of them at once."""
    if codes.dtype.kind not in "iu" or not len(codes) or (codes[1:] < codes[:-1]).any():
        return np.asarray(codes).astype(str)
    if codes[0] < 0 or codes[-1] >= 10**18:
        return np.asarray(codes).astype(str)
    width = len(str(int(codes[-1])))
    numbers: npt.NDArray[Any] = codes.astype(np.int32 if width < 10 else np.int64)
    letters = np.zeros((len(codes), width), dtype=np.uint32)
    # numbers of as many digits lie side by side; zero has one
    bounds = [0, *np.searchsorted(numbers, 10 ** np.arange(1, width)).tolist(), len(codes)]
    for length, (first, last) in enumerate(pairwise(bounds), start=1):
        rest = numbers[first:last]
        for place in range(length - 1, -1, -1):
            head = rest // 10
            letters[first:last, place] = rest - 10 * head + ord("0")
            rest = head
    return letters.view(f"U{width}").ravel()
