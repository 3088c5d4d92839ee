"""The moments of one polyhedron, combined so that only the parameter is left in them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.sensitivity.rays import cone_rays
from evaltoolkit.sensitivity.restrictions import Piece
from evaltoolkit.sensitivity.vector import Vector

Array = npt.NDArray[np.float64]
Rows = Literal["post", "all"]


class Moments(NamedTuple):
    """Statistics constant - slope * theta, each with mean 0 or less if theta is compatible with the piece.

    They are the vertices of the dual programme: the largest of them is the smallest violation of the piece, in
    standard errors, that effects after treatment with this theta can reach.

    Attributes
    ----------
    constant, slope : (v,)
    combination : (v, K) weights of the estimates in each
    cross : (v, v) covariance
    """

    constant: Array
    slope: Array
    combination: Array
    cross: Array


def combine_moments(vector: Vector, piece: Piece, rows: Rows = "post") -> Moments:
    """Return the combined moments of a piece.

    Parameters
    ----------
    vector : Vector
    piece : Piece
    rows : {"post", "all"}
        Moments in which a period after treatment occurs, or all: moments before treatment alone do not change which
        theta are compatible, but make the test stricter where they are violated.
    """
    matrix, bound = piece.matrix, piece.bound
    if rows == "post":
        touched = (matrix[:, vector.n_pre :] != 0).any(axis=1)
        matrix, bound = matrix[touched], bound[touched]
    rays, slope = cone_rays(matrix[:, vector.n_pre :], vector.weights)
    errors = np.sqrt(np.maximum(np.einsum("mk,kl,ml->m", matrix, vector.sigma, matrix), 0.0))
    scale = rays @ errors
    scaled = rays / scale[:, None]
    combination = scaled @ matrix
    # opposite moments leave nothing: exactly nothing, or rounding would be taken for noise
    combination = np.where(np.abs(combination) < 1e-12 * (scaled @ np.abs(matrix)), 0.0, combination)
    return Moments(
        combination @ vector.beta - scaled @ bound,
        slope / scale,
        combination,
        combination @ vector.sigma @ combination.T,
    )
