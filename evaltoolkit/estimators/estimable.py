"""Normal equations of block-structured regressions: assembling, inverting, and what the rows can tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array

Blocks = npt.NDArray[np.intp]

NOT_IDENTIFIED = "not identified by the rows observed"

# of a matrix with unit diagonal: smaller pivots and eigenvalues are rounding error
_PIVOT = 1e-9
_EIGENVALUE = 1e-11
_LOADING = 1e-6


class Inverse(NamedTuple):
    """Inverse (p, p) of a Gram matrix, and the directions (p, m) about which it says nothing."""

    matrix: Array
    null: Array


def invert(gram: Array) -> Inverse:
    """Invert a Gram matrix, whatever the units of its columns; a generalised inverse where it is singular."""
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = gram / np.outer(scale, scale)
    p = len(gram)
    if p and _has_pivots(scaled):
        return Inverse(np.asarray(np.linalg.inv(scaled) / np.outer(scale, scale)), np.zeros((p, 0)))
    values, vectors = np.linalg.eigh(scaled)
    kept = values > _EIGENVALUE * max(1.0, values.max(initial=0.0))
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    # what is rounding error in a direction must be zero, or it would look like a share of one where nothing else is
    null = np.where(np.abs(vectors[:, ~kept]) > _LOADING, vectors[:, ~kept], 0.0)
    return Inverse(np.asarray(inverse / np.outer(scale, scale)), np.asarray(null / scale[:, None]))


def are_estimable(null: Array, functionals: Array) -> npt.NDArray[np.bool_]:
    """Whether linear functionals (p, k) of the parameters are the same in every solution of the normal equations."""
    if not null.shape[1]:
        return np.ones(functionals.shape[1], bool)
    size = np.abs(null).T @ np.abs(functionals)
    return np.asarray((np.abs(null.T @ functionals) <= _LOADING * size.max(axis=0)).all(axis=0))


def add_blocks(gram: Array, rows: Blocks, columns: Blocks, values: Array) -> None:
    """Add the blocks ``values`` (m, q, q) to ``gram`` (b, b, q, q); blocks numbered -1 have no parameter."""
    has = (rows >= 0) & (columns >= 0)
    np.add.at(gram, (rows[has], columns[has]), values[has])


def take_blocks(parameters: Array, blocks: Blocks) -> Array:
    """Return the blocks (m, ...) of ``parameters`` (b, ...); zero for blocks numbered -1."""
    if not len(parameters):
        return np.zeros((len(blocks), *parameters.shape[1:]))
    found = parameters[blocks]
    found[blocks < 0] = 0.0
    return np.asarray(found)


def flatten(gram: Array) -> Array:
    """(b, b, q, q) as one (b q, b q) matrix."""
    blocks, q = gram.shape[0], gram.shape[2]
    return np.asarray(gram.transpose(0, 2, 1, 3).reshape(blocks * q, blocks * q))


def _has_pivots(scaled: Array) -> bool:
    try:
        factor = np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(factor) ** 2 > _PIVOT).all())
