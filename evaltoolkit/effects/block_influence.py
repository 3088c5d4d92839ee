"""The influence of every unit on every estimate where a unit enters few of them: blocks of units and estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

# units handled at once: few enough to stay near the processor
_CHUNK = 2048


class Block(NamedTuple):
    """What some units add to the influence: psi[units] += values @ matrix.

    Attributes
    ----------
    units : (m,) numbers of the units
    values : (m, p)
    matrix : (p, k) NaN in the columns of undefined estimates
    """

    units: Rows
    values: Array
    matrix: Array


@dataclass(frozen=True, eq=False)
class BlockInfluence(np.lib.mixins.NDArrayOperatorsMixin):
    """Influence psi (n, k), the sum of blocks, written out only when somebody looks at it.

    Hundreds of group-time effects of a hundred thousand units are mostly zeros, and who asks for an event study needs
    its few columns only.

    Attributes
    ----------
    blocks : the parts
    constant : (k,) what every unit has besides
    n : number of units
    """

    blocks: tuple[Block, ...]
    constant: Array
    n: int

    @property
    def shape(self) -> tuple[int, int]:
        """Units and estimates."""
        return self.n, len(self.constant)

    @property
    def ndim(self) -> int:
        """Two."""
        return 2

    @property
    def T(self) -> Array:  # noqa: N802 - the name that arrays have
        """Written out, transposed."""
        return self.written.T

    @cached_property
    def written(self) -> Array:
        """(n, k), not to be written to."""
        out = np.empty(self.shape)
        out[:] = self.constant
        for units, blocks in self._by_units():
            for first in range(0, len(units), _CHUNK):
                part = slice(first, first + _CHUNK)
                some = out[units[part]]
                for block, columns in blocks:
                    some[:, columns] += block.values[part] @ block.matrix[:, columns]
                out[units[part]] = some
        out.flags.writeable = False
        return out

    def _by_units(self) -> list[tuple[Rows, list[tuple[Block, slice]]]]:
        """Blocks of the same units together, each with the columns that it adds to."""
        found: list[tuple[Rows, list[tuple[Block, slice]]]] = []
        for block in self.blocks:
            used = np.flatnonzero((block.matrix != 0).any(axis=0))
            if not len(used):
                continue
            entry = block, slice(int(used[0]), int(used[-1]) + 1)
            same = next((blocks for units, blocks in found if np.array_equal(units, block.units)), None)
            if same is None:
                found.append((block.units, [entry]))
            else:
                same.append(entry)
        return found

    def __getattr__(self, name: str) -> Any:
        """What arrays have besides: means, sums and the like are those of the array written out."""
        if name.startswith("_") or name in self.__dataclass_fields__:
            raise AttributeError(name)
        return getattr(self.written, name)

    def __len__(self) -> int:
        return self.n

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.written, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        seen = [one.written if isinstance(one, BlockInfluence) else one for one in inputs]
        return getattr(ufunc, method)(*seen, **options)

    def __getitem__(self, key: Any) -> Any:
        """Some estimates of all units stay in blocks; one estimate, or some units, are written out."""
        if isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], slice) and key[0] == slice(None):
            chosen = np.arange(len(self.constant))[key[1]]
            if chosen.ndim == 1:
                return self.transformed([block.matrix[:, chosen] for block in self.blocks], self.constant[chosen])
        return self.written[key]

    def transformed(self, matrices: Sequence[Array], constant: Array) -> BlockInfluence:
        """The same units and values with other matrices (p, m)."""
        blocks = tuple(block._replace(matrix=one) for block, one in zip(self.blocks, matrices, strict=True))
        return replace(self, blocks=blocks, constant=constant)

    def combined(self, weights: Array) -> BlockInfluence:
        """Weighted sums (n, m) of the estimates; ``weights`` (k, m), NaN where a sum is undefined."""
        parts = [block.matrix for block in self.blocks] + [self.constant[None, :]]
        defined = np.all([np.isfinite(one).all(axis=0) for one in parts], axis=0)
        if not defined.all():
            parts = [np.where(defined, one, 0.0) for one in parts]
            weights = np.where((weights[~defined] != 0).any(axis=0), np.nan, weights)
        *matrices, constant = [one @ weights for one in parts]
        return self.transformed(matrices, constant[0])

    def with_shares(self, cohort: Array, unit_weights: Array, by_cohort: Array, cohorts: Array) -> BlockInfluence:
        """Add the influence of the estimated cohort shares; see :func:`~evaltoolkit.effects.influence.add_shares`."""
        more, constant = [], self.constant
        for date, matrix in zip(cohorts, by_cohort, strict=True):
            units = np.flatnonzero(cohort == date)
            weights = unit_weights[units]
            more.append(Block(units, weights[:, None], matrix[None, :]))
            constant = constant - weights.sum() / self.n * matrix
        return replace(self, blocks=(*self.blocks, *more), constant=constant)
