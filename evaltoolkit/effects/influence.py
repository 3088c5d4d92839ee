"""The influence of every unit on every estimate: as an array, or held in parts where it is linear in the outcome.

Hundreds of estimates of a hundred thousand units need not be written out to know their covariance: within a cohort the
influence is the unit's own series times one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.block_influence import BlockInfluence

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

# rows handled at once: few enough to stay near the processor
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class PartedInfluence(np.lib.mixins.NDArrayOperatorsMixin):
    """Influence psi (n, k) = rows (n, p) @ slopes[group], written out only when somebody looks at it.

    Attributes
    ----------
    rows : (n, p) the weighted series of a unit, free of its own and its group's level, then its weight, then one
    group : (n,) number of the unit's group
    slopes : (C, p, k) how the estimates depend on the rows of each group; NaN in the columns of undefined estimates
    cohorts : (C,) the first treated time of each group
    """

    rows: Array
    group: Codes
    slopes: Array
    cohorts: Array
    # cross products of the rows, kept for every set of estimates that rests on the same rows
    _products: dict[int, Array] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Units and estimates."""
        return len(self.rows), self.slopes.shape[2]

    @property
    def ndim(self) -> int:
        """Two."""
        return 2

    @property
    def T(self) -> Array:  # noqa: N802 - the name that arrays have
        """Written out, transposed."""
        return np.asarray(self, dtype=np.float64).T

    def __len__(self) -> int:
        return len(self.rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        out = np.empty(self.shape)
        for place, block in enumerate(self.slopes):
            mine = self.group == place
            out[mine] = self.rows[mine] @ block
        return out if dtype is None else np.asarray(out, dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        written = [np.asarray(one) if isinstance(one, PartedInfluence) else one for one in inputs]
        return getattr(ufunc, method)(*written, **options)

    def __getitem__(self, key: Any) -> Any:
        """Some estimates of all units stay in parts; one estimate, or some units, are written out."""
        if isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], slice) and key[0] == slice(None):
            chosen = self.slopes[:, :, key[1]]
            if chosen.ndim == 3:
                return replace(self, slopes=chosen)
            return np.asarray(replace(self, slopes=chosen[:, :, None]))[:, 0]
        return np.asarray(self)[key]


Influence = Array | PartedInfluence | BlockInfluence


def combine(influence: Influence, weights: Array) -> Influence:
    """Return the influence (n, m) of weighted sums; ``weights`` (k, m) are zero for undefined estimates.

    A sum is undefined where its weights are NaN, or where it needs an influence that is.
    """
    if isinstance(influence, BlockInfluence):
        return influence.combined(weights)
    parted = isinstance(influence, PartedInfluence)
    values = influence.slopes if isinstance(influence, PartedInfluence) else influence
    # a sum is undefined where one of its terms is: no array of the size of the influence is written
    defined = np.isfinite(values).all(axis=(0, 1)) if parted else np.isfinite(np.ones(len(values)) @ values)
    if not defined.all():
        values = np.where(defined, values, 0.0)
        weights = np.where((weights[~defined] != 0).any(axis=0), np.nan, weights)
    combined = np.asarray(values @ weights)
    return replace(influence, slopes=combined) if isinstance(influence, PartedInfluence) else combined


def add_shares(influence: Influence, cohort: Array, unit_weights: Array, by_cohort: Array, cohorts: Array) -> Influence:
    """Add the influence of the estimated cohort shares.

    Parameters
    ----------
    influence : (n, m)
    cohort, unit_weights : (n,) first treated time and weight of every unit
    by_cohort : (G, m) derivative of the estimates in the share of each cohort
    cohorts : (G,) first treated times
    """
    if isinstance(influence, BlockInfluence):
        return influence.with_shares(cohort, unit_weights, by_cohort, cohorts)
    if isinstance(influence, PartedInfluence):
        member = (influence.cohorts[:, None] == cohorts[None, :]).astype(float)
        total = member.T @ np.bincount(influence.group, unit_weights, len(member)) / len(cohort)
        slopes = influence.slopes.copy()
        slopes[:, -2] += member @ by_cohort
        slopes[:, -1] -= total @ by_cohort
        return replace(influence, slopes=slopes)
    member = (cohort[:, None] == cohorts[None, :]) * unit_weights[:, None]
    shares = (member - member.mean(axis=0)) @ by_cohort
    shares += influence
    return np.asarray(shares)


def summed(influence: Influence, codes: Codes) -> Influence:
    """Return the influence of clusters: the sum over their units; ``codes`` number the clusters 0, 1, ...

    Clusters that lie within one cohort keep the parts apart; others are written out.
    """
    count = int(codes.max(initial=-1)) + 1
    if count == len(codes):
        return influence
    if isinstance(influence, PartedInfluence):
        pairs, place = np.unique(codes * len(influence.slopes) + influence.group, return_inverse=True)
        rows = _sums(influence.rows, place.astype(np.intp), len(pairs))
        held = replace(influence, rows=rows, group=(pairs % len(influence.slopes)).astype(np.intp), _products={})
        return held if len(pairs) == count else _sums(np.asarray(held), pairs // len(influence.slopes), count)
    return _sums(np.asarray(influence), codes, count)


def defined_columns(influence: Influence) -> npt.NDArray[np.bool_]:
    """Return (k,) whether the influence on an estimate is known and not zero for all units."""
    if isinstance(influence, PartedInfluence):
        known, moving = np.isfinite(influence.slopes).all(axis=(0, 1)), np.any(influence.slopes != 0, axis=(0, 1))
    else:
        written = np.asarray(influence)
        known, moving = np.isfinite(written).all(axis=0), np.any(written != 0, axis=0)
    return np.asarray(known & moving)


def gram(influence: Influence) -> Array:
    """Return psi' psi (k, k)."""
    if isinstance(influence, PartedInfluence):
        parts = [block.T @ inner @ block for block, inner in _inner(influence)]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)
    written = np.asarray(influence)
    return np.asarray(written.T @ written, dtype=np.float64)


def square_sums(influence: Influence) -> Array:
    """Return the sums of squares (k,) of every column."""
    if isinstance(influence, PartedInfluence):
        parts = [np.einsum("pk,pk->k", inner @ block, block) for block, inner in _inner(influence)]
        return np.asarray(np.maximum(np.sum(parts, axis=0), 0.0))
    written = np.asarray(influence)
    return np.asarray(np.einsum("ij,ij->j", written, written), dtype=np.float64)


def _inner(influence: PartedInfluence) -> list[tuple[Array, Array]]:
    """Slopes and cross products of the rows of each group."""
    products = influence._products
    if not products:
        products.update(enumerate(_cross_products(influence.rows, influence.group, len(influence.slopes))))
    return [(block, products[place]) for place, block in enumerate(influence.slopes)]


def _cross_products(rows: Array, group: Codes, count: int) -> Array:
    """(C, p, p) cross products of the rows of each group, some rows at a time: they are sorted where they are read."""
    out = np.zeros((count, rows.shape[1], rows.shape[1]))
    for first in range(0, len(rows), _CHUNK):
        codes = group[first : first + _CHUNK]
        order = np.argsort(codes, kind="stable")
        part = rows[first : first + _CHUNK][order]
        bounds = np.searchsorted(codes[order], np.arange(count + 1))
        for place in range(count):
            block = part[bounds[place] : bounds[place + 1]]
            out[place] += block.T @ block
    return out


def _sums(values: Array, codes: Codes, count: int) -> Array:
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(count))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))
