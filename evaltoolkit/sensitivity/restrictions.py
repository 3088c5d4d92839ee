"""What is allowed of the violation: sets of trend differences, as unions of polyhedra."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError, nearest

Array = npt.NDArray[np.float64]
Restriction = Literal["relative_magnitudes", "smoothness", "relative_smoothness"]
Sign = Literal["positive", "negative"]
Shape = Literal["increasing", "decreasing"]
# fewest estimates before the reference period for which a restriction says anything
LEAST_BEFORE = {"relative_magnitudes": 1, "smoothness": 1, "relative_smoothness": 2}


class Assumed(NamedTuple):
    """What is assumed of the trend difference delta (zero in the reference period).

    Attributes
    ----------
    restriction : ``relative_magnitudes``: from one period to the next, delta changes at most ``amount`` times as much
        as in the largest change before treatment. ``smoothness``: the slope of delta changes by at most ``amount``
        between neighbouring periods (0 = a straight line). ``relative_smoothness``: the slope changes at most
        ``amount`` times as much as in the largest change of slope before treatment.
    sign : the bias after treatment is ``positive`` or ``negative``; None = either
    shape : delta is ``increasing`` or ``decreasing`` throughout; None = either
    """

    restriction: Restriction
    sign: Sign | None = None
    shape: Shape | None = None


class Piece(NamedTuple):
    """One polyhedron {delta : matrix @ delta <= bound}.

    Attributes
    ----------
    matrix : (m, K)
    bound : (m,)
    """

    matrix: Array
    bound: Array


def check_assumed(assumed: Assumed) -> None:
    """Refuse unknown words.

    Raises
    ------
    EvaltoolkitError
        With the nearest valid word.
    """
    known = {"restriction": get_args(Restriction), "sign": get_args(Sign), "shape": get_args(Shape)}
    for name, word in assumed._asdict().items():
        if word is None and name != "restriction":
            continue
        if word not in known[name]:
            choices = known[name]
            raise EvaltoolkitError(
                f'There is no {name} "{word}"; choose from {", ".join(choices)}.{nearest(str(word), choices)}'
            )


def list_pieces(n_pre: int, n_post: int, amount: float, assumed: Assumed) -> list[Piece]:
    """Return the polyhedra whose union is the set of allowed violations.

    Relative restrictions take one polyhedron for each period that could hold the largest change before treatment and
    each direction of that change; the other changes before treatment are then at most as large.

    Parameters
    ----------
    n_pre, n_post : numbers of estimates before and after the reference period
    amount : M (in the unit of the outcome) or Mbar (a ratio), not negative
    assumed : Assumed

    References
    ----------
    Rambachan and Roth (2023), https://doi.org/10.1093/restud/rdad018, section 2.3
    """
    if not amount >= 0:
        raise EvaltoolkitError(f"The amount of violation must be 0 or more; got {amount}.")
    moves = changes(n_pre, n_post)
    if assumed.restriction != "relative_magnitudes":
        moves = np.diff(moves, axis=0)
    extra = _sign_and_shape(n_pre, n_post, assumed)
    if assumed.restriction == "smoothness":
        bound = np.concatenate([np.full(2 * len(moves), amount), np.zeros(len(extra))])
        return [Piece(np.concatenate([moves, -moves, extra]), bound)]
    before = len(moves) - n_post
    factor = np.where(np.arange(len(moves)) < before, 1.0, amount)[:, None]
    pieces = []
    for largest in (sign * moves[place] for place in range(before) for sign in (1.0, -1.0)):
        matrix = np.concatenate([moves - factor * largest, -moves - factor * largest, extra])
        # the largest change is not above itself: an empty row
        matrix = matrix[np.abs(matrix).max(axis=1) > 1e-12]
        pieces.append(Piece(matrix, np.zeros(len(matrix))))
    return pieces


def changes(n_pre: int, n_post: int) -> Array:
    """Return the (K, K) differences of delta between neighbouring periods, the reference period left out."""
    steps = np.diff(np.eye(n_pre + n_post + 1), axis=0)
    return np.delete(steps, n_pre, axis=1)


def _sign_and_shape(n_pre: int, n_post: int, assumed: Assumed) -> Array:
    rows = [np.empty((0, n_pre + n_post))]
    if assumed.sign is not None:
        after = np.eye(n_pre + n_post)[n_pre:]
        rows.append(-after if assumed.sign == "positive" else after)
    if assumed.shape is not None:
        steps = changes(n_pre, n_post)
        rows.append(-steps if assumed.shape == "increasing" else steps)
    return np.concatenate(rows)
